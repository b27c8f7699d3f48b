# SPDX-License-Identifier: GPL-2.0-or-later
"""Which boot loader started the running kernel, and so where the kernel's command line is written for the next boot.

Told by what the loader itself left behind, never by what is installed: ``LoaderInfo`` of the boot loader interface (systemd-boot, and GRUB
since 2.12 with its module bli), else ``BOOT_IMAGE=``, which GRUB puts in front, or ``placeholder``, which GRUB's 20_linux_xen puts there for the
kernel of dom0. Where that leaves a doubt, the answer is why.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

__all__ = ["CMDLINE_FILE", "MARKERS", "Doubt", "Loader", "find_loader", "is_xen"]

_VENDOR = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
_INFO: Final = f"/sys/firmware/efi/efivars/LoaderInfo-{_VENDOR}"
_ENTRY: Final = f"/sys/firmware/efi/efivars/LoaderEntrySelected-{_VENDOR}"
CMDLINE_FILE: Final = "/etc/kernel/cmdline"
_RUNNING: Final = "/proc/cmdline"
_GRUB_MENUS: Final = ("/boot/grub/grub.cfg", "/boot/grub2/grub.cfg")
_ESPS: Final = "/etc/kernel/proxmox-boot-uuids"
_TOKEN, _MACHINE = "/etc/kernel/entry-token", "/etc/machine-id"
_RELEASE: Final = "/etc/os-release"
_INSTALLER: Final = "/usr/bin/kernel-install"
_BOARD_FILES: Final = ("/boot/firmware/cmdline.txt", "/boot/cmdline.txt")
_OTHERS: Final = {
    "/boot/extlinux/extlinux.conf": "extlinux",
    "/boot/syslinux/syslinux.cfg": "syslinux",
    "/etc/lilo.conf": "LILO",
    "/boot/armbianEnv.txt": "U-Boot",
}
MARKERS: Final = (
    _INFO,
    _ENTRY,
    CMDLINE_FILE,
    _RUNNING,
    *_GRUB_MENUS,
    _ESPS,
    _TOKEN,
    _MACHINE,
    _RELEASE,
    _INSTALLER,
    *_BOARD_FILES,
    *_OTHERS,
)
"""Files that tell."""


class Loader(Enum):
    """Where the words belong."""

    GRUB = auto()
    """What grub-mkconfig reads."""
    PROXMOX_GRUB = auto()
    """The same, copied to each partition that the firmware starts from."""
    ENTRIES = auto()
    """``/etc/kernel/cmdline``, which kernel-install makes entries of."""
    PROXMOX_ENTRIES = auto()
    """``/etc/kernel/cmdline``, which proxmox-boot-tool does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """Why it cannot be told, or why nothing is written there."""

    reason: str
    settle: tuple[str, ...] = ()


def _read_variable(data: bytes | None) -> str | None:
    """Text of a variable of the firmware: four bytes of attributes, then UTF-16 with a zero at its end (efivarfs)."""
    return None if data is None else data[4:].decode("utf-16-le", "replace").rstrip("\0")


def _is_board(found: Mapping[str, bytes | None], words: Sequence[str]) -> Doubt | None:
    """Systems whose command line stands in a file that something else than a boot loader of a PC reads, or in an image."""
    added = " ".join(words)
    release = (found.get(_RELEASE) or b"").split(b"\n")
    if b"ID=haos" in release:
        step = f"at the host's own console: add {added} to the one line of /mnt/boot/cmdline.txt, then reboot"
        return Doubt(reason="Home Assistant OS keeps its root read-only, and its command line on the boot partition", settle=(step,))
    if any(word.startswith(b"ostree=") for word in (found.get(_RUNNING) or b"").split()):
        arguments = " ".join(f"--append={word}" for word in words)
        return Doubt(
            reason="this is an image that rpm-ostree manages, with the command line in it", settle=(f"rpm-ostree kargs {arguments}",)
        )
    path = next((path for path in _BOARD_FILES if found.get(path) is not None), None)
    if path is not None:
        return Doubt(reason=f"the board's firmware reads {path}", settle=(f"add {added} to the one line of {path}, then reboot",))
    return None


def _is_by_kernel_install(found: Mapping[str, bytes | None]) -> bool:
    """Whether the entry that was started has the name that kernel-install gives (man kernel-install, ``entry-token``)."""
    entry = _read_variable(found.get(_ENTRY)) or ""
    tokens = [(found.get(path) or b"").strip().decode("utf-8", "replace") for path in (_TOKEN, _MACHINE)]
    return any(token and entry.startswith(f"{token}-") for token in tokens)


def _find_entries(found: Mapping[str, bytes | None], tools: frozenset[str]) -> Loader | Doubt:
    """Of systemd-boot."""
    if found.get(CMDLINE_FILE) is None:
        return Doubt(reason=f"systemd-boot starts this host, and there is no {CMDLINE_FILE} to add to", settle=("bootctl list",))
    if found.get(_ESPS) is not None and "proxmox-boot-tool" in tools:
        return Loader.PROXMOX_ENTRIES
    if not _is_by_kernel_install(found):
        return Doubt(reason="systemd-boot starts this host with an entry that kernel-install has not made", settle=("bootctl status",))
    if b"add-all" not in (found.get(_INSTALLER) or b"") or "kernel-install" not in tools:
        again = 'for k in /lib/modules/*; do kernel-install add "${k##*/}" /boot/vmlinuz-"${k##*/}"; done'
        return Doubt(
            reason="this kernel-install cannot make all its entries anew (add-all)", settle=(f"edit {CMDLINE_FILE}, then: {again}",)
        )
    return Loader.ENTRIES


def is_xen(found: Mapping[str, bytes | None]) -> bool:
    """Whether the running kernel is that of dom0, started by GRUB (20_linux_xen: ``module … placeholder root=…``)."""
    return (found.get(_RUNNING) or b"").split()[:1] == [b"placeholder"]


def find_loader(found: Mapping[str, bytes | None], tools: frozenset[str], words: Sequence[str]) -> Loader | Doubt:
    """Who reads the command line at the next boot.

    Args:
        found: the files of ``MARKERS``.
        tools: programs that are installed.
        words: that are to be added; they stand in what a person is told to do.
    """
    board = _is_board(found, words)
    if board is not None:
        return board
    running = (found.get(_RUNNING) or b"").split()
    info = _read_variable(found.get(_INFO))
    if info is not None and info.startswith("systemd-boot"):
        return _find_entries(found, tools)
    if info is not None and not info.startswith("GRUB"):
        return Doubt(reason=f"the boot loader calls itself {info[:40]!r}, which nicmedic does not know", settle=("bootctl status",))
    other = next((name for path, name in _OTHERS.items() if found.get(path) is not None), None)
    by_grub = info is not None or is_xen(found) or any(word.startswith(b"BOOT_IMAGE=") for word in running[:1])
    menu = any(found.get(path) is not None for path in _GRUB_MENUS)
    if by_grub and menu and other is None:
        return Loader.PROXMOX_GRUB if found.get(_ESPS) is not None and "proxmox-boot-tool" in tools else Loader.GRUB
    seen = f"there are files of {other}" if other else "no GRUB menu is there" if by_grub else "nothing tells of GRUB or systemd-boot"
    return Doubt(reason=f"which boot loader starts this host cannot be told: {seen}", settle=("cat /proc/cmdline", "bootctl status"))
