# SPDX-License-Identifier: GPL-2.0-or-later
"""Other people's files are replaced whole, with their mode, owner and attributes, where their links lead; what stands against it is found before."""

import os
from pathlib import Path

import pytest

from nicmedic.host import mounts
from nicmedic.host.kept_files import HostConfigFiles
from nicmedic.model.errors import StateError, UnreadableInputError
from nicmedic.model.keeping import FileEdit


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "etc/network").mkdir(parents=True)
    (tmp_path / "etc/network/interfaces").write_bytes(b"auto eth0\r\n\xff no newline")
    return tmp_path


FILE = "/etc/network/interfaces"


def replace(files: HostConfigFiles, path: str, data: bytes | None, mode: int | None = None) -> None:
    """Whatever stands there."""
    try:
        before = files.read_file(path).data
    except UnreadableInputError:
        before = None
    files.replace_file(FileEdit(path=path, before=before, after=data, mode=mode))


def test_bytes_come_and_go_as_they_are(root: Path) -> None:
    files = HostConfigFiles(str(root))
    assert files.read_file(FILE).data == b"auto eth0\r\n\xff no newline"
    replace(files, FILE, b"\0\xfe")
    assert (root / "etc/network/interfaces").read_bytes() == b"\0\xfe"
    assert files.read_file("/etc/none").data is None
    assert files.read_file(f"{FILE}/none").data is None


def test_mode_and_attributes_of_a_file_stay(root: Path) -> None:
    path = root / "etc/network/interfaces"
    path.chmod(0o640)
    has_attributes = True
    try:
        os.setxattr(path, "user.comment", b"mine")
    except OSError:
        has_attributes = False
    replace(HostConfigFiles(str(root)), FILE, b"new", 0o600)
    assert path.stat().st_mode & 0o7777 == 0o640
    assert not has_attributes or os.getxattr(path, "user.comment") == b"mine"
    assert [each.name for each in path.parent.iterdir()] == ["interfaces"]


def test_a_new_file_has_its_mode_and_its_folders_whatever_the_umask(root: Path) -> None:
    files = HostConfigFiles(str(root))
    path = "/etc/systemd/network/99-default.link.d/50-nicmedic-1.conf"
    missing = ("/etc/systemd", "/etc/systemd/network", "/etc/systemd/network/99-default.link.d")
    assert files.list_missing_folders(path) == missing
    before = os.umask(0o077)
    try:
        replace(files, path, b"x")
    finally:
        os.umask(before)
    assert (root / path[1:]).stat().st_mode & 0o7777 == 0o644
    assert (root / "etc/systemd/network").stat().st_mode & 0o7777 == 0o755
    replace(files, path, None)
    replace(files, path, None)
    files.remove_folders((*missing, "/etc/network"))
    assert [each.name for each in (root / "etc").iterdir()] == ["network"]


def test_links_are_followed_inside_the_root_and_stay_links(root: Path) -> None:
    (root / "srv").mkdir()
    (root / "srv/interfaces").write_bytes(b"theirs")
    (root / "etc/a").symlink_to("/srv/../srv")
    (root / "etc/b").symlink_to("a/./interfaces")
    files = HostConfigFiles(str(root))
    now = files.read_file("/etc/b")
    assert (now.path, now.data) == ("/srv/interfaces", b"theirs")
    assert now.notes == ("/etc/b leads to /srv/interfaces by a link: that file is written.",)
    replace(files, now.path, b"ours")
    assert (root / "srv/interfaces").read_bytes() == b"ours"
    assert (root / "etc/b").is_symlink()
    (root / "etc/dangling").symlink_to("/srv/none")
    assert files.read_file("/etc/dangling").path == "/srv/none"


def test_further_names_are_told(root: Path) -> None:
    os.link(root / "etc/network/interfaces", root / "etc/copy")
    (note,) = HostConfigFiles(str(root)).read_file(FILE).notes
    assert note == f"{FILE} has 2 names (hard links); the others keep the former text."


def test_what_is_no_plain_file_is_an_error_except_among_pseudo_files(root: Path) -> None:
    (root / "etc/loop").symlink_to("loop")
    (root / "proc").mkdir()
    (root / "proc/folder").mkdir()
    os.mkfifo(root / "etc/pipe")
    (root / "etc/large").write_bytes(b"x" * ((1 << 20) + 1))
    files = HostConfigFiles(str(root))
    for path in ("/etc/network", "/etc/loop", "/etc/pipe", "/etc/large"):
        with pytest.raises(UnreadableInputError, match=path):
            files.read_file(path)
    assert files.read_file("/proc/folder").data is None


def test_a_file_that_cannot_be_written_is_as_it_was(root: Path) -> None:
    files = HostConfigFiles(str(root))
    with pytest.raises(StateError, match="/etc/network/interfaces/x: File exists"):
        replace(files, f"{FILE}/x", b"")
    (root / "etc/folder").mkdir()
    with pytest.raises(StateError, match="/etc/folder: Is a directory") as caught:
        replace(files, "/etc/folder", b"x")
    assert "lsattr -d /etc/folder" in caught.value.hint
    assert sorted(each.name for each in (root / "etc").iterdir()) == ["folder", "network"]


def test_what_a_crash_left_beside_a_file_goes_with_the_next_write(root: Path) -> None:
    left = root / "etc/network/.interfaces.nicmedic-new"
    left.write_bytes(b"half")
    files = HostConfigFiles(str(root))
    replace(files, FILE, b"whole")
    assert not left.exists()
    left.write_bytes(b"half")
    replace(files, FILE, None)
    assert not list((root / "etc/network").iterdir())


def test_nothing_stands_against_a_file_that_can_be_written(root: Path) -> None:
    files = HostConfigFiles(str(root))
    assert files.find_obstacle(FILE) is None
    assert files.find_obstacle("/etc/new/folder/file") is None


def test_a_file_that_each_boot_makes_anew_is_told_so(root: Path) -> None:
    (root / "var").mkdir()
    (root / "var/run").symlink_to("/run")
    (root / "etc/network/interfaces.d").symlink_to("../../var/run/network")
    files = HostConfigFiles(str(root))
    assert files.find_fleeting(FILE) is None
    assert files.find_fleeting("/run/network/eth0") == "/run/network/eth0 is made anew at each boot"
    told = "/etc/network/interfaces.d/eth0 leads to /run/network/eth0, which is made anew at each boot"
    assert files.find_fleeting("/etc/network/interfaces.d/eth0") == told
    (root / "etc/loop").symlink_to("loop")
    assert files.find_fleeting("/etc/loop/x") is None


def mount(kind: str, folder: Path, at: str, options: str = "rw") -> str:
    device = folder.stat().st_dev
    return f"98 29 {os.major(device)}:{os.minor(device)} / {at} rw,relatime shared:1 - {kind} none {options}\n"


def test_a_file_in_memory_is_told_so(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "up per").mkdir()
    etc, upper = f"{root}/etc".replace(" ", "\\040"), f"rw,lowerdir=/etc,upperdir={root}/up\\040per,workdir=/w"
    above, elsewhere = mount("tmpfs", root, str(root)), "30 1 0:999999 / /srv rw - tmpfs none rw\nodd\n"
    lines = {
        mount("tmpfs", root, etc): "tmpfs",
        elsewhere + mount("ext4", root, etc) + mount("ramfs", root, etc): "ramfs",
        mount("overlay", root, etc, upper) + above: "tmpfs",
        mount("overlay", root, etc, upper): None,
        mount("overlay", root, etc, "rw,lowerdir=/etc,upperdir=/nonexistent/upper"): None,
        above + mount("ext4", root, etc): None,
    }
    for table, kind in lines.items():
        monkeypatch.setattr(mounts, "read_bounded", lambda _path, _most, table=table: table.encode())
        told = None if kind is None else f"{FILE} is in memory ({kind} at /etc/network), and gone after a boot"
        assert HostConfigFiles(str(root)).find_fleeting(FILE) == told, table


def test_version_control_above_a_file_is_found(root: Path) -> None:
    files = HostConfigFiles(str(root))
    assert files.find_version_control(FILE) is None
    (root / "etc/.git").mkdir()
    assert files.find_version_control(FILE) == "/etc (.git)"


@pytest.mark.parametrize("data", [b"auto eth0\nours\n", None])
def test_what_somebody_writes_while_the_disk_syncs_is_not_lost(root: Path, data: bytes | None, monkeypatch: pytest.MonkeyPatch) -> None:
    path = root / "etc/network/interfaces"
    before = path.read_bytes()
    sync = os.fsync

    def sync_late(handle: int) -> None:
        path.write_bytes(before + b"theirs\n")
        sync(handle)

    if data is None:
        path.write_bytes(before + b"theirs\n")
    monkeypatch.setattr(os, "fsync", sync_late)
    with pytest.raises(StateError, match="somebody else changed it this moment"):
        HostConfigFiles(str(root)).replace_file(FileEdit(path=FILE, before=before, after=data))
    assert path.read_bytes() == before + b"theirs\n"
    assert [each.name for each in path.parent.iterdir()] == ["interfaces"]


def test_what_a_power_cut_left_beside_a_file_goes_with_its_folder(root: Path) -> None:
    files = HostConfigFiles(str(root))
    path = "/etc/systemd/network/10-lan.link.d/50-nicmedic-1.conf"
    missing = files.list_missing_folders(path)
    folder = root / path[1:].rpartition("/")[0]
    folder.mkdir(parents=True)
    (folder / ".50-nicmedic-1.conf.nicmedic-new").write_bytes(b"half of it, with a password")
    files.remove_left((path, "/etc/none/file", FILE))
    files.remove_folders(missing)
    assert [each.name for each in (root / "etc").iterdir()] == ["network"]
