# SPDX-License-Identifier: GPL-2.0-or-later
"""After an undo the card is read again: what counts as undone, and what is told where it is not."""

import dataclasses

import pytest

from nicmedic.app.undoing import find_begun
from nicmedic.model.errors import ProbesFailedError, RolledBackError, UndoFailedError
from nicmedic.model.finding import RemedyId
from nicmedic.model.host import Host
from nicmedic.model.note import Lack, Note
from nicmedic.model.plan import Setting
from nicmedic.model.step import Run
from nicmedic.model.transaction import State, Word
from nicmedic.ports.hands import Undone
from nicmedic.testing.transactions import FakeHands
from nicmedic.testing.world import World
from tests.unit.app.treatments import change, plan, state, treat


def test_undoing_that_fails_tells_what_is_left_to_type() -> None:
    world = World()
    world.cutting.add(("mtu", "1400"))
    world.broken_script = True
    with pytest.raises(UndoFailedError, match=r"undoing transaction 1 failed as well; mtu is 1400, not 1500") as told:
        treat(world, made=plan(world, change()))
    assert (told.value.machine, told.value.hint) == ("CHANGED", "sh undo.sh")
    assert world.switches == {1}, "the switch tries it once more"


def test_undoing_that_nobody_could_start_tells_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeHands, "undo_transaction", lambda *_: Undone(ok=False, ran=False))
    world = World()
    world.cutting.add(("mtu", "1400"))
    made = plan(world, change(takes_stack=True), put_back=(Run(argv=("ip", "link")),))
    with pytest.raises(UndoFailedError) as told:
        treat(world, made=made)
    assert told.value.hint == "echo 1500 > set/mtu\nip link"


def test_an_undo_that_reads_back_as_something_else_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.cutting.add(("mtu", "1400"))
    with pytest.raises(UndoFailedError, match="mtu is 1400, not 1450"):
        treat(world, made=plan(world, change(before=(Setting(name="mtu", value="1450"),), undo=())))


def test_what_was_begun_stands_in_the_journal() -> None:
    world = World()
    world.refused.add("mtu")
    with pytest.raises(RolledBackError):
        treat(world)
    assert [one.remedy for one in find_begun(world.transactions[1])] == [RemedyId.MTU]


def tell_nothing(host: Host) -> Host:
    """The host while the kernel does not answer, as while a driver resets its card."""
    nics = tuple(dataclasses.replace(nic, mtu=None) for nic in host.nics)
    return dataclasses.replace(host, nics=nics, notes=(Note(what="netlink", why=Lack.STUCK, detail="no answer for 2 s"),))


class Silent(World):
    """No answer comes with the new setting, and from then on the kernel tells nothing for a while."""

    def __init__(self, until_s: float) -> None:
        super().__init__()
        self.until_s = until_s
        self.cutting.add(("mtu", "1400"))

    def read_host(self) -> Host:
        host = super().read_host()
        probed = any(entry.word is Word.PROBED for one in self.transactions.values() for entry in one.entries)
        return tell_nothing(host) if probed and self.uptime_s <= self.until_s else host


def test_a_card_of_which_nothing_is_told_for_a_while_is_read_again() -> None:
    world = Silent(until_s=1040.0)
    with pytest.raises(ProbesFailedError):
        treat(world, made=plan(world, change()))
    assert state(world) is State.UNDONE
    assert world.uptime_s > 1040, "long after it has settled"


def test_what_is_never_told_is_said_to_be_unknown_and_why() -> None:
    world = Silent(until_s=9999.0)
    with pytest.raises(UndoFailedError, match=r"mtu cannot be read, and should be 1500; netlink: no answer for 2 s\Z"):
        treat(world, made=plan(world, change()))
    assert world.uptime_s < 1100


def test_what_the_kernel_does_not_tell_of_a_setting_is_waited_for_before_it_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    asked = world.read_host

    def read() -> Host:
        host = asked()
        return tell_nothing(host) if world.settings["mtu"] == "1400" and world.uptime_s <= 1030 else host

    monkeypatch.setattr(world, "read_host", read)
    assert treat(world, made=plan(world, change())).state is State.CONFIRMED
    assert world.uptime_s > 1030


def test_which_step_of_an_undo_failed_and_why_is_told() -> None:
    world = World()
    world.refused.add("mtu")
    with pytest.raises(UndoFailedError, match=r"failed as well; failed: echo 1500 > set/mtu\Z"):
        treat(world, made=plan(world, change(before=())))
