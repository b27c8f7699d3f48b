# SPDX-License-Identifier: GPL-2.0-or-later
"""Where a picture of a host is kept."""

from collections.abc import Callable
from typing import Protocol

from nicmedic.model.archive import Written
from nicmedic.model.counters import Looks
from nicmedic.model.host import Host

__all__ = ["ArchiveWriter"]


class ArchiveWriter(Protocol):
    """Writes everything else that is worth keeping beside the host."""

    def find_folder(self, path: str) -> str | None:
        """The folder that this path names; None: it names a file that can be made. Looked at before the host is read.

        Raises:
            UnwritableOutputError: the name is taken, or its folder is missing or read-only.
        """

    def write_archive(
        self, path: str, host: Host, looks: Looks, *, created: str, seconds: float, scrub: bool, on_progress: Callable[[str, int], None]
    ) -> Written:
        """Collect and write, synced, whole or not at all.

        Args:
            path: of the archive, which must not be there yet.
            host: as it was just read.
            looks: at its cards.
            created: RFC 3339.
            seconds: for collecting; what is left then is told as missing.
            scrub: replace what names the host, its people and its networks.
            on_progress: called with each member's name and the bytes so far.

        Raises:
            UnwritableOutputError: it cannot be written; nothing is left behind.
        """
