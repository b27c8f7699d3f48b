# SPDX-License-Identifier: GPL-2.0-or-later
"""Everything that tells of a host's past: its places, and each file to the reader that knows it."""

import contextlib
from collections.abc import Iterator, Sequence

from nicmedic.host.histories.places import Found, Place, open_places, rotation
from nicmedic.host.histories.table import READERS
from nicmedic.host.histories.zone import read_zone
from nicmedic.model.errors import NicmedicError
from nicmedic.ports.histories import HistoryItem

__all__ = ["HostHistories"]


class HostHistories:
    """``nicmedic.ports.histories.HistorySource`` on the real machine."""

    def read_history(self, names: Sequence[str]) -> Iterator[HistoryItem]:
        """See ``HistorySource.read_history``."""
        with contextlib.ExitStack() as opened:
            for place in open_places(names, opened):
                if isinstance(place, NicmedicError):
                    yield place
                else:
                    yield from _read_place(place)


def _read_place(place: Place) -> Iterator[HistoryItem]:
    zone = None if place.root is None else read_zone(place.root)
    taken: dict[str, list[Found]] = {}
    for file in place.files:
        reader = next(reader for reader in READERS if reader.pattern is not None and reader.pattern.search(file.name))
        taken.setdefault(reader.name, []).append(file)
    for reader in READERS:
        files = sorted(taken.get(reader.name, []), key=lambda file: rotation(file.name))
        if files or reader.looks:
            yield from reader.read(place, files, zone)
