# SPDX-License-Identifier: GPL-2.0-or-later
"""Syslog files: RFC 3164 with and without kernel stamp, RFC 3339 stamps, RFC 5424, busybox, OpenWrt's logread, and journalctl's short forms.

They differ in the stamp only; what follows is ``[HOST] [FACILITY.LEVEL] TAG: TEXT`` with parts missing. Real lines:

    Apr  1 12:00:00 nas1 kernel: [  551.326415] NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out
    Apr  1 12:00:00 nas1 kernel: NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out
    Apr  1 12:00:00 nas1 kern.info kernel: [  551.326415] NETDEV WATCHDOG: …
    2025-04-01T12:00:00.000214+02:00 nas1 kernel: [  551.326415] NETDEV WATCHDOG: …
    <6>1 2025-04-01T12:00:00.000214+02:00 nas1 kernel - - - [  551.326415] NETDEV WATCHDOG: …
    Tue Apr  1 12:00:00 2025 kern.crit kernel: [  551.326415] mtk_soc_eth 1e100000.ethernet eth0: NETDEV WATCHDOG: …
    Tue 2025-04-01 12:00:00 CEST nas1 kernel: NETDEV WATCHDOG: …
    [  551.326415] nas1 kernel: NETDEV WATCHDOG: …
    1743501600.000000 nas1 kernel: NETDEV WATCHDOG: …
"""

import re

from nicmedic.kernlog.formats.head import Head, LineFormat, find_level, is_kernel_tag, parse_kernel_prefix
from nicmedic.kernlog.lazy import lazy_pattern
from nicmedic.kernlog.stamps import CTIME, ISO, SYSLOG, find_zone_offset, parse_ctime, parse_epoch_us, parse_iso, parse_syslog
from nicmedic.model.record import WallTime

__all__ = ["FORMATS", "parse_origin"]

_FACILITY = r"(?:(?P<facility>kern|user|daemon|auth|authpriv|syslog|cron|mail|news|lpr|ftp|uucp|local\d)\.(?P<level>\w{3,7}) )"
_TAG = r"(?P<tag>[^\s:\[\]]{1,48})(?:\[(?P<pid>[^\]\s]{0,32})\])?:"
_ORIGIN = lazy_pattern(rf"(?:(?P<host>[^\s:\[\]]+|[0-9a-fA-F]*:[0-9a-fA-F:.]+) )??{_FACILITY}?{_TAG} ?")
_UNTAGGED = lazy_pattern(rf"(?P<host>[^\s:\[\]]{{1,255}}) {_FACILITY}?")
_HOST_STAMP = lazy_pattern(r"(?P<host>\S{0,254}[^\s:]) (?=\[\s*\d{1,9}\.\d{6}\])")
_REPEATED = lazy_pattern(r"(?:(?P<host>\S{1,255}) )?last message repeated (?P<count>\d{1,9}) times?\Z")
_REPEATED_TEXT = lazy_pattern(r"message repeated (?P<count>\d{1,9}) times?: \[ ?(?P<text>.*?)\]?\Z", re.DOTALL)
_RFC3164 = lazy_pattern(rf"(?:<(?P<pri>\d{{1,3}})>)?{SYSLOG} ")
_ISO_STAMP = lazy_pattern(rf"(?:<(?P<pri>\d{{1,3}})>)?{ISO}\s+")
_FULL = lazy_pattern(rf"[^\W\d_]{{2,4}}\.? {ISO}(?: (?P<zone>[A-Z]{{3,5}}|[+-]\d\d))? ")
_CTIME = lazy_pattern(rf"{CTIME} (?:\[\d{{10}}\.\d{{3}}\] )?")
_RFC5424 = lazy_pattern(
    rf"(?:\d{{1,6}} )?<(?P<pri>\d{{1,3}})>\d{{1,2}} (?:-|{ISO}) (?P<host>\S{{1,255}}) (?P<app>\S{{1,48}}) "
    r'\S{1,128} \S{1,32} (?:-|(?:\[[^\s="\]]{1,32}(?: [^\s="\]]{1,32}="(?:[^"\\\n]|\\.)*+")*+\])+) ?\ufeff?'
)
_MONOTONIC = lazy_pattern(
    r"\[\s*(?P<up>\d{1,9}\.\d{6})(?: <[^>\n]{0,16}>)?\s*\] (?:(?P<host>[^\s:\[\]]{1,255}) )?(?P<tag>kernel|[^\s:\[\]]{1,48}\[\d{1,10}\]): ?"
)
_UNIX = lazy_pattern(r"(?P<s>\d{9,11})\.(?P<us>\d{6}) (?=\S)")
_HEADLESS = lazy_pattern(rf"{_FACILITY}?(?P<tag>kernel): ?")
_SLASHED = lazy_pattern(r"(?P<a>[0-3]?\d)/(?P<b>[0-3]?\d)/(?:19|20)\d\d [012]\d:[0-5]\d:[0-6]\d ")
_KERNEL_TEXT = lazy_pattern(r"NETDEV WATCHDOG: |[\w-]+ [0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.\d ")
_LEVELS_A_FACILITY = 8


def parse_origin(rest: str, wall: WallTime | None, *, exact: bool = False) -> Head | None:
    """What follows a syslog stamp. None: that is no syslog line.

    ``exact``: the facility is that of the kernel's own record. Elsewhere ``user.warn kernel:`` may be the kernel all the same: glibc's openlog()
    turns LOG_KERN into LOG_USER, and older klogds have passed through it (seen up to Linux 6.12).
    """
    repeated = _REPEATED.match(rest)
    if repeated is not None:
        return Head("", wall=wall, host=repeated["host"], repeated=int(repeated["count"]), kernel=None)
    if rest.startswith(("[", "<")):
        inner = parse_kernel_prefix(rest)
        return inner._replace(wall=wall) if inner.uptime_s is not None else None
    found = _HOST_STAMP.match(rest)
    if found is not None:
        return parse_kernel_prefix(rest[found.end() :])._replace(wall=wall, host=_short_host(found["host"]))
    if _KERNEL_TEXT.match(rest):
        return Head(rest, wall=wall)
    found = _ORIGIN.match(rest)
    if found is None:
        return _parse_untagged(rest, wall)
    text, host = rest[found.end() :], found["host"]
    tagged = is_kernel_tag(found["tag"])
    if not tagged or found["facility"] not in (None, "kern", "user") or (exact and found["facility"] == "user"):
        return Head(text, wall=wall, host=_short_host(host), level=find_level(found["level"]), kernel=False)
    again = _REPEATED_TEXT.match(text)
    inner = parse_kernel_prefix(again["text"] if again else text)
    level = find_level(found["level"])
    return inner._replace(
        wall=wall,
        host=_short_host(host),
        level=inner.level if level is None else level,
        kernel=None if found["facility"] == "user" else inner.kernel is not False,
        repeated=int(again["count"]) - 1 if again else 0,
    )


def _parse_untagged(rest: str, wall: WallTime | None) -> Head | None:
    """``nas1 syslog.info syslogd exiting``, ``nas1 -- MARK --``: a line of its own all the same, never the rest of the one before."""
    found = _UNTAGGED.match(rest)
    if wall is None or found is None:
        return None
    text = rest[found.end() :]
    if _KERNEL_TEXT.match(text):
        return Head(
            text, wall=wall, host=_short_host(found["host"]), kernel=False if found["facility"] not in (None, "kern", "user") else None
        )
    if found["facility"]:
        return Head(text, wall=wall, host=_short_host(found["host"]), level=find_level(found["level"]), kernel=False)
    return Head(rest, wall=wall, kernel=None if rest.startswith("(XEN) ") else False)


def _short_host(host: str | None) -> str | None:
    """syslog-ng's ``source@host`` and ``relay/host`` name the host last."""
    return re.split(r"[@/]", host)[-1] if host else None


def _parse_rfc3164(line: str) -> Head | None:
    found = _RFC3164.match(line)
    wall = parse_syslog(found) if found else None
    return parse_origin(line[found.end() :], wall) if found and wall else None


def _parse_iso(line: str) -> Head | None:
    found = _ISO_STAMP.match(line)
    if found is None or (found["frac"] or "").startswith(","):
        return None
    wall = parse_iso(found)
    return parse_origin(line[found.end() :], wall) if wall else None


def _parse_full(line: str) -> Head | None:
    found = _FULL.match(line)
    wall = parse_iso(found) if found else None
    if found is None or wall is None:
        return None
    if wall.offset_minutes is None:
        wall = wall._replace(offset_minutes=find_zone_offset(found["zone"]))
    return parse_origin(line[found.end() :], wall)


def _parse_ctime(line: str) -> Head | None:
    found = _CTIME.match(line)
    wall = parse_ctime(found) if found else None
    return parse_origin(line[found.end() :], wall, exact=True) if found and wall else None


def _parse_rfc5424(line: str) -> Head | None:
    found = _RFC5424.match(line)
    if found is None:
        return None
    wall = parse_iso(found) if found["y"] else None
    inner = parse_kernel_prefix(line[found.end() :])
    priority = int(found["pri"])
    kernel = priority < _LEVELS_A_FACILITY and (is_kernel_tag(found["app"]) or found["app"] == "-")
    host = None if found["host"] == "-" else found["host"]
    return inner._replace(wall=wall, host=host, level=priority % _LEVELS_A_FACILITY, kernel=kernel)


def _parse_monotonic(line: str) -> Head | None:
    found = _MONOTONIC.match(line)
    if found is None:
        return None
    return Head(line[found.end() :], uptime_s=float(found["up"]), host=found["host"], kernel=found["tag"] == "kernel")


def _parse_unix(line: str) -> Head | None:
    found = _UNIX.match(line)
    if found is None:
        return None
    return parse_origin(line[found.end() :], parse_epoch_us(int(found["s"]) * 1_000_000 + int(found["us"])))


def _parse_headless(line: str) -> Head | None:
    """A line whose date was cut off: ``kern.crit kernel: [ 5497.756372] …``."""
    found = _HEADLESS.match(line)
    return parse_origin(line, None) if found else None


def _parse_slashed(line: str) -> Head | None:
    """``10/09/2026 05:40:50 TEXT``: day and month cannot be told apart, so there is no time."""
    found = _SLASHED.match(line)
    return parse_kernel_prefix(line[found.end() :]) if found else None


FORMATS = (
    LineFormat("syslog-rfc3164", _parse_rfc3164),
    LineFormat("syslog-rfc3339", _parse_iso),
    LineFormat("syslog-rfc5424", _parse_rfc5424),
    LineFormat("openwrt-logread", _parse_ctime),
    LineFormat("journal-short-full", _parse_full),
    LineFormat("journal-short-monotonic", _parse_monotonic),
    LineFormat("journal-short-unix", _parse_unix),
    LineFormat("syslog-headless", _parse_headless),
    LineFormat("slashed-date", _parse_slashed),
)
