# SPDX-License-Identifier: GPL-2.0-or-later
"""A simulated card stands still and does not hang: the fault is beyond it, it is paused, or its host stood still too."""

import itertools

import pytest

from nicmedic.model.incident import IncidentVerdict as Verdict
from nicmedic.model.sample import SignalKind
from nicmedic.model.watched import Card
from nicmedic.testing.simulated import SimulatedCard
from nicmedic.testing.vigil import Vigil
from tests.unit.diagnosis.sentry.scenes import act, busy, plain, tell


class TestElsewhere:
    def test_idle_card_costs_nothing_and_is_nothing(self) -> None:
        vigil = Vigil()
        vigil.run(300.0)
        assert not vigil.verdicts
        assert set(vigil.senses.calls) == {"read_sample", "wait_signals"}

    @pytest.mark.parametrize("counts_when_handed", [False, True])
    def test_full_load_is_none(self, counts_when_handed: bool) -> None:
        vigil = busy(80_000.0, counts_when_handed=counts_when_handed, keep=60)
        vigil.card.frame_bytes = 1514
        vigil.run(30.0)
        assert not vigil.verdicts

    def test_slow_link_that_is_full_with_counters_that_lag_is_served(self) -> None:
        vigil = busy(800.0, keep=2)
        vigil.card.renews_every_s = 2.0
        vigil.card.gateway_answers = False
        vigil.run(60.0)
        assert Verdict.NIC_HUNG not in vigil.words
        assert vigil.senses.calls.count("look_closer") < 40

    @pytest.mark.parametrize("has_gateway", [True, False])
    @pytest.mark.parametrize("rate", [0.1, 0.3, 1.0, 2.0])
    def test_lazy_driver_is_none(self, rate: float, has_gateway: bool) -> None:
        vigil = busy(1.0)
        vigil.card.lazy = True
        vigil.card.tx_rate = rate
        vigil.senses.has_gateway = has_gateway
        vigil.run(120.0)
        assert not vigil.verdicts
        assert vigil.senses.calls.count("look_closer") < 100

    def test_cable_that_is_out_is_the_link(self) -> None:
        vigil = busy()
        act(vigil, lambda now_s: vigil.card.set_carrier(now_s, carrier=False))
        vigil.run(10.0)
        tell(vigil, SignalKind.HANG_LINE, "late words")
        vigil.run(10.0)
        assert vigil.words == [Verdict.LINK]
        assert "no carrier since 4 s" in vigil.verdicts[0][1].reasons[0]
        act(vigil, lambda now_s: vigil.card.set_carrier(now_s, carrier=True))
        vigil.run(5.0)
        assert len(vigil.restored) == 1

    def test_port_that_never_had_a_cable_is_nothing(self) -> None:
        card = SimulatedCard()
        card.carrier = False
        vigil = Vigil(card)
        vigil.run(30.0)
        assert not vigil.verdicts

    def test_short_loss_is_nothing(self) -> None:
        vigil = busy()
        act(vigil, lambda now_s: vigil.card.set_carrier(now_s, carrier=False))
        vigil.run(3.0)
        act(vigil, lambda now_s: vigil.card.set_carrier(now_s, carrier=True))
        vigil.run(10.0)
        assert not vigil.verdicts

    def test_link_that_flaps_is_the_link_until_it_is_steady(self) -> None:
        vigil = busy()
        for _ in range(5):
            act(vigil, lambda now_s: vigil.card.set_carrier(now_s, carrier=False))
            vigil.run(1.0)
            act(vigil, lambda now_s: vigil.card.set_carrier(now_s, carrier=True))
            vigil.run(1.0)
        assert vigil.words == [Verdict.LINK]
        assert not vigil.restored
        vigil.run(12.0)
        assert len(vigil.restored) == 1

    @pytest.mark.parametrize("seconds", [1.0, 6.0])
    def test_setting_that_takes_the_link_along_is_nothing(self, seconds: float) -> None:
        vigil = busy()
        tell(vigil, SignalKind.CHANGED)
        vigil.card.reset()
        act(vigil, lambda now_s: vigil.card.set_carrier(now_s, carrier=False))
        vigil.run(seconds)
        act(vigil, lambda now_s: vigil.card.set_carrier(now_s, carrier=True))
        vigil.run(10.0)
        assert not vigil.verdicts

    def test_partner_that_says_nothing_more_is_upstream(self) -> None:
        vigil = busy()
        vigil.card.partner_silent = True
        vigil.run(20.0)
        assert vigil.words == [Verdict.UPSTREAM]
        assert "whether it still receives is open" in vigil.verdicts[0][1].reasons[1]
        vigil.card.partner_silent = False
        vigil.run(5.0)
        assert len(vigil.restored) == 1

    def test_gateway_that_is_gone_is_upstream(self) -> None:
        vigil = busy()
        vigil.card.gateway_answers = False
        tell(vigil, SignalKind.GATEWAY, value=0)
        tell(vigil, SignalKind.GATEWAY, value=0)
        vigil.run(20.0)
        assert vigil.words == [Verdict.UPSTREAM]
        assert vigil.verdicts[0][0] < 13.0
        assert len(vigil.verdicts[0][1].reasons) == 1
        tell(vigil, SignalKind.GATEWAY, value=1)
        vigil.run(1.0)
        assert len(vigil.restored) == 1

    def test_gateway_that_answers_after_all_is_nothing(self) -> None:
        vigil = busy()
        tell(vigil, SignalKind.GATEWAY, value=0)
        vigil.run(20.0)
        assert not vigil.verdicts
        assert vigil.senses.calls.count("begin_probe") == 1

    def test_silence_where_nobody_can_be_asked_is_nothing(self) -> None:
        vigil = busy()
        vigil.senses.has_gateway = False
        vigil.card.partner_silent = True
        vigil.run(60.0)
        assert not vigil.verdicts
        assert vigil.senses.calls.count("begin_probe") < 8

    def test_who_only_sends_to_a_gateway_that_answers_is_nothing(self) -> None:
        vigil = busy()
        vigil.card.rx_rate = 0.0
        vigil.run(120.0)
        assert not vigil.verdicts

    def test_switched_off_is_the_administrator(self) -> None:
        vigil = busy()
        act(vigil, lambda now_s: vigil.card.set_up(now_s, up=False))
        vigil.run(5.0)
        tell(vigil, SignalKind.HANG_LINE, "words of a driver that is closed")
        vigil.run(5.0)
        assert vigil.words == [Verdict.ADMINISTRATOR]
        act(vigil, lambda now_s: vigil.card.set_up(now_s, up=True))
        vigil.run(2.0)
        assert len(vigil.restored) == 1

    def test_off_and_on_again_or_off_from_the_beginning_is_nothing(self) -> None:
        vigil = busy()
        act(vigil, lambda now_s: vigil.card.set_up(now_s, up=False))
        vigil.run(1.0)
        act(vigil, lambda now_s: vigil.card.set_up(now_s, up=True))
        vigil.run(10.0)
        assert not vigil.verdicts
        card = SimulatedCard()
        card.up = False
        vigil = Vigil(card)
        vigil.run(10.0)
        assert not vigil.verdicts


class TestPause:
    def storm(self, speed_mbps: int | None = 1000) -> Vigil:
        vigil = busy(100.0, Card(interface="eth0", ifindex=2, has_bql=True, speed_mbps=speed_mbps))
        vigil.card.pause_frames = 7
        vigil.card.paused = True
        return vigil

    def test_storm_is_the_link_even_if_the_watchdog_fires(self) -> None:
        vigil = self.storm()
        vigil.run(5.0)
        act(vigil, vigil.card.fire_watchdog)
        vigil.run(20.0)
        assert vigil.words == [Verdict.LINK]
        assert "pause frames" in vigil.verdicts[0][1].reasons[0]
        vigil.card.paused = False
        vigil.run(5.0)
        assert len(vigil.restored) == 1
        assert vigil.words == [Verdict.LINK]

    def test_short_one_is_nothing(self) -> None:
        vigil = self.storm()
        vigil.run(1.0)
        vigil.card.paused = False
        vigil.run(10.0)
        assert not vigil.verdicts

    def test_without_a_speed_it_stays_open(self) -> None:
        vigil = self.storm(None)
        vigil.run(5.0)
        assert vigil.words == [Verdict.UNSURE]
        assert "its speed is not known" in vigil.verdicts[0][1].reasons[0]

    def test_watchdog_alone_makes_it_ask_first(self) -> None:
        """The queue that stands does not show: the driver tells of no bytes in flight."""
        card = SimulatedCard(plain(), has_bql=False)
        card.pause_frames = 0
        vigil = Vigil(card)
        vigil.run(10.0)
        card.paused = True
        vigil.sentry.learn_card(Card(interface="eth0", ifindex=2, driver="8139too", has_bql=False, speed_mbps=100))
        act(vigil, card.fire_watchdog)
        vigil.run(3.0)
        assert Verdict.NIC_HUNG not in vigil.words

    def test_few_frames_explain_nothing(self) -> None:
        vigil = self.storm()
        vigil.card.paused = False
        vigil.card.hang()
        for count in range(8, 20):
            vigil.card.pause_frames = count
            vigil.run(0.1)
        assert vigil.words == [Verdict.NIC_HUNG]

    def test_watchdog_of_a_card_that_counts_and_gets_none(self) -> None:
        vigil = busy(100.0)
        vigil.card.pause_frames = 7
        vigil.card.tx_rate = 0.0
        act(vigil, vigil.card.fire_watchdog)
        vigil.run(1.5)
        assert vigil.words == [Verdict.NIC_HUNG]


class TestHost:
    def test_host_that_starves_is_the_host(self) -> None:
        vigil = busy()
        late = itertools.cycle([0.7, 0.02])
        vigil.senses.late_s = 0.6
        vigil._jitter = lambda: next(late)
        vigil.card.paused = True  # no completions, and nothing tells why
        vigil.run(20.0)
        assert vigil.words == [Verdict.HOST]
        vigil.senses.late_s = 0.0
        vigil._jitter = lambda: 0.0
        vigil.card.paused = False
        vigil.run(15.0)
        assert len(vigil.restored) == 1

    def test_healthy_card_of_a_host_that_starves_is_nothing(self) -> None:
        vigil = busy()
        vigil.senses.late_s = 0.95
        vigil.run(120.0)
        assert not vigil.verdicts

    def test_card_that_hangs_is_found_when_the_host_runs_again(self) -> None:
        vigil = busy()
        tell(vigil, SignalKind.STARVED, value=900, interface=None)
        vigil.run(1.0)
        tell(vigil, SignalKind.STARVED, value=900, interface=None)
        vigil.card.hang()
        vigil.run(30.0)
        assert vigil.words == [Verdict.HOST, Verdict.NIC_HUNG]

    def test_watchdog_after_a_stop_is_the_host(self) -> None:
        vigil = busy()
        vigil.clock.wait_s(60.0)
        act(vigil, vigil.card.fire_watchdog)
        vigil.run(30.0)
        assert vigil.words == [Verdict.HOST]
        assert len(vigil.restored) == 1

    def test_watchdog_after_a_suspend_is_the_host_and_the_link_may_take_its_time(self) -> None:
        vigil = busy()
        tell(vigil, SignalKind.SLEPT, value=60_000, interface=None)
        act(vigil, vigil.card.fire_watchdog)
        act(vigil, vigil.card.fire_watchdog)
        act(vigil, lambda now_s: vigil.card.set_carrier(now_s, carrier=False))
        vigil.run(5.0)
        act(vigil, lambda now_s: vigil.card.set_carrier(now_s, carrier=True))
        vigil.run(30.0)
        assert vigil.words == [Verdict.HOST]
        assert len(vigil.restored) == 1

    def test_watchdog_that_fires_again_when_the_host_runs_is_the_card(self) -> None:
        vigil = busy()
        vigil.card.tx_rate = vigil.card.rx_rate = 0.0
        tell(vigil, SignalKind.SLEPT, value=60_000, interface=None)
        act(vigil, vigil.card.fire_watchdog)
        vigil.senses.has_gateway = False
        vigil.run(8.0)
        tell(vigil, SignalKind.STARVED, value=10)
        vigil.run(4.0)
        act(vigil, vigil.card.fire_watchdog)
        vigil.run(2.0)
        assert vigil.words == [Verdict.HOST, Verdict.NIC_HUNG]

    def test_host_verdict_of_an_idle_card_ends_when_it_is_calm(self) -> None:
        vigil = busy()
        vigil.senses.has_gateway = False
        vigil.card.tx_rate = vigil.card.rx_rate = 0.0
        tell(vigil, SignalKind.SLEPT, value=60_000, interface=None)
        act(vigil, vigil.card.fire_watchdog)
        vigil.run(30.0)
        assert vigil.words == [Verdict.HOST]
        assert len(vigil.restored) == 1
