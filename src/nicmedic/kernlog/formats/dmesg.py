# SPDX-License-Identifier: GPL-2.0-or-later
"""What dmesg(1) prints, in all its time formats; also basic netconsole, serial consoles, pstore and vmcore-dmesg, which are the same lines.

Real lines (util-linux 2.38.1, sys-utils/dmesg.c):

    [  551.326415] NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out
    [  551.326415 <    0.000025>] NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out
    [<    0.000025>] NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out
    [Apr 1 12:00] r8169 0000:02:00.0 eth0: Link is Up
    [  +0.000025] NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out
    [Tue Apr  1 12:00:00 2025] NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out
    2025-04-01T12:00:00,000000+02:00 NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out
    kern  :info  : [  551.326415] NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out
    <6>[  551.326415] NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out
"""

from nicmedic.kernlog.formats.head import Head, LineFormat, find_level, parse_kernel_prefix
from nicmedic.kernlog.lazy import lazy_pattern
from nicmedic.kernlog.stamps import CTIME, ISO, MONTH_NAME, find_month, parse_ctime, parse_iso
from nicmedic.model.record import WallTime

__all__ = ["FORMATS"]

_DECODED = lazy_pattern(r"(?P<facility>[a-z]+\d?) {0,6}:(?P<level>emerg|alert|crit|err|warn|notice|info|debug) {0,4}: ?")
_STAMP = lazy_pattern(r"(?:<\d{1,3}> ?)?\[\s*\d{1,9}[.,]\d{3,9}(?:\s*<[^>\n]{0,24}>)?\s*\]")
_PRIORITY = lazy_pattern(r"<\d{1,3}>(?! ?(?:\d |[A-Z][a-z]{2} ))")
_DELTA = lazy_pattern(r"\[<\s*(?P<delta>\d+[.,]\d+)\s*>\] ?")
_RELATIVE = lazy_pattern(r"\[\s*\+(?P<delta>\d+[.,]\d+)\] ?")
_ANCHOR = lazy_pattern(rf"\[(?P<mon>{MONTH_NAME}) ?(?P<d>[ 0-3]?\d) (?P<h>[012]\d):(?P<mi>[0-5]\d)\] ?")
_BRACKET_CTIME = lazy_pattern(rf"\[{CTIME}\] ?")
_COMMA_ISO = lazy_pattern(rf"{ISO} ")


def _parse_stamp(line: str) -> Head | None:
    return parse_kernel_prefix(line) if _STAMP.match(line) or _PRIORITY.match(line) else None


def _parse_decoded(line: str) -> Head | None:
    found = _DECODED.match(line)
    if found is None:
        return None
    rest = line[found.end() :]
    inner = next((head for head in (form.parse(rest) for form in _INNER) if head is not None), None) or Head(rest)
    return inner._replace(level=find_level(found["level"]), kernel=found["facility"] == "kern")


def _parse_delta(line: str) -> Head | None:
    found = _DELTA.match(line)
    return Head(line[found.end() :], delta_s=float(found["delta"].replace(",", "."))) if found else None


def _parse_relative(line: str) -> Head | None:
    found = _RELATIVE.match(line)
    if found is not None:
        return Head(line[found.end() :], delta_s=float(found["delta"].replace(",", ".")))
    found = _ANCHOR.match(line)
    month = find_month(found["mon"]) if found else None
    if found is None or month is None:
        return None
    wall = WallTime(None, month, int(found["d"]), int(found["h"]), int(found["mi"]), 0, computed=True)
    return Head(line[found.end() :], wall=wall)


def _parse_ctime(line: str) -> Head | None:
    found = _BRACKET_CTIME.match(line)
    if found is None:
        return None
    wall = parse_ctime(found, computed=True)
    return parse_kernel_prefix(line[found.end() :])._replace(wall=wall) if wall else None


def _parse_iso(line: str) -> Head | None:
    found = _COMMA_ISO.match(line)
    if found is None or not (found["frac"] or "").startswith(","):
        return None
    return Head(line[found.end() :], wall=parse_iso(found, computed=True))


_INNER = (
    LineFormat("dmesg", _parse_stamp),
    LineFormat("dmesg-delta", _parse_delta),
    LineFormat("dmesg-reltime", _parse_relative),
    LineFormat("dmesg-ctime", _parse_ctime),
    LineFormat("dmesg-iso", _parse_iso),
)
FORMATS = (*_INNER, LineFormat("dmesg-decoded", _parse_decoded))
