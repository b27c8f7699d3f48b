# SPDX-License-Identifier: GPL-2.0-or-later
"""What the commands that change a machine say before they could: to users, without systemd, with nothing to do."""

from pathlib import Path

import pytest

from nicmedic.cli.main import main
from nicmedic.host import policy_file, service
from nicmedic.host.run import run_limited
from nicmedic.model.policy import Policy, Telling
from nicmedic.remedy.policy import parse_policy

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


@pytest.fixture
def units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of units of a machine whose systemctl always succeeds."""
    folder = tmp_path / "units"
    folder.mkdir()
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(service, "_SYSTEMD", str(tmp_path))
    monkeypatch.setattr(service, "_FOLDER", str(folder))
    monkeypatch.setattr(service, "run_limited", lambda _command, within_s: run_limited(["true"], within_s))
    return folder


def test_the_service_is_shown_before_and_after(units: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["install-service", "--dry-run"]) == 0
    planned = capsys.readouterr().out
    assert planned.startswith("nothing was changed; this would be written and done:\n")
    assert not list(units.iterdir())
    assert main(["install-service"]) == 0
    done = capsys.readouterr().out
    assert done.partition("\n")[2] == planned.partition("\n")[2]
    assert sorted(unit.name for unit in units.iterdir()) == ["nicmedic-recover.service", "nicmedic-watch.service"]
    assert all(unit.read_text() in done for unit in units.iterdir())
    assert main(["install-service", "--remove", "--dry-run"]) == 0
    assert len(list(units.iterdir())) == 2
    assert "systemctl stop nicmedic-watch.service" in capsys.readouterr().out
    assert main(["install-service", "--remove"]) == 0
    assert not list(units.iterdir())
    capsys.readouterr()
    assert main(["install-service", "--remove"]) == 0
    assert capsys.readouterr().out.startswith("nothing to remove")


def test_the_watcher_is_left_out_when_it_is_not_wanted(units: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["install-service", "--no-watch"]) == 0
    assert [unit.name for unit in units.iterdir()] == ["nicmedic-recover.service"]
    assert "nicmedic-watch" not in capsys.readouterr().out


def test_the_watcher_may_write_where_the_policy_wants_its_metrics(
    units: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(policy_file, "read_policy_file", lambda: (Policy(telling=Telling(metrics_file="/srv/metrics/a.prom")), True))
    assert main(["install-service"]) == 0
    assert 'ReadWritePaths="-/srv/metrics"\n' in (units / "nicmedic-watch.service").read_text()


def test_a_policy_that_makes_no_sense_is_told_before_anything_is_installed(
    units: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(policy_file, "read_policy_file", lambda: parse_policy("mode = 1"))
    assert main(["install-service"]) == 16
    assert not list(units.iterdir())


def test_a_watcher_that_does_not_start_is_not_left_behind(
    units: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    called: list[tuple[str, ...]] = []

    def run(command: list[str], within_s: float) -> tuple[int | None, str]:
        called.append(tuple(command))
        return run_limited(["false" if "restart" in command else "true"], within_s)

    monkeypatch.setattr(service, "run_limited", run)
    (units / "nicmedic-recover.service").write_text("as before")
    assert main(["install-service"]) == 27
    told = capsys.readouterr().err
    assert "systemctl restart nicmedic-watch.service: status 1" in told
    assert "journalctl -u nicmedic-watch.service" in told
    assert [(unit.name, unit.read_text()) for unit in units.iterdir()] == [("nicmedic-recover.service", "as before")]
    assert ("systemctl", "disable", "--now", "nicmedic-watch.service") in called
    assert called[-1] == ("systemctl", "daemon-reload")


def test_a_watcher_that_ran_before_runs_again_when_the_new_one_does_not(units: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], within_s: float) -> tuple[int | None, str]:
        fails = "restart" in command and "as before" not in (units / "nicmedic-watch.service").read_text()
        return run_limited(["false" if fails else "true"], within_s)

    monkeypatch.setattr(service, "run_limited", run)
    (units / "nicmedic-watch.service").write_text("as before")
    assert main(["install-service"]) == 27
    assert [(unit.name, unit.read_text()) for unit in units.iterdir()] == [("nicmedic-watch.service", "as before")]
