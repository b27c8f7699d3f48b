# SPDX-License-Identifier: GPL-2.0-or-later
"""Where logs come from."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from nicmedic.model.errors import NicmedicError

__all__ = ["LogSource", "LogStream"]


@dataclass(slots=True, kw_only=True)
class LogStream:
    """One log, ready to be read once. Compression and archives are behind us; the container of its lines is not."""

    name: str
    """What a person calls it: a path, ``-``, ``archive.tar.xz:var/log/kern.log``, ``journal``."""
    blocks: Iterator[bytes]
    """Its bytes, cut anywhere. May raise a ``NicmedicError`` in the middle; what came before stands."""
    written: tuple[int, int, int] | None = None
    """Year, month, day of its file or archive: nothing in it can be younger."""
    optional: bool = False
    """Found by searching a folder or an archive, not named by the user: no complaint when it holds no kernel messages."""


class LogSource(Protocol):
    """Opens what a user names."""

    def open_logs(self, names: Iterable[str]) -> Iterator[LogStream | NicmedicError]:
        """Logs in order; an error in place of one that cannot be opened, and the others still come."""

    def open_own_log(self, since: str | None) -> Iterator[LogStream | NicmedicError]:
        """This machine's kernel log. ``since``: what journalctl takes as ``--since``, to read less; None: all."""

    def open_boot_log(self) -> Iterator[LogStream | NicmedicError]:
        """What this machine's kernel said in this boot, as far as it can be had at once: its ring buffer."""
