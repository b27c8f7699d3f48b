# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the lab keeps what is dear to make: unpacked kernels, saved machine states, disk images.

Every entry is named by the recipe that made it, made under a lock, and put in place by one rename:
it is there whole or not at all. ``NICMEDIC_LAB_CACHE`` moves the folder.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from lab.errors import LabError

__all__ = ["entry", "folder", "locked", "recipe_key", "room_for"]

NEEDED_MB = 3000
UNUSED_S = 14 * 86400


def folder() -> Path:
    """The cache's folder; made if it is not there."""
    named = os.environ.get("NICMEDIC_LAB_CACHE")
    path = Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nicmedic-lab"
    path.mkdir(parents=True, exist_ok=True)
    return path


def recipe_key(*parts: object) -> str:
    """A short name for whatever the parts say; the same parts, the same name."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def room_for(path: Path, megabytes: int = NEEDED_MB) -> None:
    """Check that the file system of a folder has room.

    Raises:
        LabError: if it has not.
    """
    free = shutil.disk_usage(path).free // 1_000_000
    if free < megabytes:
        raise LabError(
            f"no disk space: {path} has {free} MB free, the lab needs {megabytes} MB there",
            hint="NICMEDIC_LAB_CACHE=/a/larger/disk make test",
        )


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the lock of that name; other processes wait. The kernel lets go of it when its holder dies."""
    with (folder() / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def entry(kind: str, key: str, make: Callable[[Path], None], *, megabytes: int = NEEDED_MB) -> Path:
    """The folder of one recipe; made by ``make(empty folder)`` if it is not there yet.

    Raises:
        LabError: if the disk is full, or if ``make`` raises it.
    """
    path = folder() / kind / key
    if path.is_dir():
        os.utime(path)
        return path
    with locked(f"{kind}-{key}"):
        if path.is_dir():
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        _prune(path.parent)
        room_for(path.parent, megabytes)
        scratch = Path(tempfile.mkdtemp(prefix=f".{key}-", dir=path.parent))
        try:
            make(scratch)
            scratch.chmod(0o755)
            scratch.rename(path)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return path


def _prune(kind: Path) -> None:
    """Remove what no recipe has asked for in a fortnight."""
    for path in kind.iterdir():
        if path.stat().st_mtime < time.time() - UNUSED_S:
            shutil.rmtree(path, ignore_errors=True)
