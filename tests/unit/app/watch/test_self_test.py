# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether watching would work."""

from nicmedic.app.watch.self_test import try_senses
from nicmedic.model.policy import Mode, NicPolicy, Policy
from nicmedic.model.self_test import SelfTest
from nicmedic.testing.clock import FakeClock
from nicmedic.testing.simulated import SimulatedCard
from nicmedic.testing.watching import FakeSenses


def run(senses: FakeSenses, clock: FakeClock, mode: Mode = Mode.OBSERVE, asked: list[bool] | None = None) -> SelfTest:
    def find_faults(acts: bool) -> tuple[str, ...]:
        if asked is not None:
            asked.append(acts)
        return ("x",) if acts else ()

    return try_senses(senses, clock, Policy(default=NicPolicy(mode=mode)), path="/p", found=True, find_faults=find_faults)


def test_a_card_that_works() -> None:
    clock = FakeClock()
    card = SimulatedCard()
    senses = FakeSenses(clock, [card])
    senses.kernel_log, senses.blind_spots = b"x\n", ("none",)
    test = run(senses, clock)
    assert test.faults == ()
    assert test.blind_spots == ("none",)
    (one,) = test.cards
    assert (one.readable, one.has_bql, one.gateway) == (True, True, True)


def test_a_gateway_that_does_not_answer_is_waited_for_a_second() -> None:
    clock = FakeClock()
    card = SimulatedCard(has_bql=False)
    card.gateway_answers = False
    senses = FakeSenses(clock, [card])
    senses.kernel_log = b"x\n"
    (one,) = run(senses, clock).cards
    assert (one.has_bql, one.gateway) == (False, False)
    senses.has_gateway = False
    assert run(senses, clock).cards[0].gateway is None


def test_what_it_cannot_do_its_work_without() -> None:
    clock = FakeClock()
    asked: list[bool] = []
    faults = run(FakeSenses(clock, []), clock, asked=asked).faults
    assert len(faults) == 2
    assert "no card to watch" in faults[0]
    assert "kernel log" in faults[1]
    senses = FakeSenses(clock, [SimulatedCard()])
    senses.kernel_log = b"x\n"
    assert run(senses, clock, Mode.RESTORE, asked).faults == ("x",)
    senses.read_sample = lambda _interface: None  # type: ignore[method-assign, assignment]  # gone that moment
    assert run(senses, clock).faults == ("eth0: its counters cannot be read",)
    assert asked == [False, True]
