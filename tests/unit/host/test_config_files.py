# SPDX-License-Identifier: GPL-2.0-or-later
"""Reading configuration: links stay inside the root, pipes and giants do not hold us up, and what a line merely names is not kept."""

import os
from pathlib import Path

import pytest

from nicmedic.host import config_files
from nicmedic.host.config_files import read_config_files

NETWORK = "[Match]\nName=eth0\n"


def put(root: Path, path: str, text: str = NETWORK) -> Path:
    file = root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_the_running_machine_is_read_without_a_complaint_of_ours() -> None:
    found = read_config_files()
    assert all(path.startswith("/") for path in found.texts)


def test_links_are_followed_inside_the_root_only(tmp_path: Path) -> None:
    root = tmp_path / "root"
    put(tmp_path, "outside.network", "[Match]\nName=outside\n")
    put(root, "/usr/lib/systemd/network/10-a.network")
    (root / "lib").symlink_to("/usr/lib")
    folder = root / "etc/systemd/network"
    folder.mkdir(parents=True)
    (folder / "10-in.network").symlink_to("/usr/lib/systemd/network/10-a.network")
    (folder / "20-out.network").symlink_to(tmp_path / "outside.network")
    (folder / "21-out.network").symlink_to("../../../../outside.network")
    (folder / "30-masked.network").symlink_to("/dev/null")
    (folder / "40-loop.network").symlink_to("40-loop.network")
    found = read_config_files(str(root))
    assert set(found.texts) == {
        "/usr/lib/systemd/network/10-a.network",
        "/lib/systemd/network/10-a.network",
        "/etc/systemd/network/10-in.network",
    }
    assert found.links["/etc/systemd/network/30-masked.network"] == "/dev/null"
    assert set(found.unreadable) == {"/etc/systemd/network/40-loop.network"}


def test_pipes_folders_binaries_and_giants_are_noted_and_not_read(tmp_path: Path) -> None:
    folder = "/etc/systemd/network"
    put(tmp_path, f"{folder}/a.network", "x" * (config_files.LARGEST + 1))
    put(tmp_path, f"{folder}/b.network", "\0elf")
    os.mkfifo(tmp_path / f"{folder}/c.network".lstrip("/"))
    (tmp_path / f"{folder}/d.network".lstrip("/")).mkdir()
    found = read_config_files(str(tmp_path))
    assert not found.texts
    assert set(found.unreadable) == {f"{folder}/a.network"}
    assert found.present == {f"{folder}/{letter}.network" for letter in "bcd"}


def test_limits_hold_for_the_sum_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config_files, "MOST_FILES", 3)
    for number in range(6):
        put(tmp_path, f"/etc/systemd/network/{number}.network")
    found = read_config_files(str(tmp_path))
    assert len(found.texts) == 3
    assert list(found.unreadable.values()) == ["more than 3 files: not read"]


def test_includes_are_followed_and_what_is_no_such_file_is_not_kept(tmp_path: Path) -> None:
    put(tmp_path, "/etc/network/interfaces", "source /opt/lan/*\nsource /etc/shadow\nsource ../../../../../etc/shadow\n")
    put(tmp_path, "/opt/lan/a", "source b/c\n")
    put(tmp_path, "/opt/lan/b/c", "iface eth0 inet dhcp\n  wpa-psk hunter2\n")
    put(tmp_path, "/etc/shadow", "root:hunter2:1:0:99999:7:::\n")
    found = read_config_files(str(tmp_path))
    assert set(found.texts) == {"/etc/network/interfaces", "/opt/lan/a", "/opt/lan/b/c"}
    assert "hunter2" not in repr(found)


def test_an_include_of_itself_ends(tmp_path: Path) -> None:
    put(tmp_path, "/etc/network/interfaces", "source /etc/network/interfaces\nsource *\n")
    assert set(read_config_files(str(tmp_path)).texts) == {"/etc/network/interfaces"}
