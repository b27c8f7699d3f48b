# SPDX-License-Identifier: GPL-2.0-or-later
"""A host that was saved: a snapshot of ours or a sosreport, packed or unpacked, or a folder with a copy of a host's files."""

import os
from dataclasses import dataclass

from nicmedic.host.machine import HostMachine
from nicmedic.host.owners import with_owners
from nicmedic.host.snapshot import read_snapshot
from nicmedic.host.sosreport import read_sosreport
from nicmedic.model.counters import Looks
from nicmedic.model.errors import NotASnapshotError
from nicmedic.model.host import Host
from nicmedic.report.escape import escape_terminal

__all__ = ["Saved", "read_saved"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What was kept."""

    host: Host
    looks: Looks


def read_saved(path: str) -> Saved:
    """Read it, whatever its form.

    Raises:
        NotASnapshotError: it is none of these.
        UnreadableInputError: it is damaged, or may not be read.
    """
    try:
        snapshot = read_snapshot(path)
    except NotASnapshotError:
        try:
            return Saved(host=read_sosreport(path), looks=Looks())
        except NotASnapshotError:
            if os.path.isdir(os.path.join(path, "sys/class/net")):  # noqa: PTH112, PTH118  # names are bytes of a user's choosing
                return Saved(host=with_owners(HostMachine(path).read_host(), path), looks=Looks())
        raise
    if snapshot.host is None:
        message = f"{escape_terminal(path)}: there is no host.json in it, so nothing is known of its network cards"
        raise NotASnapshotError(message, hint="nicmedic explain FILE   # reads the kernel logs in it")
    return Saved(host=snapshot.host, looks=snapshot.looks)
