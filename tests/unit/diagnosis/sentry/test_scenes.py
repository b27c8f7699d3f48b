# SPDX-License-Identifier: GPL-2.0-or-later
"""What befalls a card, over a simulated one: "hung" where it is, in time, and gone where it went."""

import pytest

from nicmedic.model.incident import IncidentVerdict as Verdict
from nicmedic.model.sample import SignalKind
from nicmedic.model.watched import Card
from nicmedic.testing.simulated import SimulatedCard
from nicmedic.testing.vigil import Vigil
from tests.unit.diagnosis.sentry.scenes import act, busy, plain, several, tell


class TestHung:
    @pytest.mark.parametrize("counts_when_handed", [False, True])
    @pytest.mark.parametrize("rate", [1.0, 20.0, 5000.0])
    def test_card_that_stops_is_found_within_a_second_of_its_next_frame(self, rate: float, counts_when_handed: bool) -> None:
        vigil = busy(rate, counts_when_handed=counts_when_handed)
        vigil.card.hang()
        vigil.run(3.0)
        ((at_s, opinion),) = vigil.verdicts
        assert opinion.verdict is Verdict.NIC_HUNG
        assert at_s <= 10.0 + max(1.0 / rate, 0.0) + 1.0
        assert opinion.began_s is not None
        assert "bytes are in flight, and nothing was reported as sent for" in opinion.reasons[0]
        assert "the gateway did not answer over it" in opinion.reasons
        vigil.card.reset()
        vigil.run(3.0)
        assert len(vigil.restored) == 1
        assert len(vigil.verdicts) == 1

    def test_packets_that_wait_are_told(self) -> None:
        vigil = busy(5000.0)
        vigil.card.hang()
        vigil.run(2.0)
        assert any("wait in the queueing discipline" in reason for reason in vigil.verdicts[0][1].reasons)

    def test_card_that_hung_before_watching_began(self) -> None:
        card = SimulatedCard()
        card.hang()
        card.tx_rate = 10.0
        vigil = Vigil(card)
        vigil.run(2.0)
        assert vigil.words == [Verdict.NIC_HUNG]

    def test_driver_that_resets_in_good_order_makes_one_incident_that_restores_itself(self) -> None:
        vigil = busy()
        act(vigil, vigil.card.fire_watchdog)
        vigil.run(5.0)
        assert vigil.words == [Verdict.UNSURE]
        assert "it has sent frames since" in vigil.verdicts[0][1].reasons[1]
        assert len(vigil.restored) == 1
        assert vigil.restored[0] < 13.0

    @pytest.mark.parametrize("rate", [2.0, 100.0, 5000.0])
    @pytest.mark.parametrize("keep", [0, 3])
    def test_card_that_goes_on_sending_is_never_called_hung_for_a_line(self, rate: float, keep: int) -> None:
        vigil = busy(rate, keep=keep)
        for _ in range(5):
            tell(vigil, SignalKind.XMIT_TIMEOUT)
            vigil.run(7.3)
        assert set(vigil.words) == {Verdict.UNSURE}
        assert len(vigil.restored) == len(vigil.verdicts)

    def test_sign_of_a_card_that_is_sending_and_then_hangs(self) -> None:
        vigil = busy(100.0)
        act(vigil, vigil.card.fire_watchdog)
        vigil.run(2.0)
        vigil.card.hang()
        vigil.run(2.0)
        assert vigil.words[-1] is Verdict.NIC_HUNG

    @pytest.mark.parametrize("has_bql", [True, False])
    def test_sign_of_one_queue_counts_though_the_others_send(self, has_bql: bool) -> None:
        vigil = busy(100.0, Card(interface="eth0", ifindex=2, driver="igb" if has_bql else "8139too", tx_queues=4, has_bql=has_bql))
        vigil.card.hang(2)
        vigil.run(0.2)
        act(vigil, lambda now_s: vigil.card.fire_watchdog(now_s, 2))
        vigil.run(1.5)
        assert vigil.words == [Verdict.NIC_HUNG]
        assert "transmit queue 2 timed out" in " ".join(vigil.verdicts[0][1].reasons)

    def test_idle_card_is_asked_whether_it_works_again(self) -> None:
        vigil = busy()
        vigil.card.tx_rate = vigil.card.rx_rate = 0.0
        act(vigil, vigil.card.fire_watchdog)
        vigil.run(5.0)
        assert len(vigil.restored) == 1

    def test_idle_card_that_nobody_can_ask_stays_open(self) -> None:
        vigil = busy()
        vigil.senses.has_gateway = False
        vigil.card.tx_rate = vigil.card.rx_rate = 0.0
        act(vigil, vigil.card.fire_watchdog)
        assert vigil.run(60.0).verdict is Verdict.NIC_HUNG
        assert not vigil.restored
        assert vigil.senses.calls.count("begin_probe") < 6

    def test_hang_that_lasts_is_asked_about_less_and_less(self) -> None:
        vigil = busy()
        vigil.card.hang()
        vigil.run(600.0)
        assert vigil.words == [Verdict.NIC_HUNG]
        assert vigil.senses.calls.count("begin_probe") < 220

    def test_carrier_that_a_failed_reset_leaves_off_is_no_cable(self) -> None:
        vigil = busy()
        act(vigil, vigil.card.fire_watchdog)
        vigil.card.hang()
        vigil.run(0.5)
        act(vigil, lambda now_s: vigil.card.set_carrier(now_s, carrier=False))
        vigil.run(60.0)
        assert vigil.words == [Verdict.NIC_HUNG]
        assert not vigil.restored

    def test_remedy_that_takes_it_down_and_away_is_no_administrator(self) -> None:
        vigil = busy()
        vigil.card.hang()
        vigil.run(2.0)
        act(vigil, lambda now_s: vigil.card.set_up(now_s, up=False))
        vigil.run(10.0)
        act(vigil, vigil.card.vanish)
        vigil.run(20.0)
        assert vigil.words == [Verdict.NIC_HUNG]
        vigil.card.up = True
        act(vigil, vigil.card.appear)
        vigil.run(3.0)
        assert len(vigil.restored) == 1

    def test_expiry_that_only_its_counter_tells_counts(self) -> None:
        vigil = busy()
        vigil.card.tx_rate = 0.0
        vigil.card.queues[0].tx_timeout += 1
        vigil.run(1.5)
        assert vigil.words == [Verdict.NIC_HUNG]
        assert "tx_timeout is 1" in vigil.verdicts[0][1].reasons[0]

    def test_tracepoint_counts_and_log_text_is_harmless(self) -> None:
        vigil = busy()
        tell(vigil, SignalKind.FAULT_LINE, "eth0: \x1b[2Jreset")
        tell(vigil, SignalKind.XMIT_TIMEOUT)
        tell(vigil, SignalKind.HANG_LINE, "again" * 99)
        tell(vigil, SignalKind.XMIT_TIMEOUT, interface=None)
        tell(vigil, SignalKind.RENAMED, "eth9")
        vigil.run(1.0)
        reasons = vigil.verdicts[0][1].reasons
        assert "net_dev_xmit_timeout" in reasons[0]
        assert "eth0: \\x1b[2Jreset" in reasons

    def test_line_without_an_interface_only_speaks_beside_what_is_seen(self) -> None:
        vigil = busy()
        tell(vigil, SignalKind.HANG_LINE, "Detected Hardware Unit Hang", interface=None)
        vigil.run(5.0)
        assert not vigil.verdicts
        tell(vigil, SignalKind.HANG_LINE, "Detected Hardware Unit Hang", interface=None)
        vigil.card.hang()
        vigil.run(2.0)
        assert "Detected Hardware Unit Hang" in vigil.verdicts[0][1].reasons

    def test_networking_that_is_stuck_is_no_excuse_and_takes_longer(self) -> None:
        vigil = busy(100.0)
        vigil.senses.stuck = True
        vigil.card.hang()
        vigil.run(6.0)
        assert vigil.words == [Verdict.NIC_HUNG]
        assert any("lock of networking" in reason for reason in vigil.verdicts[0][1].reasons)

    def test_word_of_somebody_else_that_networking_is_stuck_is_told(self) -> None:
        vigil = busy()
        tell(vigil, SignalKind.RTNL_STUCK)
        act(vigil, vigil.card.fire_watchdog)
        vigil.run(2.0)
        assert any("lock of networking" in reason for reason in vigil.verdicts[0][1].reasons)


class TestSeveralQueues:
    def test_one_that_stands_while_others_send_is_found(self) -> None:
        vigil = busy(100.0, several())
        vigil.card.hang(2)
        vigil.run(6.0)
        ((at_s, opinion),) = vigil.verdicts
        assert opinion.verdict is Verdict.NIC_HUNG
        assert "queue 2" in opinion.reasons[0]
        assert at_s < 15.0
        vigil.run(10.0)
        assert not vigil.restored
        vigil.card.reset()
        vigil.run(3.0)
        assert len(vigil.restored) == 1

    def test_one_with_packets_that_wait_is_found(self) -> None:
        vigil = busy(4000.0, several())
        vigil.card.hang(1)
        vigil.run(3.0)
        assert "packets wait behind them" in vigil.verdicts[0][1].reasons[0]

    def test_one_with_light_traffic_is_found_when_more_frames_join(self) -> None:
        vigil = busy(4.0, several())
        vigil.card.hang(2)
        vigil.run(20.0)
        assert vigil.words == [Verdict.NIC_HUNG]
        assert "more frames were handed over" in vigil.verdicts[0][1].reasons[0]

    def test_lone_frame_of_a_lazy_driver_is_none(self) -> None:
        vigil = busy(4.0, several())
        vigil.card.lazy = True
        vigil.run(120.0)
        assert not vigil.verdicts
        assert vigil.senses.calls.count("look_closer") < 100

    def test_full_queue_that_looks_the_same_is_served(self) -> None:
        vigil = busy(4000.0, several(), keep=2)
        vigil.card.renews_every_s = 2.0
        vigil.run(60.0)
        assert not vigil.verdicts
        assert vigil.senses.calls.count("look_closer") < 40

    def test_all_that_stand_are_found_at_once(self) -> None:
        vigil = busy(100.0, several(16))
        vigil.card.hang()
        vigil.run(2.0)
        assert vigil.words == [Verdict.NIC_HUNG]
        assert vigil.verdicts[0][0] < 11.0

    def test_number_of_queues_that_changes_is_nothing(self) -> None:
        vigil = busy(10.0, several())
        del vigil.card.queues[2:]
        vigil.run(5.0)
        assert not vigil.verdicts


class TestWithoutByteQueueLimits:
    def test_packets_that_wait_and_are_not_taken_are_a_hang(self) -> None:
        vigil = busy(10.0, plain(), has_bql=False)
        vigil.card.most_inflight = 600
        vigil.card.hang()
        vigil.run(6.0)
        assert vigil.words == [Verdict.NIC_HUNG]
        assert "wait in the queueing discipline" in vigil.verdicts[0][1].reasons[0]
        vigil.card.reset()
        vigil.run(5.0)
        assert len(vigil.restored) == 1

    def test_discipline_that_may_hold_back_says_nothing(self) -> None:
        vigil = busy(10.0, plain(), has_bql=False)
        vigil.card.holds_back = True
        vigil.card.most_inflight = 600
        vigil.card.hang()
        vigil.run(20.0)
        assert not vigil.verdicts

    def test_it_is_looked_at_rarely(self) -> None:
        vigil = busy(0.2, plain(), has_bql=False)
        vigil.run(60.0)
        vigil.card.tx_rate = 0.0
        vigil.run(60.0)
        assert not vigil.verdicts
        assert vigil.senses.calls.count("look_closer") <= 25

    def test_light_traffic_that_is_stuck_shows_by_a_probe_that_is_not_counted(self) -> None:
        vigil = busy(1.0, plain("virtio_net"), has_bql=False)
        vigil.card.hang()
        vigil.run(3.0)
        tell(vigil, SignalKind.GATEWAY, value=0)
        vigil.run(10.0)
        assert vigil.words == [Verdict.NIC_HUNG]
        assert "none was counted as sent" in vigil.verdicts[0][1].reasons[0]

    def test_light_traffic_of_another_driver_leaves_it_open(self) -> None:
        vigil = busy(1.0, plain(), has_bql=False)
        vigil.card.hang()
        vigil.run(1.0)
        tell(vigil, SignalKind.GATEWAY, value=0)
        vigil.run(10.0)
        assert vigil.words == [Verdict.UNSURE]
        assert "no frame of ours was counted" in vigil.verdicts[0][1].reasons[1]

    def test_silent_gateway_of_a_driver_that_counts_early_leaves_it_open(self) -> None:
        vigil = busy(1.0, plain(), has_bql=False, counts_when_handed=True)
        vigil.card.hang()
        tell(vigil, SignalKind.GATEWAY, value=0)
        vigil.run(10.0)
        assert vigil.words == [Verdict.UNSURE]
        vigil.card.reset()
        vigil.run(10.0)
        assert len(vigil.restored) == 1


class TestGone:
    def test_driver_that_is_loaded_anew_is_nothing(self) -> None:
        vigil = busy()
        act(vigil, vigil.card.vanish)
        vigil.run(6.0)
        act(vigil, vigil.card.appear)
        vigil.run(10.0)
        assert not vigil.verdicts

    def test_driver_that_is_taken_away_is_the_administrator(self) -> None:
        vigil = busy()
        act(vigil, vigil.card.vanish)
        vigil.run(20.0)
        assert vigil.words == [Verdict.ADMINISTRATOR]
        act(vigil, vigil.card.appear)
        vigil.run(3.0)
        assert len(vigil.restored) == 1

    def test_switched_off_and_then_taken_away_is_the_administrator(self) -> None:
        vigil = busy()
        vigil.card.lost = None
        act(vigil, lambda now_s: vigil.card.set_up(now_s, up=False))
        vigil.run(1.5)
        act(vigil, vigil.card.vanish)
        vigil.run(5.0)
        assert vigil.words == [Verdict.ADMINISTRATOR]

    def test_lost_from_the_bus_is_a_hang(self) -> None:
        vigil = busy()
        vigil.card.lost = True
        act(vigil, vigil.card.vanish)
        vigil.run(5.0)
        assert vigil.words == [Verdict.NIC_HUNG]

    @pytest.mark.parametrize(
        ("line", "verdict"),
        [
            ("pcieport 0000:21:03.0: pciehp: Slot(3): Link Down", Verdict.NIC_HUNG),
            ("usb 1-1: USB disconnect, device number 5", Verdict.UNSURE),
            ("", Verdict.UNSURE),
        ],
    )
    def test_line_before_it_went_tells_why(self, line: str, verdict: Verdict) -> None:
        vigil = busy()
        vigil.card.lost = None
        if line:
            tell(vigil, SignalKind.FAULT_LINE, line)
        act(vigil, vigil.card.vanish)
        vigil.run(20.0)
        assert vigil.words == [verdict]
        assert not line or line in vigil.verdicts[0][1].reasons

    def test_line_after_it_was_taken_away_in_order_tells_nothing(self) -> None:
        vigil = busy()
        act(vigil, vigil.card.vanish)
        vigil.run(0.5)
        tell(vigil, SignalKind.FAULT_LINE, "pcieport 0000:21:03.0: pciehp: Slot(3): Card not present")
        vigil.run(20.0)
        assert vigil.words == [Verdict.ADMINISTRATOR]

    def test_one_that_carried_nothing_concerns_nobody(self) -> None:
        vigil = Vigil()
        vigil.run(5.0)
        vigil.card.lost = True
        act(vigil, vigil.card.vanish)
        vigil.run(30.0)
        assert not vigil.verdicts


def test_samples_of_the_minute_before_are_kept_one_a_second() -> None:
    vigil = busy()
    vigil.run(200.0)
    samples = vigil.sentry.samples
    assert 58 <= len(samples) <= 61
    assert samples[-1].monotonic_s - samples[0].monotonic_s < 70.0
    assert Vigil().sentry.samples == ()
