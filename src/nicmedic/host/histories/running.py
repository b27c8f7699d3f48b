# SPDX-License-Identifier: GPL-2.0-or-later
"""The boot that goes on, from procfs and the kernel's ring buffer: of this machine, or as it was when a snapshot or a sosreport was taken."""

import datetime
import os
import time
from collections.abc import Iterator, Sequence

from nicmedic.evidence.history.sighting import Sighting
from nicmedic.host.histories.places import Found, Place, read_file
from nicmedic.host.histories.reader import Reader, name_history
from nicmedic.host.logs import HostLogs
from nicmedic.kernlog.system import read_system_facts
from nicmedic.model.errors import NicmedicError
from nicmedic.model.history import BootEnd
from nicmedic.ports.histories import HistoryItem, LogChain, LogPart

__all__ = ["READER"]


def _xen(place: Place) -> str | None:
    parts = [read_file(place, f"sys/hypervisor/version/{name}") for name in ("major", "minor")]
    return f"{parts[0]}.{parts[1]}{read_file(place, 'sys/hypervisor/version/extra') or ''}" if all(parts) else None


def _read(place: Place, _files: Sequence[Found], _zone: datetime.tzinfo | None) -> Iterator[HistoryItem]:
    yield from _read_running(place)
    if place.live and not any(file.name.endswith(".journal") for file in place.files):
        yield from _read_ring(place)


def _read_running(place: Place) -> Iterator[HistoryItem]:
    version = read_file(place, "proc/version") if place.root is not None else None
    if version is None:
        return
    facts = read_system_facts(version)
    uptime = (read_file(place, "proc/uptime") or "").split()
    now = time.time() if place.live else place.taken
    began = None
    if now is not None and uptime and uptime[0].replace(".", "", 1).isdecimal():
        began = now - float(uptime[0])
    boot_id = read_file(place, "proc/sys/kernel/random/boot_id")
    yield Sighting(
        source="running kernel",
        order=0,
        boot_id=boot_id.replace("-", "") if boot_id else None,
        host=os.uname().nodename if place.live else read_file(place, "proc/sys/kernel/hostname") or read_file(place, "etc/hostname"),
        began=began,
        within_s=60.0,
        seen=None if now is None else (began if began is not None else now, now),
        exact_end=True,
        end=BootEnd.RUNNING,
        kernel_release=facts.kernel_release if facts else None,
        kernel_package=facts.kernel_package if facts else None,
        kernel_evidence="running kernel" if facts and facts.kernel_package else None,
        xen=_xen(place),
        firmware=read_file(place, "sys/class/dmi/id/bios_version"),
        command_line=read_file(place, "proc/cmdline"),
    )


def _read_ring(place: Place) -> Iterator[HistoryItem]:
    """What the kernel still holds of this boot's messages, where there is no journal that has them all."""
    boot_id = read_file(place, "proc/sys/kernel/random/boot_id")
    if boot_id is None:
        return

    def parts() -> Iterator[LogPart | NicmedicError]:
        for stream in HostLogs().open_boot_log():
            yield name_history(stream) if isinstance(stream, NicmedicError) else LogPart(stream=stream)

    yield LogChain(name="kernel ring buffer", parts=parts(), kernels_own=True, boot_id=boot_id.replace("-", ""), uptime_s=time.monotonic())


READER = Reader("running kernel", None, _read, looks=True)
