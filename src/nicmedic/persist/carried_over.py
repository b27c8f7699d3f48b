# SPDX-License-Identifier: GPL-2.0-or-later
"""A file with lines of ours that is gone: where its lines, or what they said, stand now.

A file that was renamed has our comments under its new name. ``nmcli connection migrate`` makes a keyfile of an ifcfg file: it drops the comments
and carries the values over, under the same UUID. One made out of an ifcfg file without ``UUID=`` is known by the card that it names.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from nicmedic.model.keeping import FileEdit, Kept, NoPlace, Placement
from nicmedic.model.names import shell_name
from nicmedic.model.plan import Identity
from nicmedic.persist.files import FoundFiles, base_name
from nicmedic.persist.ini import parse_assignments, parse_ini
from nicmedic.persist.marks import list_numbers
from nicmedic.persist.matching import fit_any_address
from nicmedic.persist.nm_keys import NmKey, choose_nm_keys

__all__ = ["find_carried"]

_KEYFILES: Final = tuple(f"{folder}/NetworkManager/system-connections/*" for folder in ("/etc", "/run"))
_OF_CONNECTIONS: Final = frozenset({"ifcfg", "networkmanager"})
"""Back ends whose files NetworkManager makes others of."""
_ANY_VERSION: Final = (1 << 16, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Connection:
    """What says which connection a file is, and for which card."""

    uuid: str
    name: str
    address: str


def _read_connection(text: str) -> _Connection:
    """Of a keyfile or an ifcfg file."""
    said = {f"{each.section}.{each.key}": each.value for each in parse_ini(text, joined=False)}
    said |= {each.key: each.value for each in parse_assignments(text)}

    def find(*keys: str) -> str:
        return next((said[key] for key in keys if said.get(key)), "")

    return _Connection(
        uuid=find("connection.uuid", "UUID"),
        name=find("connection.interface-name", "DEVICE"),
        address=find("ethernet.mac-address", "802-3-ethernet.mac-address", "HWADDR"),
    )


def _is_for_card(there: _Connection, former: _Connection, nic: Identity) -> bool:
    by_address = fit_any_address([there.address], (nic.permanent_address, former.address or None)) is True
    return by_address or (bool(there.name) and there.name in {nic.interface, former.name})


def _list_keys(kept: Kept, placement: Placement) -> Iterator[tuple[NmKey, ...]]:
    """What a keyfile says for the settings of a placement; keys that mean something only together are together."""
    for wish in kept.wishes:
        groups: dict[tuple[str, ...], list[NmKey]] = {}
        for key in choose_nm_keys(wish, _ANY_VERSION, None)[0]:
            if set(key.covers) & set(placement.settings):
                groups.setdefault(key.covers, []).append(key)
        yield from map(tuple, groups.values())


def _find_keys(kept: Kept, placement: Placement, text: str) -> tuple[NmKey, ...]:
    """Those that stand in a keyfile with our values."""
    last = {(each.section.replace("802-3-ethernet", "ethernet"), each.key): each.value for each in parse_ini(text, joined=False)}
    groups = _list_keys(kept, placement)
    return tuple(key for keys in groups if all(last.get((key.group, key.key)) == key.value for key in keys) for key in keys)


def _find_moved(kept: Kept, edit: FileEdit, files: FoundFiles) -> Iterator[str]:
    """Files with our comments that are none of ours."""
    own = {base_name(other.path) for placement in kept.placements for other in placement.edits if other.path != edit.path}
    for path, text in sorted(files.texts.items()):
        if base_name(path) not in own and kept.id in list_numbers(text.encode("utf-8", "surrogateescape")):
            yield path


def _tell_keys(edit: FileEdit, path: str, keys: tuple[NmKey, ...]) -> str:
    return f"{edit.path} is gone, and {path} says {', '.join(f'{key.group}.{key.key}={key.value}' for key in keys)}"


def _undo_keys(connection: _Connection, keys: tuple[NmKey, ...]) -> tuple[str, ...]:
    uuid = shell_name(connection.uuid, "UUID")
    groups: Mapping[str, str] = {"ethernet": "802-3-ethernet"}
    return tuple(f"nmcli connection modify {uuid} {groups.get(key.group, key.group)}.{key.key} ''" for key in keys)


def find_carried(kept: Kept, placement: Placement, edit: FileEdit, files: FoundFiles) -> NoPlace | tuple[str, ...]:
    """Why a remedy whose file is gone may be in force all the same; sentences to be told where it is not known to be ours.

    Args:
        kept: the remedy.
        placement: to which the file belongs.
        edit: the file that is gone.
        files: of all network managers, as they are now.
    """
    if moved := [*_find_moved(kept, edit, files)]:
        reasons = tuple(f"{edit.path} is gone, and {path} has the lines of nicmedic {kept.id}; take them out there" for path in moved)
        return NoPlace(back_end=placement.back_end, reasons=reasons)
    if placement.back_end not in _OF_CONNECTIONS:
        return ()
    former = _read_connection((edit.before or b"").decode("utf-8", "replace"))
    told: list[str] = []
    for path, text in files.find(*_KEYFILES):
        there, keys = _read_connection(text), _find_keys(kept, placement, text)
        if keys and (there.uuid == former.uuid if there.uuid and former.uuid else _is_for_card(there, former, kept.nic)):
            return NoPlace(back_end=placement.back_end, reasons=(_tell_keys(edit, path, keys),), settle=_undo_keys(there, keys))
        if keys and _is_for_card(there, former, kept.nic):
            told.append(f"{_tell_keys(edit, path, keys)}: another connection, which stays as it is")
    return tuple(told)
