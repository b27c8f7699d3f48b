# SPDX-License-Identifier: GPL-2.0-or-later
"""Wall-clock stamps as logs print them, in the languages and orders that are met. Text to ``WallTime``; no zone is ever assumed."""

import re

from nicmedic.model.record import WallTime

__all__ = [
    "CTIME",
    "ISO",
    "MONTH_NAME",
    "SYSLOG",
    "find_month",
    "find_zone_offset",
    "parse_ctime",
    "parse_epoch_us",
    "parse_iso",
    "parse_syslog",
]

# English, then what glibc's locales print for %b in German, Spanish, French, Italian, Portuguese, Dutch, Polish, Czech and the Nordic ones.
_MONTHS = (
    "jan ene janv gen sty led jän tammi",
    "feb fév févr fev lut úno helmi febr",
    "mar mär mars mrt mrz märz bře maalis marzo",
    "apr abr avr kwi dub huhti avril",
    "may mai mag mei maj kvě touko mayo",
    "jun juin giu cze čer kesä juni",
    "jul juil lug lip čvc heinä juli",
    "aug ago août sie srp elo agosto aoû",
    "sep sept set wrz zář syys",
    "oct okt ott out paź říj loka",
    "nov lis marras novem",
    "dec dez dic déc gru pro joulu",
)
_MONTH_NUMBERS = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split()}

MONTH_NAME = r"[^\W\d_]{3,6}\.?"
_WEEKDAY = r"[^\W\d_]{2,4}\.?"
_CLOCK = r"(?P<h>[012]?\d):(?P<mi>[0-5]\d):(?P<s>[0-6]\d)(?:[.,](?P<us>\d{1,9}))?"

SYSLOG = rf"(?P<mon>{MONTH_NAME}) {{1,2}}(?P<d>[0-3]?\d) (?:(?P<y>(?:19|20)\d\d) )?{_CLOCK}"
"""RFC 3164 and ``journalctl -o short``: ``Apr  1 12:00:00``; some senders put a year behind the day."""

ISO = (
    r"(?P<y>(?:19|20)\d\d)-(?P<mo>[01]\d)-(?P<d>[0-3]\d)[T ](?P<h>[012]\d):(?P<mi>[0-5]\d):(?P<s>[0-6]\d)"
    r"(?P<frac>[.,](?P<us>\d{1,9}))?(?P<z>Z|[ ]?[+-]\d\d:?\d\d(?!\d)| (?:UTC|GMT)(?=\s))?"
)
"""RFC 3339 and its relatives: a blank for the T, a comma before the fraction, ``+0200`` for ``+02:00``."""

CTIME = rf"{_WEEKDAY} (?P<mon>{MONTH_NAME}) {{1,2}}(?P<d>[0-3]?\d) {_CLOCK}(?: (?P<zone>[A-Z]{{3,5}}))? (?P<y>(?:19|20)\d\d)"
"""ctime(3): ``Tue Apr  1 12:00:00 2025``."""

_ZONES = {"UTC": 0, "GMT": 0, "WET": 0, "WEST": 60, "CET": 60, "CEST": 120, "EET": 120, "EEST": 180, "JST": 540}
"""Zone names that mean one offset everywhere. CST, IST, EST and others do not."""


def find_month(name: str) -> int | None:
    """Number of a month by its short name in any of the languages known here."""
    return _MONTH_NUMBERS.get(name.rstrip(".").lower())


def find_zone_offset(name: str | None) -> int | None:
    """Offset in minutes of a zone name, where that name means only one; zones without letters of their own print as ``-03`` or ``+0545``."""
    if name and name[0] in "+-" and name[1:].isdigit():
        return (int(name[1:3]) * 60 + int(name[3:5] or 0)) * (-1 if name[0] == "-" else 1)
    return _ZONES.get(name) if name else None


def _microseconds(digits: str | None) -> int:
    return int((digits + "000000")[:6]) if digits else 0


def _clock(found: re.Match[str]) -> tuple[int, int, int, int]:
    return int(found["h"]), int(found["mi"]), min(int(found["s"]), 59), _microseconds(found["us"])


def _is_day(year: int | None, month: int, day: int) -> bool:
    if not 1 <= month <= 12 or day < 1:  # months of a year
        return False
    leap = year is None or (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0))
    return day <= (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]


def parse_syslog(found: re.Match[str]) -> WallTime | None:
    """A match of ``SYSLOG``; None: that is no month or day."""
    month = find_month(found["mon"])
    year = int(found["y"]) if found["y"] else None
    hour, minute, second, micro = _clock(found)
    if month is None or hour > 23 or not _is_day(year, month, int(found["d"])):  # hours of a day
        return None
    return WallTime(year, month, int(found["d"]), hour, minute, second, micro)


def parse_iso(found: re.Match[str], *, computed: bool = False) -> WallTime | None:
    """A match of ``ISO``; None: that is no date."""
    year, month, day = int(found["y"]), int(found["mo"]), int(found["d"])
    hour, minute, second, micro = _clock(found)
    if hour > 23 or not _is_day(year, month, day):  # hours of a day
        return None
    zone = (found["z"] or "").strip()
    offset: int | None = None
    if zone in ("Z", "UTC", "GMT"):
        offset = 0
    elif zone:
        offset = (int(zone[1:3]) * 60 + int(zone[-2:])) * (-1 if zone[0] == "-" else 1)
    return WallTime(year, month, day, hour, minute, second, micro, offset, computed)


def parse_ctime(found: re.Match[str], *, computed: bool = False) -> WallTime | None:
    """A match of ``CTIME``; None: that is no date."""
    month, year, day = find_month(found["mon"]), int(found["y"]), int(found["d"])
    hour, minute, second, micro = _clock(found)
    if month is None or hour > 23 or not _is_day(year, month, day):  # hours of a day
        return None
    return WallTime(year, month, day, hour, minute, second, micro, find_zone_offset(found["zone"]), computed)


def parse_epoch_us(microseconds: int) -> WallTime | None:
    """Microseconds since 1970-01-01 UTC; None: outside the years 1970 to 9999."""
    seconds, micro = divmod(microseconds, 1_000_000)
    days, rest = divmod(seconds, 86_400)
    if not 0 <= days < 2_932_897:  # days from 1970 to 9999
        return None
    # Days to civil date, Howard Hinnant's algorithm: https://howardhinnant.github.io/date_algorithms.html#civil_from_days
    shifted = days + 719_468
    era, day_of_era = divmod(shifted, 146_097)
    year_of_era = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month_index = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month_index + 2) // 5 + 1
    month = month_index + 3 if month_index < 10 else month_index - 9  # March is month 0 here
    year = year_of_era + era * 400 + (1 if month <= 2 else 0)  # January and February belong to the next year
    return WallTime(year, month, day, rest // 3600, rest // 60 % 60, rest % 60, micro, 0)
