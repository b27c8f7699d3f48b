# SPDX-License-Identifier: GPL-2.0-or-later
"""Both ways to the same numbers: scipy's, and the sums of our own."""

import math
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from nicmedic.evidence.statistics import functions
from nicmedic.evidence.statistics.functions import beta_quantile, binomial_tail, find_library, gamma_quantile, normal_tail
from nicmedic.evidence.statistics.intervals import estimate_rate, estimate_share

SHAPES = st.integers(1, 60)
SHARES = st.floats(0.001, 0.999)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine without scipy."""
    monkeypatch.setitem(sys.modules, "scipy", None)
    find_library.cache_clear()
    yield
    find_library.cache_clear()


def test_scipy_is_used_where_it_is_and_missed_where_not(monkeypatch: pytest.MonkeyPatch) -> None:
    find_library.cache_clear()
    assert find_library() is special
    find_library.cache_clear()
    monkeypatch.setitem(sys.modules, "scipy", None)
    assert find_library() is None
    find_library.cache_clear()


@given(SHAPES, SHAPES, SHARES)
def test_the_beta_quantile_is_scipys(a: int, b: int, share: float) -> None:
    assert functions.halve_beta_quantile(a, b, share) == pytest.approx(special.betaincinv(a, b, share), rel=1e-9)


@given(SHAPES, SHARES)
def test_the_gamma_quantile_is_scipys(a: int, share: float) -> None:
    assert functions.halve_gamma_quantile(a, share) == pytest.approx(special.gammaincinv(a, share), rel=1e-7)


@given(st.integers(1, 400), st.data(), st.floats(1e-6, 1 - 1e-6))
def test_the_binomial_tail_is_scipys(trials: int, data: st.DataObject, chance: float) -> None:
    least = data.draw(st.integers(1, trials))
    assert functions.add_binomial_tail(least, trials, chance) == pytest.approx(
        special.bdtrc(least - 1, trials, chance), rel=1e-7, abs=1e-300
    )


def test_without_scipy_everything_is_there(bare: None) -> None:
    assert beta_quantile(3, 1, 0.025) == pytest.approx(0.025 ** (1 / 3))
    assert gamma_quantile(1, 0.975) == pytest.approx(-math.log(0.025))
    assert binomial_tail(2, 3, 0.5) == pytest.approx(0.5)


@pytest.mark.parametrize(("least", "chance", "wanted"), [(0, 0.1, 1.0), (6, 0.9, 0.0), (1, 0.0, 0.0), (5, 1.0, 1.0)])
def test_tails_at_their_ends(least: int, chance: float, wanted: float) -> None:
    assert binomial_tail(least, 5, chance) == wanted


@pytest.mark.parametrize("with_scipy", [True, False])
def test_published_intervals(request: pytest.FixtureRequest, with_scipy: bool) -> None:
    """Garwood's table for 0, 1 and 10 events; Clopper and Pearson for 0, 3 and 1 of 3."""
    if not with_scipy:
        request.getfixturevalue("bare")
    for events, low, high in ((0, 0.0, 3.6889), (1, 0.0253, 5.5716), (10, 4.7954, 18.3904)):
        found = estimate_rate(events, 1.0)
        assert found is not None
        assert [found.value, found.low, found.high] == pytest.approx([events, low, high], abs=1e-4)
    for yes, low, high in ((0, 0.0, 0.7076), (3, 0.2924, 1.0), (1, 0.0084, 0.9057)):
        share = estimate_share(yes, 3)
        assert share is not None
        assert [share.low, share.high] == pytest.approx([low, high], abs=1e-4)


def test_nothing_watched_gives_no_interval() -> None:
    assert estimate_rate(3, 0.0) is None
    assert estimate_share(0, 0) is None


@given(st.integers(0, 30), st.integers(0, 30))
def test_the_share_is_scipys_exact_interval(yes: int, no: int) -> None:
    found = estimate_share(yes, yes + no)
    if found is None:
        assert yes + no == 0
        return
    wanted = stats.binomtest(yes, yes + no).proportion_ci(method="exact")
    assert [found.low, found.high] == pytest.approx([wanted.low, wanted.high], abs=1e-9)


def test_the_normal_tail() -> None:
    assert normal_tail(0.0) == 0.5
    assert normal_tail(2.5758293) == pytest.approx(0.005)
