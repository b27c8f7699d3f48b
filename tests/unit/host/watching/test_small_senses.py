# SPDX-License-Identifier: GPL-2.0-or-later
"""Counters, routes, clocks, the tracepoint's lines, disciplines, blind spots: text and numbers in, values out."""

from pathlib import Path

import pytest

from nicmedic.host.qdisc_counts import ROOT, QdiscCounts
from nicmedic.host.sysfs import Folder
from nicmedic.host.watching.blind_spots import Sight, find_blind_cards, find_blind_host, find_hidden_cards
from nicmedic.host.watching.cards import find_pci_path, read_cards
from nicmedic.host.watching.closer_look import describe_qdiscs, make_answer
from nicmedic.host.watching.gateways import Gateway, parse_ipv4_routes, parse_ipv6_routes, read_gateways
from nicmedic.host.watching.own_time import Clocks, judge_clocks
from nicmedic.host.watching.samples import NetDev, parse_net_dev_line
from nicmedic.host.watching.survey import links_of, speeds_of
from nicmedic.host.watching.tracepoint import parse_timeouts
from nicmedic.model.watched import Card

NET_DEV = b"""Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 1 2 0 0 0 0 0 0 3 4 0 0 0 0 0 0
  eth0: 3520616872   85891    0    0    0    0          0         0 23471998   68969    0    0    0     0       0          0
xeth0: 9 9 0 0 0 0 0 0 9 9 0 0 0 0 0 0
enp0s31f6:7 8 0 0 0 0 0 0 5 6 0 0 0 0 0 0
"""
ROUTES = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0100A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth0\t0000FEA9\t00000000\t0001\t0\t0\t1000\t0000FFFF\t0\t0\t0
br0\t0000000A\t0200A8C0\t0003\t0\t0\t0\t000000FF\t0\t0\t0
"""
ZEROS = "0" * 32
ROUTES_6 = f"""fe800000000000000000000000000000 40 {ZEROS} 00 {ZEROS} 00000100 00000001 00000000 00000001 c0
20010db8000000000000000000000000 20 {ZEROS} 00 fe800000000000000000000000000009 00000400 00000001 00000000 00000003 c1
{ZEROS} 00 {ZEROS} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003 c0
{ZEROS} 00 {ZEROS} 00 {ZEROS} ffffffff 00000001 00000000 00200200 lo
"""


def test_counters_of_proc_net_dev() -> None:
    assert parse_net_dev_line(NET_DEV, b"eth0") == (68969, 23471998, 85891, 3520616872)
    assert parse_net_dev_line(NET_DEV, b"lo") == (4, 3, 2, 1)
    assert parse_net_dev_line(NET_DEV, b"enp0s31f6") == (6, 5, 8, 7)
    assert parse_net_dev_line(NET_DEV, b"eth") is None
    assert parse_net_dev_line(b"eth0: 1 2", b"eth0") is None


def test_one_reading_serves_all_cards_of_a_moment_and_none_of_them_twice(tmp_path: Path) -> None:
    path = tmp_path / "dev"
    path.write_bytes(NET_DEV)
    source = NetDev(str(path))
    source.numbers(b"lo")
    source._read_s += 1000  # still fresh
    path.write_bytes(NET_DEV.replace(b"1 2 0 0", b"7 2 0 0"))
    assert source.numbers(b"xeth0") == (9, 9, 9, 9)
    assert source.numbers(b"lo") == (4, 3, 2, 7)
    assert source.numbers(b"nothing") is None
    source.close()
    assert NetDev(str(tmp_path / "missing")).numbers(b"lo") is None


def test_gateways_of_both_families() -> None:
    four, six = tuple(parse_ipv4_routes(ROUTES)), tuple(parse_ipv6_routes(ROUTES_6))
    assert four == (Gateway("eth0", bytes((192, 168, 0, 1)), True), Gateway("br0", bytes((192, 168, 0, 2)), False))
    ends = [(gateway.interface, gateway.address.hex(":", 8), gateway.is_default) for gateway in six]
    assert ends == [("c1", "fe80000000000000:0000000000000009", False), ("c0", "fe80000000000000:0000000000000001", True)]


def test_routes_are_read_as_far_as_they_make_sense(tmp_path: Path) -> None:
    net = tmp_path / "proc/net"
    net.mkdir(parents=True)
    (net / "route").write_text(ROUTES)
    assert [gateway.interface for gateway in read_gateways(Folder(str(tmp_path)))] == ["eth0", "br0"]
    (net / "ipv6_route").write_text(ROUTES_6)
    assert [gateway.interface for gateway in read_gateways(Folder(str(tmp_path)))] == ["eth0", "c0", "br0", "c1"]
    (net / "ipv6_route").write_text("a b c\n" + "x " * 12)
    assert len(read_gateways(Folder(str(tmp_path)))) == 2


@pytest.mark.parametrize(
    ("now", "late_s", "told"),
    [
        (Clocks(10.25, 10.25, 100.25, 1.0), 0.0, []),
        (Clocks(10.25, 10.25, 100.25, 1.15), 0.15, []),
        (Clocks(10.75, 10.75, 100.75, 1.5), 0.5, [("starved", 500)]),
        (Clocks(10.75, 10.75, 100.75, 1.5), 0.0, [("starved", 500)]),
        (Clocks(70.0, 70.0, 160.0, 1.1), 59.5, [("slept", 59500)]),
        (Clocks(70.0, 70.0, 160.0, None), 59.5, [("starved", 59500)]),
        (Clocks(70.0, 70.0, 160.0, 50.0), 59.5, [("starved", 59500)]),
        (Clocks(10.25, 3610.25, 3700.25, 1.0), 0.0, [("slept", 3600000)]),
        (Clocks(10.25, 10.25, 160.25, 1.0), 0.0, [("slept", 60000)]),
        (Clocks(10.25, 10.25, 40.25, 1.0), 0.0, []),
    ],
)
def test_what_our_own_clocks_tell(now: Clocks, late_s: float, told: list[tuple[str, int]]) -> None:
    before = Clocks(10.0, 10.0, 100.0, 1.0)
    assert [(signal.kind.value, signal.value) for signal in judge_clocks(before, now, late_s)] == told


def test_lines_of_the_tracepoint() -> None:
    line = b"          <idle>-0       [001] ..s1.    42.123456: net_dev_xmit_timeout: dev=%s driver=%s queue=%d\n"
    data = line % (b"eth0", b"r8169", 0) + b"junk\n" + line % (b"c-\xff", b"", 13) + b"cut off net_dev_xmit_timeout: dev=eth1"
    assert parse_timeouts(data) == [("eth0", "r8169", 0), ("c-\udcff", "", 13)]


def test_disciplines_of_one_queue_of_many_and_of_none() -> None:
    def counts(parent: int, handle: int, kind: bytes, packets: int, backlog: int) -> QdiscCounts:
        return QdiscCounts(parent, handle, kind, packets, 0, backlog, 0, 0)

    assert describe_qdiscs([], 1) == {}
    assert describe_qdiscs([counts(ROOT, 0, b"noqueue", 0, 0)], 1) == {}
    single = describe_qdiscs([counts(ROOT, 0, b"fq", 7, 42)], 1)
    assert single == {"queues": {"0": [7, 42]}, "holds_back": True, "backlog_bytes": 42, "dequeued": 7}
    assert describe_qdiscs([counts(ROOT, 0, b"pfifo_fast", 7, 42)], 4)["queues"] is None
    many = describe_qdiscs([counts(ROOT, 0, b"mq", 9, 5), counts(1, 0, b"fq_codel", 4, 5), counts(2, 0, b"fq_codel", 5, 0)], 2)
    assert many["queues"] == {"0": [4, 5], "1": [5, 0]}
    answer = make_answer({**many, "lost": False, "bus_master": True, "pause_frames": {"rx_pause": 3}}, 1.0, stuck=False)
    assert (answer.queues, answer.lost, answer.bus_master, answer.pause_frames) == ({0: (4, 5), 1: (5, 0)}, False, True, {"rx_pause": 3})
    assert make_answer({}, 1.0, stuck=True).queues is None


def make_sysfs(root: Path) -> Path:
    """A real card below a port, a tap, the file of bonding, and a second function that has no interface."""
    net = root / "sys/class/net"
    device = root / "sys/devices/pci0000:00/0000:00:1c.0/0000:02:00.0"
    other = root / "sys/devices/pci0000:00/0000:00:1f.6"
    for path in (
        device / "net/eth0/queues/tx-0/byte_queue_limits",
        other,
        root / "sys/bus/pci/drivers/e1000e",
        root / "sys/bus/pci/devices",
    ):
        path.mkdir(parents=True)
    net.mkdir(parents=True)
    eth0 = device / "net/eth0"
    (net / "eth0").symlink_to(eth0)
    (net / "bonding_masters").write_text("")
    (net / "tap0").mkdir()
    (net / "tap0/ifindex").write_text("9\n")
    (eth0 / "device").symlink_to(device)
    (eth0 / "upper_br0").symlink_to(net / "tap0")
    for name, text in {
        "ifindex": "2",
        "address": "02:00:00:00:00:01",
        "addr_assign_type": "0",
        "queues/tx-0/byte_queue_limits/limit": "4096",
    }.items():
        (eth0 / name).write_text(text + "\n")
    for folder in (device, other):
        (folder / "driver").symlink_to(root / "sys/bus/pci/drivers/e1000e")
        (folder / "subsystem").symlink_to(root / "sys/bus/pci")
        (folder / "class").write_text("0x020000\n")
        (root / "sys/bus/pci/devices" / folder.name).symlink_to(folder)
    return root


def test_cards_of_a_sysfs(tmp_path: Path) -> None:
    net = Folder(str(make_sysfs(tmp_path))).folder("sys/class/net")
    (card,) = read_cards(net, (), speeds={"eth0": 1000})
    assert (card.driver, card.bus, card.bus_address, card.permanent_address) == ("e1000e", "pci", "0000:02:00.0", "02:00:00:00:00:01")
    assert (card.has_bql, card.speed_mbps, card.above, card.is_real, card.ifindex) == (True, 1000, ("br0",), True, 2)
    assert [one.interface for one in read_cards(net, ("tap*",))] == ["eth0", "tap0"]
    assert read_cards(net, (), leave_out=frozenset({"eth0"})) == ()
    assert find_pci_path(card.sysfs_path, card.bus) == card.sysfs_path
    assert find_pci_path(f"{card.sysfs_path}/virtio2", "virtio") == card.sysfs_path
    assert find_pci_path(card.sysfs_path, "usb") is None


def test_what_is_no_ethernet_is_no_card_unless_it_is_asked_for(tmp_path: Path) -> None:
    root = make_sysfs(tmp_path)
    net, kind = Folder(str(root)).folder("sys/class/net"), root / "sys/class/net/eth0/type"
    for number in (280, 32, 519, 801):  # CAN, InfiniBand, raw IP, Wi-Fi that listens (include/uapi/linux/if_arp.h)
        kind.write_text(f"{number}\n")
        assert read_cards(net, ()) == ()
    assert [card.is_real for card in read_cards(net, ("eth*",))] == [True]
    kind.write_text("1\n")
    assert len(read_cards(net, ())) == 1


def test_a_function_whose_interface_is_elsewhere_is_told_of(tmp_path: Path) -> None:
    root = Folder(str(make_sysfs(tmp_path)))
    cards = read_cards(root.folder("sys/class/net"), ())
    (sentence,) = find_hidden_cards(cards, root)
    assert sentence.startswith("0000:00:1f.6 (e1000e) shows no interface here")


def test_each_blind_spot_says_what_would_change_it() -> None:
    card = Card(interface="is-not-here", ifindex=2, driver="8139too", has_bql=False)
    dark = Sight(
        kernel_log="Permission denied",
        tracepoint="no",
        links="no",
        neighbours="no",
        packets="no",
        patterns="no",
        counts_waiting=False,
        lock_stuck=True,
    )
    assert len(list(find_blind_host(dark, [card]))) == 8
    assert list(find_blind_host(Sight(), [card])) == []
    assert len(list(find_blind_host(Sight(), []))) == 1
    words = " ".join(find_blind_cards([card], [], frozenset({"8139too"}), {"is-not-here": 3}))
    assert f"{card.interface}: 3 of its {card.tx_queues} transmit queues are not looked at" in words
    assert "not looked at" not in " ".join(find_blind_cards([card], [], frozenset(), {"is-not-here": 0, "eth1": 3}))
    assert all(part in words for part in ("no byte queue limits", "no tx-timeout handler", "no gateway is known", "counts no expiries"))


def test_what_a_child_said_that_makes_no_sense_is_not_taken() -> None:
    assert links_of({}) is None
    assert links_of({"links": [[1, "lo", True, True, 1, None, "", None, None, "too much"]]}) is None
    assert speeds_of({"speeds": None}) == {}
