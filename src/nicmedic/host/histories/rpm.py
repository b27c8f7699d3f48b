# SPDX-License-Identifier: GPL-2.0-or-later
"""When each kernel package that is installed now was installed, from the RPM database: a weak witness, for what was removed is gone from it.

A sosreport has it as ``installed-rpms``: ``kernel-5.14.0-1.el9.x86_64    Wed Jan  4 10:00:00 2023 …``.
"""

import datetime
import os
import re
from collections.abc import Iterator, Sequence

from nicmedic.evidence.history.changes import is_kernel_or_xen
from nicmedic.evidence.history.sighting import render_moment
from nicmedic.host.histories.places import Found, Place
from nicmedic.host.histories.reader import Reader, read_lines, spell_date, stamp
from nicmedic.host.run import find_program, stream_program
from nicmedic.model.errors import NicmedicError
from nicmedic.model.history import PackageChange, Source
from nicmedic.ports.histories import HistoryItem

__all__ = ["READER", "parse_installed"]

_SOURCE = "RPM database"
_DATABASES = ("/var/lib/rpm", "/usr/lib/sysimage/rpm")
_QUERY = ("rpm", "-qa", "--queryformat", "%{INSTALLTIME} %{NAME} %{VERSION}-%{RELEASE}\n")
_LINE = re.compile(
    r"(?P<name>kernel\S*?)-(?P<version>[^-\s]+-[^-\s]+)\.[^.\s]+\s+\w{3} (?P<month>\w{3}) +(?P<day>\d{1,2}) (?P<time>\d\d:\d\d:\d\d) (?P<year>\d{4})"
)


def parse_installed(lines: Sequence[str], zone: datetime.tzinfo | None) -> list[PackageChange]:
    """Kernels of a sosreport's list, oldest first."""
    found = []
    for line in lines:
        match = _LINE.match(line)
        if match is None or not is_kernel_or_xen(match["name"]):
            continue
        try:
            time = stamp(spell_date(match["year"], match["month"], match["day"]), match["time"], zone)
        except ValueError:
            continue
        found.append(PackageChange(time=time, package=match["name"], after=match["version"], source=_SOURCE))
    return sorted(found, key=lambda change: change.time)


def _ask() -> Iterator[HistoryItem]:
    try:
        lines = b"".join(stream_program(_QUERY)).decode("utf-8", "replace").splitlines()
    except NicmedicError as error:
        yield Source(name=_SOURCE, trouble=error.message)
        return
    for line in lines:
        seconds, _, rest = line.partition(" ")
        name, _, version = rest.partition(" ")
        time = render_moment(int(seconds)) if seconds.isdecimal() and is_kernel_or_xen(name) else None
        if time is not None:
            yield PackageChange(time=time, package=name, after=version, source=_SOURCE)
    yield Source(name=_SOURCE)


def _read(place: Place, files: Sequence[Found], zone: datetime.tzinfo | None) -> Iterator[HistoryItem]:
    yield from read_lines(files, lambda _, lines: parse_installed(lines, zone))
    if place.live and find_program("rpm") is not None and any(map(_has_files, _DATABASES)):
        yield from _ask()


def _has_files(folder: str) -> bool:
    try:
        return any(name.startswith(("rpmdb", "Packages")) for name in os.listdir(folder))  # noqa: PTH208  # as places.py
    except OSError:
        return False


READER = Reader("rpm", re.compile(r"(?:^|/)installed-rpms\Z"), _read, looks=True)
