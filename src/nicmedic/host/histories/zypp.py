# SPDX-License-Identifier: GPL-2.0-or-later
"""``/var/log/zypp/history`` of SUSE: local time without a zone (libzypp, zypp/HistoryLog.cc).

2023-01-05 10:11:12|install|kernel-default|5.14.21-150400.24.38.1|x86_64|root@host|repo|checksum|
2023-01-05 10:11:20|remove |kernel-default|5.14.21-150400.22.1|x86_64|root@host|
"""

import datetime
import re
from collections.abc import Iterator, Sequence

from nicmedic.host.histories.places import Found, Place
from nicmedic.host.histories.reader import Reader, read_lines, stamp
from nicmedic.model.history import PackageChange
from nicmedic.ports.histories import HistoryItem

__all__ = ["READER", "parse_zypp_history"]

_LINE = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d) (?P<time>\d\d:\d\d:\d\d)\|(?P<what>install|remove) *\|(?P<package>[^|\s]+)\|(?P<version>[^|\s]+)\|"
)


def parse_zypp_history(lines: Sequence[str], zone: datetime.tzinfo | None, source: str) -> list[PackageChange]:
    """What came and what went; the version before an installation is that of the one before it, as far as the log has it."""
    found = []
    last: dict[str, str] = {}
    for line in lines:
        match = _LINE.match(line)
        if match is None:
            continue
        try:
            time = stamp(match["date"], match["time"], zone)
        except ValueError:
            continue
        package, version = match["package"], match["version"]
        if match["what"] == "install":
            before = None if package.startswith("kernel") else last.get(package)
            found.append(PackageChange(time=time, package=package, before=before, after=version, source=source))
            last[package] = version
        else:
            found.append(PackageChange(time=time, package=package, before=version, after=None, source=source))
            last.pop(package, None)
    return found


def _read(_place: Place, files: Sequence[Found], zone: datetime.tzinfo | None) -> Iterator[HistoryItem]:
    yield from read_lines(files, lambda _, lines: parse_zypp_history(lines, zone, "zypp history"))


READER = Reader("zypp history", re.compile(r"(?:^|/)zypp/history(?:[.-]\d{1,8})?(?:\.(?:gz|xz|bz2|zst))?\Z"), _read)
