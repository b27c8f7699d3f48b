# SPDX-License-Identifier: GPL-2.0-or-later
"""Probes on real network namespaces: a gateway that answers, is silent, or answers by another card only; bridges, IPv6, names that change."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

RUN = """
import json, sys, time
from nicmedic.host.probes.prober import HostProber
from nicmedic.model.plan import Identity
asked = json.load(sys.stdin)
began = time.monotonic()
results = HostProber().run_probes(Identity(interface=asked["card"]), asked["probes"])
took_s = time.monotonic() - began
print(json.dumps({"took_s": took_s, "results": [[one.probe, one.state, one.detail] for one in results]}))
"""
CHOOSE = """
import dataclasses, json, sys
from nicmedic.host.machine import HostMachine
from nicmedic.host.probes.prober import HostProber
from nicmedic.model.nic import Nic
from nicmedic.model.plan import Identity
from nicmedic.model.stack import Upper
asked = json.load(sys.stdin)
host = HostMachine().read_host()
link = next(link for link in host.links if link.interface == asked["card"])  # a veth has no device, so it is no card
uppers = (Upper(interface=link.port.master, below=link.interface),) if link.port else ()
card = Nic(interface=link.interface, ifindex=link.ifindex, addresses=link.addresses, uppers=uppers)
host = dataclasses.replace(host, nics=(card,))
print(json.dumps(HostProber().choose_probes(host, Identity(interface=asked["card"]), asked["asked"])))
"""
LIMIT_S = 2.5


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=20)


@dataclass
class Rooms:
    """A host under test, and machines around it, each a network namespace."""

    names: list[str] = field(default_factory=list)
    took_s: float = 0.0
    details: dict[str, str] = field(default_factory=dict)

    def add(self) -> str:
        """A new one."""
        name = f"probes-{os.getpid()}-{time.monotonic_ns() % 10**6}-{len(self.names)}"
        ip("netns", "add", name)
        self.names.append(name)
        ip("-n", name, "link", "set", "lo", "up")
        return name

    def wire(self, card: str, far: str) -> None:
        """A card of the host, and the same name at the other end."""
        ip("-n", self.host, "link", "add", card, "type", "veth", "peer", "name", card, "netns", far)
        for room in (self.host, far):
            ip("-n", room, "link", "set", card, "up")

    def give(self, room: str, interface: str, *addresses: str) -> None:
        """Addresses."""
        for address in addresses:
            ip("-n", room, "address", "add", address, "dev", interface, *(["nodad"] if ":" in address else []))

    @property
    def host(self) -> str:
        """The one under test."""
        return self.names[0]

    def ask(self, script: str, **asked: object) -> object:
        """Run a script in the host, with a /sys of its own."""
        done = subprocess.run(
            ["ip", "netns", "exec", self.host, sys.executable, "-c", script],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def probe(self, card: str, *probes: str) -> list[str]:
        """States, in order; how long it took is kept."""
        answer = self.ask(RUN, card=card, probes=probes)
        assert isinstance(answer, dict)
        self.took_s = answer["took_s"]
        self.details = {words: detail for words, _, detail in answer["results"]}
        assert [words for words, _, _ in answer["results"]] == list(probes)
        return [state for _, state, _ in answer["results"]]

    def choose(self, card: str, *asked: str) -> list[str]:
        """What is chosen for a card."""
        answer = self.ask(CHOOSE, card=card, asked=asked)
        assert isinstance(answer, list)
        return answer


@pytest.fixture
def rooms() -> Iterator[Rooms]:
    """A host with the card v0, on whose other end is a gateway; gone afterwards."""
    if shutil.which("ip") is None:
        pytest.skip("needs ip: apt-get install iproute2")
    made = Rooms()
    try:
        made.add()
        far = made.add()
        made.wire("v0", far)
        made.give(made.host, "v0", "192.0.2.2/24", "2001:db8::2/64")
        made.give(far, "v0", "192.0.2.1/24", "2001:db8::1/64")
        yield made
    finally:
        for name in made.names:
            subprocess.run(["ip", "netns", "delete", name], check=False, timeout=20)


def bridge(rooms: Rooms) -> str:
    """Put v0 and a second card, v1, into a bridge that has the addresses; returns who is behind v1 (192.0.2.3, 2001:db8::3)."""
    other = rooms.add()
    rooms.wire("v1", other)
    rooms.give(other, "v1", "192.0.2.3/24", "2001:db8::3/64")
    ip("-n", rooms.host, "link", "add", "br0", "type", "bridge", "forward_delay", "0", "mcast_snooping", "0")
    ip("-n", rooms.host, "address", "flush", "dev", "v0")
    for card in ("v0", "v1"):
        ip("-n", rooms.host, "link", "set", card, "master", "br0")
    ip("-n", rooms.host, "link", "set", "br0", "up")
    rooms.give(rooms.host, "br0", "192.0.2.2/24", "2001:db8::2/64")
    time.sleep(0.5)
    return other


def link_local(room: str, interface: str) -> str:
    """Its address of IPv6."""
    shown = subprocess.run(
        ["ip", "-n", room, "-json", "-6", "address", "show", "dev", interface], capture_output=True, check=True, timeout=20
    )
    return str(next(one["local"] for one in json.loads(shown.stdout)[0]["addr_info"] if one["scope"] == "link"))


def test_a_gateway_that_answers_passes_at_once_in_both_families(rooms: Rooms) -> None:
    local = link_local(rooms.names[1], "v0")
    probes = [
        "carrier",
        "gateway 192.0.2.1",
        "gateway 2001:db8::1",
        f"gateway {local}",
        "ping 192.0.2.1",
        "ping 2001:db8::1",
        f"ping {local}",
    ]
    time.sleep(1.5)  # its own link-local address is not in use before
    assert rooms.probe("v0", *probes, "tcp 192.0.2.1:9", "tcp [2001:db8::1]:9") == ["passed"] * 9
    assert rooms.took_s < 1.5


def test_a_silent_gateway_fails_in_time(rooms: Rooms) -> None:
    ip("-n", rooms.names[1], "address", "flush", "dev", "v0")
    probes = ["gateway 192.0.2.1", "gateway 2001:db8::1", "ping 192.0.2.1", "ping 2001:db8::1", "tcp 192.0.2.1:9", "tcp [2001:db8::1]:9"]
    assert rooms.probe("v0", "carrier", *probes) == ["passed", *["failed"] * 6]
    assert rooms.took_s < LIMIT_S
    assert "it was asked" in rooms.details["gateway 192.0.2.1"]


def test_a_host_that_lost_its_addresses_reaches_nobody(rooms: Rooms) -> None:
    ip("-n", rooms.host, "address", "flush", "dev", "v0")
    assert rooms.probe("v0", "gateway 192.0.2.1", "gateway 2001:db8::1") == ["failed", "failed"]
    assert rooms.details["gateway 192.0.2.1"] == "v0: has no address of IPv4"


def test_below_a_bridge_only_answers_that_come_through_the_card_pass(rooms: Rooms) -> None:
    bridge(rooms)
    kinds = ("gateway {}", "gateway {six}", "ping {}", "ping {six}", "tcp {}:9", "tcp [{six}]:9")
    near = [f"{kind.format('192.0.2.1', six='2001:db8::1')} over br0" for kind in kinds]
    assert rooms.probe("v0", *near) == ["passed"] * 6
    elsewhere = [f"{kind.format('192.0.2.3', six='2001:db8::3')} over br0" for kind in kinds]
    assert rooms.probe("v0", *elsewhere) == ["unknown"] * 6
    assert all("not through v0" in detail for detail in rooms.details.values()), rooms.details
    assert rooms.probe("v1", *elsewhere) == ["passed"] * 6


def test_below_a_bridge_a_card_that_is_down_answers_nothing(rooms: Rooms) -> None:
    bridge(rooms)
    ip("-n", rooms.host, "link", "set", "v0", "down")
    assert rooms.probe("v0", "carrier", "tx", "gateway 192.0.2.1 over br0", "ping 192.0.2.1 over br0") == ["failed"] * 4
    assert rooms.details["carrier"] == "v0 is down"


def test_a_link_without_its_other_end_has_no_carrier(rooms: Rooms) -> None:
    ip("-n", rooms.names[1], "link", "set", "v0", "down")
    assert rooms.probe("v0", "carrier", "gateway 192.0.2.1") == ["failed", "failed"]


def test_a_card_that_is_gone_fails_and_the_session_is_not_known(rooms: Rooms) -> None:
    bridge(rooms)
    ip("-n", rooms.host, "link", "delete", "v0")
    probes = ["carrier", "tx", "gateway 192.0.2.1", "ping 192.0.2.1 over br0", "tcp 192.0.2.1:9", "ssh"]
    assert rooms.probe("v0", *probes) == [*["failed"] * 5, "unknown"]
    assert rooms.took_s < 1.5


def test_what_stood_on_the_card_and_does_not_any_more_fails(rooms: Rooms) -> None:
    bridge(rooms)
    ip("-n", rooms.host, "link", "set", "v0", "nomaster")
    assert rooms.probe("v0", "gateway 192.0.2.1 over br0", "ping 192.0.2.1 over br9") == ["failed", "failed"]
    assert "does not stand on v0" in rooms.details["gateway 192.0.2.1 over br0"]


def test_a_driver_that_tells_nothing_leaves_it_unknown_whether_frames_left(rooms: Rooms) -> None:
    """A veth has neither byte queue limits nor a counter of what was completed."""
    assert rooms.probe("v0", "tx") in (["unknown"], ["passed"])
    assert rooms.took_s < 1.5


def test_words_that_nobody_wrote_are_unknown(rooms: Rooms) -> None:
    assert rooms.probe("v0", "gateway nobody", "dance", "") == ["unknown"] * 3


def test_a_flood_of_other_frames_changes_nothing(rooms: Rooms) -> None:
    """The kernel sorts them out: neither time nor memory goes into them."""
    flood = "import socket,time\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\ns.setsockopt(1,6,1)\nend=time.time()+15\n"
    flood += "while time.time()<end:\n  s.sendto(bytes(1000),('192.0.2.255',9))\n"
    sender = subprocess.Popen(["ip", "netns", "exec", rooms.names[1], sys.executable, "-c", flood])
    try:
        time.sleep(0.5)
        assert rooms.probe("v0", "gateway 192.0.2.1", "ping 192.0.2.1", "gateway 192.0.2.99") == ["passed", "passed", "failed"]
        assert rooms.took_s < LIMIT_S
    finally:
        sender.kill()
        sender.wait()


def test_probes_are_chosen_by_the_routes_over_the_card(rooms: Rooms) -> None:
    ip("-n", rooms.host, "route", "add", "default", "via", "192.0.2.1")
    ip("-n", rooms.host, "-6", "route", "add", "default", "via", "2001:db8::1", "dev", "v0")
    default = ["carrier", "tx", "gateway 192.0.2.1", "gateway 2001:db8::1", "ping 192.0.2.1", "ping 2001:db8::1"]
    assert rooms.choose("v0") == default
    assert rooms.choose("v0", "none:ping", "tcp:localhost:22") in (
        [*default[:4], "tcp 127.0.0.1:22"],
        [*default[:4], "tcp [::1]:22"],
    )


def test_probes_over_a_bridge_name_it(rooms: Rooms) -> None:
    bridge(rooms)
    ip("-n", rooms.host, "route", "add", "default", "via", "192.0.2.1", "dev", "br0")
    chosen = rooms.choose("v0", "ping:192.0.2.3")
    assert chosen == ["carrier", "tx", "gateway 192.0.2.1 over br0", "ping 192.0.2.1 over br0", "ping 192.0.2.3 over br0"]
    assert rooms.probe("v0", *chosen)[2:] == ["passed", "passed", "unknown"]


def test_without_a_gateway_a_neighbour_that_was_heard_is_asked(rooms: Rooms) -> None:
    subprocess.run(
        ["ip", "netns", "exec", rooms.host, "ping", "-q", "-c", "1", "-W", "2", "192.0.2.1"], check=True, timeout=10, capture_output=True
    )
    chosen = rooms.choose("v0")
    assert chosen[:3] == ["carrier", "tx", "neighbour 192.0.2.1"]
    assert rooms.probe("v0", *chosen[2:]) == ["passed"] * len(chosen[2:])


def test_a_name_that_cannot_be_looked_up_is_refused_in_time(rooms: Rooms) -> None:
    script = CHOOSE.replace(
        "print(json.dumps(HostProber()", "from nicmedic.model.errors import UsageError\ntry:\n  print(json.dumps(HostProber()"
    )
    began = time.monotonic()
    answer = rooms.ask(
        script + "except UsageError as error:\n  print(json.dumps(error.message))\n", card="v0", asked=["tcp:no.such.name.invalid:22"]
    )
    assert "cannot be looked up" in str(answer)
    assert time.monotonic() - began < 8
