# SPDX-License-Identifier: GPL-2.0-or-later
"""How QEMU is given an image: never the image itself, always an overlay of it."""

from pathlib import Path

from lab.disk.run import run_program

__all__ = ["disk_args", "make_overlay"]


def make_overlay(image: Path, overlay: Path) -> None:
    """Make an empty overlay of an image; what the guest writes goes there.

    Raises:
        LabError: if qemu-img fails.
    """
    run_program("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", image.resolve(), overlay)


def disk_args(image: Path, overlay: Path) -> list[str]:
    """QEMU's arguments for the disk; the overlay is made if it is not there, and kept if it is.

    The disk obeys the guest's flushes (QEMU's default cache mode), so what the guest has synced survives a killed QEMU.

    Raises:
        LabError: if qemu-img fails.
    """
    if not overlay.exists():
        make_overlay(image, overlay)
    return [
        *("-drive", f"if=none,id=disk0,format=qcow2,file={overlay}"),
        *("-device", "virtio-blk-pci,drive=disk0,addr=0x3,bootindex=1"),
    ]
