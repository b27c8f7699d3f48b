# SPDX-License-Identifier: GPL-2.0-or-later
"""What to try: remedies best first, each with its exact command, its undo and its risk.

Commands stand on lines of their own and are never wrapped: they are there to be copied.
"""

import re
from collections.abc import Iterator, Sequence

from nicmedic.knowledge.base import KnowledgeBase
from nicmedic.model.explanation import Explanation
from nicmedic.model.finding import RankedRemedy, RemedyId
from nicmedic.remedy.catalog import describe_remedy, fitting_remedies, join_cautions
from nicmedic.remedy.recipe import FLAP, HANDS, NONE, PAUSE, REBOOT, Recipe
from nicmedic.remedy.target import Family, Target, build_target, find_family
from nicmedic.report.escape import escape_terminal
from nicmedic.report.style import Style
from nicmedic.report.verdict import NicGroup, group_findings
from nicmedic.report.words import say_times

__all__ = ["render_advice", "render_command"]

_MOST_REMEDIES = 3
_MOST_NAMED = 6
_MAY_CUT = frozenset({RemedyId.LINK_ADVERTISE_100, RemedyId.LINK_FORCE_100, RemedyId.MTU})
"""After these the link may not come back, or carry less than it must."""
_SENTENCE_END = re.compile(r"(?<=[.!?]) (?=[A-Z])")
_RISKS = {
    NONE: "no interruption",
    FLAP: "the link drops for 2 to 5 s",
    PAUSE: "traffic stops for seconds",
    REBOOT: "a reboot",
    HANDS: "somebody must go to the machine",
}


def render_command(command: str) -> str:
    """A command on a line of its own."""
    return f"       {escape_terminal(command)}"


def _tally(remedy: RankedRemedy, whose: str) -> str:
    words = (("worked", remedy.worked), ("helped in part", remedy.partial), ("failed", remedy.failed))
    parts = [f"{count} {word}" for word, count in words if count]
    return f" [reports{whose}: {', '.join(parts)}]" if parts else ""


def _sentence(text: str) -> str:
    return text if text.endswith((".", ":", "!", "?")) else f"{text}."


def _warnings(remedy: RankedRemedy, made: Recipe, style: Style) -> str:
    """What to beware of: all of it with --all; else what the knowledge says of this driver, or the general word."""
    if style.more:
        return join_cautions(remedy, made)
    first = [_SENTENCE_END.split(caution)[0] for caution in remedy.cautions[:1]]
    return " ".join((*first, *((made.caution,) if made.danger or not first else ())))


def _remedy_lines(number: int, remedy: RankedRemedy, target: Target, whose: str, style: Style) -> Iterator[str]:
    made = describe_remedy(remedy, target)
    yield style.wrap(f"{number}. {remedy.id}: {made.title}{_tally(remedy, whose)}", first="  ", rest="     ", paint=("green",))
    if made.look:
        yield from map(render_command, made.look)
    yield from map(render_command, made.commands)
    yield from (style.wrap(step, first="     ", rest="     ") for step in made.steps)
    risk = f"Risk: {_RISKS[made.disruption]}. {_sentence(_warnings(remedy, made, style))}"
    if made.undo:
        note = f" ({made.undo_note})" if made.undo_note else ""
        yield style.wrap(f"{risk} Undo{note}:", first="     ", rest="     ", paint=("dim",))
        yield from map(render_command, made.undo)
    else:
        undo = f" Undo: {made.undo_note}." if made.undo_note else ""
        yield style.wrap(f"{risk}{undo}", first="     ", rest="     ", paint=("dim",))
    if style.more and remedy.sources:
        yield style.wrap(f"Told by: {'; '.join(remedy.sources)}", first="     ", rest="     ", paint=("dim",))


def _first_aid(remedies: Sequence[RankedRemedy], target: Target, style: Style) -> Iterator[str]:
    """What may bring traffic back at once, for somebody whose host is off the network now."""
    bounce = next((remedy for remedy in remedies if remedy.id is RemedyId.LINK_BOUNCE), None)
    if bounce is None or target.interface is None:
        return
    made = describe_remedy(bounce, target)
    yield style.wrap("Traffic back now, until the next hang:", first="  ", rest="    ")
    yield from map(render_command, made.commands)
    if bounce.cautions:
        yield style.wrap(bounce.cautions[0], first="     ", rest="     ", paint=("dim",))


def _dead_man(shown: Sequence[RankedRemedy], target: Target, style: Style) -> Iterator[str]:
    """An undo that comes by itself, for the first remedy that may cut the session that types it."""
    for number, remedy in enumerate(shown, 1):
        made = describe_remedy(remedy, target)
        undo = "; ".join(made.undo)
        if remedy.id in _MAY_CUT and undo and "'" not in undo and "FORMER" not in undo:
            how = f"Logged in through this NIC? First arm the undo of remedy {number}; when all is well, disarm it:"
            yield style.wrap(how, first="  ", rest="    ")
            yield render_command(f"nohup sh -c 'sleep 180; {undo}' >/dev/null 2>&1 &")
            yield render_command("kill $!")
            return


def _others(groups: Sequence[NicGroup], style: Style) -> Iterator[str]:
    """One line each for other NICs, whose remedies are not shown here."""
    told = {groups[0].title}
    for group in groups[1:]:
        if group.title in told or group.finding.interface is None or group.finding.interface == groups[0].finding.interface:
            continue
        told.add(group.title)
        ids = ", ".join(remedy.id for remedy in group.finding.remedies[:_MOST_REMEDIES])
        yield style.wrap(f"For {group.title}: {ids} (--interface shows how)", first="  ", rest="    ")


def render_advice(explanation: Explanation, knowledge: KnowledgeBase, style: Style) -> Iterator[str]:
    """The section on what to try, for the NICs of the first finding; nothing when nothing was found."""
    if not explanation.findings:
        return
    groups = group_findings(explanation.findings)
    top = groups[0].finding
    target = build_target(top, explanation.boots, knowledge)
    remedies = fitting_remedies(top.remedies, target)
    known = knowledge.find_driver(top.driver)
    # Where nobody told of this driver, the tallies are those of all drivers (diagnosis/rank.py); that must not look like experience with it.
    whose = "" if known is not None and known.trials else ", all drivers"
    good = [remedy for remedy in remedies if remedy.failed <= remedy.worked + remedy.partial or remedy.points >= 2]
    bad = [remedy for remedy in remedies if remedy not in good]
    aid = list(_first_aid(remedies, target, style)) if any(groups[0].has(hang, explanation) for hang in explanation.hangs) else []
    if aid and not style.more:
        good = [remedy for remedy in good if remedy.id is not RemedyId.LINK_BOUNCE]
    shown = good if style.more else good[:_MOST_REMEDIES]
    name = f"{target.interface} (the others likewise)" if len(groups[0].findings) > 1 and target.interface else groups[0].title
    lines = [style.title(f"What to try for {name}, best first, as root; nothing has been changed"), *aid]
    for number, remedy in enumerate(shown, 1):
        lines += _remedy_lines(number, remedy, target, whose, style)
    lines += _dead_man(shown, target, style)
    if find_family(target.distro) is Family.OPENWRT and any("ethtool" in line for line in lines):
        how = "OpenWrt brings no ethtool: opkg update && opkg install ethtool; on releases with apk: apk add ethtool."
        lines.append(style.wrap(how, first="  ", rest="    "))
    if any("IFACE" in line for line in lines):
        how = "The log does not name the interface: put its name in place of IFACE (ip -br link lists them)."
        lines.append(style.wrap(how, first="  ", rest="    "))
    if len(shown) < len(good):
        rest = [str(remedy.id) for remedy in good[len(shown) :]]
        more = ", …" if len(rest) > _MOST_NAMED else ""
        lines.append(style.wrap(f"Further: {', '.join(rest[:_MOST_NAMED])}{more} (--all shows how)", first="  ", rest="    "))
    if bad:
        tried = ", ".join(f"{remedy.id} ({say_times(remedy.failed)})" for remedy in bad)
        lines.append(style.wrap(f"Others tried in vain{whose}: {tried}", first="  ", rest="    "))
    lines += _others(groups, style)
    yield "\n".join(lines)
