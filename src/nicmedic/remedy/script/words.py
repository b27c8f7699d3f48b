# SPDX-License-Identifier: GPL-2.0-or-later
"""One step as the line that an operator would type. For people: what a script does with a step stands in ``steps.py``."""

import re
import shlex
from collections.abc import Iterable

from nicmedic.model.step import AwaitNic, Pause, Run, Step, Write, name_interface

__all__ = ["quote_word", "render_step"]

_PLAIN = re.compile(r"[\w.,:/=+@%][\w.,:/=+@% -]*\Z", re.ASCII)
"""Every echo prints such a text as it stands: no option, no backslash."""


def quote_word(text: str) -> str:
    r"""A text as one word of a shell command. What a terminal would take for something else when it is pasted is written in octal.

    >>> quote_word("eth0"), quote_word("it's"), quote_word("a\nb")
    ('eth0', '\'it\'"\'"\'s\'', '"$(printf \'a\\012b\')"')
    """
    if text.isprintable():
        return shlex.quote(text)
    letters = (
        letter
        if letter.isascii() and letter.isprintable() and letter not in "'\\%"
        else "".join(f"\\{byte:03o}" for byte in letter.encode("utf-8", "surrogateescape"))
        for letter in text
    )
    return f"\"$(printf '{''.join(letters)}')\""


def _join(words: Iterable[str], interface: str) -> str:
    return " ".join(quote_word(name_interface(word, interface)) for word in words)


def render_step(step: Step, interface: str) -> str:
    r"""A step as one line that can be pasted into a POSIX shell, with the card's interface named.

    >>> render_step(Run(argv=("ip", "link", "set", "dev", "\0", "mtu", "1500")), "eth0")
    'ip link set dev eth0 mtu 1500'
    >>> render_step(Write(path="/sys/class/net/\0/threaded", text="1"), "eth0")
    'echo 1 > /sys/class/net/eth0/threaded'
    """
    match step:
        case Run():
            line = _join(step.argv, interface)
            return f"{line} || {_join(step.otherwise, interface)}" if step.otherwise else line
        case Write():
            text = name_interface(step.text, interface)
            say = f"echo {quote_word(text)}" if _PLAIN.match(text) else f"printf '%s\\n' {quote_word(text)}"
            return f"{say} > {_join((step.path,), interface)}"
        case Pause():
            return f"sleep {step.seconds}"
        case AwaitNic():
            folder = f"/sys/class/net/{interface}"
            there = _join(("grep", "-q", "1", f"{folder}/carrier"), interface) if step.carrier else f"[ -e {_join((folder,), interface)} ]"
            return f"n=0; until {there} || [ $n -ge {step.within_s} ]; do sleep 1; n=$((n + 1)); done; {there}"
        case _:
            if step.name != interface:
                old, new = quote_word(interface), quote_word(step.name)
                return f"ip link set dev {old} down; ip link set dev {old} name {new}"
            look = f"ip link show dev {quote_word(step.name)}"
            return f"{look} || echo {quote_word(f'the card has another name now: ip link; ip link set dev NAME name {step.name}')}"
