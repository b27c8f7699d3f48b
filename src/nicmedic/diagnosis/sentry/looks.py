# SPDX-License-Identifier: GPL-2.0-or-later
"""What closer looks and probes have shown, and when the next is due."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from itertools import pairwise

from nicmedic.diagnosis.hold_back import is_pause_counter
from nicmedic.diagnosis.sentry.flights import SHORTEST_FRAME, Flights
from nicmedic.model.watched import Answer

__all__ = ["Asked", "Look", "Looks", "Probes", "Standing"]

_APART_S = 0.15
"""Two looks so far apart show whether a queue is served: a frame of 1500 bytes takes 1.2 ms even at 10 Mb/s."""
_MOST_APART_S = 5.0
_MOST_KEPT = 12
_LEAST_TIMES = 3
_NOBODY_ASKS_S = 1.5
"""So long after it was wanted, a probe that nobody sent does not come any more."""


class Standing(Enum):
    """What the looks say of a queue that seems to stand."""

    OPEN = auto()
    """More is needed."""
    UNKNOWN = auto()
    """They cannot tell: no discipline that counts, or no answer."""
    SERVED = auto()
    """Frames were handed over, and bytes in flight did not grow by them: so some were completed."""
    IDLE = auto()
    """Nothing was handed over, and nothing waits: whatever is in flight stands, and nobody has tried to send more."""
    GROWS = auto()
    """More frames were handed over, and all are in flight still."""
    BLOCKED = auto()
    """Packets wait, and none was taken."""


class Asked(Enum):
    """What became of a probe."""

    OPEN = auto()
    IMPOSSIBLE = auto()
    """There is no gateway, or it cannot be asked."""
    ANSWERED = auto()
    SILENT = auto()


@dataclass(frozen=True, slots=True)
class Look:
    """One closer look, with what was in flight at the sample before it."""

    at_s: float
    answer: Answer
    total: int
    by_queue: Mapping[int, int]

    def handed(self, queue: int | None) -> int | None:
        """Packets that the discipline of a queue, or of all, handed on."""
        queues = self.answer.queues
        if queue is not None:
            return None if queues is None or queue not in queues else queues[queue][0]
        if queues:
            return sum(packets for packets, _ in queues.values())
        return self.answer.dequeued

    def inflight(self, queue: int | None) -> int:
        """Bytes in flight of a queue, or of all, at the sample before."""
        return self.total if queue is None else self.by_queue.get(queue, 0)

    def waits(self, queue: int | None) -> int:
        """Bytes that wait for a queue, or for all."""
        queues = self.answer.queues
        if queue is not None:
            return 0 if queues is None or queue not in queues else queues[queue][1]
        return sum(waiting for _, waiting in queues.values()) if queues else self.answer.backlog_bytes or 0


class Looks:
    """Closer looks: all of the last second, few of the minute before."""

    def __init__(self) -> None:
        """None yet."""
        self._kept: list[Look] = []
        self.wants = False
        """Whether a rule wants one now."""
        self._pause_counts: deque[tuple[float, dict[str, int]]] = deque(maxlen=8)

    def learn(self, answer: Answer, flights: Flights) -> None:
        """One more."""
        inflight = {index: flight.inflight for index, flight in flights.by_queue.items()}
        self._kept.append(Look(answer.monotonic_s, answer, flights.total, inflight))
        if len(self._kept) > _MOST_KEPT:
            self._thin(answer.monotonic_s)
        if answer.pause_frames is not None:
            counts = {name: count for name, count in answer.pause_frames.items() if is_pause_counter(name)}
            self._pause_counts.append((answer.monotonic_s, counts))

    def _thin(self, now_s: float) -> None:
        """Give up the one that is missed least: the older they are, the wider apart they stay."""
        kept = self._kept
        gaps = [
            (kept[place + 1].at_s - kept[place - 1].at_s) / max(now_s - kept[place].at_s, _APART_S) for place in range(1, len(kept) - 1)
        ]
        del kept[1 + gaps.index(min(gaps))]

    @property
    def last(self) -> Look | None:
        """The newest."""
        return self._kept[-1] if self._kept else None

    def want(self, now_s: float, pause_s: float = _APART_S) -> None:
        """Ask for one, unless the last is not so long ago."""
        if self.last is None or now_s - self.last.at_s >= pause_s:
            self.wants = True

    def want_more(self, now_s: float, since_s: float) -> None:
        """Ask for one more: the second soon, each further one later than the one before, so that the first is still there to compare with."""
        number = len(self.since(since_s))
        self.want(now_s, _APART_S if number < 2 else min(_MOST_APART_S, _APART_S * 2.0**number))

    def since(self, since_s: float) -> tuple[Look, ...]:
        """Those that are newer, oldest first."""
        return tuple(look for look in self._kept if look.at_s >= since_s)

    def compare(self, since_s: float, queue: int | None, sampled_s: float, inflight: int, *, least: int = 1) -> Standing:
        """Hold the first look since then against the last.

        Args:
            since_s: older ones say nothing of it.
            queue: None: all together.
            sampled_s: when ``inflight`` was read; bytes handed over before the last look must be in it.
            inflight: of the queue, or of all.
            least: so many frames must have joined those in flight. One more proves nothing where the one before may be reported only then.
        """
        looks = self.since(since_s)
        if any(look.answer.stuck for look in looks):
            return Standing.UNKNOWN
        if len(looks) < 2 or looks[-1].at_s - looks[0].at_s < _APART_S or sampled_s <= looks[-1].at_s:
            return Standing.OPEN
        handed = [packets for look in looks if (packets := look.handed(queue)) is not None]
        if len(handed) < len(looks):
            return Standing.UNKNOWN
        flights = [*(look.inflight(queue) for look in looks), inflight]
        # what was handed over between two looks is in flight at the sample after the second, if nothing was completed
        steps = [(after - before, flights[place + 2] - flights[place]) for place, (before, after) in enumerate(pairwise(handed))]
        if any(packets < 0 or grown < SHORTEST_FRAME * packets for packets, grown in steps):
            return Standing.SERVED
        if steps[-1][0] == 0 and looks[-1].waits(queue) and looks[-2].waits(queue) and not looks[-1].answer.holds_back:
            return Standing.BLOCKED
        # a late report of a small frame before a large one looks like growth too, but not again and again
        times = sum(packets > 0 for packets, _ in steps)
        return Standing.GROWS if handed[-1] - handed[0] >= least and times >= min(least, _LEAST_TIMES) else Standing.IDLE

    def count_pauses(self, since_s: float) -> tuple[int, float] | None:
        """Pause frames that came in between looks since then, and over how many seconds; None: not counted, or not known yet."""
        counts = [item for item in self._pause_counts if item[0] >= since_s]
        if len(counts) < 2:
            return None
        (first_s, first), (last_s, last) = counts[-2], counts[-1]
        return max((count - first.get(name, count) for name, count in last.items()), default=0), last_s - first_s


class Probes:
    """The silent probe: one at a time."""

    def __init__(self) -> None:
        """None was sent."""
        self.wants = False
        """Whether a rule wants one now."""
        self._wanted_s: float | None = None
        self._results: deque[tuple[float, float, bool | None]] = deque(maxlen=8)

    def learn(self, answered: bool | None, now_s: float) -> None:  # noqa: FBT001  # as ports.watching gives it
        """What became of it; of one that nobody wanted any more only an answer counts."""
        if self._wanted_s is not None or answered:
            self._results.append((now_s if self._wanted_s is None else self._wanted_s, now_s, answered))
        self._wanted_s = None

    def begin_turn(self) -> None:
        """Rules are asked anew."""
        self.wants = False

    def end_turn(self) -> None:
        """What nobody wants any more is not waited for."""
        if not self.wants:
            self._wanted_s = None

    def want(self, now_s: float) -> None:
        """Ask for one."""
        self.wants = True
        if self._wanted_s is None:
            self._wanted_s = now_s

    def ask(self, since_s: float, now_s: float) -> Asked:
        """What the newest one that was wanted since then has shown; wants one where there is none."""
        if self._results and self._results[-1][0] >= since_s:
            return _say(self._results[-1][2])
        if self._wanted_s is not None and now_s - self._wanted_s >= _NOBODY_ASKS_S:
            return Asked.IMPOSSIBLE
        self.want(now_s)
        return Asked.OPEN

    def silent_since(self, since_s: float) -> int:
        """How many in a row were not answered, of those that were wanted since then."""
        number = 0
        for wanted_s, _, answered in self._results:
            if wanted_s >= since_s:
                number = number + 1 if answered is False else 0
        return number

    @property
    def is_impossible(self) -> bool:
        """Whether there was nobody to ask the last time."""
        return bool(self._results) and self._results[-1][2] is None

    @property
    def last_s(self) -> float:
        """When the newest came to its end."""
        return self._results[-1][1] if self._results else float("-inf")

    def answered_since(self, since_s: float) -> float | None:
        """When one was answered that was wanted since then."""
        return next((at_s for wanted_s, at_s, answered in self._results if answered and wanted_s >= since_s), None)


def _say(answered: bool | None) -> Asked:  # noqa: FBT001  # as ports.watching gives it
    return Asked.IMPOSSIBLE if answered is None else Asked.ANSWERED if answered else Asked.SILENT
