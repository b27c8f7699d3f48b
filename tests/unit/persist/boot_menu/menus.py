# SPDX-License-Identifier: GPL-2.0-or-later
"""Menus that the real grub-mkconfig has made, and kernels in them."""

from pathlib import Path

from nicmedic.persist.boot_menu.entries import find_default, find_start
from nicmedic.persist.boot_menu.planning import Kernel, Setup, run_setup

CASES = Path(__file__).parents[3] / "cases" / "boot_menu"
OLD, NEW = "6.1.0-56-amd64", "6.12.117+deb12-amd64"
NAMES = sorted(path.stem for path in CASES.glob("*.cfg"))
RUNNING = ("BOOT_IMAGE=/boot/vmlinuz-6.1.0-56-amd64", "root=/dev/vda", "ro", "quiet")


def set_up(name: str, **environment: str) -> Setup:
    """One of the menus, on a host that runs the old kernel."""
    text = (CASES / f"{name}.cfg").read_text()
    is_xen = name == "xen"
    running = ("placeholder", *RUNNING[1:]) if is_xen else RUNNING
    return Setup(menu=text, files={"grubenv": "x"}, environment=environment, running=running, is_xen=is_xen)


def name_kernel(name: str, release: str) -> Kernel:
    """As it is called in this menu."""
    folder = "" if name == "separate" else "/boot"
    return Kernel(release=release, image=f"{folder}/vmlinuz-{release}", initrd=f"{folder}/initrd.img-{release}")


def tell_default(setup: Setup, custom: bytes | None, *, word: str | None = None, writable: bool = True) -> tuple[str | None, str | None]:
    """Id of the entry that is started, and the kernel in it."""
    found = find_default(run_setup(setup, custom, word=word, writable=writable))
    start = find_start(*found) if found else None
    return (found[0].id if found else None), (start.file_name.removeprefix("vmlinuz-") if start else None)
