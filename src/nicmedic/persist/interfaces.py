# SPDX-License-Identifier: GPL-2.0-or-later
"""Read ``/etc/network/interfaces`` and what it includes, as ifupdown and ifupdown2 do. Not for editing it.

A real file::

    auto lo vmbr0
    iface lo inet loopback
    iface eno1 inet manual
            up sleep 5; ethtool -K eno1 tso off
    iface vmbr0 inet static
            address 192.0.2.10/24
            bridge-ports eno1
    source /etc/network/interfaces.d/*

Reference: interfaces(5) of ifupdown 0.8.41; ``process_source`` in ifupdown2's networkinterfaces.py.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from nicmedic.persist.files import FoundFiles, base_name, glob_pattern
from nicmedic.persist.matching import fits_glob, normal_address
from nicmedic.persist.values import Target

__all__ = [
    "MAIN_FILE",
    "Option",
    "Stanza",
    "fit_name",
    "included_globs",
    "is_interfaces_text",
    "list_ports",
    "parse_interfaces",
    "read_stanzas",
]

MAIN_FILE = "/etc/network/interfaces"
_DEEPEST = 10
_MOST_STANZAS = 20_000
_LISTS = ("auto", "no-auto-down", "no-scripts", "rename")
_SOURCES = ("source", "source-directory")
_PLAIN_NAME = re.compile(r"[a-zA-Z0-9_-]+\Z")
_STANZA = re.compile(r"^[ \t]*(?:auto|iface|mapping|template|allow-\S+|source(?:-directory)?)[ \t]+\S", re.MULTILINE)
_PATTERN = re.compile(r"(?P<variable>[A-Za-z_]*)/(?P<value>[^/=]*)(?:/(?P<number>\d*))?\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One line below ``iface`` or ``mapping``."""

    key: str
    value: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stanza:
    """A stanza, where it stands."""

    kind: str
    """iface, mapping, template, auto, no-auto-down, no-scripts, rename, source, source-directory, or ``allow-`` with a class."""
    names: tuple[str, ...]
    path: str
    line: int
    family: str | None = None
    method: str | None = None
    inherits: tuple[str, ...] = ()
    options: tuple[Option, ...] = field(default=())


def is_interfaces_text(text: str) -> bool:
    """Whether a text has anything that such a file consists of."""
    return _STANZA.search(text) is not None


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines without comments, continued ones joined, with the number of their first."""
    held: list[str] = []
    began = 0
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.rstrip("\r")
        if not held and (not line.strip() or line.lstrip().startswith("#")):
            continue
        if line.endswith("\\"):
            held.append(line[:-1])
            began = began or number
            continue
        if whole := "".join((*held, line)).strip():
            yield began or number, whole
        held, began = [], 0
    if whole := "".join(held).strip():
        yield began, whole


def parse_interfaces(path: str, text: str) -> Iterator[Stanza]:
    r"""The stanzas of one file, includes not followed. ``auto`` and its like without a name mean the stanza that they stand in, and do not end it.

    >>> [(each.kind, each.names) for each in parse_interfaces("f", "auto a b\niface a inet dhcp\n  mtu 1400\n")]
    [('auto', ('a', 'b')), ('iface', ('a',))]
    """
    held: tuple[int, list[str]] | None = None
    options: list[Option] = []
    for line, content in _logical_lines(text):
        words = content.split()
        kind = words[0]
        if kind in ("iface", "mapping", "template"):
            if held:
                yield _block(path, *held, tuple(options))
            held, options = (line, words), []
        elif kind in _LISTS or kind in _SOURCES or kind.startswith("allow-"):
            own = held[1][1:2] if held and held[1][0] == "iface" and not words[1:] and kind not in ("rename", *_SOURCES) else None
            if held and own is None:
                yield _block(path, *held, tuple(options))
                held = None
            yield Stanza(kind="auto" if kind == "allow-auto" else kind, names=tuple(own or words[1:]), path=path, line=line)
        elif held:
            options.append(Option(key=kind, value=content[len(kind) :].strip(), line=line))
    if held:
        yield _block(path, *held, tuple(options))


def _block(path: str, line: int, words: list[str], options: tuple[Option, ...]) -> Stanza:
    kind, rest = words[0], words[1:]
    if kind == "mapping":
        return Stanza(kind=kind, names=tuple(rest), path=path, line=line, options=options)
    if kind == "template" and rest[:1] == ["iface"]:
        rest = rest[1:]
    parents: list[str] = []
    if "inherits" in rest:
        parents = rest[rest.index("inherits") + 1 :]
        rest = rest[: rest.index("inherits")]
    return Stanza(
        kind=kind,
        names=tuple(rest[:1]),
        family=rest[1] if len(rest) > 1 else None,
        method=rest[2] if len(rest) > 2 else None,
        inherits=tuple(parents),
        path=path,
        line=line,
        options=options,
    )


def included_globs(stanza: Stanza) -> tuple[str, ...]:
    """What a ``source`` or ``source-directory`` line includes, as whole paths with globs; a path is relative to the file it stands in."""
    if stanza.kind not in _SOURCES:
        return ()
    folder = stanza.path.rsplit("/", 1)[0]
    found = []
    for word in stanza.names:
        bare = word.strip("\"'")
        whole = bare if bare.startswith("/") else f"{folder}/{bare}"
        found.append(f"{whole.rstrip('/')}/*" if stanza.kind == "source-directory" else whole)
    return tuple(found)


def read_stanzas(files: FoundFiles) -> tuple[Stanza, ...]:
    """All stanzas, includes followed, in the order in which ifup sees them."""
    return files.make_once("stanzas", lambda found: tuple(islice(_read_file(found, MAIN_FILE, ()), _MOST_STANZAS)))


def _read_file(files: FoundFiles, path: str, above: tuple[str, ...]) -> Iterator[Stanza]:
    text = files.texts.get(path)
    if text is None or path in above or len(above) >= _DEEPEST:
        return
    for stanza in parse_interfaces(path, text):
        yield stanza
        for glob in included_globs(stanza):
            pattern = glob_pattern(glob)
            for each in sorted(files.texts):
                named = stanza.kind == "source" or _PLAIN_NAME.match(base_name(each))
                if named and pattern.match(each):
                    yield from _read_file(files, each, (*above, path))


def fit_name(word: str, target: Target) -> bool | None:
    """Whether a word of ``auto``, ``allow-hotplug`` or ``rename`` means the NIC; ``[VARIABLE]/VALUE[/[N]]`` is a pattern, ``=LOGICAL`` is cut off.

    >>> fit_name("/eth*=lan", Target(interface="eth0")), fit_name("mac/52:*", Target(interface="eth0"))
    (True, None)
    """
    word = word.split("=", 1)[0]
    found = None if word.startswith("/dev/") else _PATTERN.match(word)
    if not found:
        return word in (target.interface, *target.altnames)
    if found["variable"] == "":
        fits: bool | None = fits_glob(target.interface, found["value"])
    elif found["variable"] in ("mac", "address"):
        fits = None if target.address is None else fits_glob(normal_address(target.address), found["value"].lower())
    else:
        fits = None
    return None if fits and found["number"] else fits


_PORT_KEYS = {"ports", "slaves"}
_RANGE = re.compile(r"(?P<start>\S*?)(?:\[(?P<low>\d{1,6})-(?P<high>\d{1,6})\]|(?P<bare_low>\d{1,6})-(?P<bare_high>\d{1,6}))(?P<end>\S*)\Z")


def list_ports(stanza: Stanza, target: Target) -> Option | None:
    """The option of a bridge, bond or team that takes the NIC as a port; ``regex`` and ``glob`` as bridge-utils and ifupdown2 have them."""
    for option in stanza.options:
        owner, _, what = option.key.replace("_", "-").partition("-")
        if owner not in ("bridge", "bond", "ovs") or what not in _PORT_KEYS:
            continue
        mode = ""
        for word in option.value.split():
            if word in ("regex", "glob", "noregex", "none", "all"):
                mode = "" if word == "noregex" else word
            elif _port_fits(word, mode, target):
                return option
        if mode == "all" and target.kind == "ether":
            return option
    return None


def _port_fits(word: str, mode: str, target: Target) -> bool:
    if mode == "regex":
        try:
            return len(word) < 100 and re.fullmatch(word, target.interface) is not None
        except (re.error, RecursionError, OverflowError):
            return False
    if mode == "glob" and (found := _RANGE.match(word)):
        low, high = found["low"] or found["bare_low"], found["high"] or found["bare_high"]
        middle = target.interface.removeprefix(found["start"]).removesuffix(found["end"])
        return middle.isascii() and middle.isdigit() and len(middle) < 7 and int(low) <= int(middle) <= int(high)
    return word == target.interface
