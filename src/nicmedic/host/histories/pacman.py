# SPDX-License-Identifier: GPL-2.0-or-later
"""``pacman.log`` of Arch Linux; before pacman 5.2 (2019) without seconds and zone.

[2023-01-05T10:00:00+0100] [ALPM] upgraded linux (6.1.3.arch1-1 -> 6.1.4.arch1-1)
[2013-01-05 10:00] upgraded linux (3.6.11-1 -> 3.7.1-2)
"""

import datetime
import re
from collections.abc import Iterator, Sequence

from nicmedic.host.histories.places import Found, Place
from nicmedic.host.histories.reader import Reader, read_lines, stamp
from nicmedic.model.history import PackageChange
from nicmedic.ports.histories import HistoryItem

__all__ = ["READER", "parse_pacman_log"]

_LINE = re.compile(
    r"\[(?P<date>\d{4}-\d\d-\d\d)[T ](?P<time>\d\d:\d\d(?::\d\d)?)(?P<zone>[+-]\d\d:?\d\d)?\] (?:\[ALPM\] )?"
    r"(?P<what>installed|upgraded|downgraded|removed) (?P<package>\S+) \((?P<old>[^\s)]+)(?: -> (?P<new>[^\s)]+))?\)"
)
_BEGIN = re.compile(r"\[[^\]]+\] \[ALPM\] transaction started")


def parse_pacman_log(lines: Sequence[str], zone: datetime.tzinfo | None, source: str) -> list[PackageChange]:
    """Every package; what stands between two beginnings is one transaction."""
    found: list[PackageChange] = []
    transaction: str | None = None
    for line in lines:
        if _BEGIN.match(line):
            transaction = line[1 : line.index("]")]
        match = _LINE.match(line)
        if match is None:
            continue
        try:
            time = stamp(match["date"], f"{match['time']}{match['zone'] or ''}", zone)
        except ValueError:
            continue
        before = None if match["what"] == "installed" else match["old"]
        after = match["old"] if match["what"] == "installed" else match["new"]
        found.append(PackageChange(time=time, package=match["package"], before=before, after=after, transaction=transaction, source=source))
    return found


def _read(_place: Place, files: Sequence[Found], zone: datetime.tzinfo | None) -> Iterator[HistoryItem]:
    yield from read_lines(files, lambda _, lines: parse_pacman_log(lines, zone, "pacman.log"))


READER = Reader("pacman.log", re.compile(r"(?:^|/)pacman\.log(?:[.-]\d{1,8})?(?:\.(?:gz|xz|bz2|zst))?\Z"), _read)
