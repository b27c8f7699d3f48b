# SPDX-License-Identifier: GPL-2.0-or-later
"""netplan: one more file that adds to the card's definition; later files add to those before, key by key.

What is written, ``/etc/netplan/90-nicmedic-3.yaml``, for a card that networkd or NetworkManager carries out::

    network:                                    network:
      version: 2                                  version: 2
      ethernets:                                  ethernets:
        "lan":                                      "lan":
          tcp-segmentation-offload: false             networkmanager:
                                                        passthrough:
                                                          "ethtool.feature-tx-tcp-segmentation": "false"

Addresses, ``match`` and lists of the other files stay as they are (tried with netplan 0.106: the generated files differ by these lines alone).
For networkd these keys end up in a .link file. Where netplan makes none yet, one that it begins to make would take the card's naming policy away, and
has ``WakeOnLan=off`` (src/networkd.c ``write_link_file``): so that is left to others. What YAML has no word for goes to a drop-in beside that .link
file, see ``back_ends/link.py``. For NetworkManager everything goes through ``passthrough``, known since 0.102, and no .link file comes of it.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from nicmedic.model.keeping import FileEdit, NoPlace, Placement, Wish
from nicmedic.persist.back_end import BackEnd, Found, Place
from nicmedic.persist.files import base_name
from nicmedic.persist.managers.netplan import Definition, escape_id, list_definitions
from nicmedic.persist.nm_keys import choose_nm_keys
from nicmedic.persist.offloads import OFFLOADS, choose_offloads
from nicmedic.persist.own_file import head_lines, take_out_own
from nicmedic.persist.stanza_placing import name_wish, tell_passed_over, why_not_owned
from nicmedic.persist.yaml_lines import Node, parse_yaml

__all__ = ["BACK_END"]

_NAME: Final = "netplan"
_OFFLOADS: Final = tuple(each for each in OFFLOADS if each.netplan_key is not None)


def _own_path(place: Place) -> str:
    return f"/etc/netplan/90-nicmedic-{place.number}.yaml"


def _list_files(place: Place, wish: Wish) -> tuple[str, ...]:  # noqa: ARG001  # the shape of ``BackEnd.list_files``
    return (_own_path(place),) if place.owner.manager == _NAME else ()


def _refuse(*reasons: str, settle: Sequence[str] = ()) -> NoPlace:
    return NoPlace(back_end=_NAME, reasons=reasons, settle=tuple(settle))


def _find_definition(place: Place) -> Definition | str:
    """The one that the owner's files name; a sentence where there is none, or none that is for this card alone."""
    name = place.nic.interface
    places = {(each.path, each.line) for each in place.owner.files if each.role in {"defines", "generated"}}
    found = [each for each in list_definitions(place.files) if any((one.path, one.line) in places for one in each.places)]
    if len(found) != 1:
        return f"{len(found)} definitions of netplan are for {name}" if found else f"no file of netplan was found that defines {name}"
    definition = found[0]
    if definition.section != "ethernets" or not definition.name.isprintable():
        return f"{definition.name!a} stands among the {definition.section} of netplan"
    matches = definition.matches
    pattern = matches["name"].value if "name" in matches else ""
    if not matches and definition.name != name:
        return f"{definition.name} has no match, so it is for an interface of that name, and not for {name}"
    if matches and "macaddress" not in matches and (not pattern or set("*?[") & set(pattern)):
        return f"{definition.name} may be for other cards too: {', '.join(matches)} is all that it matches by"
    return definition


def _makes_link_file(place: Place, definition: Definition) -> bool:
    link = place.owner.link_file
    return link is not None and link.path in {
        f"/run/systemd/network/10-netplan-{name}.link" for name in (definition.name, escape_id(definition.name))
    }


def _choose_networkd(place: Place, wish: Wish) -> tuple[dict[str, str], list[str], list[str]]:
    """Keys of the definition with their values as YAML, the settings that they cover, and why others are not."""
    keys: dict[str, str] = {}
    covered: list[str] = []
    systemd = place.versions.get("systemd", (0,))[0]
    if place.versions.get(_NAME, ()) >= (0, 104):
        known = tuple(each for each in _OFFLOADS if each.since <= systemd)
        for chosen in choose_offloads(wish, known):
            keys[chosen.offload.netplan_key or ""] = "true" if chosen.value == "on" else "false"
            covered += chosen.covers
    for setting in wish.settings:
        if setting.name == "mtu" and setting.value.isascii() and setting.value.isdecimal():
            keys["mtu"] = setting.value
            covered.append("mtu")
    reasons = [f"{each.name}: netplan has no word for it that networkd carries out" for each in wish.settings if each.name not in covered]
    return keys, covered, reasons


def _choose_passthrough(place: Place, wish: Wish) -> tuple[dict[str, str], list[str], list[str]]:
    """The same for keys of a connection: ``ethtool.feature-gro``."""
    if place.versions.get(_NAME, ()) < (0, 102):
        return {}, [], ["netplan passes NetworkManager's keys on since 0.102"]
    keys, covered, reasons = choose_nm_keys(wish, place.versions.get("networkmanager", ()), place.nic.driver)
    return {f"{key.group}.{key.key}": key.value for key in keys}, covered, reasons


def _find_overriding(place: Place, definition: Definition, path: Sequence[str], keys: Mapping[str, str]) -> list[str]:
    """Keys of ours that a file with a later name sets again."""
    found = []
    for each in dict.fromkeys(one.path for one in definition.places):
        root = parse_yaml(place.files.texts.get(each, "")) if base_name(each) > base_name(_own_path(place)) else Node()
        node = root if isinstance(root, Node) else Node()
        for key in ("network", definition.section, definition.name, *path):
            node = node.child(key)
        found += [f"{each} line {child.line} says {key}: {child.value}, and is read later" for key, child in node.items() if key in keys]
    return found


def _say_overridden(definition: Definition, path: Sequence[str], keys: Mapping[str, str]) -> list[str]:
    node = Node(pairs=tuple(definition.values.items()))
    own = {"mtu": keys["ethernet.mtu"]} if "ethernet.mtu" in keys else {}
    said = [(key, child.value, own[key]) for key, child in node.items() if key in own]
    for key in path:
        node = node.child(key)
    said += [(key, child.value, keys[key]) for key, child in node.items() if key in keys]
    return [f"Overrides {key}: {value} of {definition.name}." for key, value, wanted in said if value != wanted]


def _render(place: Place, wish: Wish, definition: Definition, path: Sequence[str], keys: Mapping[str, str]) -> bytes:
    lines = [*head_lines(place.number, name_wish(wish)), "network:", "  version: 2"]
    indent = "  "
    for name in (definition.section, json.dumps(definition.name, ensure_ascii=False), *path):
        lines.append(f"{indent}{name}:")
        indent += "  "
    for key, value in keys.items():
        lines.append(f"{indent}{json.dumps(key)}: {json.dumps(value)}" if path else f"{indent}{key}: {value}")
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def _place(place: Place, wish: Wish, found: Found) -> Placement | NoPlace:
    owner, own = place.owner, _own_path(place)
    if (refused := why_not_owned(place, _NAME, _NAME)) is not None:
        return refused
    definition = _find_definition(place)
    if isinstance(definition, str):
        return tell_passed_over(place, wish, _refuse(definition, settle=("netplan get",)))
    path: tuple[str, ...] = ()
    if owner.renderer == "networkmanager":
        path = ("networkmanager", "passthrough")
        keys, covered, reasons = _choose_passthrough(place, wish)
    elif owner.renderer != "networkd":
        refused = _refuse("which program carries out netplan's files cannot be told", settle=("netplan get",))
        return tell_passed_over(place, wish, refused)
    elif not _makes_link_file(place, definition):
        reason = f"netplan makes no .link file for {definition.name} yet; one would take the naming policy away and switch Wake-on-LAN off"
        return tell_passed_over(place, wish, _refuse(reason))
    else:
        keys, covered, reasons = _choose_networkd(place, wish)
    if not covered:
        return _refuse(*reasons)
    hindered = _find_overriding(place, definition, path, keys)
    hindered += [f"{own} is there already"] if found.get(own) is not None else []
    if hindered:
        return tell_passed_over(place, wish, _refuse(*hindered))
    return Placement(
        back_end=_NAME,
        settings=tuple(covered),
        edits=(FileEdit(path=own, before=None, after=_render(place, wish, definition, path, keys), mode=0o600),),
        refresh=(("netplan", "generate"),) if "netplan" in place.tools else (),
        takes_hold="at the next boot",
        notes=tuple(_say_overridden(definition, path, keys)),
    )


def _take_out(edit: FileEdit, now: bytes, number: int) -> bytes | NoPlace | None:  # noqa: ARG001  # the shape of ``BackEnd.take_out``
    return take_out_own(_NAME, edit, now, frame=("version: 2",))


BACK_END = BackEnd(name=_NAME, list_files=_list_files, place=_place, take_out=_take_out)
