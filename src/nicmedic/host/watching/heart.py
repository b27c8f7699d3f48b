# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic.ports.watching.Heart``: tells systemd, or whoever set ``NOTIFY_SOCKET``, that we live (man sd_notify).

A dozen lines rather than a library: python3-systemd is C, must be there for the interpreter in use, and is loaded for one datagram a time.
Nothing is told where nobody listens, and nothing that goes wrong here ends the watching: who does not hear us starts us anew.
Resident: imports nothing of ours.
"""

import os
import socket
import time

__all__ = ["NotifyHeart"]

_MOST_STATUS = 500


def _tidy(text: str) -> str:
    """One line: a line break would begin another word of the protocol."""
    return "".join(character if character.isprintable() else " " for character in text)[:_MOST_STATUS]


class NotifyHeart:
    """Of this process. The variables are taken out of the environment, so that no child speaks in our name."""

    def __init__(self) -> None:
        address = os.environ.pop("NOTIFY_SOCKET", "")
        for_us = os.environ.pop("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        limit = os.environ.pop("WATCHDOG_USEC", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket: socket.socket | None = None
        self.watchdog_s = int(limit) / 1e6 if for_us and limit.isdecimal() else None
        """How long we may be silent; None: nobody minds. Beat at least twice in that time."""
        if address.startswith(("@", "/")):  # vsock: is for virtual machines that tell their host, not for a service
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)

    def ready(self, status: str) -> None:
        self._tell("READY=1", f"STATUS={_tidy(status)}", "WATCHDOG=1")

    def beat(self, status: str) -> None:
        self._tell("WATCHDOG=1", f"STATUS={_tidy(status)}")

    def reloading(self) -> None:
        """The policy is read again; ``ready`` follows."""
        self._tell("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        self._tell("STOPPING=1")
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _tell(self, *lines: str) -> None:
        if self._socket is None:
            return
        try:
            self._socket.sendto("\n".join(lines).encode("utf-8", "replace"), self._address)
        except OSError:  # its queue is full, or it is starting anew: the next beat says the same
            return
