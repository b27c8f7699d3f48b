# SPDX-License-Identifier: GPL-2.0-or-later
"""Steps as lines of a systemd service that needs neither Python nor nicmedic: one line of POSIX shell each, for one interface.

Words stand in single quotes as a whole, so that the shell never evaluates them; the interface's name is the last part of the path that
systemd hands over.
"""

import shlex
from collections.abc import Sequence

from nicmedic.model.step import INTERFACE, Pause, Run, Shown, Step, Write
from nicmedic.persist.systemd_words import quote_command

__all__ = ["find_obstacles", "render_step", "sum_seconds"]

_NAME = "nic=${1##*/}; "


def _list_words(step: Step) -> tuple[str, ...]:
    """Everything in a step that somebody chose."""
    match step:
        case Run():
            own = (*step.argv, *step.otherwise)
        case Write():
            own = (step.path, step.text)
        case _:
            return ()
    return own if step.unless is None else (*own, *step.unless.argv, step.unless.text)


def find_obstacles(steps: Sequence[Step]) -> tuple[str, ...]:
    """Why they cannot be lines of a service."""
    if not all(isinstance(step, Run | Write | Pause) for step in steps):
        return ("the remedy takes the interface away and brings it back, which nothing does on its own at each boot",)
    words = [part for step in steps for word in _list_words(step) for part in word.split(INTERFACE)]
    return () if all(word.isprintable() for word in words) else ("a word of its commands cannot be written into a file",)


def _quote(word: str) -> str:
    return '"$nic"'.join(shlex.quote(part) if part else "" for part in word.split(INTERFACE)) if word else "''"


def _join(words: Sequence[str]) -> str:
    return " ".join(map(_quote, words))


def _look(shown: Shown) -> str:
    """As ``Shown`` tells it."""
    lines = f"{_join(shown.argv)} 2>&1 | sed 's/^/ /; s/$/ /' | tr -s ' \\t' ' '"
    return f"{lines} | grep -qF -e {_quote(f' {shown.text} ')}"


def _carry_out(step: Run | Write) -> str:
    if isinstance(step, Write):
        return f"printf '%s\\n' {_quote(step.text)} > {_quote(step.path)}"
    return f"{_join(step.argv)} || {_join(step.otherwise)}" if step.otherwise else _join(step.argv)


def _render_shell(step: Run | Write | Pause) -> str:
    if isinstance(step, Pause):
        return f"sleep {step.seconds}"
    done = _carry_out(step)
    if step.unless is not None:
        done = f"{_look(step.unless)} || {done}"
    if step.tries > 1:
        done = f'n=1; until {done}; do [ "$n" -lt {step.tries} ] || exit 1; n=$((n + 1)); sleep 1; done'
    return done


def render_step(step: Run | Write | Pause) -> str:
    r"""The value of ``ExecStart=``; the unit's instance is the path of the interface in sysfs.

    >>> print(render_step(Run(argv=("ip", "link", "set", "dev", INTERFACE, "mtu", "1400"), needed=False)))
    -/bin/sh -c "nic=$${1##*/}; ip link set dev \"$$nic\" mtu 1400" sh "%f"
    """
    may_fail = isinstance(step, Run | Write) and not step.needed
    command = quote_command(("/bin/sh", "-c", _NAME + _render_shell(step), "sh"))
    return f'{"-" if may_fail else ""}{command} "%f"'


def sum_seconds(steps: Sequence[Run | Write | Pause]) -> int:
    """How long all of them may take."""
    total = 0
    for step in steps:
        if isinstance(step, Pause):
            total += step.seconds
        else:
            total += (step.within_s * (2 if isinstance(step, Run) and step.otherwise else 1) + 6) * step.tries
    return total
