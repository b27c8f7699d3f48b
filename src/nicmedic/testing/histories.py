# SPDX-License-Identifier: GPL-2.0-or-later
"""Made-up pasts: what happened, and how each source would have written it down; and a source of history in memory."""

import datetime
import json
import struct
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from nicmedic.model.errors import NicmedicError
from nicmedic.ports.histories import HistoryItem, LogChain, LogPart
from nicmedic.ports.logs import LogStream

__all__ = ["FakeHistories", "MadeBoot", "MadeChange", "render_dpkg_log", "render_journal", "render_syslog", "render_wtmp"]

_WTMP = struct.Struct("<hxxi32s4s32s256shhiIi16s20x")
_HANG = "NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out"
_SYSTEMD_WORD = "Reached target shutdown.target - System Shutdown."


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeBoot:
    """One boot as it was."""

    began: float
    """Seconds since 1970."""
    ran_s: float
    release: str = "3.2.0-4-amd64"
    package: str = "3.2.68-1+deb7u1"
    crashed: bool = False
    hangs_s: tuple[float, ...] = ()
    slept: tuple[tuple[float, float], ...] = ()
    """Uptime and length of each suspension; ``ran_s`` counts none of them."""
    every_s: float = 1800.0
    """The kernel says something at least that often."""
    host: str = "srv4"

    @property
    def boot_id(self) -> str:
        """Of this boot alone."""
        return f"{zlib.crc32(f'{self.host}{self.began}'.encode()):08x}" * 4

    def moment(self, uptime_s: float) -> float:
        """On a wall clock that is right."""
        return self.began + uptime_s + sum(length for at, length in self.slept if at < uptime_s)

    @property
    def ended(self) -> float:
        """When it was shut down, or crashed."""
        return self.moment(self.ran_s)

    def messages(self) -> list[tuple[float, str]]:
        """What the kernel says, with uptimes in microseconds that no other boot has."""
        salt = zlib.crc32(self.boot_id.encode()) % 900 / 1e6
        build = f"(debian-kernel@lists.debian.org) (gcc version 4.6.3) #1 SMP Debian {self.package}"
        told = [
            (0.0, f"Linux version {self.release} {build}"),
            (0.0, "Command line: BOOT_IMAGE=/vmlinuz root=/dev/sda1 ro"),
            (0.000123 + salt, "DMI: Example Board/X1, BIOS 1.2 01/02/2011"),
            *((second + 0.012345 + salt, f"r8169 0000:02:00.0: step {second}") for second in (1, 2, 3)),
            (4.1 + salt + 0.000017, "r8169 0000:02:00.0: eth0: link up"),
        ]
        told += [(second + salt, "usb 1-1: reset high-speed USB device number 2") for second in _steps(self.every_s, self.ran_s)]
        told += [(uptime_s + salt, _HANG) for uptime_s in self.hangs_s]
        for at, _ in self.slept:
            told += [(at, "PM: suspend entry (deep)"), (at + 1.5, "PM: suspend exit")]
        told.append((max(5.0, self.ran_s - 1) + salt, "sd 0:0:0:0: [sda] Synchronizing SCSI cache"))
        return sorted(told, key=lambda each: each[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeChange:
    """A package that was changed."""

    moment: float
    package: str
    before: str | None
    after: str | None


def _steps(every_s: float, until_s: float) -> Iterator[float]:
    second = every_s
    while second < until_s - 2:
        yield second
        second += every_s


def _local(moment: float, offset_h: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(moment + offset_h * 3600, datetime.UTC)


def render_syslog(boots: Sequence[MadeBoot], *, offset_h: float = 0.0, rfc3339: bool = False, programs: bool = True) -> list[str]:
    """Lines of ``/var/log/messages``; of rsyslog's short form without year and zone unless ``rfc3339``."""
    lines = []
    for boot in boots:
        told: list[tuple[float, str]] = [(boot.moment(at), f"kernel: [{at:12.6f}] {text}") for at, text in boot.messages()]
        if programs:
            told += [(boot.moment(at), "CRON[4711]: (root) CMD (run-parts)") for at in _steps(900, boot.ran_s)]
            if not boot.crashed:
                told.append((boot.ended, "rsyslogd: [origin software=rsyslogd] exiting on signal 15."))
        for moment, text in sorted(told, key=lambda each: each[0]):
            local = _local(moment, offset_h)
            stamp = f"{local:%b} {local.day:2d} {local:%H:%M:%S}"
            if rfc3339:
                sign = "-" if offset_h < 0 else "+"
                stamp = f"{local:%Y-%m-%dT%H:%M:%S.%f}{sign}{int(abs(offset_h)):02d}:{int(abs(offset_h) % 1 * 60):02d}"
            lines.append(f"{stamp} {boot.host} {text}")
    return lines


def render_journal(boots: Sequence[MadeBoot]) -> list[str]:
    """Lines of ``journalctl -o json``."""
    lines = []
    for boot in boots:
        told = [(at, text, "kernel") for at, text in boot.messages()]
        if not boot.crashed:
            told.append((boot.ran_s, _SYSTEMD_WORD, "journal"))
        for at, text, transport in told:
            fields = {
                "MESSAGE": text,
                "_TRANSPORT": transport,
                "_BOOT_ID": boot.boot_id,
                "_HOSTNAME": boot.host,
                "__REALTIME_TIMESTAMP": str(round(boot.moment(at) * 1e6)),
                "__MONOTONIC_TIMESTAMP": str(round(at * 1e6)),
            }
            if transport == "kernel":
                fields["_SOURCE_MONOTONIC_TIMESTAMP"] = str(round(at * 1e6))
            lines.append(json.dumps(fields))
    return lines


def _utmp(kind: int, user: str, host: str, moment: float, line: str = "~") -> bytes:
    seconds = int(moment)
    return _WTMP.pack(kind, 0, line.encode(), b"~~\0\0", user.encode(), host.encode(), 0, 0, 0, seconds, 0, bytes(16))


def render_wtmp(boots: Sequence[MadeBoot], *, offset_h: float = 0.0) -> bytes:
    """Records of wtmp; ``offset_h``: the hardware clock was wrong by that at boot."""
    data = b""
    for boot in boots:
        data += _utmp(2, "reboot", boot.release, boot.began + 8 + offset_h * 3600)
        if boot.ran_s > 120:
            data += _utmp(7, "root", "198.51.100.7", boot.moment(100), "pts/0")
        if not boot.crashed:
            data += _utmp(1, "shutdown", boot.release, boot.ended)
    return data


def render_dpkg_log(changes: Sequence[MadeChange], *, offset_h: float = 0.0) -> list[str]:
    """Lines of ``dpkg.log``."""
    lines = []
    for change in changes:
        local = _local(change.moment, offset_h)
        what = "install" if change.before is None else "remove" if change.after is None else "upgrade"
        lines.append(f"{local:%Y-%m-%d %H:%M:%S} {what} {change.package}:amd64 {change.before or '<none>'} {change.after or '<none>'}")
    return lines


class FakeHistories:
    """``nicmedic.ports.histories.HistorySource`` without a machine."""

    def __init__(
        self,
        items: Sequence[HistoryItem] = (),
        logs: Mapping[str, Sequence[bytes]] | None = None,
        *,
        zone: datetime.tzinfo | None = None,
        telling: Collection[str] = (),
        fail: NicmedicError | None = None,
    ) -> None:
        """Keep it.

        Args:
            items: whatever is no log.
            logs: by its name, each log with its rotations, oldest first.
            zone: of stamps without one.
            telling: names of logs that would tell of a shutdown.
            fail: comes at the end of every log.
        """
        self._items, self._logs, self._zone, self._telling, self._fail = items, logs or {}, zone, telling, fail

    def read_history(self, names: Sequence[str]) -> Iterator[HistoryItem]:
        del names  # all there is
        yield from self._items
        for name, parts in self._logs.items():
            yield LogChain(name=name, parts=self._parts(name, parts), zone=self._zone, tells_end=name in self._telling)

    def _parts(self, name: str, parts: Sequence[bytes]) -> Iterator[LogPart | NicmedicError]:
        for data in parts:
            yield LogPart(stream=LogStream(name=name, blocks=iter([data] if data else []), optional=True))
        if self._fail is not None:
            yield self._fail
