# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel logs as files: kern.log, messages, syslog, dmesg and their like, each with its rotations as one log, oldest first."""

import datetime
import os
import re
from collections.abc import Iterator, Sequence

from nicmedic.host.histories.places import Found, Place, read_file, rotation
from nicmedic.host.histories.reader import Reader, name_history
from nicmedic.host.logs import HostLogs, is_log_name
from nicmedic.model.errors import NicmedicError
from nicmedic.ports.histories import HistoryItem, LogChain, LogPart

__all__ = ["READER"]

_NOT_ONE = re.compile(r"(?:^|/)(?:boot\.log|guest-[^/]*\.log|xl-dmesg[^/]*|crash\.txt)")
"""Logs of other machines, and of programs only."""
_RING = re.compile(r"/log/(?:ring-buffer\.kmsg|dmesg)\Z|/sos_commands/kernel/dmesg\Z")
"""In a snapshot of ours, and in a sosreport."""
_KERNELS_OWN = re.compile(r"(?:^|/)(?:kern\.log|dmesg|ring-buffer\.kmsg)\Z")
"""Only the kernel's facility goes there; syslog and messages take a line from anybody (``logger -t kernel``)."""
_SECONDS = re.compile(r"\d{1,12}(?:\.\d{1,9})? ")
_BOOTS_OWN = re.compile(r"/var/log/dmesg(?:\.\d{1,3})?(?:\.gz)?\Z")
"""Written once a boot, when its services are up, and without a wall clock (Debian's initscripts, ``/etc/init.d/bootlogs``)."""


def _parts(files: Sequence[Found]) -> Iterator[LogPart | NicmedicError]:
    before: float | None = None
    for file in files:
        _, age = rotation(file.name)
        dated = before is not None and before < -(10**6)
        follows = None if dated else before is None or age - before <= 1
        before = age
        for stream in HostLogs().open_logs([file.path]):
            if isinstance(stream, NicmedicError):
                yield name_history(stream)
            else:
                stream.name = file.shown
                stream.optional = True
                yield LogPart(stream=stream, follows=follows)


def _read(place: Place, files: Sequence[Found], zone: datetime.tzinfo | None) -> Iterator[HistoryItem]:
    chains: dict[str, list[Found]] = {}
    for file in files:
        if place.root is None or (is_log_name(file.name) and not _NOT_ONE.search(file.name)):
            is_boots_own = place.root is not None and _BOOTS_OWN.match(file.name)
            chains.setdefault(file.name if is_boots_own else rotation(file.name)[0], []).append(file)
    for chain in chains.values():
        name = chain[-1].shown if len(chain) == 1 else f"{chain[-1].shown} and {len(chain) - 1} rotated"
        if place.root is not None and _RING.match(chain[0].name):
            yield _ring(place, chain, name, zone)
            continue
        written_s = _written_s(chain[0]) if place.root is not None and _BOOTS_OWN.match(chain[0].name) else None
        yield LogChain(name=name, parts=_parts(chain), zone=zone, written_s=written_s, kernels_own=_is_kernels_own(chain))


def _is_kernels_own(chain: Sequence[Found]) -> bool:
    return _KERNELS_OWN.search(rotation(chain[0].name)[0]) is not None


def _ring(place: Place, chain: Sequence[Found], name: str, zone: datetime.tzinfo | None) -> LogChain:
    """What the kernel still held when everything was collected is of the boot that ran then, up to that moment."""
    uptime = read_file(place, "proc/uptime")
    boot_id = read_file(place, "proc/sys/kernel/random/boot_id")
    known = boot_id.replace("-", "") if boot_id else None
    return LogChain(
        name=name,
        parts=_parts(chain),
        zone=zone,
        kernels_own=True,
        boot_id=known,
        uptime_s=float(uptime.split()[0]) if known and uptime and _SECONDS.match(uptime) else None,
    )


def _written_s(file: Found) -> float | None:
    try:
        return os.stat(file.path).st_mtime or None  # noqa: PTH116  # as places.py
    except OSError:
        return None


READER = Reader("kernel logs", re.compile(""), _read)
"""Takes what no other reader takes."""
