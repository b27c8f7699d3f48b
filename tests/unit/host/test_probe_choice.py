# SPDX-License-Identifier: GPL-2.0-or-later
"""Which probes are chosen for a card, and how their words are read."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nicmedic.host.probes import prober
from nicmedic.host.probes.choose import choose, find_over, parse_asked
from nicmedic.host.probes.table import PROBES
from nicmedic.host.probes.target import Target, parse_target
from nicmedic.model.errors import UsageError
from nicmedic.model.host import Host
from nicmedic.model.nic import Nic
from nicmedic.model.plan import Identity
from nicmedic.model.probe_words import PROBE_KINDS, parse_address
from nicmedic.model.stack import Address, NextHop, Route, Upper, VirtualLink

KINDS = tuple(kind.name for kind in PROBES)
CARD = Nic(interface="eth0", uppers=(Upper(interface="br0", kind="bridge", below="eth0"),))


def route(destination: str, interface: str | None, gateway: str | None = None, **more: object) -> Route:
    family = "inet6" if ":" in f"{destination}{gateway}" else "inet"
    return Route(family=family, destination=destination, interface=interface, gateway=gateway, **more)  # type: ignore[arg-type]


def words(host: Host, *asked: str, card: Nic = CARD, ssh: str | None = None, known: tuple[Target, ...] = ()) -> list[str]:
    return [target.words for target in choose(host, card, parse_asked(asked, KINDS), known=known, ssh=ssh)]


def test_gateways_of_routes_over_the_card_are_asked_those_of_default_routes_first() -> None:
    routes = (
        route("10.9.0.0/16", "br0", "10.0.0.9"),
        route("default", "br0", "10.0.0.2", metric=100),
        route("default", "br0", "10.0.0.1"),
        route("default", "eth1", "192.0.2.1"),
        route("default", "br0", "fe80::1"),
        route("10.8.0.0/16", "eth0", "10.0.0.8"),
        route("10.0.0.0/24", "br0"),
    )
    assert words(Host(routes=routes), ssh="br0") == [
        "carrier",
        "tx",
        "gateway 10.0.0.1 over br0",
        "gateway 10.0.0.2 over br0",
        "gateway fe80::1 over br0",
        "ping 10.0.0.1 over br0",
        "ping 10.0.0.2 over br0",
        "ping fe80::1 over br0",
        "ssh",
    ]


def test_ways_of_a_route_with_several_count() -> None:
    hops = (NextHop(interface="eth0", gateway="10.0.0.1"), NextHop(interface="eth1", gateway="10.1.0.1"))
    assert words(Host(routes=(route("default", None, nexthops=hops),)))[2:] == ["gateway 10.0.0.1", "ping 10.0.0.1"]


def test_without_a_gateway_a_neighbour_is_asked_and_called_so() -> None:
    known = (Target(kind="neighbour", address=parse_address("10.0.0.7")),)
    assert words(Host(routes=(route("10.0.0.0/24", "eth0"),)), known=known) == ["carrier", "tx", "neighbour 10.0.0.7", "ping 10.0.0.7"]


def test_without_anybody_only_the_card_itself_is_looked_at() -> None:
    assert words(Host()) == ["carrier", "tx"]
    assert words(Host(), ssh="eth1") == ["carrier", "tx"]


def test_what_was_asked_for_goes_over_the_best_way_on_the_card_and_kinds_are_left_out() -> None:
    host = Host(routes=(route("default", "eth1", "192.0.2.1"), route("10.0.0.0/8", "br0"), route("10.1.0.0/16", "eth0")))
    asked = ("ping:10.1.2.3", "tcp:10.2.2.3:22", "tcp:[fe80::7%br0]:80", "gateway:10.0.0.1%eth0", "none:tx", "ping:8.8.8.8")
    assert words(host, *asked) == [
        "carrier",
        "ping 10.1.2.3",
        "tcp 10.2.2.3:22 over br0",
        "tcp [fe80::7]:80",
        "gateway 10.0.0.1",
        "ping 8.8.8.8",
    ]


def test_without_a_route_the_interface_with_an_address_of_the_family_is_taken() -> None:
    own = Address(family="inet6", address="2001:db8::2", prefix_length=64)
    host = Host(links=(VirtualLink(interface="br0", addresses=(own,)),))
    six, four = parse_address("2001:db8::9"), parse_address("192.0.2.9")
    assert six is not None
    assert four is not None
    assert find_over(host, CARD, six) == "br0"
    assert find_over(host, CARD, four) is None
    assert find_over(Host(routes=(route("not a network", "br0"),)), CARD, four) is None


def test_host_names_are_kept_apart_to_be_looked_up_once() -> None:
    asked = parse_asked(["tcp:mail.example.org:25", "tcp:mail.example.org:22"], KINDS)
    assert asked.names == {"mail.example.org": (Target(kind="tcp", port=25), Target(kind="tcp", port=22))}
    assert asked.targets == ()


@pytest.mark.parametrize(
    "words",
    [
        *("", "ping", "ping:", "ping:somewhere", "tcp:10.0.0.1", "tcp:10.0.0.1:0", "tcp:10.0.0.1:70000", "tcp:[x]:1", "none:dns"),
        *("udp:1.1.1.1:53", "tcp:a b:1", "tcp::22", "carrier", "tcp:fe80::1:22", "tcp:ä:1"),
    ],
)
def test_words_that_are_not_understood_are_refused_with_what_can_be_typed(words: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_asked([words], KINDS)
    assert "tcp:HOST:PORT" in caught.value.hint


def test_all_that_can_be_left_out_are_known() -> None:
    assert set(PROBE_KINDS) == {kind.name for kind in PROBES}


@given(st.text())
def test_any_text_is_refused_in_words_or_understood(text: str) -> None:
    parse_target(text)
    with contextlib.suppress(UsageError):
        parse_asked([text], KINDS)


@given(
    st.sampled_from(["gateway", "ping", "tcp", "neighbour"]),
    st.ip_addresses(),
    st.integers(1, 65535),
    st.sampled_from([None, "br0", "eth0.20", "over"]),
)
def test_what_is_written_is_read_back(kind: str, address: object, port: int, over: str | None) -> None:
    target = Target(kind=kind, address=parse_address(str(address)), port=port if kind == "tcp" else None, over=over)
    assert parse_target(target.words) == target


@pytest.mark.parametrize("words", ["gateway nobody", "ping 1.2.3.4.5 over br0", "tcp [1.2.3.4:5"])
def test_words_that_nobody_wrote_mean_nothing(words: str) -> None:
    assert parse_target(words) is None


@pytest.mark.parametrize(
    ("routes", "asked"),
    [
        ((route("default", "eth1", "192.0.2.1"), route("10.9.0.0/24", "eth0")), ["eth0"]),
        ((route("default", "eth0", "192.0.2.1"),), []),
        ((route("default", None, nexthops=(NextHop(interface="eth0", gateway="10.0.0.1"),)),), []),
        ((), ["eth0"]),
    ],
)
def test_neighbours_are_looked_up_where_this_card_has_no_gateway(
    routes: tuple[Route, ...], asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[str] = []

    def look_up(_: Host, nic: Nic) -> tuple[Target, ...]:
        looked_up.append(nic.interface)
        return ()

    monkeypatch.setattr(prober, "_list_known", look_up)
    monkeypatch.setattr(prober, "ask_side_by_side", lambda jobs, _: [OSError("not here")] * len(jobs))
    prober.HostProber().choose_probes(Host(nics=(CARD,), routes=routes), Identity(interface="eth0"), ())
    assert looked_up == asked
