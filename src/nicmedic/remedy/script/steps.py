# SPDX-License-Identifier: GPL-2.0-or-later
"""Steps as functions of a script, on top of ``library.sh``. Whatever stands in a value, the shell never evaluates it.

A word is quoted as a whole; the interface's name, which is found when the step is carried out, stands in it as ``"$nic"``, and the shell does not
look into what a variable in double quotes holds.
"""

import pkgutil
from collections.abc import Iterable, Iterator, Sequence

from nicmedic.model.plan import Identity
from nicmedic.model.step import INTERFACE, AwaitNic, Pause, Run, Shown, Step, Write, is_needed
from nicmedic.remedy.script.words import quote_word, render_step

__all__ = ["SHELLCHECK", "Numberer", "load_part", "quote_in_script", "render_identity", "tell_how_to_raise"]

SHELLCHECK = (
    "# shellcheck disable=SC2016,SC2034,SC2317,SC2329 # commands are quoted for people; parts are shared, and functions handed over by name"
)
"""Belongs into the head of every script."""

_TIMES = 3
_REST_S = 2
_LOOK_S = 10


def load_part(name: str) -> str:
    """Shell text that comes with this package, without its first two lines. Read as a module is, so a zipped program has it too."""
    return (pkgutil.get_data(__name__, name) or b"").decode("ascii").split("\n", 2)[2]


def quote_in_script(text: str) -> str:
    """A word of a step for a script that has found the card: its interface stands in it as a variable."""
    return '"$nic"'.join(quote_word(part) if part else "" for part in text.split(INTERFACE)) if text else "''"


def _join(words: Iterable[str]) -> str:
    return " ".join(map(quote_in_script, words))


def _render_run(argv: Sequence[str], within_s: int, *, bare: bool) -> str:
    if bare and argv[0] == "ethtool":
        return f"use_ethtool {within_s} {_join(argv[1:])}"
    return f"limit_program {within_s} {_join(argv)}"


def _render_body(step: Step, *, bare: bool) -> Iterator[str]:
    match step:
        case Run():
            yield from _render_guard(step.unless, (*step.argv, *step.otherwise))
            line = _render_run(step.argv, step.within_s, bare=bare)
            yield f"{line} || {_render_run(step.otherwise, step.within_s, bare=bare)}" if step.otherwise else line
        case Write():
            yield from _render_guard(step.unless, (step.path, step.text))
            yield f"limit {step.within_s} write_line {_join((step.path, step.text))}"
        case Pause():
            yield f"sleep {step.seconds}"
        case AwaitNic(carrier=True):
            yield "find_card || return 121"
            yield _render_run(("grep", "-q", "1", f"/sys/class/net/{INTERFACE}/carrier"), _LOOK_S, bare=bare)
        case AwaitNic():
            yield f"await_card {step.within_s} || return 121"
        case _:
            yield f"rename_card {quote_word(step.name)} || return 121"


def _render_guard(unless: Shown | None, words: Sequence[str]) -> Iterator[str]:
    looked = (unless.text, *unless.argv) if unless is not None else ()
    if any(INTERFACE in word for word in (*words, *looked)):
        yield "find_card || return 121"
    if looked:
        yield f"shows {_join(looked)} && return 0"


def _count_tries(step: Step, least: int) -> tuple[int, int]:
    """How often, and how many seconds apart."""
    if isinstance(step, AwaitNic) and step.carrier:
        return step.within_s, 1
    if not isinstance(step, Run | Write):
        return 1, 0
    times = max(step.tries, least if step.needed else 1)
    return times, 1 if step.tries > 1 else _REST_S


class Numberer:
    """Names the steps of one script: ``step_1``, ``step_2`` and so on."""

    def __init__(self, interface: str, *, bare: bool = False, least: int = _TIMES) -> None:
        """Name the steps of one card.

        Args:
            interface: steps are told with this name of it.
            bare: ethtool may be missing on the host; the script then has ``use_ethtool``.
            least: needed steps are tried so often.
        """
        self._interface = interface
        self._bare = bare
        self._least = least
        self._functions: list[str] = []

    def call_steps(self, steps: Sequence[Step], *, stop: bool = False) -> list[str]:
        """A line of shell for each step that carries it out; its function is kept for ``functions``.

        Args:
            steps: in their order.
            stop: what follows a needed step that failed is not done.
        """
        lines = []
        for step in steps:
            name = f"step_{len(self._functions) + 1}"
            body = "".join(f"    {line}\n" for line in _render_body(step, bare=self._bare))
            self._functions.append(f"{name}() {{\n{body}}}\n")
            times, rest_s = _count_tries(step, self._least)
            end = " || return 1" if stop and is_needed(step) else ""
            needed = "needed" if is_needed(step) else "optional"
            lines.append(f"try {times} {rest_s} {needed} {quote_word(render_step(step, self._interface))} {name}{end}")
        return lines

    @property
    def functions(self) -> str:
        """All functions named so far."""
        return "\n".join(self._functions)


def render_identity(nic: Identity) -> str:
    """The variables by which the library finds the card."""
    values = {
        "card_name": nic.interface,
        "card_path": nic.sysfs_path,
        "card_bus": nic.bus,
        "card_address": nic.bus_address,
        "card_driver": nic.driver,
        "card_port": None if nic.dev_port is None else str(nic.dev_port),
        "card_permanent": nic.permanent_address.lower() if nic.permanent_address else None,
    }
    return "".join(f"{name}={quote_word(value or '')}\n" for name, value in values.items())


def tell_how_to_raise(nic: Identity) -> str:
    """What a person would type for a card that has no interface any more."""
    if nic.bus is None or nic.bus_address is None:
        return "ip link"
    if nic.driver is None:
        return f"echo {quote_word(nic.bus_address)} > /sys/bus/{nic.bus}/drivers_probe"
    return f"echo {quote_word(nic.bus_address)} > {quote_word(f'/sys/bus/{nic.bus}/drivers/{nic.driver}/bind')}"
