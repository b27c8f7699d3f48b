# SPDX-License-Identifier: GPL-2.0-or-later
"""A setting is read by its name, in the words of the tool that sets it."""

import dataclasses

import pytest

from nicmedic.model.finding import RemedyId
from nicmedic.model.host import Aspm, Host
from nicmedic.model.link import Channels
from nicmedic.model.nic import Nic
from nicmedic.model.plan import Change, Setting
from nicmedic.remedy.changes.site import Site
from nicmedic.remedy.changes.table import MAKERS
from nicmedic.remedy.settings import build_mask, find_differences, list_unjudged, read_setting, take_settings
from tests.unit.remedy.toy_card import make_host, make_nic

READ = {
    "flags.UP": "on",
    "flags.PROMISC": "off",
    "link.autoneg": "on",
    "link.modes": "0x02f",
    "link.advertised": "0x60ef",
    "link.speed": None,
    "features.rx-gro": "on",
    "features.rx-lro": "off",
    "features.warp": None,
    "eee.enabled": "on",
    "eee.tx_lpi": "on",
    "eee.tx_lpi_timer": "17",
    "eee.advertised": "0x020",
    "eee.warp": None,
    "pause.autoneg": "on",
    "pause.rx": "on",
    "pause.warp": None,
    "ring.rx": "256",
    "ring.warp": None,
    "channels.combined": "4",
    "coalesce.rx-usecs": "3",
    "coalesce.adaptive-rx": "on",
    "coalesce.warp": None,
    "mtu": "9000",
    "above.eth0.5.mtu": "8996",
    "above.warp.mtu": None,
    "power.control": "auto",
    "power.warp": None,
    "pcie.link_files.l1_aspm": "1",
    "pcie.link_files.l0s_aspm": "0",
    "pcie.link_files.warp": None,
    "interrupts.30.affinity": "0-1",
    "interrupts.99.affinity": None,
}


@pytest.mark.parametrize("name", READ)
def test_a_setting_is_read(name: str) -> None:
    nic = make_nic(channels=Channels(rx=0, rx_max=0, tx=0, tx_max=0, other=0, other_max=0, combined=4, combined_max=4))
    assert read_setting(nic, name, make_host(nic)) == READ[name]


@pytest.mark.parametrize("name", READ)
def test_what_is_not_known_of_a_card_is_none(name: str) -> None:
    bare = Nic(interface="eth0")
    assert read_setting(bare, name, Host(nics=(bare,))) is None
    assert read_setting(bare, name) is None


def test_a_forced_mode_is_a_setting_and_a_negotiated_one_is_not() -> None:
    link = make_nic().link
    assert link is not None
    forced = make_nic(link=dataclasses.replace(link, autoneg=False, advertised=None))
    assert [read_setting(forced, f"link.{name}") for name in ("speed", "duplex", "modes", "advertised")] == ["1000", "full", None, None]
    unknown = make_nic(link=dataclasses.replace(link, autoneg=False, duplex=None, speed_mbps=None))
    assert [read_setting(unknown, f"link.{name}") for name in ("speed", "duplex", "warp")] == [None, None, None]
    bare = make_nic(pcie=dataclasses.replace(make_nic().pcie, link_files=None))  # type: ignore[type-var]  # the usual card has one
    assert read_setting(bare, "pcie.link_files.l1_aspm") is None


def test_a_parameter_of_the_command_line_counts_as_it_came_last() -> None:
    nic, host = make_nic(), Host(command_line='ro pcie-aspm.policy=default irqpoll x="a b" pcie_aspm.policy=performance')
    values = [read_setting(nic, f"cmdline.{name}", host) for name in ("pcie_aspm.policy", "irqpoll", "iommu")]
    assert values == ["performance", "", "not there"]
    assert read_setting(nic, "cmdline.iommu", Host()) is None
    assert read_setting(nic, "cmdline.iommu") is None


def test_a_family_that_nobody_reads_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        read_setting(make_nic(), "warp.speed")


def test_only_what_can_be_read_is_taken_and_once() -> None:
    assert take_settings(make_nic(), ("mtu", "features.warp", "mtu")) == (Setting(name="mtu", value="9000"),)


def test_modes_newer_than_our_list_have_their_bit() -> None:
    assert build_mask(("bit127", "100baseT/Full"), speeds_only=True) == f"0x{1 << 127 | 8:x}"


def test_differences_are_told_in_words() -> None:
    wanted = [Setting(name=name, value=value) for name, value in (("mtu", "1500"), ("ring.rx", "256"), ("features.warp", "off"))]
    assert find_differences(wanted, make_nic()) == ("mtu is 9000, not 1500", "features.warp cannot be read, and should be off")


def test_what_both_ends_agree_on_is_not_judged_without_a_link_unless_it_should_be_off() -> None:
    wanted = [Setting(name="link.speed", value="100"), Setting(name="pause.rx", value="off")]
    assert find_differences(wanted, make_nic(carrier=False)) == ("pause.rx is on, not off",)
    assert len(find_differences(wanted, make_nic())) == 2


def test_what_is_not_judged_without_a_link_can_be_listed() -> None:
    wanted = [Setting(name="link.speed", value="100"), Setting(name="pause.rx", value="off"), Setting(name="mtu", value="1500")]
    assert list_unjudged(wanted, make_nic(carrier=False)) == ("link.speed",)
    assert list_unjudged(wanted, make_nic()) == ()


@pytest.mark.parametrize(
    ("aspm", "told"),
    [
        (None, ()),
        (Aspm(), ()),
        (Aspm(policy="performance", owner="os"), ()),
        (Aspm(policy="powersave", owner="os"), ("cmdline.pcie_aspm.policy is overridden: the policy is powersave now, not performance",)),
        (
            Aspm(policy="default", owner="firmware", found_by="FADT"),
            ("cmdline.pcie_aspm.policy is void: the kernel leaves ASPM to the firmware (FADT)",),
        ),
    ],
)
def test_a_policy_on_the_command_line_is_not_the_policy(aspm: Aspm | None, told: tuple[str, ...]) -> None:
    wanted = [Setting(name="cmdline.pcie_aspm.policy", value="performance"), Setting(name="cmdline.iommu", value="pt")]
    assert find_differences(wanted, make_nic(), Host(command_line="pcie_aspm.policy=performance iommu=pt", aspm=aspm)) == told


@pytest.mark.parametrize(
    ("size", "now", "different"),
    [(300, 512, False), (300, 300, False), (300, 256, True), (300, 600, True), (200, 256, True), (100, 128, False)],
)
def test_a_ring_that_the_driver_rounds_up_is_as_wanted(size: int, now: int, different: bool) -> None:
    nic = make_nic()
    assert nic.ring is not None
    nic = dataclasses.replace(nic, ring=dataclasses.replace(nic.ring, tx=256, tx_max=4096))
    assert nic.ring is not None
    made = MAKERS[RemedyId.RING](Site(nic=nic, host=Host()), f"tx={size}")
    assert isinstance(made, Change)
    after = dataclasses.replace(nic, ring=dataclasses.replace(nic.ring, tx=now))
    assert bool(find_differences(made.wanted, after)) is different
    assert bool(find_differences(made.before, after)) is (now != 256), "an undo brings back what was there, exactly"
