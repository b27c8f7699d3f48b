# SPDX-License-Identifier: GPL-2.0-or-later
"""The service of the last resort. What the real systemd and a shell make of it is in tests/host/test_kept_unit.py."""

import dataclasses
import re

import pytest

from nicmedic.model.finding import RemedyId
from nicmedic.model.keeping import NoPlace, Placement, Wish
from nicmedic.model.nic import Bus
from nicmedic.model.plan import Identity, Setting
from nicmedic.model.step import INTERFACE, AwaitNic, Pause, Rename, Run, Step, Write
from nicmedic.persist.back_ends.unit import BACK_END
from nicmedic.persist.unit_steps import RECONFIGURE_S
from tests.unit.persist.back_ends.hosts import ADVERTISE, FORCE, RING, ask, place_on, wish_for

SERVICE = "/etc/systemd/system/nicmedic-kept-3@.service"
RULES = "/etc/udev/rules.d/90-nicmedic-3.rules"
CARD = Identity(
    interface="lan0",
    bus=Bus.PCI,
    bus_address="0000:02:00.0",
    sysfs_path="/sys/devices/pci0000:00/0000:00:1c.0/0000:02:00.0",
    chip="10ec:8168",
    dev_port=0,
)
SYSTEMD = {"/proc/1/comm": b"systemd\n"}
MTU = Wish(
    remedy=RemedyId.MTU,
    settings=(Setting(name="mtu", value="1400"),),
    steps=(Run(argv=("ip", "link", "set", "dev", INTERFACE, "mtu", "1400")),),
)
TOOLS = frozenset({"systemctl", "udevadm", "ethtool", "ip"})


def answer_for(
    wish: Wish,
    files: dict[str, bytes] = SYSTEMD,
    *,
    nic: Identity = CARD,
    tools: frozenset[str] = TOOLS,
    version: tuple[int, ...] | None = (252,),
) -> Placement | NoPlace:
    place = dataclasses.replace(place_on({}, tools=tools), nic=nic, versions={} if version is None else {"systemd": version})
    return ask(BACK_END, place, wish, files)


def placed(wish: Wish, version: tuple[int, ...] | None = (252,)) -> Placement:
    answer = answer_for(wish, version=version)
    assert isinstance(answer, Placement), answer
    return answer


def refused(answer: Placement | NoPlace) -> str:
    assert isinstance(answer, NoPlace), answer
    return "\n".join(answer.reasons)


def answer_of_owner(
    manager: str,
    wish: Wish,
    *,
    renderer: str | None = None,
    tools: frozenset[str] = TOOLS | {"networkctl"},
    version: tuple[int, ...] = (252,),
) -> tuple[str, str]:
    """The service, and what is told of networkd."""
    place = place_on({}, tools=tools, versions={"systemd": version})
    owner = dataclasses.replace(place.owner, manager=manager, renderer=renderer)
    answer = ask(BACK_END, dataclasses.replace(place, nic=CARD, owner=owner), wish, SYSTEMD)
    assert isinstance(answer, Placement)
    return (answer.edits[0].after or b"").decode(), "\n".join(note for note in answer.notes if "networkd" in note)


@pytest.mark.parametrize("wish", [FORCE, RING, MTU])
@pytest.mark.parametrize(("manager", "renderer"), [("networkd", None), ("netplan", "networkd")])
def test_networkd_configures_a_card_anew_that_it_gave_up_on(manager: str, renderer: str | None, wish: Wish) -> None:
    service, told = answer_of_owner(manager, wish, renderer=renderer)
    steps, _, line = service.rstrip("\n").rpartition("\n")
    assert line.startswith('ExecStartPost=-/bin/sh -c "nic=$${1##*/}; ')
    assert line.endswith('; networkctl reconfigure \\"$$nic\\"; fi" sh "%f"')
    assert "\nExecStart=/bin/sh" in steps
    assert "lan0" not in service  # it may have another name then
    assert "has networkd configure the card anew" in told
    without, _ = answer_of_owner("ifupdown", wish)
    (more, less) = (int(re.findall(r"^TimeoutStartSec=(\d+)$", text, re.MULTILINE)[0]) for text in (service, without))
    assert more - less == RECONFIGURE_S > 20 + 25


@pytest.mark.parametrize(
    ("manager", "renderer", "wish"),
    [
        ("netplan", "networkmanager", FORCE),
        ("ifupdown", None, FORCE),
        ("networkd", None, dataclasses.replace(MTU, steps=(Write(path=f"/sys/class/net/{INTERFACE}/tx_queue_len", text="77"),))),
    ],
)
def test_networkd_is_not_asked_for_what_it_has_no_part_in(manager: str, renderer: str | None, wish: Wish) -> None:
    service, told = answer_of_owner(manager, wish, renderer=renderer)
    assert "ExecStartPost" not in service
    assert not told


@pytest.mark.parametrize(("tools", "version"), [(TOOLS, (252,)), (TOOLS | {"networkctl"}, (243,))])
def test_where_networkctl_cannot_reconfigure_it_is_told_what_networkd_may_do(tools: frozenset[str], version: tuple[int, ...]) -> None:
    service, told = answer_of_owner("networkd", FORCE, tools=tools, version=version)
    assert "ExecStartPost" not in service
    assert "look after the next boot; networkctl reconfigure lan0" in told


def wish_steps(*steps: Step) -> Wish:
    return dataclasses.replace(MTU, steps=steps)


def test_a_rule_hands_the_interface_of_this_card_to_the_service() -> None:
    answer = placed(ADVERTISE)
    service, rules = answer.edits
    assert (service.path, rules.path) == (SERVICE, RULES)
    assert answer.settings == ("link.autoneg", "link.modes")
    assert answer.refresh == (("systemctl", "daemon-reload"), ("udevadm", "control", "--reload"))
    (rule,) = [line for line in (rules.after or b"").decode().splitlines() if not line.startswith("#")]
    assert rule == (
        'SUBSYSTEM=="net", ACTION!="remove", KERNELS=="0000:02:00.0", ATTRS{vendor}=="0x10ec", ATTRS{device}=="0x8168", '
        'ATTR{dev_port}=="0", TAG+="systemd", ENV{SYSTEMD_WANTS}+="nicmedic-kept-3@.service"'
    )
    text = (service.after or b"").decode()
    assert 'ExecStart=/bin/sh -c "nic=$${1##*/}; ethtool -s \\"$$nic\\" autoneg on advertise 0x6008" sh "%f"\n' in text
    assert "\nBindsTo=%i.device\nAfter=%i.device " in text
    assert "lan0" not in text + rule  # it may have another name then


def test_a_twin_in_its_place_is_not_handed_over() -> None:
    answer = answer_for(MTU, nic=dataclasses.replace(CARD, permanent_address="52:54:00:12:34:AA"))
    assert isinstance(answer, Placement)
    rules = [line for line in (answer.edits[1].after or b"").decode().splitlines() if not line.startswith("#")]
    wants = ', TAG+="systemd", ENV{SYSTEMD_WANTS}+="nicmedic-kept-3@.service"'
    assert [rule.removesuffix(wants).partition('ATTR{dev_port}=="0", ')[2] for rule in rules] == [
        'ATTR{addr_assign_type}=="0", ATTR{address}=="52:54:00:12:34:aa"',
        'ATTR{addr_assign_type}!="0"',
    ]
    assert any("its own address" in note for note in answer.notes)
    assert any("same chip that stands in its place" in note for note in placed(MTU).notes)


def test_failed_tries_are_repeated_where_systemd_can() -> None:
    for version, repeats in (((252,), True), ((244,), True), ((243,), False), (None, False)):
        text = (placed(MTU, version).edits[0].after or b"").decode()
        assert ("Restart=on-failure" in text) is repeats


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        ((), "no command sets it"),
        ((AwaitNic(),), "brings it back"),
        ((Rename(name="lan0"),), "brings it back"),
        ((Write(path="/proc/irq/35/smp_affinity_list", text="0"),), "no command sets it"),
        ((Run(argv=("ip", "a\nb")),), "cannot be written into a file"),
    ],
)
def test_steps_that_nothing_can_do_at_each_boot_are_refused(steps: tuple[Step, ...], why: str) -> None:
    assert why in refused(answer_for(wish_steps(*steps)))


def test_settings_that_no_service_can_bring_about_are_left() -> None:
    others = wish_for(RemedyId.MTU, "-x", cmdline__iommu="pt", interrupts__35="0", above__br0="1400")
    reasons = refused(answer_for(others))
    assert "boot loader" in reasons
    assert "number of an interrupt" in reasons
    assert "configuration of the interface above" in reasons
    both = dataclasses.replace(MTU, settings=(*MTU.settings, Setting(name="cmdline.iommu", value="pt")))
    assert placed(both).settings == ("mtu",)


def test_a_host_that_cannot_carry_it_out_is_refused_with_what_would_do() -> None:
    assert "systemd does not run this host" in refused(answer_for(MTU, {"/proc/1/comm": b"init\n"}))
    assert "systemd does not run this host" in refused(answer_for(MTU, {}))
    assert "older than 236" in refused(answer_for(MTU, version=(219,)))
    assert f"{RULES} is there already" in refused(answer_for(MTU, {**SYSTEMD, RULES: b""}))
    assert "udev is not installed" in refused(answer_for(MTU, tools=frozenset({"systemctl"})))
    assert "ethtool is not installed" in refused(answer_for(ADVERTISE, tools=TOOLS - {"ethtool"}))
    assert "another card in its place" in refused(answer_for(MTU, nic=dataclasses.replace(CARD, chip=None)))


def test_openwrt_is_told_its_own_words() -> None:
    answer = answer_for(FORCE, {"/proc/1/comm": b"procd\n"}, tools=frozenset({"uci", "ip"}))
    assert isinstance(answer, NoPlace)
    assert answer.settle[1:] == (
        "uci add network device && uci set network.@device[-1].name=lan0",
        "uci set network.@device[-1].autoneg=0",
        "uci set network.@device[-1].speed=100",
        "uci set network.@device[-1].duplex=1",
        "uci commit network && /etc/init.d/network reload",
        "nicmedic prescribe lan0",
    )


def test_openwrt_has_no_words_for_rings() -> None:
    answer = answer_for(RING, {"/proc/1/comm": b"procd\n"}, tools=frozenset({"uci"}))
    assert isinstance(answer, NoPlace)
    assert answer.settle == ("nicmedic prescribe lan0",)


def test_it_has_as_long_as_all_its_steps() -> None:
    steps = (
        Run(argv=("a",), within_s=10),
        Run(argv=("a",), otherwise=("b",), within_s=10),
        Pause(seconds=5),
        Write(path="/x", text="y", tries=2),
    )
    text = (placed(wish_steps(*steps)).edits[0].after or b"").decode()
    assert f"TimeoutStartSec={16 + 26 + 5 + 2 * 26 + 30}\n" in text


def test_a_title_ends_no_line_and_begins_none() -> None:
    text = (placed(dataclasses.replace(MTU, title="a\nExecStart=/bin/x %n \\")).edits[0].after or b"").decode()
    assert "\nDescription=nicmedic 3: a ExecStart=/bin/x ?n ?\n" in text
    assert "\nExecStart=/bin/x" not in text


def test_what_somebody_edited_is_not_lost() -> None:
    answer = placed(MTU)
    service, rules = answer.edits
    assert service.after is not None
    assert rules.after is not None
    assert BACK_END.take_out(rules, b"# mine\n" + rules.after, 3) == b"# mine\n"
    assert BACK_END.take_out(service, service.after + b"# a comment\n", 3) == b"# a comment\n"
    assert BACK_END.take_out(service, service.after + b"\n", 3) is None
    changed = BACK_END.take_out(service, service.after.replace(b"1400", b"1300"), 3)
    assert isinstance(changed, NoPlace)
