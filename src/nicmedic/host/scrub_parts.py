# SPDX-License-Identifier: GPL-2.0-or-later
"""Scrub the parts of an archive, names of members and bytes that are no text too. What is replaced, ``report/scrub.py`` knows."""

import json
import os
import struct
from collections.abc import Iterable, Iterator, Mapping

from nicmedic.host.raw_files import Member, Missing
from nicmedic.host.timed_reader import read_bounded
from nicmedic.model.host import Host
from nicmedic.report.scrub import Kind, Scrubber

__all__ = ["blank_serial_number", "find_known_names", "scrub_parts", "scrub_wtmp"]

_UTMP = 384
_BOOT_RECORDS = (1, 2, 3, 4)
"""RUN_LVL, BOOT_TIME, NEW_TIME, OLD_TIME of utmp(5); the rest are people."""
_HOST_OFFSET, _HOST_BYTES = 76, 256
_VERSIONS = ("firmware_version", "driver_version", "kernel_package", "bios_version")
"""Fields of ``model/host.py`` in which four numbers are no address."""
_EXTENDED = 0x100
_DSN = 0x0003
"""PCI_EXT_CAP_ID_DSN (include/uapi/linux/pci_regs.h): a device's serial number, mostly made of its MAC address."""


def find_known_names(root: str = "", host: Host | None = None) -> Mapping[Kind, frozenset[str]]:
    """This host's own name and domain, the users who are people, and the addresses of its cards, which may stand without marks."""
    hosts = {os.uname().nodename, *_words(f"{root}/etc/hostname"), *_words(f"{root}/etc/mailname")}
    domains: set[str] = set()
    for line in _lines(f"{root}/etc/resolv.conf"):
        key, *rest = line.split() or [""]
        if key in ("search", "domain"):
            domains |= {word.strip(".") for word in rest if "." in word.strip(".")}
    users: set[str] = set()
    for line in _lines(f"{root}/etc/passwd"):
        fields = line.split(":")
        if len(fields) > 4 and fields[2].isdecimal() and 1000 <= int(fields[2]) < 65_534:
            users |= {fields[0], *(word for word in fields[4].split(",")[0].split() if len(word) > 2)}
    for line in _lines(f"{root}/etc/hosts"):
        names = line.partition("#")[0].split()[1:]
        hosts |= {name for name in names if not name.startswith(("localhost", "ip6-"))}
    serials = {word for name in ("product", "board", "chassis") for word in _lines(f"{root}/sys/class/dmi/id/{name}_serial")}
    known = {Kind.HOST: hosts, Kind.DOMAIN: domains, Kind.USER: users, Kind.SERIAL: {word.strip() for word in serials}}
    cards = () if host is None else host.nics
    known[Kind.MAC] = {address for nic in cards for address in (nic.address, nic.permanent_address) if address}
    return {kind: frozenset(words) for kind, words in known.items()}


def _lines(path: str) -> list[str]:
    try:
        return read_bounded(path, 1 << 20).decode("utf-8", "replace").splitlines()
    except (OSError, ValueError):
        return []


def _words(path: str) -> list[str]:
    return [word for line in _lines(path) for word in line.split()]


def scrub_parts(parts: Iterable[Member | Missing], scrubber: Scrubber) -> Iterator[Member | Missing]:
    """The same parts, scrubbed. All are learned from before the first is given; what is no text and of no known kind is left out."""
    held = list(parts)
    for part in held:
        if isinstance(part, Member) and (text := _decode(part.data)) is not None:
            scrubber.learn(text)
    for part in held:
        if isinstance(part, Missing):
            yield Missing(what=scrubber.scrub_name(part.what), why=scrubber.scrub_name(part.why))
        else:
            yield _scrub_member(part, scrubber)


def _decode(data: bytes) -> str | None:
    return None if b"\0" in data else data.decode("utf-8", "surrogateescape")


def _scrub_member(part: Member, scrubber: Scrubber) -> Member | Missing:
    name, link = scrubber.scrub_name(part.name), scrubber.scrub_name(part.link)
    text = _decode(part.data)
    if part.name.endswith("/wtmp"):
        data = scrub_wtmp(part.data, scrubber)
    elif part.name.endswith("/config") and len(part.data) in (64, 256, 4096):
        data = blank_serial_number(part.data)
    elif part.name.endswith(("/phys_port_id", "/phys_switch_id")):  # a hardware address, of whatever length, without marks
        data = b"<withheld>\n" if part.data else b""
    elif text is not None and part.name.endswith(".json"):
        data = _scrub_json_text(text, scrubber).encode("utf-8", "surrogateescape")
    elif text is not None:
        data = scrubber.scrub(text).encode("utf-8", "surrogateescape")
    else:
        return Missing(what=name, why="no text: it cannot be scrubbed")
    return Member(name=name, data=data, link=link, is_folder=part.is_folder, mtime=part.mtime)


def _scrub_json_text(text: str, scrubber: Scrubber) -> str:
    """A document, or a document a line: what is taken out of a string must not take its quotation mark along."""
    try:
        return json.dumps(_scrub_json(json.loads(text), scrubber), indent=1) + "\n"
    except (ValueError, RecursionError):
        lines = (line for line in text.split("\n") if '"MESSAGE":[' not in line.replace(" ", "")[:4096])
        return "\n".join(_scrub_json_line(line, scrubber) for line in lines)


def _scrub_json_line(line: str, scrubber: Scrubber) -> str:
    try:
        return json.dumps(_scrub_json(json.loads(line), scrubber)) if line.startswith("{") else scrubber.scrub(line)
    except (ValueError, RecursionError):
        return scrubber.scrub(line)


def _scrub_json(value: object, scrubber: Scrubber) -> object:
    if isinstance(value, str):
        return scrubber.scrub(value)
    if isinstance(value, list):
        return [_scrub_json(each, scrubber) for each in value]
    if isinstance(value, dict):
        return {scrubber.scrub_name(key): _scrub_item(key, each, scrubber) for key, each in value.items()}
    return value


def _scrub_item(key: str, value: object, scrubber: Scrubber) -> object:
    return scrubber.scrub_names(value) if key in _VERSIONS and isinstance(value, str) else _scrub_json(value, scrubber)


def scrub_wtmp(data: bytes, scrubber: Scrubber) -> bytes:
    """Boots, shutdowns and changes of the clock; logins of people are taken out (utmp(5), the layout of Linux with 64 bits)."""
    kept = []
    for at in range(0, len(data) - _UTMP + 1, _UTMP):
        record = bytearray(data[at : at + _UTMP])
        if struct.unpack_from("<h", record)[0] in _BOOT_RECORDS:
            host = bytes(record[_HOST_OFFSET : _HOST_OFFSET + _HOST_BYTES]).rstrip(b"\0").decode("utf-8", "replace")
            told = scrubber.scrub_name(host).encode()[:_HOST_BYTES]
            record[_HOST_OFFSET : _HOST_OFFSET + _HOST_BYTES] = told.ljust(_HOST_BYTES, b"\0")
            record[348:364] = bytes(16)  # ut_addr_v6
            kept.append(bytes(record))
    return b"".join(kept)


def blank_serial_number(config: bytes) -> bytes:
    """A PCI function's configuration space with its serial number zeroed."""
    told = bytearray(config)
    at, seen = _EXTENDED, 0
    while _EXTENDED <= at <= len(told) - 12 and seen < 100:
        (head,) = struct.unpack_from("<I", told, at)
        if head & 0xFFFF == _DSN:
            told[at + 4 : at + 12] = bytes(8)
        at, seen = (head >> 20) & 0xFFC, seen + 1
    return bytes(told)
