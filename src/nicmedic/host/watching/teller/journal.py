# SPDX-License-Identifier: GPL-2.0-or-later
"""Lines for the journal with fields that can be asked for (``journalctl NICMEDIC_VERDICT=nic_hung``); else for syslog; else on standard error.

The native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL) is a datagram; python3-systemd is C, and may not be there for the interpreter in use.
Nothing waits: a journal that takes nothing now misses a line, and that is counted. Resident.
"""

import contextlib
import os
import socket
import sys
from collections.abc import Mapping

__all__ = ["Journal"]

_JOURNAL = "/run/systemd/journal/socket"
_SYSLOG = "/dev/log"
_DAEMON = 3 << 3
_MOST_VALUE = 8192
"""A datagram has room for some 200 KB; nobody reads more than this."""


def _encode_field(key: str, value: str) -> bytes:
    data = value.encode("utf-8", "backslashreplace")[:_MOST_VALUE]
    if b"\n" in data:
        return key.encode() + b"\n" + len(data).to_bytes(8, "little") + data + b"\n"
    return key.encode() + b"=" + data + b"\n"


class Journal:
    """Of this host."""

    def __init__(self, *, echo: bool = False) -> None:
        """``echo``: also on standard error, as plain lines."""
        self._echo = echo
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        self.lost = 0
        """Lines that nobody took."""

    def tell(self, text: str, priority: int, fields: Mapping[str, str]) -> None:
        """One entry."""
        if self._echo:
            self._print(f"{text}\n")
        known = {"MESSAGE": text, "PRIORITY": str(priority), "SYSLOG_IDENTIFIER": "nicmedic", "SYSLOG_FACILITY": "3", **fields}
        entry = b"".join(_encode_field(key, value) for key, value in known.items())
        line = " ".join(text.split("\n"))
        if self._send(_JOURNAL, entry) or self._send(
            _SYSLOG, f"<{_DAEMON | priority}>nicmedic[{os.getpid()}]: {line}".encode("utf-8", "replace")
        ):
            return
        if self._echo or not self._print(f"<{priority}>{line}\n"):
            self.lost += not self._echo

    def close(self) -> None:
        """Nothing more is told."""
        self._socket.close()

    def _send(self, path: str, data: bytes) -> bool:
        try:
            self._socket.sendto(data, path)
        except OSError:  # there is none, it is starting anew, or its queue is full
            return False
        return True

    @staticmethod
    def _print(text: str) -> bool:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(text)
            sys.stderr.flush()
            return True
        return False
