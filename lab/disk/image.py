# SPDX-License-Identifier: GPL-2.0-or-later
"""Building an image once, keeping it, and throwing old ones away.

The disk is an MBR with one ext4 partition, for SeaBIOS. mkfs fills the file system from a folder, so no loop device is
needed; the boot loader is installed by the guest itself, with Debian's own grub-install and update-grub, in a first boot
whose process 1 is ``finish.sh``.
"""

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from lab import accel, cache
from lab.disk import rootfs
from lab.disk.keys import key_pair
from lab.disk.recipe import Recipe, base_key
from lab.disk.run import run_program
from lab.errors import LabError

__all__ = ["build_image", "locked"]

NEEDED_MB = 4000
MOST_MB = 12_000
DISK_MB = 4096
FIRST_SECTOR = 2048
FINISH_LIMIT_S = 400


def build_image(recipe: Recipe, cache_dir: Path, say: Callable[[str], None]) -> Path:
    """The image of a recipe: a read-only qcow2 file, from the cache or made now (a minute or two).

    Raises:
        LabError: if it cannot be made.
    """
    folder = cache_dir / "disks"
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        public_key = key_pair(cache_dir)[1].read_text(encoding="ascii")
        image = folder / f"{recipe.slot()}-{cache.recipe_key(recipe.key(), public_key)}.qcow2"
        if image.exists():
            os.utime(image)
            return image
        _prune(folder, recipe.slot())
        cache.room_for(folder, NEEDED_MB)
        began = time.monotonic()
        scratch = Path(tempfile.mkdtemp(prefix=".building-", dir=folder))
        try:
            made = _make(recipe, folder, scratch, public_key, say)
            made.chmod(0o444)
            made.rename(image)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        say(f"{image.name}: {image.stat().st_size // 1_000_000} MB, made in {time.monotonic() - began:.0f} s")
    return image


def _make(recipe: Recipe, folder: Path, scratch: Path, public_key: str, say: Callable[[str], None]) -> Path:
    root, raw, made = scratch / "root", scratch / "disk.raw", scratch / "disk.qcow2"
    root.mkdir()
    archives = folder / "archives"
    (archives / "partial").mkdir(parents=True, exist_ok=True)
    rootfs.make_root(recipe, _base(folder, scratch, say), root, archives, public_key, say)
    shutil.copy(Path(__file__).with_name("finish.sh"), root / "lab-finish")
    say("making the file system")
    _make_disk(root, raw)
    say("first boot: grub-install and update-grub")
    _finish(root, raw, scratch / "console.log")
    run_program("qemu-img", "convert", "-O", "qcow2", raw, made)
    return made


def _base(folder: Path, scratch: Path, say: Callable[[str], None]) -> Path:
    """The archive with Debian's base; what has been updated since it was made is updated with each image."""
    tar = folder / f"base-{base_key()}.tar"
    if not tar.exists():
        say("making Debian's base with mmdebstrap")
        rootfs.make_base(scratch / "base.tar")
        for old in folder.glob("base-*.tar"):
            old.unlink()
        (scratch / "base.tar").rename(tar)
    return tar


def _make_disk(root: Path, raw: Path) -> None:
    with raw.open("wb") as file:
        file.truncate(DISK_MB << 20)
    table = raw.with_suffix(".table")
    table.write_text(f"start={FIRST_SECTOR}, type=83, bootable\n", encoding="ascii")
    run_program("sh", "-c", 'sfdisk -q "$1" <"$2"', "sh", raw, table)
    offset = FIRST_SECTOR * 512
    size_kb = (DISK_MB << 10) - (offset >> 10)
    run_program("mkfs.ext4", "-q", "-F", "-L", "root", "-E", f"offset={offset}", "-d", root, raw, f"{size_kb}k")


def _finish(root: Path, raw: Path, console: Path) -> None:
    """Boot the disk once without a boot loader, to get one.

    Raises:
        LabError: with the guest's last words, if it does not come to its end.
    """
    kernel, initrd = ((root / name).resolve() for name in ("vmlinuz", "initrd.img"))
    kind = accel.accelerator()
    command = ["qemu-system-x86_64", "-accel", kind, "-cpu", "host" if kind == "kvm" else "max", "-m", "512"]
    command += ["-nodefaults", "-display", "none", "-no-reboot", "-serial", f"file:{console}"]
    command += ["-drive", f"if=virtio,format=raw,cache=unsafe,file={raw}", "-kernel", str(kernel), "-initrd", str(initrd)]
    command += ["-append", "console=ttyS0 root=LABEL=root rw quiet nokaslr mitigations=off panic=-1 init=/lab-finish"]
    # The kernel kills QEMU when the lab dies, however it dies.
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(["setpriv", "--pdeathsig", "KILL", *command], stdin=subprocess.DEVNULL, timeout=FINISH_LIMIT_S, check=False)
    said = console.read_text(errors="replace") if console.exists() else ""
    if "\nLAB-FINISHED" not in said.replace("\r", ""):
        raise LabError(f"the image's first boot did not install its boot loader; its last words: {said[-800:]}")


def _prune(folder: Path, slot: str) -> None:
    """Remove what a killed build left, other images of the slot, and the images used longest ago beyond the cache's size."""
    for left in folder.glob(".building-*"):
        shutil.rmtree(left, ignore_errors=True)
    for old in folder.glob(f"{slot}-*.qcow2"):
        _remove(old)
    images = sorted(folder.glob("*.qcow2"), key=lambda path: path.stat().st_mtime)
    while images and _megabytes(folder) > MOST_MB - NEEDED_MB:
        _remove(images.pop(0))


def _remove(image: Path) -> None:
    """Remove an image and the states of machines that were booted from it."""
    for state in image.parent.glob(f"{image.stem}.booted-*"):
        shutil.rmtree(state)
    image.unlink()


def _megabytes(path: Path) -> int:
    return sum(file.stat().st_blocks * 512 for file in path.rglob("*") if file.is_file()) // 1_000_000


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One build at a time; others wait. The kernel lets go of the lock when its holder dies."""
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
