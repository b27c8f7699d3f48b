# SPDX-License-Identifier: GPL-2.0-or-later
"""Where a kernel is not tried, and what is said then."""

from dataclasses import replace

import pytest

from nicmedic.persist.boot_menu.block import put_in
from nicmedic.persist.boot_menu.judging import (
    Storage,
    join_obstacles,
    judge_kexec,
    judge_loader,
    judge_menu,
    judge_second_menus,
    judge_storage,
)
from tests.unit.persist.boot_menu.menus import NAMES, set_up

BLOCK = b"# GRUB Environment Block\n".ljust(1024, b"#")
GOOD = Storage(folder="/boot/grub", file_system="ext2", block=BLOCK)
GRUB = {"/proc/cmdline": b"BOOT_IMAGE=/boot/vmlinuz ro\n", "/boot/grub/grub.cfg": b"x"}


@pytest.mark.parametrize("system", ["ext2", "xfs"])
def test_plain_partition_is_no_obstacle(system: str) -> None:
    assert not list(judge_storage(replace(GOOD, file_system=system)))


@pytest.mark.parametrize(
    ("storage", "told"),
    [
        (replace(GOOD, file_system="btrfs"), "GRUB cannot write its variables on btrfs, where /boot/grub is"),
        (replace(GOOD, file_system="zfs"), "GRUB cannot write its variables on zfs"),
        (replace(GOOD, file_system="jfs"), "whether GRUB can write its variables on jfs"),
        (replace(GOOD, file_system=None, said="disk not found"), "grub-probe cannot tell what /boot/grub is on: disk not found"),
        (replace(GOOD, layers=("lvm",)), "cannot write its variables through LVM"),
        (replace(GOOD, layers=("diskfilter", "mdraid1x")), "through software RAID, on which"),
        (replace(GOOD, layers=("cryptodisk", "luks2")), "through an encrypted device, LUKS"),
        (replace(GOOD, read_only="/boot/grub/custom.cfg: the file system of /boot is read-only"), "is read-only"),
        (replace(GOOD, block=None), "/boot/grub/grubenv, where GRUB keeps its variables, is not there"),
        (replace(GOOD, block=b""), "has 0 bytes and is not what GRUB writes"),
        (replace(GOOD, leads_to="/boot/efi/EFI/grubenv"), "is a link to /boot/efi/EFI/grubenv"),
    ],
)
def test_place_that_grub_cannot_write_is_refused_with_its_reason(storage: Storage, told: str) -> None:
    (obstacle,) = judge_storage(storage)
    assert told in obstacle.reason
    assert obstacle.settle


@pytest.mark.parametrize("name", NAMES)
def test_real_menu_is_no_obstacle(name: str) -> None:
    assert not list(judge_menu(set_up(name), None, "/boot/grub"))
    assert not list(judge_menu(set_up(name), b"set default=2\n", "/boot/grub"))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("source ${config_directory}/custom.cfg", "true", "does not read /boot/grub/custom.cfg"),
        ("### END /etc/grub.d/41_custom ###", "set default=0", "chooses another default"),
        ("### END /etc/grub.d/41_custom ###", "if cpuid -l; then set default=0; fi", "chooses another default"),
        ("### END /etc/grub.d/41_custom ###", "configfile /other.cfg", "chooses another default"),
        ("### BEGIN /etc/grub.d/10_linux ###", "insmod blscfg\nblscfg", "/boot/loader/entries (blscfg)"),
        ("### BEGIN /etc/grub.d/10_linux ###", "set check_signatures=enforce", "checks signatures"),
        ("### BEGIN /etc/grub.d/10_linux ###", "case x in", "is not understood: line 78: case is no command"),
    ],
)
def test_menu_in_which_ours_would_not_count_is_refused(old: str, new: str, told: str) -> None:
    setup = set_up("plain")
    assert old in setup.menu
    (obstacle,) = judge_menu(replace(setup, menu=setup.menu.replace(old, new)), None, "/boot/grub")
    assert told in obstacle.reason


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"next_entry": "1>2"}, "asked to start '1>2'"),
        ({"prev_saved_entry": "0"}, "asked to start '0'"),
        ({"env_block": "x"}, "another place"),
    ],
)
def test_what_others_asked_of_grub_is_not_overridden(environment: dict[str, str], told: str) -> None:
    (obstacle,) = judge_menu(set_up("plain", **environment), None, "/boot/grub")
    assert told in obstacle.reason
    assert obstacle.settle[0].startswith("grub-editenv /boot/grub/grubenv")


def test_edited_lines_of_ours_are_told() -> None:
    edited = put_in(None, 7, ["set default=1"]).replace(b"=1", b"=2")
    (obstacle,) = judge_menu(set_up("plain"), edited, "/boot/grub")
    assert obstacle.reason == "/boot/grub/custom.cfg: lines 1 to 3 are nicmedic's and were edited since"


@pytest.mark.parametrize(
    ("found", "tools", "told"),
    [
        ({"/proc/cmdline": b"ro quiet\n"}, (), "cannot be told"),
        (
            {**GRUB, "/etc/kernel/proxmox-boot-uuids": b"1\n"},
            ("proxmox-boot-tool",),
            "proxmox-boot-tool kernel pin NEW-VERSION --next-boot",
        ),
        ({**GRUB, "/boot/extlinux/extlinux.conf": b"x"}, (), "extlinux"),
        (
            {
                "/sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f": b"\0\0\0\0"
                + "systemd-boot 252".encode("utf-16-le"),
                "/sys/firmware/efi/efivars/LoaderEntrySelected-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f": b"\0\0\0\0"
                + "debian-6.1".encode("utf-16-le"),
                "/etc/kernel/cmdline": b"ro\n",
                "/etc/kernel/entry-token": b"debian\n",
                "/usr/bin/kernel-install": b"add-all",
            },
            ("kernel-install",),
            "bootctl set-oneshot",
        ),
    ],
)
def test_other_boot_loader_is_refused_with_what_a_person_can_do(found: dict[str, bytes], tools: tuple[str, ...], told: str) -> None:
    obstacles = list(judge_loader(found, frozenset(tools)))
    sentences, settle = join_obstacles(obstacles)
    assert len(sentences) == 1
    assert sentences[0].endswith(".")
    assert told in " ".join((*sentences, *settle))


def test_plain_grub_is_no_obstacle() -> None:
    assert not list(judge_loader(GRUB, frozenset()))


@pytest.mark.parametrize(
    ("loaded", "settings", "told"),
    [
        ("1\n", [], "a kernel is loaded for kexec"),
        ("0\n", ["# Defaults\nLOAD_KEXEC=true\nKERNEL_IMAGE=/vmlinuz\n"], "(LOAD_KEXEC=true)"),
        ("", ["LOAD_KEXEC=false\n", '  LOAD_KEXEC="true" # here\n'], "(LOAD_KEXEC=true)"),
        ("0\n", ["LOAD_KEXEC=true\n", "LOAD_KEXEC='false'\n"], None),
        ("0\n", ["#LOAD_KEXEC=true\nNO_LOAD_KEXEC=true\n"], None),
        ("", [], None),
    ],
)
def test_reboot_that_passes_by_grub_is_refused(loaded: str, settings: list[str], told: str | None) -> None:
    assert [told in each.reason for each in judge_kexec(loaded, settings) if told] == ([True] if told else [])
    assert told or not list(judge_kexec(loaded, settings))


def test_menu_on_the_partition_of_the_firmware_is_refused_and_what_leads_to_ours_is_not() -> None:
    leads = "search.fs_uuid 7a5d root hd0,gpt2\nset prefix=($root)'/boot/grub'\nconfigfile $prefix/grub.cfg\n"
    assert not list(judge_second_menus({"/boot/efi/EFI/debian/grub.cfg": leads}, "/boot/grub"))
    menus = {"/boot/efi/EFI/debian/grub.cfg": leads, "/boot/efi/EFI/BOOT/grub.cfg": set_up("plain").menu}
    (obstacle,) = judge_second_menus(menus, "/boot/grub")
    assert obstacle.reason.startswith("/boot/efi/EFI/BOOT/grub.cfg holds entries of its own")
