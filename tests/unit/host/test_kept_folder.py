# SPDX-License-Identifier: GPL-2.0-or-later
"""What is kept comes back from disk as it was written, byte for byte; what is damaged or half made does not take the rest along."""

import dataclasses
from pathlib import Path

import pytest

from nicmedic.cli.leftovers import has_open_kept
from nicmedic.host.kept_folder import HostKept, find_kept_folder
from nicmedic.model.errors import BusyError, StateError
from nicmedic.model.finding import RemedyId
from nicmedic.model.keeping import Check, CheckWord, FileEdit, Kept, KeptState, MadeFor, OnDrift, Placement, Wish
from nicmedic.model.nic import Bus
from nicmedic.model.plan import Identity, Setting
from nicmedic.model.step import Run, Write

KEPT = Kept(
    id=1,
    nic=Identity(interface="eth\udcff", bus=Bus.PCI, sysfs_path="/sys/devices/pci0/0000:02:00.0"),
    wishes=(
        Wish(
            remedy=RemedyId.MTU,
            argument="1400",
            settings=(Setting(name="mtu", value="1400"),),
            steps=(Run(argv=("ip", "link", "set", "dev", "\0", "mtu", "1400")), Write(path="/sys/x", text="1")),
            before=(Setting(name="mtu", value="1500"),),
            lift=(Write(path="/sys/x", text="0"),),
        ),
    ),
    placements=(
        Placement(back_end="none", settings=(), edits=()),
        Placement(
            back_end="ifupdown",
            settings=("mtu",),
            edits=(FileEdit(path="/etc/a", before=b"\xff\r\n", after=b""), FileEdit(path="/etc/b", before=None, after=b"b", mode=0o600)),
            refresh=(("update-grub",),),
            takes_hold="at the next boot",
            notes=("x",),
        ),
    ),
    made_for=MadeFor(driver="r8169"),
    on_drift=OnDrift.REPAIR,
    kept_at="2026-11-23T06:00:00+00:00",
    state=KeptState.WRITING,
    transaction=7,
    folders=("/etc/c",),
)
CHECK = Check(time="now", boot_id="b", kernel_package=None, word=CheckWord.DRIFTED, differences=("mtu is 1500, not 1400",), occasion="boot")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HostKept:
    monkeypatch.setenv("NICMEDIC_STATE", str(tmp_path))
    return HostKept()


def test_what_is_written_comes_back(store: HostKept, tmp_path: Path) -> None:
    assert find_kept_folder() == f"{tmp_path}/kept"
    assert (store.list_kept(), store.find_next_number()) == ((), 1)
    made = store.create_kept(KEPT)
    assert made == dataclasses.replace(KEPT, folder=f"{tmp_path}/kept/1")
    assert store.list_kept() == (made,)
    assert store.find_next_number() == 2
    assert (tmp_path / "kept/1").stat().st_mode & 0o7777 == 0o700
    assert {each.name for each in (tmp_path / "kept/1").iterdir()} == {"kept.json", "0.before", "0.after", "1.after"}


def test_what_is_half_done_is_seen_by_its_first_bytes(store: HostKept) -> None:
    assert not has_open_kept()
    kept = store.create_kept(KEPT)
    for state, is_open in zip(KeptState, (True, False, True, False), strict=True):
        kept = store.save_kept(dataclasses.replace(kept, state=state))
        assert (has_open_kept(), store.list_kept()[0].state) == (is_open, state)


def test_checks_are_added_and_the_oldest_go(store: HostKept) -> None:
    kept = store.create_kept(KEPT)
    for number in range(130):
        kept = store.add_check(kept, dataclasses.replace(CHECK, time=str(number)))
    assert store.list_kept()[0].checks == kept.checks
    assert 50 <= len(kept.checks) <= 100
    assert kept.checks[-1].time == "129"


def test_a_torn_check_is_passed_over(store: HostKept) -> None:
    kept = store.add_check(store.create_kept(KEPT), CHECK)
    with Path(kept.folder, "checks").open("ab") as file:
        file.write(b'{"time": "x", "boot_')
    assert store.list_kept()[0].checks == (CHECK,)
    store.add_check(kept, CHECK)
    assert store.list_kept()[0].checks == (CHECK, CHECK)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"state": "odd"}', "[" * 100_000])
def test_one_that_is_damaged_does_not_take_the_others_along(store: HostKept, text: str) -> None:
    kept = store.create_kept(KEPT)
    store.create_kept(dataclasses.replace(KEPT, id=2))
    Path(kept.folder, "kept.json").write_text(text, encoding="ascii")
    assert [one.id for one in store.list_kept()] == [2]
    (told,) = store.list_damaged()
    assert f"{kept.folder}/kept.json: damaged: " in told


def test_what_was_put_aside_keeps_its_number(store: HostKept) -> None:
    kept = store.create_kept(dataclasses.replace(KEPT, id=4))
    Path(kept.folder).rename(f"{kept.folder}.damaged")
    assert (store.list_kept(), store.find_next_number()) == ((), 5)


def test_missing_bytes_are_damage(store: HostKept) -> None:
    kept = store.create_kept(KEPT)
    Path(kept.folder, "0.before").unlink()
    assert store.list_kept() == ()
    assert "0.before is missing" in store.list_damaged()[0]


def test_what_is_removed_was_never_there(store: HostKept, tmp_path: Path) -> None:
    store.remove_kept(store.create_kept(KEPT))
    assert list((tmp_path / "kept").iterdir()) == []
    with pytest.raises(StateError):
        store.remove_kept(dataclasses.replace(KEPT, folder=f"{tmp_path}/kept/9"))


def test_half_made_ones_of_the_dead_are_swept_away(store: HostKept, tmp_path: Path) -> None:
    (tmp_path / "kept/.new-999999999-1").mkdir(parents=True)
    assert has_open_kept()
    assert store.list_kept() == ()
    assert not has_open_kept()


def test_of_the_released_the_last_twenty_stay(store: HostKept) -> None:
    for number in range(1, 25):
        kept = store.create_kept(dataclasses.replace(KEPT, id=number))
        store.save_kept(dataclasses.replace(kept, state=KeptState.RELEASED))
    store.create_kept(dataclasses.replace(KEPT, id=25))
    assert [one.id for one in store.list_kept()] == [*range(5, 26)]


def test_two_do_not_hold_the_lock(store: HostKept, tmp_path: Path) -> None:
    other = HostKept(f"{tmp_path}/kept")
    with store.hold_lock(), pytest.raises(BusyError, match="another nicmedic keeps or releases"), other.hold_lock(patience_s=0.1):
        raise AssertionError
    with store.hold_lock(patience_s=0.0):
        pass
