# SPDX-License-Identifier: GPL-2.0-or-later
"""The machine that an image runs on; it is never given the image itself, always an overlay of it."""

from pathlib import Path

from lab import accel
from lab.disk.run import run_program
from lab.machine import serial_arguments

__all__ = ["disk_args", "machine_args", "make_overlay"]

MEMORY_MB = 768


def machine_args(folder: Path, *, cpus: int = 1, memory_mb: int = MEMORY_MB) -> list[str]:
    """QEMU's arguments for all but the disk and the network cards; sockets and the console's file are in ``folder``.

    A reboot ends QEMU: start it again with the same overlay. It would otherwise take a minute in which nothing seems to
    happen: QEMU 7.2 keeps its translations of the old kernel's code over a reset, and drops them page by page as GRUB
    writes the new kernel there. (Seen with ``info registers``: one ``rep movs`` of 56 MB took 50 s; after a new start of
    QEMU it is not noticed.)
    A second processor made no boot under emulation faster on a busy machine with two: 29 s of work instead of 25.
    """
    kind = accel.accelerator()
    return [
        *("-accel", kind, "-cpu", "host" if kind == "kvm" else "max", "-machine", "pc", "-m", str(memory_mb), "-smp", str(cpus)),
        *("-display", "none", "-nodefaults", "-no-reboot"),
        *serial_arguments(folder),
        *("-fsdev", "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap"),
        *("-device", "virtio-9p-pci,fsdev=host,mount_tag=host,addr=0x5"),  # DiskVM.mount_host
        *("-device", "isa-debug-exit,iobase=0xf4"),  # guest/power-cut
    ]


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
