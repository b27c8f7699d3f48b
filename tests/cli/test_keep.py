# SPDX-License-Identifier: GPL-2.0-or-later
"""What keep, kept, release and verify say before they could do anything: to users, with a wrong command line, with nothing kept."""

import json
from pathlib import Path

import pytest

from nicmedic.cli import edges, keep_edges
from nicmedic.cli.main import main
from nicmedic.cli.release import _restore
from nicmedic.model.errors import NoSuchInterfaceError
from nicmedic.model.keeping import KeptState
from nicmedic.model.plan import Plan
from nicmedic.model.transaction import Confirm, Entry, Transaction, Word
from nicmedic.testing.keeping import FilesWorld, build_keep_edges, list_states
from nicmedic.testing.transactions import build_edges
from nicmedic.testing.world import World
from tests.unit.app.keep.keeping import BACK_ENDS, BEFORE, IDENTITY, INTERFACES, do_keep
from tests.unit.app.keep.test_verify import BAD, Moments, make_edges, make_kept

COMMANDS = (("keep",), ("keep", "nothing0", "--remedy", "mtu:1400"), ("kept",), ("release", "1"), ("verify",), ("verify", "--boot"))

APPLIED = Entry(uptime_s=1.0, time="", boot_id="boot-1", word=Word.APPLIED)


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
        (["release", "1", "--trial", "--accept-stale-boot"], 2, "either, not both"),
        (["release", "1", "--accept-stale-boot"], 31, "nothing is kept under number 1"),
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


@pytest.mark.parametrize("entries", [(APPLIED,), ()])
def test_an_open_transaction_is_named_and_fails_no_unit(
    entries: tuple[Entry, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world, machine = make_kept(), Moments(BAD)
    opened = [Transaction(id=7, plan=Plan(nic=IDENTITY), confirm=Confirm.OPERATOR, timeout_s=60, entries=entries)] if entries else []
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(keep_edges, "build_verify_edges", lambda: make_edges(world, machine, None, None, *opened))
    for command in (["verify"], ["verify", "--boot"]):
        assert main(command) == (0 if opened else 1)
        assert ("transaction 7 on the card is open" in capsys.readouterr().out) is bool(opened)
    assert len(world.kept[1].checks) == (0 if opened else 2)
    main(["verify", "--json"])
    (one,) = json.loads(capsys.readouterr().out)["verified"]
    assert (one["busy"], one["check"]["word"]) == ((True, "unknown") if opened else (False, "drifted"))


@pytest.mark.parametrize(("broken", "status", "mtu", "state"), [(False, 0, "1500", KeptState.RELEASED), (True, 45, "1400", KeptState.KEPT)])
def test_a_trial_says_released_only_when_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, broken: bool, status: int, mtu: str, state: KeptState
) -> None:
    pass_time = World.pass_time
    world, files = World(settings={"mtu": "1400", "power.control": "on"}), FilesWorld(BEFORE)
    do_keep(files)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(edges, "build_host_edges", lambda: build_edges(world))
    monkeypatch.setattr(keep_edges, "build_keep_edges", lambda: build_keep_edges(files, BACK_ENDS))
    if broken:  # found out only after the trial

        def age(self: World, seconds: float) -> None:
            files.read_only.add(INTERFACES)
            pass_time(self, seconds)

        monkeypatch.setattr(World, "pass_time", age)
    assert main(["release", "1", "--trial", "--soak", "20s"]) == status
    assert (world.settings["mtu"], list_states(files)) == (mtu, {1: state})
    assert ("it is released" in capsys.readouterr().err) is not broken


def test_traffic_is_restored_on_the_card_that_is_named() -> None:
    with pytest.raises(NoSuchInterfaceError, match="nothing0"):
        _restore("nothing0")
