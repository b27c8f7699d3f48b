# SPDX-License-Identifier: GPL-2.0-or-later
"""netplan, which writes the files of networkd or NetworkManager at boot.

Its own file::

    network:
      version: 2
      renderer: networkd
      ethernets:
        lan:
          match: {macaddress: "52:54:00:12:34:56"}
          set-name: lan0
      bridges:
        br0:
          interfaces: [lan]

gives /run/systemd/network/10-netplan-lan.network, or /run/NetworkManager/system-connections/netplan-lan.nmconnection: these names say
which definition was in force at boot. Without them the YAML is judged: files of /lib, /etc and /run are read in the order of their names,
one in /run hides one of the
same name in /etc, and that one in /lib; later files add to a definition of the same id; without ``match`` the id is the NIC's name.
Reference: netplan-yaml.md and netplan-generate(8) of netplan 0.106; networkd.c and nm.c there for the names.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from nicmedic.persist.files import FoundFiles, base_name
from nicmedic.persist.manager import Manager
from nicmedic.persist.matching import all_fit, fit_any_address, fits_glob
from nicmedic.persist.values import Claim, FileLine, Strength, Target
from nicmedic.persist.yaml_lines import Node, parse_yaml

__all__ = ["MANAGER", "Definition", "adopt", "escape_id", "list_definitions"]

_FOLDERS = ("/lib/netplan", "/etc/netplan", "/run/netplan")
_PATHS = tuple(f"{folder}/*.yaml" for folder in _FOLDERS)
_GENERATED = re.compile(r"/run/(?:systemd/network/10-netplan-(.+)\.network|NetworkManager/system-connections/netplan-(.+)\.nmconnection)\Z")
_RENDERERS = {"networkd": "networkd", "NetworkManager": "networkmanager", "sriov": None}


@dataclass(slots=True, kw_only=True)
class Definition:
    """What all files together say of one id; not to be changed by who is given it."""

    name: str
    section: str
    places: list[FileLine] = field(default_factory=list)
    values: dict[str, Node] = field(default_factory=dict)
    matches: dict[str, Node] = field(default_factory=dict)
    renderer: str | None = None


@dataclass(slots=True, kw_only=True)
class _Read:
    definitions: dict[tuple[str, str], Definition] = field(default_factory=dict)
    renderer: str | None = None
    broken: list[str] = field(default_factory=list)
    ports: list[tuple[str, FileLine]] = field(default_factory=list)


def _files_in_order(files: FoundFiles) -> Iterator[str]:
    chosen = {base_name(path): path for folder in _FOLDERS for path, _ in files.find(f"{folder}/*.yaml")}
    for name in sorted(chosen):
        yield chosen[name]


def _read(files: FoundFiles) -> _Read:
    return files.make_once("netplan", _read_all)


def list_definitions(files: FoundFiles) -> Sequence[Definition]:
    """Of all ids, in the order in which the files name them first."""
    return tuple(_read(files).definitions.values())


def _read_all(files: FoundFiles) -> _Read:
    read = _Read()
    for path in _files_in_order(files):
        root = parse_yaml(files.texts[path])
        if isinstance(root, str):
            read.broken.append(f"{path}: {root}")
            continue
        network = root.child("network")
        read.renderer = network.text("renderer") or read.renderer
        for section in ("ethernets", "bridges", "bonds", "vlans", "wifis", "nm-devices", "vrfs"):
            group = network.child(section)
            for name, node in group.items():
                if name != "renderer":
                    _merge(read, path, section, name, node, group.text("renderer"))
    return read


def _merge(read: _Read, path: str, section: str, name: str, node: Node, renderer: str | None) -> None:
    definition = read.definitions.setdefault((section, name), Definition(name=name, section=section))
    definition.places.append(FileLine(path=path, line=node.key_line, role="defines"))
    definition.values.update(node.items())
    definition.matches.update(node.child("match").items())
    definition.renderer = node.text("renderer") or definition.renderer or renderer
    if section in ("bridges", "bonds", "vrfs"):
        for member in node.child("interfaces").elements():
            read.ports.append((member.value, FileLine(path=path, line=member.line, role="port-of")))


def _fits(definition: Definition, target: Target) -> bool | None:
    matches = definition.matches
    if not matches:
        return definition.name == target.interface
    answers: list[bool | None] = []
    if "name" in matches:
        renamed = definition.values.get("set-name")
        fits = any(fits_glob(each, matches["name"].value) for each in (target.interface, *target.altnames))
        answers.append(bool(fits or (renamed and renamed.value == target.interface)))
    if "macaddress" in matches:
        answers.append(fit_any_address([matches["macaddress"].value], (target.permanent_address, target.address)))
    if "driver" in matches:
        drivers = [each.value for each in matches["driver"].elements()] or [matches["driver"].value]
        answers.append(None if target.driver is None else any(fits_glob(target.driver, each) for each in drivers))
    return all_fit(answers) if answers else target.kind == "ether"


def _claim(files: FoundFiles, target: Target) -> Claim | None:
    if not files.exists(*_PATHS):
        return None
    read = _read(files)
    undecided = [*read.broken, *(f"{path}: {reason}" for path, reason in files.find_unreadable(*_PATHS))]
    for definition in read.definitions.values():
        if definition.section not in ("ethernets", "wifis", "nm-devices"):
            continue
        fits = _fits(definition, target)
        if fits:
            return _build(read, definition, target, tuple(undecided))
        if fits is None:
            undecided.append(f"{definition.places[0].path}: whether the definition {definition.name} fits {target.interface} is not known")
    if not undecided:
        return None
    return Claim(manager="netplan", strength=Strength.POSSIBLE, why="a file of netplan may be for it", undecided=tuple(undecided))


def _build(read: _Read, definition: Definition, target: Target, undecided: tuple[str, ...]) -> Claim:
    renderer = _RENDERERS.get(definition.renderer or read.renderer or "networkd")
    globbed = "name" in definition.matches and set("*?[") & set(definition.matches["name"].value)
    loose = bool(definition.matches) and "macaddress" not in definition.matches and ("name" not in definition.matches or globbed)
    places = (*definition.places, *(place for name, place in read.ports if name == definition.name))
    first = places[0]
    why = f"{first.path} line {first.line} defines {definition.name}, which fits {target.interface}; no file generated from it was found"
    strength = Strength.MATCHED if loose else Strength.DEFINED
    return Claim(manager="netplan", strength=strength, renderer=renderer, files=places, why=why, undecided=undecided)


def adopt(claim: Claim, files: FoundFiles) -> Claim:
    """A claim of networkd or NetworkManager by a file that netplan generated is netplan's; any other comes back as it is."""
    for place in claim.files:
        if claim.strength and place.role == "defines" and (found := _GENERATED.match(place.path)):
            name = found[1] or found[2]
            read = _read(files)
            definitions = [each for (_, key), each in read.definitions.items() if escape_id(key) == name or key == name]
            places = [place for each in definitions for place in each.places]
            places += [port for member, port in read.ports if any(member == each.name for each in definitions)]
            why = f"{claim.why}; netplan generated that file" + (f" from {places[0].path}" if places else "")
            others = tuple(
                FileLine(path=each.path, line=each.line, role="generated" if each.role in ("defines", "port-of") else each.role)
                for each in claim.files
            )
            return Claim(
                manager="netplan",
                renderer=claim.manager,
                strength=claim.strength,
                files=(*places, *others),
                why=why,
                active=claim.active,
                undecided=(*claim.undecided, *read.broken),
            )
    return claim


def escape_id(name: str) -> str:
    """As netplan escapes an id for a file name since 1.0 (``g_uri_escape_string``)."""
    return "".join(
        letter if re.match(r"[\w.~-]", letter, re.ASCII) else "".join(f"%{byte:02X}" for byte in letter.encode()) for letter in name
    )


MANAGER = Manager(name="netplan", paths=_PATHS, claim=_claim)
