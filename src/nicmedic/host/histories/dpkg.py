# SPDX-License-Identifier: GPL-2.0-or-later
"""``dpkg.log`` with its rotations: each package at the moment when it was unpacked. Local time without a zone (dpkg's lib/dpkg/log.c).

2026-01-31 12:00:00 upgrade linux-image-6.1.0-18-amd64:amd64 6.1.76-1 6.1.85-1
"""

import datetime
import re
from collections.abc import Iterator, Sequence

from nicmedic.host.histories.places import Found, Place
from nicmedic.host.histories.reader import Reader, read_lines, stamp
from nicmedic.model.history import PackageChange
from nicmedic.ports.histories import HistoryItem

__all__ = ["READER", "parse_dpkg_log"]

_LINE = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d) (?P<time>\d\d:\d\d:\d\d) (?P<what>install|upgrade|remove) "
    r"(?P<package>[^\s:]+)(?::\S+)? (?P<old>\S+) (?P<new>\S+)\s*\Z"
)
_NONE = "<none>"


def parse_dpkg_log(lines: Sequence[str], zone: datetime.tzinfo | None, source: str) -> list[PackageChange]:
    """Installations, upgrades and removals; what was installed again as it was is no change."""
    found = []
    for line in lines:
        match = _LINE.match(line)
        if match is None or match["old"] == match["new"]:
            continue
        before = None if match["old"] == _NONE or match["what"] == "install" else match["old"]
        after = None if match["new"] == _NONE or match["what"] == "remove" else match["new"]
        try:
            time = stamp(match["date"], match["time"], zone)
        except ValueError:
            continue
        found.append(PackageChange(time=time, package=match["package"], before=before, after=after, source=source))
    return found


def _read(_place: Place, files: Sequence[Found], zone: datetime.tzinfo | None) -> Iterator[HistoryItem]:
    yield from read_lines(files, lambda _, lines: parse_dpkg_log(lines, zone, "dpkg.log"))


READER = Reader("dpkg.log", re.compile(r"(?:^|/)dpkg\.log(?:[.-]\d{1,8})?(?:\.(?:gz|xz|bz2|zst))?\Z"), _read)
