# SPDX-License-Identifier: GPL-2.0-or-later
"""A file of netplan's that adds to the definition of the card."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nicmedic.model.finding import RemedyId
from nicmedic.model.keeping import FileEdit, NoPlace, Placement, Wish
from nicmedic.persist.back_ends import link
from nicmedic.persist.back_ends.netplan import BACK_END
from nicmedic.persist.choosing import choose_places
from nicmedic.persist.managers.netplan import escape_id
from nicmedic.persist.yaml_lines import Node, parse_yaml
from tests.unit.persist.back_ends.hosts import ADDRESS, ADVERTISE, ASPM, EEE, MTU, TSO, VERSIONS, ask, place_on, wish_for

OWN = "/etc/netplan/90-nicmedic-3.yaml"
YAML = "/etc/netplan/50-cloud-init.yaml"
LINK = "/run/systemd/network/10-netplan-lan.link"
NETWORK = "/run/systemd/network/10-netplan-lan.network"
DEFINED = f"""network:
  version: 2
  ethernets:
    lan:
      match: {{macaddress: "{ADDRESS}"}}
      set-name: lan0
      addresses: [192.0.2.2/24]
"""
NETWORKD = {
    YAML: DEFINED.encode(),
    LINK: f"[Match]\nPermanentMACAddress={ADDRESS}\n[Link]\nName=lan0\n".encode(),
    NETWORK: f"[Match]\nPermanentMACAddress={ADDRESS}\nName=lan0\n".encode(),
    "/run/systemd/netif/links/2": f"ADMIN_STATE=configured\nNETWORK_FILE={NETWORK}\n".encode(),
    "/run/udev/data/n2": f"E:ID_NET_LINK_FILE={LINK}\n".encode(),
}
PROFILE = "/run/NetworkManager/system-connections/netplan-lan0.nmconnection"
NETWORKMANAGER = {
    YAML: b"network:\n  version: 2\n  renderer: NetworkManager\n  ethernets:\n    lan0: {dhcp4: true}\n",
    PROFILE: b"[connection]\nid=netplan-lan0\ntype=ethernet\nuuid=8f1b3c1e\ninterface-name=lan0\n",
    "/run/NetworkManager/devices/2": b"[device]\nmanaged=true\nconnection-uuid=8f1b3c1e\n",
}


def placed(wish: Wish, files: dict[str, bytes] = NETWORKD, **place: object) -> Placement:
    answer = ask(BACK_END, place_on(files, **place), wish, files)  # type: ignore[arg-type]  # by name
    assert isinstance(answer, Placement), answer
    return answer


def refused(wish: Wish, files: dict[str, bytes] = NETWORKD, **place: object) -> str:
    answer = ask(BACK_END, place_on(files, **place), wish, files)  # type: ignore[arg-type]  # by name
    assert isinstance(answer, NoPlace), answer
    return "\n".join(answer.reasons)


def read(placement: Placement) -> Node:
    node = parse_yaml((placement.edits[0].after or b"").decode())
    assert isinstance(node, Node)
    return node.child("network").child("ethernets")


def test_an_additional_file_repeats_the_id_and_nothing_else() -> None:
    placement = placed(MTU)
    text = """# Written by nicmedic: mtu:1400
# nicmedic release 3 takes this file away.
network:
  version: 2
  ethernets:
    "lan":
      mtu: 1400
"""
    assert placement.edits == (FileEdit(path=OWN, before=None, after=text.encode(), mode=0o600),)
    assert placement.settings == ("mtu",)
    assert placement.refresh == (("netplan", "generate"),)


def test_networkd_gets_the_offloads_that_netplan_has_words_for() -> None:
    node = read(placed(TSO)).child("lan")
    assert {key: value.value for key, value in node.items()} == {"tcp-segmentation-offload": "false", "tcp6-segmentation-offload": "false"}
    assert set(placed(TSO).settings) == {setting.name for setting in TSO.settings}
    assert "features.tx-tcp-segmentation: netplan has no word" in refused(TSO, versions={**VERSIONS, "netplan": (0, 103)})
    assert "features.tx-tcp-segmentation: netplan has no word" in refused(TSO, versions={"netplan": (0, 106)})
    for wish in (ADVERTISE, EEE, ASPM):
        assert "netplan has no word for it that networkd carries out" in refused(wish)


def test_what_yaml_cannot_say_goes_to_a_drop_in_beside_its_link_file() -> None:
    place = place_on(NETWORKD)
    chosen = choose_places(
        (BACK_END, link.BACK_END), place, (TSO, ADVERTISE), lambda paths: {path: NETWORKD.get(path) for path in paths}, lambda _path: None
    )
    assert chosen.left == ()
    assert [(each.back_end, each.edits[0].path) for each in chosen.placements] == [
        ("netplan", OWN),
        ("link", "/etc/systemd/network/10-netplan-lan.link.d/50-nicmedic-3.conf"),
    ]


def test_no_link_file_is_brought_about_where_there_is_none() -> None:
    default = "/usr/lib/systemd/network/99-default.link"
    without = {path: data for path, data in NETWORKD.items() if path != LINK}
    without[default] = b"[Match]\nOriginalName=*\n"
    without["/run/udev/data/n2"] = f"E:ID_NET_LINK_FILE={default}\n".encode()
    assert "would take the naming policy away" in refused(MTU, without)


def told(wish: Wish, files: dict[str, bytes] = NETWORKD) -> str:
    answer = ask(BACK_END, place_on(files), wish, files)
    assert isinstance(answer, NoPlace), answer
    return "\n".join(answer.told)


def test_why_it_was_passed_over_is_told_where_another_place_is_found() -> None:
    without = {path: data for path, data in NETWORKD.items() if path not in {LINK, "/run/udev/data/n2"}}
    assert "netplan makes no .link file for lan yet" in told(MTU, without)
    assert told(ASPM, without) == ""  # which no file of a network manager sets
    assert told(EEE) == ""  # netplan has no word for it
    many = {**NETWORKD, YAML: NETWORKD[YAML].replace(f'{{macaddress: "{ADDRESS}"}}'.encode(), b'{driver: "e1000e"}')}
    assert "lan may be for other cards too" in told(MTU, many)
    assert "is read later" in told(MTU, {**NETWORKD, "/etc/netplan/99-site.yaml": b"network:\n  ethernets:\n    lan: {mtu: 9000}\n"})
    assert "which program carries out" in told(MTU, {YAML: NETWORKD[YAML].replace(b"version: 2", b"version: 2\n  renderer: sriov")})
    assert told(MTU, {"/run/systemd/netif/links/2": b"ADMIN_STATE=configured\n"}) == ""  # another manager has it


def test_networkmanager_gets_everything_through_passthrough() -> None:
    node = read(placed(ADVERTISE, NETWORKMANAGER)).child("lan0").child("networkmanager").child("passthrough")
    wanted = {"ethernet.auto-negotiate": "true", "ethernet.speed": "100", "ethernet.duplex": "full"}
    assert {key: value.value for key, value in node.items()} == wanted
    assert "eee-enabled needs NetworkManager 1.46" in refused(EEE, NETWORKMANAGER)
    assert "since 0.102" in refused(MTU, NETWORKMANAGER, versions={"netplan": (0, 101), "networkmanager": (1, 42)})


def test_a_definition_for_many_cards_is_left_alone() -> None:
    for match in (b'{driver: "e1000e"}', b'{name: "lan*"}'):
        many = {**NETWORKD, YAML: NETWORKD[YAML].replace(f'{{macaddress: "{ADDRESS}"}}'.encode(), match)}
        assert "lan may be for other cards too" in refused(MTU, many)
    named = {**NETWORKD, YAML: NETWORKD[YAML].replace(f'{{macaddress: "{ADDRESS}"}}'.encode(), b"{name: lan0}")}
    placed(MTU, named)


def test_files_that_are_read_later_win() -> None:
    later = "/etc/netplan/99-site.yaml"
    files = {**NETWORKD, later: b"network:\n  ethernets:\n    lan: {mtu: 9000}\n"}
    assert f"{later} line 3 says mtu: 9000, and is read later" in refused(MTU, files)
    placed(TSO, files)
    passed = {**NETWORKMANAGER, later: b'network:\n  ethernets:\n    lan0: {networkmanager: {passthrough: {"ethernet.mtu": "9000"}}}\n'}
    assert "says ethernet.mtu: 9000" in refused(MTU, passed)


def test_what_earlier_files_say_is_overridden_and_told() -> None:
    files = {**NETWORKD, YAML: NETWORKD[YAML] + b"      mtu: 9000\n"}
    assert placed(MTU, files).notes == ("Overrides mtu: 9000 of lan.",)
    profile = {**NETWORKMANAGER, YAML: NETWORKMANAGER[YAML].replace(b"dhcp4: true", b"mtu: 9000")}
    assert placed(MTU, profile).notes == ("Overrides mtu: 9000 of lan0.",)


def test_hosts_on_which_it_does_not_help() -> None:
    assert f"{OWN} is there already" in refused(MTU, {**NETWORKD, OWN: b"network: {}\n"})
    assert "lan0: networkd has it" in refused(MTU, {"/run/systemd/netif/links/2": b"ADMIN_STATE=configured\n"})
    assert "no file of netplan was found" in refused(MTU, {path: data for path, data in NETWORKD.items() if path != YAML})
    twice = {**NETWORKD, YAML: NETWORKD[YAML] + b"  wifis:\n    lan: {}\n"}
    assert "2 definitions of netplan are for lan0" in refused(MTU, twice)
    wireless = {**NETWORKD, YAML: NETWORKD[YAML].replace(b"ethernets", b"wifis")}
    assert "stands among the wifis" in refused(MTU, wireless)
    sriov = {YAML: NETWORKD[YAML].replace(b"version: 2", b"version: 2\n  renderer: sriov")}
    assert "which program carries out" in refused(MTU, sriov)


def test_a_file_that_somebody_edited() -> None:
    edit = placed(MTU).edits[0]
    assert edit.after is not None
    assert BACK_END.take_out(edit, edit.after + b"# a remark\n", 3) == b"# a remark\n"
    theirs = b"network:\n  version: 2\n  ethernets:\n    other: {}\n"
    answer = BACK_END.take_out(edit, edit.after.replace(b"1400", b"1300"), 3)
    assert isinstance(answer, NoPlace)
    assert answer.reasons == (f"{OWN} was edited since: not of nicmedic: line 7; gone: mtu: 1400",)
    assert BACK_END.take_out(edit, theirs, 3) == theirs


@given(name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12), wish=st.sampled_from([MTU, TSO]))
def test_any_id_that_can_be_printed_is_read_back_as_it_is(name: str, wish: Wish) -> None:
    escaped = {
        path.replace("-lan.", f"-{escape_id(name)}."): data.replace(b"-lan.", f"-{escape_id(name)}.".encode())
        for path, data in NETWORKD.items()
    }
    files = {**escaped, YAML: NETWORKD[YAML].replace(b"    lan:", f"    {json.dumps(name, ensure_ascii=False)}:".encode())}
    answer = ask(BACK_END, place_on(files), wish, files)
    if name.isprintable():
        assert isinstance(answer, Placement), answer
        assert [key for key, _ in read(answer).items()] == [name]


@pytest.mark.parametrize("text", ["network: [", "network: {ethernets: []}", "\x00", "network: {ethernets: {lan: 5}}", "- a"])
def test_odd_files_end_in_a_reason(text: str) -> None:
    assert refused(MTU, {**NETWORKD, YAML: text.encode()})
    assert refused(wish_for(RemedyId.MTU, mtu="much"), NETWORKD)
