# SPDX-License-Identifier: GPL-2.0-or-later
"""Find out whether the kernel still answers questions about links, without risking to wait for ever.

A driver that hangs in its own reset may hold the lock that all of networking shares (RTNL): e100 of Linux 6.1 waits in ``napi_disable`` for ever.
Whoever asks then, over netlink or ioctl, sleeps uninterruptibly and cannot be killed; some files of sysfs spin (net/core/net-sysfs.c,
``rtnl_trylock`` and ``restart_syscall``). So a child asks first. If it does not come back, it is left behind, and the rest does without.
"""

import contextlib
import os
import select
import signal
from collections.abc import Iterable

from nicmedic.host.ethtool_ioctl import EthtoolCalls
from nicmedic.host.side_by_side import is_left
from nicmedic.host.timed_reader import keep_descriptors

__all__ = ["LOCKED_FILES", "PATIENCE_S", "RtnlGuard"]

PATIENCE_S = 2.0
"""The lock is held for a second or so by drivers that reset in good order."""
LOCKED_FILES = frozenset(
    {"addr_gen_mode", "carrier", "speed", "duplex", "threaded", "traffic_class", "xps_cpus", "xps_rxqs"}
    | {"phys_port_id", "phys_port_name", "phys_switch_id", "sriov_numvfs"}
)
"""Files that need the lock, also for reading, in some kernel: ``carrier`` since Linux 6.5, ``addr_gen_mode`` in net.ipv6.conf; and
``sriov_numvfs``, which needs the device's (drivers/pci/iov.c), that whoever holds the other has often taken before."""


def _ask(interfaces: Iterable[str], write_end: int) -> None:
    """In the child: ask each driver its name, then say so. It holds nothing that somebody else might wait for."""
    keep_descriptors(write_end)
    for interface in interfaces:
        with contextlib.suppress(OSError), EthtoolCalls(interface) as calls:
            calls.driver_info()
    os.write(write_end, b".")


class RtnlGuard:
    """Asks through a child; one that does not come back asks for all who come later, until it does."""

    def __init__(self) -> None:
        self._asking: int | None = None
        """Who got no answer in time."""

    def is_stuck(self, interfaces: Iterable[str]) -> bool:
        """Whether some driver does not answer in time.

        A lock that was held for seconds is given back, as by e1000e, which may print its rings in its reset (intel/e1000e/netdev.c,
        ``e1000_reset_task``, Linux 6.1), or a busy machine had no time for the child: once that is gone, the next look asks anew.

        Raises:
            OSError: no child can be started, so it is not known.
        """
        if self._asking is not None and is_left(self._asking):
            return True
        self._asking = _find_unanswered(tuple(interfaces))
        return self._asking is not None


def _find_unanswered(names: tuple[str, ...]) -> int | None:
    """The child that got no answer; None: it got one."""
    read_end, write_end = os.pipe()
    try:
        child = os.fork()
    except OSError:
        os.close(read_end)
        os.close(write_end)
        raise
    if child == 0:
        try:
            _ask(names, write_end)
        finally:
            os._exit(0)
    os.close(write_end)
    try:
        answered, _, _ = select.select([read_end], [], [], PATIENCE_S)
    finally:
        os.close(read_end)
    if not answered:
        os.kill(child, signal.SIGKILL)  # in vain while it sleeps in the kernel; it goes when that wakes up
        return child
    os.waitpid(child, 0)
    return None
