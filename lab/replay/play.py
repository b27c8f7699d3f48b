# SPDX-License-Identifier: GPL-2.0-or-later
"""What every part of the story has at hand: the server, those who look at it from outside, and the page that it is written on."""

import contextlib
import dataclasses
import itertools
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from lab.agent import Done, Job
from lab.errors import LabError
from lab.probe import Probe
from lab.replay.srv4 import GUESTS, Srv4
from lab.replay.transcript import Transcript
from lab.segment import GUEST, Segment

__all__ = ["FACTOR", "Outage", "Play", "open_play"]

FACTOR = 5
"""By which minutes of the report that the story is made after are compressed."""
LEAST_S = 1.0
"""A shorter silence is no outage: an emulated processor keeps ping waiting now and then."""
LOAD = ("ping", "-n", "-q", "-i", "0.05", "-s", "1400", GUEST)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """Seconds since the epoch."""

    lost: float
    back: float

    @property
    def lasted_s(self) -> float:
        """Without an answer."""
        return self.back - self.lost


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """The stage."""

    srv4: Srv4
    segment: Segment
    page: Transcript
    probes: Mapping[str, Probe]
    """Of the server and its guests, by address; each asks ten times a second, the whole story long."""

    @property
    def probe(self) -> Probe:
        """Of the server itself."""
        return self.probes[GUEST]

    def type(self, command: str, *, most: int = 8, timeout_s: float = 600) -> Done:
        """Type a command on the server's console, and write down the first lines of what it says."""
        self.page.typed(command)
        began = time.monotonic()
        done = self.srv4.run("sh", "-c", f"exec 2>&1; cd /root; {command}", timeout_s=timeout_s)
        self.page.said(done.out, most)
        self.page.took(time.monotonic() - began, done.status)
        return done

    def type_last(self, command: str, *, most: int = 8, timeout_s: float = 600) -> None:
        """As ``type`` for a command at whose end the machine goes down; returns when it has.

        Raises:
            LabError: if it does not.
        """
        self.page.typed(command)
        said = "/run/last"
        job = self.srv4.start("sh", "-c", f"{command} >{said} 2>&1", capture=False)
        until, shown, status = time.monotonic() + timeout_s, "", 0
        while self.srv4.qemu.alive and not status:
            with contextlib.suppress(LabError):
                shown = self.srv4.run("cat", said).out or shown
                status = _find_failure(job)
            if time.monotonic() > until:
                raise LabError(f"the machine has not gone down within {timeout_s} s; {command} said: {shown}")
            time.sleep(0.5)
        if status:
            raise LabError(f"{command} ended with status {status}: {shown}")
        self.page.said(shown, most)

    def type_json(self, command: str, *, timeout_s: float = 600) -> dict[str, Any]:
        """As ``type`` for a figure that the page needs: nothing of it is written down."""
        answer: dict[str, Any] = json.loads(self.srv4.run("sh", "-c", command, timeout_s=timeout_s).out)
        return answer

    def reboot(self) -> Outage:
        """``systemctl reboot``, until all services are up again; how long the server did not answer."""
        self.page.typed("systemctl reboot")
        began = time.time()
        self.srv4.reboot()
        self.probe.wait_back(120)
        outage = max(self.list_outages(began), key=lambda one: one.lasted_s)
        self.page.seen(f"{GUEST} was away for {outage.lasted_s:.1f} s")
        return outage

    def list_outages(self, since: float, address: str = GUEST) -> tuple[Outage, ...]:
        """When the server, or a guest of it, did not answer; what goes on now too."""
        answers = [moment for moment in list(self.probes[address].answers) if moment >= since]
        times = [since, *answers, time.time()]
        return tuple(Outage(lost=one, back=other) for one, other in itertools.pairwise(times) if other - one > LEAST_S)

    def stay(self, seconds: float) -> None:
        """Let it run under load for a while, and write down how long nobody answered."""
        began = time.time()
        time.sleep(seconds)
        for address in self.probes:
            away = self.list_outages(began, address)
            lost = f"away {len(away)} times, {sum(one.lasted_s for one in away):.1f} s" if away else "answered all the time"
            self.page.seen(f"{address} {lost}, in {seconds:.0f} s under load")


def _find_failure(job: Job) -> int:
    """With which status a command has failed; 0 while it runs, if it ended well, and if the machine ended it as it went down."""
    done = job.poll()
    return 0 if done is None or done.status > 127 else done.status


@contextlib.contextmanager
def open_play() -> Iterator[Play]:
    """Build the server, switch it on, and look at it."""
    page = Transcript()
    with contextlib.ExitStack() as stack:
        segment = stack.enter_context(Segment())
        srv4 = stack.enter_context(Srv4(segment))
        page.began = time.time()
        probes = {address: stack.enter_context(segment.probe(address)) for address in (GUEST, *GUESTS.values())}
        load = segment.start(*LOAD)
        stack.callback(load.wait)
        stack.callback(load.kill)
        yield Play(srv4=srv4, segment=segment, page=page, probes=probes)
