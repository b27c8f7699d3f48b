# SPDX-License-Identifier: GPL-2.0-or-later
"""Why a remedy stands where it stands can be told and added up."""

import re
from typing import Any

import pytest

from nicmedic.diagnosis.rank import rank_remedies
from nicmedic.knowledge.values import Advice, Cause, Caution, Clause, Default, DriverKnowledge
from nicmedic.model.finding import Blame, RankedRemedy, RemedyId, Trial, TrialResult

OFFLOAD, ASPM, EEE, REBOOT, BOUNCE = RemedyId.OFFLOAD_OFF, RemedyId.ASPM_OFF, RemedyId.EEE_OFF, RemedyId.REBOOT, RemedyId.LINK_BOUNCE


def trial(remedy: RemedyId, result: str, **changes: object) -> Trial:
    """A report on the driver mynic."""
    values: dict[str, Any] = {"arguments": (), "source": f"{remedy} {result}", "driver": "mynic", "bus": "pci"}
    return Trial(remedy=remedy, result=TrialResult(result), **{**values, **changes})


def driver(*remedies: RemedyId) -> DriverKnowledge:
    """A driver with a list of remedies."""
    return DriverKnowledge(
        name="mynic", names=("mynic",), title="", bus="pci", watchdog_timeo_ms=None, tx_timeout_handler=True, sources=(),
        default=Default(remedies=tuple(Advice(id=remedy) for remedy in remedies)), signals=(), causes=(), trials=(), cautions=(),
    )  # fmt: skip


def cause(*remedies: RemedyId) -> Cause:
    """A cause that asks for remedies."""
    return Cause(
        file="mynic", id="c", title="T", blames=Blame.DRIVER, base=0.0, speaks_for=(), speaks_against=(),
        remedies=tuple(Advice(id=remedy) for remedy in remedies), explains="", settle=(), sources=(),
    )  # fmt: skip


def rank(**changes: object) -> tuple[RankedRemedy, ...]:
    """Ranked with nothing known, unless told otherwise."""
    values: dict[str, Any] = {
        "cause": None,
        "possible": (),
        "driver": driver(),
        "trials": (),
        "chips": (),
        "cautions": (),
        "is_held": lambda _: True,
    }
    return rank_remedies(**{**values, **changes})


def ids(ranked: tuple[RankedRemedy, ...]) -> list[RemedyId]:
    """Their order."""
    return [remedy.id for remedy in ranked]


def test_what_the_cause_asks_for_stands_before_what_the_driver_lists() -> None:
    assert ids(rank(cause=cause(EEE), driver=driver(OFFLOAD, ASPM))) == [EEE, OFFLOAD, ASPM]


def test_a_remedy_that_failed_with_this_driver_falls_behind_one_that_worked() -> None:
    trials = [trial(OFFLOAD, "failed"), trial(OFFLOAD, "failed"), trial(ASPM, "worked"), trial(ASPM, "worked")]
    assert ids(rank(driver=driver(OFFLOAD, ASPM), trials=trials)) == [ASPM, OFFLOAD]


def test_a_report_on_the_same_chip_counts_more() -> None:
    trials = [trial(OFFLOAD, "worked", chip="RTL8168h"), trial(ASPM, "worked", chip="RTL8125B")]
    assert ids(rank(driver=driver(), trials=trials, chips=["RTL8168h/8111h"]))[0] is OFFLOAD
    assert ids(rank(driver=driver(), trials=trials, chips=["RTL8125B"]))[0] is ASPM


def test_reports_on_another_cause_count_less() -> None:
    mine = rank(driver=driver(), cause=cause(ASPM), trials=[trial(ASPM, "worked", cause="c")])
    other = rank(driver=driver(), cause=cause(ASPM), trials=[trial(ASPM, "worked", cause="another")])
    assert mine[0].points > other[0].points


def test_what_everybody_tries_anyway_comes_last() -> None:
    assert ids(rank(cause=cause(REBOOT, BOUNCE, OFFLOAD)))[0] is OFFLOAD


@pytest.mark.parametrize("held", [True, False])
def test_a_caution_takes_points_only_where_its_condition_holds(held: bool) -> None:
    caution = Caution(remedy=OFFLOAD, when=Clause(kernel="<5.4", weight=1.5), text="useless here", source="")
    ranked = rank(driver=driver(OFFLOAD, ASPM), cautions=[caution], is_held=lambda _: held)
    assert ids(ranked) == ([ASPM, OFFLOAD] if held else [OFFLOAD, ASPM])
    told = next(remedy.cautions for remedy in ranked if remedy.id is OFFLOAD)
    assert told == (("useless here",) if held else ())


def test_points_are_the_sum_of_their_reasons() -> None:
    trials = [trial(OFFLOAD, "worked"), trial(OFFLOAD, "partial"), trial(ASPM, "failed"), trial(REBOOT, "worked")]
    for remedy in rank(cause=cause(OFFLOAD, ASPM), driver=driver(ASPM, EEE, REBOOT), trials=trials, possible=[(cause(EEE), 1.0)]):
        told = [re.search(r"\(([+-]\d+\.\d)\)$", reason) for reason in remedy.reasons]
        assert all(told), remedy.reasons
        assert remedy.points == pytest.approx(sum(float(found[1]) for found in told if found), abs=0.06 * len(told))


def test_tallies_are_counted_from_reports_with_their_sources() -> None:
    trials = [
        trial(OFFLOAD, "worked", source="a"),
        trial(OFFLOAD, "failed", source="b"),
        trial(OFFLOAD, "worked", driver="other", source="c"),
    ]
    (ranked,) = rank(trials=trials)
    assert (ranked.worked, ranked.failed, ranked.partial, ranked.sources) == (1, 1, 0, ("a", "b"))


def test_arguments_come_from_the_list_that_counts_most() -> None:
    asked = Cause(
        file="m", id="c", title="T", blames=Blame.DRIVER, base=0.0, speaks_for=(), speaks_against=(), explains="", settle=(), sources=(),
        remedies=(Advice(id=OFFLOAD, arguments=("tx",)),),
    )  # fmt: skip
    listed = DriverKnowledge(
        name="mynic", names=("mynic",), title="", bus="pci", watchdog_timeo_ms=None, tx_timeout_handler=True, sources=(), signals=(),
        default=Default(remedies=(Advice(id=OFFLOAD, arguments=("tso",)),)), causes=(), trials=(), cautions=(),
    )  # fmt: skip
    assert rank(cause=asked, driver=listed)[0].arguments == ("tx",)
    assert rank(driver=listed)[0].arguments == ("tso",)
