# SPDX-License-Identifier: GPL-2.0-or-later
"""Tell for each card of a host which network manager owns it. How that is judged is in ``nicmedic.persist``."""

import dataclasses

from nicmedic.host.config_files import read_config_files
from nicmedic.model.host import Host
from nicmedic.persist.owner import build_target, describe_owner, find_owner

__all__ = ["with_owners"]


def with_owners(host: Host, root: str = "/") -> Host:
    """The same host with ``manager`` of every card set; ``root``: where the host was read from. Files are read once for all cards."""
    if not host.nics:
        return host
    files = read_config_files(root)
    nics = tuple(dataclasses.replace(nic, manager=describe_owner(find_owner(files, build_target(nic)))) for nic in host.nics)
    return dataclasses.replace(host, nics=nics)
