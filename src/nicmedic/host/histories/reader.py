# SPDX-License-Identifier: GPL-2.0-or-later
"""What a reader of history is: a name, the files that it takes, and how it reads them."""

import datetime
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from nicmedic.host.histories.places import Found, Place
from nicmedic.host.raw_files import read_expanded
from nicmedic.model.errors import NicmedicError
from nicmedic.model.history import PackageChange, Source
from nicmedic.ports.histories import HistoryItem

__all__ = ["LARGEST", "Reader", "find_month", "name_history", "read_lines", "spell_date", "stamp"]

LARGEST = 64 << 20
"""Bytes at the end of a log of packages; what is older is left out."""
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Reader(NamedTuple):
    """One member of the family."""

    name: str
    pattern: re.Pattern[str] | None
    """Names of its files; None: it takes none."""
    read: Callable[[Place, Sequence[Found], datetime.tzinfo | None], Iterator[HistoryItem]]
    """Of a place, the files, oldest rotation first, and the zone of their times."""
    looks: bool = False
    """It is asked of every place, for it looks for more than these files."""


def name_history(error: NicmedicError) -> NicmedicError:
    """With this command in its hint, where who opened the log names another one that reads logs."""
    error.hint = re.sub(r"\bnicmedic (?:explain|check)\b", "nicmedic history", error.hint)
    return error


def find_month(name: str) -> int:
    """1 to 12.

    Raises:
        ValueError: there is no such month.
    """
    return _MONTHS.index(name) + 1


def spell_date(year: str, month: str, day: str) -> str:
    """As ISO 8601 has a date; the month by its English name.

    >>> spell_date("2016", "Jan", "2")
    '2016-01-02'

    Raises:
        ValueError: there is no such month.
    """
    return f"{year}-{find_month(month):02d}-{int(day):02d}"


def stamp(date: str, time: str, zone: datetime.tzinfo | None) -> str:
    """ISO 8601 of ``2026-01-31`` and ``12:00:00``; with an offset where the zone is known.

    Raises:
        ValueError: there is no such moment.
    """
    moment = datetime.datetime.fromisoformat(f"{date}T{time}")
    return (moment if zone is None or moment.tzinfo is not None else moment.replace(tzinfo=zone)).isoformat()


def read_lines(
    files: Sequence[Found], parse: Callable[[Found, Sequence[str]], Sequence[PackageChange]]
) -> Iterator[PackageChange | Source]:
    """Each file through a parser of its lines, and what it covers."""
    for file in files:
        try:
            lines = read_expanded(file.path, LARGEST).decode("utf-8", "replace").splitlines()
        except OSError as error:
            yield Source(name=file.shown, trouble=error.strerror or str(error))
            continue
        changes = parse(file, lines)
        yield from changes
        yield Source(name=file.shown, covers_from=changes[0].time if changes else None, covers_to=changes[-1].time if changes else None)
