# SPDX-License-Identifier: GPL-2.0-or-later
"""Durations, numbers of transactions, and whether anything was left open."""

from pathlib import Path

import pytest

from nicmedic.cli.confirm import read_number
from nicmedic.cli.duration import parse_duration
from nicmedic.cli.leftovers import has_leftovers, take_up_leftovers
from nicmedic.model.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("120s", 120), ("90", 90), ("5m", 300), ("5 min", 300), ("1h", 3600), ("2 hours", 7200), ("0.5m", 30), (" 10 Seconds ", 10)],
)
def test_durations_are_read_as_typed(text: str, seconds: float) -> None:
    assert parse_duration("--timeout", text, 1, 10_000) == seconds


@pytest.mark.parametrize("text", ["", "m", "-5s", "5d", "1e3", "5m5", "3h", "0", "٣s", "99999999s"])
def test_what_is_no_duration_or_out_of_bounds_is_told(text: str) -> None:
    with pytest.raises(UsageError, match=r"--timeout .*no duration from 1 s to 10000 s"):
        parse_duration("--timeout", text, 1, 10_000)


def test_numbers_are_numbers() -> None:
    assert (read_number(None), read_number("3")) == (None, 3)
    for text in ("x", "-1", "1.5", "٣", "1" * 10):
        with pytest.raises(UsageError):
            read_number(text)


@pytest.mark.parametrize(
    ("journal", "decided", "is_open"),
    [
        (None, None, True),
        ("", None, True),
        ("torn", None, True),
        ("1 t b planned", None, True),
        ("1 t b planned\n2 t b applied 0", "confirmed", False),
        ("1 t b applied 0\n2 t b confirmed x", "confirmed", False),
        ("1 t b confirmed x\n2 t b undoing operator", "undo", True),
        ("1 t b confirmed x\n2 t b undoing operator", "confirmed", True),
        ("1 t c applied\n2 t c confirmed x", "confirmed", True),
        ("1 t c applied", "confirmed", True),
        ("1 t c undoing\n2 t c undo-failed ip link", "undo", True),
        ("1 t c undoing\n2 t c undone", "undo", False),
        ("1 t b undoing\n2 t b undone", "undo", False),
        ("1 t b undoing\n2 t b undo-failed ip link", "undo", False),
        ("1 t b planned\n2 t c rebooted", None, False),
        ("1 t b planned\n2 t b abandoned", None, False),
    ],
)
def test_one_look_tells_whether_something_is_open(
    journal: str | None, decided: str | None, is_open: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NICMEDIC_STATE", str(tmp_path))
    assert not has_leftovers()
    folder = tmp_path / "transactions/7"
    folder.mkdir(parents=True)
    (tmp_path / "transactions/lock").touch()
    if journal is not None:
        boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        (folder / "journal").write_text(journal.replace(" b ", f" {boot_id} ") + "\n")
    if decided is not None:
        (folder / "decided").symlink_to(decided)
    assert has_leftovers() is is_open


def test_a_half_written_one_is_a_leftover(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NICMEDIC_STATE", str(tmp_path))
    (tmp_path / "transactions/.new-1-7").mkdir(parents=True)
    assert has_leftovers()


def test_a_damaged_one_is_told_and_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NICMEDIC_STATE", str(tmp_path))
    (tmp_path / "transactions/7").mkdir(parents=True)
    (tmp_path / "transactions/7/plan.json").write_text("{")
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    (tmp_path / "transactions/7/journal").write_text(f"1.0 2026-01-01T00:00:00Z {boot_id} applying 0 mtu\n")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    take_up_leftovers("check")
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("os.geteuid", lambda: 0)
    take_up_leftovers("check")
    assert "plan.json: damaged" in capsys.readouterr().err
