# SPDX-License-Identifier: GPL-2.0-or-later
"""Drop-ins beside the .link file that udev applies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nicmedic.model.finding import RemedyId
from nicmedic.model.keeping import FileEdit, NoPlace, Placement, Wish
from nicmedic.persist.back_ends.link import BACK_END
from nicmedic.persist.ini import parse_ini
from tests.unit.persist.back_ends.hosts import (
    ADDRESS,
    ADVERTISE,
    ASPM,
    COALESCE,
    EEE,
    FORCE,
    MTU,
    PAUSE,
    RING,
    TSO,
    ask,
    place_on,
    wish_for,
)

LINK = "/run/systemd/network/10-netplan-lan.link"
OWN = "/etc/systemd/network/10-netplan-lan.link.d/50-nicmedic-3.conf"
MATCH = f"[Match]\nPermanentMACAddress={ADDRESS}\n\n[Link]\nName=lan0\nWakeOnLan=off\n".encode()
HOST = {
    LINK: MATCH,
    "/run/systemd/network/10-netplan-lan.network": f"[Match]\nPermanentMACAddress={ADDRESS}\n".encode(),
    "/run/systemd/netif/links/2": b"ADMIN_STATE=configured\nNETWORK_FILE=/run/systemd/network/10-netplan-lan.network\n",
    "/run/udev/data/n2": f"E:ID_NET_LINK_FILE={LINK}\n".encode(),
}


def placed(wish: Wish, files: dict[str, bytes] | None = None, **place: object) -> Placement:
    held = HOST if files is None else files
    answer = ask(BACK_END, place_on(held, **place), wish, held)  # type: ignore[arg-type]  # by name
    assert isinstance(answer, Placement), answer
    return answer


def refused(wish: Wish, files: dict[str, bytes] | None = None, **place: object) -> str:
    held = HOST if files is None else files
    answer = ask(BACK_END, place_on(held, **place), wish, held)  # type: ignore[arg-type]  # by name
    assert isinstance(answer, NoPlace), answer
    return "\n".join(answer.reasons)


def said(placement: Placement) -> list[str]:
    (edit,) = placement.edits
    assert edit.path == OWN
    assert edit.before is None
    assert edit.after is not None
    return [line for line in edit.after.decode().splitlines() if not line.startswith("#")]


def test_a_drop_in_says_whose_it_is_and_how_to_be_rid_of_it() -> None:
    placement = placed(MTU)
    assert placement.edits == (
        FileEdit(
            path=OWN,
            before=None,
            after=b"# Written by nicmedic: mtu:1400\n# nicmedic release 3 takes this file away.\n[Link]\nMTUBytes=1400\n",
        ),
    )
    assert placement.settings == ("mtu",)
    assert placement.refresh == (("udevadm", "control", "--reload"),)
    assert placement.takes_hold == "at the next boot, or when the driver is bound anew"


@pytest.mark.parametrize(
    ("wish", "lines"),
    [
        (ADVERTISE, ["[Link]", "AutoNegotiation=yes", "Advertise=100baset-full pause asym-pause"]),
        (FORCE, ["[Link]", "AutoNegotiation=no", "BitsPerSecond=100M", "Duplex=full"]),
        (TSO, ["[Link]", "TCPSegmentationOffload=no", "TCP6SegmentationOffload=no"]),
        (PAUSE, ["[Link]", "RxFlowControl=no", "TxFlowControl=no", "AutoNegotiationFlowControl=no"]),
        (RING, ["[Link]", "TxBufferSize=256"]),
        (COALESCE, ["[Link]", "UseAdaptiveRxCoalesce=no", "RxCoalesceSec=50us"]),
    ],
)
def test_each_remedy_in_the_words_of_link_files(wish: Wish, lines: list[str]) -> None:
    placement = placed(wish)
    assert said(placement) == lines
    assert set(placement.settings) == {setting.name for setting in wish.settings}


def test_eee_needs_systemd_258() -> None:
    assert "Enable= needs systemd 258, this is 252" in refused(EEE)
    assert said(placed(EEE, versions={"systemd": (258,)})) == ["[EnergyEfficientEthernet]", "Enable=no"]
    assert "kernel warns" in placed(EEE, versions={"systemd": (258,)}, chip="10ec:8125").notes[0]
    assert "sets it anew" in refused(EEE, versions={"systemd": (258,)}, driver="r8168")


def test_an_unknown_version_takes_nothing() -> None:
    assert "MTUBytes= needs systemd 211, this is of unknown version" in refused(MTU, versions={})


def test_a_feature_that_follows_waits_for_the_last_that_it_follows() -> None:
    assert placed(TSO, versions={"systemd": (234,)}).settings == ("features.tx-tcp-segmentation",)


def test_checksums_go_together_only_where_tx_was_asked_for() -> None:
    tx = wish_for(RemedyId.OFFLOAD_OFF, "-K", "tx", "off", features__tx_checksum_ipv4="off", features__tx_checksum_ipv6="off")
    assert said(placed(tx)) == ["[Link]", "TransmitChecksumOffload=no"]
    one = wish_for(RemedyId.OFFLOAD_OFF, "-K", "tx-checksum-ipv4", "off", features__tx_checksum_ipv4="off")
    assert "features.tx-checksum-ipv4: .link files have no word for off" in refused(one)


def test_a_feature_that_follows_is_left_where_what_it_follows_is_not_set() -> None:
    ecn = wish_for(RemedyId.OFFLOAD_OFF, "-K", "tso", "off", features__tx_tcp_segmentation="off", features__tx_tcp_ecn_segmentation="off")
    assert placed(ecn).settings == ("features.tx-tcp-segmentation",)


def test_what_has_no_word_is_left_to_the_next() -> None:
    assert "pcie.link-files.l1-aspm: .link files have no word" in refused(ASPM)
    part = wish_for(RemedyId.OFFLOAD_OFF, "-K", "gro", "off", features__rx_gro="off", features__tx_gso_partial="off")
    assert placed(part).settings == ("features.rx-gro",)
    fast = wish_for(RemedyId.LINK_ADVERTISE_100, link__autoneg="on", link__modes="0x800000000008")
    assert "link.modes: .link files have no word" in refused(fast)
    assert "link.modes" in refused(wish_for(RemedyId.LINK_ADVERTISE_100, link__autoneg="on", link__modes="fast"))
    assert "link.speed" in refused(wish_for(RemedyId.LINK_FORCE_100, link__autoneg="off", link__speed="fast", link__duplex="full"))


def test_a_card_that_may_be_asleep_is_left_to_others() -> None:
    assert "systemd issue 16445" in refused(ADVERTISE, driver="r8169")
    assert said(placed(MTU, driver="r8169")) == ["[Link]", "MTUBytes=1400"]


def test_a_file_for_many_cards_gets_no_drop_in() -> None:
    default = "/usr/lib/systemd/network/99-default.link"
    host = {
        default: b"[Match]\nOriginalName=*\n\n[Link]\nNamePolicy=keep kernel database onboard slot path\n",
        "/run/udev/data/n2": f"E:ID_NET_LINK_FILE={default}\n".encode(),
    }
    assert f"{default} is not for this card alone" in refused(TSO, host)
    shared = {**HOST, "/run/udev/data/n3": f"E:ID_NET_LINK_FILE={LINK}\n".encode()}
    assert "applied to other interfaces too (number 3)" in refused(TSO, shared)


@pytest.mark.parametrize(
    ("match", "alone"),
    [
        (b"Path=pci-0000:02:00.0", True),
        (b"Path=pci-*", False),
        (b"OriginalName=lan0", True),
        (b"OriginalName=eth0", False),
        (b"MACAddress=52:54:00:12:34:56 52:54:00:12:34:57", False),
        (b"MACAddress=52:54:00:12:34:56", True),
        (b"Driver=e1000e", False),
        (b"MACAddress=52:54:00:12:34:56\nMACAddress=", False),
    ],
)
def test_which_matches_are_for_one_card(match: bytes, *, alone: bool) -> None:
    host = {**HOST, LINK: b"[Match]\n" + match + b"\n[Link]\n"}
    if alone:
        placed(MTU, host)
    else:
        assert "is not for this card alone" in refused(MTU, host)


def test_other_lines_are_overridden_and_told_or_stand_in_the_way() -> None:
    before = {**HOST, LINK: MATCH + b"MTUBytes=9000\nAdvertise=1000baset-full\n"}
    placement = placed(MTU, before)
    assert placement.notes == (f"Overrides MTUBytes=9000 of {LINK} line 7.",)
    assert said(placed(ADVERTISE, before))[:3] == ["[Link]", "Advertise=", "AutoNegotiation=yes"]
    assert said(placed(FORCE, before))[:2] == ["[Link]", "Advertise="]
    later = "/run/systemd/network/10-netplan-lan.link.d/90-site.conf"
    behind = {**HOST, later: b"[Link]\nMTUBytes=9000\n"}
    assert f"{later} line 2 says MTUBytes=9000, and is read later" in refused(MTU, behind)
    agreed = {**HOST, later: b"[Link]\nTCPSegmentationOffload=false\n"}
    assert placed(TSO, agreed).notes == ()
    hidden = {**behind, "/etc/systemd/network/10-netplan-lan.link.d/90-site.conf": b"[Link]\nWakeOnLan=off\n"}
    placed(MTU, hidden)


def test_hosts_on_which_no_drop_in_helps() -> None:
    assert "names no .link file that it applied to lan0" in refused(
        MTU, {path: data for path, data in HOST.items() if path != LINK and "udev" not in path}
    )
    assert "cannot be read" in refused(MTU, {path: data for path, data in HOST.items() if path != LINK})
    assert f"{OWN} is there already" in refused(MTU, {**HOST, OWN: b"[Link]\n"})
    disputed = {**HOST, "/etc/network/interfaces": b"iface lan0 inet dhcp\nauto lan0\n"}
    disputed.pop("/run/systemd/netif/links/2")
    assert "cannot be told" in refused(MTU, disputed)


def test_whoever_owns_the_card_udev_sets_it_first() -> None:
    by_hand = {
        LINK: MATCH,
        "/run/udev/data/n2": HOST["/run/udev/data/n2"],
        "/etc/network/interfaces": b"auto lan0\niface lan0 inet dhcp\n",
        "/run/network/ifstate": b"lan0=lan0\n",
    }
    assert place_on(by_hand).owner.manager == "ifupdown"
    assert said(placed(TSO, by_hand))
    assert placed(TSO, by_hand).notes == ("udev sets this first, and ifupdown comes after it.",)
    assert "ifupdown comes after udev, and may set another" in refused(MTU, by_hand)


def test_networkd_has_the_last_word_on_the_mtu() -> None:
    network = "/run/systemd/network/10-netplan-lan.network"
    own = {**HOST, network: HOST[network] + b"[Link]\nMTUBytes=9000\n"}
    assert f"mtu: {network} line 4 says MTUBytes=9000, and networkd comes after udev" in refused(MTU, own)
    offered = {**HOST, network: HOST[network] + b"[DHCP]\nUseMTU=true\n"}
    assert placed(MTU, offered).notes == (f"Where the DHCP server offers an MTU, networkd takes that ({network} line 4).",)


def edited(now: bytes) -> bytes | NoPlace | None:
    return BACK_END.take_out(placed(MTU).edits[0], now, 3)


def test_a_drop_in_that_somebody_edited() -> None:
    after = placed(MTU).edits[0].after or b""
    assert edited(after + b"\n\n") is None
    assert edited(after + b"\n# a remark\n") == b"# a remark\n"
    assert edited(b"# a remark\n") == b"# a remark\n"  # repeated after a crash
    assert edited(b"") == b""
    assert edited(b"[Link]\nWakeOnLan=off\n") == b"[Link]\nWakeOnLan=off\n"
    answer = edited(after + b"WakeOnLan=off\n")
    assert isinstance(answer, NoPlace)
    assert answer.reasons == (f"{OWN} was edited since: not of nicmedic: line 5",)
    answer = edited(after.replace(b"1400", b"1500") + b"MTUBytes=1400\n")
    assert isinstance(answer, NoPlace)


@given(st.text(max_size=300), st.sampled_from([MTU, TSO, ADVERTISE, FORCE, PAUSE, EEE]))
def test_any_text_in_the_files_ends_in_an_answer_and_ours_is_read_as_it_was_meant(text: str, wish: Wish) -> None:
    """What systemd reads of ours does not depend on what stands elsewhere."""
    host = {**HOST, LINK: MATCH + text.encode("utf-8", "surrogatepass")}
    answer = ask(BACK_END, place_on(host, versions={"systemd": (260,)}), wish, host)
    if isinstance(answer, Placement):
        read = {each.key: each.value for each in parse_ini((answer.edits[0].after or b"").decode())}
        assert set(answer.settings) == {setting.name for setting in wish.settings}
        assert all(read.values())
