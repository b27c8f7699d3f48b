# SPDX-License-Identifier: GPL-2.0-or-later
"""What udev noted of a NIC in its database, ``/run/udev/data/n<ifindex>`` (systemd src/libsystemd/sd-device, ``device_update_db``).

A real one, in part::

E:ID_NET_DRIVER=e1000e
E:ID_PATH=pci-0000:00:1f.6
E:ID_NET_LINK_FILE=/usr/lib/systemd/network/99-default.link
E:NM_UNMANAGED=1
"""

import dataclasses
from collections.abc import Mapping

from nicmedic.persist.files import FoundFiles
from nicmedic.persist.values import Target

__all__ = ["DATABASE", "complete_target", "read_properties"]

DATABASE = "/run/udev/data/n*"


def read_properties(files: FoundFiles, target: Target) -> Mapping[str, str] | None:
    """The properties; None: the database has nothing on the NIC, or there is none."""
    text = files.texts.get(f"/run/udev/data/n{target.ifindex}") if target.ifindex is not None else None
    if text is None:
        return None
    pairs = (line[2:].partition("=") for line in text.split("\n") if line.startswith("E:"))
    return {key: value for key, _, value in pairs if key}


def complete_target(files: FoundFiles, target: Target) -> Target:
    """The same NIC, with what the database knows and the caller did not."""
    properties = read_properties(files, target) or {}
    return dataclasses.replace(
        target,
        driver=target.driver or properties.get("ID_NET_DRIVER"),
        path=target.path or properties.get("ID_PATH"),
    )
