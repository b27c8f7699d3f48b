# SPDX-License-Identifier: GPL-2.0-or-later
"""A card that is not alone: beside another under a bond, with a gateway that went elsewhere, with queues of which one hangs."""

import pytest

from nicmedic.model.incident import IncidentVerdict as Verdict
from nicmedic.model.sample import Signal, SignalKind
from nicmedic.model.watched import Answer, Card
from nicmedic.testing.simulated import SimulatedCard
from nicmedic.testing.vigil import Vigil


class Slave(SimulatedCard):
    """Of a bond. What the bond sends leaves over another one as long as this one stands by."""

    stands_by = True
    counts = True

    def send_probe(self) -> bool:
        return False if self.stands_by else super().send_probe()

    def look_closer(self, now_s: float) -> Answer:
        return super().look_closer(now_s) if self.counts else Answer(monotonic_s=now_s)


def slave(driver: str, *, has_bql: bool = False, above: tuple[str, ...] = ("bond0",)) -> tuple[Vigil, Slave]:
    card = Slave(Card(interface="eth0", ifindex=2, driver=driver, has_bql=has_bql, above=above), has_bql=has_bql)
    card.rx_rate = 2.0
    vigil = Vigil(card)
    vigil.run(30.0)
    return vigil, card


def tell(vigil: Vigil, kind: SignalKind, value: int | None = None, text: str = "") -> None:
    vigil.hear(Signal(kind=kind, monotonic_s=vigil.clock.read_monotonic_s(), interface="eth0", text=text, value=value))


@pytest.mark.parametrize(("driver", "has_bql"), [("virtio_net", False), ("vmxnet3", False), ("8139too", False), ("igb", True)])
def test_standby_that_was_given_nothing_is_not_blamed_for_a_silent_gateway(driver: str, has_bql: bool) -> None:
    vigil, _ = slave(driver, has_bql=has_bql)
    tell(vigil, SignalKind.GATEWAY, 0)
    vigil.run(600.0)
    assert not vigil.verdicts
    assert vigil.senses.calls.count("look_closer") < 60
    probes = vigil.senses.calls.count("begin_probe")
    tell(vigil, SignalKind.GATEWAY, 2)
    vigil.run(600.0)
    assert not vigil.verdicts
    assert vigil.senses.calls.count("begin_probe") == probes


def test_standby_that_takes_over_and_sends_nothing_is_found() -> None:
    vigil, card = slave("virtio_net")
    tell(vigil, SignalKind.GATEWAY, 0)
    vigil.run(20.0)
    card.hang()
    card.stands_by, card.tx_rate = False, 1.0
    vigil.run(60.0)
    assert vigil.words == [Verdict.NIC_HUNG]


@pytest.mark.parametrize(("above", "words"), [((), [Verdict.NIC_HUNG]), (("bond0",), [])])
def test_where_no_discipline_counts_only_what_stands_alone_is_blamed(above: tuple[str, ...], words: list[Verdict]) -> None:
    vigil, card = slave("virtio_net", above=above)
    card.counts, card.stands_by = False, not above
    card.hang()
    tell(vigil, SignalKind.GATEWAY, 0)
    vigil.run(20.0)
    assert vigil.words == words


def test_gateway_that_answers_another_card_too_says_nothing_of_this_one() -> None:
    vigil = Vigil()
    vigil.card.tx_rate = vigil.card.rx_rate = 50.0
    vigil.run(20.0)
    vigil.card.partner_silent = True
    vigil.run(20.0)
    assert vigil.words == [Verdict.UPSTREAM]
    tell(vigil, SignalKind.GATEWAY, 2)
    vigil.run(5.0)
    assert not vigil.restored


def test_upstream_ends_by_traffic_where_there_is_no_gateway_any_more() -> None:
    vigil = Vigil()
    vigil.card.tx_rate = vigil.card.rx_rate = 50.0
    vigil.run(20.0)
    vigil.card.partner_silent = True
    vigil.run(20.0)
    assert vigil.words == [Verdict.UPSTREAM]
    vigil.senses.has_gateway = False
    vigil.run(60.0)
    assert not vigil.restored
    vigil.card.partner_silent = False
    vigil.run(10.0)
    assert len(vigil.restored) == 1
    assert len(vigil.verdicts) == 1


def test_upstream_does_not_end_by_other_traffic_while_the_gateway_is_silent() -> None:
    vigil = Vigil()
    vigil.card.tx_rate = vigil.card.rx_rate = 50.0
    vigil.run(20.0)
    vigil.card.gateway_answers = False
    tell(vigil, SignalKind.GATEWAY, 0)
    vigil.run(300.0)
    assert vigil.words == [Verdict.UPSTREAM]
    assert not vigil.restored


def test_one_hung_queue_is_not_over_because_others_send() -> None:
    card = SimulatedCard(Card(interface="eth0", ifindex=2, driver="vmxnet3", tx_queues=4, has_bql=False), has_bql=False)
    card.tx_rate = card.rx_rate = 200.0
    vigil = Vigil(card)
    vigil.run(20.0)
    card.hang(2)
    for _ in range(6):
        vigil.run(5.7)
        vigil.hear(*card.fire_watchdog(vigil.clock.read_monotonic_s(), 2))
    vigil.run(5.0)
    assert vigil.words == [Verdict.NIC_HUNG]
    assert not vigil.restored
    card.reset()
    vigil.run(5.0)
    assert len(vigil.restored) == 1
