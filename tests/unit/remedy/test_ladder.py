# SPDX-License-Identifier: GPL-2.0-or-later
"""Both ladders in order, and *prevent* finds the mildest setting that holds, whatever the rule is by which a card hangs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nicmedic.model.finding import RemedyId, Trial, TrialResult
from nicmedic.model.plan import Change, Ladder
from nicmedic.remedy.ladder import (
    Done,
    Earlier,
    Outcome,
    Rung,
    Seen,
    Tried,
    Try,
    choose_next,
    estimate_certainty,
    estimate_hold_h,
    find_wait,
    name_change,
    order_prevent,
    order_restore,
    share_certainty,
)

RESTORE = ("renegotiate", "link-bounce", "driver-rebind", "module-reload", "pci-reset", "pci-rescan")
PREVENT = ("link-advertise-100", "mtu:1400", "ring:tx=128", "eee-off", "offload-off:sg", "offload-off:tso", "offload-off", "aspm-off")


def change(name: str, *, boots: bool = False) -> Change:
    remedy, _, argument = name.partition(":")
    return Change(remedy=RemedyId(remedy), argument=argument, title=name, steps=(), boots=boots)


def trial(remedy: str, result: TrialResult) -> Trial:
    name, _, arguments = remedy.partition(":")
    return Trial(
        remedy=RemedyId(name), arguments=tuple(arguments.split(",")) if arguments else (), result=result, source="s", driver="r8169"
    )


def names(rungs: tuple[Rung, ...]) -> list[str]:
    return [name_change(rung.change) for rung in rungs]


def test_restore_begins_with_the_most_recovery_per_second() -> None:
    rungs = order_restore([change(name) for name in (*RESTORE, "eee-off")])
    assert names(rungs) == ["link-bounce", "driver-rebind", "pci-reset", "module-reload", "renegotiate", "pci-rescan"]
    assert {rung.reason for rung in rungs} == {"nobody told of it with this driver"}
    assert order_restore([change("pci-reset", boots=True)]) == ()


def test_reports_of_the_driver_move_a_rung() -> None:
    trials = [trial("link-bounce", TrialResult.FAILED)] * 8 + [
        trial("driver-rebind", TrialResult.WORKED),
        trial("eee-off", TrialResult.WORKED),
    ]
    rungs = order_restore([change(name) for name in RESTORE], trials)
    assert names(rungs)[0] == "driver-rebind"
    assert rungs[0].reason == "reports of this driver: 1 helped, 0 failed"


def test_what_worked_here_last_is_tried_first_and_what_failed_later() -> None:
    earlier = [
        Earlier(remedy=RemedyId.PCI_RESCAN, ladder=Ladder.RESTORE, worked=True),
        Earlier(remedy=RemedyId.LINK_BOUNCE, ladder=Ladder.RESTORE, worked=False),
        Earlier(remedy=RemedyId.LINK_BOUNCE, ladder=Ladder.RESTORE, worked=False),
        Earlier(remedy=RemedyId.DRIVER_REBIND, ladder=Ladder.PREVENT, worked=True),
    ]
    rungs = order_restore([change(name) for name in RESTORE], (), earlier)
    assert names(rungs)[:2] == ["pci-rescan", "driver-rebind"]
    assert [rung.reason for rung in rungs if rung.change.remedy is RemedyId.LINK_BOUNCE] == ["it failed here before"]


@pytest.mark.parametrize(
    ("seen", "first", "last"),
    [
        (Seen.NO_BUS_MASTER, ["driver-rebind", "pci-reset", "module-reload", "pci-rescan"], {"link-bounce", "renegotiate"}),
        (Seen.LOST, ["pci-reset", "pci-rescan"], {"link-bounce", "renegotiate", "driver-rebind", "module-reload"}),
    ],
)
def test_what_cannot_mend_what_is_seen_comes_last_even_if_it_worked_before(seen: Seen, first: list[str], last: set[str]) -> None:
    earlier = [Earlier(remedy=RemedyId.LINK_BOUNCE, ladder=Ladder.RESTORE, worked=True)]
    rungs = order_restore([change(name) for name in RESTORE], (), earlier, seen)
    assert names(rungs)[: len(first)] == first
    assert {name_change(rung.change) for rung in rungs if rung.reason == seen} == last


def test_prevent_begins_with_the_mildest() -> None:
    rungs = order_prevent([change(name) for name in (*PREVENT, "link-force-100", "power-drain")] + [change("reboot", boots=True)])
    assert names(rungs) == [
        "offload-off:tso",
        "offload-off:sg",
        "offload-off",
        "eee-off",
        "aspm-off",
        "ring:tx=128",
        "mtu:1400",
        "link-advertise-100",
        "power-drain",
    ]


def test_prevent_is_moved_by_reports_and_by_what_happened_here() -> None:
    trials = [
        trial("aspm-off", TrialResult.WORKED),
        trial("offload-off:tso,gso", TrialResult.PARTIAL),
        trial("eee-off", TrialResult.FAILED),
    ]
    earlier = [
        Earlier(remedy=RemedyId.MTU, argument="1400", ladder=Ladder.PREVENT, worked=True),
        Earlier(remedy=RemedyId.OFFLOAD_OFF, argument="tso", ladder=Ladder.PREVENT, worked=False),
        Earlier(remedy=RemedyId.OFFLOAD_OFF, argument="tso", ladder=Ladder.RESTORE, worked=True),
    ]
    rungs = order_prevent([change(name) for name in PREVENT], trials, earlier)
    assert names(rungs)[:2] == ["mtu:1400", "aspm-off"]
    assert names(rungs)[-1] == "offload-off:tso"
    assert [rung.reason for rung in rungs][:2] == ["it worked here before", "reports of this driver: 1 helped, 0 failed"]


def climb(rungs: tuple[Rung, ...], holds: frozenset[frozenset[str]], broken: frozenset[str] = frozenset()) -> tuple[Done, list[Tried]]:
    """Climb to the end on a card that is quiet where all of some set is applied."""
    results: list[Tried] = []
    while True:
        step = choose_next(rungs, results)
        if isinstance(step, Done):
            return step, results
        tried = frozenset(name_change(one) for one in step.changes)
        assert tried not in {result.names for result in results}, "the same is never tried twice"
        outcome = Outcome.BROKE if tried & broken else Outcome.HELD if any(need <= tried for need in holds) else Outcome.HUNG
        results.append(Tried(names=tried, outcome=outcome))
        assert len(results) <= 3 * len(rungs) + 1


FACTORS = order_prevent([change(name) for name in PREVENT])


@pytest.mark.parametrize("name", PREVENT)
def test_a_single_factor_is_found_whatever_it_is(name: str) -> None:
    done, _ = climb(FACTORS, frozenset({frozenset({name})}))
    assert [name_change(one) for one in done.keep] == [name]
    assert name in done.reason


def test_where_nothing_helps_nothing_is_kept() -> None:
    done, results = climb(FACTORS, frozenset())
    assert (done.keep, done.reason) == ((), "not even all together help")
    assert len(results) == len(PREVENT) + 1
    assert climb((), frozenset())[0].keep == ()
    assert climb(FACTORS[:1], frozenset())[0].reason == "nothing that can be set here helps"


def test_after_a_dear_one_that_holds_the_milder_ones_are_tried() -> None:
    remembered = [Earlier(remedy=RemedyId.LINK_ADVERTISE_100, ladder=Ladder.PREVENT, worked=True)]
    rungs = order_prevent([change(name) for name in PREVENT], (), remembered)
    both = frozenset({frozenset({"link-advertise-100"}), frozenset({"eee-off"})})
    done, results = climb(rungs, both)
    assert results[0].names == {"link-advertise-100"}
    assert [name_change(one) for one in done.keep] == ["eee-off"]
    step = choose_next(rungs, results[:1])
    assert isinstance(step, Try)
    assert step.reason == "milder than link-advertise-100, which holds"


def test_what_broke_is_never_used_again() -> None:
    done, results = climb(FACTORS, frozenset({frozenset({"offload-off:tso", "mtu:1400"})}), frozenset({"eee-off"}))
    assert {name_change(one) for one in done.keep} == {"offload-off:tso", "mtu:1400"}
    assert sum("eee-off" in result.names for result in results) == 1


@given(
    needed=st.sets(st.sampled_from(PREVENT), min_size=1),
    broken=st.sets(st.sampled_from(PREVENT), max_size=3),
    order=st.permutations([change(name) for name in PREVENT]),
)
def test_of_factors_that_help_together_only_those_are_kept(needed: set[str], broken: set[str], order: list[Change]) -> None:
    done, _ = climb(order_prevent(order), frozenset({frozenset(needed)}), frozenset(broken))
    assert {name_change(one) for one in done.keep} == (set() if needed & broken else needed)


@given(st.integers(1, 50), st.floats(1, 1000), st.floats(0.5, 0.99))
def test_holding_as_long_as_asked_makes_as_sure_as_asked(hangs: int, hours: float, certainty: float) -> None:
    hold = estimate_hold_h(hangs, hours, certainty)
    assert hold is not None
    assert estimate_certainty(hangs, hours, hold) == pytest.approx(certainty, abs=1e-3)


def test_of_nothing_nothing_is_certain() -> None:
    assert estimate_certainty(0, 1, 1) == estimate_certainty(1, 0, 1) == estimate_certainty(1, 1, 0) == 0
    assert estimate_hold_h(1, 0) is None


def test_attempts_are_limited_and_spaced() -> None:
    bounce = RemedyId.LINK_BOUNCE
    assert find_wait(bounce, [], 1000) is None
    soon = find_wait(bounce, [990.0], 1000)
    assert soon is not None
    assert (soon.until_s, soon.reason) == (1020.0, "link-bounce was tried 10 s ago, and needs 30 s in between")
    often = find_wait(bounce, [100.0 * number for number in range(6)], 1000)
    assert often is not None
    assert often.until_s == 3600.0
    assert "6 times within 60 min" in often.reason
    assert find_wait(bounce, [100.0 * number for number in range(6)], 3600.0) is None
    assert find_wait(RemedyId.EEE_OFF, [10.0], 100.0) is None


def test_a_clock_that_was_set_back_does_not_allow_more() -> None:
    wait = find_wait(RemedyId.LINK_BOUNCE, [5000.0], 1000)
    assert wait is not None
    assert wait.until_s == 1030.0


def test_all_together_that_cannot_be_held_say_nothing() -> None:
    rungs = order_prevent([change(name) for name in PREVENT[:2]])
    alone = [Tried(names=frozenset({name}), outcome=Outcome.HUNG) for name in PREVENT[:2]]
    done = choose_next(rungs, [*alone, Tried(names=frozenset(PREVENT[:2]), outcome=Outcome.BROKE)])
    assert isinstance(done, Done)
    assert done.keep == ()
    assert "not known whether they help" in done.reason


def test_of_many_tries_some_look_as_if_they_proved_something() -> None:
    assert share_certainty(0.9, 0) == share_certainty(0.9, 1) == 0.9
    assert share_certainty(0.9, 2) == pytest.approx(0.81)
