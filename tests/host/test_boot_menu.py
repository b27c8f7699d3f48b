# SPDX-License-Identifier: GPL-2.0-or-later
"""GRUB's folder on a real disk: what is written into it, what GRUB's own programs say of that, and that nothing of it stays."""

import stat
import subprocess
from pathlib import Path

import pytest

from nicmedic.host.boot_disk import can_checkpoint, settle_folder, write_over
from nicmedic.host.boot_menu import HostBootMenu, Probe
from nicmedic.model.boot_trial import KernelChoice
from nicmedic.model.errors import StateError
from nicmedic.persist.boot_menu.planning import Kernel, plan_trial
from tests.unit.persist.boot_menu.menus import CASES, NAMES, NEW, OLD, RUNNING, name_kernel, set_up

pytestmark = pytest.mark.host

OPEN = [name for name in NAMES if name != "locked"]
THEIRS = b"set color_normal=white/black"


class Host:
    """A folder that stands for the root of a host with two kernels."""

    def __init__(self, root: Path, name: str) -> None:
        self.root, self.grub = root, root / "boot/grub"
        for folder in ("boot/grub", "proc", "sys/kernel", "sbin", "etc/default/kexec.d"):
            (root / folder).mkdir(parents=True)
        (self.grub / "grub.cfg").write_bytes((CASES / f"{name}.cfg").read_bytes())
        (root / "proc/cmdline").write_text(" ".join(RUNNING) + "\n", encoding="utf-8")
        for release in (OLD, NEW):
            for file in ("vmlinuz", "initrd.img"):
                (root / f"boot/{file}-{release}").write_bytes(b"x")
        subprocess.run(["grub-editenv", self.grub / "grubenv", "create"], check=True)
        self.menu = HostBootMenu(str(root), lambda _: Probe(file_system="ext2"))

    def kernel(self, release: str) -> KernelChoice:
        return KernelChoice(release=release, image=f"/boot/vmlinuz-{release}", initrd=f"/boot/initrd.img-{release}")

    def prepare(self) -> None:
        self.menu.write_default(7, self.kernel(OLD), self.kernel(NEW))

    def read(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.grub.iterdir()}

    def ask_grub(self) -> list[str]:
        """Variables, as its own program reads them."""
        done = subprocess.run(["grub-editenv", self.grub / "grubenv", "list"], capture_output=True, text=True, check=True)
        return done.stdout.splitlines()


def make(root: Path, name: str = "plain") -> Host:
    return Host(root, name)


def test_look_changes_nothing_and_finds_both_kernels(tmp_path: Path) -> None:
    host = make(tmp_path)
    before = host.read()
    now = host.menu.read_menu()
    assert (now.loader, now.obstacles, now.settle) == ("GRUB", (), ())
    assert now.default == host.kernel(NEW)
    assert set(now.kernels) == {host.kernel(OLD), host.kernel(NEW)}
    assert host.read() == before


@pytest.mark.parametrize("theirs", [None, THEIRS])
def test_whose_block_stands_there_is_read_from_the_file(theirs: bytes | None, tmp_path: Path) -> None:
    host = make(tmp_path)
    if theirs is not None:
        (host.grub / "custom.cfg").write_bytes(theirs)
    assert host.menu.find_held() is None
    host.prepare()
    assert host.menu.find_held() == 7
    host.menu.remove()
    assert host.menu.find_held() is None


@pytest.mark.parametrize("theirs", [None, THEIRS])
def test_what_is_written_goes_again_to_the_byte(theirs: bytes | None, tmp_path: Path) -> None:
    host = make(tmp_path)
    custom = host.grub / "custom.cfg"
    if theirs is not None:
        custom.write_bytes(theirs)
        custom.chmod(0o640)
    before, block = host.read(), (host.grub / "grubenv").stat().st_ino
    host.prepare()
    assert custom.read_bytes().startswith(theirs or b"")
    assert stat.S_IMODE(custom.stat().st_mode) == (0o600 if theirs is None else 0o640)
    subprocess.run(["grub-script-check", custom], check=True)
    assert host.menu.read_menu().default == host.kernel(OLD)
    assert host.menu.is_armed() is None
    host.menu.arm(7)
    assert host.menu.is_armed() == 7
    assert host.ask_grub() == ["nicmedic_trial=7"]
    assert (host.grub / "grubenv").stat().st_ino == block  # its blocks stay where they are
    host.menu.remove()
    assert host.read() == before
    host.menu.remove()
    assert host.read() == before


def test_word_is_taken_back_and_others_variables_stay(tmp_path: Path) -> None:
    host = make(tmp_path)
    subprocess.run(["grub-editenv", host.grub / "grubenv", "set", "saved_entry=x\\y", "nicmedic_trial=-"], check=True)
    host.prepare()
    host.menu.arm(7)
    host.menu.disarm()
    assert host.menu.is_armed() is None
    assert host.ask_grub() == ["saved_entry=x\\y"]


def test_no_boot_is_asked_for_where_grub_would_not_start_the_trial(tmp_path: Path) -> None:
    host = make(tmp_path)
    with pytest.raises(StateError, match="GRUB would not start trial 7"):
        host.menu.arm(7)
    host.menu.write_default(7, host.kernel(OLD), None)
    with pytest.raises(StateError, match="GRUB would not start trial 7"):
        host.menu.arm(7)
    host.prepare()
    with pytest.raises(StateError, match="GRUB would not start trial 8"):
        host.menu.arm(8)
    subprocess.run(["grub-editenv", host.grub / "grubenv", "set", "next_entry=0"], check=True)
    with pytest.raises(StateError, match="GRUB would not start trial 7"):
        host.menu.arm(7)
    assert host.ask_grub() == ["next_entry=0"]


def test_lines_that_somebody_edited_are_left_to_a_person(tmp_path: Path) -> None:
    host = make(tmp_path)
    host.prepare()
    custom = host.grub / "custom.cfg"
    edited = custom.read_bytes().replace(b"panic=30", b"panic=0")
    custom.write_bytes(edited)
    for act in (host.prepare, host.menu.remove, lambda: host.menu.write_promoted(host.kernel(NEW))):
        with pytest.raises(StateError, match="were edited since"):
            act()
    assert custom.read_bytes() == edited
    assert "were edited since" in host.menu.read_menu().obstacles[0]


def test_kernel_outside_of_what_grub_reads_is_refused(tmp_path: Path) -> None:
    host = make(tmp_path)
    before = host.read()
    gone = KernelChoice(release=NEW, image=f"/boot/none-{NEW}")
    elsewhere = KernelChoice(release=NEW, image="/proc/cmdline")
    for kernel in (gone, elsewhere):
        with pytest.raises(StateError):
            host.menu.write_default(7, host.kernel(OLD), kernel)
    assert host.read() == before


@pytest.mark.parametrize("name", ["vmlinuz-6.1;reboot", "vmlinuz-6.1 x", "vmlinuz-$root", "vmlinuz-6.1'", "vmlinuz-6.1\n}"])
def test_name_that_grub_would_take_for_something_else_is_refused(name: str, tmp_path: Path) -> None:
    host = make(tmp_path)
    (tmp_path / "boot" / name).write_bytes(b"x")
    before = host.read()
    with pytest.raises(StateError, match="a name that GRUB's menu cannot hold"):
        host.menu.write_default(7, KernelChoice(release=OLD, image=f"/boot/{name}"), host.kernel(NEW))
    assert host.read() == before


@pytest.mark.parametrize("name", OPEN)
def test_grub_reads_what_is_written_of_any_menu(name: str) -> None:
    saved = Kernel(release=OLD, image=f"/boot/nicmedic/3/vmlinuz-{OLD}", initrd=f"/boot/nicmedic/3/initrd.img-{OLD}", saved="3")
    for old in (name_kernel(name, OLD), saved):
        planned = plan_trial(set_up(name), THEIRS, 7, old, name_kernel(name, NEW))
        assert isinstance(planned, bytes)
        subprocess.run(["grub-script-check"], input=planned, check=True)


def test_promotion_leaves_nothing_of_ours_where_the_menu_has_that_default(tmp_path: Path) -> None:
    host = make(tmp_path)
    before = host.read()
    host.prepare()
    host.menu.arm(7)
    assert host.menu.write_promoted(host.kernel(NEW)) == ()
    assert host.read() == before
    host.prepare()
    (note,) = host.menu.write_promoted(host.kernel(OLD))
    assert "holds" in note
    assert host.menu.read_menu().default == host.kernel(OLD)
    host.menu.remove()
    assert host.read() == before


def test_promotion_sets_grub_s_own_variable_where_that_counts(tmp_path: Path) -> None:
    host = make(tmp_path, "saved")
    host.prepare()
    (note,) = host.menu.write_promoted(host.kernel(OLD))
    assert "saved_entry" in note
    assert [each.partition("=")[0] for each in host.ask_grub()] == ["saved_entry"]
    assert not (host.grub / "custom.cfg").exists()
    assert host.menu.read_menu().default == host.kernel(OLD)


def test_boot_on_a_file_system_of_its_own_has_other_names(tmp_path: Path) -> None:
    host = make(tmp_path, "separate")
    assert host.menu.read_menu().default == host.kernel(NEW)
    host.prepare()
    assert f"\tlinux\t/vmlinuz-{OLD} " in (host.grub / "custom.cfg").read_text(encoding="utf-8")
    assert host.menu.read_menu().default == host.kernel(OLD)


def test_what_a_crash_left_goes_with_the_rest(tmp_path: Path) -> None:
    host = make(tmp_path)
    before = host.read()
    subprocess.run(["grub-editenv", host.grub / "grubenv", "set", "nicmedic_test=4711", "nicmedic_trial=-"], check=True)
    host.menu.remove()
    assert host.read() == before


def test_kexec_tools_that_pass_by_grub_are_an_obstacle(tmp_path: Path) -> None:
    host = make(tmp_path)
    (tmp_path / "etc/default/kexec").write_text("LOAD_KEXEC=true\n", encoding="utf-8")
    assert host.menu.read_menu().obstacles == ()  # removed, not purged
    (tmp_path / "sbin/kexec").touch()
    (obstacle,) = host.menu.read_menu().obstacles
    assert "LOAD_KEXEC" in obstacle
    (tmp_path / "etc/default/kexec.d/local").write_text("LOAD_KEXEC=false\n", encoding="utf-8")
    assert host.menu.read_menu().obstacles == ()
    (tmp_path / "sys/kernel/kexec_loaded").write_text("1\n", encoding="utf-8")
    (obstacle,) = host.menu.read_menu().obstacles
    assert "loaded for kexec" in obstacle


def test_second_folder_with_a_menu_is_an_obstacle_and_a_link_is_none(tmp_path: Path) -> None:
    host = make(tmp_path)
    other = tmp_path / "boot/grub2"
    other.symlink_to("grub")
    assert host.menu.read_menu().obstacles == ()
    other.unlink()
    other.mkdir()
    assert host.menu.read_menu().obstacles == ()
    (other / "grub.cfg").write_bytes((host.grub / "grub.cfg").read_bytes())
    (obstacle,) = host.menu.read_menu().obstacles
    assert obstacle.startswith("/boot/grub2/grub.cfg holds entries of its own")


def test_second_menu_of_the_firmware_s_partition_is_an_obstacle(tmp_path: Path) -> None:
    host = make(tmp_path)
    esp = tmp_path / "boot/efi/EFI/debian"
    esp.mkdir(parents=True)
    (esp / "grub.cfg").write_bytes((host.grub / "grub.cfg").read_bytes())
    assert host.menu.read_menu().obstacles == ()
    (tmp_path / "sys/firmware/efi").mkdir(parents=True)
    (obstacle,) = host.menu.read_menu().obstacles
    assert obstacle.startswith("/boot/efi/EFI/debian/grub.cfg holds entries of its own")


def test_block_is_written_over_itself_or_not_at_all(tmp_path: Path) -> None:
    block, link = tmp_path / "grubenv", tmp_path / "link"
    block.write_bytes(b"a" * 1024)
    link.symlink_to(block)
    inode = block.stat().st_ino
    for path, data in ((block, b"b" * 1023), (block, b"b" * 1025), (link, b"b" * 1024), (tmp_path / "none", b"b" * 1024)):
        with pytest.raises(OSError):
            write_over(str(path), data)
    assert block.read_bytes() == b"a" * 1024
    write_over(str(block), b"b" * 1024)
    settle_folder(str(tmp_path))
    assert (block.read_bytes(), block.stat().st_ino) == (b"b" * 1024, inode)
    assert not can_checkpoint("/proc")
    assert not can_checkpoint(str(tmp_path / "none"))
    with pytest.raises(FileNotFoundError):
        settle_folder(str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        ("rm grubenv", "is not there"),
        (": >grubenv", "has 0 bytes"),
        ("mv grubenv other; ln -s other grubenv", "is a link to other"),
        ("printf %999s | tr ' ' a >>grubenv", "has 2023 bytes"),
        ("rm grub.cfg", "no GRUB menu is there"),
        ("sed -i s/custom.cfg/other.cfg/ grub.cfg", "does not read /boot/grub/custom.cfg"),
    ],
)
def test_folder_that_is_not_as_grub_wants_it_is_an_obstacle(spoil: str, told: str, tmp_path: Path) -> None:
    host = make(tmp_path)
    subprocess.run(["sh", "-ec", spoil], cwd=host.grub, check=True)
    before = host.read()
    assert told in " ".join(host.menu.read_menu().obstacles)
    assert host.read() == before
