# SPDX-License-Identifier: GPL-2.0-or-later
"""Steps that do nothing where the thing stands already, in the few shapes that putting a stack back needs."""

from typing import Final

from nicmedic.model.nic import Nic
from nicmedic.model.step import INTERFACE, Run, Shown, Write

__all__ = ["NET", "reads", "same_netdev", "set_link", "show_link", "write_file"]

NET: Final = f"/sys/class/net/{INTERFACE}"


def reads(path: str, text: str) -> Shown:
    """The file holds the text; runs of blanks are one."""
    return Shown(argv=("cat", path), text=" ".join(text.split()))


def show_link(interface: str, text: str) -> Shown:
    """``ip -d link`` tells it of the interface."""
    return Shown(argv=("ip", "-o", "-d", "link", "show", "dev", interface), text=text)


def same_netdev(nic: Nic) -> Shown | None:
    """The interface is the very one that was read: whatever the driver and the kernel keep with it is still there.

    A number is not given twice: the kernel counts on (net/core/dev.c ``dev_new_index``, ``dev_index_reserve`` since Linux 6.6).
    None: the number is not known.
    """
    return None if nic.ifindex is None else reads(f"{NET}/ifindex", str(nic.ifindex))


def set_link(interface: str, *words: str, unless: Shown | None = None, needed: bool = True) -> Run:
    """``ip link set``."""
    return Run(argv=("ip", "link", "set", "dev", interface, *words), unless=unless, needed=needed)


def write_file(path: str, value: object) -> Write:
    """A setting in a file, which nobody's traffic depends on."""
    return Write(path=path, text=str(value), unless=reads(path, str(value)), needed=False)
