# SPDX-License-Identifier: GPL-2.0-or-later
"""What ``nicmedic watch --once`` says to a person: first whether it would work."""

from collections.abc import Iterator

from nicmedic.model.policy import Mode
from nicmedic.model.self_test import CardTest, SelfTest
from nicmedic.report.escape import escape_terminal
from nicmedic.report.style import Style

__all__ = ["render_self_test"]

_DOES = {
    Mode.IGNORE: "not watched",
    Mode.OBSERVE: "observed: incidents are written down and told, nothing is changed",
    Mode.RESTORE: "restored when it hangs",
    Mode.RESTORE_AND_PREVENT: "restored when it hangs, then kept from hanging",
}
_BQL = {
    True: "bytes in flight are told",
    False: "bytes in flight are not told, so its queue is asked",
    None: "nothing was sent over it yet",
}
_GATEWAY = {True: "its gateway answers", False: "its gateway does not answer", None: "no gateway behind it"}


def _render_card(one: CardTest, style: Style) -> Iterator[str]:
    name = escape_terminal(one.card.interface)
    driver = f" ({escape_terminal(one.card.driver)})" if one.card.driver else ""
    yield style.wrap(f"{name}{driver}: {_DOES[one.mode]}", first="  ", rest="    ")
    if one.mode is not Mode.IGNORE:
        seen = f"{_BQL[one.has_bql]}; {_GATEWAY[one.gateway]}" if one.readable else "its counters cannot be read"
        yield style.wrap(seen, first="    ", rest="    ")


def render_self_test(test: SelfTest, style: Style) -> str:
    """Whether it would work, then what it would watch, and what it cannot see."""
    if test.faults:
        lines = [style.paint(f"watching would not work here: {len(test.faults)} fault{'s' * (len(test.faults) != 1)}", "bold", "red")]
        lines += [style.wrap(escape_terminal(fault), first="  ", rest="    ") for fault in test.faults]
    else:
        watched = sum(one.mode is not Mode.IGNORE for one in test.cards)
        lines = [style.paint(f"watching works here: {watched} card{'s' * (watched != 1)}", "bold", "green")]
    lines += ["", style.title("Cards")]
    for one in test.cards:
        lines += _render_card(one, style)
    policy = escape_terminal(test.policy_path)
    told = f"policy: {policy}" if test.policy_found else f"policy: there is no {policy}, so everything is only observed"
    lines += ["", style.wrap(told, first="  ", rest="    ")]
    if test.blind_spots:
        lines += ["", style.title("What cannot be seen on this host")]
        lines += [style.wrap(escape_terminal(spot), first="  ", rest="    ") for spot in test.blind_spots]
    return "\n".join([*lines, ""])
