# SPDX-License-Identifier: GPL-2.0-or-later
"""Changelogs where distributions put them."""

import gzip
from pathlib import Path

import pytest

from nicmedic.host.changelogs import find_changelog, read_changelog_file
from nicmedic.model.errors import UnreadableInputError


@pytest.mark.parametrize(
    "path",
    ["linux-image-6.1.0-9-amd64/changelog.gz", "linux-modules-6.1.0-9-amd64/changelog.Debian.gz", "linux-image-6.1.0-9-amd64/changelog"],
)
def test_it_is_found_by_the_release(tmp_path: Path, path: str) -> None:
    file = tmp_path / path
    file.parent.mkdir()
    text = b"linux (6.1.1-1) x; urgency=low\nlast line \xff"
    file.write_bytes(gzip.compress(text) if path.endswith("gz") else text)
    found = find_changelog("6.1.1-1", ("5.10.0-1-amd64", "6.1.0-9-amd64"), str(tmp_path))
    assert found is not None
    assert list(found) == ["linux (6.1.1-1) x; urgency=low", "last line \ufffd"]


def test_a_cut_file_is_told_after_what_it_has(tmp_path: Path) -> None:
    file = tmp_path / "c.gz"
    file.write_bytes(gzip.compress(b"a line\n" * 200_000)[:-20])
    lines = read_changelog_file(str(file))
    assert next(lines) == "a line"
    with pytest.raises(UnreadableInputError, match="cut off"):
        list(lines)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnreadableInputError, match="No such file"):
        list(read_changelog_file(str(tmp_path / "no")))


def test_a_machine_with_neither_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nicmedic.host.changelogs.find_program", lambda _: None)
    assert find_changelog("6.1.1-1", ("6.1.0-9-amd64",), str(tmp_path)) is None
