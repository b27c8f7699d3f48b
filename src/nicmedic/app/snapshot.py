# SPDX-License-Identifier: GPL-2.0-or-later
"""Take a picture of this host: everything that ``check`` reads, two looks, and whatever else an expert would ask for, in one archive."""

import re
from collections.abc import Callable

from nicmedic.app.check import read_looks
from nicmedic.model.archive import Written
from nicmedic.model.errors import UsageError
from nicmedic.model.host import Host
from nicmedic.ports.archive import ArchiveWriter
from nicmedic.ports.clock import Clock
from nicmedic.ports.machine import Machine

__all__ = ["take_snapshot"]

_WHOLE_S = 5.0
_LEAST_S = 1.5
_UNFIT = re.compile(r"[^A-Za-z0-9.-]+")


def take_snapshot(
    machine: Machine,
    clock: Clock,
    archives: ArchiveWriter,
    add_owners: Callable[[Host], Host],
    *,
    path: str | None = None,
    scrub: bool = False,
    on_progress: Callable[[str, int], None] = lambda _name, _size: None,
) -> Written:
    """Read, look twice, write.

    Args:
        machine: the host.
        clock: for the waiting and the name of the archive.
        archives: writes it.
        add_owners: finds the network manager of each card.
        path: of the archive; of a folder, or None for the present one: the name is made up of the host's name and the time.
        scrub: replace what names the host, its people and its networks.
        on_progress: called with what is being read and the bytes so far.

    Raises:
        UsageError: the path can be no file's.
        UnwritableOutputError: it cannot be written; nothing is left behind.
    """
    if path in {"", "-"}:
        raise UsageError(f"-o '{path}': the archive needs the name of a file", hint="nicmedic snapshot -o FILE   # or a folder")
    folder = archives.find_folder("." if path is None else path)
    begin, now = clock.read_monotonic_s(), clock.read_now()
    host = machine.read_host()
    owned: list[Host] = []
    looks = read_looks(machine, clock, host.nics, 1.0, lambda: owned.append(add_owners(host)))
    name = "host" if scrub else _UNFIT.sub("_", host.hostname or "host")
    made_up = f"nicmedic-{name}-{now.strftime('%Y%m%d-%H%M%S')}.tar.gz"
    return archives.write_archive(
        made_up if path is None else path if folder is None else f"{folder.rstrip('/')}/{made_up}",
        owned[0],
        looks,
        created=now.isoformat(timespec="seconds"),
        seconds=max(_LEAST_S, _WHOLE_S - (clock.read_monotonic_s() - begin)),
        scrub=scrub,
        on_progress=on_progress,
    )
