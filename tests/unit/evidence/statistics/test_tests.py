# SPDX-License-Identifier: GPL-2.0-or-later
"""The exact tests: against other programs where they have them, by hand where they have not, and never too sure where nothing is to be found."""

import itertools
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from nicmedic.evidence.compare import is_proven
from nicmedic.evidence.statistics.boots import Table, choose_horizon, compare_boots, compare_shares, count_boots
from nicmedic.evidence.statistics.rates import Exposure, add_up, compare_rates, estimate_ratio
from nicmedic.evidence.statistics.spell import Arm, Spell, tell_outages
from nicmedic.evidence.statistics.survival import compare_survival, estimate_survival, score_spells


def spells(text: str) -> list[Spell]:
    """``c9 s0.1x o3``: nine hours of the control, a hang of the suspect after 0.1 h, three hours of something else."""
    arms = {"c": Arm.CONTROL, "s": Arm.SUSPECT, "o": Arm.OTHER}
    return [Spell(arm=arms[word[0]], hours=float(word[1:].rstrip("x")), hung=word.endswith("x")) for word in text.split()]


STORY = "c310 c520 c620 c800 c850 s0.15x s0.17x s0.14x"


def test_a_spell_has_no_negative_time() -> None:
    with pytest.raises(ValueError, match="-1"):
        spells("c-1")


@pytest.mark.parametrize(
    ("text", "opens", "carried"),
    [
        (STORY, "5", ""),
        ("c10x s5x s7x", "012", ""),
        ("c10x s0.2x s0.3x s9 s0.2x", "04", "12"),
        ("c10x c0.1x c0.1x", "0", ""),
        ("s10x c0.1x c0.2x s0.1x", "01", "3"),
        ("s10x c0.1 s0.1x", "0", ""),
        ("o10x s0.1x", "0", "1"),
        ("s0.1x", "0", ""),
    ],
)
def test_outages_go_on_over_reboots_and_only_the_suspect_gains_nothing_by_it(text: str, opens: str, carried: str) -> None:
    told = list(tell_outages(spells(text)))
    assert "".join(str(place) for place, one in enumerate(told) if one.opens) == opens
    assert "".join(str(place) for place, one in enumerate(told) if one.carried) == carried


def test_hours_within_an_outage_are_no_exposure() -> None:
    told = list(tell_outages(spells("c10x c0.5x c4 s3x s0.1x")))
    assert add_up(told, Arm.CONTROL) == Exposure(outages=1, hours=14.0)
    assert add_up(told, Arm.SUSPECT) == Exposure(outages=1, hours=3.0)


@given(st.integers(0, 40), st.integers(0, 40), st.floats(0.1, 1e5), st.floats(0.1, 1e5))
def test_the_rate_test_is_the_binomial_one_of_scipy(old: int, new: int, old_h: float, new_h: float) -> None:
    control, suspect = Exposure(outages=old, hours=old_h), Exposure(outages=new, hours=new_h)
    found = compare_rates(control, suspect)
    wanted = 1.0 if old + new == 0 else stats.binomtest(new, old + new, new_h / (old_h + new_h), alternative="greater").pvalue
    assert found == pytest.approx(wanted, rel=1e-7, abs=1e-12)


def test_without_exposure_there_is_nothing_to_compare() -> None:
    none, some = Exposure(outages=0, hours=0.0), Exposure(outages=1, hours=5.0)
    assert compare_rates(none, some) is compare_rates(some, none) is None
    assert estimate_ratio(none, some) is estimate_ratio(some, none) is None
    assert estimate_ratio(Exposure(outages=0, hours=1.0), Exposure(outages=0, hours=1.0)) is None


def test_the_ratio_has_no_upper_end_where_the_control_never_hung() -> None:
    found = estimate_ratio(Exposure(outages=0, hours=100.0), Exposure(outages=3, hours=1.0))
    assert found is not None
    assert found.high is None
    assert found.value == found.low == pytest.approx(100 * 0.2924 / (1 - 0.2924), rel=1e-3)


def test_the_ratio_holds_the_true_one() -> None:
    found = estimate_ratio(Exposure(outages=4, hours=100.0), Exposure(outages=8, hours=100.0))
    assert found is not None
    assert (found.value, found.low < 2.0 < (found.high or 0)) == (2.0, True)
    none = estimate_ratio(Exposure(outages=4, hours=100.0), Exposure(outages=0, hours=100.0))
    assert none is not None
    assert (none.value, none.low) == (0.0, 0.0)


@settings(max_examples=25)
@given(st.integers(1, 7), st.integers(1, 7), st.data())
def test_boschloos_test_is_scipys(control: int, suspect: int, data: st.DataObject) -> None:
    x, y = data.draw(st.integers(0, control)), data.draw(st.integers(1, suspect))
    found = compare_shares(Table(within_h=1.0, control_hung=x, control=control, suspect_hung=y, suspect=suspect))
    wanted = stats.boschloo_exact([[y, x], [suspect - y, control - x]], alternative="greater", n=128).pvalue
    assert found == pytest.approx(wanted, rel=2e-3)


def test_a_table_of_many_boots_is_fishers() -> None:
    found = compare_shares(Table(within_h=1.0, control_hung=20, control=200, suspect_hung=40, suspect=200))
    assert found == pytest.approx(stats.fisher_exact([[40, 20], [160, 180]], alternative="greater").pvalue)


@pytest.mark.parametrize("table", [(0, 5, 0, 3), (0, 0, 3, 3)])
def test_a_table_without_the_one_or_the_other_says_nothing(table: tuple[int, int, int, int]) -> None:
    hung, control, bad, suspect = table
    assert compare_shares(Table(within_h=1.0, control_hung=hung, control=control, suspect_hung=bad, suspect=suspect)) == 1.0


@pytest.mark.parametrize(
    ("text", "within_h", "table"),
    [
        (STORY, 310.0, (0, 5, 3, 3)),
        ("c0.2 c9 c8 s0.1x s0.1 s20x", 8.0, (0, 2, 1, 3)),
        ("c0.2x c9 s0.1x", 0.2, (1, 2, 1, 1)),
        ("c9 c10 c11 c12 c13 c14 c15 c16 s5x", 10.0, (0, 7, 1, 1)),
        ("c5x c9 s5x", 5.0, (1, 2, 1, 1)),
    ],
)
def test_doubtful_boots_are_counted_against_the_claim(text: str, within_h: float, table: tuple[int, int, int, int]) -> None:
    made = spells(text)
    found = count_boots([one for one in made if one.arm is Arm.CONTROL], [one for one in made if one.arm is Arm.SUSPECT])
    assert found is not None
    assert (found.within_h, (found.control_hung, found.control, found.suspect_hung, found.suspect)) == (within_h, table)


def test_short_quiet_boots_alone_give_no_horizon() -> None:
    assert choose_horizon(spells("c0.5 c0.9")) is None
    assert count_boots(spells("c0.5"), spells("s0.1x")) is None
    told = list(tell_outages(spells("c0.5 c0.9 s0.1x s0.1x")))
    assert compare_boots(told) == pytest.approx(1 / 6)  # of the order alone


def test_an_arm_without_boots_cannot_be_compared() -> None:
    for text in ("c5 c6", "s5x", "c10x s0.1x"):
        told = list(tell_outages(spells(text)))
        assert compare_boots(told) is None
        assert compare_survival(told) is None


def test_the_story_by_hand() -> None:
    """Three of eight boots are bad, and they are the last three: 1 of 56 deals; unconditionally (3/8)^3 (5/8)^5."""
    told = list(tell_outages(spells(STORY)))
    assert compare_survival(told) == pytest.approx(1 / 56)
    assert compare_boots(told) == pytest.approx((3 / 8) ** 3 * (5 / 8) ** 5)


def test_of_many_boots_both_tests_are_asked_at_half_the_error() -> None:
    told = list(tell_outages(spells(" ".join(["c50 c60x"] * 4 + ["s2x s70"] * 4))))
    table = count_boots(
        [one.spell for one in told if one.spell.arm is Arm.CONTROL], [one.spell for one in told if one.spell.arm is Arm.SUSPECT]
    )
    assert table is not None
    assert compare_boots(told, 0.0001) == pytest.approx(0.0002)
    assert compare_boots(told, 1.0) == compare_boots(told, 0.0001, enough=1.0) == pytest.approx(2 * compare_shares(table))


def test_the_estimate_is_near_the_dealt_one() -> None:
    told = list(tell_outages(spells(" ".join(["c50 c60x"] * 4 + ["s20x s70"] * 6))))
    assert estimate_survival(told) == pytest.approx(compare_survival(told), abs=0.05)
    assert estimate_survival(list(tell_outages(spells("c1x c2x s5 s6")))) == 1.0
    assert estimate_survival(list(tell_outages(spells("c5 c6")))) is None


def test_a_quiet_suspect_is_no_suspect() -> None:
    assert compare_survival(list(tell_outages(spells("c1x c2x s5 s6")))) == 1.0


@settings(max_examples=40)
@given(st.lists(st.tuples(st.floats(0.1, 100.0), st.booleans()), min_size=2, max_size=14))
def test_scores_add_up_to_nothing(boots: list[tuple[float, bool]]) -> None:
    made = [Spell(arm=Arm.CONTROL, hours=hours, hung=hung) for hours, hung in boots]
    assert math.fsum(score_spells(made)) == pytest.approx(0.0, abs=1e-9)


def test_the_statistic_is_that_of_the_log_rank_test() -> None:
    """Observed less expected, as scipy's has it before it divides by the spread."""
    control, suspect = [(9.0, True), (13.0, True), (13.0, False), (18.0, True)], [(5.0, True), (8.0, True), (12.0, True), (23.0, True)]
    made = [Spell(arm=Arm.CONTROL, hours=hours, hung=hung) for hours, hung in control]
    made += [Spell(arm=Arm.SUSPECT, hours=hours, hung=hung) for hours, hung in suspect]
    ours = math.fsum(score_spells(made)[4:])
    events = sorted({one.hours for one in made if one.hung})
    expected = sum(
        sum(one.hung and one.hours == at for one in made) * sum(one.hours >= at for one in made[4:]) / sum(one.hours >= at for one in made)
        for at in events
    )
    assert ours == pytest.approx(4 - expected)


@pytest.mark.parametrize("suspects", [8, 14])
def test_many_boots_are_dealt_out_at_random_and_close_to_the_truth(suspects: int) -> None:
    chance = random.Random(3)
    made = [Spell(arm=Arm.CONTROL, hours=chance.expovariate(1 / 50), hung=chance.random() < 0.5) for _ in range(22 - suspects)]
    made += [Spell(arm=Arm.SUSPECT, hours=chance.expovariate(1 / 25), hung=chance.random() < 0.6) for _ in range(suspects)]
    chance.shuffle(made)
    told = list(tell_outages(made))
    scores = score_spells([one.spell for one in told if not one.carried])
    kept = [one.spell for one in told if not one.carried]
    seen = math.fsum(score for score, one in zip(scores, kept, strict=True) if one.arm is Arm.SUSPECT)
    size = sum(one.arm is Arm.SUSPECT for one in kept)
    exact = sum(math.fsum(deal) >= seen - 1e-9 for deal in itertools.combinations(scores, size)) / math.comb(len(scores), size)
    assert compare_survival(told) == pytest.approx(exact, abs=0.06)


def test_clear_cases_among_many_boots_are_looked_at_longer() -> None:
    made = spells(" ".join(["c50"] * 15 + ["s2x"] * 12))
    found = compare_survival(list(tell_outages(made)))
    assert found == pytest.approx(1 / 10_000)


@settings(max_examples=8)
@given(st.floats(0.001, 0.05), st.integers(3, 8), st.integers(2, 5), st.sampled_from([0.2, 1.0, 5.0]), st.integers(0, 10_000))
def test_p_values_are_never_too_small_where_nothing_differs(rate: float, control: int, suspect: int, shape: float, seed: int) -> None:
    """Conservative or uniform, at 5 and at 20 %, of 300 histories each; boots may differ among themselves by a gamma factor."""
    chance, small = random.Random(seed), {0.05: 0, 0.2: 0}
    for _ in range(300):
        made = []
        for arm, number in ((Arm.CONTROL, control), (Arm.SUSPECT, suspect)):
            for _ in range(number):
                length, until = chance.expovariate(1 / 60), chance.expovariate(rate * chance.gammavariate(shape, 1 / shape) + 1e-12)
                made.append(Spell(arm=arm, hours=min(length, until), hung=until < length))
        p = compare_boots(list(tell_outages(made)))
        for level in small:
            small[level] += p is not None and p <= level
    for level, count in small.items():
        assert count <= 300 * level + 4 * math.sqrt(300 * level * (1 - level))


def test_the_verdict_alone() -> None:
    assert is_proven(spells(STORY))
    assert not is_proven(spells(STORY), looks=2)
    assert not is_proven(spells("c100 s0.1x"))
    assert not is_proven(spells("s0.1x"))
    assert not is_proven(spells("c500x s0.1x s0.1x s0.1x"))
