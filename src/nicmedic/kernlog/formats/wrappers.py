# SPDX-License-Identifier: GPL-2.0-or-later
r"""Log systems that wrap a line into their own: Docker, CRI, Loki, Elastic, GELF and other JSON; CSV exports; followers that put a name in front.

Real lines:

    {"log":"[  551.326415] NETDEV WATCHDOG: eth0 (r8169): …\n","stream":"stdout","time":"2025-04-01T10:00:00.512Z"}
    2025-04-01T10:00:00.512345678Z stdout F [  551.326415] NETDEV WATCHDOG: eth0 (r8169): …
    {"labels":{"host":"nas1"},"line":"NETDEV WATCHDOG: …","timestamp":"2025-04-01T12:00:00+02:00"}
    {"_source":{"@timestamp":"2025-04-01T10:00:00.000Z","message":"NETDEV WATCHDOG: …","host":{"hostname":"nas1"}}}

The outer time is when the line was shipped, not when the kernel wrote it; it is used only where nothing better stands inside.
"""

import csv
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from nicmedic.kernlog.formats.head import Head, find_level
from nicmedic.kernlog.formats.journal import parse_entry
from nicmedic.kernlog.lazy import lazy_pattern
from nicmedic.kernlog.stamps import ISO, parse_epoch_us, parse_iso, parse_syslog
from nicmedic.model.record import WallTime

__all__ = ["Wrapped", "unwrap_json", "unwrap_line"]


class Wrapped(NamedTuple):
    """What was inside. ``head`` is set where the wrapper already gives a kernel message; else ``line`` is to be read as a line of its own."""

    name: str
    line: str
    head: Head | None = None
    wall: WallTime | None = None
    host: str | None = None
    partial: bool = False
    """The line goes on in the next one (Docker splits at 16 KiB, CRI marks ``P``)."""
    kernel: bool | None = None
    """Whether the journal had it from the kernel, where a label says so."""


_CRI = lazy_pattern(rf"{ISO} std(?:out|err) (?P<part>[FP]) ")
_TAB = lazy_pattern(rf"{ISO}\t")
_FOLLOWER = lazy_pattern(r"(?:[\w.-]{1,64} +\| |\[pod/[^\]\s]{1,200}\] )")
_KIBANA = lazy_pattern(
    r'"?(?P<mon>[A-Z][a-z]{2}) (?P<d>[0-3]?\d), (?P<y>(?:19|20)\d\d) @ (?P<h>[012]\d):(?P<mi>[0-5]\d):(?P<s>[0-5]\d)\.(?P<us>\d{3})"?[,\t]'
)
_ISO = lazy_pattern(ISO)
_TEXT_KEYS = ("message", "MESSAGE", "msg", "log", "line", "short_message", "_raw", "body", "content")
_TIME_KEYS = ("@timestamp", "timestamp", "time", "ts")
_HOST_KEYS = ("host", "hostname", "_HOSTNAME", "node_name", "nodename")
_LABEL_KEYS = ("labels", "fields", "stream", "journald")
_TRANSPORTS = {"kernel": True, "syslog": False, "journal": False, "stdout": False, "driver": False, "audit": False}
"""``_TRANSPORT`` of systemd.journal-fields(7)."""
_DEEPEST = 6


def _time_of(value: object) -> WallTime | None:
    """ISO text, or an epoch in s, ms, µs or ns told apart by size; the shipping time, so marked as computed."""
    if isinstance(value, str):
        found = _ISO.match(value)
        if found is not None:
            return parse_iso(found, computed=True)
        if not (value.isascii() and value.isdigit()):
            return None
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 1e8 < value < 1e20:  # 1973 in s to 5138 in ns
        return None
    for limit, factor in ((1e11, 1e6), (1e14, 1e3), (1e17, 1.0), (1e20, 1e-3)):
        if value < limit:
            wall = parse_epoch_us(int(value * factor))
            return wall._replace(computed=True) if wall else None
    return None


def _host_of(fields: Mapping[str, object]) -> str | None:
    for place in (fields, *_labels_of(fields)):
        for key in _HOST_KEYS:
            value = place.get(key)
            if isinstance(value, Mapping):
                value = value.get("hostname", value.get("name"))
            if isinstance(value, str) and value:
                return value
    return None


def _labels_of(fields: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    """Labels that a log system puts beside an entry (Loki, Grafana) or a whole stream of them."""
    for key in _LABEL_KEYS:
        value = fields.get(key)
        if isinstance(value, Mapping):
            yield value


def _kernel_of(fields: Mapping[str, object]) -> bool | None:
    for place in (fields, *_labels_of(fields)):
        transport = place.get("transport", place.get("_TRANSPORT"))
        if isinstance(transport, str):
            return _TRANSPORTS.get(transport)
    return None


def _dmesg_entry(fields: Mapping[str, object]) -> Head | None:
    """An object of ``dmesg --json``: ``pri`` is a number, or with -x a word beside ``fac``."""
    message, time = fields.get("msg"), fields.get("time")
    if not isinstance(message, str) or "pri" not in fields:
        return None
    priority, facility = fields["pri"], fields.get("fac")
    level = (
        find_level(priority) if isinstance(priority, str) else priority % 8 if isinstance(priority, int) else None
    )  # 8 levels a facility
    # A number below 8 says nothing of the facility: util-linux 2.38 prints level | facility, so user.warn is 5 (sys-utils/dmesg.c, LOG_MAKEPRI).
    kernel = facility == "kern" if isinstance(facility, str) else (False if isinstance(priority, int) and priority >= 8 else None)
    return Head(message, uptime_s=float(time) if isinstance(time, (int, float)) else None, level=level, kernel=kernel)


def unwrap_json(value: object, depth: int = 0) -> Iterator[Wrapped]:
    """All log entries in a JSON value: one entry, a list of them, or a query's answer with entries somewhere inside."""
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        if depth > 0 and len(value) >= 2 and isinstance(value[0], str) and isinstance(value[1], str) and value[0].isdigit():
            yield Wrapped("loki", value[1], wall=_time_of(value[0]))
            return
        for item in value:
            yield from unwrap_json(item, depth + 1)
    elif isinstance(value, Mapping):
        yield from _unwrap_object(value, depth)


def _unwrap_object(value: Mapping[str, object], depth: int) -> Iterator[Wrapped]:
    if "MESSAGE" in value and any(key.startswith("_") for key in value):
        head = parse_entry(value)
        if head is not None:
            yield Wrapped("journal-json", "", head=head)
        return
    head = _dmesg_entry(value)
    if head is not None:
        yield Wrapped("dmesg-json", "", head=head)
        return
    text = next((value[key] for key in _TEXT_KEYS if isinstance(value.get(key), str)), None)
    if isinstance(text, str):
        wall = next((time for time in (_time_of(value.get(key)) for key in _TIME_KEYS) if time), None)
        partial = "stream" in value and "log" in value and not text.endswith("\n")
        yield Wrapped("json", text.rstrip("\n"), wall=wall, host=_host_of(value), partial=partial, kernel=_kernel_of(value))
        return
    stream = value if "values" in value else {}  # Loki: labels beside the pairs that they are for
    for item in value.values():
        if isinstance(item, (list, Mapping)):
            for wrapped in unwrap_json(item, depth + 1):
                yield wrapped._replace(host=wrapped.host or _host_of(stream), kernel=_kernel_of(stream)) if stream else wrapped


def unwrap_line(line: str) -> Wrapped | None:
    """A line with a wrapper that is no JSON; None: no wrapper is there."""
    if line[:1].isdigit():
        found = _CRI.match(line)
        if found is not None:
            return Wrapped("cri", line[found.end() :], wall=parse_iso(found, computed=True), partial=found["part"] == "P")
        found = _TAB.match(line)
        if found is not None:
            return Wrapped("grafana", line[found.end() :], wall=parse_iso(found, computed=True))
    found = _FOLLOWER.match(line)
    if found is not None:
        return Wrapped("follower", line[found.end() :])
    found = _KIBANA.match(line)
    if found is not None:
        try:
            cells = next(csv.reader([line], delimiter="\t" if "\t" in line else ","), [])
        except csv.Error:
            return None
        return Wrapped("csv", max(cells, key=len, default=""), wall=parse_syslog(found))
    return None
