# SPDX-License-Identifier: GPL-2.0-or-later
"""What the commands that change a machine say before they could: to users, without systemd, with nothing to do."""

from pathlib import Path

import pytest

from nicmedic.cli.main import main
from nicmedic.host import service
from nicmedic.host.run import run_limited

COMMANDS = (
    ("treat", "nothing0", "--remedy", "mtu:1400"),
    ("confirm",),
    ("undo", "3"),
    ("transactions",),
    ("transactions", "--recover"),
    ("install-service",),
    ("install-service", "--remove"),
)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NICMEDIC_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_only_root_may(command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert main(command) == 24
    assert capsys.readouterr().err.startswith("nicmedic: nothing was changed: only root may ")


def test_with_nothing_to_do_nothing_is_done(state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert main(["transactions"]) == 0
    assert capsys.readouterr().out == "no transactions: nicmedic has changed nothing here\n"
    assert main(["transactions", "--recover"]) == 0
    assert main(["transactions", "--json"]) == 0
    assert '"transactions": []' in capsys.readouterr().out
    for command, status in (
        (["confirm"], 28),
        (["undo"], 28),
        (["transactions", "4"], 28),
        (["undo", "x"], 2),
        (["confirm", "--extend", "x"], 2),
    ):
        assert main(command) == status, command
    assert not state.exists()


def test_without_systemd_the_line_for_cron_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(service, "_SYSTEMD", "/nonexistent")
    assert main(["install-service", "--dry-run"]) == 15
    told = capsys.readouterr().err
    assert "nothing was changed" in told
    assert "@reboot " in told
    assert "crontab -" in told


def test_the_service_is_shown_before_and_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    unit = tmp_path / "unit"
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(service, "_SYSTEMD", str(tmp_path))
    monkeypatch.setattr(service, "_PATH", str(unit))
    monkeypatch.setattr(service, "run_limited", lambda _command, within_s: run_limited(["true"], within_s))
    assert main(["install-service", "--dry-run"]) == 0
    planned = capsys.readouterr().out
    assert planned.startswith("nothing was changed; this would be written and done:\n")
    assert not unit.exists()
    assert main(["install-service"]) == 0
    done = capsys.readouterr().out
    assert done.partition("\n")[2] == planned.partition("\n")[2]
    assert unit.read_text() in done
    assert main(["install-service", "--remove", "--dry-run"]) == 0
    assert unit.exists()
    assert main(["install-service", "--remove"]) == 0
    assert not unit.exists()
    capsys.readouterr()
    assert main(["install-service", "--remove"]) == 0
    assert capsys.readouterr().out.startswith("nothing to remove")
