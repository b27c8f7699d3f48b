# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether a kernel can be booted once, and only once, on this host; each obstacle with its reason and with what shows or lifts it.

Where GRUB cannot write its environment block, what asks for a boot once stays asked for: a kernel that dies would be booted again and again. So
nothing is begun where that cannot be ruled out.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from nicmedic.persist.boot_loader import Doubt, Loader, find_loader
from nicmedic.persist.boot_menu.block import find_ours, put_in
from nicmedic.persist.boot_menu.entries import find_default
from nicmedic.persist.boot_menu.environment import is_block
from nicmedic.persist.boot_menu.planning import ASKED, CUSTOM, OLD, Setup, run_setup
from nicmedic.persist.boot_menu.script import ScriptError

__all__ = ["Obstacle", "Storage", "join_obstacles", "judge_kexec", "judge_loader", "judge_menu", "judge_second_menus", "judge_storage"]

_FILE_SYSTEMS = frozenset({"ext2", "xfs"})
"""Where a file's blocks stay where they are when they are written over, as GRUB names them; ext2 is ext3 and ext4 too."""
_COPIES = frozenset({"btrfs", "zfs", "f2fs", "nilfs2", "bfs", "squash4", "iso9660", "udf"})
_LAYERS: Mapping[str, str] = {
    "lvm": "LVM",
    "diskfilter": "software RAID",
    "cryptodisk": "an encrypted device",
    "luks": "LUKS",
    "luks2": "LUKS",
    "geli": "GELI",
    "ldm": "dynamic disks of Windows",
}
_LOAD_KEXEC = re.compile(r"^[ \t]*(?:export[ \t]+)?LOAD_KEXEC=[\"']?(\w*)", re.MULTILINE)
_ENTRY = re.compile(r"^[ \t]*(?:menuentry|submenu|blscfg)\b", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """Why nothing is written, in a sentence without its full stop, and commands for it."""

    reason: str
    settle: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """GRUB's folder, as it was found."""

    folder: str
    """``/boot/grub``."""
    file_system: str | None
    """What GRUB calls it; None: grub-probe did not tell."""
    layers: tuple[str, ...] = ()
    """What stands between it and the disk, as GRUB calls it (``grub-probe --target=abstraction``)."""
    said: str = ""
    """Of grub-probe, where it failed."""
    block: bytes | None
    """grubenv; None: it is not there."""
    leads_to: str | None = None
    """Where grubenv is a link to."""
    read_only: str | None = None
    """Why nothing can be written in this folder."""


def judge_loader(found: Mapping[str, bytes | None], tools: frozenset[str]) -> Iterator[Obstacle]:
    """Other boot loaders than GRUB with a menu of its own.

    Args:
        found: the files of ``persist.boot_loader.MARKERS``.
        tools: programs that are installed.
    """
    loader = find_loader(found, tools, ("nicmedic.trial=1",))
    if isinstance(loader, Doubt):
        yield Obstacle(reason=loader.reason, settle=tuple(step for step in loader.settle if "nicmedic.trial" not in step))
    elif loader is Loader.ENTRIES:
        yield Obstacle(
            reason="systemd-boot starts this host, and nicmedic tries kernels with GRUB only; by hand: bootctl list, then set-oneshot with"
            " the entry of the new kernel, and set-default with that of the old one",
            settle=("bootctl list", "bootctl set-default ENTRY-OF-THE-OLD-KERNEL", "bootctl set-oneshot ENTRY-OF-THE-NEW-KERNEL"),
        )
    elif loader in {Loader.PROXMOX_ENTRIES, Loader.PROXMOX_GRUB}:
        yield Obstacle(
            reason="proxmox-boot-tool keeps a menu on each partition that the firmware starts from; by hand: pin the old kernel, and the new"
            " one for the next boot only. Its pin is taken back by a service of that boot: a kernel that panics before is booted again",
            settle=(
                "proxmox-boot-tool kernel list",
                "proxmox-boot-tool kernel pin OLD-VERSION",
                "proxmox-boot-tool kernel pin NEW-VERSION --next-boot",
            ),
        )


def judge_kexec(loaded: str, settings: Iterable[str]) -> Iterator[Obstacle]:
    """Reboots that pass by GRUB, by which a kernel on trial would be booted again, or another one for the old one.

    kexec-tools of Debian load a kernel at each reboot, with the command line of the running one, and start it (/etc/init.d/kexec-load,
    ``do_stop()``). They do unless they were told not to when they were installed, and kdump-tools bring them along.

    Args:
        loaded: what /sys/kernel/kexec_loaded says.
        settings: texts of /etc/default/kexec and of the files in kexec.d, in their order; none: they are not installed.
    """
    if loaded.strip() == "1":
        yield Obstacle(reason="a kernel is loaded for kexec, and a reboot may start that, past GRUB", settle=("kexec -u",))
    said = [found for text in settings for found in _LOAD_KEXEC.findall(text)]
    if said and said[-1] == "true":
        yield Obstacle(
            reason="kexec-tools start a kernel of their own choice at each reboot, past GRUB (LOAD_KEXEC=true), so that one on trial could stay",
            settle=("grep -rn LOAD_KEXEC /etc/default/kexec /etc/default/kexec.d", "dpkg-reconfigure kexec-tools"),
        )


def judge_second_menus(menus: Mapping[str, str], folder: str) -> Iterator[Obstacle]:
    """Other whole menus: /boot/grub and /boot/grub2 side by side, or one on the partition that the firmware starts from.

    What ``grub-install`` writes on that only leads to the one in /boot.

    Args:
        menus: path and text of each other ``grub.cfg``.
        folder: with the menu that was read.
    """
    for path, text in menus.items():
        if _ENTRY.search(text):
            yield Obstacle(
                reason=f"{path} holds entries of its own, so GRUB may never read {folder}/grub.cfg",
                settle=(f"head {path}", "efibootmgr -v"),
            )


def judge_storage(storage: Storage) -> Iterator[Obstacle]:
    """Whether GRUB can write its environment block where that is."""
    folder, shown = storage.folder, f"grub-probe --target=fs {storage.folder} ; grub-probe --target=abstraction {storage.folder}"
    if storage.file_system is None:
        yield Obstacle(reason=f"grub-probe cannot tell what {folder} is on: {storage.said or 'it said nothing'}", settle=(shown,))
    elif storage.file_system in _COPIES:
        yield Obstacle(reason=f"GRUB cannot write its variables on {storage.file_system}, where {folder} is", settle=(shown,))
    elif storage.file_system not in _FILE_SYSTEMS:
        yield Obstacle(
            reason=f"whether GRUB can write its variables on {storage.file_system}, where {folder} is, is not known", settle=(shown,)
        )
    if storage.layers:
        named = (_LAYERS.get(each, "software RAID" if each.startswith(("mdraid", "dmraid")) else each) for each in storage.layers)
        told = ", ".join(dict.fromkeys(named))
        yield Obstacle(reason=f"GRUB cannot write its variables through {told}, on which {folder} is", settle=(shown,))
    if storage.read_only:
        yield Obstacle(reason=storage.read_only, settle=(f"findmnt -T {folder}",))
    file = f"{folder}/grubenv"
    if storage.block is None:
        yield Obstacle(reason=f"{file}, where GRUB keeps its variables, is not there", settle=(f"grub-editenv {file} create",))
    elif not is_block(storage.block):
        yield Obstacle(
            reason=f"{file} has {len(storage.block)} bytes and is not what GRUB writes: it has 1024, and a line at its head",
            settle=(f"head -c 200 {file}", f"grub-editenv {file} create"),
        )
    if storage.leads_to:
        yield Obstacle(
            reason=f"{file} is a link to {storage.leads_to}: whether GRUB can write there is not known", settle=(f"namei -l {file}",)
        )


def judge_menu(setup: Setup, custom: bytes | None, folder: str) -> Iterator[Obstacle]:
    """Whether lines of ours in custom.cfg are read, and are the last word."""
    own = f"{folder}/{CUSTOM}"
    if custom is not None and (wrong := find_ours(custom).wrong):
        yield Obstacle(reason=f"{own}: {wrong}", settle=(f"grep -n nicmedic {own}",))
        return
    for name in ASKED:
        if setup.environment.get(name):
            told = f"GRUB is asked to start {setup.environment[name]!r} at the next boot ({name})"
            yield Obstacle(reason=told, settle=(f"grub-editenv {folder}/grubenv unset {name}",))
    if setup.environment.get("env_block"):
        yield Obstacle(reason="GRUB keeps its variables in another place (env_block)", settle=(f"grub-editenv {folder}/grubenv list",))
    try:
        menu = run_setup(setup, custom)
        tried = run_setup(setup, put_in(custom, 1, [f"menuentry 'x' --id {OLD} {{ true }}", f"set default={OLD}", "set nicmedic_seen=1"]))
    except ScriptError as error:
        yield Obstacle(reason=f"{folder}/grub.cfg or {own} is not understood: {error}", settle=(f"grub-script-check {folder}/grub.cfg",))
        return
    if "blscfg" in menu.ran:
        yield Obstacle(
            reason="the menu is made of files in /boot/loader/entries (blscfg), which nicmedic does not write",
            settle=("grubby --info=ALL", "grub2-reboot TITLE-OF-THE-NEW-KERNEL"),
        )
    if tried.variables.get("nicmedic_seen") != "1":
        yield Obstacle(
            reason=f"{folder}/grub.cfg does not read {own}: 41_custom of GRUB is missing or changed",
            settle=("ls -l /etc/grub.d/41_custom", "update-grub"),
        )
    elif (found := find_default(tried)) is None or found[0].id != OLD:
        yield Obstacle(
            reason=f"what stands in {folder}/grub.cfg behind {own} chooses another default", settle=(f"grep -n default {folder}/grub.cfg",)
        )
    if menu.variables.get("check_signatures", "") not in {"", "no"}:
        yield Obstacle(reason="GRUB checks signatures of what it reads (check_signatures): lines of ours would have none")


def join_obstacles(obstacles: Sequence[Obstacle]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Sentences, and commands, each once."""
    return tuple(f"{each.reason}." for each in obstacles), tuple(dict.fromkeys(step for each in obstacles for step in each.settle))
