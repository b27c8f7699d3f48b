# SPDX-License-Identifier: GPL-2.0-or-later
"""Lines of ours at the end of a connection's file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nicmedic.model.finding import RemedyId
from nicmedic.model.keeping import NoPlace, Placement, Wish
from nicmedic.persist.back_ends.networkmanager import BACK_END
from nicmedic.persist.ini import parse_ini
from nicmedic.persist.marks import find_block, take_out_block
from tests.unit.persist.back_ends.hosts import ADVERTISE, ASPM, COALESCE, EEE, FORCE, MTU, PAUSE, RING, TSO, ask, place_on, wish_for

FILE = "/etc/NetworkManager/system-connections/Wired connection 1.nmconnection"
UUID = "8f1b3c1e-8a3e-4f3e-9d67-6a2f5d1f1a11"
PROFILE = f"""[connection]
id=Wired connection 1
uuid={UUID}
type=ethernet
interface-name=lan0

[802-1x]
password=hunter2

[ipv6]
method=auto
""".encode()
STATE = {"/run/NetworkManager/devices/2": f"[device]\nmanaged=true\nconnection-uuid={UUID}\n".encode()}
HOST = {FILE: PROFILE, **STATE}
NEW = {"networkmanager": (1, 46, 0)}


def host(profile: bytes) -> dict[str, bytes]:
    return {FILE: profile, **STATE}


def placed(wish: Wish, files: dict[str, bytes] | None = None, **place: object) -> Placement:
    held = HOST if files is None else files
    answer = ask(BACK_END, place_on(held, **place), wish, held)  # type: ignore[arg-type]  # by name
    assert isinstance(answer, Placement), answer
    return answer


def refused(wish: Wish, files: dict[str, bytes] | None = None, **place: object) -> str:
    held = HOST if files is None else files
    answer = ask(BACK_END, place_on(held, **place), wish, held)  # type: ignore[arg-type]  # by name
    assert isinstance(answer, NoPlace), answer
    return "\n".join((*answer.reasons, *answer.settle))


def said(placement: Placement) -> list[str]:
    after = placement.edits[0].after or b""
    block = find_block(after, 3)
    assert block is not None
    return after.decode().splitlines()[block.first + 1 : block.last]


def test_lines_go_to_the_end_and_the_last_group_is_opened_again() -> None:
    placement = placed(MTU)
    (edit,) = placement.edits
    assert (edit.path, edit.before, edit.mode) == (FILE, PROFILE, None)
    assert edit.after is not None
    assert edit.after.startswith(PROFILE + b"# >>> nicmedic 3: mtu:1400; nicmedic release 3 takes this away\n")
    assert said(placement) == ["[ethernet]", "mtu=1400", "[ipv6]"]
    assert placement.refresh == (("nmcli", "connection", "load", FILE),)
    assert placement.takes_hold == f"when the connection goes up next: at boot, or with nmcli connection up {UUID}"


@pytest.mark.parametrize(
    ("wish", "lines"),
    [
        (ADVERTISE, ["[ethernet]", "auto-negotiate=true", "speed=100", "duplex=full"]),
        (FORCE, ["[ethernet]", "auto-negotiate=false", "speed=100", "duplex=full"]),
        (
            TSO,
            [
                "[ethtool]",
                "feature-tx-tcp-segmentation=false",
                "feature-tx-tcp6-segmentation=false",
                "feature-tx-tcp-ecn-segmentation=false",
            ],
        ),
        (EEE, ["[ethtool]", "eee-enabled=false"]),
        (PAUSE, ["[ethtool]", "pause-rx=false", "pause-tx=false", "pause-autoneg=false"]),
        (RING, ["[ethtool]", "ring-tx=256"]),
        (COALESCE, ["[ethtool]", "coalesce-adaptive-rx=0", "coalesce-rx-usecs=50"]),
        (wish_for(RemedyId.OFFLOAD_OFF, features__rx_gro="off", mtu="1400"), ["[ethernet]", "mtu=1400", "[ethtool]", "feature-gro=false"]),
    ],
)
def test_each_remedy_in_the_words_of_a_connection(wish: Wish, lines: list[str]) -> None:
    placement = placed(wish, versions=NEW)
    assert said(placement) == [*lines, "[ipv6]"]
    assert set(placement.settings) == {setting.name for setting in wish.settings}


@pytest.mark.parametrize(
    ("wish", "version", "needs"),
    [
        (EEE, (1, 44, 2), "ethtool.eee-enabled needs NetworkManager 1.46, this is 1.44.2"),
        (PAUSE, (1, 30), "ethtool.pause-rx needs NetworkManager 1.32, this is 1.30"),
        (ADVERTISE, (1, 32), "ethernet.speed needs NetworkManager 1.34, this is 1.32"),
        (RING, (1, 24), "ethtool.ring-tx needs NetworkManager 1.26, this is 1.24"),
        (wish_for(RemedyId.OFFLOAD_OFF, features__rx_gro_list="off"), (1, 28), "ethtool.feature-rx-gro-list needs NetworkManager 1.30"),
        (TSO, (), "ethtool.feature-tx-tcp-segmentation needs NetworkManager 1.14, this is of unknown version"),
    ],
)
def test_what_a_version_lacks_is_not_written(wish: Wish, version: tuple[int, ...], needs: str) -> None:
    assert needs in refused(wish, versions={"networkmanager": version})


def test_what_has_no_word_is_left_to_the_next() -> None:
    assert "NetworkManager has no word for 0" in refused(ASPM)
    part = wish_for(RemedyId.OFFLOAD_OFF, features__rx_gro="off", features__tx_tcp_accecn_segmentation="off")
    assert placed(part).settings == ("features.rx-gro",)
    assert "link.modes" in refused(wish_for(RemedyId.LINK_ADVERTISE_100, link__autoneg="on", link__modes="0x00c"))
    assert "link.modes" in refused(wish_for(RemedyId.LINK_ADVERTISE_100, link__autoneg="on", link__modes="fast"))
    assert "sets it anew" in refused(EEE, versions=NEW, driver="r8125")


def test_its_own_lines_are_overridden_not_touched_and_the_other_spelling_is_kept() -> None:
    old = PROFILE.replace(b"[ipv6]", b"[802-3-ethernet]\nmtu=9000\n\n[ipv6]")
    placement = placed(MTU, host(old))
    assert said(placement) == ["[802-3-ethernet]", "mtu=1400", "[ipv6]"]
    assert placement.notes[0] == f"Overrides mtu=9000 of {FILE} line 11."
    both = old.replace(b"[ipv6]", b"[ethernet]\nmtu=1500\n[ipv6]")
    assert "has both [ethernet] and [802-3-ethernet]" in refused(MTU, host(both))


def test_a_profile_that_another_card_may_use_is_not_edited() -> None:
    unnamed = host(PROFILE.replace(b"interface-name=lan0\n", b""))
    assert "names no card" in refused(MTU, unnamed)
    for wish, told in ((MTU, True), (ASPM, False)):
        answer = ask(BACK_END, place_on(unnamed), wish, unnamed)
        assert isinstance(answer, NoPlace)
        assert bool(answer.told) is told
    by_address = PROFILE.replace(b"interface-name=lan0\n", b"").replace(b"[ipv6]", b"[ethernet]\nmac-address=52:54:00:12:34:56\n[ipv6]")
    placed(MTU, host(by_address))
    assert "is no Ethernet connection" in refused(MTU, host(PROFILE.replace(b"type=ethernet", b"type=wifi")))


def test_profiles_elsewhere_or_nowhere_are_told_with_the_command() -> None:
    in_memory = {FILE.replace("/etc/", "/run/"): PROFILE, **STATE}
    assert "does not stand in /etc/NetworkManager/system-connections/" in refused(MTU, in_memory)
    assert "nmcli connection add type ethernet ifname lan0 con-name lan0" in refused(
        MTU, {"/run/NetworkManager/devices/2": b"[device]\nmanaged=true\n"}
    )
    two = {FILE: PROFILE, FILE.replace("1.nm", "2.nm"): PROFILE.replace(b"8f1b", b"9f1b"), "/run/NetworkManager/devices/9": b""}
    assert "2 connections fit lan0" in refused(MTU, two)
    assert "lan0: networkd has it" in refused(MTU, {"/run/systemd/netif/links/2": b"ADMIN_STATE=configured\n"})
    assert "cannot be told" in refused(MTU, {"/run/systemd/netif/state": b"", "/etc/systemd/network/a.network": b"[Match]\nHost=x\n"})
    gone = place_on(HOST)
    answer = BACK_END.place(gone, MTU, {FILE: None})
    assert isinstance(answer, NoPlace)
    assert answer.reasons == (f"{FILE} cannot be read",)


def test_another_connection_for_the_card_is_told() -> None:
    other = FILE.replace("1.nm", "2.nm")
    with_other = {**HOST, other: PROFILE.replace(b"8f1b", b"9f1b"), FILE.replace("1.nm", "3.nm"): PROFILE.replace(b"lan0", b"lan1")}
    assert placed(MTU, with_other).notes[0] == f"{other} is a connection for this card too; while that one is up, nothing of this is set."


def test_without_a_running_networkmanager_nothing_is_to_be_told_to_it() -> None:
    enabled = {FILE: PROFILE}
    assert placed(MTU, enabled).refresh == ()


def test_the_same_number_twice_is_refused() -> None:
    assert "has lines of nicmedic 3 already" in refused(MTU, host(placed(MTU).edits[0].after or b""))


def test_lines_that_somebody_wrote_beside_ours_are_kept() -> None:
    edit = placed(MTU).edits[0]
    assert edit.after is not None
    now = edit.after.replace(b"id=Wired connection 1", b"id=lan") + b"dns=192.0.2.1;\n"
    assert BACK_END.take_out(edit, now, 3) == PROFILE.replace(b"id=Wired connection 1", b"id=lan") + b"dns=192.0.2.1;\n"


def test_edited_or_torn_lines_are_named() -> None:
    edit = placed(MTU).edits[0]
    assert edit.after is not None
    answer = BACK_END.take_out(edit, edit.after.replace(b"1400", b"1300"), 3)
    assert isinstance(answer, NoPlace)
    assert answer.reasons == (f"{FILE}: lines 12 to 16 are nicmedic's and were edited since; take out what is not wanted",)
    answer = BACK_END.take_out(edit, edit.after.replace(b"# <<<", b"# "), 3)
    assert isinstance(answer, NoPlace)
    assert "one is missing" in answer.reasons[0]


def test_a_file_that_nmcli_wrote_anew_has_our_keys_without_marks() -> None:
    edit = placed(MTU).edits[0]
    anew = PROFILE.replace(b"[ipv6]", b"[ethernet]\nmtu=1400\n\n[ipv6]")
    answer = BACK_END.take_out(edit, anew, 3)
    assert isinstance(answer, NoPlace)
    assert answer.reasons == (
        f"{FILE} was written anew, without the comments of nicmedic 3; of its lines these are there: line 11 (ethernet.mtu)",
    )
    assert answer.settle == (f"nmcli connection modify {UUID} 802-3-ethernet.mtu ''",)
    overridden = placed(MTU, host(PROFILE.replace(b"[ipv6]", b"[ethernet]\nmtu=1480\n[ipv6]"))).edits[0]
    answer = BACK_END.take_out(overridden, anew, 3)
    assert isinstance(answer, NoPlace)
    assert answer.settle == (f"nmcli connection modify {UUID} 802-3-ethernet.mtu 1480",)
    theirs = anew.replace(b"1400", b"9000")
    assert BACK_END.take_out(edit, theirs, 3) == theirs
    assert BACK_END.take_out(edit, PROFILE + b"\n", 3) == PROFILE + b"\n"


LINES = st.sampled_from(
    [
        "[ipv4]",
        "[ethernet]",
        "[802-3-ethernet]",
        "[ethtool]",
        "mtu=9000",
        "feature-gro=true",
        "# a remark",
        "",
        "\tx = y ",
        "[",
        "]",
        "=",
        "[odd]]",
        "\\",
    ]
)


@given(
    lines=st.lists(LINES | st.text(max_size=12), max_size=12),
    end=st.sampled_from(["\n", "\r\n"]),
    last=st.booleans(),
    wish=st.sampled_from([MTU, TSO, FORCE]),
)
def test_placed_and_taken_out_is_as_before_to_the_byte(lines: list[str], end: str, last: bool, wish: Wish) -> None:
    """Whatever stands in the file; and what NetworkManager reads is what it read before, and ours."""
    text = end.join([*PROFILE.decode().split("\n")[:-1], *lines]) + (end if last else "")
    before = text.encode("utf-8", "surrogatepass")
    answer = ask(BACK_END, place_on(host(before)), wish, host(before))
    if isinstance(answer, NoPlace):
        return
    after = answer.edits[0].after or b""
    block = find_block(after, 3)
    assert block is not None
    assert take_out_block(after, block) == before
    ours = read(b"\n".join(after.split(b"\n")[block.first : block.last]))
    assert ours
    assert read(after) == {**read(before), **ours}


def read(data: bytes) -> dict[tuple[str, str], str]:
    values = parse_ini(data.decode("utf-8", "surrogateescape"), joined=False)
    return {(each.section, each.key): each.value for each in values}
