# SPDX-License-Identifier: GPL-2.0-or-later
"""What ``last -x -F`` or ``last --time-format iso`` printed, as a sosreport keeps it. Without a year (plain ``last``) it tells nothing.

reboot   system boot  3.2.0-4-amd64    Sat Jan  2 10:00:00 2016 - Sat Jan  2 12:00:00 2016  (02:00)
shutdown system down  3.2.0-4-amd64    2016-01-02T12:00:00+01:00 - 2016-01-02T12:05:00+01:00  (00:05)
"""

import datetime
import re
from collections.abc import Iterator, Sequence

from nicmedic.host.histories.logins import Login, LoginKind, build_boots
from nicmedic.host.histories.places import Found, Place
from nicmedic.host.histories.reader import LARGEST, Reader, spell_date
from nicmedic.host.raw_files import read_expanded
from nicmedic.model.history import Source
from nicmedic.ports.histories import HistoryItem

__all__ = ["READER", "parse_last"]

_LINE = re.compile(
    r"(?P<what>reboot|shutdown) +system (?:boot|down) +(?P<release>\S*) +"
    r"(?:(?P<iso>\d{4}-\d\d-\d\dT\S{8,20})|\w{3} (?P<month>\w{3}) +(?P<day>\d{1,2}) (?P<time>\d\d:\d\d:\d\d) (?P<year>\d{4}))"
)


def parse_last(text: str, zone: datetime.tzinfo | None) -> tuple[list[Login], bool]:
    """Boots and shutdowns, oldest first, and whether their zone is known."""
    found: list[Login] = []
    zoned = True
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        try:
            if match["iso"]:
                moment = datetime.datetime.fromisoformat(match["iso"])
            else:
                date = spell_date(match["year"], match["month"], match["day"])
                moment = datetime.datetime.fromisoformat(f"{date}T{match['time']}")
        except ValueError:
            continue
        if moment.tzinfo is None:
            zoned = zoned and zone is not None
            moment = moment.replace(tzinfo=zone or datetime.UTC)
        kind = LoginKind.BOOT if match["what"] == "reboot" else LoginKind.SHUTDOWN
        found.append(Login(kind, moment.timestamp(), match["release"] or None))
    return found[::-1], zoned


def _read(_place: Place, files: Sequence[Found], zone: datetime.tzinfo | None) -> Iterator[HistoryItem]:
    for file in files:
        try:
            records, zoned = parse_last(read_expanded(file.path, LARGEST).decode("utf-8", "replace"), zone)
        except OSError as error:
            yield Source(name=file.shown, trouble=error.strerror or str(error))
            continue
        yield from build_boots(records, file.shown, zoned=zoned)


READER = Reader("last", re.compile(r"(?:^|/)last(?:_[\w-]+|\.txt)?\Z"), _read)
