# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever the traffic, the sampling and the driver are like: a card in order is never said to hang, and one that stops is found soon."""

import itertools
from collections.abc import Callable, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from nicmedic.model.incident import IncidentVerdict
from nicmedic.model.watched import Card
from nicmedic.testing.simulated import SimulatedCard
from nicmedic.testing.vigil import Vigil

RATES = st.sampled_from([0.0, 0.3, 1.0, 4.0, 30.0, 800.0, 20_000.0])
PHASES = st.lists(st.tuples(RATES, st.floats(0.05, 6.0), st.sampled_from([42, 98, 590, 1514, 9000])), min_size=1, max_size=8)
QUEUES = st.sampled_from([1, 1, 2, 4])


def cycle(values: Sequence[float]) -> Callable[[], float]:
    """Each in turn, for ever."""
    endless = itertools.cycle(values)
    return lambda: next(endless)


def make(queues: int, keeps: Sequence[int], *, counts_when_handed: bool) -> SimulatedCard:
    """A card of which so many frames, in turn, are in flight when somebody looks."""
    endless = itertools.cycle(keeps)
    card = Card(interface="eth0", ifindex=2, driver="x", tx_queues=queues, has_bql=True, speed_mbps=1000)
    return SimulatedCard(card, counts_when_handed=counts_when_handed, keep=lambda frames: min(frames, next(endless)))


@settings(max_examples=40, deadline=None)
@given(
    phases=PHASES,
    queues=QUEUES,
    keeps=st.lists(st.integers(0, 40), min_size=1, max_size=12),
    jitters=st.lists(st.floats(0.0, 1.2), min_size=1, max_size=12),
    counts_when_handed=st.booleans(),
    lazy=st.booleans(),
    renews_every_s=st.sampled_from([0.0, 0.0, 1.0, 2.0]),
    gateway=st.sampled_from(["answers", "none"]),
)
def test_card_in_order_never_hangs(
    phases: list[tuple[float, float, int]],
    queues: int,
    keeps: list[int],
    jitters: list[float],
    counts_when_handed: bool,
    lazy: bool,
    renews_every_s: float,
    gateway: str,
) -> None:
    card = make(queues, keeps, counts_when_handed=counts_when_handed)
    card.lazy, card.renews_every_s, card.rx_rate = lazy, renews_every_s, 3.0
    vigil = Vigil(card, jitter=cycle(jitters))
    vigil.senses.has_gateway = gateway == "answers"
    for rate, seconds, frame_bytes in phases * 2:
        card.tx_rate, card.frame_bytes = rate, frame_bytes
        vigil.run(seconds)
    assert IncidentVerdict.NIC_HUNG not in vigil.words


@settings(max_examples=30, deadline=None)
@given(
    phases=PHASES,
    queues=QUEUES,
    keeps=st.lists(st.integers(0, 40), min_size=1, max_size=12),
    jitters=st.lists(st.floats(0.0, 0.06), min_size=1, max_size=12),
    counts_when_handed=st.booleans(),
    rate=st.sampled_from([1.0, 4.0, 30.0, 800.0, 20_000.0]),
    gateway=st.sampled_from(["answers", "silent"]),
)
def test_card_that_stops_is_found(
    phases: list[tuple[float, float, int]],
    queues: int,
    keeps: list[int],
    jitters: list[float],
    counts_when_handed: bool,
    rate: float,
    gateway: str,
) -> None:
    card = make(queues, keeps, counts_when_handed=counts_when_handed)
    card.rx_rate = 3.0
    vigil = Vigil(card, jitter=cycle(jitters))
    for frames, seconds, frame_bytes in phases:
        card.tx_rate, card.frame_bytes = frames, frame_bytes
        vigil.run(seconds)
    card.gateway_answers = gateway == "answers"
    card.tx_rate = rate
    card.hang()
    began_s = vigil.now_s
    vigil.run(6.0)
    found = [at_s for at_s, opinion in vigil.verdicts if opinion.verdict is IncidentVerdict.NIC_HUNG]
    assert found
    assert found[0] - began_s < 1.0 / rate + 2.5
