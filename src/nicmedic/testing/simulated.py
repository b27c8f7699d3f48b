# SPDX-License-Identifier: GPL-2.0-or-later
"""A network card in memory, with queues, byte queue limits and traffic, that can be made to hang, to pause, to lie idle, to lose its link.

Frames go from the stack into a backlog, from there to the card as far as its limit allows (and into ``inflight``), and are then sent. Not for
tests of counters as such: it shows what ``nicmedic.ports.watching.Senses`` would read of a card.
"""

import dataclasses
from collections.abc import Callable

from nicmedic.model.sample import QueueSample, Sample, Signal, SignalKind
from nicmedic.model.watched import Answer, Card

__all__ = ["SimulatedCard", "SimulatedQueue"]

_PROBE_BYTES = 42


@dataclasses.dataclass(slots=True, kw_only=True)
class SimulatedQueue:
    """One transmit queue."""

    inflight: list[int] = dataclasses.field(default_factory=list)
    """Bytes of each frame that the card has."""
    backlog: list[int] = dataclasses.field(default_factory=list)
    handed: int = 0
    tx_timeout: int = 0
    hung: bool = False


class SimulatedCard:
    """One card. Its attributes may be set at any time; ``pass_time`` lets it live."""

    def __init__(
        self, card: Card | None = None, *, has_bql: bool = True, counts_when_handed: bool = False, keep: Callable[[int], int] = lambda _n: 0
    ) -> None:
        """Work, and idle.

        Args:
            card: by default ``eth0`` of e1000e with one queue.
            has_bql: whether its driver tells of bytes in flight.
            counts_when_handed: its driver counts a frame when it gets it, not when it was sent.
            keep: how many of so many frames in flight are not sent yet when somebody looks, as at load.
        """
        self.card = (
            Card(interface="eth0", ifindex=2, driver="e1000e", bus="pci", has_bql=has_bql, speed_mbps=1000) if card is None else card
        )
        self.has_bql, self.counts_when_handed, self._keep = has_bql, counts_when_handed, keep
        self.queues = [SimulatedQueue() for _ in range(self.card.tx_queues)]
        self.is_there = self.up = self.carrier = True
        self.tx_rate = self.rx_rate = 0.0
        """Frames a second."""
        self.frame_bytes = 98
        self.tx_packets = self.tx_bytes = self.rx_packets = self.rx_bytes = 0
        self.most_inflight = 6000
        """Limit of a queue in bytes; for a driver without BQL its ring."""
        self.most_backlog = 1000
        self.paused = False
        """The partner sends pause frames without end."""
        self.pause_frames: int | None = None
        """Counted so far; None: the driver counts none."""
        self.lazy = False
        """The newest frame of a queue is reported as sent only when the next one comes."""
        self.gateway_answers = True
        self.partner_silent = False
        """Nothing comes in."""
        self.renews_every_s = 0.0
        """Its driver takes new counters from the card only so often."""
        self.holds_back = False
        self.lost: bool | None = False
        self._due_tx = self._due_rx = self._due_pause = 0.0
        self._next = 0
        self._renewed: tuple[float, tuple[int, int, int, int]] | None = None

    def hang(self, *queues: int) -> None:
        """Send nothing any more from these queues; without any: from all."""
        for index in queues or range(len(self.queues)):
            self.queues[index].hung = True

    def reset(self) -> None:
        """Be as after a driver's reset: what was in flight is lost, and it works."""
        for queue in self.queues:
            queue.hung = False
            queue.inflight.clear()
        self.carrier = True

    def _signal(self, kind: SignalKind, now_s: float, value: int | None = None, text: str = "") -> tuple[Signal, ...]:
        return (Signal(kind=kind, monotonic_s=now_s, interface=self.card.interface, value=value, text=text),)

    def fire_watchdog(self, now_s: float, queue: int = 0) -> tuple[Signal, ...]:
        """Have the kernel's watchdog expire; gives its line."""
        self.queues[queue].tx_timeout += 1
        text = f"NETDEV WATCHDOG: {self.card.interface} ({self.card.driver}): transmit queue {queue} timed out"
        return self._signal(SignalKind.HANG_LINE, now_s, text=text)

    def set_carrier(self, now_s: float, *, carrier: bool) -> tuple[Signal, ...]:
        """Plug the cable in or out."""
        self.carrier = carrier
        return self._signal(SignalKind.CARRIER, now_s, int(carrier))

    def set_up(self, now_s: float, *, up: bool) -> tuple[Signal, ...]:
        """Switch it on or off, as an administrator does; what was in flight is gone."""
        self.up = up
        for queue in self.queues:
            queue.inflight.clear()
            queue.backlog.clear()
        return self._signal(SignalKind.ADMIN, now_s, int(up))

    def vanish(self, now_s: float) -> tuple[Signal, ...]:
        """Be gone."""
        self.is_there = False
        return self._signal(SignalKind.VANISHED, now_s)

    def appear(self, now_s: float) -> tuple[Signal, ...]:
        """Be back, with a driver that begins to count anew."""
        self.is_there = True
        self.tx_packets = self.tx_bytes = self.rx_packets = self.rx_bytes = 0
        self.queues = [SimulatedQueue() for _ in self.queues]
        return self._signal(SignalKind.APPEARED, now_s)

    def pass_time(self, seconds: float) -> None:
        """Traffic, for so long."""
        if not self.is_there or not self.up or seconds <= 0:
            return
        self._due_tx += self.tx_rate * seconds
        arrivals, self._due_tx = int(self._due_tx), self._due_tx % 1.0
        shares = [arrivals // len(self.queues)] * len(self.queues)
        for _ in range(arrivals % len(self.queues)):
            shares[self._next] += 1
            self._next = (self._next + 1) % len(self.queues)
        for queue, share in zip(self.queues, shares, strict=True):
            self._send(queue, share, self.frame_bytes)
        self._receive(seconds)

    def _receive(self, seconds: float) -> None:
        if self.paused and self.pause_frames is not None:
            # one holds the port for at most 65535 times 512 bit times: 34 ms at 1 Gb/s
            self._due_pause += seconds * 100
            self.pause_frames += int(self._due_pause)
            self._due_pause %= 1.0
        if not self.carrier or self.partner_silent:
            return
        self._due_rx += self.rx_rate * seconds
        frames, self._due_rx = int(self._due_rx), self._due_rx % 1.0
        self.rx_packets += frames
        self.rx_bytes += frames * self.frame_bytes

    def _send(self, queue: SimulatedQueue, frames: int, frame_bytes: int) -> None:
        """Give frames to a queue, and let it send what it can."""
        queue.backlog += [frame_bytes] * frames
        if not self.carrier or queue.hung or self.paused:
            while queue.backlog and sum(queue.inflight) < self.most_inflight:  # as with BQL, the frame that passes the limit still goes
                self._hand(queue, [queue.backlog.pop(0)])
            del queue.backlog[self.most_backlog :]
            return
        waiting, queue.backlog = queue.backlog, []
        self._hand(queue, waiting)
        if waiting:
            room = max(1, self.most_inflight // frame_bytes)
            self._finish(queue, len(queue.inflight) - min(max(self._keep(len(waiting)), int(self.lazy)), len(waiting), room))
        elif not self.lazy:
            self._finish(queue, len(queue.inflight))

    def _hand(self, queue: SimulatedQueue, frames: list[int]) -> None:
        queue.handed += len(frames)
        queue.inflight += frames
        if self.counts_when_handed:
            self.tx_packets += len(frames)
            self.tx_bytes += sum(frames)

    def _finish(self, queue: SimulatedQueue, number: int) -> None:
        """Report the oldest frames as sent."""
        done, queue.inflight = queue.inflight[:number], queue.inflight[number:]
        if not self.counts_when_handed:
            self.tx_packets += len(done)
            self.tx_bytes += sum(done)

    def send_probe(self) -> bool:
        """Ask the gateway; whether it answered, and the answer came in."""
        if not self.up or not self.is_there:
            return False
        queue = self.queues[0]
        before = queue.handed
        self._send(queue, 1, _PROBE_BYTES)
        left = queue.handed > before and self.carrier and not queue.hung and not self.paused
        answered = left and self.gateway_answers and not self.partner_silent
        self.rx_packets += answered
        return answered

    def read_sample(self, now_s: float) -> Sample:
        """As sysfs shows it."""
        if self._renewed is None or now_s - self._renewed[0] >= self.renews_every_s:
            self._renewed = now_s, (self.tx_packets, self.tx_bytes, self.rx_packets, self.rx_bytes)
        tx_packets, tx_bytes, rx_packets, rx_bytes = self._renewed[1]
        return Sample(
            monotonic_s=now_s,
            up=self.up,
            carrier=self.carrier and self.up,
            tx_packets=tx_packets,
            tx_bytes=tx_bytes,
            rx_packets=rx_packets,
            rx_bytes=rx_bytes,
            queues=tuple(QueueSample(sum(queue.inflight) if self.has_bql else None, queue.tx_timeout) for queue in self.queues),
        )

    def look_closer(self, now_s: float) -> Answer:
        """As netlink and the driver tell it."""
        if not self.is_there:
            return Answer(monotonic_s=now_s, lost=self.lost)
        return Answer(
            monotonic_s=now_s,
            queues={index: (queue.handed, sum(queue.backlog)) for index, queue in enumerate(self.queues)},
            holds_back=self.holds_back,
            backlog_bytes=sum(sum(queue.backlog) for queue in self.queues),
            dequeued=sum(queue.handed for queue in self.queues),
            pause_frames=None if self.pause_frames is None else {"rx_flow_control_xoff": self.pause_frames},
            bus_master=True,
            lost=False,
        )
