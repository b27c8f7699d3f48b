# SPDX-License-Identifier: GPL-2.0-or-later
"""Multicast messages of rtnetlink: received only, so that no lock is ever waited for."""

import contextlib
import errno
import socket
import struct
from array import array

__all__ = ["LINKS", "NEIGHBOURS", "MessageSocket"]

LINKS = 1
"""``RTMGRP_LINK``."""
NEIGHBOURS = 4
"""``RTMGRP_NEIGH``."""
_ATTACH_FILTER = 26
_BUFFER_FORCE, _BUFFER = 33, 8
_BUFFER_BYTES = 1 << 20
_MOST = 200
"""Datagrams in one turn."""
_INSTRUCTION_BYTES = 8


class MessageSocket:
    """Datagrams of one group."""

    def __init__(self, group: int, program: bytes = b"") -> None:
        """``program``: a socket filter.

        Raises:
            OSError: there is no netlink.
        """
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE)
        try:
            if program:
                code = array("B", program)
                wanted = struct.pack("HP", len(program) // _INSTRUCTION_BYTES, code.buffer_info()[0])
                self._socket.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, wanted)
            for option in (_BUFFER, _BUFFER_FORCE):  # the second needs a privilege, and passes the limit of the first
                with contextlib.suppress(OSError):
                    self._socket.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)
            self._socket.bind((0, group))
        except OSError:
            self._socket.close()
            raise
        self.overrun = False
        """Messages were lost; whoever reads this sets it back."""

    def fileno(self) -> int:
        """What to wait on."""
        return self._socket.fileno()

    def close(self) -> None:
        """Hear no more."""
        self._socket.close()

    def read(self) -> list[bytes]:
        """What is there; does not wait."""
        found: list[bytes] = []
        while len(found) < _MOST:
            try:
                data, (sender, _) = self._socket.recvfrom(1 << 16)
            except BlockingIOError:
                break
            except OSError as error:
                self.overrun |= error.errno == errno.ENOBUFS
                if error.errno != errno.ENOBUFS:
                    break
                continue
            if sender == 0:  # the kernel
                found.append(data)
        return found
