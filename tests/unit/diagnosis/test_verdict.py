# SPDX-License-Identifier: GPL-2.0-or-later
"""One word for each card: each situation that looks alike from afar, both ways."""

import dataclasses

import pytest

from nicmedic.diagnosis.boot_log import NicLog
from nicmedic.diagnosis.verdict import Case, judge_nic
from nicmedic.model.checkup import NicVerdict, Reason, Risk, Verdict
from nicmedic.model.counters import Counters, QueueCounters
from nicmedic.model.event import Duplex, Event, EventKind
from nicmedic.model.explanation import Unknown
from nicmedic.model.finding import Hang
from nicmedic.model.host import Host
from nicmedic.model.link import Link, Pause
from nicmedic.model.nic import Nic
from nicmedic.model.note import Lack, Note
from nicmedic.model.pcie import Pcie, PciFunction, PowerManagement
from nicmedic.model.queue import Bql, Qdisc, TxQueue
from nicmedic.model.stack import Neighbour, Route, Upper

FRAME = 196


def nic(**fields: object) -> Nic:
    known: dict[str, object] = {
        "interface": "eth0",
        "ifindex": 2,
        "driver": "e1000e",
        "flags": ("UP", "LOWER_UP"),
        "carrier": True,
        "tx_queues": (TxQueue(index=0, tx_timeout=0, bql=Bql(inflight=0, limit=3000)),),
        "qdiscs": (Qdisc(kind="fq_codel", parent="root", queue=0),),
        "statistics": {"tx_packets": 100, "rx_packets": 100},
    }
    return Nic(**{**known, **fields})  # type: ignore[arg-type]  # names are those of the fields


def look(at_s: float, *, inflight: int = 0, handed: int | None = 0, backlog: int = 0, expired: int = 0, **fields: object) -> Counters:
    queue = QueueCounters(index=0, tx_timeout=expired, inflight=inflight, packets=handed, backlog_bytes=backlog, qlen=backlog // 100)
    known: dict[str, object] = {
        "interface": "eth0",
        "ifindex": 2,
        "carrier": True,
        "carrier_changes": 1,
        "tx_packets": 100,
        "rx_packets": 100,
        "queues": (queue,),
        "backlog_bytes": backlog,
        "bus_master": True,
    }
    return Counters(**{**known, "monotonic_s": 1000 + at_s, **fields})  # type: ignore[arg-type]  # as above


def judge(*looks: Counters, card: Nic | None = None, host: Host | None = None, **fields: object) -> NicVerdict:
    case = Case(nic=card or nic(), host=host or Host(uptime_s=1000.0), looks=looks)
    return judge_nic(dataclasses.replace(case, **fields))  # type: ignore[arg-type]  # as above


def event(kind: EventKind, at_s: float, text: str = "…", **fields: object) -> Event:
    known: dict[str, object] = {
        "signal": "e1000e/x",
        "hang": kind in {EventKind.TX_TIMEOUT, EventKind.RESET, EventKind.HW_HANG},
        "interface": "eth0",
        "driver": "e1000e",
        "bus": None,
        "queue": None,
        "stall_ms": None,
        "time": None,
        "local_time": None,
        "boot": 0,
        "source": "/dev/kmsg",
        "line": int(at_s),
    }
    return Event(**{**known, "kind": kind, "uptime_s": at_s, "text": text, **fields})  # type: ignore[arg-type]  # as above


def hang(at_s: float, *, warn_once: bool = False) -> Hang:
    return Hang(
        interface="eth0",
        driver="e1000e",
        boot=0,
        events=(0,),
        began_uptime_s=at_s,
        stall_ms=None,
        queues=(0,),
        messages=1,
        warn_once=warn_once,
    )


class TestHung:
    def test_one_ping_in_flight_that_is_never_reported_as_sent(self) -> None:
        found = judge(look(0, inflight=FRAME), look(1, inflight=FRAME), look(1.2, inflight=FRAME))
        assert found.verdict is Verdict.HUNG
        assert found.headline == "hangs now: 196 bytes of queue 0 are in flight, and none was reported as sent within 1.2 s"
        assert found.reasons[0].source == "queues/tx-0/byte_queue_limits/inflight"

    def test_frames_go_in_one_a_second_and_none_comes_out(self) -> None:
        looks = [look(at, inflight=FRAME + 98 * at, handed=10 + at, tx_packets=100 + at) for at in (0, 1, 2)]
        assert judge(*looks).verdict is Verdict.HUNG

    def test_a_full_queue_from_which_nothing_is_taken(self) -> None:
        looks = [look(at, backlog=50_000 + 100 * at, handed=7) for at in (0, 1)]
        found = judge(*looks)
        assert found.verdict is Verdict.HUNG
        assert "501 packets (50100 bytes) wait for queue 0" in found.headline

    def test_of_many_queues_one_stands_while_the_others_move(self) -> None:
        def both(at: float) -> Counters:
            queues = (QueueCounters(index=0, inflight=FRAME, packets=5), QueueCounters(index=1, inflight=900, packets=int(1000 * at)))
            return look(at, tx_packets=int(1000 * at), queues=queues)

        assert "of queue 0" in judge(both(0), both(1)).headline

    def test_the_watchdog_fires_meanwhile(self) -> None:
        assert judge(look(0, expired=3), look(1, expired=4)).verdict is Verdict.HUNG

    def test_a_card_that_may_not_reach_memory(self) -> None:
        card = nic(pcie=Pcie(device=PciFunction(address="0000:02:00.0", command=0x0002)))
        found = judge(look(0, bus_master=False), look(1, bus_master=False), card=card)
        assert found.verdict is Verdict.HUNG
        assert "bus-master" in found.headline
        assert judge(card=card).verdict is Verdict.HUNG, "one moment is enough"

    def test_a_card_that_fell_off_its_bus(self) -> None:
        card = nic(pcie=Pcie(device=PciFunction(address="0000:02:00.0", command=0xFFFF)))
        assert "lost" in judge(look(0), look(1), card=card).headline

    @pytest.mark.parametrize("driver", ["virtio_net", "vmxnet3", "e100"])
    def test_without_byte_queue_limits_packets_handed_over_and_not_counted(self, driver: str) -> None:
        card = nic(driver=driver, tx_queues=(TxQueue(index=0, bql=Bql(inflight=0, limit=0)),))
        looks = [look(0, handed=10), look(1, handed=12), look(1.2, handed=12)]
        assert judge(*looks, card=card).verdict is Verdict.HUNG
        assert judge(*looks[:2], card=card).verdict is Verdict.HEALTHY, "the last may be on its way still"

    def test_a_reset_after_which_no_link_came_up(self) -> None:
        events = (
            event(EventKind.LINK_UP, 5),
            event(EventKind.TX_TIMEOUT, 500, "NETDEV WATCHDOG"),
            event(EventKind.RESET, 501, "Reset adapter"),
        )
        card = nic(flags=("UP",), carrier=False)
        looks = [look(at, carrier=False) for at in (0, 1)]
        found = judge(*looks, card=card, log=NicLog(events=events, hangs=(hang(500),)))
        assert found.verdict is Verdict.HUNG
        assert "silent since its hang 501 s after boot" in found.headline

    def test_a_card_that_its_driver_took_down(self) -> None:
        events = (event(EventKind.LINK_UP, 5), event(EventKind.RESET, 501, "Failed to activate dev: error 1"))
        card = nic(flags=("BROADCAST",), carrier=False)
        found = judge(look(0, carrier=None), look(1, carrier=None), card=card, log=NicLog(events=events))
        assert found.verdict is Verdict.HUNG
        assert "taken down by its driver" in found.headline


class TestNotHung:
    def test_at_full_load_bytes_are_in_flight_at_each_look(self) -> None:
        looks = [look(at, inflight=3028, handed=1000 * at, backlog=9000, tx_packets=100 + 1000 * at) for at in (0, 1)]
        found = judge(*looks)
        assert found.verdict is Verdict.HEALTHY
        assert found.headline == "1000 packets were sent within 1.0 s"

    def test_idle(self) -> None:
        found = judge(look(0), look(1))
        assert (found.verdict, found.headline) == (Verdict.HEALTHY, "nothing waits to be sent")

    def test_bytes_that_were_in_flight_for_a_moment_only(self) -> None:
        assert judge(look(0, inflight=FRAME), look(1)).verdict is Verdict.HEALTHY

    def test_looks_too_close_together_prove_nothing(self) -> None:
        found = judge(look(0, inflight=FRAME), look(0.1, inflight=FRAME))
        assert found.verdict is Verdict.UNKNOWN
        assert found.settle[0].command == "nicmedic check eth0"

    def test_a_shaper_may_hold_packets_back(self) -> None:
        card = nic(qdiscs=(Qdisc(kind="tbf", parent="root", queue=0),))
        assert judge(look(0, backlog=500), look(1, backlog=500), card=card).verdict is Verdict.HEALTHY

    def test_a_suspended_card_needs_no_memory(self) -> None:
        device = PciFunction(address="0000:02:00.0", command=0x0002, power_state="D3hot")
        card = nic(pcie=Pcie(device=device), power=PowerManagement(runtime_status="suspended"))
        assert judge(look(0, bus_master=False), look(1, bus_master=False), card=card).verdict is Verdict.HEALTHY

    def test_a_driver_without_byte_queue_limits_that_is_idle_may_hide_a_frame_and_that_is_said(self) -> None:
        card = nic(driver="virtio_net", tx_queues=(TxQueue(index=0, bql=Bql(inflight=0, limit=0)),))
        found = judge(look(0), look(1), card=card)
        assert found.verdict is Verdict.HEALTHY
        assert "no byte queue limits" in found.settle[0].text
        assert found.settle[0].command == "", "there is nobody to be pinged"

    def test_the_gateway_is_pinged_over_the_interface_that_has_the_address(self) -> None:
        gateway = Neighbour(family="inet", address="192.0.2.1", interface="vmbr0", state="stale", gateway=True)
        card = nic(
            driver="virtio_net",
            tx_queues=(TxQueue(index=0, bql=Bql(inflight=0, limit=0)),),
            uppers=(Upper(interface="vmbr0", kind="bridge", below="eth0"),),
        )
        found = judge(look(0), look(1), card=card, host=Host(neighbours=(gateway,)))
        assert found.settle[0].command == "ping -c 3 -I vmbr0 192.0.2.1; nicmedic check eth0"

    def test_only_what_was_read_is_named(self) -> None:
        without_netlink = [look(at, handed=None, backlog_bytes=None) for at in (0, 1)]
        assert judge(*without_netlink).reasons[0].source == "queues/tx-*/byte_queue_limits/inflight"
        blind = nic(tx_queues=(TxQueue(index=0, bql=Bql(inflight=0, limit=0)),))
        assert judge(look(0), look(1), card=blind).reasons[0].source == "tc -s qdisc"
        assert judge(*without_netlink, card=blind).verdict is Verdict.UNKNOWN


class TestElsewhere:
    def test_the_partner_sends_pause_frames(self) -> None:
        card = nic(driver_statistics={"rx_flow_control_xoff": 5}, link=Link(speed_mbps=1000))
        looks = [look(at, inflight=FRAME) for at in (0, 1)]
        found = judge(*looks, card=card, later_statistics={"rx_flow_control_xoff": 90})
        assert found.verdict is Verdict.ELSEWHERE
        assert "85 pause frames" in found.headline
        assert judge(*looks, card=card, later_statistics={"rx_flow_control_xoff": 5}).verdict is Verdict.HUNG

    @pytest.mark.parametrize(
        ("name", "rise", "speed_mbps", "verdict"),
        [
            ("rx_flow_control_xoff", 29, 1000, Verdict.HUNG),  # 29 times 33.6 ms
            ("rx_flow_control_xoff", 30, 1000, Verdict.ELSEWHERE),
            ("rx_flow_control_xoff", 3, 100, Verdict.ELSEWHERE),
            ("port.link_xoff_rx", 300, 10000, Verdict.ELSEWHERE),
            ("rx_flow_control_xoff", 30, None, Verdict.UNKNOWN),
            ("rx_flow_control_xon", 500, 1000, Verdict.HUNG),
            ("rx_global_pause_duration", 5000, 1000, Verdict.HUNG),
            ("good_fc_received", 30, 1000, Verdict.ELSEWHERE),
            ("fc_received", 30, 1000, Verdict.ELSEWHERE),
            ("pause_received", 30, 1000, Verdict.ELSEWHERE),
            ("rx_pfc_frames", 30, 1000, Verdict.ELSEWHERE),
            ("mac_rx_pfc_pri3_pkt_num", 30, 1000, Verdict.ELSEWHERE),
            ("pfc_frames_received", 30, 1000, Verdict.ELSEWHERE),
            ("rx_ppp0_frames", 30, 1000, Verdict.ELSEWHERE),
            ("RxPauseFrames", 30, 1000, Verdict.ELSEWHERE),
            ("bad_fc_received", 30, 1000, Verdict.HUNG),
            ("rx_nonpause", 30, 1000, Verdict.HUNG),
            ("rx_pause_bytes", 30, 1000, Verdict.HUNG),
            ("pfc_frames_sent", 30, 1000, Verdict.HUNG),
            ("mac_rx_pfc_pri3_xoff_time", 30, 1000, Verdict.HUNG),
        ],
    )
    def test_so_many_pause_frames_as_could_hold_the_port(self, name: str, rise: int, speed_mbps: int | None, verdict: Verdict) -> None:
        card = nic(driver_statistics={name: 5}, link=Link(speed_mbps=speed_mbps))
        looks = [look(at, inflight=FRAME) for at in (0, 1)]
        assert judge(*looks, card=card, later_statistics={name: 5 + rise}).verdict is verdict

    def test_the_host_may_have_no_processor_to_spare(self) -> None:
        looks = [look(at, inflight=FRAME) for at in (0, 3)]
        found = judge(*looks, late_s=2.0)
        assert found.verdict is Verdict.UNKNOWN
        assert "no processor to spare" in found.headline

    def test_nothing_excuses_a_watchdog_that_fires(self) -> None:
        card = nic(driver_statistics={"rx_flow_control_xoff": 5}, link=Link(speed_mbps=1000))
        looks = look(0, inflight=FRAME), look(3, inflight=FRAME, expired=1)
        assert judge(*looks, card=card, late_s=2.0, later_statistics={"rx_flow_control_xoff": 900}).verdict is Verdict.HUNG

    @pytest.mark.parametrize(("statistics", "told"), [({"rx_packets": 5}, True), ({"rx_pause_frames": 0}, False), (None, True)])
    def test_where_pause_frames_are_not_counted_that_is_said(self, statistics: dict[str, int] | None, told: bool) -> None:
        card = nic(driver="r8169", pause=Pause(autoneg=True, rx=True, tx=True), driver_statistics=statistics)
        found = judge(look(0, inflight=FRAME), look(1, inflight=FRAME), card=card)
        assert found.verdict is Verdict.HUNG
        assert any("pause frames" in item.text for item in found.settle) is told

    def test_a_busy_host_is_no_excuse_for_a_card_that_may_not_reach_memory(self) -> None:
        card = nic(pcie=Pcie(device=PciFunction(address="0000:02:00.0", command=0x0002)))
        assert judge(look(0, bus_master=False), look(3, bus_master=False), card=card, late_s=2.0).verdict is Verdict.HUNG

    @pytest.mark.parametrize(
        ("states", "verdict"),
        [
            (("failed",), Verdict.ELSEWHERE),
            (("incomplete",), Verdict.ELSEWHERE),
            (("failed", "stale"), Verdict.ELSEWHERE),
            (("failed", "reachable"), Verdict.HEALTHY),
            (("reachable",), Verdict.HEALTHY),
            (("stale",), Verdict.HEALTHY),
        ],
    )
    def test_the_gateway_does_not_answer(self, states: tuple[str, ...], verdict: Verdict) -> None:
        neighbours = tuple(
            Neighbour(family="inet", address=f"192.0.2.{number}", interface="eth0", state=state, gateway=True)
            for number, state in enumerate(states, 1)
        )
        assert judge(look(0), look(1, rx_packets=110), host=Host(neighbours=neighbours)).verdict is verdict

    @pytest.mark.parametrize(("received", "limit"), [(100, 3000), (110, 0)])
    def test_a_silent_gateway_acquits_no_card_that_is_not_seen_to_work(self, received: int, limit: int) -> None:
        gateway = Neighbour(family="inet", address="192.0.2.1", interface="vmbr0", state="failed", gateway=True)
        card = nic(
            tx_queues=(TxQueue(index=0, bql=Bql(inflight=0, limit=limit)),),
            uppers=(Upper(interface="vmbr0", kind="bridge", below="eth0"),),
        )
        found = judge(look(0), look(1, rx_packets=received), card=card, host=Host(neighbours=(gateway,)))
        assert found.verdict is Verdict.UNKNOWN
        assert "whether it or this card is at fault is open" in found.headline
        assert found.settle[-1].command == "ping -c 3 -I vmbr0 ADDRESS; nicmedic check eth0"

    @pytest.mark.parametrize(("routes", "verdict"), [((), Verdict.ELSEWHERE), (("192.0.2.1",), Verdict.HEALTHY)])
    def test_a_route_for_ipv6_that_leads_nowhere_counts_where_it_is_the_only_one(self, routes: tuple[str, ...], verdict: Verdict) -> None:
        dead = Neighbour(family="inet6", address="fd00::1", interface="eth0", state="failed", gateway=True)
        made = tuple(Route(family="inet", destination="default", gateway=gateway, interface="eth0") for gateway in routes)
        assert judge(look(0), look(1, rx_packets=110), host=Host(neighbours=(dead,), routes=made)).verdict is verdict


class TestLocked:
    """Something holds the lock of all networking: carrier, disciplines and ethtool were not asked."""

    HOST = Host(uptime_s=1000.0, notes=(Note(what="netlink", why=Lack.STUCK, detail="no answer for 2 s"),))
    CARD = nic(flags=("UP",), carrier=None, qdiscs=None)

    def look(self, at_s: float, **fields: object) -> Counters:
        return look(at_s, **{"handed": None, "backlog_bytes": None, "carrier": None, **fields})  # type: ignore[arg-type]  # as above

    def test_byte_queue_limits_still_show_a_hang(self) -> None:
        found = judge(self.look(0, inflight=FRAME), self.look(1, inflight=FRAME), card=self.CARD, host=self.HOST)
        assert found.verdict is Verdict.HUNG
        assert found.headline.startswith("hangs now: something holds the lock of all networking (RTNL), and 196 bytes of queue 0")
        assert found.reasons[0].source == "no answer for 2 s"

    @pytest.mark.parametrize("sent", [100, 500])
    def test_no_card_is_called_healthy(self, sent: int) -> None:
        found = judge(self.look(0), self.look(1, tx_packets=sent), card=self.CARD, host=self.HOST)
        assert found.verdict is Verdict.UNKNOWN
        assert found.headline == "something holds the lock of all networking (RTNL)"

    def test_an_old_hang_is_no_hang_now(self) -> None:
        events = (event(EventKind.LINK_UP, 5), event(EventKind.TX_TIMEOUT, 500), event(EventKind.RESET, 501))
        log = NicLog(events=events, hangs=(hang(500),))
        found = judge(self.look(0), self.look(1), card=self.CARD, host=self.HOST, log=log)
        assert found.verdict is Verdict.UNKNOWN
        unlocked = judge(self.look(0), self.look(1), card=self.CARD, log=log)
        assert (unlocked.verdict, "its carrier cannot be read" in unlocked.headline) == (Verdict.UNKNOWN, True)

    def test_a_card_that_is_switched_off_is_no_finding_for_that(self) -> None:
        found = judge(self.look(0), self.look(1), card=nic(flags=(), carrier=None), host=self.HOST)
        assert (found.verdict, found.wanted) == (Verdict.LINK_DOWN, False)

    def test_a_card_that_its_driver_took_down_before(self) -> None:
        events = (event(EventKind.LINK_UP, 5), event(EventKind.RESET, 501, "Failed to activate dev: error 1"))
        found = judge(self.look(0), self.look(1), card=nic(flags=(), carrier=None), host=self.HOST, log=NicLog(events=events))
        assert found.verdict is Verdict.HUNG
        assert found.headline.startswith("hangs now: something holds the lock of all networking (RTNL), and it was taken down")

    def test_no_command_is_offered_that_would_sleep_for_ever(self) -> None:
        risky = Unknown(text="The link mode", command="ethtool eth0")
        found = judge(self.look(0), self.look(1), card=self.CARD, host=self.HOST, settle=(risky,))
        assert [item.command for item in found.settle] == [""]


class TestLinkDown:
    def test_no_carrier(self) -> None:
        found = judge(look(0, carrier=False), look(1, carrier=False), card=nic(flags=("UP",), carrier=False))
        assert (found.verdict, found.wanted) == (Verdict.LINK_DOWN, True)

    def test_what_was_in_flight_when_the_cable_was_pulled_is_no_hang(self) -> None:
        looks = [look(at, inflight=FRAME, backlog=900, carrier=False) for at in (0, 1)]
        assert judge(*looks, card=nic(flags=("UP",), carrier=False)).verdict is Verdict.LINK_DOWN

    def test_switched_off_is_no_finding(self) -> None:
        found = judge(look(0, carrier=None), look(1, carrier=None), card=nic(flags=("BROADCAST",), carrier=None))
        assert (found.verdict, found.wanted) == (Verdict.LINK_DOWN, False)

    @pytest.mark.parametrize("after", [EventKind.LINK_UP, EventKind.LINK_DOWN])
    def test_a_cable_pulled_long_after_a_hang(self, after: EventKind) -> None:
        events = (event(EventKind.LINK_UP, 5), event(EventKind.TX_TIMEOUT, 100), event(after, 700))
        card = nic(flags=("UP",), carrier=False)
        found = judge(look(0, carrier=False), look(1, carrier=False), card=card, log=NicLog(events=events, hangs=(hang(100),)))
        assert found.verdict is Verdict.LINK_DOWN
        assert any("hung once in this boot" in reason.text for reason in found.reasons)


class TestBefore:
    def test_was_hung_by_the_log(self) -> None:
        log = NicLog(events=(event(EventKind.TX_TIMEOUT, 551, "NETDEV WATCHDOG: eth0"),), hangs=(hang(551),))
        found = judge(look(0), look(1), log=log)
        assert found.verdict is Verdict.WAS_HUNG
        assert found.headline == "hung once in this boot, 551 s after boot (449 s ago)"
        assert found.reasons[0].source == "kernel log: NETDEV WATCHDOG: eth0"

    def test_days_are_told_as_days(self) -> None:
        log = NicLog(events=(event(EventKind.TX_TIMEOUT, 551),), hangs=(hang(551),))
        assert judge(look(0), look(1), log=log, host=Host(uptime_s=339_242.0)).headline.endswith("551 s after boot (3.9 days ago)")

    def test_a_kernel_that_prints_the_first_only_is_not_counted(self) -> None:
        log = NicLog(events=(event(EventKind.TX_TIMEOUT, 551),), hangs=(hang(551, warn_once=True),))
        assert judge(look(0), look(1), log=log).headline.startswith("hung at least once in this boot")

    def test_was_hung_by_the_counter_alone(self) -> None:
        card = nic(tx_queues=(TxQueue(index=0, tx_timeout=2, bql=Bql(inflight=0, limit=3000)),))
        assert "watchdog expired 2 times" in judge(look(0, expired=2), look(1, expired=2), card=card).headline

    def test_now_counts_more_than_before(self) -> None:
        log = NicLog(events=(event(EventKind.TX_TIMEOUT, 551),), hangs=(hang(551),))
        found = judge(look(0, inflight=FRAME), look(1, inflight=FRAME), log=log)
        assert found.verdict is Verdict.HUNG
        assert any("in this boot" in reason.text for reason in found.reasons)


class TestAtRisk:
    def test_what_the_knowledge_says(self) -> None:
        risk = Risk(cause="r8169/aspm", title="The PCIe link sleeps", reasons=(Reason(text="ASPM L1 is on", source="LnkCtl"),))
        found = judge(look(0), look(1), risks=(risk,))
        assert (found.verdict, found.headline) == (Verdict.AT_RISK, "works; at risk: The PCIe link sleeps")

    def test_half_duplex_by_parallel_detection(self) -> None:
        link = Link(speed_mbps=100, duplex=Duplex.HALF, autoneg=True, lp_advertised=("100baseT/Half",))
        (risk,) = judge(look(0), look(1), card=nic(link=link)).risks
        assert (risk.cause, risk.title.startswith("There may be")) == ("link/duplex", True), "it may be a hub"
        (risk,) = judge(look(0), look(1), card=nic(link=link, statistics={"tx_window_errors": 7})).risks
        assert risk.title.startswith("A duplex mismatch")

    def test_half_duplex_that_both_negotiated_is_in_order(self) -> None:
        link = Link(speed_mbps=10, duplex=Duplex.HALF, autoneg=True, lp_advertised=("10baseT/Half", "Autoneg"))
        assert judge(look(0), look(1), card=nic(link=link)).verdict is Verdict.HEALTHY

    def test_full_duplex_by_force_with_broken_frames(self) -> None:
        link = Link(speed_mbps=100, duplex=Duplex.FULL, autoneg=False)
        broken = nic(link=link, statistics={"rx_packets": 1000, "rx_crc_errors": 30})
        assert judge(look(0), look(1), card=broken).verdict is Verdict.AT_RISK
        assert judge(look(0), look(1), card=nic(link=link)).verdict is Verdict.HEALTHY


class TestGone:
    def test_it_vanished_between_the_looks(self) -> None:
        assert judge(look(0), Counters(interface="eth0", monotonic_s=1001.0)).verdict is Verdict.UNKNOWN

    def test_another_interface_has_its_name(self) -> None:
        assert judge(look(0), look(1, ifindex=9)).verdict is Verdict.UNKNOWN

    def test_nothing_at_all_is_known(self) -> None:
        found = judge(card=Nic(interface="eth0"))
        assert (found.verdict, found.settle[0].command) == (Verdict.UNKNOWN, "nicmedic check eth0")
