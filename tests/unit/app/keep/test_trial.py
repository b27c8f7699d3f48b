# SPDX-License-Identifier: GPL-2.0-or-later
"""A kept remedy is lifted under the switch: it holds, it hangs again, it is interrupted, we die; the remedy is in force wherever it did not hold."""

import contextlib
import dataclasses

import pytest

from nicmedic.app.decide import confirm_transaction, undo_transaction
from nicmedic.app.keep.edges import KeepEdges, find_trial
from nicmedic.app.keep.needed import note_needed
from nicmedic.app.keep.recover import recover_kept
from nicmedic.app.keep.release import release
from nicmedic.app.keep.trial import Lifted, Trial, try_without
from nicmedic.model.errors import (
    KeepFailedError,
    NicmedicError,
    NoSuchInterfaceError,
    NotConfirmedError,
    ProbesFailedError,
    RefusedError,
    RolledBackError,
    UndoFailedError,
)
from nicmedic.model.host import Host
from nicmedic.model.keeping import CheckWord, KeptState, MadeFor
from nicmedic.model.transaction import ProbeState, State, find_state
from nicmedic.persist.expiry import find_expiry
from nicmedic.testing.keeping import FilesWorld, build_keep_edges, list_states
from nicmedic.testing.transactions import FakeProber, build_edges
from nicmedic.testing.world import Killed, Process, World
from tests.unit.app.keep.keeping import BACK_ENDS, BEFORE, INTERFACES, do_keep, mtu_wish

KEPT_SETTINGS = {"mtu": "1400", "power.control": "on"}
NEW = "6.1.150-1"
"""Another kernel than it was kept for."""
LIFTED = {"mtu": "1500", "power.control": "auto"}


class Moody(World):
    """Does something at a moment."""

    def __init__(self, at_s: float | None = None, what: str = "hang") -> None:
        super().__init__(settings=KEPT_SETTINGS)
        self.at_s = None if at_s is None else self.uptime_s + at_s
        self.what = what
        self.files = FilesWorld(BEFORE)
        do_keep(self.files)

    def pass_time(self, seconds: float) -> None:
        super().pass_time(seconds)
        if self.at_s is None or self.uptime_s < self.at_s:
            return
        self.at_s = None
        if self.what.startswith("hang"):
            self.cutting.add(("mtu", "1500"))
            self.files.holder = Process() if self.what == "hang while somebody keeps" else None
        elif self.what == "stay hung":
            self.deaf = True
        elif self.what == "renew":
            self.ifindex += 1
        elif self.what == "ctrl-c":
            raise KeyboardInterrupt
        elif self.what == "bug":
            raise ZeroDivisionError
        elif self.what == "confirm":
            confirm_transaction(build_edges(self), 1, out_of_band=True)
        elif self.what == "undo":
            undo_transaction(build_edges(self), 1)
        elif self.what == "release":
            release(keeping_of(self, self.files), 1, lambda _: None)
        elif self.what == "force":
            self.files.kept[1] = dataclasses.replace(self.files.kept[1], state=KeptState.RELEASED)
            self.cutting.add(("mtu", "1500"))
        elif self.what == "edit":
            self.files.files[INTERFACES] = self.files.files[INTERFACES].replace(b"mtu=1400", b"mtu=1450")


def keeping_of(world: World, files: FilesWorld, process: Process | None = None) -> KeepEdges:
    edges = build_keep_edges(files, BACK_ENDS, process)
    return dataclasses.replace(edges, find_trial=lambda number: find_trial(world.transactions.values(), number))


class Restoring:
    """``Trial.restore``."""

    def __init__(self, world: World, error: BaseException | None = None) -> None:
        self.world, self.error = world, error
        self.asked: list[str] = []

    def __call__(self, interface: str) -> None:
        self.asked.append(interface)
        if self.error is not None:
            raise self.error
        self.world.deaf = False


def lift(world: Moody, process: Process | None = None, soak_s: float = 300, restore: Restoring | None = None) -> Lifted:
    trial = Trial(soak_s=soak_s, restore=restore or Restoring(world, AssertionError("not asked for")), show=lambda _: None)
    edges, host = build_edges(world, process), dataclasses.replace(world.read_host(), kernel_package=NEW, kernel_release="6.1.0-41-amd64")
    return try_without(edges, keeping_of(world, world.files, process), world.files.kept[1], host, trial)


def test_what_holds_without_it_is_confirmed_and_released() -> None:
    world = Moody()
    began = world.uptime_s
    lifted = lift(world)
    assert world.settings == LIFTED
    assert (lifted.released.kept.state, world.files.files) == (KeptState.RELEASED, BEFORE)
    assert world.uptime_s - began >= 300
    assert lifted.finished.state is State.CONFIRMED
    assert lifted.finished.transaction.plan.lifts == 1
    world.pass_time(500)
    assert world.settings == LIFTED


def test_what_hangs_again_is_set_again() -> None:
    world = Moody(60)
    with pytest.raises(ProbesFailedError, match=r"without it the card hangs: .*; the remedy is in force again, and 1 stays kept"):
        lift(world)
    assert world.settings == KEPT_SETTINGS
    assert list_states(world.files) == {1: KeptState.KEPT}


def expiry_of(world: Moody) -> str | None:
    """With the kernel of the trial."""
    return find_expiry(world.files.kept[1], Host(kernel_package=NEW, kernel_release="6.1.0-41-amd64"), None)


def test_a_hang_shows_that_it_is_needed_with_the_kernel_that_runs() -> None:
    world = Moody(60)
    assert expiry_of(world) == "kept for kernel 6.1.148-1, this is 6.1.150-1"
    with pytest.raises(ProbesFailedError, match=r"1 stays kept; it is needed with kernel 6\.1\.150-1\Z"):
        lift(world)
    kept = world.files.kept[1]
    assert kept.made_for == MadeFor(driver="r8169", chip="10ec:8168", kernel_package=NEW, kernel_release="6.1.0-41-amd64")
    assert expiry_of(world) is None
    (check,) = kept.checks
    assert (check.word, check.occasion, check.kernel_package, check.differences) == (CheckWord.IN_FORCE, "trial", NEW, ())
    assert check.note.startswith("still needed with kernel 6.1.150-1: without it the card hung: ")


@pytest.mark.parametrize("what", ["ctrl-c", "bug", "undo", "release", "edit", "force", "renew"])
def test_what_ended_otherwise_shows_nothing(what: str) -> None:
    world = Moody(60, what)
    with pytest.raises(NicmedicError, match=r"in force again"):
        lift(world)
    assert (world.files.kept[1].made_for.kernel_package, world.files.kept[1].checks) == ("6.1.148-1", ())


def test_without_a_known_kernel_the_one_that_it_was_kept_for_stands() -> None:
    world = Moody()
    note_needed(keeping_of(world, world.files), 1, Host(boot_id="boot-1"), "it stands still")
    kept = world.files.kept[1]
    assert (kept.made_for.kernel_package, kept.made_for.driver, len(kept.checks)) == ("6.1.148-1", "r8169", 1)
    world.files.kept[1] = dataclasses.replace(kept, state=KeptState.RELEASING)
    note_needed(keeping_of(world, world.files), 1, Host(kernel_package=NEW), "it stands still")
    assert (world.files.kept[1].made_for, len(world.files.kept[1].checks)) == (kept.made_for, 1)


def test_that_it_is_needed_may_fail_to_be_written_down() -> None:
    world = Moody(60, "hang while somebody keeps")
    with pytest.raises(ProbesFailedError, match=r"that it is needed with kernel 6\.1\.150-1 cannot be written down: held for 0 s"):
        lift(world)
    assert (world.settings, world.files.kept[1].checks) == (KEPT_SETTINGS, ())


def test_a_card_that_stays_hung_with_the_remedy_is_restored() -> None:
    world = Moody(60, "stay hung")
    restore = Restoring(world)
    with pytest.raises(
        ProbesFailedError, match="1 stays kept; traffic did not come back with it, and was restored; it is needed with kernel"
    ):
        lift(world, restore=restore)
    assert (restore.asked, world.answers, world.settings) == (["eth0"], True, KEPT_SETTINGS)


@pytest.mark.parametrize("error", [RefusedError("no rung", hint="nicmedic plan eth0"), KeyboardInterrupt(), ZeroDivisionError()])
def test_that_traffic_is_down_is_never_left_out(error: BaseException) -> None:
    world = Moody(60, "stay hung")
    with pytest.raises(UndoFailedError, match="1 stays kept, but traffic is NOT seen to flow: ") as caught:
        lift(world, restore=Restoring(world, error))
    assert caught.value.hint.endswith("nicmedic treat eth0 --ladder restore   # again")
    assert world.settings == KEPT_SETTINGS
    assert world.files.kept[1].checks == (), "the fault may be beyond the card, and no kernel's"


def test_a_card_that_hangs_while_it_is_lifted_is_restored_too() -> None:
    world = Moody(1, "stay hung")
    with pytest.raises(RolledBackError, match=r"as it was before transaction 1: .*; traffic did not come back with it, and was restored"):
        lift(world, restore=Restoring(world))
    assert (world.answers, world.settings) == (True, KEPT_SETTINGS)


def test_without_proof_of_traffic_there_is_no_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    world = Moody()
    world.deaf = True
    with pytest.raises(RefusedError, match="traffic does not flow with the remedy in force") as caught:
        lift(world)
    assert caught.value.hint.startswith("nicmedic treat eth0 --ladder restore")
    monkeypatch.setattr(FakeProber, "known", False)
    with pytest.raises(RefusedError, match="no probe shows that traffic flows") as caught:
        lift(world)
    assert caught.value.hint.startswith("nicmedic release 1 --trial --probe ping:ADDRESS")
    assert (world.settings, world.transactions) == (KEPT_SETTINGS, {})


def test_time_in_which_nothing_shows_traffic_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """An idle card that hangs shows in no counter."""
    world = Moody()
    began = world.uptime_s

    def blind(self: FakeProber, probe: str) -> ProbeState:
        return ProbeState.UNKNOWN if self.world.uptime_s > began + 60 else look(self, probe)

    look = FakeProber._look
    monkeypatch.setattr(FakeProber, "_look", blind)
    with pytest.raises(NotConfirmedError, match=r"for 300 s nothing has shown that traffic flows; .* nothing shows whether traffic flows"):
        lift(world, soak_s=120)
    assert (world.settings, list_states(world.files)) == (KEPT_SETTINGS, {1: KeptState.KEPT})


@pytest.mark.parametrize("moment", ["before", "busy", "program"])
def test_what_cannot_be_released_brings_the_remedy_back(moment: str) -> None:
    world = Moody(60, "edit" if moment == "before" else "nothing")
    if moment == "program":
        world.files.refusing.add(("refresh-lines", "-a"))
    if moment == "busy":
        world.files.holder = Process()
    with pytest.raises(
        (KeepFailedError, UndoFailedError), match=r"the card held without it, but it could not be released: .* in force again"
    ):
        lift(world)
    assert world.settings == KEPT_SETTINGS
    assert world.files.kept[1].state is not KeptState.RELEASED


def test_nobody_releases_what_is_being_tried() -> None:
    world = Moody(60, "release")
    with pytest.raises(NotConfirmedError, match=r"1 is lifted for a trial this moment \(transaction 1\)"):
        lift(world)
    assert (world.settings, list_states(world.files)) == (KEPT_SETTINGS, {1: KeptState.KEPT})


def test_what_was_released_all_the_same_is_not_told_to_be_kept() -> None:
    world = Moody(60, "force")
    with pytest.raises(ProbesFailedError, match="in force again, and 1 is released, so it lasts until the next boot"):
        lift(world)


@pytest.mark.parametrize(("what", "told"), [("ctrl-c", "interrupted"), ("bug", "ZeroDivisionError"), ("undo", "somebody else ended it")])
def test_whatever_interrupts_it_the_remedy_is_set_again(what: str, told: str) -> None:
    world = Moody(60, what)
    with pytest.raises(NotConfirmedError, match=told):
        lift(world)
    assert world.settings == KEPT_SETTINGS


def test_another_login_may_decide_that_it_stays_lifted() -> None:
    world = Moody(60, "confirm")
    with pytest.raises(NotConfirmedError, match="lifted until the next boot; 1 stays kept"):
        lift(world)
    assert world.settings == LIFTED


def test_what_cannot_be_set_again_is_told() -> None:
    world = Moody(60)
    world.broken_script = True
    with pytest.raises(UndoFailedError, match="setting the remedy again failed"):
        lift(world)


def test_killed_anywhere_the_switch_sets_it_again_unless_it_held() -> None:
    calls = Process()
    lift(Moody(), calls, 20)
    for call in range(len(calls.calls) + 1):
        world = Moody()
        with contextlib.suppress(Killed):
            lift(world, Process(kill_at=call), 20)
        world.pass_time(4000)
        confirmed = any(find_state(one) is State.CONFIRMED for one in world.transactions.values())
        assert world.settings == (LIFTED if confirmed else KEPT_SETTINGS)
        recover_kept(build_keep_edges(world.files, BACK_ENDS))
        state = world.files.kept[1].state
        assert state in {KeptState.KEPT, KeptState.RELEASED}
        assert not confirmed or state is KeptState.RELEASED
        assert (world.files.files == BEFORE) is (state is KeptState.RELEASED)


def test_what_cannot_be_lifted_is_refused() -> None:
    world = Moody()
    edges, host, kept = build_edges(world), world.read_host(), world.files.kept[1]
    keeping, trial = keeping_of(world, world.files), Trial(soak_s=20, restore=Restoring(world), show=lambda _: None)
    of_boot = dataclasses.replace(kept, wishes=(dataclasses.replace(mtu_wish(), lift=()),))
    with pytest.raises(RefusedError, match="mtu:1400 cannot be lifted on the running host"):
        try_without(edges, keeping, of_boot, host, trial)
    with pytest.raises(RefusedError, match=r"not in force now \(mtu is 1400, not 1300\)") as caught:
        try_without(edges, keeping, dataclasses.replace(kept, wishes=(mtu_wish("1300"),)), host, trial)
    assert caught.value.hint == "nicmedic release 1   # without a trial"
    world.present = False
    with pytest.raises(NoSuchInterfaceError, match="the card is not there"):
        try_without(edges, keeping, kept, world.read_host(), trial)


def test_a_silence_beyond_the_card_does_not_count_and_ends_it_at_last(monkeypatch: pytest.MonkeyPatch) -> None:
    from nicmedic.app import hang_watch

    monkeypatch.setattr(hang_watch, "frames_leave", lambda _results: True)
    world = Moody(60)
    with pytest.raises(NotConfirmedError, match="the fault may be beyond the card"):
        lift(world)
    assert world.settings == KEPT_SETTINGS
