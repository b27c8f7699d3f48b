# SPDX-License-Identifier: GPL-2.0-or-later
"""How often the kernel's transmit watchdog has expired on each real card. No lock is taken (net/core/net-sysfs.c, ``tx_timeout_show``)."""

from nicmedic.host.sysfs import Folder
from nicmedic.host.watching.cards import is_card

__all__ = ["read_tx_timeouts"]


def read_tx_timeouts(net: Folder) -> dict[str, int | None]:
    """By interface, all queues together; None: the kernel keeps no count."""
    found: dict[str, int | None] = {}
    for name in net.names():
        if not is_card(net, name, ()):
            continue
        folder = net.folder(f"{name}/queues")
        counts = [count for queue in folder.names() if (count := folder.number(f"{queue}/tx_timeout")) is not None]
        found[name] = sum(counts) if counts else None
    return found
