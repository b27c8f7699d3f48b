# SPDX-License-Identifier: GPL-2.0-or-later
"""The second job: look at this host's cards twice, and say of each what it does now, what it did in this boot, and what may bite it.

Nothing is changed and no frame is sent. What another host was like, from a snapshot, is judged by ``check_saved``.
"""

from collections.abc import Callable, Sequence

from nicmedic.app.explain import Gathered, Request, gather
from nicmedic.diagnosis.boot_log import NicLog, find_boot, find_lost, select_facts, select_log
from nicmedic.diagnosis.evidence import Evidence
from nicmedic.diagnosis.risk import RiskView, find_risks
from nicmedic.diagnosis.stall import find_stall, wants_another_look
from nicmedic.diagnosis.verdict import Case, judge_nic
from nicmedic.knowledge.base import KnowledgeBase
from nicmedic.model.checkup import Checkup
from nicmedic.model.counters import Counters, Looks
from nicmedic.model.errors import NoSuchInterfaceError
from nicmedic.model.host import Host
from nicmedic.model.nic import Nic
from nicmedic.ports.clock import Clock
from nicmedic.ports.logs import LogSource
from nicmedic.ports.machine import Machine
from nicmedic.report.escape import escape_terminal

__all__ = ["check", "check_saved", "read_boot_log", "read_looks"]

_CONFIRM_S = 0.2
"""What two looks show is confirmed by a third, so much later."""
_LEAST_WAIT_S = 0.1
"""Some wait there must be, for its length shows whether this host has a processor to spare."""
_MOST_NAMES = 12


class _Waits:
    """Waits, and how much too long they took."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.late_s = 0.0

    def wait_until(self, moment_s: float) -> None:
        """At least for a moment."""
        begin = self._clock.read_monotonic_s()
        asked = max(_LEAST_WAIT_S, moment_s - begin)
        self._clock.wait_s(asked)
        self.late_s += max(0.0, self._clock.read_monotonic_s() - begin - asked)


def read_looks(machine: Machine, clock: Clock, nics: Sequence[Nic], wait_s: float, meanwhile: Callable[[], None]) -> Looks:
    """Look at cards twice, and where they seem to stand still once more.

    Args:
        machine: the host.
        clock: for the waiting.
        nics: as they were just read.
        wait_s: between the first and the second look; 0: no looks at all.
        meanwhile: what is to be done in that time.
    """
    if wait_s <= 0 or not nics:
        meanwhile()
        return Looks()
    names = [nic.interface for nic in nics]
    begin, waits = clock.read_monotonic_s(), _Waits(clock)
    rounds = [machine.read_counters(names)]
    meanwhile()
    waits.wait_until(begin + wait_s)
    rounds.append(machine.read_counters(names))
    doubtful = [nic for nic, looks in zip(nics, zip(*rounds, strict=True), strict=True) if wants_another_look(nic, looks)]
    if not doubtful:
        return Looks(by_name=_by_name(rounds), late_s=waits.late_s)
    waits.wait_until(clock.read_monotonic_s() + _CONFIRM_S)
    rounds.append(machine.read_counters(names))
    by_name = _by_name(rounds)
    standing = any(find_stall(nic, by_name[nic.interface]).reasons for nic in doubtful)
    later = machine.read_host().nics if standing else ()
    return Looks(by_name=by_name, late_s=waits.late_s, later_statistics={nic.interface: nic.driver_statistics or {} for nic in later})


def _by_name(rounds: Sequence[Sequence[Counters]]) -> dict[str, tuple[Counters, ...]]:
    return {looks[0].interface: looks for looks in zip(*rounds, strict=True)}


def _select(host: Host, name: str | None) -> Sequence[Nic]:
    """The cards that were asked for.

    Raises:
        NoSuchInterfaceError: there is none of that name.
    """
    if name is None:
        return host.nics
    found = host.find_nic(name)
    if found is not None:
        return [found]
    names = [escape_terminal(nic.interface) for nic in host.nics]
    listed = ", ".join(names[:_MOST_NAMES]) + (f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else "")
    shown = escape_terminal(name)
    if any(link.interface == name for link in host.links):
        below = [escape_terminal(nic.interface) for nic in host.nics if any(upper.interface == name for upper in nic.uppers or ())]
        message = f"{shown}: is no network card" + (f"; it stands on {', '.join(below)}" if below else "")
        raise NoSuchInterfaceError(message, hint="nicmedic check" + (f" {below[0]}" if below else ""))
    message = (
        f"{shown}: there is no such network card; there {'is' if len(names) == 1 else 'are'} {listed}"
        if names
        else f"{shown}: there is no such network card; {_say_why_none(host)}"
    )
    raise NoSuchInterfaceError(message, hint="nicmedic check   # all of them")


def _say_why_none(host: Host) -> str:
    unlisted = Checkup(host=host, verdicts=()).unlisted
    return "this host has none at all" if unlisted is None else f"which there are cannot be read ({unlisted.detail})"


def check(
    machine: Machine,
    logs: LogSource,
    clock: Clock,
    knowledge: KnowledgeBase,
    add_owners: Callable[[Host], Host],
    *,
    name: str | None = None,
    wait_s: float = 1.0,
) -> Checkup:
    """Look at this host.

    Args:
        machine: the host.
        logs: for what the kernel said in this boot.
        clock: for the waiting.
        knowledge: what is known of drivers.
        add_owners: finds the network manager of each card.
        name: of the only card to be told of; None: all.
        wait_s: between the looks; 0: only one.

    Raises:
        NoSuchInterfaceError: there is no card of that name.
    """
    host = machine.read_host()
    nics = _select(host, name)
    read: list[tuple[Gathered, Host]] = []

    def read_rest() -> None:
        read.append((gather(logs.open_boot_log(), knowledge, Request(fast=False)), add_owners(host)))

    looks = read_looks(machine, clock, nics, wait_s, read_rest)
    gathered, owned = read[0]
    return _judge(owned, name, looks, gathered, knowledge)


def check_saved(host: Host, looks: Looks, logs: LogSource, knowledge: KnowledgeBase, *, path: str, name: str | None = None) -> Checkup:
    """Judge a host by what was saved of it.

    Args:
        host: as it was.
        looks: that were taken then; may be empty.
        logs: opens the kernel logs that were saved with it.
        knowledge: what is known of drivers.
        path: where it was saved.
        name: of the only card to be told of; None: all.

    Raises:
        NoSuchInterfaceError: there is no card of that name.
    """
    gathered = gather(logs.open_logs([path]), knowledge, Request(names=(path,), fast=False))
    return _judge(host, name, looks, gathered, knowledge)


def _judge(host: Host, name: str | None, looks: Looks, gathered: Gathered, knowledge: KnowledgeBase) -> Checkup:
    nics = _select(host, name)
    boot = find_boot(gathered.evidence, host)
    view = RiskView(host=host, facts=select_facts(gathered.evidence, boot))
    verdicts = [judge_nic(_build_case(nic, host, looks, _read_log(nic, gathered.evidence, boot), view, knowledge)) for nic in nics]
    return Checkup(
        host=host,
        verdicts=tuple(verdicts),
        seconds_between_looks=looks.seconds,
        notes=tuple(_notes(host, gathered, looks)),
        lost=find_lost(host, gathered.evidence, boot),
    )


def _read_log(nic: Nic, evidence: Evidence, boot: int | None) -> NicLog:
    return select_log(nic, evidence, boot) if boot is not None else NicLog()


def read_boot_log(host: Host, nic: Nic, logs: LogSource, knowledge: KnowledgeBase) -> NicLog:
    """What the kernel said of one card in this boot."""
    evidence = gather(logs.open_boot_log(), knowledge, Request(fast=False)).evidence
    return _read_log(nic, evidence, find_boot(evidence, host))


def _build_case(nic: Nic, host: Host, looks: Looks, log: NicLog, view: RiskView, knowledge: KnowledgeBase) -> Case:
    risks, settle = find_risks(nic, view, knowledge)
    return Case(
        nic=nic,
        host=host,
        looks=looks.by_name.get(nic.interface, ()),
        later_statistics=looks.later_statistics.get(nic.interface),
        late_s=looks.late_s,
        log=log,
        risks=risks,
        settle=settle,
    )


def _notes(host: Host, gathered: Gathered, looks: Looks) -> list[str]:
    """What limits the answer."""
    notes = [error.message for error in gathered.errors]
    first = min((boot.first_uptime_s for boot in gathered.evidence.boots[-1:] if boot.first_uptime_s is not None), default=None)
    if first is not None and first > 60 and host.uptime_s is not None:
        notes.append(
            f"the kernel's ring buffer begins {first:.0f} s after boot; nicmedic explain reads the journal, which may go further back"
        )
    if host.is_root is False and any(note.root_would_help for nic in host.nics for note in nic.notes):
        refused = sorted({note.what for nic in host.nics for note in nic.notes if note.root_would_help})
        more = f" and {len(refused) - 5} more" if len(refused) > 5 else ""
        notes.append(f"root would also see: {', '.join(refused[:5])}{more}")
    if looks.late_s > 0.5:
        notes.append(f"this host has no processor to spare: waiting took {looks.late_s:.1f} s longer than asked")
    return notes
