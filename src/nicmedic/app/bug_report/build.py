# SPDX-License-Identifier: GPL-2.0-or-later
"""Everything that was read, put together; and which card it is about where nobody said."""

import dataclasses
from collections import Counter
from dataclasses import dataclass, field

from nicmedic.app.bug_report.excerpt import Meant, find_meant
from nicmedic.app.bug_report.facts import select_host_facts, select_nic_facts
from nicmedic.app.bug_report.tried import Done, list_tried
from nicmedic.app.bug_report.unknowns import list_unknowns
from nicmedic.model.blame import Blame
from nicmedic.model.bug_report import BugReport, Excerpt
from nicmedic.model.explanation import Explanation
from nicmedic.model.finding import Finding
from nicmedic.model.history import History
from nicmedic.model.host import Host
from nicmedic.model.nic import Nic

__all__ = ["Material", "build_report", "choose_interface"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What was read of one host. What could not be is in ``troubles``, a sentence each."""

    interface: str | None
    history: History
    blame: Blame
    host: Host | None = None
    explanation: Explanation | None = None
    excerpt: Excerpt | None = None
    done: Done = field(default_factory=Done)
    troubles: tuple[str, ...] = ()


def choose_interface(history: History, host: Host | None, explanation: Explanation | None) -> str | None:
    """The card that hung in most boots; else the one that the log tells of; else the only one there is; else None."""
    boots = Counter(name for boot in history.boots for name in {hang.interface for hang in boot.hangs} if name is not None)
    if boots:
        return boots.most_common(1)[0][0]
    told = Counter(hang.interface for hang in (explanation.hangs if explanation is not None else ()) if hang.interface is not None)
    if told:
        return told.most_common(1)[0][0]
    return host.nics[0].interface if host is not None and len(host.nics) == 1 else None


def _choose_finding(explanation: Explanation | None, meant: Meant) -> Finding | None:
    """The first of this card, for they stand in their order; else the first that names no card, and no other driver."""
    interface = meant.interface
    findings = explanation.findings if explanation is not None else ()
    own = [finding for finding in findings if interface is not None and finding.interface == interface]
    return next(iter(own or [finding for finding in findings if interface is None or _may_be_of(finding, meant)]), None)


def _may_be_of(finding: Finding, meant: Meant) -> bool:
    return finding.interface is None and (finding.driver is None or not meant.drivers or finding.driver in meant.drivers)


def _find_nic(host: Host | None, interface: str | None) -> Nic | None:
    return None if host is None or interface is None else host.find_nic(interface)


def build_report(material: Material, *, made: str, version: str) -> BugReport:
    """The report.

    Args:
        material: what was read.
        made: the present moment, RFC 3339.
        version: of nicmedic.
    """
    host, interface = material.host, material.interface
    nic = _find_nic(host, interface)
    report = BugReport(
        made=made,
        nicmedic=version,
        interface=interface,
        host=None if host is None else select_host_facts(host),
        nic=None if nic is None else select_nic_facts(nic),
        other_nics=tuple(select_nic_facts(one) for one in (host.nics if host is not None else ()) if one is not nic),
        history=material.history,
        blame=material.blame,
        finding=_choose_finding(material.explanation, find_meant(interface, material.history, host, material.explanation)),
        excerpt=material.excerpt,
        tried=list_tried(material.history, interface, material.done, None if host is None else host.boot_id),
    )
    return dataclasses.replace(report, unknowns=list_unknowns(report, material.troubles))
