# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether the card has a link."""

from nicmedic.host.nics import NET
from nicmedic.host.probes.target import Place, Said, Target
from nicmedic.host.sysfs import Folder
from nicmedic.model.transaction import ProbeState

__all__ = ["probe_carrier"]

_IFF_UP = 1


def probe_carrier(place: Place, _: Target) -> Said:
    """Out of sysfs; an interface that is down has none, and the kernel does not tell then."""
    folder = Folder().folder(f"{NET}/{place.card}")
    carrier, flags = folder.flag("carrier"), folder.number("flags")
    if flags is not None and not flags & _IFF_UP:
        return ProbeState.FAILED, f"{place.card} is down"
    if carrier is None:
        return ProbeState.UNKNOWN, f"{folder.path}/carrier cannot be read"
    if not carrier:
        return ProbeState.FAILED, f"{place.card} has no link"
    return ProbeState.PASSED, "the link is up"
