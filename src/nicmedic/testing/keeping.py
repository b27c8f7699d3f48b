# SPDX-License-Identifier: GPL-2.0-or-later
"""Files and kept remedies in memory, whose edges may fail, or be killed, at the n-th call."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager

from nicmedic.app.keep.edges import KeepEdges
from nicmedic.model.errors import BusyError, StateError, UnreadableInputError
from nicmedic.model.keeping import Check, FileEdit, Kept, KeptState, NoPlace, Placement, Wish
from nicmedic.persist.back_end import BackEnd, Found, Place
from nicmedic.persist.files import FoundFiles
from nicmedic.persist.marks import find_block, insert_block, take_out_block
from nicmedic.ports.keeping import FileNow, Refreshed
from nicmedic.testing.clock import FakeClock
from nicmedic.testing.world import Process

__all__ = ["FilesWorld", "build_keep_edges", "list_states", "make_back_end"]


class FilesWorld:
    """What outlives processes."""

    def __init__(self, files: Mapping[str, bytes], *, has_systemd: bool = True) -> None:
        """``files``: of the host."""
        self.files = dict(files)
        self.folders: set[str] = set()
        """That were made."""
        self.kept: dict[int, Kept] = {}
        self.damaged: list[str] = []
        """Why some cannot be read."""
        self.has_systemd = has_systemd
        self.unit = False
        """The check after boots is installed."""
        self.refreshed: list[tuple[str, ...]] = []
        self.refusing: set[tuple[str, ...]] = set()
        """Programs that fail."""
        self.absent: set[str] = set()
        """Programs that are not there any more, or whose daemon is not."""
        self.read_only: set[str] = set()
        self.fleeting: set[str] = set()
        """Files that each boot makes anew."""
        self.links: dict[str, str] = {}
        self.controlled: str | None = None
        """A folder under version control."""
        self.holder: Process | None = None
        """Of the lock."""
        self.trials: Callable[[int], int | None] = lambda _number: None
        """Which open transaction lifts a kept remedy."""


class _Edge:
    def __init__(self, world: FilesWorld, process: Process) -> None:
        self.world, self.process = world, process


class _Files(_Edge):
    """``nicmedic.ports.keeping.ConfigFiles``."""

    def read_file(self, path: str) -> FileNow:
        self.process.call(f"read {path}")
        real = self.world.links.get(path, path)
        if real == "/unreadable":
            raise UnreadableInputError(f"{path}: Input/output error")
        return FileNow(path=real, data=self.world.files.get(real), notes=(f"{path} leads to {real}",) if real != path else ())

    def find_obstacle(self, path: str) -> str | None:
        self.process.call(f"obstacle {path}")
        return f"{path} is read-only" if path in self.world.read_only else None

    def find_fleeting(self, path: str) -> str | None:
        self.process.call(f"fleeting {path}")
        return f"{path} is made anew at each boot" if path in self.world.fleeting else None

    def list_missing_folders(self, path: str) -> tuple[str, ...]:
        self.process.call(f"missing {path}")
        folder = path.rpartition("/")[0]
        is_there = folder in self.world.folders or any(name.startswith(f"{folder}/") for name in self.world.files)
        return () if is_there else (folder,)

    def replace_file(self, edit: FileEdit) -> None:
        self.process.call(f"replace {edit.path} {edit.mode}")
        if edit.path in self.world.read_only:
            raise StateError(f"{edit.path}: Read-only file system")
        if self.world.files.get(edit.path) != edit.before:
            raise StateError(f"{edit.path}: somebody else changed it this moment")
        if edit.after is None:
            self.world.files.pop(edit.path, None)
        else:
            self.world.folders.update(self.list_missing_folders(edit.path))
            self.world.files[edit.path] = edit.after

    def remove_left(self, paths: Sequence[str]) -> None:
        self.process.call(f"left {len(paths)}")

    def remove_folders(self, paths: Sequence[str]) -> None:
        self.process.call("remove folders")
        for path in paths:
            if not any(name.startswith(f"{path}/") for name in self.world.files):
                self.world.folders.discard(path)

    def find_version_control(self, path: str) -> str | None:
        self.process.call("version control")
        folder = self.world.controlled
        return f"{folder} (.git)" if folder is not None and path.startswith(f"{folder}/") else None


class _Store(_Edge):
    """``nicmedic.ports.keeping.KeptStore``."""

    def list_kept(self) -> tuple[Kept, ...]:
        self.process.call("list")
        return tuple(self.world.kept[number] for number in sorted(self.world.kept))

    def list_damaged(self) -> tuple[str, ...]:
        self.process.call("damaged")
        return tuple(self.world.damaged)

    def find_next_number(self) -> int:
        self.process.call("number")
        return max(self.world.kept, default=0) + 1

    def create_kept(self, kept: Kept) -> Kept:
        self.process.call("create")
        made = dataclasses.replace(kept, folder=f"/fake/kept/{kept.id}")
        self.world.kept[kept.id] = made
        self.process.call("created")
        return made

    def save_kept(self, kept: Kept) -> Kept:
        self.process.call(f"save {kept.state}")
        self.world.kept[kept.id] = kept
        return kept

    def remove_kept(self, kept: Kept) -> None:
        self.process.call("remove")
        self.world.kept.pop(kept.id, None)

    def add_check(self, kept: Kept, check: Check) -> Kept:
        self.process.call(f"check {check.word}")
        self.world.kept[kept.id] = dataclasses.replace(self.world.kept[kept.id], checks=(*self.world.kept[kept.id].checks, check))
        return dataclasses.replace(kept, checks=(*kept.checks, check))

    def hold_lock(self, *, patience_s: float = 10.0) -> AbstractContextManager[None]:
        return self._hold_lock(patience_s)

    @contextlib.contextmanager
    def _hold_lock(self, patience_s: float) -> Iterator[None]:
        self.process.call("lock")
        if self.world.holder is not None and not self.world.holder.dead:
            raise BusyError(f"held for {patience_s:g} s")
        self.world.holder = self.process
        try:
            yield
        finally:
            self.world.holder = None


class _Refresher(_Edge):
    """``nicmedic.ports.keeping.Refresher``."""

    def run_refresh(self, argv: Sequence[str]) -> Refreshed:
        self.process.call(f"refresh {argv[0]}")
        self.world.refreshed.append(tuple(argv))
        if argv[0] in self.world.absent:
            return Refreshed(ok=False, said=f"{argv[0]} is not installed", absent=True)
        return Refreshed(ok=False, said="status 1: it failed") if tuple(argv) in self.world.refusing else Refreshed(ok=True)


class _BootCheck(_Edge):
    """``nicmedic.ports.keeping.BootCheck``."""

    def install_check(self) -> str | None:
        self.process.call("install unit")
        self.world.unit = self.world.has_systemd
        return None if self.world.has_systemd else "This host has no systemd."

    def remove_check(self) -> None:
        self.process.call("remove unit")
        self.world.unit = False


def make_back_end(name: str, families: Sequence[str], path: str, *, own: bool = False, program: str = "") -> BackEnd:
    """A back end that takes settings of some families (``mtu``, ``features``), a line each.

    Args:
        name: of it.
        families: what stands before the first dot of a setting's name.
        path: of its file.
        own: a file of ours rather than lines in somebody else's.
        program: that makes it known; empty: one of its name.
    """

    def list_files(_place: Place, _wish: Wish) -> tuple[str, ...]:
        return (path,)

    def place(place: Place, wish: Wish, found: Found) -> Placement | NoPlace:
        taken = [setting for setting in wish.settings if setting.name.partition(".")[0] in families]
        if not taken:
            return NoPlace(back_end=name, reasons=("it has no word for that",), settle=("ethtool -k eth0",))
        lines = [f"{setting.name}={setting.value}" for setting in taken]
        before = found[path]
        if not own and before is None:
            return NoPlace(back_end=name, reasons=(f"{path} is not there",))
        after = insert_block(before or b"", (before or b"").count(b"\n") - 1, lines, place.number, wish.title)
        return Placement(
            back_end=name,
            settings=tuple(setting.name for setting in taken),
            edits=(FileEdit(path=path, before=before, after=after, mode=0o600 if own else None),),
            refresh=((program or f"refresh-{name}", "-a"),),
            takes_hold="at the next boot",
            notes=(f"{name} was told.",),
        )

    def take_out(edit: FileEdit, now: bytes, number: int) -> bytes | NoPlace | None:
        block = find_block(now, number)
        if block is None:
            return now
        if block.edited:
            return NoPlace(back_end=name, reasons=(f"lines {block.first + 1} to {block.last + 1} of {edit.path} were edited since",))
        rest = take_out_block(now, block)
        return None if own and not rest.strip() else rest

    return BackEnd(name=name, list_files=list_files, place=place, take_out=take_out)


def build_keep_edges(world: FilesWorld, back_ends: Sequence[BackEnd], process: Process | None = None) -> KeepEdges:
    """All edges of one process."""
    owner = Process() if process is None else process
    return KeepEdges(
        store=_Store(world, owner),
        files=_Files(world, owner),
        refresher=_Refresher(world, owner),
        boot_check=_BootCheck(world, owner),
        clock=FakeClock(),
        back_ends=tuple(back_ends),
        survey=lambda: FoundFiles(texts={path: data.decode("utf-8", "replace") for path, data in world.files.items()}),
        tell=lambda words: owner.call(f"tell {words}"),
        find_trial=world.trials,
    )


def list_states(world: FilesWorld) -> dict[int, KeptState]:
    """Where each stands."""
    return {number: kept.state for number, kept in world.kept.items()}
