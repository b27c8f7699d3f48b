# SPDX-License-Identifier: GPL-2.0-or-later
"""The checkup for a person: in the first line what is wrong, then a line a card, then what is behind it, and what to type next."""

from collections.abc import Iterator, Sequence

from nicmedic.model.checkup import Checkup, KeptHere, NicVerdict, Reason, Verdict
from nicmedic.model.keeping import CheckWord
from nicmedic.model.names import shell_name
from nicmedic.model.nic import Nic
from nicmedic.report.check_facts import render_host_row, render_rows, render_ways_in
from nicmedic.report.escape import escape_terminal
from nicmedic.report.keep_text import KEPT_PAINT, KEPT_WORDS
from nicmedic.report.style import Style
from nicmedic.report.words import join_names, name_nic, say_count

__all__ = ["render_check_text", "render_first_line"]

_MOST_DETAILED = 4
_MOST_LISTED = 40
_MOST_SETTLE = 4
_LONGEST_SOURCE = 110
_WORST_FIRST = (
    Verdict.HUNG,
    Verdict.ELSEWHERE,
    Verdict.LINK_DOWN,
    Verdict.WAS_HUNG,
    Verdict.UNKNOWN,
    Verdict.AT_RISK,
    Verdict.HEALTHY,
)
_COLOURS = {Verdict.HUNG: "red", Verdict.HEALTHY: "green"}


def _in_order(verdicts: Sequence[NicVerdict]) -> list[NicVerdict]:
    return sorted(verdicts, key=lambda one: (not one.wanted, _WORST_FIRST.index(one.verdict)))


def render_first_line(checkup: Checkup) -> str:
    """What is wrong, in one sentence; not escaped."""
    if not checkup.verdicts:
        return _say_why_none(checkup)
    findings = [one for one in _in_order(checkup.verdicts) if one.wanted and one.verdict is not Verdict.HEALTHY]
    if not findings and checkup.host.locked is not None:
        return "Something holds the lock of all networking (RTNL); every network card is switched off."
    if not findings:
        if checkup.drifted:
            return _say_drifted(checkup)
        healthy = [one.interface for one in checkup.verdicts if one.verdict is Verdict.HEALTHY]
        if not healthy:
            return "Nothing is wrong, for every network card is switched off."
        off = len(checkup.verdicts) - len(healthy)
        rest = f"; {say_count(off, 'card')} switched off" if off else ""
        return f"Nothing wrong is seen: {join_names(healthy)} {'is' if len(healthy) == 1 else 'are'} healthy{rest}."
    first = findings[0]
    nic = next(nic for nic in checkup.host.nics if nic.interface == first.interface)
    more = f" {say_count(len(findings) - 1, 'more card')} to look at." if len(findings) > 1 else ""
    return f"{name_nic(first.interface, nic.driver)} {_say(first)}.{more}"


def _say_drifted(checkup: Checkup) -> str:
    (interface, kept), *others = checkup.drifted
    nic = next(nic for nic in checkup.host.nics if nic.interface == interface)
    remedies = f"{', '.join(kept.remedies)}{f' (and {len(others)} more)' if others else ''}"
    return f"{name_nic(interface, nic.driver)} is healthy, but what is kept for it is not in force: {remedies}."


def _say_why_none(checkup: Checkup) -> str:
    unlisted, locked = checkup.unlisted, checkup.host.locked
    lost = f" The log of this boot tells of {checkup.lost[0].text}" if checkup.lost else ""
    if unlisted is not None:
        return f"Which network cards this host has cannot be read: {unlisted.detail}.{lost}"
    if locked is not None:
        return f"Something holds the lock of all networking (RTNL), and this host shows no network card.{lost}"
    if lost:
        return f"This host has no network card any more.{lost}"
    return "This host has no network card that the kernel has a driver for."


def _say(one: NicVerdict) -> str:
    """The headline after the card's name."""
    if one.headline.startswith(("hangs", "hung", "works")):
        return one.headline
    lead = {
        Verdict.ELSEWHERE: "is not at fault",
        Verdict.LINK_DOWN: "has no link",
        Verdict.UNKNOWN: "cannot be judged",
    }.get(one.verdict, one.verdict.value)
    return f"{lead}: {one.headline}"


def render_check_text(checkup: Checkup, style: Style) -> str:
    """The whole answer, ready to be printed."""
    wrong = checkup.has_findings
    paint = ("bold", "red") if wrong else ("bold", "green")
    first = render_first_line(checkup)
    sections = [
        style.line(first, *paint),
        "\n".join(_table(checkup, style)),
        "\n".join(_not_in_force(checkup, style)),
        *_details(checkup, style),
        "\n".join(_unknown(checkup, style)),
        "\n".join(_next(checkup, style)),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _table(checkup: Checkup, style: Style) -> Iterator[str]:
    verdicts = _in_order(checkup.verdicts)
    shown = verdicts[:_MOST_LISTED]
    names = max((len(escape_terminal(one.interface)) for one in shown), default=0)
    words = max((len(one.verdict.value) for one in shown), default=0)
    row = render_host_row(checkup.host)
    if row:
        yield style.wrap(row, first="  ", rest="    ")
    ways = render_ways_in(checkup.host)
    if ways:
        yield style.wrap(ways, first="  ", rest="    ")
    for one in shown:
        lead = f"  {escape_terminal(one.interface):<{names}}  {one.verdict.value:<{words}}  "
        colour = _COLOURS.get(one.verdict, "yellow") if one.wanted else "dim"
        yield style.wrap(one.headline, first=lead, rest=" " * min(len(lead), 24), paint=(colour,))
    if len(shown) < len(verdicts):
        yield f"  … and {say_count(len(verdicts) - len(shown), 'more card')}: nicmedic check --json tells of all"


def _not_in_force(checkup: Checkup, style: Style) -> Iterator[str]:
    """What is kept and not seen to be in force: of all cards, also of those that are not there."""
    here = [(one.interface, kept) for one in _in_order(checkup.verdicts) for kept in one.kept or ()]
    found = [*here, *((kept.interface, kept) for kept in checkup.kept_absent)]
    wrong = [(name, kept, kept.word) for name, kept in found if kept.word not in {None, CheckWord.IN_FORCE}]
    if wrong:
        yield style.title("What is kept, and not seen to be in force")
    for name, kept, word in wrong:
        told = f"{name}: {', '.join(kept.remedies)} {KEPT_WORDS[word]} (number {kept.id}): {', '.join(kept.differences)}"
        yield style.wrap(told, first="  ", rest="    ", paint=KEPT_PAINT[word])


def _details(checkup: Checkup, style: Style) -> Iterator[str]:
    nics = {nic.interface: nic for nic in checkup.host.nics}
    ordered = _in_order(checkup.verdicts)
    for one in ordered[:_MOST_DETAILED]:
        yield "\n".join(_detail(one, nics[one.interface], style))
    if len(ordered) > _MOST_DETAILED:
        yield style.wrap("nicmedic check IF shows the same of any other card")


def _detail(one: NicVerdict, nic: Nic, style: Style) -> Iterator[str]:
    yield style.title(f"{name_nic(one.interface, nic.driver)}: {one.verdict.value}")
    for reason in one.reasons:
        yield style.wrap(f"{reason.text} {_bracket(reason)}", first="  + ", rest="    ")
    for risk in one.risks:
        remedy = f" [{risk.remedy}]" if risk.remedy else ""
        yield style.wrap(f"risk: {risk.title}{remedy}", first="  ! ", rest="    ", paint=("yellow",))
        for reason in risk.reasons:
            yield style.wrap(f"{reason.text} {_bracket(reason)}", first="      ", rest="      ")
        for source in risk.sources[:2]:
            yield style.wrap(source, first="      ", rest="        ")
    for kept in one.kept or ():
        yield from _kept(kept, style)
    rows = list(render_rows(nic))
    width = max((len(row.label) for row in rows), default=0)
    for row in rows:
        yield style.wrap(row.text, first=f"  {row.label:<{width}}  ", rest=" " * (width + 4))


def _kept(kept: KeptHere, style: Style) -> Iterator[str]:
    drifted = kept.word is CheckWord.DRIFTED
    told = f"kept: {', '.join(kept.remedies)}, since {kept.kept_at} (number {kept.id}){', NOT in force' if drifted else ''}"
    yield style.wrap(told, first="  ", rest="    ", paint=("red",) if drifted else ())
    if kept.expiry is not None:
        expired = f"{kept.expiry}; is it still needed?   nicmedic release {kept.id} --trial"
        yield style.wrap(expired, first="      ", rest="        ", paint=("yellow",))


def _bracket(reason: Reason) -> str:
    source = reason.source if len(reason.source) <= _LONGEST_SOURCE else f"{reason.source[:_LONGEST_SOURCE]} …"
    return f"({source})"


def _unknown(checkup: Checkup, style: Style) -> Iterator[str]:
    settle = list(dict.fromkeys(item for one in checkup.verdicts for item in one.settle))[:_MOST_SETTLE]
    notes = [*_say_unasked(checkup), *checkup.notes]
    if not (settle or notes):
        return
    yield style.title("What is not known, and what would settle it")
    for item in settle:
        yield style.wrap(item.text, first="  - ", rest="    ")
        if item.command:
            yield f"      {escape_terminal(item.command)}"
    for note in notes:
        yield style.wrap(note, first="  - ", rest="    ")


def _say_unasked(checkup: Checkup) -> Iterator[str]:
    locked = checkup.host.locked
    if locked is not None:
        yield f"carriers, addresses, routes, queueing disciplines and what ethtool shows were not asked: {locked.detail or locked.what}"
    for reason in checkup.lost[1:]:
        yield f"the log of this boot tells of {reason.text}"


def _next(checkup: Checkup, style: Style) -> Iterator[str]:
    """Commands that can be pasted."""
    if checkup.host.locked is not None:
        yield from _next_while_locked(style)
        return
    if checkup.unlisted is not None:
        yield style.title("What to type next")
        yield "  mount -t sysfs sysfs /sys; nicmedic check"
        return
    findings = [one for one in _in_order(checkup.verdicts) if one.wanted and one.verdict is not Verdict.HEALTHY]
    if not findings and not checkup.drifted:
        return
    yield style.title("What to type next")
    if findings:
        for command in _commands(findings[0].verdict, shell_name(findings[0].interface, "IFACE")):
            yield f"  {command}"
    if checkup.drifted:
        yield "  nicmedic verify --repair   # sets what is kept again, with the probes to confirm it"


def _next_while_locked(style: Style) -> Iterator[str]:
    """The kernel takes what is written to sysrq-trigger whatever kernel.sysrq says (Documentation/admin-guide/sysrq.rst)."""
    yield style.title("What to type next")
    warning = "not ip, ethtool, ifup, ifdown, tcpdump or rmmod: they would wait for the lock, and cannot be interrupted or killed"
    yield style.wrap(warning, first="  ", rest="    ", paint=("yellow",))
    yield "  nicmedic snapshot   # before anything else: the evidence"
    yield "  reboot"
    yield "  sync; echo b >/proc/sysrq-trigger   # if that hangs too: resets at once, unmounts nothing"


def _commands(verdict: Verdict, name: str) -> tuple[str, ...]:
    if verdict is Verdict.HUNG:
        return ("nicmedic snapshot   # before anything else: the evidence", f"nicmedic explain --interface {name}")
    if verdict is Verdict.WAS_HUNG:
        return (f"nicmedic explain --interface {name}", "nicmedic snapshot")
    if verdict is Verdict.LINK_DOWN:
        return (f"ethtool {name}", f"ip -s -d link show dev {name}")
    if verdict is Verdict.ELSEWHERE:
        return ("ip neighbour", f"ethtool -S {name} | grep -iE 'pause|xoff|flow'")
    return (f"ethtool {name}; ethtool -S {name}", f"nicmedic check {name}")
