# SPDX-License-Identifier: GPL-2.0-or-later
"""What can only be asked under the lock of networking, asked by a child: the list of all links, and the speed of each card."""

import contextlib
import socket
import struct
from collections.abc import Mapping, Sequence

from nicmedic.host.netlink_socket import HEADER_BYTES, InterruptedDumpError, ask_kernel
from nicmedic.host.sysfs import Folder
from nicmedic.host.watching.cards import NET, is_card
from nicmedic.host.watching.child import Child, Tell
from nicmedic.host.watching.link_table import Link, parse_link

__all__ = ["begin_survey", "links_of", "speeds_of"]

_GETLINK = 18
_EXT_MASK, _SKIP_STATS = 29, 8
_IFINFO_BYTES = 16
_TRIES = 3


def _list_links() -> list[Link] | None:
    body = bytes(_IFINFO_BYTES) + struct.pack("=HHI", 8, _EXT_MASK, _SKIP_STATS)
    for _ in range(_TRIES):
        found: list[Link] = []
        try:
            for message in ask_kernel(socket.NETLINK_ROUTE, _GETLINK, body, dump=True):
                link = parse_link(message[HEADER_BYTES:])
                if link is not None:
                    found.append(link)
        except InterruptedDumpError:
            continue
        except OSError:
            return None
        return found
    return None


def begin_survey(virtual: Sequence[str]) -> Child:
    """Start the child.

    Raises:
        OSError: it cannot be started.
    """

    def work(tell: Tell) -> None:
        links = _list_links()
        if links is not None:
            tell({"links": links})
        net = Folder().folder(NET)
        speeds = {name: net.number(f"{name}/speed") for name in net.names() if is_card(net, name, virtual)}
        tell({"speeds": {name: speed for name, speed in speeds.items() if speed is not None and speed > 0}})

    return Child(work)


def links_of(said: Mapping[str, object]) -> list[Link] | None:
    """The links that it told of; None: it did not."""
    found = said.get("links")
    if not isinstance(found, list):
        return None
    with contextlib.suppress(TypeError):
        return [Link(*one) for one in found]
    return None


def speeds_of(said: Mapping[str, object]) -> dict[str, int]:
    """Megabits a second by interface."""
    found = said.get("speeds")
    return {str(name): int(speed) for name, speed in found.items()} if isinstance(found, dict) else {}
