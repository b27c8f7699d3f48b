# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic.ports.archive.ArchiveWriter`` on the real machine."""

import os
from collections.abc import Callable, Iterable, Iterator

from nicmedic.host.raw_files import Member, Missing
from nicmedic.host.snapshot import collect_parts, write_private_file, write_snapshot
from nicmedic.model.archive import Written
from nicmedic.model.counters import Looks
from nicmedic.model.host import Host

__all__ = ["HostArchives"]


def _tell(parts: Iterable[Member | Missing], on_progress: Callable[[str, int], None]) -> Iterator[Member | Missing]:
    size = 0
    for part in parts:
        if isinstance(part, Member):
            size += len(part.data)
            on_progress(part.name, size)
        yield part


class HostArchives:
    """Files on this machine."""

    def write_archive(
        self, path: str, host: Host, looks: Looks, *, created: str, seconds: float, scrub: bool, on_progress: Callable[[str, int], None]
    ) -> Written:
        parts = _tell(collect_parts(host, looks, seconds=seconds), on_progress)
        map_path = None
        if scrub:
            from nicmedic.host.scrub_parts import find_known_names, scrub_parts
            from nicmedic.report.scrub import Scrubber

            scrubber = Scrubber(find_known_names())
            map_path = f"{path}.map"
            manifest = write_snapshot(path, scrub_parts(parts, scrubber), created=created, scrubbed=True)
            write_private_file(map_path, scrubber.render_map())
        else:
            manifest = write_snapshot(path, parts, created=created)
        return Written(
            path=path,
            bytes=os.stat(path).st_size,  # noqa: PTH116  # names are bytes of a user's choosing
            members=len(manifest.members),
            missing=tuple((each.what, each.why) for each in manifest.missing),
            map_path=map_path,
        )
