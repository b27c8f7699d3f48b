# SPDX-License-Identifier: GPL-2.0-or-later
"""What ``/etc/network/interfaces`` says of a NIC. For ifupdown and ifupdown2 alike; which of the two reads it, their modules know."""

from collections.abc import Sequence
from dataclasses import dataclass

from nicmedic.persist.files import FoundFiles
from nicmedic.persist.interfaces import MAIN_FILE, Stanza, fit_name, included_globs, is_interfaces_text, list_ports, read_stanzas
from nicmedic.persist.values import FileLine, Strength, Target

__all__ = ["PATHS", "PROGRAMS", "Said", "find_installed", "follow_sources", "is_interfaces_text", "read_what_is_said"]

PATHS = (
    MAIN_FILE,
    "/etc/network/interfaces.d/*",
    "/run/network/interfaces.d/*",
    "/etc/network/ifupdown2/ifupdown2.conf",
    "/etc/default/networking",
    "/etc/systemd/system/*.wants/networking.service",
    "/etc/systemd/system/networking.service",
)
PROGRAMS = ("/sbin/ifup", "/usr/sbin/ifup")


def follow_sources(files: FoundFiles) -> tuple[str, ...]:
    """What the files read so far include."""
    return tuple(glob for stanza in read_stanzas(files) for glob in included_globs(stanza))


def find_installed(files: FoundFiles) -> str | None:
    """Whose ``ifup`` this is: ifupdown2's is a link into its own folder; None: there is no ifup."""
    if any("ifupdown2" in files.links.get(path, "") for path in PROGRAMS):
        return "ifupdown2"
    if files.exists(*PROGRAMS):
        return "ifupdown"
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Where the files speak of a NIC, the most telling first."""

    strength: Strength | None
    files: tuple[FileLine, ...]
    why: str
    undecided: tuple[str, ...]


def _line(stanza: Stanza, role: str, line: int | None = None) -> FileLine:
    return FileLine(path=stanza.path, line=line or stanza.line, role=role)


def read_what_is_said(files: FoundFiles, target: Target) -> Said | None:
    """Everything about the NIC; None: nothing."""
    stanzas = read_stanzas(files)
    logical = _logical_names(stanzas, target)
    found: list[FileLine] = []
    undecided = [f"{path}: {reason}" for path, reason in files.find_unreadable(*PATHS[:3])]
    for stanza in stanzas:
        if stanza.kind == "iface" and set(stanza.names) & logical:
            found.append(_line(stanza, "defines"))
            found += [_line(stanza, "port-of", option.line) for option in stanza.options if option.key in ("bond-master", "bond_master")]
            found += _templates(stanza, stanzas)
        elif stanza.kind == "iface" and (option := list_ports(stanza, target)):
            found.append(_line(stanza, "port-of", option.line))
        elif stanza.kind == "mapping" and any(fit_name(name, target) or fit_name(f"/{name}", target) for name in stanza.names):
            found.append(_line(stanza, "maps"))
            undecided.append(f"{stanza.path}:{stanza.line}: which stanza {target.interface} gets, a script of this mapping decides")
        elif stanza.kind == "auto" or stanza.kind.startswith("allow-"):
            answers = [fit_name(name, target) for name in stanza.names]
            if True in answers or "all" in stanza.names:
                found.append(_line(stanza, "activates"))
            elif None in answers:
                undecided.append(f"{stanza.path}:{stanza.line}: whether this pattern fits {target.interface}, its value in sysfs decides")
    return _weigh(target, found, undecided)


def _weigh(target: Target, found: list[FileLine], undecided: list[str]) -> Said | None:
    roles = {each.role for each in found}
    ordered = tuple(sorted(found, key=lambda each: ("defines", "port-of", "template", "maps", "activates").index(each.role)))
    if not found:
        return Said(strength=None, files=(), why="", undecided=tuple(undecided)) if undecided else None
    first = ordered[0]
    place = f"{first.path} line {first.line}"
    if "defines" in roles:
        why = f"{place} has an iface stanza for {target.interface}"
        strength: Strength | None = Strength.DEFINED
    elif "port-of" in roles:
        why = f"{place} makes {target.interface} a port"
        strength = Strength.DEFINED
    elif "maps" in roles:
        why = f"{place} maps {target.interface} to a stanza by a script"
        strength = Strength.MATCHED
    else:
        why = f"{place} brings up {target.interface}, but there is no iface stanza for it"
        strength = None
    return Said(strength=strength, files=ordered, why=why, undecided=tuple(undecided))


def _logical_names(stanzas: Sequence[Stanza], target: Target) -> set[str]:
    """The NIC's own name and altnames; what ``rename OLD=NEW`` makes of it; what ``auto /eth*=LOGICAL`` maps it to."""
    names = {target.interface, *target.altnames}
    for stanza in stanzas:
        if stanza.kind in {"rename", "auto"} or stanza.kind.startswith("allow-"):
            names |= {word.split("=", 1)[1] for word in stanza.names if "=" in word and fit_name(word, target)}
    return names


def _templates(stanza: Stanza, stanzas: Sequence[Stanza]) -> list[FileLine]:
    """Stanzas that this one inherits from, and those that they inherit from."""
    found: list[FileLine] = []
    wanted, seen = list(stanza.inherits), set(stanza.names)
    while wanted and len(found) < 50:
        name = wanted.pop()
        if name not in seen:
            seen.add(name)
            for each in stanzas:
                if each.kind in ("iface", "template") and name in each.names:
                    found.append(_line(each, "template"))
                    wanted += each.inherits
    return found
