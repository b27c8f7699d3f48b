# SPDX-License-Identifier: GPL-2.0-or-later
"""apt's ``history.log`` with its rotations: which packages went in at once. Local time without a zone (apt-pkg/deb/dpkgpm.cc ``OpenLog``).

Start-Date: 2026-01-31  12:00:00
Commandline: apt-get upgrade
Upgrade: linux-image-6.1.0-18-amd64:amd64 (6.1.76-1, 6.1.85-1), xen-hypervisor-4.17-amd64:amd64 (4.17.2-1, 4.17.3-1)
Install: libx:amd64 (1.0-1, automatic)
End-Date: 2026-01-31  12:01:00
"""

import datetime
import re
from collections.abc import Iterator, Sequence

from nicmedic.host.histories.places import Found, Place
from nicmedic.host.histories.reader import Reader, read_lines, stamp
from nicmedic.model.history import PackageChange
from nicmedic.ports.histories import HistoryItem

__all__ = ["READER", "parse_apt_history"]

_START = re.compile(r"Start-Date: (?P<date>\d{4}-\d\d-\d\d) +(?P<time>\d\d:\d\d:\d\d)\s*\Z")
_PACKAGES = re.compile(r"(?P<what>Install|Upgrade|Downgrade|Remove|Purge): (?P<list>.*)\Z")
_PACKAGE = re.compile(r"(?P<package>[^\s:,()]+)(?::[^\s(]+)? \((?P<versions>[^()]*)\)")


def parse_apt_history(lines: Sequence[str], zone: datetime.tzinfo | None, source: str) -> list[PackageChange]:
    """Every package of every transaction; the transaction is named by its beginning."""
    found: list[PackageChange] = []
    time: str | None = None
    for line in lines:
        start = _START.match(line)
        if start is not None:
            try:
                time = stamp(start["date"], start["time"], zone)
            except ValueError:
                time = None
            continue
        packages = _PACKAGES.match(line)
        if packages is None or time is None:
            continue
        for match in _PACKAGE.finditer(packages["list"]):
            versions = [each.strip() for each in match["versions"].split(",")]
            before = versions[0] if packages["what"] != "Install" else None
            after = versions[0] if packages["what"] == "Install" else None
            if packages["what"] in ("Upgrade", "Downgrade"):
                after = versions[1] if len(versions) > 1 else None
            found.append(
                PackageChange(
                    time=time, package=match["package"], before=before or None, after=after or None, transaction=time, source=source
                )
            )
    return found


def _read(_place: Place, files: Sequence[Found], zone: datetime.tzinfo | None) -> Iterator[HistoryItem]:
    yield from read_lines(files, lambda _, lines: parse_apt_history(lines, zone, "apt history"))


READER = Reader("apt history", re.compile(r"(?:^|/)(?:apt[/-])?history\.log(?:[.-]\d{1,8})?(?:\.(?:gz|xz|bz2|zst))?\Z"), _read)
