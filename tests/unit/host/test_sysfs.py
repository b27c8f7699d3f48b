# SPDX-License-Identifier: GPL-2.0-or-later
"""Small files below a root, whatever they are like."""

import errno
import os
from pathlib import Path

import pytest

from nicmedic.host.sysfs import Folder, lack_of
from nicmedic.model.note import Lack


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of a host with a bit of everything."""
    net = tmp_path / "copy/sys/class/net/eth0"
    net.mkdir(parents=True)
    (net / "mtu").write_text("1500\n")
    (net / "flags").write_text("0x1003\n")
    (net / "carrier").write_text("1")
    (net / "odd").write_bytes(b"\xff\xfe\x00\n")
    (net / "word").write_text("many\n")
    (net / "empty").write_text("\n")
    (net / "long").write_bytes(b"x" * 200_000)
    (net / "address").symlink_to("mtu")
    (net / "out").symlink_to("/etc/passwd")
    (net / "round").symlink_to("round")
    os.mkfifo(net / "pipe")
    for number in (10, 2, 1):
        (net / f"queues/tx-{number}").mkdir(parents=True)
    return tmp_path / "copy"


def test_numbers_flags_and_texts_are_read(tree: Path) -> None:
    folder = Folder(str(tree), "sys/class/net/eth0")
    assert folder.number("mtu") == folder.number("address") == 1500
    assert folder.number("flags") == 0x1003
    assert folder.flag("carrier") is True
    assert folder.text("odd") == "\udcff\udcfe"
    assert folder.text("empty") is None
    assert folder.path == "/sys/class/net/eth0"
    assert len(folder.raw("long") or b"") == 65536
    assert len(folder.raw("long", most=100) or b"") == 100
    assert folder.notes == []


def test_queues_come_in_the_order_of_their_numbers(tree: Path) -> None:
    assert Folder(str(tree), "sys/class/net/eth0").names("queues") == ("tx-1", "tx-2", "tx-10")


@pytest.mark.parametrize(
    ("name", "lack"),
    [
        ("missing", Lack.ABSENT),
        ("mtu/deeper", Lack.ABSENT),
        ("out", Lack.ABSENT),
        ("word", Lack.ODD),
        ("pipe", Lack.ODD),
        ("queues", Lack.ODD),
        ("round", Lack.ODD),
    ],
)
def test_what_cannot_be_read_is_none_with_a_note(tree: Path, name: str, lack: Lack) -> None:
    folder = Folder(str(tree), "sys/class/net/eth0")
    assert folder.number(name) is None
    assert folder.notes == []
    assert folder.number(name, note="mtu") is None
    (note,) = folder.notes
    assert (note.what, note.why) == ("mtu", lack)
    assert note.detail.startswith(f"/sys/class/net/eth0/{name}: ")


def test_a_missing_folder_is_empty_and_noted_where_asked(tree: Path) -> None:
    folder = Folder(str(tree), "sys/class/net/eth9")
    assert folder.names() == ()
    assert folder.names(note="nics") == ()
    assert [note.what for note in folder.notes] == ["nics"]


def test_a_name_with_a_zero_byte_is_nothing(tree: Path) -> None:
    folder = Folder(str(tree))
    assert folder.raw("a\0b") is None
    assert folder.names("a\0b") == ()
    assert folder.has("a\0b") is False
    assert folder.target("a\0b") is None


def test_links_of_a_copy_lead_nowhere_else(tree: Path) -> None:
    folder = Folder(str(tree), "sys/class/net/eth0")
    assert folder.target("address") == "/sys/class/net/eth0/mtu"
    assert folder.target("out") is None
    assert folder.has("out") is False
    assert folder.target("missing") is None
    (tree / "sys/up").symlink_to("../../..")
    assert Folder(str(tree), "sys").names("up") == ()


def test_folders_below_share_the_notes_unless_given_their_own(tree: Path) -> None:
    folder = Folder(str(tree))
    folder.folder("sys").text("gone", note="a")
    folder.folder("sys", []).text("gone", note="b")
    assert [note.what for note in folder.notes] == ["a"]


@pytest.mark.parametrize(
    ("code", "lack"),
    [
        (errno.EPERM, Lack.REFUSED),
        (errno.EACCES, Lack.REFUSED),
        (errno.ENODEV, Lack.GONE),
        (errno.EOPNOTSUPP, Lack.UNSUPPORTED),
        (errno.EIO, Lack.ODD),
    ],
)
def test_errors_have_a_meaning(code: int, lack: Lack) -> None:
    assert lack_of(OSError(code, "x")) is lack
    assert lack_of(OSError("x")) is Lack.ODD
