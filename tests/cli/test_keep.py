# SPDX-License-Identifier: GPL-2.0-or-later
"""What keep, kept, release and verify say before they could do anything: to users, with a wrong command line, with nothing kept."""

import json
from pathlib import Path

import pytest

from nicmedic.cli.main import main

COMMANDS = (("keep",), ("keep", "nothing0", "--remedy", "mtu:1400"), ("kept",), ("release", "1"), ("verify",), ("verify", "--boot"))


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NICMEDIC_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_only_root_may(command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert main(command) == 24
    assert capsys.readouterr().err.startswith("nicmedic: nothing was changed: only root may ")


@pytest.mark.parametrize(
    ("command", "status", "told"),
    [
        (["keep"], 28, "no transaction was confirmed"),
        (["keep", "7"], 28, "there is no transaction 7"),
        (["keep", "eth0"], 2, "with the name of a card --remedy says what shall be kept"),
        (["keep", "--remedy", "mtu:1400"], 2, "for which card?"),
        (["keep", "nothing0", "--remedy", "mtu:1400"], 22, "there is no such network card"),
        (["keep", "--on-drift", "weep"], 2, "it is alarm or repair"),
        (["kept", "1"], 31, "nothing is kept under number 1"),
        (["kept", "x"], 2, "is no number of a kept remedy"),
        (["release", "1"], 31, "nothing is kept under number 1"),
        (["release", "1", "--dry-run"], 31, "nothing is kept under number 1"),
        (["release", "x"], 2, "is no number of a kept remedy"),
        (["release", "1", "--soak", "5m"], 2, "are of a trial"),
        (["release", "1", "--trial", "--dry-run"], 2, "either, not both"),
        (["release", "1", "--trial", "--soak", "1s"], 2, "no duration from 10 s"),
        (["release", "1", "--trial"], 31, "nothing is kept under number 1"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_told(
    command: list[str], status: int, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert main(command) == status
    assert told in capsys.readouterr().err


def test_with_nothing_kept_nothing_is_wrong(state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert main(["kept"]) == 0
    assert capsys.readouterr().out == "nothing is kept\n"
    assert main(["kept", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kept"] == []
    assert main(["verify"]) == 0
    assert capsys.readouterr().out == "nothing is kept, so there is nothing to check\n"
    assert main(["verify", "--boot", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"schema": "nicmedic.verify/1", "verified": []}
    assert not state.exists()
