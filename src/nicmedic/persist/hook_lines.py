# SPDX-License-Identifier: GPL-2.0-or-later
"""What a line that a network manager hands to a shell sets of a card, as far as that can be told without running it.

Real lines, from stanzas of ``/etc/network/interfaces``::

    post-up ip link set dev eth0 mtu 9000
    up sleep 5; /sbin/ethtool -K $IFACE tso on || true

Only calls of ``ethtool``, ``ip link set`` and ``ifconfig`` that stand in the line itself are seen, not those of scripts that it calls.
"""

import re
import shlex
from collections.abc import Iterator, Sequence
from itertools import pairwise

from nicmedic.persist.contradictions import OPTIONS
from nicmedic.persist.files import base_name

__all__ = ["read_hook"]

_ENDS = re.compile(r"[();<>|&]+\Z")
_PROGRAMS = frozenset({"ethtool", "ip", "ifconfig"})
_IFACE = frozenset({"$IFACE", "${IFACE}"})
_MTU = re.compile(r"\d{1,9}\Z", re.ASCII)


def _split(line: str) -> Iterator[list[str]]:
    """Words of each call, from the program's name on."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        words = list(lexer)
    except ValueError:  # a quote without an end
        words = line.split()
    held: list[str] = []
    for word in (*words, ";"):
        if not _ENDS.match(word):
            held.append(word)
            continue
        start = next((at for at, each in enumerate(held) if base_name(each) in _PROGRAMS), len(held))
        if held[start:]:
            yield [base_name(held[start]), *held[start + 1 :]]
        held = []


def _find_mtu(words: Sequence[str]) -> list[tuple[str, str]]:
    return [("mtu", value) for name, value in pairwise(words) if name == "mtu" and _MTU.match(value)]


def _read_ip(words: Sequence[str]) -> tuple[str, list[tuple[str, str]]]:
    """Whose MTU is set; ``ip`` takes ``l`` for ``link`` and ``s`` for ``set`` (man ip)."""
    rest = [word for word in words if not word.startswith("-")]
    if len(rest) < 4 or not ("link".startswith(rest[0]) and "set".startswith(rest[1])):
        return "", []
    name = rest[rest.index("dev") + 1] if "dev" in rest[:-1] else rest[2]
    return name, _find_mtu(rest[2:])


def read_hook(line: str, interface: str, *, own: bool) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """What it sets of a card: a family of calls each (``persist/calls.py``), with names and values.

    Args:
        line: what the shell is given.
        interface: the card.
        own: ``$IFACE`` is the card.

    >>> list(read_hook("sleep 5; /sbin/ethtool -K $IFACE tso on || true", "eth0", own=True))
    [('features', [('tso', 'on')])]
    """
    names = {interface, *(_IFACE if own else ())}
    for program, *words in _split(line):
        if program == "ethtool" and len(words) > 2 and words[0] in OPTIONS and words[1] in names:
            said = zip(words[2::2], words[3::2], strict=False)
            yield OPTIONS[words[0]], [(name, value) for name, value in said if "$" not in value]
        elif program == "ip":
            name, said_mtu = _read_ip(words)
            if name in names and said_mtu:
                yield "mtu", said_mtu
        elif program == "ifconfig" and words[:1] and words[0] in names and (said_mtu := _find_mtu(words)):
            yield "mtu", said_mtu
