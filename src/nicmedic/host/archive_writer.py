# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic.ports.archive.ArchiveWriter`` on the real machine."""

import errno
import os
from collections.abc import Callable, Iterable, Iterator

from nicmedic.host.raw_files import Member, Missing
from nicmedic.host.snapshot import collect_parts, open_private_file, refuse_taken, tell_failure, write_snapshot
from nicmedic.host.timed_reader import read_bounded
from nicmedic.model.archive import Written
from nicmedic.model.counters import Looks
from nicmedic.model.host import Host

__all__ = ["HostArchives"]

_IN_MEMORY = frozenset({"tmpfs", "ramfs", "rootfs", "devtmpfs"})


def _tell(parts: Iterable[Member | Missing], on_progress: Callable[[str, int], None]) -> Iterator[Member | Missing]:
    size = 0
    for part in parts:
        if isinstance(part, Member):
            size += len(part.data)
            on_progress(part.name, size)
        yield part


def _is_in_memory(path: str) -> bool:
    """Whether a file is on a file system that a reboot empties. One that several devices share (btrfs) is not looked up, and is none."""
    device = os.stat(path).st_dev  # noqa: PTH116  # names are bytes of a user's choosing
    number = f"{os.major(device)}:{os.minor(device)}"
    try:
        mounts = read_bounded("/proc/self/mountinfo", 1 << 20).decode("utf-8", "surrogateescape").splitlines()
    except OSError:
        return False
    kinds = [mount.partition(" - ")[2].split(" ")[0] for mount in mounts if mount.split(" ")[2:3] == [number]]
    return any(kind in _IN_MEMORY for kind in kinds)


class HostArchives:
    """Files on this machine."""

    def find_folder(self, path: str) -> str | None:
        if os.path.isdir(path):  # noqa: PTH112  # names are bytes of a user's choosing
            folder, target = path, path
        else:
            refuse_taken(path)
            folder, target = os.path.dirname(path) or ".", None  # noqa: PTH120  # names are bytes of a user's choosing
        try:
            os.stat(os.path.join(folder, "."))  # noqa: PTH116, PTH118  # names are bytes of a user's choosing
            if os.statvfs(folder).f_flag & os.ST_RDONLY:
                raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        except OSError as error:
            raise tell_failure(path, error) from None
        return target

    def write_archive(
        self, path: str, host: Host, looks: Looks, *, created: str, seconds: float, scrub: bool, on_progress: Callable[[str, int], None]
    ) -> Written:
        parts = _tell(collect_parts(host, looks, seconds=seconds), on_progress)
        map_path = None
        if scrub:
            from nicmedic.host.scrub_parts import find_known_names, scrub_parts
            from nicmedic.report.scrub import Scrubber

            scrubber = Scrubber(find_known_names(host=host))
            map_path = f"{path}.map"
            with open_private_file(map_path) as map_file:  # before all else: an archive without its map is of no use to its owner

                def write_map() -> None:
                    map_file.write(scrubber.render_map().encode("ascii"))
                    map_file.flush()

                scrubbed = scrub_parts(parts, scrubber)
                manifest = write_snapshot(path, scrubbed, created=created, scrubbed=True, before_naming=write_map)
        else:
            manifest = write_snapshot(path, parts, created=created)
        return Written(
            path=path,
            bytes=os.stat(path).st_size,  # noqa: PTH116  # names are bytes of a user's choosing
            members=len(manifest.members),
            missing=tuple((each.what, each.why) for each in manifest.missing),
            map_path=map_path,
            is_in_memory=_is_in_memory(path),
        )
