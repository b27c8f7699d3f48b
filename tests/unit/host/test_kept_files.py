# SPDX-License-Identifier: GPL-2.0-or-later
"""Other people's files are replaced whole, with their mode, owner and attributes, where their links lead; what stands against it is found before."""

import os
from pathlib import Path

import pytest

from nicmedic.host.kept_files import HostConfigFiles
from nicmedic.model.errors import StateError, UnreadableInputError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "etc/network").mkdir(parents=True)
    (tmp_path / "etc/network/interfaces").write_bytes(b"auto eth0\r\n\xff no newline")
    return tmp_path


FILE = "/etc/network/interfaces"


def test_bytes_come_and_go_as_they_are(root: Path) -> None:
    files = HostConfigFiles(str(root))
    assert files.read_file(FILE).data == b"auto eth0\r\n\xff no newline"
    files.replace_file(FILE, b"\0\xfe", None)
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
    HostConfigFiles(str(root)).replace_file(FILE, b"new", 0o600)
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
        files.replace_file(path, b"x", None)
    finally:
        os.umask(before)
    assert (root / path[1:]).stat().st_mode & 0o7777 == 0o644
    assert (root / "etc/systemd/network").stat().st_mode & 0o7777 == 0o755
    files.replace_file(path, None, None)
    files.replace_file(path, None, None)
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
    files.replace_file(now.path, b"ours", None)
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
        files.replace_file(f"{FILE}/x", b"", None)
    (root / "etc/folder").mkdir()
    with pytest.raises(StateError, match="/etc/folder: Is a directory") as caught:
        files.replace_file("/etc/folder", b"x", None)
    assert "lsattr -d /etc/folder" in caught.value.hint
    assert sorted(each.name for each in (root / "etc").iterdir()) == ["folder", "network"]


def test_what_a_crash_left_beside_a_file_goes_with_the_next_write(root: Path) -> None:
    left = root / "etc/network/.interfaces.nicmedic-new"
    left.write_bytes(b"half")
    files = HostConfigFiles(str(root))
    files.replace_file(FILE, b"whole", None)
    assert not left.exists()
    left.write_bytes(b"half")
    files.replace_file(FILE, None, None)
    assert not list((root / "etc/network").iterdir())


def test_nothing_stands_against_a_file_that_can_be_written(root: Path) -> None:
    files = HostConfigFiles(str(root))
    assert files.find_obstacle(FILE) is None
    assert files.find_obstacle("/etc/new/folder/file") is None


def test_version_control_above_a_file_is_found(root: Path) -> None:
    files = HostConfigFiles(str(root))
    assert files.find_version_control(FILE) is None
    (root / "etc/.git").mkdir()
    assert files.find_version_control(FILE) == "/etc (.git)"
