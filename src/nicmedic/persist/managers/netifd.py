# SPDX-License-Identifier: GPL-2.0-or-later
"""netifd of OpenWrt, which reads one file.

A real ``/etc/config/network``::

    config device
            option name 'br-lan'
            option type 'bridge'
            list ports 'eth0'

    config interface 'lan'
            option device 'br-lan'
            option proto 'static'

Before 21.02 an interface named its ports itself: ``option type 'bridge'`` with ``option ifname 'eth0 eth1'``. ``eth0.2`` is VLAN 2 on eth0.
Reference: OpenWrt's documentation of the UCI file network; config.c of netifd.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from nicmedic.persist.files import FoundFiles
from nicmedic.persist.ini import split_words
from nicmedic.persist.manager import Manager
from nicmedic.persist.values import Claim, FileLine, Strength, Target

__all__ = ["MANAGER"]

_PATH = "/etc/config/network"


@dataclass(slots=True, kw_only=True)
class _Section:
    kind: str
    options: list[tuple[str, str, int]] = field(default_factory=list)

    def find(self, *keys: str) -> Iterator[tuple[str, int]]:
        return ((value, line) for key, value, line in self.options if key in keys)


def _parse(text: str) -> list[_Section]:
    sections: list[_Section] = []
    for number, line in enumerate(text.split("\n"), 1):
        words = split_words(line)
        if words[:1] == ["config"] and len(words) > 1:
            sections.append(_Section(kind=words[1]))
        elif words[:1] in (["option"], ["list"]) and len(words) > 2 and sections:
            sections[-1].options.append((words[1], words[2], number))
    return sections


def _names_it(value: str, target: Target) -> bool:
    """``eth0``, ``eth0.2`` and ``eth0:t`` are all about eth0."""
    return any(word.partition(":")[0] == target.interface or word.partition(".")[0] == target.interface for word in value.split())


def _claim(files: FoundFiles, target: Target) -> Claim | None:
    text = files.texts.get(_PATH)
    if text is None:
        reason = files.unreadable.get(_PATH)
        undecided = (f"{_PATH}: {reason}",)
        return Claim(manager="netifd", strength=Strength.POSSIBLE, why="it cannot be read", undecided=undecided) if reason else None
    places: list[FileLine] = []
    for section in _parse(text):
        if section.kind == "device":
            named = [line for value, line in section.find("name") if value == target.interface]
            places += [FileLine(path=_PATH, line=line, role="defines") for line in named]
            bridge = [line for value, line in section.find("ports", "ifname") if _names_it(value, target)]
            places += [FileLine(path=_PATH, line=line, role="port-of") for line in bridge]
        elif section.kind == "interface":
            bridged = any(value == "bridge" for value, _ in section.find("type"))
            role = "port-of" if bridged else "defines"
            used = [line for value, line in section.find("device", "ifname") if _names_it(value, target)]
            places += [FileLine(path=_PATH, line=line, role=role) for line in used]
    if not places:
        return None
    ordered = tuple(sorted(places, key=lambda each: each.role != "defines"))
    why = f"{_PATH} line {ordered[0].line} names {target.interface}"
    return Claim(manager="netifd", strength=Strength.DEFINED, files=ordered, why=why)


MANAGER = Manager(name="netifd", paths=(_PATH,), claim=_claim)
