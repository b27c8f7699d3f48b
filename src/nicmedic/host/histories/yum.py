# SPDX-License-Identifier: GPL-2.0-or-later
"""Text logs of RPM packages: ``yum.log``, whose stamps have no year, and ``dnf.rpm.log``.

Aug 12 10:00:00 Installed: kernel-3.10.0-1160.el7.x86_64
2023-01-05T10:00:00+0100 SUBDEBUG Upgraded: openssl-1:3.0.7-1.el9.x86_64
"""

import contextlib
import datetime
import os
import re
from collections.abc import Iterator, Sequence

from nicmedic.host.histories.dnf import pair_changes
from nicmedic.host.histories.places import Found, Place
from nicmedic.host.histories.reader import Reader, find_month, read_lines, stamp
from nicmedic.model.history import PackageChange
from nicmedic.ports.histories import HistoryItem

__all__ = ["READER", "parse_rpm_log"]

_ISO = re.compile(r"(?P<date>\d{4}-\d\d-\d\d)T(?P<time>\d\d:\d\d:\d\d)(?P<zone>Z|[+-]\d\d:?\d\d)? \S+ (?P<what>\w+): (?P<rpm>\S+)\s*\Z")
_YEARLESS = re.compile(r"(?P<month>\w{3}) (?P<day>[ \d]\d) (?P<time>\d\d:\d\d:\d\d) (?P<what>\w+): (?P<rpm>\S+)\s*\Z")
_RPM = re.compile(r"(?:(?P<epoch>\d+):)?(?P<name>[^\s:]+?)-(?:(?P<inner>\d+):)?(?P<version>[^-\s:]+)-(?P<release>[^-\s]+)\.[^.\s]+\Z")
_COMES, _GOES = (
    frozenset({"Installed", "Install", "Updated", "Upgrade", "Downgrade", "Dep"}),
    frozenset({"Upgraded", "Erase", "Erased", "Removed", "Downgraded"}),
)
_SLACK = datetime.timedelta(days=1)


def parse_rpm_log(lines: Sequence[str], zone: datetime.tzinfo | None, written: datetime.date | None, source: str) -> list[PackageChange]:
    """``written``: the day on which the file was written last, which the last line is taken to be of; None: lines without a year tell nothing."""
    moves: list[tuple[str, str, str, bool]] = []
    for time, what, rpm in _dated(lines, zone, written):
        match = _RPM.match(rpm)
        if match is not None and what in _COMES | _GOES:
            epoch = match["epoch"] or match["inner"]
            version = f"{match['version']}-{match['release']}"
            moves.append((time, match["name"], f"{epoch}:{version}" if epoch not in (None, "0") else version, what in _COMES))
    found: list[PackageChange] = []
    batch: list[tuple[str, str, str, bool]] = []
    for move in moves:
        if batch and not _close(batch[-1][0], move[0]):
            found += pair_changes(batch, None, source)
            batch = []
        batch.append(move)
    return [*found, *pair_changes(batch, None, source)]


def _close(first: str, second: str) -> bool:
    apart = datetime.datetime.fromisoformat(second) - datetime.datetime.fromisoformat(first)
    return abs(apart) <= datetime.timedelta(minutes=10)


def _find_day(month: int, day: int, bound: datetime.date) -> datetime.date:
    """The last such day up to another; 29 February was up to eight years before that.

    Raises:
        ValueError: there is none.
    """
    for year in range(bound.year, bound.year - 9, -1):
        with contextlib.suppress(ValueError):
            found = datetime.date(year, month, day)
            if found <= bound:
                return found
    raise ValueError(f"month {month}, day {day}")


def _dated(lines: Sequence[str], zone: datetime.tzinfo | None, written: datetime.date | None) -> list[tuple[str, str, str]]:
    """From the last line to the first: each is not younger than the one after it."""
    found: list[tuple[str, str, str]] = []
    bound = None if written is None else written + _SLACK
    for line in reversed(lines):
        try:
            if match := _ISO.match(line):
                moment = f"{match['time']}{match['zone'] or ''}"
                found.append((stamp(match["date"], moment, zone), match["what"], match["rpm"]))
            elif (match := _YEARLESS.match(line)) and bound is not None:
                bound = _find_day(find_month(match["month"]), int(match["day"]), bound)
                found.append((stamp(bound.isoformat(), match["time"], zone), match["what"], match["rpm"]))
        except ValueError:
            continue
    return found[::-1]


def _written(file: Found) -> datetime.date | None:
    try:
        return datetime.datetime.fromtimestamp(os.stat(file.path).st_mtime, datetime.UTC).date()  # noqa: PTH116  # as places.py
    except (OSError, ValueError, OverflowError):
        return None


def _read(_place: Place, files: Sequence[Found], zone: datetime.tzinfo | None) -> Iterator[HistoryItem]:
    yield from read_lines(
        files, lambda file, lines: parse_rpm_log(lines, zone, _written(file), "yum.log" if "yum" in file.name else "dnf.rpm.log")
    )


READER = Reader("yum.log", re.compile(r"(?:^|/)(?:yum|dnf\.rpm)\.log(?:[.-]\d{1,8})?(?:\.(?:gz|xz|bz2|zst))?\Z"), _read)
