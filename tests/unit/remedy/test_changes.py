# SPDX-License-Identifier: GPL-2.0-or-later
"""Each change says exactly what it does and how it is undone; applied to a card in memory and undone, the card is what it was."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nicmedic.model.finding import RemedyId
from nicmedic.model.host import Aspm, Host
from nicmedic.model.link import Feature, Link, Pause
from nicmedic.model.nic import Bus, Nic
from nicmedic.model.note import Lack, Note
from nicmedic.model.pcie import PciFunction
from nicmedic.model.plan import Change, Refusal
from nicmedic.model.stack import Port, VirtualLink, Xdp
from nicmedic.remedy.changes.offload import SHORT_NAMES, find_falling
from nicmedic.remedy.changes.site import Site
from nicmedic.remedy.changes.table import MAKERS
from nicmedic.remedy.recipe import DISRUPTIONS
from nicmedic.remedy.script.words import render_step
from nicmedic.remedy.settings import find_differences
from tests.unit.remedy.toy_card import ADDRESS, FEATURES, apply_steps, make_host, make_nic


def make(remedy: str, nic: Nic | None = None, host: Host | None = None, tools: frozenset[str] | None = None) -> Change | Refusal:
    """What the maker of ``ID:ARG`` says of a card."""
    name, _, argument = remedy.partition(":")
    card = make_nic() if nic is None else nic
    return MAKERS[RemedyId(name)](Site(nic=card, host=make_host(card) if host is None else host, tools=tools), argument)


def change(remedy: str, nic: Nic | None = None, host: Host | None = None) -> Change:
    made = make(remedy, nic, host)
    assert isinstance(made, Change), made
    return made


def refusal(remedy: str, nic: Nic | None = None, host: Host | None = None) -> Refusal:
    made = make(remedy, nic, host)
    assert isinstance(made, Refusal), made
    return made


def commands(made: Change) -> list[str]:
    return [render_step(step, "eth0") for step in made.steps]


def undo(made: Change) -> list[str]:
    return [render_step(step, "eth0") for step in made.undo]


# ----------------------------------------------------------------------------------------------------------- exact commands

FILES = f"/sys/bus/pci/devices/{ADDRESS}/link"
EXACT = [
    ("link-advertise-100", ["ethtool -s eth0 autoneg on advertise 0x6008"], ["ethtool -s eth0 autoneg on advertise 0x60ef"]),
    ("link-force-100", ["ethtool -s eth0 speed 100 duplex full autoneg off"], ["ethtool -s eth0 autoneg on advertise 0x60ef"]),
    ("renegotiate", ["ethtool -r eth0"], []),
    (
        "offload-off",
        ["ethtool -K eth0 tso off gso off"],
        [
            "ethtool -K eth0 tx-tcp-segmentation on tx-tcp-mangleid-segmentation on tx-tcp6-segmentation on tx-generic-segmentation on",
        ],
    ),
    (
        "offload-off:tx",
        ["ethtool -K eth0 tx off"],
        [
            "ethtool -K eth0 tx-checksum-ipv4 on tx-checksum-ipv6 on tx-tcp-segmentation on tx-tcp-mangleid-segmentation on tx-tcp6-segmentation on",
        ],
    ),
    ("offload-off:rx", ["ethtool -K eth0 rx off"], ["ethtool -K eth0 rx-checksum on rx-gro-hw on"]),
    ("offload-off:tx-vlan-hw-insert", ["ethtool -K eth0 tx-vlan-hw-insert off"], ["ethtool -K eth0 tx-vlan-hw-insert on"]),
    (
        "eee-off",
        ["ethtool --set-eee eth0 eee off"],
        ["ethtool --set-eee eth0 eee on tx-lpi on tx-timer 17 advertise 0x020 || ethtool --set-eee eth0 eee on"],
    ),
    (
        "aspm-off",
        [f"echo 0 > {FILES}/l1_2_pcipm", f"echo 0 > {FILES}/l1_1_aspm", f"echo 0 > {FILES}/l1_aspm"],
        [f"echo 1 > {FILES}/l1_aspm", f"echo 1 > {FILES}/l1_1_aspm", f"echo 1 > {FILES}/l1_2_pcipm"],
    ),
    (
        "runtime-pm-off",
        [f"echo on > /sys/bus/pci/devices/{ADDRESS}/power/control"],
        [f"echo auto > /sys/bus/pci/devices/{ADDRESS}/power/control"],
    ),
    (
        "mtu",
        ["ip link set dev eth0 mtu 1500 || ifconfig eth0 mtu 1500"],
        [
            "ip link set dev eth0 mtu 9000 || ifconfig eth0 mtu 9000",
            "ip link set dev eth0.5 mtu 8996 || ifconfig eth0.5 mtu 8996",
            "ip link set dev br0.7 mtu 9000 || ifconfig br0.7 mtu 9000",
        ],
    ),
    (
        "pause-off",
        ["ethtool -A eth0 autoneg off rx off tx off"],
        ["ethtool -A eth0 autoneg on rx on tx on", "ethtool -s eth0 autoneg on advertise 0x60ef"],
    ),
    ("ring", ["ethtool -G eth0 tx 1024"], ["ethtool -G eth0 tx 256"]),
    ("ring:128", ["ethtool -G eth0 tx 128"], ["ethtool -G eth0 tx 256"]),
    ("ring:tx=512,rx=64", ["ethtool -G eth0 tx 512 rx 64"], ["ethtool -G eth0 tx 256 rx 256"]),
    (
        "interrupt-mode:coalesce=50",
        [
            "ethtool -C eth0 adaptive-rx off",
            "ethtool -C eth0 adaptive-tx off",
            "ethtool -C eth0 rx-usecs 50",
            "ethtool -C eth0 tx-usecs 50",
        ],
        ["ethtool -C eth0 tx-usecs 7", "ethtool -C eth0 rx-usecs 3", "ethtool -C eth0 adaptive-tx on", "ethtool -C eth0 adaptive-rx on"],
    ),
    (
        "interrupt-mode:affinity=1",
        ["echo 1 > /proc/irq/30/smp_affinity_list"],
        ["echo 0-1 > /proc/irq/30/smp_affinity_list"],
    ),
]


@pytest.mark.parametrize(("remedy", "does", "undoes"), EXACT, ids=[row[0] for row in EXACT])
def test_what_it_does_and_undoes_is_exactly_this(remedy: str, does: list[str], undoes: list[str]) -> None:
    made = change(remedy)
    assert commands(made) == does
    assert undo(made) == undoes
    assert made.disruption in DISRUPTIONS
    assert made.title
    assert not made.boots


# ------------------------------------------------------------------------------------------------------------ undo(apply(x)) = x

onoff = st.booleans()


@st.composite
def cards(draw: st.DrawFn) -> Nic:
    """Cards that are set in many ways."""
    whole = make_nic()
    assert whole.link is not None
    modes = draw(st.lists(st.sampled_from(whole.link.supported or ()), min_size=1, unique=True))
    advertised = tuple(mode for mode in whole.link.supported or () if mode in {*modes, "Autoneg", "TP", "1000baseT/Full"})
    pause = Pause(autoneg=True, rx="Pause" in advertised, tx="Pause" in advertised)
    on = draw(st.sets(st.sampled_from(FEATURES)))
    fallen = find_falling(sorted(on), [name for name in FEATURES if name not in on])
    fixed = draw(st.sets(st.sampled_from(FEATURES), max_size=2))
    files = {"l0s_aspm": draw(onoff), "l1_aspm": True, "l1_1_aspm": draw(onoff), "l1_2_aspm": draw(onoff)}
    assert whole.pcie is not None
    return make_nic(
        link=dataclasses.replace(whole.link, advertised=advertised),
        pause=pause,
        features={
            name: Feature(on=name in on and name not in fallen, fixed=name in fixed, requested=name in on and name not in fallen)
            for name in FEATURES
        },
        pcie=dataclasses.replace(whole.pcie, link_files=files),
        coalesce={"rx-usecs": draw(st.integers(0, 99)), "tx-usecs": draw(st.integers(0, 99)), "adaptive-rx": int(draw(onoff))},
        mtu=draw(st.integers(1500, 9194)),
    )


ASKED = st.sampled_from(
    [row[0] for row in EXACT] + [f"offload-off:{name}" for name in SHORT_NAMES] + ["offload-off:sg,tx,rx,tso", "mtu:1400", "mtu:1000"]
)


@settings(max_examples=100, deadline=None)
@given(nic=cards(), remedy=ASKED, some=st.integers(0, 5), again=st.booleans())
def test_an_undo_brings_everything_back_however_far_the_change_came(nic: Nic, remedy: str, some: int, again: bool) -> None:
    host = make_host(nic)
    host = dataclasses.replace(host, links=tuple(dataclasses.replace(link, mtu=nic.mtu) for link in host.links))
    made = make(remedy, nic, host)
    if isinstance(made, Refusal):
        return
    whole = apply_steps(nic, host, made.steps)
    assert find_differences(made.wanted, *whole) == ()
    assert find_differences(made.before, nic, host) == ()
    part = apply_steps(nic, host, made.steps[:some])
    undone = apply_steps(*part, made.undo * (2 if again else 1))
    assert find_differences(made.before, *undone) == ()
    assert undone == (nic, host)


def test_several_changes_are_undone_newest_first() -> None:
    nic, host = make_nic(), make_host()
    asked = ["link-force-100", "pause-off", "offload-off:sg", "offload-off:tx", "eee-off", "mtu:1400", "aspm-off", "ring"]
    made = [change(remedy, nic, host) for remedy in asked]
    now = apply_steps(nic, host, (step for one in made for step in one.steps))
    assert now[0] != nic
    assert apply_steps(*now, (step for one in reversed(made) for step in one.undo)) == (nic, host)


# ------------------------------------------------------------------------------------------------------------------------- link


def link(**changes: object) -> Nic:
    """The usual card with another link."""
    usual = make_nic().link
    assert usual is not None
    return make_nic(link=dataclasses.replace(usual, **changes))  # type: ignore[arg-type]  # fields of Link


def test_a_forced_mode_comes_back_as_it_was() -> None:
    made = change("link-advertise-100", link(autoneg=False, speed_mbps=10))
    assert commands(made) == ["ethtool -s eth0 autoneg on advertise 0x008"]
    assert undo(made) == ["ethtool -s eth0 speed 10 duplex full autoneg off"]
    assert "fall to half duplex" in made.risks[-1]


@pytest.mark.parametrize("remedy", ["link-advertise-100", "link-force-100"])
@pytest.mark.parametrize(
    ("nic", "reason"),
    [
        (make_nic(link=None), "the link mode cannot be read, so there would be no way back"),
        (link(supported=("10000baseSR/Full",)), "it supports 10000baseSR/Full"),
        (link(supported=()), "the driver knows no link modes"),
        (link(advertised=()), "the modes that are advertised now cannot be read"),
        (link(autoneg=False, speed_mbps=None), "cannot be read without a link"),
    ],
)
def test_a_mode_that_cannot_be_set_or_put_back_is_refused(remedy: str, nic: Nic, reason: str) -> None:
    made = refusal(remedy, nic)
    assert reason in made.reasons[0]
    assert made.settle == ("ethtool eth0",)


def test_what_is_so_already_is_not_done_again() -> None:
    usual = Pause(autoneg=False, rx=False, tx=False)
    assert "already" in refusal("link-advertise-100", link(advertised=("100baseT/Full", "Autoneg"))).reasons[0]
    assert "already" in refusal("link-force-100", link(autoneg=False, speed_mbps=100)).reasons[0]
    assert "already" in refusal("pause-off", make_nic(pause=usual, link=None)).reasons[0]
    eee = make_nic().eee
    assert eee is not None
    assert "already" in refusal("eee-off", make_nic(eee=dataclasses.replace(eee, enabled=False))).reasons[0]


def test_forcing_warns_of_the_mismatch_that_is_certain() -> None:
    assert any("certain" in risk for risk in change("link-force-100").risks)
    assert not any("certain" in risk for risk in change("link-force-100", link(lp_advertised=())).risks)


def test_whoever_shares_the_link_is_told() -> None:
    whole = make_nic().pcie
    assert whole is not None
    made = change("link-advertise-100", make_nic(port=Port(master="bond0", kind="bond"), pcie=dataclasses.replace(whole, vfs=4)))
    assert any("4 virtual functions" in risk for risk in made.risks)
    assert any("bond0, which sends over its other ports" in risk for risk in made.risks)
    assert any("LACP" in risk for risk in made.risks)


def test_negotiating_needs_negotiation_and_an_interface_that_is_up() -> None:
    assert "cannot be read" in refusal("renegotiate", make_nic(link=None)).reasons[0]
    assert "nothing to negotiate" in refusal("renegotiate", link(autoneg=False)).reasons[0]
    down = refusal("renegotiate", make_nic(flags=("BROADCAST",)))
    assert down.settle == ("ip link set dev eth0 up",)
    assert commands(change("renegotiate", make_nic(flags=None))) == ["ethtool -r eth0"]


def test_settings_that_the_driver_does_not_have_are_refused_with_what_it_said() -> None:
    notes = (
        Note(what="eee", why=Lack.UNSUPPORTED, detail="ethtool: Operation not supported"),
        Note(what="pause", why=Lack.REFUSED),
        Note(what="ring", why=Lack.ODD),
    )
    assert refusal("eee-off", make_nic(eee=None, notes=notes)).reasons == (
        "the driver knows nothing of Energy-Efficient Ethernet (ethtool: Operation not supported)",
    )
    assert refusal("pause-off", make_nic(pause=None, notes=notes)).reasons == ("only root can read flow control",)
    assert refusal("ring", make_nic(ring=None, notes=notes)).reasons == ("the rings cannot be read, so there would be no way back",)


def test_eee_without_modes_of_its_own_is_undone_without_naming_any() -> None:
    eee = make_nic().eee
    assert eee is not None
    made = change("eee-off", make_nic(eee=dataclasses.replace(eee, advertised=(), tx_lpi=False)))
    assert undo(made)[0].startswith("ethtool --set-eee eth0 eee on tx-lpi off tx-timer 17 ||")


def test_flow_control_that_is_offered_but_not_agreed_on_can_be_switched_off() -> None:
    made = change("pause-off", make_nic(pause=Pause(autoneg=True, rx=False, tx=False)))
    assert undo(made)[0] == "ethtool -A eth0 autoneg on rx off tx off"
    assert len(undo(change("pause-off", link(autoneg=False)))) == 1


# --------------------------------------------------------------------------------------------------------------------- offloads


def test_only_what_is_on_is_switched_off_and_on_again() -> None:
    features = {
        "tx-tcp-segmentation": Feature(on=False, fixed=False, requested=False),
        "tx-generic-segmentation": Feature(on=True, fixed=False, requested=True),
    }
    made = change("offload-off", make_nic(features=features))
    assert commands(made) == ["ethtool -K eth0 gso off"]
    assert undo(made) == ["ethtool -K eth0 tx-generic-segmentation on"]
    assert made.title == "Switch offloads off: gso"


def test_what_falls_along_is_told_and_wanted() -> None:
    made = change("offload-off:sg")
    assert {setting.name for setting in made.wanted} == {
        f"features.{name}"
        for name in (
            "tx-scatter-gather",
            "tx-generic-segmentation",
            "tx-tcp-segmentation",
            "tx-tcp-mangleid-segmentation",
            "tx-tcp6-segmentation",
        )
    }
    assert "tx-generic-segmentation" in made.risks[-1]
    assert change("offload-off:rx").risks[-1] == "Switches off rx-gro-hw too, which needs it."


def test_hardware_tls_and_ecn_fall_with_their_checksums() -> None:
    on = ["tx-checksum-ip-generic", "tls-hw-tx-offload", "tls-hw-rx-offload", "rx-checksum", "tx-tcp-ecn-segmentation", "tx-scatter-gather"]
    assert find_falling([*on, "tx-tcp6-segmentation"], ["tx-checksum-ip-generic"]) == (
        "tls-hw-tx-offload",
        "tx-tcp-ecn-segmentation",
        "tx-tcp6-segmentation",
    )
    assert find_falling(on, ["rx-checksum"]) == ("tls-hw-rx-offload", "tx-tcp-ecn-segmentation")
    assert find_falling([*on, "tx-tcp-segmentation"], []) == ()


@pytest.mark.parametrize(
    ("argument", "reason"),
    [
        ("warp", "warp: this card has no such feature; on and changeable are: rx-checksum"),
        ("highdma", "highdma: the driver does not let highdma be changed"),
        ("lro", "lro: off already, or not changeable on this card"),
        ("ufo", "ufo: off already, or not changeable on this card"),
    ],
)
def test_features_that_cannot_be_switched_off_are_refused(argument: str, reason: str) -> None:
    assert refusal(f"offload-off:{argument}").reasons[0].startswith(reason)


def test_a_fixed_feature_that_would_fall_and_not_rise_again_is_left_alone() -> None:
    features = dict(make_nic().features or {})
    fixed = {
        name: Feature(on=True, fixed=True, requested=False) for name in ("rx-gro-hw", "tx-tcp6-segmentation", "tx-generic-segmentation")
    }
    one = refusal("offload-off:rx", make_nic(features=features | fixed))
    assert one.reasons == ("rx-gro-hw would fall along, and the driver does not let it be switched on again",)
    assert "let them be" in refusal("offload-off:sg", make_nic(features=features | fixed)).reasons[0]


def test_no_feature_at_all() -> None:
    assert "cannot be read" in refusal("offload-off", make_nic(features=None)).reasons[0]
    assert refusal("offload-off:warp", make_nic(features={})).reasons[0].endswith("changeable are: none")
    fixed = {"tx-tcp-segmentation": Feature(on=True, fixed=True, requested=True)}
    assert "not changeable" in refusal("offload-off", make_nic(features=fixed)).reasons[0]


# ----------------------------------------------------------------------------------------------------------------------- device


def pcie(device: PciFunction | None = None, **changes: object) -> Nic:
    usual = make_nic().pcie
    assert usual is not None
    return make_nic(pcie=dataclasses.replace(usual, device=device or usual.device, **changes))  # type: ignore[arg-type]  # fields of Pcie


def test_aspm_that_the_firmware_keeps_is_refused_with_what_to_do_by_hand() -> None:
    nic = pcie(link_files={})
    made = refusal("aspm-off", nic, make_host(nic, aspm=Aspm(owner="firmware", found_by="dmesg")))
    assert "the firmware keeps ASPM to itself (dmesg)" in made.reasons[0]
    assert made.settle == (
        f"lspci -vv -s {ADDRESS} | grep LnkCtl:",
        "lspci -vv -s 0000:00:1c.0 | grep LnkCtl:",
        f"setpci -s {ADDRESS} CAP_EXP+0x10.W=0000:0003   # by hand, until the next boot",
        "setpci -s 0000:00:1c.0 CAP_EXP+0x10.W=0000:0003",
    )
    unnamed = refusal("aspm-off", nic, make_host(nic, aspm=Aspm(owner="firmware")))
    assert "to itself;" in unnamed.reasons[0]
    alone = pcie(link_files=None, upstream=None)
    other = refusal("aspm-off", alone, make_host(alone, aspm=None))
    assert "older than Linux 5.5" in other.reasons[0]
    assert len(other.settle) == 2


def test_no_aspm_where_there_is_no_link_or_where_it_is_off() -> None:
    assert "no ASPM" in refusal("aspm-off", make_nic(pcie=None, bus=Bus.USB)).reasons[0]
    assert "cannot be read" in refusal("aspm-off", make_nic(pcie=None, bus=None)).reasons[0]
    assert "no PCI Express link" in refusal("aspm-off", pcie(device=PciFunction(address=ADDRESS), link_files={})).reasons[0]
    assert "off already" in refusal("aspm-off", pcie(device=PciFunction(address=ADDRESS, aspm_enabled=()))).reasons[0]
    assert refusal("aspm-off", pcie(link_files={"l1_aspm": False, "clkpm": True})).reasons == ("ASPM is off already",)
    unknown = pcie(device=PciFunction(address=ADDRESS, aspm_enabled=("L1",)), link_files=None)
    assert "no ASPM files" in refusal("aspm-off", unknown).reasons[0]


def test_the_device_whose_power_is_managed_is_found_on_every_bus() -> None:
    usb = make_nic(pcie=None, bus=Bus.USB, bus_address="2-1:1.0")
    assert change("runtime-pm-off").risks == (), "that it ends with the boot is so with all of them, and not so where it is kept"
    assert commands(change("runtime-pm-off", usb)) == ["echo on > /sys/bus/usb/devices/2-1/power/control"]
    soc = make_nic(pcie=None, bus=Bus.PLATFORM, sysfs_path="/sys/devices/platform/soc/30be0000.ethernet")
    assert commands(change("runtime-pm-off", soc)) == ["echo on > /sys/devices/platform/soc/30be0000.ethernet/power/control"]
    assert "cannot be read" in refusal("runtime-pm-off", make_nic(pcie=None, sysfs_path=None)).reasons[0]
    assert "cannot be read" in refusal("runtime-pm-off", make_nic(power=None)).reasons[0]
    power = make_nic().power
    assert power is not None
    assert "already" in refusal("runtime-pm-off", make_nic(power=dataclasses.replace(power, control="on"))).reasons[0]


# ------------------------------------------------------------------------------------------------------------------------ queue


@pytest.mark.parametrize(
    ("argument", "nic", "reason"),
    [
        ("big", None, "not a size in bytes"),
        ("9000", None, "is 9000 already"),
        ("60", None, "no MTU below 68"),
        ("9500", None, "no MTU above 9194"),
        ("1400", make_nic(mtu=None), "the MTU cannot be read"),
        ("", make_nic(mtu=1500), "it must be said which size, such as mtu:1400; it is 1500 now"),
        ("1400", make_nic(port=Port(master="bond0", kind="bond")), "a port of bond0, which sets the MTU"),
        ("20", make_nic(mtu_min=None, mtu_max=None), "no MTU below 68"),
    ],
)
def test_a_size_that_is_not_taken_is_refused(argument: str, nic: Nic | None, reason: str) -> None:
    assert reason in refusal(f"mtu:{argument}", nic).reasons[0]


def test_the_mtu_of_a_port_is_set_on_its_bond() -> None:
    assert "ip link set dev bond0 mtu 1400" in refusal("mtu:1400", make_nic(port=Port(master="bond0", kind="bond"))).settle


def test_below_1280_bytes_the_stack_goes_along() -> None:
    made = change("mtu:1200")
    assert made.takes_stack
    assert any("no IPv6" in risk for risk in made.risks)
    assert not change("mtu:1280").takes_stack


def test_those_above_are_told_and_read_again() -> None:
    made = change("mtu:1500")
    assert {setting.name for setting in made.before} == {"mtu", "above.eth0.5.mtu", "above.br0.mtu", "above.br0.7.mtu"}
    assert any(risk == "eth0.5, br0, br0.7 above it follow." for risk in made.risks)
    host = make_host(links=(VirtualLink(interface="br0", kind="bridge", mtu=9000), VirtualLink(interface="eth0.5", kind="vlan")))
    assert any(risk == "br0 above it follows." for risk in change("mtu:1500", None, host).risks)


def test_larger_frames_and_xdp() -> None:
    xdp = Xdp(mode="driver")
    assert any("XDP" in risk for risk in change("mtu:9100", make_nic(xdp=xdp)).risks)
    assert not any("XDP" in risk for risk in change("mtu:1400", make_nic(xdp=xdp)).risks)


def test_where_ip_is_installed_nothing_else_is_tried() -> None:
    made = make("mtu:1500", tools=frozenset({"ip"}))
    assert isinstance(made, Change)
    assert commands(made) == ["ip link set dev eth0 mtu 1500"]


@pytest.mark.parametrize(
    ("argument", "reason"),
    [
        ("many", "not sizes, such as ring:tx=512"),
        ("tx=1,tx=2", "not sizes"),
        ("both=3", "not sizes"),
        ("tx=5000", "tx=5000: the card takes 1 to 1024"),
        ("0", "tx=0: the card takes 1 to 1024"),
        ("256", "the rings have this size already"),
    ],
)
def test_a_ring_that_is_not_taken_is_refused(argument: str, reason: str) -> None:
    assert reason in refusal(f"ring:{argument}").reasons[0]


def test_a_ring_that_does_not_exist_is_refused() -> None:
    ring = make_nic().ring
    assert ring is not None
    assert refusal("ring:rx=8", make_nic(ring=dataclasses.replace(ring, rx_max=0))).reasons == (
        "the driver does not let the rx ring be changed",
    )
    assert "cannot be read" in refusal("ring", make_nic(ring=None)).reasons[0]


@pytest.mark.parametrize(
    ("argument", "reason"),
    [
        ("", "it must be said how"),
        ("magic", "magic: on a running host"),
        ("irqpoll", "irqpoll is a word of the kernel's command line"),
        ("coalesce=x", "not microseconds"),
        ("coalesce=999999", "not microseconds"),
        ("affinity=all", "not a list of processors"),
    ],
)
def test_interrupts_must_be_told_how(argument: str, reason: str) -> None:
    assert reason in refusal(f"interrupt-mode:{argument}").reasons[0]


def test_a_boot_parameter_is_told_with_its_commands() -> None:
    assert any("update-grub" in command for command in refusal("interrupt-mode:irqpoll").settle)


def test_interrupts_that_are_so_already_or_unknown() -> None:
    assert "cannot be read" in refusal("interrupt-mode:coalesce=1", make_nic(coalesce=None)).reasons[0]
    assert "already" in refusal("interrupt-mode:coalesce=3", make_nic(coalesce={"rx-usecs": 3})).reasons[0]
    assert "cannot be read" in refusal("interrupt-mode:affinity=1", make_nic(interrupts=None)).reasons[0]
    used = tuple(one for one in make_nic().interrupts or () if one.number == 31)
    assert "already" in refusal("interrupt-mode:affinity=1", make_nic(interrupts=used)).reasons[0]


def test_a_shared_interrupt_is_told() -> None:
    assert any("eth0-tx,ehci move together" in risk for risk in change("interrupt-mode:affinity=0").risks)
    alone = tuple(one for one in make_nic().interrupts or () if one.number == 30)
    assert not any("together" in risk for risk in change("interrupt-mode:affinity=0", make_nic(interrupts=alone)).risks)


# ------------------------------------------------------------------------------------------------------------------- boots


def test_a_reboot_is_planned_and_not_carried_out() -> None:
    made = change("reboot")
    assert made.boots
    assert commands(made) == ["nicmedic snapshot -o /root", "sync", "reboot"]


def test_the_former_kernel_is_booted_once_where_the_boot_loader_can() -> None:
    made = change("kernel-previous")
    assert made.boots
    assert commands(made) == ["grub-reboot '1>2'", "reboot"]
    by_hand = refusal("kernel-previous", None, make_host(distro_id="gentoo", distro="Gentoo"))
    assert by_hand.reasons[-1] == "Choose the former kernel in the boot menu."
    pinned = refusal("kernel-previous", None, make_host(kernel_release="6.8.12-4-pve"))
    assert any("VERSION" in command for command in pinned.settle)


@pytest.mark.parametrize(
    "remedy",
    ["iommu", "power-drain", "kernel-upgrade", "vendor-driver", "firmware-update", "bios-setting", "nic-model", "hardware", "host-fix"],
)
def test_what_no_command_does_is_refused_with_what_to_do(remedy: str) -> None:
    made = refusal(remedy)
    assert made.reasons[0].startswith("nicmedic does not do this on a running host: ")
    assert len(made.reasons) > 1 or made.settle


# -------------------------------------------------------------------------------------------------------------------- hostile


def test_a_hostile_name_acts_in_no_command() -> None:
    nic = make_nic(interface="$(reboot)", link=Link())
    assert refusal("link-advertise-100", nic).settle == ("ethtool '$(reboot)'",)
