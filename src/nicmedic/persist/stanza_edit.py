# SPDX-License-Identifier: GPL-2.0-or-later
r"""Into which stanza of ``/etc/network/interfaces`` lines for one card belong, and where in the file; the file itself is never put together anew.

What decides, in ifupdown 0.8.41: every ``iface`` stanza with the card's name is carried out, in the order of the file (main.c ``do_interface``); an
option that stands twice is joined by a newline, which no program understands (config.c ``read_interfaces_defn``), so a keyword that is there
already is never written again; ``inherits`` copies all options; ``auto /eth*=LOGICAL`` and a mapping choose another stanza. A port of a bridge is
brought up by ``ip link`` and not by ifup (bridge-utils 1.7, ``/lib/bridge-utils/ifupdown.sh``), so lines in a stanza of its own run only if ``auto``
or ``allow-`` names it. ifupdown2 carries out a port's stanza, but before the bridge or bond brings the port up (``link_master_slave``), so there
the master's is always the place. ``auto eth0.10`` brings up ``eth0`` (main.c ``do_interface``).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from nicmedic.persist.back_end import Found, Place
from nicmedic.persist.files import FoundFiles, glob_pattern
from nicmedic.persist.interfaces import MAIN_FILE, Option, Stanza, fit_name, included_globs, list_ports, read_stanzas
from nicmedic.persist.marks import behind_blocks, list_numbers, split_lines
from nicmedic.persist.matching import fits_glob
from nicmedic.persist.values import Target

__all__ = [
    "Chosen",
    "choose_stanza",
    "find_end",
    "find_flaw",
    "find_line",
    "find_options",
    "find_strangers",
    "has_no_scripts",
    "is_reached",
    "list_interfaces_files",
    "read_exactly",
    "say_place",
]

_ENDS_IN_BACKSLASH = re.compile(rb"\\[ \t\r]*\n?\Z")
_ODD_BLANK = re.compile("[\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
_MAKO = re.compile(rb"^[ \t]*%(?!%)|<%", re.MULTILINE)
"""Control lines and blocks; ifupdown2 renders every file that has a ``%`` in it (networkinterfaces.py ``read_filedata``)."""
_NEW_STANZAS = {"vlan", "allow"}
"""Words that begin a stanza for ifupdown2 alone (networkinterfaces.py ``network_elems``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The stanza that gets our lines."""

    stanza: Stanza
    own: bool
    """It is carried out for this card alone: keywords may stand in it, and ``$IFACE`` is the card."""
    as_port: bool = False
    """It is that of the bridge or bond whose port the card is; programs are given the card's name."""
    others: tuple[Stanza, ...] = ()
    """Whose options apply to the card too: further stanzas of its name, those that it inherits from."""
    later: tuple[Stanza, ...] = ()
    """Those of them that are carried out after this one."""
    notes: tuple[str, ...] = ()


def say_place(stanza: Stanza, line: int | None = None) -> str:
    """Where something stands, for people."""
    return f"{stanza.path} line {line or stanza.line}"


def list_interfaces_files(place: Place) -> tuple[str, ...]:
    """The files that anything stands in, the main file first."""
    return tuple(dict.fromkeys((MAIN_FILE, *(stanza.path for stanza in read_stanzas(place.files)))))


def read_exactly(found: Found) -> tuple[Stanza, ...]:
    """All stanzas, out of the very bytes that would be edited; each once, though a file may be included twice."""
    texts = {path: data.decode("utf-8", "surrogateescape") for path, data in found.items() if data is not None}
    stanzas: dict[tuple[str, int], Stanza] = {}
    for stanza in read_stanzas(FoundFiles(texts=texts)):
        stanzas.setdefault((stanza.path, stanza.line), stanza)
    return tuple(stanzas.values())


def _list_flaws(data: bytes, number: int, *, second: bool) -> Iterator[tuple[int | None, str]]:
    if b"\0" in data:
        yield None, "it has zero bytes in it"
    if number in list_numbers(data):
        yield None, f"it has lines of nicmedic with number {number} already"
    if second and (found := _MAKO.search(data)):
        yield data.count(b"\n", 0, found.start()) + 1, "it is a template of Mako, which ifupdown2 carries out before it reads the file"
    lines = split_lines(data)
    for index, line in enumerate(lines, 1):
        comment = line.lstrip().startswith(b"#")
        ends = _ENDS_IN_BACKSLASH.search(line)
        if ends and not comment and (index == len(lines) or not line.endswith(b"\\\n")):
            yield index, "a line ends with a backslash and something that programs read differently"
        elif second and b"\\" in line and (comment or not ends or line.count(b"\\") > 1):
            yield index, "ifupdown2 joins lines at every backslash, also at this one"
        elif not comment and _ODD_BLANK.search(line.decode("utf-8", "surrogateescape")):
            yield index, "a blank that is none for ifup"


def _list_unread(path: str, stanzas: Sequence[Stanza]) -> Iterator[tuple[int, str]]:
    """What makes ifupdown stop reading a file (config.c ``read_interfaces_defn``); with others that include it, it goes on."""
    known: set[tuple[str, str | None]] = set()
    for stanza in stanzas:
        if stanza.kind != "iface":
            continue
        if stanza.path == path:
            for name in stanza.inherits[:1]:
                if (name, stanza.family) not in known:
                    yield stanza.line, f"it inherits from {name}, which no stanza before it is for"
            for option in stanza.options:
                if not option.value:
                    yield option.line, f"{option.key} has no value"
            if not stanza.names:
                yield stanza.line, "it names no interface"
        known |= {(name, family) for name in stanza.names for family in (stanza.family, None)}


def _list_orphans(path: str, data: bytes, stanzas: Sequence[Stanza], *, second: bool) -> Iterator[int]:
    """Lines that belong to no stanza; for ifupdown2 also those of stanzas that it does not know."""
    held: set[int] = set()
    for stanza in stanzas:
        if stanza.path == path:
            held.add(stanza.line)
            held |= {option.line for option in stanza.options if not (second and stanza.kind in ("mapping", "template"))}
    lines = split_lines(data)
    at = 0
    while at < len(lines):
        begin, at = at, find_end(lines, at) + 1
        if lines[begin].strip() and not lines[begin].lstrip().startswith(b"#") and begin + 1 not in held:
            yield begin + 1


def find_flaw(path: str, data: bytes, number: int, stanzas: Sequence[Stanza], *, second: bool) -> str | None:
    """Why this file had better not be edited by a program; None: nothing. ``second``: it is ifupdown2 that reads it."""
    for line, reason in _list_flaws(data, number, second=second):
        return f"{path}{f' line {line}' if line else ''}: {reason}"
    for at, reason in () if second else _list_unread(path, stanzas):
        return f"{path} line {at}: {reason}, so ifup reads no further"
    for orphan in _list_orphans(path, data, stanzas, second=second):
        then = "ifupdown2 may take it for a part of the one before" if second else "ifup reads no further"
        return f"{path} line {orphan}: it belongs to no stanza, so {then}"
    return None


def find_end(lines: Sequence[bytes], start: int) -> int:
    """The last of the lines that one which is continued consists of."""
    last = start
    while lines[last].endswith(b"\\\n") and last + 1 < len(lines) and (last > start or not lines[last].lstrip().startswith(b"#")):
        last += 1
    return last


def find_line(data: bytes, stanza: Stanza) -> tuple[int, str]:
    """Index of the line, from 0, behind which a stanza goes on, and what its lines begin with."""
    lines = split_lines(data)
    options = [option.line for option in find_options(stanza)]
    start = max(options, default=stanza.line) - 1
    last = find_end(lines, start)
    indent = re.match(rb"[ \t]*", lines[start])
    blanks = indent[0].decode() if indent else ""
    return behind_blocks(data, last), blanks if options else blanks + "    "


def find_options(stanza: Stanza) -> tuple[Option, ...]:
    """The options of a stanza, up to what ifupdown2 takes for the beginning of another."""
    held = []
    for option in stanza.options:
        if option.key in _NEW_STANZAS:
            break
        held.append(option)
    return tuple(held)


def _is_list(stanza: Stanza) -> bool:
    return stanza.kind == "auto" or stanza.kind.startswith("allow-")


def _find_inherited(stanza: Stanza, stanzas: Sequence[Stanza]) -> Iterator[Stanza]:
    """Whose options it copies."""
    wanted, seen = list(stanza.inherits), set(stanza.names)
    while wanted:
        name = wanted.pop()
        if name not in seen:
            seen.add(name)
            for each in stanzas:
                if each.kind in ("iface", "template") and name in each.names:
                    yield each
                    wanted += each.inherits


def _is_brought_up(stanzas: Iterable[Stanza], target: Target, *, second: bool) -> bool:
    """Whether ifup is called for the card at boot, or when it appears."""
    for word in (word for stanza in stanzas if _is_list(stanza) for word in stanza.names):
        ranged = second and "[" in word and target.interface.startswith(word.split("[")[0])
        if ranged or (second and word == "all") or fit_name(word, target) or word.startswith(f"{target.interface}."):
            return True
    return False


def _why_hidden(stanzas: Sequence[Stanza], target: Target, *, second: bool) -> Iterator[str]:
    """What chooses the stanza and cannot be judged from files."""
    for stanza in stanzas:
        if stanza.kind == "mapping" and not second:
            if any(fit_name(name, target) or fit_name(f"/{name}", target) for name in stanza.names):
                yield f"{say_place(stanza)}: a script of this mapping decides which stanza {target.interface} gets"
        elif stanza.kind == "rename" and not second:
            for word in stanza.names:
                if "=" in word and fit_name(word, target) and word.split("=", 1)[1] != target.interface:
                    yield f"{say_place(stanza)}: the next ifup renames {target.interface}; do that first"


def _logical_names(stanzas: Iterable[Stanza], target: Target) -> set[str]:
    """What ``auto /eth*=LOGICAL`` makes of the card."""
    words = (word for stanza in stanzas if _is_list(stanza) for word in stanza.names)
    return {word.split("=", 1)[1] for word in words if "=" in word and fit_name(word, target)} - {target.interface}


def choose_stanza(stanzas: Sequence[Stanza], target: Target, *, second: bool) -> Chosen | tuple[str, ...]:
    """The stanza for a card, or reasons why there is none. ``second``: for ifupdown2."""
    hidden = tuple(_why_hidden(stanzas, target, second=second))
    if hidden:
        return hidden
    ifaces = [stanza for stanza in stanzas if stanza.kind == "iface" and stanza.names]
    own = [stanza for stanza in ifaces if target.interface in stanza.names]
    logical = set() if second else _logical_names(stanzas, target)
    shared = [stanza for stanza in ifaces if logical & set(stanza.names)]
    masters = [stanza for stanza in ifaces if target.interface not in stanza.names and list_ports(stanza, target)]
    if own and shared:
        return (f"{target.interface} has a stanza of its own ({say_place(own[0])}) and gets {say_place(shared[0])} by a pattern",)
    up = _is_brought_up(stanzas, target, second=second)
    if masters and (second or not up or not (own or shared)):
        return _choose_master(own, masters[0], target, second=second)
    if own or shared:
        return _choose_own(own or shared, stanzas, target, up=up, pattern=bool(shared))
    vlans = [stanza for stanza in ifaces if any(name.startswith(f"{target.interface}.") for name in stanza.names)]
    beside = [stanza for stanza in ifaces if set(stanza.names) & set(target.altnames)]
    if beside:
        return (
            f"{say_place(beside[0])} calls {target.interface} by an alternative name; give the stanza the name that ip link shows first",
        )
    if vlans:
        return (f"only a VLAN on {target.interface} has a stanza ({say_place(vlans[0])}), the card itself has none",)
    return (f"no stanza of {MAIN_FILE} and what it includes is for {target.interface}",)


def _choose_own(held: Sequence[Stanza], stanzas: Sequence[Stanza], target: Target, *, up: bool, pattern: bool) -> Chosen:
    first, *more = held
    heirs = [each for each in stanzas if each.kind == "iface" and any(one in held for one in _find_inherited(each, stanzas))]
    notes = [f"{say_place(each)} is for {target.interface} too, and stays as it is." for each in more]
    if heirs:
        notes.append(f"{say_place(heirs[0])} inherits from that stanza: the lines look for {target.interface} by name.")
    if pattern:
        notes.append(f"Other cards may get {say_place(first)} too: the lines look for {target.interface} by name.")
    if not up:
        notes.append(f"No auto or allow-hotplug line brings {target.interface} up at boot: it is set whenever somebody calls ifup for it.")
    elif not any(each.kind == "allow-hotplug" and any(fit_name(word, target) for word in each.names) for each in stanzas):
        notes.append(
            f"Nothing calls ifup when the driver is bound anew (no allow-hotplug for {target.interface}): it is set with the next ifup."
        )
    others = [*more, *(each for stanza in held for each in _find_inherited(stanza, stanzas))]
    later = [*more, *(each for stanza in more for each in _find_inherited(stanza, stanzas))]
    return Chosen(
        stanza=first,
        own=not heirs and not pattern,
        others=tuple(dict.fromkeys(others)),
        later=tuple(dict.fromkeys(later)),
        notes=tuple(notes),
    )


def _choose_master(own: Sequence[Stanza], master: Stanza, target: Target, *, second: bool) -> Chosen:
    name, why = master.names[0], f"{target.interface} has no stanza of its own"
    if own and second:
        why = f"What stands in {say_place(own[0])} runs before {target.interface} is up"
    elif own:
        why = f"Nothing calls ifup for {target.interface} ({say_place(own[0])})"
    notes = [f"{why}: the lines stand with {name}, whose port it is ({say_place(master)}), and run when {name} is brought up."]
    notes.append(f"Where {target.interface} comes back alone (another driver binding), they run only with the next ifup of {name}.")
    return Chosen(stanza=master, own=False, as_port=True, others=tuple(own) if second else (), notes=tuple(notes))


def find_strangers(chosen: Chosen, stanzas: Sequence[Stanza], interface: str, *, second: bool) -> Iterator[Stanza]:
    """Stanzas of other interfaces that are brought up too and name the card. The loopback comes first, and sets nothing anew."""
    for stanza in stanzas:
        names_it = stanza.kind == "iface" and stanza.method != "loopback" and any(interface in option.value for option in stanza.options)
        if names_it and stanza not in (chosen.stanza, *chosen.others):
            targets = (Target(interface=name) for name in stanza.names)
            if any(_is_brought_up(stanzas, target, second=second) for target in targets):
                yield stanza


def is_reached(path: str, stanzas: Iterable[Stanza]) -> bool:
    """Whether a file is read by ifupdown2 as Debian has it, which knows ``source`` and not ``source-directory``."""
    reached, waiting = {MAIN_FILE}, [MAIN_FILE]
    held = list(stanzas)
    paths = {stanza.path for stanza in held}
    while waiting:
        here = waiting.pop()
        for stanza in (each for each in held if each.kind == "source" and each.path == here):
            for glob in included_globs(stanza):
                new = {each for each in paths - reached if glob_pattern(glob).match(each)}
                reached |= new
                waiting += new
    return path in reached


def has_no_scripts(stanzas: Iterable[Stanza], name: str) -> bool:
    """Whether ``no-scripts`` keeps the scripts of /etc/network/if-up.d from a stanza (execute.c ``execute_scripts``)."""
    return any(fits_glob(name, word) for stanza in stanzas if stanza.kind == "no-scripts" for word in stanza.names)
