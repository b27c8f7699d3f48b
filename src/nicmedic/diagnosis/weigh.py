# SPDX-License-Identifier: GPL-2.0-or-later
"""Hold clauses of the knowledge against one NIC in one boot. What is not known never counts, neither for nor against."""

import datetime
import re
from typing import NamedTuple

from nicmedic.diagnosis.evidence import BootView, NicCase
from nicmedic.kernlog.events import Fact
from nicmedic.knowledge.kernels import is_kernel_in, parse_kernel_range, parse_kernel_version
from nicmedic.knowledge.values import Cause, Clause
from nicmedic.model.event import Event

__all__ = ["Weighed", "holds", "weigh_cause"]


class Weighed(NamedTuple):
    """A cause held against one NIC in one boot."""

    points: float
    reasons: tuple[str, ...]
    against: tuple[str, ...]
    seen: bool
    """Whether something that happened speaks for it, not only what the NIC is."""


def _seen(names: tuple[str, ...], file: str, view: BootView) -> list[Event | Fact]:
    wanted = {name if "/" in name else f"{file}/{name}" for name in names}
    items: list[Event | Fact] = [*view.events, *view.facts]
    return [item for item in items if item.signal in wanted]


def _holds_signal(clause: Clause, file: str, view: BootView) -> tuple[bool, str]:
    if clause.no_signal is not None and _seen(clause.no_signal, file, view):
        return False, ""
    if clause.signal is None and clause.kind is None:
        return True, ""
    found = _seen(clause.signal, file, view) if clause.signal is not None else [event for event in view.events if event.kind == clause.kind]
    if clause.within_s is not None:
        found = [item for item in found if view.is_near(item, clause.within_s)]
    count = sum(1 + item.repeated if isinstance(item, Event) else 1 for item in found)
    if not found or count < (clause.count_min or 1):
        return False, ""
    return True, f"line {found[0].line}" + (f", {count} times" if count > 1 else "")


def _holds_system(clause: Clause, view: BootView) -> bool:
    boot = view.boot
    if clause.kernel is not None:
        version = parse_kernel_version(boot) if boot else None
        if version is None or not is_kernel_in(version, parse_kernel_range(clause.kernel)):
            return False
    if clause.release is not None and (boot is None or boot.kernel_release is None or not re.search(clause.release, boot.kernel_release)):
        return False
    if clause.virtualization is not None and (boot is None or boot.virtualization not in clause.virtualization):
        return False
    if clause.hardware is not None and (
        boot is None or boot.hardware is None or not re.search(clause.hardware, boot.hardware, re.IGNORECASE)
    ):
        return False
    return clause.chip is None or any(re.search(clause.chip, value, re.IGNORECASE) for fact in view.facts for _, value in fact.values)


def _seconds_between(first: Event | None, second: Event) -> float | None:
    """Seconds by the kernel's clock, else by the wall clock of one source; None: unknown."""
    if first is None:
        return None
    if first.uptime_s is not None and second.uptime_s is not None:
        return second.uptime_s - first.uptime_s
    if first.local_time is None or second.local_time is None or first.source != second.source:
        return None
    moments = [datetime.datetime.fromisoformat(event.local_time.replace("--", "2000-", 1)) for event in (first, second) if event.local_time]
    return (moments[1] - moments[0]).total_seconds()


def _holds_time(clause: Clause, view: BootView) -> bool:
    first = min((event for event in view.troubles if event.uptime_s is not None), key=lambda event: event.uptime_s or 0.0, default=None)
    if clause.uptime_max_s is not None and (first is None or first.uptime_s is None or first.uptime_s > clause.uptime_max_s):
        return False
    if clause.after_link_up_max_s is not None:
        passed_s = _seconds_between(view.last_link, view.troubles[0])
        if passed_s is None or not 0 <= passed_s <= clause.after_link_up_max_s:
            return False
    stalls = [event.stall_ms for event in view.troubles if event.stall_ms is not None]
    if clause.stall_ms_min is not None and not any(stall >= clause.stall_ms_min for stall in stalls):
        return False
    return clause.stall_ms_max is None or any(stall <= clause.stall_ms_max for stall in stalls)


def _holds_company(clause: Clause, view: BootView, case: NicCase) -> bool:
    if clause.hangs_min is not None and len(view.hangs) < clause.hangs_min:
        return False
    others = {head.driver for head in view.together} - {None, case.driver} - case.aliases
    if clause.drivers_min is not None and len(others) + (case.driver is not None) < clause.drivers_min:
        return False
    alike = {head.interface or head.bus for head in view.together if head.driver == case.driver}
    return clause.interfaces_min is None or 1 + len(alike) >= clause.interfaces_min


def _holds_link(clause: Clause, view: BootView) -> bool:
    link = view.last_link
    if clause.duplex is not None and (link is None or link.duplex != clause.duplex):
        return False
    if clause.speed_max_mbps is not None and (link is None or link.speed_mbps is None or link.speed_mbps > clause.speed_max_mbps):
        return False
    if clause.dump is not None and not any(clause.dump in event.dump for event in view.troubles):
        return False
    if clause.process is None:
        return True
    return any(event.process is not None and re.search(clause.process, event.process) for event in view.troubles)


def holds(clause: Clause, file: str, view: BootView, case: NicCase) -> tuple[bool, str]:
    """Whether all of a clause holds, and where in the log its signal stands."""
    shown, place = _holds_signal(clause, file, view)
    held = (
        shown
        and _holds_system(clause, view)
        and _holds_time(clause, view)
        and _holds_company(clause, view, case)
        and _holds_link(clause, view)
    )
    return held, place


def _is_happening(clause: Clause) -> bool:
    """Whether a clause speaks of something that happened, not only of what the NIC and its kernel are."""
    identity = {"kernel", "release", "chip", "virtualization", "hardware", "weight", "because"}
    return any(getattr(clause, name) is not None for name in Clause.__dataclass_fields__ if name not in identity)


def weigh_cause(cause: Cause, view: BootView, case: NicCase) -> Weighed:
    """Add up what speaks for and against a cause."""
    points, reasons, against, seen = cause.base, [], [], False
    for clause in cause.speaks_for:
        held, place = holds(clause, cause.file, view, case)
        if held:
            points += clause.weight
            seen = seen or _is_happening(clause)
            reasons.append(f"{clause.because} ({place})" if place else clause.because)
    for clause in cause.speaks_against:
        held, place = holds(clause, cause.file, view, case)
        if held:
            points -= clause.weight
            against.append(f"{clause.because} ({place})" if place else clause.because)
    return Weighed(points, tuple(reasons), tuple(against), seen)
