# SPDX-License-Identifier: GPL-2.0-or-later
"""What the knowledge says may go wrong with this card, this kernel and these settings, before it has.

A risk is told where all of this holds, and nothing less, for a warning that everybody gets is read by nobody:

- the cause is one of the card's own driver, and gives sources;
- one of its clauses names the chip, the kernel or the machine, and holds: a virtual machine alone is no risk. Clauses that ask for something
  that happened are passed over, for nothing has;
- what speaks against it weighs less than what speaks for it;
- the first of its remedies that is a setting is not in force yet; or, where none is a setting, a range of kernels that ends names this one.

Kernels of distributions that take fixes over without a new upstream number (RHEL, Ubuntu, SUSE, …) are not judged by ranges that end:
the fix may be in.
Not for what happened already: that is ``diagnose``.
"""

import dataclasses
import re
from collections.abc import Iterable, Sequence

from nicmedic.diagnosis.evidence import BootView, NicCase, shares
from nicmedic.diagnosis.settings import SETTING_REMEDIES, find_exposed_setting, is_setting_unknown
from nicmedic.diagnosis.weigh import holds
from nicmedic.kernlog.events import Fact
from nicmedic.knowledge.base import KnowledgeBase
from nicmedic.knowledge.values import Advice, Cause, Clause
from nicmedic.model.boot import Boot
from nicmedic.model.checkup import Reason, Risk
from nicmedic.model.explanation import Unknown
from nicmedic.model.host import Host, Machine
from nicmedic.model.names import shell_name
from nicmedic.model.nic import Nic

__all__ = ["RiskView", "find_risks"]

_LEAST_POINTS = 0.4
_IDENTITY = frozenset({"kernel", "release", "chip", "virtualization", "hardware", "signal", "speed_max_mbps", "duplex"})
"""Keys that can be held against a host at rest; ``signal`` as far as it is a fact."""
_NAMING = frozenset({"kernel", "release", "chip", "hardware", "signal"})
_OTHER_KEYS = frozenset({"weight", "because"})
_TAKES_FIXES_OVER = re.compile(r"\.el\d|\.amzn\d|\.uek|-default$")
_HIDES_POINT_RELEASE = re.compile(r"^\d+\.\d+\.0-\d+-[a-z]+")
_POINT_RELEASE = re.compile(r"^\d+\.\d+\.\d+")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RiskView:
    """What risks are found from."""

    host: Host
    facts: Sequence[Fact] = ()
    """Of the kernel log of this boot: chips, versions."""


def _hardware(machine: Machine | None) -> str | None:
    if machine is None:
        return None
    return " ".join(filter(None, (machine.vendor, machine.product, machine.board))) or None


def _boot_of(host: Host) -> Boot:
    return Boot(
        index=0,
        host=host.hostname,
        kernel_release=host.kernel_release,
        kernel_package=host.kernel_package,
        distro=host.distro_id,
        virtualization=None if host.virtualization is None else host.virtualization.kind,
        hardware=_hardware(host.machine),
        boot_id=host.boot_id,
        first_time=None,
        last_time=None,
        first_uptime_s=None,
        last_uptime_s=host.uptime_s,
        started="first",
    )


def _keys(clause: Clause) -> frozenset[str]:
    names = (field.name for field in dataclasses.fields(clause))
    return frozenset(name for name in names if name not in _OTHER_KEYS and getattr(clause, name) is not None)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Judge:
    """Holds clauses against one card at rest."""

    nic: Nic
    view: BootView
    case: NicCase
    fixes_hidden: bool

    def holds(self, clause: Clause, file: str) -> bool:
        keys = _keys(clause)
        if not keys or not keys <= _IDENTITY:
            return False
        if clause.kernel is not None and self.fixes_hidden and "<" in clause.kernel:
            return False
        link = self.nic.link
        if clause.duplex is not None and (link is None or link.duplex is None or link.duplex.value != clause.duplex):
            return False
        if clause.speed_max_mbps is not None and (link is None or link.speed_mbps is None or link.speed_mbps > clause.speed_max_mbps):
            return False
        at_rest = dataclasses.replace(clause, duplex=None, speed_max_mbps=None)
        return holds(at_rest, file, self.view, self.case)[0]


def _build_judge(nic: Nic, view: RiskView, aliases: Iterable[str]) -> _Judge:
    facts = [fact for fact in view.facts if shares(fact, (nic.driver, nic.interface, nic.bus_address))]
    boot_view = BootView(boot=_boot_of(view.host), facts=facts)
    case = NicCase(
        host=view.host.hostname,
        driver=nic.driver,
        interface=nic.interface,
        bus=nic.bus_address,
        views=[boot_view],
        hangs=[],
        aliases=frozenset(aliases),
    )
    return _Judge(nic=nic, view=boot_view, case=case, fixes_hidden=_hides_fixes(view.host))


def _hides_fixes(host: Host) -> bool:
    """Whether the kernel's version does not tell which fixes are in: ``5.14.0-427.el9``, ``5.15.0-91-generic``; Debian's package version does."""
    release = host.kernel_release or ""
    if _TAKES_FIXES_OVER.search(release):
        return True
    return bool(_HIDES_POINT_RELEASE.match(release)) and not _POINT_RELEASE.match(host.kernel_package or "")


def find_risks(nic: Nic, view: RiskView, knowledge: KnowledgeBase) -> tuple[tuple[Risk, ...], tuple[Unknown, ...]]:
    """The risks of a card, and those that only a setting would decide that could not be read."""
    driver = knowledge.find_driver(nic.driver)
    if driver is None:
        return (), ()
    judge = _build_judge(nic, view, driver.names)
    risks: list[Risk] = []
    unknowns: list[Unknown] = []
    for cause in driver.causes:
        found = _weigh(cause, judge) if cause.sources else None
        if found is None:
            continue
        advice = next((advice for advice in cause.remedies if advice.id.value in SETTING_REMEDIES), None)
        exposed = find_exposed_setting(nic, advice) if advice is not None else None
        if exposed is not None or (advice is None and _is_bounded(found)):
            risks.append(_build_risk(cause, found, exposed, advice))
        elif advice is not None and is_setting_unknown(nic, advice):
            unknowns.append(_ask(cause, nic))
    return tuple(risks), tuple(unknowns)


def _weigh(cause: Cause, judge: _Judge) -> list[Clause] | None:
    """The clauses that speak for it, if they carry."""
    held = [clause for clause in cause.speaks_for if judge.holds(clause, cause.file)]
    points = sum(clause.weight for clause in held) - sum(
        clause.weight for clause in cause.speaks_against if judge.holds(clause, cause.file)
    )
    return held if points >= _LEAST_POINTS and any(_keys(clause) & _NAMING for clause in held) else None


def _is_bounded(clauses: Iterable[Clause]) -> bool:
    return any(clause.kernel is not None and "<" in clause.kernel for clause in clauses)


def _build_risk(cause: Cause, clauses: Sequence[Clause], exposed: Reason | None, advice: Advice | None) -> Risk:
    reasons = [Reason(text=clause.because, source=f"knowledge {cause.key}") for clause in clauses]
    return Risk(
        cause=cause.key,
        title=cause.title,
        reasons=(*((exposed,) if exposed is not None else ()), *reasons),
        remedy=advice.id.value if advice is not None else cause.remedies[0].id.value if cause.remedies else None,
        sources=cause.sources,
    )


def _ask(cause: Cause, nic: Nic) -> Unknown:
    names = {"{interface}": shell_name(nic.interface, "IFACE"), "{bus}": shell_name(nic.bus_address, "BUS")}
    command = cause.settle[0] if cause.settle else ""
    for key, value in {**names, "{driver}": shell_name(nic.driver, "DRIVER")}.items():
        command = command.replace(key, value)
    return Unknown(text=f"Whether this threatens: {cause.title}; the setting that decides it could not be read", command=command)
