# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel log: records as the kernel gives them, one a read; who wrote them; which of them matter; a flood of them."""

import os
import socket
import time
from collections.abc import Iterator

import pytest

from nicmedic.host.knowledge import read_knowledge
from nicmedic.host.watching.kernel_log import KernelLog, parse_record, sequence_of
from nicmedic.host.watching.log_signals import LineReader, _matters, find_card
from nicmedic.model.sample import SignalKind
from nicmedic.model.signal import Signal
from nicmedic.model.watched import Card

ETH0 = Card(
    interface="eth0",
    ifindex=2,
    driver="e1000e",
    bus="pci",
    bus_address="0000:02:00.0",
    sysfs_path="/sys/devices/pci0000:00/0000:00:1c.0/0000:02:00.0",
)
ETH1 = Card(
    interface="eth1",
    ifindex=3,
    driver="r8169",
    bus="pci",
    bus_address="0000:03:00.0",
    sysfs_path="/sys/devices/pci0000:00/0000:00:1d.0/0000:03:00.0",
)
WATCHDOG = b"6,10,100,-;NETDEV WATCHDOG: eth0 (e1000e): transmit queue 0 timed out\n"


class Pipe:
    """Gives one record a read, as /dev/kmsg does."""

    def __init__(self) -> None:
        self._far, near = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        near.setblocking(False)
        self.near = near.detach()

    def write(self, *records: bytes) -> None:
        for record in records:
            os.write(self._far.fileno(), record)

    def close(self) -> None:
        self._far.close()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.close()


def test_only_the_kernel_counts_and_everything_is_kept(pipe: Pipe) -> None:
    pipe.write(b"6,1,100,-;old\n")
    log = KernelLog(pipe.near, 1000)
    user = b"12,3,102,-;NETDEV WATCHDOG: eth0\n"
    other = b"8,4,103,-;as a user, at level 0\n"
    kernel = b"4,5,104,-;a: b\n SUBSYSTEM=pci\n DEVICE=+pci:0000:02:00.0\n"
    pipe.write(user, other, kernel)
    assert log.read() == [kernel]
    assert log.read() == []
    assert log.newest(1 << 20) == b"6,1,100,-;old\n" + user + other + kernel
    assert log.newest(len(kernel) + 1) == kernel
    assert log.newest(0) == b""
    log.close()


def test_what_is_kept_is_bounded(pipe: Pipe) -> None:
    log = KernelLog(pipe.near, 1000)
    for number in range(500):
        pipe.write(b"6,%d,100,-;line %d\n" % (number, number))
        log.read()
    assert 900 < len(log.newest(1 << 20)) <= 1000
    assert log.newest(1 << 20).endswith(b"line 499\n")
    log.close()


def test_records_that_were_overwritten_are_counted_by_their_numbers(pipe: Pipe) -> None:
    log = KernelLog(pipe.near, 1000)
    pipe.write(b"6,100,1,-;before\n")
    log.read()
    log._has_gap = True  # what EPIPE does
    pipe.write(b"6,173,1,-;after\n", b"6,174,1,-;and so on\n")
    assert len(log.read()) == 2
    assert log.lost == 72
    assert sequence_of(b"nonsense") is None
    log.close()


def test_a_turn_ends_when_its_time_is_over_and_a_pause_follows(pipe: Pipe) -> None:
    log = KernelLog(pipe.near, 1 << 16)
    began = time.monotonic()
    for number in range(250):
        pipe.write(b"6,%d,100,-;flood %d\n" % (number, number))
    found, is_more = log._read(4000, began)  # the time is over already
    assert len(found) < 100
    assert is_more
    assert len(log._read(4000, time.monotonic() + 10)[0]) == 250 - len(found)
    log.close()


@pytest.mark.parametrize(
    ("record", "text", "device"),
    [
        (b"6,1,2,-;plain\n", "plain", None),
        (b"6,1,2,-;a;b\\x0ac\\xe2\\x82\\xac\n DEVICE=c189:1\n", "a;b\nc\N{EURO SIGN}", None),
        (b"3,1,2,-;text\n SUBSYSTEM=pci\n DEVICE=+pci:0000:02:00.0\n", "text", "0000:02:00.0"),
        (b"3,1,2,-;text\n SUBSYSTEM=net\n DEVICE=n2\n", "text", None),
        (b"", "", None),
    ],
)
def test_records_are_read_as_the_kernel_escapes_them(record: bytes, text: str, device: str | None) -> None:
    assert parse_record(record) == (text, device)


@pytest.fixture(scope="module")
def patterns() -> tuple[Signal, ...]:
    base = read_knowledge()
    wanted = {"core", "platform", "e1000e", "r8169"}
    return tuple(one for one in base.signals if one.file in wanted and _matters(one))


def reader(patterns: tuple[Signal, ...], *cards: Card) -> LineReader:
    made = LineReader(lambda: cards or (ETH0, ETH1))
    made.learn(patterns, 0.0)
    return made


@pytest.mark.parametrize(
    ("text", "kind", "interface"),
    [
        (b"NETDEV WATCHDOG: eth0 (e1000e): transmit queue 0 timed out", SignalKind.HANG_LINE, "eth0"),
        (b"NETDEV WATCHDOG: eth7 (e1000e): transmit queue 0 timed out", None, None),
        (b"e1000e 0000:02:00.0 eth0: Detected Hardware Unit Hang:\\x0a  TDH <0>", SignalKind.HANG_LINE, "eth0"),
        (b"e1000e 0000:02:00.0 before-it-was-renamed: Detected Hardware Unit Hang:", SignalKind.HANG_LINE, "eth0"),
        (b"e1000e 0000:99:00.0 eth9: Detected Hardware Unit Hang:", None, None),
        (b"NETDEV WATCHDOG: eth0 (iavf): transmit queue 0 timed out", None, None),
        (b"iavf 0000:81:02.3 eth0: NETDEV WATCHDOG: CPU: 3: transmit queue 0 timed out 5000 ms", None, None),
        (b"e1000e 0000:99:00.0 eth0: NETDEV WATCHDOG: CPU: 3: transmit queue 0 timed out 5000 ms", None, None),
        (b"e1000e 0000:02:00.0 eth0: NETDEV WATCHDOG: CPU: 3: transmit queue 0 timed out 5000 ms", SignalKind.HANG_LINE, "eth0"),
        (b"e1000e 0000:99:00.0 eth0: Detected Hardware Unit Hang:", None, None),
        (b"r8169 0000:03:00.0 eth1: rtl_rxtx_empty_cond == 0 (loop: 42, delay: 100).", SignalKind.HANG_LINE, "eth1"),
        (b"pcieport 0000:00:1c.0: AER: Uncorrected (Fatal) error received: 0000:02:00.0", SignalKind.FAULT_LINE, "eth0"),
        (b"WARNING: CPU: 3 PID: 0 at net/sched/sch_generic.c:442 dev_watchdog+0x263/0x270", None, None),
        (b"e1000e 0000:02:00.0 eth0: NIC Link is Up 1000 Mbps Full Duplex, Flow Control: Rx/Tx", None, None),
        (b"usb 1-1: new high-speed USB device number 2 using xhci_hcd", None, None),
    ],
)
def test_lines_of_cards_that_are_here(patterns: tuple[Signal, ...], text: bytes, kind: SignalKind | None, interface: str | None) -> None:
    chosen = reader(patterns)
    for turn in range(2):  # the second time it is known
        found = chosen.read([b"4,%d,100,-;%s\n" % (turn, text)], 5.0)
        if kind is None:
            assert not [one for one in found if one.interface is not None or one.kind is SignalKind.HANG_LINE]
        else:
            assert [(one.kind, one.interface, one.monotonic_s) for one in found] == [(kind, interface, 5.0)]


def test_before_the_knowledge_is_read_the_watchdog_is_known_and_the_rest_is_made_up_for(patterns: tuple[Signal, ...]) -> None:
    made = LineReader(lambda: (ETH0,))
    hang = b"3,11,101,-;e1000e 0000:02:00.0 eth0: Detected Hardware Unit Hang:\n"
    assert [one.kind for one in made.read([WATCHDOG, hang], 1.0)] == [SignalKind.HANG_LINE]
    late = made.learn(patterns, 2.0)
    assert [(one.kind, one.interface) for one in late] == [(SignalKind.HANG_LINE, "eth0")]
    assert "Hardware Unit Hang" in late[0].text
    assert made.learn(patterns, 3.0) == []


def test_a_name_that_is_not_utf_8_and_one_that_is_odd() -> None:
    card = Card(interface="c-\udcff\N{EURO SIGN}", ifindex=9)
    made = LineReader(lambda: (card,))
    found = made.read([b"4,1,1,-;NETDEV WATCHDOG: c-\\xff\\xe2\\x82\\xac (x): transmit queue 3 timed out 5040 ms\n"], 1.0)
    assert [one.interface for one in found] == [card.interface]


def test_fifty_thousand_lines_cost_less_than_a_fifth_of_a_second_each_second(patterns: tuple[Signal, ...]) -> None:
    chosen = reader(patterns)
    lines = [
        b"4,%d,%d,-;IN=eth0 OUT= MAC=00:11 SRC=192.0.2.%d LEN=%d\n" % (number, number, number % 256, number % 1400)
        for number in range(50_000)
    ]
    began = time.process_time()
    assert chosen.read(lines, 1.0) == []
    assert time.process_time() - began < 1.0  # 0.06 s on a quiet machine


@pytest.mark.parametrize(
    ("names", "device", "found"),
    [
        ({"interface": "eth1"}, None, "eth1"),
        ({"pinterface": "eth0"}, None, "eth0"),
        ({"interface": "eth0 (unregistering)"}, None, "eth0"),
        ({"bus": "0000:02:00.0"}, None, "eth0"),
        ({"bus": "02:00.0"}, None, "eth0"),
        ({}, "0000:03:00.0", "eth1"),
        ({}, "0000:00:1d.0", "eth1"),
        ({}, "0000:44:00.0", False),
        ({"interface": "lan7"}, None, False),
        ({"interface": "eth1", "driver": "iavf"}, None, False),
        ({"interface": "eth1", "driver": "r8169"}, None, "eth1"),
        ({"interface": "eth1"}, "0000:81:02.3", False),
        ({"interface": "eth1"}, "0000:02:00.0", "eth0"),
        ({"interface": "eth1", "driver": "r8169-words"}, "0000:03:00.0", "eth1"),
        ({"driver": "r8169"}, None, "eth1"),
        ({"driver": "tg3"}, None, None),
        ({}, None, None),
    ],
)
def test_whose_line_it_is(names: dict[str, str], device: str | None, found: str | bool | None) -> None:
    assert find_card((ETH0, ETH1), names, device) == found


def test_a_driver_goes_by_its_own_name_and_by_that_of_those_who_share_its_words() -> None:
    card = Card(interface="eth0", ifindex=2, driver="via-rhine")
    assert find_card((card,), {"interface": "eth0", "driver": "via_rhine"}, None) == "eth0"
    assert find_card((card,), {"interface": "eth0", "driver": "via"}, None, ("via-rhine", "via")) == "eth0"
    assert find_card((card,), {"interface": "eth0", "driver": "igb"}, None, ()) is False


def test_of_two_cards_below_one_bridge_nobody_knows_which() -> None:
    twin = Card(interface="eth2", ifindex=4, driver="e1000e", sysfs_path="/sys/devices/pci0000:00/0000:00:1c.0/0000:02:00.1")
    assert find_card((ETH0, twin), {"bus": "0000:00:1c.0"}, None) is None
    assert find_card((ETH0, twin), {"driver": "e1000e"}, None) is None
