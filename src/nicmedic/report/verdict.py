# SPDX-License-Identifier: GPL-2.0-or-later
"""The first line: what happened, and where the fault is. It stands alone, because it is what people paste into a chat.

It says no more than was measured: how sure the cause is stands in its first word, and a report that may be a false alarm is called a report.
"""

from collections.abc import Collection, Sequence

from nicmedic.model.durations import say_duration
from nicmedic.model.event import EventKind
from nicmedic.model.explanation import Explanation
from nicmedic.model.finding import Blame, Confidence, Finding, Hang
from nicmedic.report.words import join_names, lower_first, name_nic, say_count, say_times

__all__ = ["NicGroup", "group_findings", "render_verdict"]

_FAULTS = {
    Blame.DRIVER: "the driver's fault",
    Blame.DEVICE: "the card's own fault",
    Blame.FIRMWARE: "the fault of the card's firmware",
    Blame.HOST: "the host's fault, not the NIC's",
    Blame.PLATFORM: "the platform's fault (board, bus, interrupts, power), not the NIC's",
    Blame.LINK: "the link's fault (cable, port, other end), not the NIC's",
    Blame.HYPERVISOR: "the hypervisor's fault, not the NIC's",
    Blame.UNKNOWN: "",
}
_SUSPECTS = {
    Blame.DRIVER: "the driver",
    Blame.DEVICE: "the card",
    Blame.FIRMWARE: "the card's firmware",
    Blame.HOST: "the host",
    Blame.PLATFORM: "the platform",
    Blame.LINK: "the link",
    Blame.HYPERVISOR: "the hypervisor",
    Blame.UNKNOWN: "",
}
_SURE = {Confidence.HIGH: "Most likely", Confidence.MEDIUM: "Probably", Confidence.LOW: "Possibly"}
_NAMES = frozenset({"Google", "Linux", "Realtek", "Intel", "Xen", "Broadcom", "Marvell", "Energy-Efficient"})


class NicGroup:
    """NICs of one driver with the same finding, told once."""

    def __init__(self, finding: Finding) -> None:
        """Begin with the first NIC."""
        self.finding = finding
        self.findings = [finding]

    @property
    def title(self) -> str:
        """All NICs by name, with their driver."""
        first = self.finding
        names = list(dict.fromkeys(name_nic(item.interface, None, item.bus) for item in self.findings))
        if len(names) == 1:
            return name_nic(first.interface, first.driver, first.bus)
        return f"{join_names(names)} ({first.driver})" if first.driver else join_names(names)

    def has(self, hang: Hang, explanation: Explanation) -> bool:
        """Whether a hang is one of these NICs'."""
        host = _find_host(hang, explanation)
        return any((item.host, item.interface, item.driver) == (host, hang.interface, hang.driver) for item in self.findings)


def group_findings(findings: Sequence[Finding]) -> list[NicGroup]:
    """Findings in their order, those that differ in the NIC only put together."""
    groups: dict[tuple[str | None, str | None, str, Confidence], NicGroup] = {}
    for finding in findings:
        key = (finding.host, finding.driver, finding.cause, finding.confidence)
        if key in groups and finding.driver is not None:
            groups[key].findings.append(finding)
        else:
            groups[key] = NicGroup(finding)
    return list(groups.values())


def _find_host(hang: Hang, explanation: Explanation) -> str | None:
    return next((boot.host for boot in explanation.boots if boot.index == hang.boot), None)


def render_verdict(explanation: Explanation) -> str:
    """One or two sentences of plain text, not escaped."""
    if not explanation.findings:
        return _nothing(explanation)
    group = group_findings(explanation.findings)[0]
    top = group.finding
    happened = _what_happened(group, explanation)
    title = lower_first(top.title, _NAMES)
    if top.cause.endswith("/unexplained"):
        likely = f"; suspect {_SUSPECTS[top.blames]} first" if _SUSPECTS[top.blames] else ""
        return f"{happened} The log does not show why{likely}."
    if top.blames is Blame.UNKNOWN:
        return f"{happened} What the log shows: {title}."
    return f"{happened} {_SURE[top.confidence]} {_FAULTS[top.blames]}: {title}."


def _nothing(explanation: Explanation) -> str:
    unread = say_count(len(explanation.errors), "source") + " could not be read" if explanation.errors else ""
    if not explanation.sources:
        return f"Nothing was read: {unread}." if unread else "Nothing was read."
    if any(source.records is None for source in explanation.sources):  # of these, nobody knows how many lines are messages
        size = say_count(sum(source.lines for source in explanation.sources), "line")
    else:
        size = say_count(sum(source.records or 0 for source in explanation.sources), "message")
    where = f"{size} of {say_count(len(explanation.boots), 'boot')}"
    whom = f" of {explanation.interface}" if explanation.interface else ""
    return f"No hang{whom} found in {where}{f'; {unread}' if unread else ''}."


def _what_happened(group: NicGroup, explanation: Explanation) -> str:
    top = group.finding
    hangs = [hang for hang in explanation.hangs if group.has(hang, explanation)] or (
        [] if top.interface or top.bus else list(explanation.hangs)
    )
    if not hangs:
        return _trouble(group, explanation)
    boots = {hang.boot for hang in hangs}
    alarm = "reported a hang" if top.title.startswith("False alarm") else "hung"
    often = f" {say_times(len(hangs))}" if len(hangs) > len(group.findings) * len(boots) else ""
    hosts = {boot.host for boot in explanation.boots}
    among = _among(len(boots), sum(len(hosts) == 1 or boot.host == top.host for boot in explanation.boots))
    first = min((hang.began_uptime_s for hang in hangs if hang.began_uptime_s is not None), default=None)
    several = len(hangs) > 1
    when = f"{', first' if several or among else ''} {say_duration(first)} after boot" if first is not None else ""
    others = [
        name_nic(hang.interface, hang.driver) + _say_host(_find_host(hang, explanation), hosts)
        for hang in explanation.hangs
        if hang not in hangs and hang.interface is not None
    ]
    company = f"; so did {join_names(list(dict.fromkeys(others)))}" if others else ""
    name = group.title if top.interface or top.bus else name_nic(hangs[0].interface, hangs[0].driver)
    return f"{name}{_say_host(top.host, hosts)} {alarm}{often}{among}{when}{company}."


def _say_host(host: str | None, hosts: Collection[str | None]) -> str:
    """The host, where the logs are of several."""
    return f" on {host}" if host is not None and len(hosts) > 1 else ""


def _among(boots: int, of_boots: int) -> str:
    if of_boots < 2:
        return ""
    if boots < of_boots:
        return f" in {boots} of {of_boots} boots"
    return " in both boots" if boots == 2 else f" in all {boots} boots"


def _trouble(group: NicGroup, explanation: Explanation) -> str:
    top = group.finding
    if top.interface is None and top.bus is None and top.driver is None:
        return "No transmit hang of a NIC, but the host is in trouble."
    verb = "are" if len(group.findings) > 1 else "is"
    own = [event for event in explanation.events if event.same_as is None and (event.interface, event.bus) == (top.interface, top.bus)]
    kinds = {event.kind for event in own}
    if EventKind.DEVICE_LOST in kinds:
        return f"{group.title} {verb} lost to the host."
    downs = sum(1 + event.repeated for event in own if event.kind is EventKind.LINK_DOWN)
    if downs > 1 and kinds <= {EventKind.LINK_DOWN, EventKind.LINK_UP, EventKind.OTHER}:
        return f"{group.title} lost the link {say_times(downs)}; no transmit hang shows."
    return f"{group.title} {verb} in trouble; no transmit hang shows."
