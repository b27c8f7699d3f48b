# SPDX-License-Identifier: GPL-2.0-or-later
"""Words of the kernel's command line: those that are wanted, those that stand there already, and those of ours in a file of one line.

The kernel takes ``-`` and ``_`` in the name of a parameter for the same (kernel/params.c, ``dash2underscore()``), and leaves what follows
``--`` to init (``parse_args()``: "Stop at --").
"""

import re
from collections.abc import Iterator, Sequence

from nicmedic.model.keeping import NoPlace, Wish

__all__ = ["add_to_line", "find_clash", "is_same_parameter", "list_wanted", "take_from_line"]

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}\Z")
_VALUE = re.compile(r"[A-Za-z0-9_.,:/+-]{0,128}\Z")
_PREFIX = "cmdline."


def list_wanted(wish: Wish) -> tuple[dict[str, str], tuple[str, ...]]:
    """Name of a setting: its word; and why others are none. A value of no letters is a word without a sign: ``irqpoll``."""
    wanted, reasons = {}, []
    for setting in wish.settings:
        if not setting.name.startswith(_PREFIX):
            continue
        name = setting.name.removeprefix(_PREFIX)
        if _NAME.match(name) and name != "--" and _VALUE.match(setting.value):
            wanted[setting.name] = f"{name}={setting.value}" if setting.value else name
        else:
            reasons.append(f"{setting.name} cannot be written on a command line without quotes")
    return wanted, tuple(reasons)


def _name(word: str) -> str:
    return word.partition("=")[0].replace("-", "_")


def is_same_parameter(one: str, other: str) -> bool:
    """Whether two words set one parameter.

    >>> is_same_parameter("pcie_aspm.policy=default", "pcie-aspm.policy=performance"), is_same_parameter("pci=nomsi", "pcie_aspm=off")
    (True, False)
    """
    return _name(one) == _name(other)


def find_clash(words: Sequence[str], wanted: Sequence[str], where: str) -> Iterator[str]:
    """Why the wanted words cannot be put behind those that stand somewhere."""
    if "--" in words:
        yield f"{where} has the word --: what follows it is for init, not for the kernel"
    for word in wanted:
        same = [each for each in words if is_same_parameter(each, word)]
        if word in same:
            yield f"{word} stands in {where} already"
        elif same:
            yield f"{where} has {same[-1]}, which somebody chose"


def add_to_line(data: bytes, words: Sequence[str]) -> bytes | str:
    """A file of one line, with words at its end; a text: why not."""
    lines = [line for line in data.split(b"\n") if line.strip()]
    if len(lines) != 1 or not data.isascii() or b"\0" in data or lines[0].lstrip().startswith(b"#") or lines[0].rstrip().endswith(b"\\"):
        return "it is not one line of words"
    if lines[0].count(b'"') % 2:
        return "a quote in it has no end"
    end = len(data.rstrip())
    return data[:end] + "".join(f" {word}" for word in words).encode() + data[end:]


def take_from_line(back_end: str, path: str, words: Sequence[str], now: bytes) -> bytes | NoPlace:
    """The line without those of our words that stand there once; what stands there under their names with other values is somebody's."""
    left = now
    for word in words:
        places = list(re.finditer(rb"(?:^|(?<=\s))" + re.escape(word.encode()) + rb"(?=\s|\Z)", left))
        present = left.decode("utf-8", "replace").split()
        others = [each for each in present if each != word and is_same_parameter(each, word)]
        if len(places) > 1 or others:
            told = f"{path}: " + (f"{others[0]} stands there, not {word}" if others else f"{word} stands there {len(places)} times")
            return NoPlace(back_end=back_end, reasons=(told,), settle=(f"grep -n {_name(word)[:20]} {path}",))
        if places:
            begin = places[0].start()
            begin -= 1 if left[begin - 1 : begin] in (b" ", b"\t") else 0
            left = left[:begin] + left[places[0].end() :]
    return left
