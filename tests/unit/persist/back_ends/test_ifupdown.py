# SPDX-License-Identifier: GPL-2.0-or-later
"""Lines in /etc/network/interfaces for ifupdown: in the right stanza, in words that are read, and out again."""

import dataclasses
from collections.abc import Mapping
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nicmedic.model.finding import RemedyId
from nicmedic.model.keeping import NoPlace, Placement, Wish
from nicmedic.persist.back_end import Place
from nicmedic.persist.back_ends.ifupdown import BACK_END
from nicmedic.persist.marks import find_block, split_lines
from tests.unit.persist.back_ends.hosts import ADVERTISE, ASPM, COALESCE, EEE, FORCE, MTU, PAUSE, RING, TSO, ask, place_on, wish_for

MAIN = "/etc/network/interfaces"
SCRIPT = {"/etc/network/if-up.d/ethtool": b"#!/bin/sh\ngather_settings () {\n}\ncase $IF_ETHERNET_AUTONEG in\n"}
PLAIN = b"auto lo\niface lo inet loopback\n\nallow-hotplug eth0\niface eth0 inet static\n\taddress 192.0.2.1/24\n\n# the end\n"
on_eth0 = partial(place_on, interface="eth0")


def placed(main: bytes, wish: Wish, more: Mapping[str, bytes] = SCRIPT, place: Place | None = None) -> Placement:
    files = {MAIN: main, **more}
    answer = ask(BACK_END, place or on_eth0(files), wish, files)
    assert isinstance(answer, Placement), answer
    return answer


def refused(main: bytes, wish: Wish, more: Mapping[str, bytes] = SCRIPT, place: Place | None = None) -> str:
    files = {MAIN: main, **more}
    answer = ask(BACK_END, place or on_eth0(files), wish, files)
    assert isinstance(answer, NoPlace), answer
    return "\n".join(answer.reasons)


def after(placement: Placement) -> bytes:
    (edit,) = placement.edits
    assert edit.after is not None
    return edit.after


def lines(placement: Placement) -> list[str]:
    """Ours, without the comments and the blanks before them."""
    block = find_block(after(placement), 3)
    assert block is not None
    return [line.decode().strip() for line in split_lines(after(placement))[block.first + 1 : block.last]]


def test_the_lines_stand_at_the_end_of_the_stanza_and_are_written_as_it_is() -> None:
    assert after(placed(PLAIN, MTU)).decode() == (
        "auto lo\niface lo inet loopback\n\nallow-hotplug eth0\niface eth0 inet static\n\taddress 192.0.2.1/24\n"
        "\t# >>> nicmedic 3: mtu:1400; nicmedic release 3 takes this away\n"
        "\tmtu 1400\n"
        "\t# <<< nicmedic 3 11278406\n"
        "\n# the end\n"
    )


@pytest.mark.parametrize(
    ("wish", "with_script", "without"),
    [
        (ADVERTISE, ["ethernet-autoneg 0x6008"], ['up ethtool -s "$IFACE" autoneg on advertise 0x6008 || true']),
        (
            FORCE,
            ["link-speed 100", "link-duplex full", "ethernet-autoneg off"],
            ['up ethtool -s "$IFACE" speed 100 duplex full autoneg off || true'],
        ),
        (
            TSO,
            ["offload-tx-tcp-segmentation off", "offload-tx-tcp6-segmentation off", "offload-tx-tcp-ecn-segmentation off"],
            ['up ethtool -K "$IFACE" tx-tcp-segmentation off tx-tcp6-segmentation off tx-tcp-ecn-segmentation off || true'],
        ),
        (EEE, ['up ethtool --set-eee "$IFACE" eee off || true'], ['up ethtool --set-eee "$IFACE" eee off || true']),
        (
            PAUSE,
            ["ethernet-pause-autoneg off", "ethernet-pause-rx off", "ethernet-pause-tx off"],
            ['up ethtool -A "$IFACE" autoneg off rx off tx off || true'],
        ),
        (RING, ["hardware-dma-ring-tx 256"], ['up ethtool -G "$IFACE" tx 256 || true']),
        (
            COALESCE,
            ["hardware-irq-coalesce-adaptive-rx off", "hardware-irq-coalesce-rx-usecs 50"],
            ['up ethtool -C "$IFACE" adaptive-rx off || true', 'up ethtool -C "$IFACE" rx-usecs 50 || true'],
        ),
        (MTU, ["mtu 1400"], ["mtu 1400"]),
    ],
)
def test_keywords_stand_where_their_script_is_and_programs_else(wish: Wish, with_script: list[str], without: list[str]) -> None:
    assert lines(placed(PLAIN, wish)) == with_script
    assert lines(placed(PLAIN, wish, {})) == without
    assert placed(PLAIN, wish).settings == tuple(setting.name for setting in wish.settings)


def test_a_script_of_another_kind_reads_no_keywords() -> None:
    assert lines(placed(PLAIN, RING, {"/etc/network/if-up.d/ethtool": b"#!/bin/sh\nexit 0\n"})) == ['up ethtool -G "$IFACE" tx 256 || true']


def test_a_feature_with_an_underscore_is_no_keyword_for_the_script_makes_it_a_dash() -> None:
    wish = wish_for(RemedyId.OFFLOAD_OFF, **{"features__tx-udp~tnl-segmentation": "off", "features__rx_gro": "off"})
    renamed = tuple(dataclasses.replace(setting, name=setting.name.replace("~", "_")) for setting in wish.settings)
    placement = placed(PLAIN, dataclasses.replace(wish, settings=renamed))
    assert lines(placement) == ["offload-rx-gro off", 'up ethtool -K "$IFACE" tx-udp_tnl-segmentation off || true']
    assert set(placement.settings) == {"features.tx-udp_tnl-segmentation", "features.rx-gro"}


def test_no_scripts_keeps_keywords_from_being_read() -> None:
    assert lines(placed(PLAIN + b"no-scripts eth*\n", RING)) == ['up ethtool -G "$IFACE" tx 256 || true']


@pytest.mark.parametrize("head", ["inet dhcp", "inet6 auto", "inet6 static"])
def test_an_mtu_that_the_method_does_not_know_is_set_by_a_program(head: str) -> None:
    placement = placed(f"auto eth0\niface eth0 {head}\n".encode(), MTU)
    assert lines(placement) == ['up ip link set dev "$IFACE" mtu 1400 || true']
    assert any("option 26" in note for note in placement.notes) == (head == "inet dhcp")


def test_busybox_and_ifupdown_ng_have_an_mtu_only_for_some_methods_so_a_program_sets_it() -> None:
    place = on_eth0({MAIN: PLAIN})
    place = dataclasses.replace(place, files=dataclasses.replace(place.files, links={"/sbin/ifup": "/bin/busybox"}))
    assert lines(placed(PLAIN, MTU, place=place)) == ['up ip link set dev "$IFACE" mtu 1400 || true']


def test_of_several_stanzas_the_first_gets_the_lines_and_the_others_are_told() -> None:
    placement = placed(b"auto eth0\niface eth0 inet dhcp\niface eth0 inet6 auto\n\taccept_ra 2\n", TSO)
    found = find_block(after(placement), 3)
    assert found is not None
    assert found.first == 2
    assert f"{MAIN} line 3 is for eth0 too, and stays as it is." in placement.notes


def test_the_file_that_really_defines_the_card_is_edited() -> None:
    more = {
        "/etc/network/interfaces.d/lan": b"allow-hotplug eth0\niface eth0 inet dhcp",
        "/etc/network/interfaces.d/other.bak": b"iface eth0 inet manual\n",
        **SCRIPT,
    }
    placement = placed(b"source-directory interfaces.d\nsource interfaces.d/l*\n", RING, more)
    assert [edit.path for edit in placement.edits] == ["/etc/network/interfaces.d/lan"]
    assert not [note for note in placement.notes if "too" in note]


def test_continued_lines_are_not_torn() -> None:
    main = b"auto eth0\niface eth0 inet manual\n  up echo \\\n# no comment \\\n  end\n  # a comment \\\nauto eth1\n"
    assert after(placed(main, MTU)).startswith(main[: main.index(b"  # a comment")] + b"  # >>>")


def test_auto_without_names_means_its_stanza_and_does_not_end_it() -> None:
    placement = placed(b"iface eth0 inet manual\n\tup true\n\tauto\n\tup false\niface eth1 inet dhcp\n", MTU)
    assert after(placement).startswith(b"iface eth0 inet manual\n\tup true\n\tauto\n\tup false\n\t# >>>")
    assert not [note for note in placement.notes if "at boot" in note]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"misplaced x\n", "line 1: it belongs to no stanza"),
        (b"iface eth1 inet dhcp inherits eth9\n", "line 1: it inherits from eth9"),
        (b"iface eth9 inet6 auto\niface eth1 inet dhcp inherits eth9\n", "line 2: it inherits from eth9"),
        (b"iface eth1 inet dhcp\n  up\n", "line 2: up has no value"),
        (b"iface\n", "line 1: it names no interface"),
        (b"auto x \\\n # y\nup z\n", "line 3: it belongs to no stanza"),
    ],
)
def test_lines_that_ifup_would_never_get_to_are_not_written(line: bytes, told: str) -> None:
    assert f"{told}, so ifup reads no further" in refused(line + PLAIN, MTU).replace(", which no stanza before it is for", "")


def test_a_port_without_a_stanza_gets_its_lines_with_the_bridge() -> None:
    placement = placed(b"auto br0\niface br0 inet dhcp\n    bridge_ports eth0 eth1\n", TSO)
    assert lines(placement) == ["up ethtool -K eth0 tx-tcp-segmentation off tx-tcp6-segmentation off tx-tcp-ecn-segmentation off || true"]
    assert "eth0 has no stanza of its own" in placement.notes[0]
    assert placement.takes_hold.endswith("ifup of br0")


def test_a_port_whose_stanza_nothing_brings_up_gets_its_lines_with_the_bridge() -> None:
    main = b"auto br0\niface eth0 inet manual\niface br0 inet dhcp\n    bridge_ports eth0\n"
    assert "Nothing calls ifup for eth0" in placed(main, TSO).notes[0]
    assert lines(placed(b"auto eth0\n" + main, RING)) == ["hardware-dma-ring-tx 256"]
    assert lines(placed(b"allow-br0 eth0\n" + main, RING)) == ["hardware-dma-ring-tx 256"]
    assert lines(placed(b"auto eth0.5\n" + main, RING)) == ["hardware-dma-ring-tx 256"]


def test_a_bridge_that_sets_the_mtu_of_its_ports_is_not_contradicted() -> None:
    main = b"auto br0\niface br0 inet dhcp\n    bridge_ports eth0\n    mtu 9000\n    offload-tso on\n"
    assert "line 4 says mtu 9000 already" in refused(main, MTU)
    assert lines(placed(main, RING)) == ["up ethtool -G eth0 tx 256 || true"]


def test_a_stanza_for_many_cards_gets_lines_that_look_for_this_one() -> None:
    guard = 'up [ "$IFACE" != eth0 ] || ethtool -G "$IFACE" tx 256 || true'
    assert lines(placed(b"auto /eth*=lan\niface lan inet dhcp\n", RING)) == [guard]
    assert lines(placed(b"auto eth0 eth1\niface eth0 inet dhcp\niface eth1 inet dhcp inherits eth0\n", RING)) == [guard]


@pytest.mark.parametrize(
    ("line", "wish", "told"),
    [
        (b"mtu 1500", MTU, "line 3 says mtu 1500 already"),
        (b"offload-tso on", TSO, "line 3 says offload-tso on already"),
        (b"offload-tx-tcp6-segmentation off", TSO, "line 3 says"),
        (b"OFFLOAD_TSO on", TSO, "line 3 says"),
        (b"link-speed 1000", FORCE, "line 3 says"),
        (b"ethernet-autoneg on", ADVERTISE, "line 3 says"),
        (b"hardware-dma-ring-rx 100", RING, "line 3 says"),
        (b"ethernet-pause-rx on", PAUSE, "line 3 says"),
        (b"hardware-irq-coalesce-rx-usecs 3", COALESCE, "line 3 says"),
    ],
)
def test_what_somebody_else_says_of_the_same_thing_is_not_contradicted(line: bytes, wish: Wish, told: str) -> None:
    assert told in refused(b"auto eth0\niface eth0 inet static\n\t" + line + b"\n", wish)
    main = b"iface base inet manual\n\t\n\t" + line + b"\nauto eth0\niface eth0 inet static inherits base\n\tnetmask 255.0.0.0\n"
    assert told in refused(main, wish)
    other = b"\nauto eth0\niface eth0 inet static\n\tnetmask 255.0.0.0\niface eth0 inet6 auto\n\t" + line + b"\n"
    assert told.replace("line 3", "line 6") in refused(other, wish)


def claims(main: bytes, wish: Wish, more: Mapping[str, bytes] = SCRIPT) -> Mapping[str, str]:
    files = {MAIN: main, **more}
    place = on_eth0(files)
    return BACK_END.find_claims(place, wish, {path: files.get(path) for path in BACK_END.list_files(place, wish)})


@pytest.mark.parametrize(
    ("line", "wish", "claimed"),
    [
        ("mtu 9000", MTU, True),
        ("mtu 1400", MTU, False),
        ("offload-tx-tcp-segmentation on", TSO, True),
        ("offload-tso on", TSO, True),
        ("offload-tso off", TSO, False),
        ("offload-tcp-segmentation-offload on", TSO, True),
        ("offload-tcp-segmentation-offload off", TSO, False),
        ("offload-gro on", TSO, False),
        ("link-speed 1000", FORCE, True),
        ("ethernet-autoneg on", ADVERTISE, True),
        ("hardware-dma-ring-tx 100", RING, True),
        ("hardware-dma-ring-rx 100", RING, False),
        ("ethernet-pause-rx on", PAUSE, True),
        ("ethernet-pause-rx off", PAUSE, False),
        ("mtu 9000", TSO, False),
    ],
)
def test_what_ifup_would_set_anew_each_time_is_kept_nowhere(line: str, wish: Wish, claimed: bool) -> None:
    """Else a unit of ours would race with ifup for it at each boot."""
    main = f"allow-hotplug eth0\niface eth0 inet static\n\taddress 192.0.2.1/24\n\t{line}\n".encode()
    found = claims(main, wish)
    assert set(found) == ({setting.name for setting in wish.settings} if claimed else set())
    assert all(f"{MAIN} line 4 says {line}" in said for said in found.values())


STANZA = "auto eth0\niface eth0 inet static\n\taddress 192.0.2.1/24\n"


@pytest.mark.parametrize(
    ("more", "line", "wish", "claimed"),
    [
        ("", "post-up ip link set dev eth0 mtu 9000", MTU, True),
        ("", "up ifconfig $IFACE mtu 9000", MTU, True),
        ("", "post-up ip link set dev eth0 mtu 1400", MTU, False),
        ("", "pre-up ip link set dev eth0 mtu 9000", MTU, False),
        ("", "up ip link set dev eth1 mtu 9000", MTU, False),
        ("", "up ethtool -K eth0 tso on", TSO, False),
        ("iface eth0 inet6 auto\n", "up ethtool -K eth0 tso on", TSO, True),
        ("iface eth0 inet6 auto\n", "pre-up ethtool -K $IFACE tcp-segmentation-offload on", TSO, True),
        ("iface eth0 inet6 auto\n", "up ethtool -K eth0 tso off", TSO, False),
        ("iface eth0 inet6 auto\n", "up ethtool -s eth0 speed 1000 duplex full autoneg on", FORCE, True),
        ("iface eth0 inet6 auto\n", "up ethtool -s eth0 wol g", FORCE, False),
        ("iface eth0 inet6 auto\n", "up ethtool --set-eee eth0 eee on", EEE, True),
        ("iface eth0 inet6 auto\n", "up ethtool -G eth0 rx 4096", RING, False),
        ("auto eth0.5\niface eth0.5 inet manual\n", "up ethtool -K eth0 tso on", TSO, True),
        ("auto eth0.5\niface eth0.5 inet manual\n", "up ethtool -K $IFACE tso on", TSO, False),
        ("iface eth0.5 inet manual\n", "up ethtool -K eth0 tso on", TSO, False),
        ("auto lo\niface lo inet loopback\n", "up ethtool -K eth0 tso on", TSO, False),
    ],
)
def test_a_program_that_undoes_it_later_is_kept_out_of_the_way_of(more: str, line: str, wish: Wish, *, claimed: bool) -> None:
    main = f"{STANZA}{more}\t{line}\n"
    found = claims(main.encode(), wish)
    assert set(found) == ({setting.name for setting in wish.settings} if claimed else set())
    number = main.count("\n")
    assert all(f"{MAIN} line {number} says {line}" in said for said in found.values())


def test_a_program_that_runs_before_our_lines_is_named() -> None:
    dhcp = STANZA.replace("static", "dhcp").encode() + b"\tup ip link set dev eth0 mtu 9000\n"
    assert claims(dhcp, MTU) == {}
    assert f"{MAIN} line 4 sets the MTU too, and stays as it is: up ip link set dev eth0 mtu 9000" in placed(dhcp, MTU).notes
    assert not [note for note in placed(dhcp, RING).notes if "MTU" in note]


def test_lines_that_nobody_carries_out_claim_nothing() -> None:
    assert claims(b"auto eth0\niface eth0 inet dhcp\n\toffload-tso on\n", TSO, {}) == {}
    assert claims(b"auto eth1\niface eth1 inet dhcp\n\tmtu 9000\n", MTU) == {}
    assert BACK_END.find_claims(place_on({}), MTU, {}) == {}


def test_keywords_that_nothing_reads_contradict_nothing() -> None:
    assert lines(placed(b"auto eth0\niface eth0 inet dhcp\n\toffload-tso on\n", TSO, {}))


def test_other_offloads_that_are_off_are_no_contradiction() -> None:
    assert len(lines(placed(b"auto eth0\niface eth0 inet dhcp\n\toffload-gro off\n", TSO))) == 3


def test_what_cannot_be_said_is_left_and_told_with_what_can() -> None:
    both = dataclasses.replace(MTU, settings=(*MTU.settings, *RING.settings, *ASPM.settings))
    placement = placed(b"auto eth0\niface eth0 inet static\n\tmtu 1500\n\tup sleep 5; ethtool -K eth0 tso off\n", both)
    assert placement.settings == ("ring.tx",)
    assert f"Not here: mtu: {MAIN} line 3 says mtu 1500 already." in placement.notes
    assert f"{MAIN} line 4 runs ethtool too, and stays as it is: up sleep 5; ethtool -K eth0 tso off" in placement.notes
    assert "no program that sets it belongs into these files" in refused(PLAIN, ASPM)


@pytest.mark.parametrize(
    ("main", "told"),
    [
        (b"auto eth1\niface eth1 inet dhcp\nauto eth0\n", "no stanza"),
        (b"mapping eth*\n\tscript /bin/x\nauto eth0\niface eth0 inet dhcp\n", "line 1: a script of this mapping decides"),
        (b"rename eth0=lan\niface lan inet dhcp\nauto eth0\niface eth0 inet dhcp\n", "renames eth0"),
        (b"auto eth0.5\niface eth0.5 inet dhcp\nallow-hotplug eth0\n", "only a VLAN on eth0"),
        (b"auto /e*=lan\niface lan inet dhcp\niface eth0 inet dhcp\n", "a stanza of its own"),
        (b"iface eth0 inet dhcp\r\n\tup a \\\r\n\tb\r\n", "line 2: a line ends with a backslash"),
        (b"iface eth0 inet dhcp\n\tup a \\", "line 2: a line ends with a backslash"),
        (b"iface eth0 inet dhcp\n\tup\xc2\xa0a b\n", "line 2: a blank that is none"),
        (b"iface eth0 inet dhcp\n# >>> nicmedic 3: x; y\n", "lines of nicmedic with number 3"),
        (b"iface eth0 inet dhcp\n\0\n", "zero bytes"),
        (b"rename eth0\niface eth1 inet dhcp inherits eth1 eth2\n", "no stanza"),
    ],
)
def test_what_a_program_had_better_not_touch_is_refused_with_the_reason(main: bytes, told: str) -> None:
    place = on_eth0({MAIN: main})
    place = dataclasses.replace(place, owner=dataclasses.replace(place.owner, manager="ifupdown"))
    assert told in refused(main, MTU, place=place)


def test_a_stanza_that_calls_the_card_by_an_alternative_name_is_named() -> None:
    main = b"auto enx1\niface enx1 inet dhcp\n"
    place = on_eth0({MAIN: b"auto eth0\niface eth0 inet dhcp\n"})
    place = dataclasses.replace(place, target=dataclasses.replace(place.target, altnames=("enx1",)))
    assert "by an alternative name" in refused(main, MTU, place=place)


def test_an_interface_with_an_odd_name_is_refused() -> None:
    main = b"auto eth0;x\niface eth0;x inet dhcp\n"
    assert "has letters" in refused(main, RING, place=place_on({MAIN: main}, interface="eth0;x"))


def test_other_managers_keep_their_cards() -> None:
    files = {"/etc/systemd/network/a.network": b"[Match]\nName=eth0\n"}
    place = on_eth0(files)
    assert BACK_END.list_files(place, MTU) == ()
    assert refused(b"", MTU, files, place).startswith("eth0: ")


def test_a_card_whose_manager_cannot_be_told_has_no_place_here() -> None:
    place = on_eth0({MAIN: PLAIN})
    unsure = dataclasses.replace(place, owner=dataclasses.replace(place.owner, manager=None, why="two claim it", settle="ask both"))
    answer = ask(BACK_END, unsure, MTU, {MAIN: PLAIN})
    assert answer == NoPlace(
        back_end="ifupdown", reasons=("which network manager has eth0 cannot be told: two claim it",), settle=("ask both",)
    )


def test_stanzas_that_inherit_from_each_other_end() -> None:
    main = b"iface a inet dhcp\n\tmtu 9\niface b inet dhcp inherits a\niface a inet dhcp inherits b\nauto eth0\niface eth0 inet dhcp inherits a\n"
    assert "line 2 says mtu 9" in refused(main, MTU)


def test_a_program_that_is_not_installed_cannot_be_run() -> None:
    place = on_eth0({MAIN: PLAIN}, tools=frozenset())
    assert refused(PLAIN, RING, place=place) == "ring.tx: ethtool is not installed"
    assert lines(placed(PLAIN, MTU, place=place)) == ["mtu 1400"]


def test_realteks_own_drivers_set_eee_by_a_parameter() -> None:
    assert "r8168 sets it anew" in refused(PLAIN, EEE, place=on_eth0({MAIN: PLAIN}, driver="r8168"))


@pytest.mark.parametrize("tail", ["allow-hotplug eth0\n", "auto eth0\n", ""])
def test_what_calls_ifup_is_told_where_it_matters(tail: str) -> None:
    notes = "\n".join(placed(f"iface eth0 inet dhcp\n{tail}".encode(), RING).notes)
    assert ("bound anew" in notes, "whenever somebody calls ifup" in notes) == (tail.startswith("auto"), not tail)


PIECES = st.sampled_from(
    [
        b"auto eth0", b"allow-hotplug eth0", b"auto br0", b"iface eth0 inet dhcp", b"iface eth0 inet static", b"iface eth0 inet6 auto",
        b"iface br0 inet manual", b"\tbridge_ports eth0", b"  address 192.0.2.1/24", b"\tup echo \\", b"   more", b"# comment", b"#", b"",
        b"\t", b"source interfaces.d/*", b"source-directory interfaces.d", b"mapping eth1", b"\tscript /x", b"\tup ethtool -K eth0 tso off",
        b"iface eth1 inet dhcp inherits eth0", b"no-scripts eth0", b"\tmtu 1500", b"\xff\xfe", b"up", b"iface", b"auto", b"\toffload-gro off",
    ]
)  # fmt: skip
TEXTS = st.builds(
    lambda pieces, end, last: end.join(pieces) + (end if last else b""),
    st.lists(PIECES, max_size=14),
    st.sampled_from([b"\n", b"\r\n"]),
    st.booleans(),
)
ALL = dataclasses.replace(TSO, settings=tuple(setting for wish in (TSO, EEE, MTU, PAUSE, RING, ADVERTISE) for setting in wish.settings))


@settings(max_examples=120)
@given(main=TEXTS, included=TEXTS, script=st.booleans())
def test_whatever_the_files_say_ours_goes_in_and_out_to_the_byte(main: bytes, included: bytes, script: bool) -> None:
    files = {MAIN: main, "/etc/network/interfaces.d/x": included, **(SCRIPT if script else {})}
    place = on_eth0(files)
    answer = ask(BACK_END, dataclasses.replace(place, owner=dataclasses.replace(place.owner, manager="ifupdown")), ALL, files)
    if isinstance(answer, NoPlace):
        assert answer.reasons
        return
    (edit,) = answer.edits
    assert edit.before == files[edit.path]
    assert edit.after is not None
    assert BACK_END.take_out(edit, edit.after, 3) == edit.before
    rest = after(answer)
    again = ask(
        BACK_END,
        dataclasses.replace(place, number=4, owner=dataclasses.replace(place.owner, manager="ifupdown")),
        MTU,
        {**files, edit.path: rest},
    )
    if isinstance(again, Placement):
        (second,) = again.edits
        assert second.after is not None
        assert BACK_END.take_out(second, second.after, 4) == (rest if second.path == edit.path else second.before)


@settings(max_examples=100)
@given(main=st.binary(max_size=120))
def test_no_file_raises(main: bytes) -> None:
    place = on_eth0({MAIN: main})
    ask(BACK_END, dataclasses.replace(place, owner=dataclasses.replace(place.owner, manager="ifupdown")), ALL, {MAIN: main})
