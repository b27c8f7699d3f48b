# SPDX-License-Identifier: GPL-2.0-or-later
"""Messages about links and neighbours, as bytes; what they mean for cards."""

import struct

import pytest

from nicmedic.host.watching.cards import is_representor
from nicmedic.host.watching.gateways import neighbour_filter, parse_neighbour
from nicmedic.host.watching.link_table import RTM_DELLINK, RTM_NEWLINK, Link, LinkTable, parse_link, split_messages

UP, LOWER_UP = 1, 1 << 16
RECORDED = bytes.fromhex(  # of a veth of Linux 6.18, as RTM_NEWLINK gave it, without its statistics
    "00000100020000004310010000000000070003006330000008000d00e8030000050010000600000005001100000000000800040078050000"
    "0a0001009ed95f06502a00000a000200ffffffffffff0000"
)


def attribute(kind: int, data: bytes) -> bytes:
    return (struct.pack("=HH", 4 + len(data), kind) + data).ljust((7 + len(data)) & ~3, b"\0")


def body(
    ifindex: int, name: str, flags: int = UP | LOWER_UP, *, family: int = 0, mtu: int = 1500, master: int | None = None, port: str = ""
) -> bytes:
    made = struct.pack("=BxHiII", family, 1, ifindex, flags, 0) + attribute(3, name.encode() + b"\0") + attribute(4, struct.pack("=I", mtu))
    made += attribute(1, bytes(5) + b"\x07")
    if master is not None:
        made += attribute(10, struct.pack("=I", master))
    return made + (attribute(38, port.encode() + b"\0") if port else b"")


def message(kind: int, content: bytes) -> bytes:
    return (struct.pack("=IHHII", 16 + len(content), kind, 0, 0, 0) + content).ljust((19 + len(content)) & ~3, b"\0")


class Heard:
    """A table that knows eth0 and br0."""

    def __init__(self) -> None:
        self.table = LinkTable(lambda name: name.startswith("eth"))
        self.table.take_list([Link(1, "lo", True, True), Link(2, "eth0", True, True, 1500, None, "00:00:00:00:00:07")], 0.0)

    def __call__(self, kind: int, *content: object, **more: object) -> list[tuple[str, str | None, object]]:
        signals = self.table.hear(kind, body(*content, **more), 1.0)  # type: ignore[arg-type]
        return [(signal.kind.value, signal.interface, signal.text or signal.value) for signal in signals]


@pytest.fixture
def heard() -> Heard:
    return Heard()


def test_a_recorded_message() -> None:
    assert parse_link(RECORDED) == Link(2, "c0", True, True, 1400, None, "9e:d9:5f:06:50:2a")


def test_a_port_of_a_bond_keeps_its_own_address(heard: Heard) -> None:
    assert heard.table.permanent_addresses == {}
    heard.table.hear(RTM_NEWLINK, body(2, "eth0", master=9) + attribute(54, bytes(5) + b"\x09"), 1.0)
    assert heard.table.permanent_addresses == {"eth0": "00:00:00:00:00:09"}
    found = heard.table.find("eth0")
    assert found is not None
    assert found.address == "00:00:00:00:00:07"


@pytest.mark.parametrize("data", [b"", RECORDED[:12], RECORDED[:16], bytes(40), RECORDED[:16] + b"\xff" * 30])
def test_what_is_cut_or_strange_is_no_link(data: bytes) -> None:
    assert parse_link(data) is None


def test_several_messages_in_one_datagram_and_a_broken_one_at_the_end() -> None:
    data = message(16, b"abc") + message(17, b"defg") + b"\x40\0\0\0" + bytes(20)
    assert list(split_messages(data)) == [(16, b"abc"), (17, b"defg")]


def test_the_first_list_is_no_news(heard: Heard) -> None:
    assert heard.table.find("eth0") is not None
    assert heard.table.find("eth1") is None
    assert heard(RTM_NEWLINK, 2, "eth0") == []


def test_down_and_up_again(heard: Heard) -> None:
    assert heard(RTM_NEWLINK, 2, "eth0", 0) == [("admin", "eth0", 0)]
    assert heard(RTM_NEWLINK, 2, "eth0", UP) == [("admin", "eth0", 1)]
    assert heard(RTM_NEWLINK, 2, "eth0", UP | LOWER_UP) == [("carrier", "eth0", 1)]
    assert heard(RTM_NEWLINK, 2, "eth0", UP) == [("carrier", "eth0", 0)]


def test_a_port_that_leaves_its_bridge_is_not_gone(heard: Heard) -> None:
    assert heard(RTM_NEWLINK, 2, "eth0", master=5) == [("changed", "eth0", None)]
    assert heard(RTM_DELLINK, 2, "eth0", family=7) == []
    assert heard(RTM_NEWLINK, 2, "eth0") == [("changed", "eth0", None)]


def test_names_that_change_and_are_exchanged(heard: Heard) -> None:
    assert heard(RTM_NEWLINK, 3, "eth1") == [("appeared", "eth1", None)]
    assert heard(RTM_NEWLINK, 2, "tmp") == [("renamed", "tmp", "eth0")]
    assert heard(RTM_NEWLINK, 3, "eth0") == [("renamed", "eth0", "eth1")]
    assert heard(RTM_NEWLINK, 2, "eth1") == [("renamed", "eth1", "tmp")]
    found = [heard.table.find(name) for name in ("eth0", "eth1", "tmp")]
    assert [one and one.ifindex for one in found] == [3, 2, None]


def test_what_is_no_card_is_not_told_of_until_it_is_called_like_one(heard: Heard) -> None:
    assert heard(RTM_NEWLINK, 8, "tap0") == []
    assert heard(RTM_NEWLINK, 8, "tap0", 0) == []
    assert heard(RTM_NEWLINK, 8, "eth8") == [("appeared", "eth8", None)]
    assert heard(RTM_DELLINK, 8, "eth8") == [("vanished", "eth8", None)]
    assert heard(RTM_DELLINK, 8, "eth8") == []


def test_a_representor_is_no_card(heard: Heard) -> None:
    assert heard(RTM_NEWLINK, 9, "eth9", port="pf0vf3") == []
    assert heard.table.representors == {"eth9"}
    assert not is_representor("p0")


def test_a_list_that_was_made_meanwhile_does_not_undo_what_was_heard(heard: Heard) -> None:
    heard.table.begin_listing()
    assert heard(RTM_NEWLINK, 2, "eth0", 0) == [("admin", "eth0", 0)]
    assert heard(RTM_NEWLINK, 3, "eth1") == [("appeared", "eth1", None)]
    old = [Link(2, "eth0", True, True, 1500, None, "00:00:00:00:00:07"), Link(4, "eth4", True, True)]
    signals = heard.table.take_list(old, 2.0)
    assert [(signal.kind.value, signal.interface) for signal in signals] == [("appeared", "eth4")]
    heard.table.begin_listing()
    gone = heard.table.take_list([], 3.0)
    assert {(signal.kind.value, signal.interface) for signal in gone} == {("vanished", f"eth{number}") for number in (0, 1, 4)}


def test_neighbours_that_answer_and_that_failed() -> None:
    def neighbour(state: int, family: int = 2, address: bytes = b"\xc0\0\2\1") -> bytes:
        return struct.pack("=BxxxiHBB", family, 3, state, 0, 1) + attribute(1, address)

    assert parse_neighbour(neighbour(0x20)) == (3, b"\xc0\0\2\1", False)
    assert parse_neighbour(neighbour(2, 10, bytes(16))) == (3, bytes(16), True)
    assert [parse_neighbour(data) for data in (neighbour(4), neighbour(2, 7), b"", struct.pack("=BxxxiHBB", 2, 3, 2, 0, 1))] == [None] * 4
    assert len(neighbour_filter()) % 8 == 0


def noted(heard: Heard) -> set[int] | None:
    """Who is to be left out of a list."""
    return heard.table._heard


def test_who_was_heard_of_is_only_noted_while_a_list_is_made(heard: Heard) -> None:
    for ifindex in range(10, 500):
        heard(RTM_NEWLINK, ifindex, f"veth{ifindex}")
        heard(RTM_DELLINK, ifindex, f"veth{ifindex}")
    assert noted(heard) is None
    heard.table.begin_listing()
    heard(RTM_NEWLINK, 3, "eth3")
    heard(RTM_DELLINK, 2, "eth0")
    assert noted(heard) == {2, 3}
    assert heard.table.take_list([Link(2, "eth0", True, True)], 2.0) == []
    assert noted(heard) is None
    heard.table.begin_listing()
    heard.table.give_up_list()
    heard(RTM_NEWLINK, 4, "eth4")
    assert noted(heard) is None
    assert [name for name in ("eth0", "eth3", "eth4", "veth10") if heard.table.find(name)] == ["eth3", "eth4"]
