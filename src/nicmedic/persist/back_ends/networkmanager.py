# SPDX-License-Identifier: GPL-2.0-or-later
"""NetworkManager: lines of ours at the end of the connection's own file.

What is written, behind all else in ``/etc/NetworkManager/system-connections/lan.nmconnection``::

    # >>> nicmedic 3: offload-off:tso; nicmedic release 3 takes this away
    [ethtool]
    feature-tx-tcp-segmentation=false
    [ipv6]
    # <<< nicmedic 3 5c1f2a90

GLib joins groups of one name, and the last value of a key counts, so nothing above is touched (GKeyFile, "Key files"; tried with ``nmcli --offline``
1.42.4). The last group is opened again at the end, so that what somebody appends later stands where he meant it. ``nmcli connection modify`` would
write the whole file anew, and no release could bring its bytes back; it drops all comments too, so after one by somebody else our lines have lost
their marks and are left to him, by name.

Not for profiles that NetworkManager keeps in memory, that netplan makes, or that several cards may use.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from nicmedic.model.keeping import FileEdit, NoPlace, Placement, Wish
from nicmedic.model.names import shell_name
from nicmedic.persist.back_end import BackEnd, Found, Place
from nicmedic.persist.ini import Setting, parse_ini
from nicmedic.persist.marks import insert_block, list_numbers, split_lines, take_out_marked
from nicmedic.persist.matching import fit_any_address
from nicmedic.persist.nm_keys import NmKey, choose_nm_keys
from nicmedic.persist.stanza_placing import name_wish, tell_passed_over, why_not_owned
from nicmedic.persist.values import Target

__all__ = ["BACK_END"]

_NAME: Final = "networkmanager"
_FOLDER: Final = "/etc/NetworkManager/system-connections/"
_ALIAS: Final = {"802-3-ethernet": "ethernet"}


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _profile_paths(place: Place) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.path for each in place.owner.files if each.role == "defines"))


def _list_files(place: Place, wish: Wish) -> tuple[str, ...]:  # noqa: ARG001  # the shape of ``BackEnd.list_files``
    return _profile_paths(place) if place.owner.manager == _NAME else ()


def _read(data: bytes) -> list[Setting]:
    return list(parse_ini(_decode(data), joined=False))


def _groups(data: bytes) -> list[str]:
    """Names of all groups in order, as often as they stand there."""
    lines = [line.strip() for line in _decode(data).split("\n")]
    return [line[1:-1] for line in lines if line.startswith("[") and line.endswith("]")]


def _last(settings: Sequence[Setting], *names: tuple[str, str]) -> str | None:
    return next((each.value for each in reversed(settings) if (each.section, each.key) in names), None)


def _refuse(*reasons: str, settle: Sequence[str] = ()) -> NoPlace:
    return NoPlace(back_end=_NAME, reasons=reasons, settle=tuple(settle))


def _check_connection(place: Place) -> NoPlace | None:
    name = place.nic.interface
    look = "nmcli -f NAME,UUID,DEVICE,FILENAME connection show"
    paths = _profile_paths(place)
    plain = shell_name(name, "IFACE")
    if not paths:
        make = f"nmcli connection add type ethernet ifname {plain} con-name {plain}"
        return _refuse(f"NetworkManager has {name} without a connection in a file", settle=(look, make))
    if len(paths) > 1:
        return _refuse(f"{len(paths)} connections fit {name}: {', '.join(paths)}", settle=(look,))
    if not paths[0].startswith(_FOLDER):
        reason = f"{paths[0]} does not stand in {_FOLDER}, so it is not kept over a boot or not for editing"
        save = "nmcli connection modify UUID connection.autoconnect yes   # has it written there"
        return _refuse(reason, settle=(look, save))
    return None


def _names_card(settings: Sequence[Setting], target: Target) -> bool:
    named = _last(settings, ("connection", "interface-name"))
    address = _last(settings, ("ethernet", "mac-address"), ("802-3-ethernet", "mac-address"))
    by_address = address is not None and fit_any_address([address], (target.permanent_address,)) is True
    return by_address or named in {target.interface, *target.altnames}


def _check_profile(place: Place, path: str, data: bytes | None) -> NoPlace | None:
    """What speaks against a line in this file."""
    if data is None:
        return _refuse(f"{path} cannot be read")
    settings, groups = _read(data), _groups(data)
    target = place.target
    kind = _last(settings, ("connection", "type"))
    if kind not in {"ethernet", "802-3-ethernet"}:
        return _refuse(f"{path} is no Ethernet connection: its type is {kind or 'not told'}")
    if {"ethernet", "802-3-ethernet"} <= set(groups):
        return _refuse(f"{path} has both [ethernet] and [802-3-ethernet], of which NetworkManager reads one")
    if not _names_card(settings, target):
        uuid = shell_name(_last(settings, ("connection", "uuid")), "UUID")
        bind = f"nmcli connection modify {uuid} connection.interface-name {shell_name(target.interface, 'IFACE')}"
        return _refuse(f"{path} names no card, so another one may be set by it too", settle=(bind,))
    if place.number in list_numbers(data):
        return _refuse(f"{path} has lines of nicmedic {place.number} already")
    return None


def _block_lines(keys: Sequence[NmKey], groups: Sequence[str]) -> list[str]:
    spelled = "802-3-ethernet" if "802-3-ethernet" in groups else "ethernet"
    lines: list[str] = []
    for group in dict.fromkeys(key.group for key in keys):
        lines.append(f"[{spelled if group == 'ethernet' else group}]")
        lines += [f"{key.key}={key.value}" for key in keys if key.group == group]
    return [*lines, *(f"[{group}]" for group in groups[-1:])]


def _plain_group(name: str) -> str:
    return _ALIAS.get(name, name)


def _say_overridden(path: str, data: bytes, keys: Sequence[NmKey]) -> Iterator[str]:
    mine = {(key.group, key.key): key.value for key in keys}
    for each in _read(data):
        if mine.get((_plain_group(each.section), each.key), each.value) != each.value:
            yield f"Overrides {each.key}={each.value} of {path} line {each.line}."


def _notes(place: Place, path: str, keys: Sequence[NmKey]) -> Iterator[str]:
    for other, text in place.files.find(f"{_FOLDER}*"):
        if other != path and _names_card(list(parse_ini(text, joined=False)), place.target):
            yield f"{other} is a connection for this card too; while that one is up, nothing of this is set."
    if any(key.key == "auto-negotiate" for key in keys):
        yield "When the connection goes down, NetworkManager puts the former speed back, but offers every mode again, not only those offered before."
    yield "nmcli connection modify drops comments, and with them the marks of these lines; release then names them instead of taking them away."


def _place(place: Place, wish: Wish, found: Found) -> Placement | NoPlace:
    if (refused := why_not_owned(place, _NAME, _NAME)) is not None:
        return refused
    if (refused := _check_connection(place)) is not None:
        return tell_passed_over(place, wish, refused)
    path = _profile_paths(place)[0]
    before = found.get(path)
    keys, covered, reasons = choose_nm_keys(wish, place.versions.get(_NAME, ()), place.nic.driver)
    refused = _check_profile(place, path, before)
    if refused is not None or before is None:
        return tell_passed_over(place, wish, refused or _refuse(f"{path} cannot be read"))
    if not covered:
        return _refuse(*reasons)
    after = insert_block(before, len(split_lines(before)) - 1, _block_lines(keys, _groups(before)), place.number, name_wish(wish))
    uuid = shell_name(_last(_read(before), ("connection", "uuid")), "UUID")
    running = "nmcli" in place.tools and place.files.exists("/run/NetworkManager/devices/*")
    return Placement(
        back_end=_NAME,
        settings=tuple(covered),
        edits=(FileEdit(path=path, before=before, after=after),),
        refresh=(("nmcli", "connection", "load", path),) if running else (),
        takes_hold=f"when the connection goes up next: at boot, or with nmcli connection up {uuid}",
        notes=(*_say_overridden(path, before, keys), *_notes(place, path, keys)),
    )


def _last_values(data: bytes) -> Mapping[tuple[str, str], Setting]:
    return {(_plain_group(each.section), each.key): each for each in _read(data)}


def _take_out(edit: FileEdit, now: bytes, number: int) -> bytes | NoPlace | None:
    if number in list_numbers(now):
        return take_out_marked(_NAME, edit, now, number)
    before, ours, there = _last_values(edit.before or b""), _last_values(edit.after or b""), _last_values(now)
    left = [
        (name, there[name].line)
        for name, setting in ours.items()
        if (name not in before or before[name].value != setting.value) and name in there and there[name].value == setting.value
    ]
    if not left:
        return now
    uuid = shell_name(_last(_read(now), ("connection", "uuid")), "UUID")
    told = ", ".join(f"line {line} ({group}.{key})" for (group, key), line in left)
    undo = [
        f"nmcli connection modify {uuid} {'802-3-ethernet' if group == 'ethernet' else group}.{key} "
        + (shell_name(before[group, key].value, "VALUE") if (group, key) in before else "''")
        for (group, key), _ in left
    ]
    return _refuse(
        f"{edit.path} was written anew, without the comments of nicmedic {number}; of its lines these are there: {told}", settle=undo
    )


BACK_END = BackEnd(name=_NAME, list_files=_list_files, place=_place, take_out=_take_out)
