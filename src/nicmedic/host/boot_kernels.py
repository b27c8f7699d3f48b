# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernels that GRUB's menu names: where the running system finds their files, and what they say of themselves."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from nicmedic.kernlog.system import read_system_facts
from nicmedic.model.boot_trial import KernelChoice
from nicmedic.model.errors import StateError
from nicmedic.persist.boot_menu.entries import Start, is_plain_path
from nicmedic.persist.boot_menu.planning import parse_release
from nicmedic.report.escape import escape_terminal

__all__ = ["BootPaths", "read_banner", "read_kernel"]

_BOOT = "/boot"
_MAGIC_AT, _VERSION_AT, _OFFSET = 0x202, 0x20E, 0x200
"""``HdrS``, and the place of the version's text, less 0x200 (Documentation/arch/x86/boot.rst, ``kernel_version``)."""
_MOST = 128 << 10
_MOST_TEXT = 512


def _exists(path: str) -> bool:
    return os.path.isfile(path)  # noqa: PTH113  # strings throughout


@dataclass(frozen=True, slots=True)
class BootPaths:
    """GRUB counts from the root of the file system that /boot is on, the running system from its own."""

    root: str
    """A folder that stands for the root of the host; empty: it is the host's."""
    strip: str
    """What the host has in front of GRUB's name: ``/boot``, if that is a file system of its own."""
    add: str
    """What GRUB has in front of the host's name: a subvolume."""

    @classmethod
    def find(cls, root: str, images: Sequence[str]) -> "BootPaths":
        """Told by where the kernels of the menu are."""
        if os.path.ismount(root + _BOOT):
            return cls(root, _BOOT, "")
        for image in images:
            if _exists(root + image):
                return cls(root, "", "")
            if _exists(root + _BOOT + image):
                return cls(root, _BOOT, "")
            head, _, tail = image.lstrip("/").partition("/")
            if tail and _exists(f"{root}/{tail}"):
                return cls(root, "", f"/{head}")
        return cls(root, "", "")

    def find_file(self, name: str) -> str:
        """Of the host, what GRUB calls by this name."""
        return self.strip + name.removeprefix(self.add)

    def name_file(self, path: str) -> str:
        """What GRUB calls a file of the host.

        Raises:
            StateError: it is not there, GRUB does not find it where it finds the kernels, or would take its name for something else.
        """
        if not is_plain_path(path):
            raise StateError(f"{escape_terminal(path)}: a name that GRUB's menu cannot hold as it is", hint=f"ls -b {_BOOT}")
        try:
            apart = os.stat(self.root + path).st_dev != os.stat(self.root + _BOOT).st_dev  # noqa: PTH116  # strings throughout
        except OSError as error:
            raise StateError(f"{path}: {error.strerror or error}", hint=f"ls -l {_BOOT}") from error
        if apart or not path.startswith(f"{_BOOT}/"):
            raise StateError(f"{path}: it is not on the file system of {_BOOT}, where GRUB reads kernels", hint=f"df {path} {_BOOT}")
        return self.add + path.removeprefix(self.strip)


def read_banner(path: str) -> str | None:
    """What a kernel for x86 says of itself: ``6.1.0-56-amd64 (debian-kernel@…) #1 SMP … Debian 6.1.192-2 (2026-11-16)``; None: it does not."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123  # strings throughout
            head = file.read(_MOST)
    except OSError:
        return None
    if head[_MAGIC_AT : _MAGIC_AT + 4] != b"HdrS":
        return None
    at = int.from_bytes(head[_VERSION_AT : _VERSION_AT + 2], "little") + _OFFSET
    text = head[at : at + _MOST_TEXT].partition(b"\0")[0].decode("ascii", "replace")
    return text if text[:1].isdigit() else None


def read_kernel(paths: BootPaths, start: Start) -> KernelChoice | None:
    """The kernel that an entry starts; None: its file is not there."""
    image = paths.find_file(start.image)
    if not _exists(paths.root + image):
        return None
    banner = read_banner(paths.root + image)
    facts = read_system_facts(f"Linux version {banner}") if banner else None
    is_saved = any(word.startswith("nicmedic.saved=") for word in start.words)
    return KernelChoice(
        release=banner.split()[0] if banner else parse_release(start.file_name),
        package=facts.kernel_package if facts else None,
        image=image,
        initrd=paths.find_file(start.initrds[-1]) if start.initrds else None,
        saved=os.path.dirname(image) if is_saved else None,  # noqa: PTH120  # strings throughout
    )
