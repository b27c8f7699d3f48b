# SPDX-License-Identifier: GPL-2.0-or-later
"""The senses of the resident watcher in real network namespaces: cards that come, go and are renamed, gateways that answer and that do not."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from nicmedic.host.watching.child import Child, Tell
from nicmedic.host.watching.closer_look import ask_closer
from nicmedic.model.watched import Card

RUNNER = Path(__file__).with_name("senses_runner.py")
ASKED = "c*"
"""The pattern under which these interfaces without a device count as cards."""


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=20)


class World:
    """A host, and who is at the other end of its cables."""

    def __init__(self) -> None:
        self.host, self.far = (f"senses-{os.getpid()}-{time.monotonic_ns() % 10**6}-{end}" for end in ("host", "far"))
        for name in (self.host, self.far):
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        self.program: subprocess.Popen[str] | None = None

    def wire(self, card: str, far: str = "") -> None:
        """A card of the host, up, and its other end."""
        ip("-n", self.host, "link", "add", card, "type", "veth", "peer", "name", far or card, "netns", self.far)
        ip("-n", self.far, "link", "set", far or card, "up")
        ip("-n", self.host, "link", "set", card, "up")

    def on(self, *words: str) -> None:
        """``ip`` on the host."""
        ip("-n", self.host, *words)

    def give(self, room: str, interface: str, *addresses: str) -> None:
        for address in addresses:
            ip("-n", room, "address", "add", address, "dev", interface, *(["nodad"] if ":" in address else []))

    def start(self, *patterns: str) -> None:
        self.program = subprocess.Popen(
            ["ip", "netns", "exec", self.host, sys.executable, str(RUNNER), *(patterns or (ASKED,))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.read() is None

    def read(self) -> Any:  # noqa: ANN401  # JSON
        assert self.program is not None
        assert self.program.stdout is not None
        return json.loads(self.program.stdout.readline())

    def ask(self, *words: object) -> Any:  # noqa: ANN401  # JSON
        assert self.program is not None
        assert self.program.stdin is not None
        self.program.stdin.write(json.dumps(words) + "\n")
        self.program.stdin.flush()
        return self.read()

    def heard(self, within_s: float = 0.6) -> list[tuple[str, str | None, Any]]:
        """Kind, interface, and text or value; without what our own clocks tell of a busy machine."""
        signals = self.ask("wait", within_s)
        return [
            (kind, interface, text or value) for kind, interface, text, value in signals if kind not in {"starved", "slept", "log_lost"}
        ]

    def close(self) -> None:
        if self.program is not None:
            assert self.program.stdin is not None
            self.program.stdin.close()
            assert self.program.wait(20) == 0
            assert self.program.stdout is not None
            self.program.stdout.close()
        for name in (self.host, self.far):
            subprocess.run(["ip", "netns", "delete", name], check=False, timeout=20)


@pytest.fixture
def world() -> Iterator[World]:
    if shutil.which("ip") is None:
        pytest.skip("needs ip: apt-get install iproute2")
    made = World()
    try:
        yield made
    finally:
        made.close()


def names(cards: Sequence[Sequence[object]]) -> list[object]:
    return [card[0] for card in cards]


def test_only_real_cards_are_watched_unless_a_pattern_asks_for_more(world: World) -> None:
    for name in ("c0", "guest0", "c-€"):
        world.wire(name)
    world.on("link", "add", "br0", "type", "bridge")
    world.on("link", "set", "c0", "master", "br0")
    world.start(ASKED, "nothing*")
    assert world.ask("cards") == [["c0", None, False, 1, ["br0"]], ["c-€", None, False, 1, []]]
    assert world.ask("sample", "c-€") is not None
    assert world.ask("sample", "c9") is None


def test_none_is_a_card_where_no_pattern_is_given(world: World) -> None:
    world.wire("c0")
    world.on("tuntap", "add", "tap0", "mode", "tap")
    world.start("only-this")
    assert world.ask("cards") == []
    world.on("link", "set", "c0", "down")
    assert world.heard() == []
    assert any("no network card is here" in sentence for sentence in world.ask("find_blind_spots"))


def test_a_sample_counts_what_passes_and_knows_the_carrier(world: World) -> None:
    world.wire("c0")
    world.give(world.host, "c0", "192.0.2.2/24")
    world.give(world.far, "c0", "192.0.2.1/24")
    world.start()
    before = world.ask("sample", "c0")
    subprocess.run(["ip", "netns", "exec", world.far, "ping", "-c3", "-i0.1", "-s1000", "192.0.2.2"], check=True, capture_output=True)
    after = world.ask("sample", "c0")
    up, carrier, *counters = before[1:7]
    assert (up, carrier) == (True, True)
    grown = [later - earlier for earlier, later in zip(counters, after[3:7], strict=True)]
    assert min(grown[0], grown[2]) >= 3
    assert min(grown[1], grown[3]) >= 3000
    assert before[7] in ([[0, 0]], [[None, 0]])  # a veth has no byte queue limits; some kernels keep the file all the same


def test_switched_off_and_on_is_the_administrator_and_a_far_end_that_goes_is_the_carrier(world: World) -> None:
    world.wire("c0")
    world.start()
    world.on("link", "set", "c0", "down")
    assert world.heard() == [("admin", "c0", 0)]
    assert world.ask("sample", "c0")[1:3] == [False, None]
    world.on("link", "set", "c0", "up")
    assert world.heard()[0] == ("admin", "c0", 1)
    ip("-n", world.far, "link", "set", "c0", "down")
    assert world.heard(1.5) == [("carrier", "c0", 0)]
    assert world.ask("sample", "c0")[1:3] == [True, False]
    ip("-n", world.far, "link", "set", "c0", "up")
    assert world.heard(1.5) == [("carrier", "c0", 1)]
    assert world.ask("sample", "c0")[1:3] == [True, True]


def test_a_changed_mtu_and_a_bridge_are_changes_and_leaving_the_bridge_is_no_disappearance(world: World) -> None:
    world.wire("c0")
    world.on("link", "add", "br0", "type", "bridge")
    world.start()
    world.on("link", "set", "c0", "mtu", "1400")
    assert world.heard() == [("changed", "c0", None)]
    world.on("link", "set", "c0", "master", "br0")
    assert set(world.heard()) == {("changed", "c0", None)}
    assert world.ask("cards")[0][4] == ["br0"]
    world.on("link", "set", "c0", "nomaster")
    assert set(world.heard()) == {("changed", "c0", None)}
    assert world.ask("cards")[0][4] == []


def test_a_card_that_is_renamed_keeps_its_counters_and_an_exchange_of_names_is_understood(world: World) -> None:
    world.wire("c0")
    world.wire("c1")
    world.start()
    addresses = [world.ask("sample", name)[3:5] for name in ("c0", "c1")]
    assert len(addresses) == 2
    for old, new in (("c0", "c9"), ("c1", "c0"), ("c9", "c1")):
        world.on("link", "set", old, "down")
        world.on("link", "set", old, "name", new)
        world.on("link", "set", new, "up")
    renamed = [(interface, before) for kind, interface, before in world.heard() if kind == "renamed"]
    assert renamed == [("c9", "c0"), ("c0", "c1"), ("c1", "c9")]
    ip("-n", world.far, "link", "set", "c0", "down")  # the first cable, whose near end is c1 now
    assert world.heard(1.5) == [("carrier", "c1", 0)]
    assert [world.ask("sample", name)[2] for name in ("c0", "c1")] == [True, False]


def test_eight_cards_appear_and_leave_and_one_comes_again_under_the_same_name(world: World) -> None:
    world.start()
    cards = [f"c{number}" for number in range(8)]
    for card in cards:
        world.wire(card)
    heard = world.heard(1.0)
    assert [interface for kind, interface, _ in heard if kind == "appeared"] == cards
    assert names(world.ask("cards")) == cards
    assert all(world.ask("sample", card)[1] for card in cards)
    for card in cards:
        world.on("link", "delete", card)
    assert [interface for kind, interface, _ in world.heard(1.0) if kind == "vanished"] == cards
    assert world.ask("sample", "c3") is None
    world.wire("c3")
    assert world.ask("sample", "c3")[1] is True
    assert ("appeared", "c3", None) in world.heard()


def test_a_card_that_is_given_to_a_namespace_is_gone(world: World) -> None:
    world.wire("c0")
    world.start()
    world.on("link", "set", "c0", "netns", world.far, "name", "taken")
    assert ("vanished", "c0", None) in world.heard()
    assert world.ask("sample", "c0") is None


def test_messages_that_were_lost_are_made_up_for_by_a_new_list(world: World) -> None:
    world.start()
    world.wire("d0")
    lines = "\n".join(f"link set d0 mtu {1000 + number % 400}" for number in range(4000))
    world.wire("c0")
    subprocess.run(["ip", "-n", world.host, "-batch", "-"], input=lines, text=True, check=True, capture_output=True, timeout=60)
    world.wire("c1")
    heard = world.heard(2.5)
    assert {interface for kind, interface, _ in heard if kind == "appeared"} == {"c0", "c1"}


def test_among_a_hundred_interfaces_the_counters_are_right_too(world: World) -> None:
    lines = "\n".join(f"link add t{number} type veth peer name u{number}" for number in range(50))
    subprocess.run(["ip", "-n", world.host, "-batch", "-"], input=lines, text=True, check=True, capture_output=True, timeout=60)
    world.wire("c0")
    world.start()
    for _ in range(3):
        sample = world.ask("sample", "c0")
        shown = [
            subprocess.run(
                ["ip", "netns", "exec", world.host, "cat", f"/sys/class/net/c0/statistics/{name}"],
                check=True,
                capture_output=True,
                text=True,
            ).stdout
            for name in ("tx_packets", "tx_bytes", "rx_packets", "rx_bytes")
        ]
        later = world.ask("sample", "c0")
        assert all(before <= int(now) <= after for before, now, after in zip(sample[3:7], shown, later[3:7], strict=True))


def test_a_child_that_does_not_come_back_has_said_what_it_could() -> None:
    def work(tell: Tell) -> None:
        tell({"first": 1})
        time.sleep(60)
        tell({"second": 2})

    child = Child(work)
    began = time.monotonic()
    assert not child.wait(0.5)
    assert time.monotonic() - began < 2.0
    assert child.said() == {"first": 1}
    child.leave()
    while not child.is_gone() and time.monotonic() - began < 10:
        time.sleep(0.01)
    assert child.is_gone()


def test_a_child_that_fails_says_nothing_and_one_that_says_much_says_all() -> None:
    quiet, chatty = Child(lambda _: print(1 // 0)), Child(lambda tell: tell({"much": "x" * 300_000}))  # noqa: T201  # it is not reached
    assert quiet.wait(5.0)
    assert quiet.said() == {}
    assert chatty.wait(10.0)
    assert len(str(chatty.said()["much"])) == 300_000
    for child in (quiet, chatty):
        child.leave()
        assert child.is_gone()


def test_nobody_is_sent_after_a_child_that_is_stuck() -> None:
    stuck = Child(lambda _: time.sleep(60))
    card = Card(interface="lo", ifindex=1)
    began = time.monotonic()
    answer, left = ask_closer(card, stuck)
    assert (answer.stuck, left) == (True, stuck)
    assert time.monotonic() - began < 0.5
    stuck.leave()
    while not stuck.is_gone():
        time.sleep(0.01)
    answer, left = ask_closer(card, stuck)
    assert (answer.stuck, left) == (False, None)


def give_gateway(world: World) -> None:
    world.give(world.host, "c0", "192.0.2.2/24", "2001:db8::2/64")
    world.give(world.far, "c0", "192.0.2.1/24", "2001:db8::1/64")
    world.on("route", "add", "default", "via", "192.0.2.1")
    world.on("-6", "route", "add", "default", "via", "2001:db8::1")


def probe(world: World, card: str, within_s: float = 1.0) -> object:
    if not world.ask("begin_probe", card):
        return "nobody"
    end = time.monotonic() + within_s
    while (answer := world.ask("read_probe", card)) is not True and time.monotonic() < end:
        time.sleep(0.02)
    return answer


def test_a_gateway_that_answers_and_one_that_does_not(world: World) -> None:
    world.wire("c0")
    world.start()
    assert world.ask("read_probe", "c0") is None
    assert probe(world, "c0") == "nobody"
    give_gateway(world)
    assert probe(world, "c0") is True
    world.on("route", "delete", "default")
    assert probe(world, "c0") is True  # by IPv6
    ip("-n", world.far, "address", "flush", "dev", "c0")
    assert probe(world, "c0") is False
    world.on("-6", "route", "delete", "default")
    assert probe(world, "c0") == "nobody"
    assert any("no gateway is known behind it" in sentence for sentence in world.ask("find_blind_spots"))


def test_a_gateway_that_has_only_a_link_local_address(world: World) -> None:
    world.wire("c0")
    world.give(world.far, "c0", "fe80::1/64")
    time.sleep(2.5)  # our own link-local address is not in use before
    world.on("-6", "route", "add", "default", "via", "fe80::1", "dev", "c0")
    world.start()
    assert probe(world, "c0") is True


def bridge(world: World) -> None:
    """Both cards in one; the gateway is to be behind c0."""
    for card in ("c0", "c1"):
        world.wire(card)
    world.on("link", "add", "br0", "type", "bridge", "forward_delay", "0")
    for card in ("c0", "c1"):
        world.on("link", "set", card, "master", "br0")
    world.on("link", "set", "br0", "up")
    time.sleep(0.3)


def test_through_a_bridge_only_what_comes_over_the_card_counts(world: World) -> None:
    bridge(world)
    world.give(world.host, "br0", "192.0.2.2/24")
    world.give(world.far, "c0", "192.0.2.1/24")
    subprocess.run(["ip", "netns", "exec", world.far, "sysctl", "-qw", "net.ipv4.conf.all.arp_ignore=1"], check=True)
    world.on("route", "add", "default", "via", "192.0.2.1")
    world.start()
    assert probe(world, "c0") is True
    assert probe(world, "c1") is None  # heard on the bridge: the gateway is behind the other card
    ip("-n", world.far, "link", "set", "c0", "down")
    assert probe(world, "c0") is False


def test_the_kernel_tells_of_a_gateway_that_went_silent_and_answers_again(world: World) -> None:
    world.wire("c0")
    give_gateway(world)
    world.start()
    assert world.heard(0.2) == []
    ip("-n", world.far, "address", "flush", "dev", "c0")
    subprocess.run(["ip", "netns", "exec", world.host, "ping", "-c1", "-W4", "192.0.2.1"], check=False, capture_output=True, timeout=20)
    assert ("gateway", "c0", 0) in world.heard(1.0)
    world.give(world.far, "c0", "192.0.2.1/24")
    subprocess.run(["ip", "netns", "exec", world.host, "ping", "-c1", "-W4", "192.0.2.1"], check=True, capture_output=True, timeout=20)
    assert ("gateway", "c0", 1) in world.heard(1.0)


def test_behind_several_cards_it_is_told_that_the_gateway_answers_but_not_over_which(world: World) -> None:
    bridge(world)
    world.give(world.host, "br0", "192.0.2.2/24")
    world.on("route", "add", "default", "via", "192.0.2.1")
    world.start()
    world.ask("find_blind_spots")  # its gateways are known
    entry = ("neighbour", "replace", "192.0.2.1", "lladdr", "02:00:00:00:00:09", "dev", "br0", "nud")
    world.on(*entry, "reachable")
    assert {("gateway", "c0", 2), ("gateway", "c1", 2)} <= set(world.heard())
    world.on(*entry, "failed")
    assert {("gateway", "c0", 0), ("gateway", "c1", 0)} <= set(world.heard())


def test_a_closer_look_counts_what_waits_and_who_holds_it_back(world: World) -> None:
    world.wire("c0")
    world.give(world.host, "c0", "192.0.2.2/24")
    world.start()
    assert world.ask("closer", "c0") == [False, None, None, None, False, None]  # no discipline at all
    for words in (["qdisc", "add", "dev", "c0", "root", "pfifo"],):
        done = subprocess.run(["tc", "-n", world.host, *words], check=False, capture_output=True)
        if done.returncode:
            pytest.skip(f"tc cannot: {done.stderr!r}")
    stuck, queues, backlog, dequeued, holds_back, _ = world.ask("closer", "c0")
    assert (stuck, holds_back, backlog) == (False, False, 0)
    assert queues == {"0": [dequeued, 0]}


def test_a_program_that_writes_into_the_kernel_log_feigns_no_hang(world: World) -> None:
    world.wire("c0")
    world.start()
    word = f"senses-{os.getpid()}-{time.monotonic_ns()}"
    with Path("/dev/kmsg").open("w", encoding="ascii") as log:
        log.write(f"<0>NETDEV WATCHDOG: c0 (veth): transmit queue 0 timed out {word}\n")
    assert world.heard() == []
    assert word in world.ask("log")


def test_what_the_resident_part_imports_is_little(world: World) -> None:
    world.wire("c0")
    world.start()
    give_gateway(world)
    assert probe(world, "c0") is True
    world.ask("closer", "c0")
    world.ask("find_blind_spots")
    loaded = set(world.ask("modules"))
    heavy = {"pyroute2", "yaml", "zstandard", "tomllib", "asyncio", "subprocess", "logging", "nicmedic.model.nic", "nicmedic.host.machine"}
    assert not loaded & heavy
    assert not [name for name in loaded if name.startswith(("nicmedic.knowledge", "nicmedic.app", "nicmedic.remedy", "nicmedic.cli"))]
