# SPDX-License-Identifier: GPL-2.0-or-later
"""The explanation for a person: the verdict in the first line, then what happened, why, what to try, what is not known."""

from collections.abc import Iterator, Sequence

from nicmedic.kernlog.hangs import is_warn_once
from nicmedic.model.boot import Boot
from nicmedic.model.event import Event, EventKind
from nicmedic.model.explanation import Explanation
from nicmedic.model.finding import Blame, Confidence, Finding, Hang, RankedRemedy
from nicmedic.remedy.catalog import Target, describe_remedy
from nicmedic.report.escape import escape_terminal
from nicmedic.report.style import Style

__all__ = ["render_explain_text", "render_verdict"]

_MOST_EVENTS = 12
_MOST_REMEDIES = 5
_MOST_FINDINGS = 4
_MOST_UNKNOWNS = 6

_PLACES = {
    Blame.DRIVER: "the driver",
    Blame.DEVICE: "the card itself",
    Blame.FIRMWARE: "the card's firmware",
    Blame.HOST: "the host, not the NIC",
    Blame.PLATFORM: "the platform (board, bus, interrupts, power), not the NIC",
    Blame.LINK: "the link (cable, port, partner), not the NIC",
    Blame.HYPERVISOR: "the hypervisor, not the NIC",
    Blame.UNKNOWN: "not shown by this log",
}
_SURE = {Confidence.HIGH: "almost certainly", Confidence.MEDIUM: "probably", Confidence.LOW: "perhaps"}


def _duration(seconds: float) -> str:
    """Seconds as people say them.

    >>> _duration(551.3), _duration(7200), _duration(338691)
    ('551 s', '2.0 h', '3.9 days')
    """
    if seconds < 1000:  # three digits are still read at a glance
        return f"{seconds:.0f} s"
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.1f} days"  # two days


def _nic(interface: str | None, driver: str | None, bus: str | None = None) -> str:
    name = interface or bus
    if name is None:
        return f"a NIC of {driver}" if driver else "the host"
    return f"{name} ({driver})" if driver else name


def render_verdict(explanation: Explanation) -> str:
    """One sentence: what happened, and where the fault is. Plain text, not escaped."""
    if not explanation.findings:
        if not explanation.sources:
            return "Nothing was read."
        records = sum(source.records if source.records is not None else source.lines for source in explanation.sources)
        boots = len(explanation.boots)
        return f"No hang found in {records} lines of {boots} boot{'s' if boots != 1 else ''}."
    top = explanation.findings[0]
    hangs = [hang for hang in explanation.hangs if (hang.interface, hang.driver) == (top.interface, top.driver)] or list(explanation.hangs)
    happened = _what_happened(top, hangs, explanation)
    if top.cause.endswith("/unexplained"):
        likely = "" if top.blames is Blame.UNKNOWN else f"; {_PLACES[top.blames]} is the likeliest place"
        return f"{happened} This log does not show why{likely}."
    if top.blames is Blame.UNKNOWN:
        return f"{happened} What the log shows: {top.title[:1].lower()}{top.title[1:]}."
    return f"{happened} The fault is {_SURE[top.confidence]} {_PLACES[top.blames]}: {top.title[:1].lower()}{top.title[1:]}."


def _what_happened(top: Finding, hangs: Sequence[Hang], explanation: Explanation) -> str:
    if not hangs:
        return (
            f"{_nic(top.interface, top.driver, top.bus)}: no transmit hang, but trouble.".capitalize()
            if top.interface is None
            else (f"{_nic(top.interface, top.driver, top.bus)} is in trouble.")
        )
    first = hangs[0]
    boots = len({hang.boot for hang in hangs})
    name = _nic(first.interface, first.driver, top.bus)
    often = "hung" if len(hangs) == 1 else f"hung {len(hangs)} times" + (f" in {boots} boots" if boots > 1 else "")
    others = {hang.interface for hang in explanation.hangs} - {first.interface}
    when = f", first {_duration(first.began_uptime_s)} after boot" if first.began_uptime_s is not None else ""
    company = f"; so did {', '.join(sorted(filter(None, others)))}" if any(others) else ""
    return f"{name} {often}{when}{company}."


def render_explain_text(explanation: Explanation, style: Style) -> str:
    """The whole answer, ready to be printed."""
    sections = [
        style.wrap(render_verdict(explanation), paint=("bold", "red") if explanation.findings else ("bold", "green"), rest=""),
        *_timeline(explanation, style),
        *_why(explanation, style),
        *_what_to_try(explanation, style),
        *_unknown(explanation, style),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _title(text: str, style: Style) -> str:
    return style.paint(text, "bold")


# What happened ---------------------------------------------------------------------------------------------------------------


def _boot_line(boot: Boot) -> str:
    parts = [f"boot {boot.index + 1}"]
    if boot.host:
        parts.append(boot.host)
    if boot.kernel_release:
        build = f" ({boot.kernel_package})" if boot.kernel_package and boot.kernel_package != boot.kernel_release else ""
        parts.append(f"Linux {boot.kernel_release}{build}")
    elif boot.kernel_package:
        parts.append(f"kernel {boot.kernel_package}")
    parts += [part for part in (boot.distro, boot.virtualization, boot.hardware) if part]
    return ", ".join(parts)


def _event_line(event: Event, style: Style) -> str:
    clock = (event.local_time or "").replace("T", " ").removeprefix("--")[:19]
    uptime = f"{event.uptime_s:.1f} s" if event.uptime_s is not None else ""
    again = f"  (and {event.repeated} more like it)" if event.repeated else ""
    lead = "    " + "  ".join(part for part in (clock, f"{uptime:>11}" if uptime else "") if part)
    return style.wrap(event.text + again, first=lead + "  ", rest="      ")


def _chosen_events(events: Sequence[Event], style: Style) -> tuple[list[Event], int]:
    """What a reader must see first: hangs and faults; links only around them. And how many are left out."""
    shown = [event for event in events if event.same_as is None]
    if style.more or len(shown) <= _MOST_EVENTS:
        return shown, 0
    weighty = [event for event in shown if event.kind not in (EventKind.LINK_UP, EventKind.LINK_DOWN, EventKind.OTHER)]
    chosen = weighty if 0 < len(weighty) <= _MOST_EVENTS else (weighty or shown)
    if len(chosen) > _MOST_EVENTS:
        half = _MOST_EVENTS // 2
        chosen = [*chosen[:half], *chosen[-half:]]
    return chosen, len(shown) - len(chosen)


def _timeline(explanation: Explanation, style: Style) -> Iterator[str]:
    if not explanation.events or not explanation.findings:
        return
    lines = [_title("What happened", style)]
    for boot in explanation.boots:
        events = [event for event in explanation.events if event.boot == boot.index]
        if not events:
            continue
        lines.append(style.wrap(_boot_line(boot), first="  ", rest="    ", paint=("blue",)))
        chosen, left_out = _chosen_events(events, style)
        half = len(chosen) // 2
        for number, event in enumerate(chosen):
            if left_out and number == half:
                lines.append(f"    … {left_out} more events: --all shows them")
            lines.append(_event_line(event, style))
        if any(map(is_warn_once, events)):
            lines.append(
                style.wrap(
                    "(This kernel prints only the first watchdog line of a boot; later hangs leave no line.)", first="    ", paint=("dim",)
                )
            )
    yield "\n".join(lines)


# Why -------------------------------------------------------------------------------------------------------------------------


def _why(explanation: Explanation, style: Style) -> Iterator[str]:
    if not explanation.findings:
        return
    findings = explanation.findings if style.more else explanation.findings[:_MOST_FINDINGS]
    lines = [_title("Why", style)]
    for number, finding in enumerate(findings, 1):
        blames = f"{finding.blames}, {finding.confidence} confidence" if finding.blames is not Blame.UNKNOWN else "cause unknown"
        head = f"{number}. {_nic(finding.interface, finding.driver, finding.bus)}: {finding.title} [{blames}]"
        lines.append(style.wrap(head, first="  ", rest="     ", paint=("yellow",)))
        lines += [style.wrap(reason, first="     + ", rest="       ") for reason in finding.reasons]
        lines += [style.wrap(reason, first="     - ", rest="       ") for reason in finding.against]
        if finding.explains and (number == 1 or style.more):
            lines.append(style.wrap(finding.explains, first="     "))
    if len(findings) < len(explanation.findings):
        lines.append(f"  … {len(explanation.findings) - len(findings)} more findings: --all shows them")
    yield "\n".join(lines)


# What to try -----------------------------------------------------------------------------------------------------------------


def _tally(remedy: RankedRemedy) -> str:
    parts = [
        f"{word} {count}"
        for word, count in (("worked", remedy.worked), ("helped in part", remedy.partial), ("failed", remedy.failed))
        if count
    ]
    return f" [reports: {', '.join(parts)}]" if parts else ""


def _remedy_lines(number: int, remedy: RankedRemedy, target: Target, style: Style) -> Iterator[str]:
    made = describe_remedy(remedy, target)
    yield style.wrap(f"{number}. {remedy.id}: {made.title}{_tally(remedy)}", first="  ", rest="     ", paint=("green",))
    # Commands are never wrapped: they are there to be copied.
    yield from (f"       {escape_terminal(command)}" for command in made.commands)
    yield from (f"     {'undo: ' if place == 0 else '      '}{escape_terminal(command)}" for place, command in enumerate(made.undo))
    yield style.wrap(f"{made.disruption}. {made.caution}", first="     risk: ", rest="           ", paint=("dim",))


def _what_to_try(explanation: Explanation, style: Style) -> Iterator[str]:
    if not explanation.findings:
        return
    top = explanation.findings[0]
    boot = next((boot for boot in explanation.boots if boot.index == top.boot), None)
    target = Target(interface=top.interface, driver=top.driver, bus=top.bus, virtualization=boot.virtualization if boot else None)
    good = [remedy for remedy in top.remedies if remedy.failed <= remedy.worked + remedy.partial or remedy.points >= 2]
    bad = [remedy for remedy in top.remedies if remedy not in good]
    shown = good if style.more else good[:_MOST_REMEDIES]
    lines = [_title(f"What to try for {_nic(top.interface, top.driver, top.bus)}, best first (nothing has been changed)", style)]
    for number, remedy in enumerate(shown, 1):
        lines += map(str, _remedy_lines(number, remedy, target, style))
    if len(shown) < len(good):
        rest = ", ".join(remedy.id for remedy in good[len(shown) :])
        lines.append(style.wrap(f"Further: {rest} (--all shows them)", first="  ", rest="    "))
    if bad:
        tried = ", ".join(f"{remedy.id} ({remedy.failed} times)" for remedy in bad)
        lines.append(style.wrap(f"Others tried in vain: {tried}", first="  ", rest="    "))
    yield "\n".join(lines)


# What is not known -----------------------------------------------------------------------------------------------------------


def _unknown(explanation: Explanation, style: Style) -> Iterator[str]:
    settle = list(dict.fromkeys(command for finding in explanation.findings[:2] for command in finding.settle))
    if not (explanation.unknowns or settle or explanation.notes):
        return
    lines = [_title("What this log does not say, and what would settle it", style)]
    unknowns = explanation.unknowns if style.more else explanation.unknowns[:_MOST_UNKNOWNS]
    for unknown in unknowns:
        lines.append(style.wrap(unknown.text, first="  - ", rest="    "))
        if unknown.command:
            lines.append(f"       {escape_terminal(unknown.command)}")
    if settle:
        lines.append("  - Whether the cause above is the right one")
        lines += [f"       {escape_terminal(command)}" for command in settle]
    lines += [style.wrap(note, first="  - ", rest="    ") for note in explanation.notes]
    yield "\n".join(lines)
