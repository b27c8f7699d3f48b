# SPDX-License-Identifier: GPL-2.0-or-later
"""After an undo the card is read again: what counts as undone, and what is told where it is not."""

import pytest

from nicmedic.app.undoing import find_begun
from nicmedic.model.errors import RolledBackError, UndoFailedError
from nicmedic.model.finding import RemedyId
from nicmedic.model.plan import Setting
from nicmedic.model.step import Run
from nicmedic.ports.hands import Undone
from nicmedic.testing.transactions import FakeHands
from nicmedic.testing.world import World
from tests.unit.app.treatments import change, plan, treat


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
