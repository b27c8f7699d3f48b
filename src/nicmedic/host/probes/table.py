# SPDX-License-Identifier: GPL-2.0-or-later
"""Every kind of probe: one line each."""

from collections.abc import Callable
from typing import NamedTuple

from nicmedic.host.probes.carrier import probe_carrier
from nicmedic.host.probes.gateway import probe_neighbour
from nicmedic.host.probes.ping import probe_ping
from nicmedic.host.probes.ssh import probe_ssh
from nicmedic.host.probes.target import Place, Said, Target
from nicmedic.host.probes.tcp import probe_tcp
from nicmedic.host.probes.tx import probe_tx

__all__ = ["PROBES", "Kind"]


class Kind(NamedTuple):
    """How one is carried out."""

    name: str
    run: Callable[[Place, Target], Said]
    needs_interface: bool = True
    """What it sends over must be there; without it nothing comes through."""


PROBES = (
    Kind("carrier", probe_carrier),
    Kind("tx", probe_tx),
    Kind("gateway", probe_neighbour),
    Kind("neighbour", probe_neighbour),
    Kind("ping", probe_ping),
    Kind("tcp", probe_tcp),
    Kind("ssh", probe_ssh, needs_interface=False),
)
