# SPDX-License-Identifier: GPL-2.0-or-later
"""GRUB itself, as a process (grub-emu), reads a disk with our lines on it: what it boots, and what it has written to the disk by then.

Its script engine, its ext2 driver and its environment block are those of the boot loader. What would start a kernel shows the file instead, and a
reboot is told.
"""

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from nicmedic.persist.boot_menu.environment import parse_environment, set_variable
from nicmedic.persist.boot_menu.planning import Kernel, plan_trial
from tests.unit.persist.boot_menu.menus import CASES, NEW, OLD, name_kernel, set_up

pytestmark = [
    pytest.mark.host,
    pytest.mark.skipif(shutil.which("grub-emu") is None or shutil.which("mke2fs") is None, reason="needs grub-emu and e2fsprogs"),
]

SAVED = Kernel(release=OLD, image=f"/boot/nicmedic/3/vmlinuz-{OLD}", initrd=f"/boot/nicmedic/3/initrd.img-{OLD}", saved="3")
FILES = {
    f"boot/nicmedic/3/vmlinuz-{OLD}": "saved-image",
    f"boot/nicmedic/3/initrd.img-{OLD}": "saved-initrd",
    f"boot/vmlinuz-{OLD}": "old-image",
    f"boot/initrd.img-{OLD}": "old-initrd",
    f"boot/vmlinuz-{NEW}": "new-image",
    f"boot/initrd.img-{NEW}": "new-initrd",
}
EMU = "timeout --foreground 20 grub-emu -m map -r hd0 -d /boot/grub"
ROOM = f'mount --bind disk disk && mount -o remount,bind,{{mode}} disk && exec script -qec "{EMU}" /dev/null'


def show(custom: str) -> str:
    """Our lines, with something to see for what the process cannot do. Whatever an entry has come to, it ends."""
    told = re.sub(r"\b(?:linux|initrd)([ \t]+/[^\s;]+)[^;\n]*", r"cat\1", custom)
    told = told.replace("; then true; else reboot; fi", "; then true; else echo '<anew>'; halt; fi").replace(
        "\n\treboot\n", "\n\techo '<anew>'\n\thalt\n"
    )
    return re.sub(r"\n\s*}\nmenuentry 'nicmedic", "\n\techo '<boots>'\n\thalt\n}\nmenuentry 'nicmedic", told)


class Disk:
    """With two kernels, and a trial of the new one."""

    def __init__(
        self, folder: Path, *, old: Kernel = SAVED, without: tuple[str, ...] = (), variables: Mapping[str, str] | None = None
    ) -> None:
        self.folder, root = folder, folder / "root"
        for path, text in FILES.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            if text not in without:
                (root / path).write_text(f"<{text}>\n", encoding="utf-8")
        (root / "boot/grub").mkdir()
        menu = re.sub(
            r"(?m)^(\s*)(?:search|insmod|terminal_\w+|loadfont|load_video)\b[^\n;]*", r"\1true", (CASES / "plain.cfg").read_text()
        )
        (root / "boot/grub/grub.cfg").write_text(re.sub(r"set timeout=\S+", "set timeout=0", menu), encoding="utf-8")
        planned = plan_trial(set_up("plain"), None, 7, old, name_kernel("plain", NEW))
        assert isinstance(planned, bytes)
        (root / "boot/grub/custom.cfg").write_text(show(planned.decode()), encoding="utf-8")
        block = b"# GRUB Environment Block\n".ljust(1024, b"#")
        for name, value in (variables or {}).items():
            block = set_variable(block, name, value) or b""
        (root / "boot/grub/grubenv").write_bytes(block)
        with (folder / "disk").open("wb") as file:
            file.truncate(16 << 20)
        subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", root, folder / "disk"], check=True)
        (folder / "map").write_text(f"(hd0) {folder}/disk\n", encoding="utf-8")

    def boot(self, *, mode: str = "rw") -> list[str]:
        """What is to be seen at a boot, in its order."""
        done = subprocess.run(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-ec", ROOM.format(mode=mode)],
            cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False, timeout=120,
            env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "TERM": "linux"},
        )  # fmt: skip
        return re.findall(r"<([a-z-]+)>", done.stdout)

    def read_variables(self) -> dict[str, str]:
        """As they are on the disk."""
        done = subprocess.run(["debugfs", "-R", "cat /boot/grub/grubenv", self.folder / "disk"], capture_output=True, check=True)
        return dict(parse_environment(done.stdout))


@pytest.mark.parametrize("variables", [{}, {"nicmedic_trial": "8"}, {"nicmedic_trial": "-"}, {"nicmedic_trial": "77"}])
def test_everything_ends_on_the_old_kernel(variables: dict[str, str], tmp_path: Path) -> None:
    disk = Disk(tmp_path, variables=variables)
    assert disk.boot() == ["saved-image", "saved-initrd", "boots"]
    assert disk.read_variables() == variables


def test_the_new_one_is_booted_once_and_its_word_is_gone_before(tmp_path: Path) -> None:
    disk = Disk(tmp_path, variables={"nicmedic_trial": "7", "saved_entry": "x\\y"})
    assert disk.boot() == ["new-image", "new-initrd", "anew"]
    assert disk.read_variables() == {"nicmedic_trial": "-", "saved_entry": "x\\y"}
    assert disk.boot() == ["saved-image", "saved-initrd", "boots"]


def test_where_grub_cannot_write_the_new_one_is_not_booted_at_all(tmp_path: Path) -> None:
    disk = Disk(tmp_path, variables={"nicmedic_trial": "7"})
    assert disk.boot(mode="ro") == ["saved-image", "saved-initrd", "boots"]
    assert disk.read_variables() == {"nicmedic_trial": "7"}


@pytest.mark.parametrize("gone", ["new-image", "new-initrd"])
def test_a_file_of_the_new_one_that_is_missing_ends_in_a_reboot(gone: str, tmp_path: Path) -> None:
    disk = Disk(tmp_path, without=(gone,), variables={"nicmedic_trial": "7"})
    assert disk.boot()[-1] == "anew"
    assert disk.read_variables() == {"nicmedic_trial": "-"}


@pytest.mark.parametrize("gone", [("saved-image", "saved-initrd"), ("saved-image",), ("saved-initrd",)])
def test_in_place_of_a_copy_that_is_gone_the_package_is_booted(gone: tuple[str, ...], tmp_path: Path) -> None:
    """Each file once: a second kernel that is loaded has no command line."""
    assert Disk(tmp_path, without=gone).boot() == ["old-image", "old-initrd", "boots"]


def test_a_boot_that_somebody_else_asks_for_is_left_to_him(tmp_path: Path) -> None:
    disk = Disk(tmp_path, variables={"nicmedic_trial": "7", "next_entry": "nicmedic-old"})
    assert disk.boot() == ["saved-image", "saved-initrd", "boots"]
    assert disk.read_variables() == {"nicmedic_trial": "7", "next_entry": ""}
