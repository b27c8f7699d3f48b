# SPDX-License-Identifier: GPL-2.0-or-later
"""``ETHTOOL_OPTS=`` and ``MTU=`` in the card's file ``ifcfg-NAME``, as Red Hat and its kin have it. Two programs read it, each in its own way.

The network service (initscripts) hands each part of ``ETHTOOL_OPTS`` to ethtool, with ``-s`` and the card before it where no dash is in it
(network-functions ``ethtool_set``; several parts, split at ``;``, where IFS is set there). Whatever ethtool knows can be said.

NetworkManager's plugin ifcfg-rh takes the words that it knows and is silent about the others (nms-ifcfg-rh-reader.c ``parse_ethtool_option``,
nms-ifcfg-rh-utils.c): ``autoneg``, ``speed`` and ``duplex``; features, most since 1.14; rings and coalescing since 1.26. It knows neither EEE
nor ``advertise``, flow control only by words that ethtool refuses (``pause-rx``), and reads ``adaptive-rx off`` as a number. With ``autoneg on`` a
speed is the one mode that is advertised; before 1.34 some stayed, 2.5 Gb/s among them (commit 34d48d2596, "platform: clear all BASE types when
setting advertised modes for ethernet autoneg").

The file is shell: only one of plain assignments is added to, at its end. A value that is there already is never touched; where it says otherwise
of what is to be kept, that is kept nowhere, since both programs set it anew whenever the card is brought up.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from nicmedic.model.keeping import FileEdit, NoPlace, Placement, Wish
from nicmedic.model.step import INTERFACE
from nicmedic.persist.back_end import BackEnd, Found, Place
from nicmedic.persist.calls import Call, is_plain_name
from nicmedic.persist.contradictions import contradicts_words, read_ethtool_words
from nicmedic.persist.ini import Setting, parse_assignments, split_words
from nicmedic.persist.marks import insert_block, list_numbers, split_lines, take_out_marked
from nicmedic.persist.stanza_placing import list_calls, name_wish, tell_passed_over, why_not_owned

__all__ = ["BACK_END"]

_NAME: Final = "ifcfg"
_PLUGIN = "ifcfg-rh"
_FUNCTIONS = "/etc/sysconfig/network-scripts/network-functions"
_PLAIN_LINE = re.compile(
    r"[ \t]*(?:#.*|(?:export[ \t]+)?[A-Za-z_][A-Za-z0-9_]*="
    r"(?:\"(?:[^\"\\`]|\\.)*\"|'[^']*'|[^\s\"'\\;&|<>()`]*)[ \t]*;?[ \t]*(?:[ \t]#.*)?)?\Z"
)
"""Nothing, a comment, or one assignment that ends where its line ends."""
_MODES = {"0x002": "10", "0x008": "100", "0x020": "1000"}
"""Masks of one full duplex mode: what ``speed`` and ``duplex`` can say of it."""
_NEW_FEATURES = frozenset(
    {"macsec-hw-offload", "rx-gro-list", "rx-udp-gro-forwarding", "tls-hw-rx-offload", "tx-gso-list", "tx-tunnel-remcsum-segmentation"}
)
"""Since 1.30 (commit f72278eff7, "ethtool: add more offload features that kernel supports")."""
_FEATURES = re.compile(
    r"rx-(?:all|checksum|fcs|gro|gro-hw|hashing|lro|ntuple-filter|vlan-filter|vlan-hw-parse|vlan-stag-filter|vlan-stag-hw-parse)\Z|"
    r"tx-(?:checksum-(?:fcoe-crc|ip-generic|ipv4|ipv6|sctp)|scatter-gather(?:-fraglist)?|gso-partial|gso-robust|nocache-copy|"
    r"(?:esp|fcoe|generic|gre|gre-csum|ipxip4|ipxip6|sctp|tcp|tcp-ecn|tcp-mangleid|tcp6|udp|udp_tnl|udp_tnl-csum)-segmentation|"
    r"vlan-hw-insert|vlan-stag-hw-insert)\Z"
)
"""Of the kernel's names those of frames and checksums that ``_get_ethtoolid_feature_by_name`` has."""


def _by_networkmanager(place: Place) -> bool:
    return place.owner.manager == "networkmanager" and place.owner.renderer == _PLUGIN


def _why_not(place: Place) -> NoPlace | None:
    return None if _by_networkmanager(place) else why_not_owned(place, _NAME, _NAME)


def _find_path(place: Place) -> str | None:
    return next((each.path for each in place.owner.files if each.role == "defines" and "/ifcfg-" in each.path), None)


def _list_files(place: Place, _: Wish) -> tuple[str, ...]:
    path = None if _why_not(place) else _find_path(place)
    return () if path is None else (path, _FUNCTIONS)


def _find_flaw(path: str, data: bytes, number: int) -> str | None:
    """Why nothing had better be put behind the last line; None: it may."""
    if b"\0" in data or b"\r" in data:
        return f"{path}: a line ends in a carriage return, which a shell takes for a part of the value, or there are zero bytes"
    if number in list_numbers(data):
        return f"{path} has lines of nicmedic with number {number} already"
    for index, line in enumerate(split_lines(data), 1):
        if not _PLAIN_LINE.match(line.decode("utf-8", "surrogateescape").removesuffix("\n")):
            return f"{path} line {index} is more than an assignment: what comes after it may never be read"
    return None


def _check_networkmanager(call: Call, version: Sequence[int] | None) -> Iterator[str]:
    """What the plugin does not read of a call."""
    words = dict(zip(call.words[::2], call.words[1::2], strict=True))
    needed: tuple[int, ...] = {"link": (1, 12), "features": (1, 14), "ring": (1, 26), "coalesce": (1, 26)}.get(call.family, ())
    if call.family in {"eee", "pause"}:
        yield f"NetworkManager's plugin {_PLUGIN} does not read it as ethtool has it"
    if call.family == "link" and "advertise" in words:
        needed = (1, 34)
        if _speed_of(words["advertise"]) is None:
            yield f"NetworkManager's plugin {_PLUGIN} knows no advertise, and the modes {words['advertise']} are not one speed"
    if call.family == "features":
        needed = (1, 30) if _NEW_FEATURES & set(words) else needed
        unknown = [name for name in words if name not in _NEW_FEATURES and not _FEATURES.match(name)]
        if unknown:
            yield f"NetworkManager's plugin {_PLUGIN} passes over {', '.join(unknown)}"
    if call.family == "coalesce" and any(not value.isdecimal() for value in words.values()):
        yield f"NetworkManager's plugin {_PLUGIN} takes {' '.join(call.words)} for a number"
    if needed and (version is None or tuple(version) < needed):
        known = "is not known" if version is None else f"is {'.'.join(map(str, version))}"
        yield f"it takes NetworkManager {'.'.join(map(str, needed))}, and its version {known}"


def _speed_of(mask: str) -> str | None:
    """The one speed that a mask means, its bits for flow control aside."""
    return _MODES.get(f"0x{int(mask, 16) & ~0x6000:03x}")


def _say(place: Place, call: Call) -> str:
    """One part of ``ETHTOOL_OPTS``."""
    if call.family != "link":
        return " ".join(place.nic.interface if word == INTERFACE else word for word in call.argv[1:])
    words = dict(zip(call.words[::2], call.words[1::2], strict=True))
    if "advertise" in words and _by_networkmanager(place):
        return f"autoneg on speed {_speed_of(words['advertise'])} duplex full"
    return " ".join(call.words)


def _check(place: Place, call: Call, keys: dict[str, int], path: str) -> Iterator[str]:
    """Why a call is left to the next back end."""
    key = "MTU" if call.family == "mtu" else "ETHTOOL_OPTS"
    if key in keys:
        yield f"{path} line {keys[key]} has {key} already"
    if _by_networkmanager(place):
        yield from _check_networkmanager(call, place.versions.get("networkmanager"))
    elif call.argv[0] not in place.tools:
        yield f"{call.argv[0]} is not installed"


def _sort(place: Place, calls: Sequence[Call], data: bytes, functions: bytes, path: str) -> tuple[list[Call], list[str]]:
    """The calls that the file can say, and reasons why others are left."""
    keys = {each.key: each.line for each in parse_assignments(data.decode("utf-8", "surrogateescape"))}
    taken: list[Call] = []
    reasons: list[str] = []
    several = _by_networkmanager(place) or b"IFS=';'" in functions
    for call in calls:
        found = list(_check(place, call, keys, path))
        if not found and call.family != "mtu" and not several and any(each.family != "mtu" for each in taken):
            found = ["this network-functions hands one call to ethtool, and no more"]
        if found:
            reasons += [f"{', '.join(call.settings) or ' '.join(call.words)}: {reason}" for reason in found]
        else:
            taken.append(call)
    return taken, reasons


def _list_notes(place: Place, path: str, data: bytes, reasons: Sequence[str]) -> Iterator[str]:
    onboot = next((each for each in parse_assignments(data.decode("utf-8", "surrogateescape")) if each.key == "ONBOOT"), None)
    if onboot is not None and onboot.value.lower() in {"no", "n", "false", "f", "0"}:
        yield f"{path} line {onboot.line} says ONBOOT={onboot.value}: it is set whenever somebody brings {place.nic.interface} up."
    if _by_networkmanager(place):
        yield f"When NetworkManager itself writes {path} (nmcli connection modify), it may change nicmedic's lines; release then names them."
    for reason in reasons:
        yield f"Not here: {reason}."


def _list_parts(value: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """What ``ETHTOOL_OPTS`` says: a family of calls each, with names and values."""
    for part in value.split(";"):
        yield read_ethtool_words(split_words(part))


def _find_claims(place: Place, wish: Wish, found: Found) -> Mapping[str, str]:
    path = None if _why_not(place) else _find_path(place)
    data = found.get(path or "")
    if path is None or data is None:
        return {}
    last: dict[str, Setting] = {each.key: each for each in parse_assignments(data.decode("utf-8", "surrogateescape"))}
    reads = _by_networkmanager(place) or b"ETHTOOL_OPTS" in (found.get(_FUNCTIONS) or b"")
    claims: dict[str, str] = {}
    for call in list_calls(place, wish).calls:
        there = last.get("MTU" if call.family == "mtu" else "ETHTOOL_OPTS")
        if there is None or not there.value:
            continue
        if call.family == "mtu":
            contradicted = there.value != call.words[1]
        else:
            is_read = reads and not (_by_networkmanager(place) and call.family in {"eee", "pause"})
            contradicted = is_read and any(contradicts_words(family, said, call) for family, said in _list_parts(there.value))
        if contradicted:
            said = f"{', '.join(call.settings)}: {path} line {there.line} says {there.key}={there.value}"
            claims.update(dict.fromkeys(call.settings, said))
    return claims


def _place(place: Place, wish: Wish, found: Found) -> Placement | NoPlace:
    refusal, path = _why_not(place), _find_path(place)
    if refusal:
        return refusal
    interface, data = place.nic.interface, found.get(path or "")
    if path is None or data is None:
        return NoPlace(back_end=_NAME, reasons=(f"no file ifcfg-* is for {interface}",))
    functions = found.get(_FUNCTIONS) or b""
    if not is_plain_name(interface):
        flaw: str | None = f"{interface!r} has letters that other programs take for something else"
    elif not _by_networkmanager(place) and b"ETHTOOL_OPTS" not in functions:
        flaw = f"{_FUNCTIONS} is not there, or does nothing with ETHTOOL_OPTS"
    else:
        flaw = _find_flaw(path, data, place.number)
    if flaw is not None:
        return tell_passed_over(place, wish, NoPlace(back_end=_NAME, reasons=(flaw,)))
    listed = list_calls(place, wish)
    calls, reasons = _sort(place, listed.calls, data, functions, path)
    settings = tuple(name for call in calls for name in call.settings)
    if not settings:
        return NoPlace(back_end=_NAME, reasons=(*listed.left, *reasons), told=tuple(reasons))
    parts = [_say(place, call) for call in calls if call.family != "mtu"]
    lines = [f'ETHTOOL_OPTS="{"; ".join(parts)}"'] if parts else []
    lines += [f"MTU={call.words[1]}" for call in calls if call.family == "mtu"]
    edited = insert_block(data, len(split_lines(data)), lines, place.number, name_wish(wish))
    loads = _by_networkmanager(place) and "nmcli" in place.tools
    return Placement(
        back_end=_NAME,
        settings=settings,
        edits=(FileEdit(path=path, before=data, after=edited),),
        refresh=(("nmcli", "connection", "load", path),) if loads else (),
        takes_hold=f"at the next boot, or when {interface} is brought up again",
        notes=tuple(_list_notes(place, path, data, reasons)),
    )


BACK_END = BackEnd(name=_NAME, list_files=_list_files, place=_place, take_out=partial(take_out_marked, _NAME), find_claims=_find_claims)
