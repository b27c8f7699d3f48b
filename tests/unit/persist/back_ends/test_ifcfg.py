# SPDX-License-Identifier: GPL-2.0-or-later
"""ETHTOOL_OPTS and MTU in an ifcfg file, for the network service and for NetworkManager's plugin, which reads less."""

import dataclasses
from collections.abc import Mapping
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nicmedic.model.finding import RemedyId
from nicmedic.model.keeping import NoPlace, Placement, Wish
from nicmedic.persist.back_end import Place
from nicmedic.persist.back_ends.ifcfg import BACK_END
from tests.unit.persist.back_ends.hosts import ADVERTISE, ASPM, COALESCE, EEE, FORCE, MTU, PAUSE, RING, TSO, ask, place_on, wish_for

PATH = "/etc/sysconfig/network-scripts/ifcfg-eth0"
PLAIN = b"# made by anaconda\nDEVICE=eth0\nNAME=\"System eth0\"  # old\nONBOOT=yes\nBOOTPROTO='dhcp'\n\n"
SERVICE = {"/etc/sysconfig/network-scripts/network-functions": b"ethtool_set()\n{\n IFS=';';\n for opts in $ETHTOOL_OPTS ; do\n"}
PLUGIN = {"/etc/NetworkManager/NetworkManager.conf": b"[main]\n"}
on_eth0 = partial(place_on, interface="eth0")


def answer(data: bytes, wish: Wish, more: Mapping[str, bytes], place: Place | None = None) -> Placement | NoPlace:
    files = {PATH: data, **more}
    return ask(BACK_END, place or on_eth0(files), wish, files)


def placed(data: bytes, wish: Wish, more: Mapping[str, bytes] = SERVICE, place: Place | None = None) -> Placement:
    found = answer(data, wish, more, place)
    assert isinstance(found, Placement), found
    return found


def refused(data: bytes, wish: Wish, more: Mapping[str, bytes] = SERVICE, place: Place | None = None) -> str:
    found = answer(data, wish, more, place)
    assert isinstance(found, NoPlace), found
    return "\n".join(found.reasons)


def added(placement: Placement) -> list[str]:
    (edit,) = placement.edits
    assert edit.after is not None
    assert edit.before is not None
    assert edit.after.startswith(edit.before)
    return edit.after[len(edit.before) :].decode().split("\n")[1:-2]


@pytest.mark.parametrize(
    ("wish", "wanted"),
    [
        (ADVERTISE, 'ETHTOOL_OPTS="autoneg on advertise 0x6008"'),
        (FORCE, 'ETHTOOL_OPTS="speed 100 duplex full autoneg off"'),
        (TSO, 'ETHTOOL_OPTS="-K eth0 tx-tcp-segmentation off tx-tcp6-segmentation off tx-tcp-ecn-segmentation off"'),
        (EEE, 'ETHTOOL_OPTS="--set-eee eth0 eee off"'),
        (PAUSE, 'ETHTOOL_OPTS="-A eth0 autoneg off rx off tx off"'),
        (RING, 'ETHTOOL_OPTS="-G eth0 tx 256"'),
        (COALESCE, 'ETHTOOL_OPTS="-C eth0 adaptive-rx off; -C eth0 rx-usecs 50"'),
        (MTU, "MTU=1400"),
    ],
)
def test_the_network_service_hands_ethtool_whatever_it_knows(wish: Wish, wanted: str) -> None:
    placement = placed(PLAIN, wish)
    assert added(placement) == [wanted]
    assert placement.settings == tuple(setting.name for setting in wish.settings)
    assert placement.refresh == ()


def test_an_old_network_service_hands_over_one_call_only() -> None:
    more = {"/etc/sysconfig/network-scripts/network-functions": b'if [ -n "$ETHTOOL_OPTS" ]; then\n'}
    both = dataclasses.replace(RING, settings=(*RING.settings, *EEE.settings, *MTU.settings))
    placement = placed(PLAIN, both, more)
    assert added(placement) == ['ETHTOOL_OPTS="-G eth0 tx 256"', "MTU=1400"]
    assert placement.settings == ("ring.tx", "mtu")
    assert "and no more" in "\n".join(placement.notes)
    assert "is not there" in refused(PLAIN, MTU, {})


@pytest.mark.parametrize(
    ("wish", "wanted"),
    [
        (ADVERTISE, ['ETHTOOL_OPTS="autoneg on speed 100 duplex full"']),
        (FORCE, ['ETHTOOL_OPTS="speed 100 duplex full autoneg off"']),
        (TSO, ['ETHTOOL_OPTS="-K eth0 tx-tcp-segmentation off tx-tcp6-segmentation off tx-tcp-ecn-segmentation off"']),
        (RING, ['ETHTOOL_OPTS="-G eth0 tx 256"']),
        (MTU, ["MTU=1400"]),
    ],
)
def test_the_plugin_is_told_in_words_that_it_reads(wish: Wish, wanted: list[str]) -> None:
    placement = placed(PLAIN, wish, PLUGIN)
    assert added(placement) == wanted
    assert placement.refresh == (("nmcli", "connection", "load", PATH),)


ODD_MODES = wish_for(RemedyId.LINK_ADVERTISE_100, link__autoneg="on", link__modes="0x00c")
NEW = wish_for(RemedyId.OFFLOAD_OFF, features__rx_gro_list="off")
UNKNOWN = wish_for(RemedyId.OFFLOAD_OFF, features__tx_vrf_offload="off")


@pytest.mark.parametrize(
    ("wish", "version", "told"),
    [
        (EEE, (1, 42), "does not read it"),
        (PAUSE, (1, 42), "does not read it"),
        (UNKNOWN, (1, 42), "passes over tx-vrf-offload"),
        (ODD_MODES, (1, 42), "are not one speed"),
        (ADVERTISE, (1, 32), "takes NetworkManager 1.34, and its version is 1.32"),
        (RING, (1, 24, 3), "takes NetworkManager 1.26"),
        (NEW, (1, 28), "takes NetworkManager 1.30"),
        (TSO, None, "takes NetworkManager 1.14, and its version is not known"),
    ],
)
def test_what_the_plugin_passes_over_in_silence_is_left_to_others(wish: Wish, version: tuple[int, ...] | None, told: str) -> None:
    versions = {} if version is None else {"networkmanager": version}
    assert told in refused(PLAIN, wish, PLUGIN, on_eth0({PATH: PLAIN, **PLUGIN}, versions=versions))


def test_what_the_plugin_takes_for_a_number_is_left_and_the_rest_is_placed() -> None:
    placement = placed(PLAIN, COALESCE, PLUGIN)
    assert placement.settings == ("coalesce.rx-usecs",)
    assert "takes adaptive-rx off for a number" in "\n".join(placement.notes)


@pytest.mark.parametrize(("line", "wish"), [(b'ETHTOOL_OPTS="wol g"', RING), (b"export ETHTOOL_OPTS=", EEE), (b"MTU=9000", MTU)])
def test_a_value_that_is_there_is_not_touched(line: bytes, wish: Wish) -> None:
    assert "line 7 has" in refused(PLAIN + line + b"\n", wish)
    both = dataclasses.replace(RING, settings=(*RING.settings, *MTU.settings))
    assert len(added(placed(PLAIN + line + b"\n", both))) == 1


def test_a_value_that_is_there_is_told_where_another_place_is_found() -> None:
    found = answer(PLAIN + b"MTU=1400\n", MTU, SERVICE)
    assert isinstance(found, NoPlace)
    assert found.told == (f"mtu: {PATH} line 7 has MTU already",)
    flawed = answer(PLAIN + b"exit\n", MTU, SERVICE)
    assert isinstance(flawed, NoPlace)
    assert flawed.told == flawed.reasons
    for data in (PLAIN, PLAIN + b"exit\n"):
        never = answer(data, ASPM, SERVICE)
        assert isinstance(never, NoPlace)
        assert never.told == ()


def claims(line: bytes, wish: Wish, more: Mapping[str, bytes] = SERVICE) -> Mapping[str, str]:
    files = {PATH: PLAIN + line + b"\n", **more}
    place = on_eth0(files)
    return BACK_END.find_claims(place, wish, {path: files.get(path) for path in BACK_END.list_files(place, wish)})


@pytest.mark.parametrize(
    ("line", "wish", "claimed"),
    [
        ("MTU=9000", MTU, True),
        ("MTU=1400", MTU, False),
        ("MTU=", MTU, False),
        ("MTU=9000", TSO, False),
        ("ETHTOOL_OPTS=wol g", FORCE, False),
        ("ETHTOOL_OPTS=speed 1000 duplex full autoneg on", FORCE, True),
        ("ETHTOOL_OPTS=speed 100 duplex full autoneg off wol g", FORCE, False),
        ("ETHTOOL_OPTS=autoneg on", ADVERTISE, True),
        ("ETHTOOL_OPTS=-s ${DEVICE} autoneg off speed 10", ADVERTISE, True),
        ("ETHTOOL_OPTS=-K ${DEVICE} gro off; -K ${DEVICE} tso on", TSO, True),
        ("ETHTOOL_OPTS=-K ${DEVICE} tso off gro on", TSO, False),
        ("ETHTOOL_OPTS=--offload eth0 tx-tcp-segmentation on", TSO, True),
        ("ETHTOOL_OPTS=-G eth0 tx 4096", RING, True),
        ("ETHTOOL_OPTS=-G eth0 rx 4096", RING, False),
        ("ETHTOOL_OPTS=--set-eee eth0 eee on", EEE, True),
        ("ETHTOOL_OPTS=-A eth0 rx off", PAUSE, False),
        ("ETHTOOL_OPTS=--coalesce eth0 adaptive-rx on", COALESCE, True),
        ("ETHTOOL_OPTS=-L eth0 combined 1", RING, False),
    ],
)
def test_what_would_be_set_anew_each_time_is_kept_nowhere(line: str, wish: Wish, *, claimed: bool) -> None:
    key, _, value = line.partition("=")
    found = claims(f'{key}="{value}"'.encode(), wish)
    assert bool(found) is claimed
    assert all(said.endswith(f"{PATH} line 7 says {line}") for said in found.values())


def test_a_value_that_nobody_reads_claims_nothing() -> None:
    assert claims(b'ETHTOOL_OPTS="--set-eee eth0 eee on"', EEE, PLUGIN) == {}
    assert claims(b'ETHTOOL_OPTS="-G eth0 tx 4096"', RING, PLUGIN)
    assert claims(b'ETHTOOL_OPTS="-G eth0 tx 4096"', RING, {}) == {}
    place = on_eth0({PATH: PLAIN, **SERVICE})
    assert BACK_END.find_claims(place, MTU, {}) == {}
    assert BACK_END.find_claims(on_eth0({"/etc/network/interfaces": b"auto eth0\niface eth0 inet dhcp\n"}), MTU, {}) == {}


@pytest.mark.parametrize(
    "line",
    [
        b'A="two\nlines"',
        b"A=1 \\",
        b"if true; then",
        b". /etc/other",
        b"A=$(exit)",
        b"A=`exit`",
        b'A="`exit`"',
        b"A=1 B=2",
        b"exit",
        b"A=x;exit",
        b"'",
    ],
)
def test_a_file_that_is_more_than_assignments_is_not_added_to(line: bytes) -> None:
    assert "line 7 is more than an assignment" in refused(PLAIN + line + b"\n", MTU)


@pytest.mark.parametrize("data", [PLAIN.replace(b"\n", b"\r\n"), PLAIN + b"\0"])
def test_carriage_returns_and_zero_bytes_are_refused(data: bytes) -> None:
    place = on_eth0({PATH: PLAIN, **SERVICE})
    assert "carriage return" in refused(data, MTU, place=place)


def test_a_card_that_is_not_brought_up_at_boot_is_told_of() -> None:
    assert any("ONBOOT=no" in note for note in placed(PLAIN.replace(b"ONBOOT=yes", b"ONBOOT=no"), MTU).notes)


def test_a_file_that_is_gone_a_program_that_is_missing_and_other_managers_are_named() -> None:
    place = on_eth0({PATH: PLAIN, **SERVICE})
    assert "no file ifcfg-* is for eth0" in "\n".join(BACK_END.place(place, MTU, {}).reasons)  # type: ignore[union-attr]  # it is a NoPlace
    assert "ethtool is not installed" in refused(PLAIN, RING, place=dataclasses.replace(place, tools=frozenset()))
    other = on_eth0({"/etc/network/interfaces": b"auto eth0\niface eth0 inet dhcp\n"})
    assert BACK_END.list_files(other, MTU) == ()
    assert refused(PLAIN, MTU, place=other) == "eth0: ifupdown has it"
    assert "no program that sets it" in refused(PLAIN, ASPM)


def test_a_file_with_our_number_in_it_and_an_interface_with_an_odd_name_are_refused() -> None:
    place = on_eth0({PATH: PLAIN, **SERVICE})
    assert "lines of nicmedic with number 3" in refused(PLAIN + b"# >>> nicmedic 3: x; y\n", MTU, place=place)
    odd = dataclasses.replace(place, nic=dataclasses.replace(place.nic, interface="eth0;x"))
    assert "has letters" in refused(PLAIN, MTU, place=odd)


PIECES = st.sampled_from(
    [b"DEVICE=eth0", b"", b"#", b"A='b c'", b'X="y"', b"ONBOOT=no", b"MTU=1500", b"  B=2 # x", b"\xff", b"if x", b"C=\\"]
)


@given(lines=st.lists(PIECES, max_size=8), last=st.booleans(), plugin=st.booleans())
def test_whatever_the_file_says_ours_goes_in_and_out_to_the_byte(lines: list[bytes], last: bool, plugin: bool) -> None:
    data = b"\n".join(lines) + (b"\n" if last else b"")
    more = PLUGIN if plugin else SERVICE
    both = dataclasses.replace(RING, settings=(*RING.settings, *MTU.settings))
    found = answer(data, both, more, on_eth0({PATH: PLAIN, **more}))
    if isinstance(found, Placement):
        (edit,) = found.edits
        assert edit.after is not None
        assert BACK_END.take_out(edit, edit.after, 3) == data
