# SPDX-License-Identifier: GPL-2.0-or-later
"""A host and what is wanted become a plan: the right card, in the right order, and what holds for every remedy."""

import dataclasses

import pytest

from nicmedic.knowledge.base import KnowledgeBase, KnowledgeFile
from nicmedic.model.errors import NoSuchInterfaceError, UsageError
from nicmedic.model.finding import RemedyId
from nicmedic.model.host import Host, Virtualization
from nicmedic.model.nic import Nic
from nicmedic.model.note import Lack, Note
from nicmedic.model.pcie import PciFunction, PowerManagement
from nicmedic.model.plan import Ladder, Plan
from nicmedic.model.stack import Address, VirtualLink, Xdp
from nicmedic.remedy.changes.site import Site, recipe_of, target_of
from nicmedic.remedy.ladder import Earlier, Outcome, Tried, Try, choose_next, name_change
from nicmedic.remedy.planning import EVERYTHING, build_plan, choose_nic, order_rungs, parse_wanted
from nicmedic.remedy.settings import find_differences
from tests.unit.remedy.toy_card import ADDRESS, apply_steps, make_host, make_nic

HEAD = {"schema": "nicmedic.knowledge/1", "driver": "r8169", "bus": "pci", "title": "t"}


def knowledge(**tables: object) -> KnowledgeBase:
    return KnowledgeBase([KnowledgeFile(name="r8169", path="r8169.toml", data={**HEAD, **tables})])


def plain_host(nic: Nic | None = None) -> Host:
    """All that would be put back is known: nothing."""
    card = nic or make_nic()
    card = dataclasses.replace(card, module="r8169", addresses=(), uppers=(), qdiscs=())
    return make_host(card, links=(), routes=(), rules=(), neighbours=())


def plan(*wanted: str, host: Host | None = None, base: KnowledgeBase | None = None, **options: object) -> Plan:
    made = host or plain_host()
    return build_plan(made, made.nics[0].interface, wanted, knowledge=base or knowledge(), **options)  # type: ignore[arg-type]


def names(made: Plan) -> list[str]:
    return [name_change(change) for change in made.changes]


# ------------------------------------------------------------------------------------------------------------------------ names


def test_a_remedy_is_read_with_its_argument() -> None:
    assert parse_wanted("offload-off:tso,gso") == (RemedyId.OFFLOAD_OFF, "tso,gso")
    assert parse_wanted("reboot") == (RemedyId.REBOOT, "")


@pytest.mark.parametrize(("text", "hint"), [("offlod-off", "perhaps offload-off"), ("qqq", "nicmedic plan IF   # tells which there are")])
def test_a_remedy_that_is_none(text: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_wanted(text)
    assert caught.value.hint == hint


@pytest.mark.parametrize("name", ["eth0", ADDRESS, "enp2s0", "uplink"])
def test_a_card_is_found_by_every_name_of_it(name: str) -> None:
    nic = make_nic(altnames=("enp2s0",), alias="uplink")
    assert choose_nic(make_host(nic), name) is nic


def test_what_is_no_card_is_told_with_what_to_type() -> None:
    with pytest.raises(NoSuchInterfaceError, match="br0 is no network card; it stands on eth0") as caught:
        choose_nic(make_host(), "br0")
    assert caught.value.hint == "nicmedic plan eth0"
    with pytest.raises(NoSuchInterfaceError, match=r"lo is no network card$"):
        choose_nic(make_host(links=(VirtualLink(interface="lo"),)), "lo")
    with pytest.raises(NoSuchInterfaceError, match=r"there is eth0$"):
        choose_nic(make_host(), "eth7")
    with pytest.raises(NoSuchInterfaceError, match="there are none"):
        choose_nic(Host(), "eth7")
    many = Host(nics=tuple(make_nic(interface=f"eth{number}") for number in range(20)))
    with pytest.raises(NoSuchInterfaceError, match=r"eth11 …"):
        choose_nic(many, "eth99")


def test_a_name_of_two_cards_is_refused() -> None:
    two = Host(nics=(make_nic(alias="uplink"), make_nic(interface="eth1", alias="uplink")))
    with pytest.raises(NoSuchInterfaceError, match="uplink: eth0 and eth1 are called so"):
        choose_nic(two, "uplink")
    with pytest.raises(NoSuchInterfaceError, match="are called so"):
        choose_nic(two, ADDRESS)
    assert choose_nic(two, "eth1") is two.nics[1]


def test_remedies_and_a_ladder_are_too_much() -> None:
    with pytest.raises(UsageError, match="either, not both"):
        plan("eee-off", ladder=Ladder.PREVENT)


# ------------------------------------------------------------------------------------------------------------------------ order


def test_the_plan_tells_where_it_holds() -> None:
    made = plan("eee-off", machine_id="m")
    assert (made.nic.interface, made.nic.bus_address, made.nic.driver) == ("eth0", ADDRESS, "r8169")
    assert (made.hostname, made.machine_id, made.kernel_package, made.kernel_release) == ("srv4", "m", "6.1.76-1", "6.1.0-18-amd64")


def test_restarts_come_first_flow_control_after_the_link_mode_and_a_boot_last() -> None:
    made = plan("reboot", "pause-off", "eee-off", "link-advertise-100", "driver-rebind", "eee-off")
    assert names(made) == ["driver-rebind", "eee-off", "link-advertise-100", "pause-off", "reboot"]


def test_restore_plans_its_rungs_in_order() -> None:
    made = plan(ladder=Ladder.RESTORE)
    assert names(made) == ["link-bounce", "driver-rebind", "pci-reset", "module-reload", "renegotiate"]
    assert [str(refusal.remedy) for refusal in made.refusals] == ["pci-rescan"]
    assert names(plan(ladder=Ladder.RESTORE, accept_losses=True))[-1] == "pci-rescan"


def test_restore_begins_with_what_can_mend_what_the_card_shows() -> None:
    whole = make_nic().pcie
    assert whole is not None

    def order(command: int, **fields: object) -> list[str]:
        device = dataclasses.replace(whole.device, command=command, power_state="D0")
        nic = make_nic(pcie=dataclasses.replace(whole, device=device), **fields)
        return names(plan(host=plain_host(nic), ladder=Ladder.RESTORE, accept_losses=True))

    usual = ["link-bounce", "driver-rebind", "pci-reset", "module-reload", "renegotiate", "pci-rescan"]
    assert order(0x0006) == usual
    assert order(0x0002) == ["driver-rebind", "pci-reset", "module-reload", "pci-rescan", "link-bounce", "renegotiate"]
    assert order(0xFFFF) == ["pci-reset", "pci-rescan", "driver-rebind", "module-reload"]
    assert order(0x0002, power=PowerManagement(runtime_status="suspended")) == usual, "it sleeps, and shows nothing"


def test_prevent_plans_single_factors_in_order() -> None:
    made = plan(ladder=Ladder.PREVENT)
    assert names(made) == [
        "offload-off:tso",
        "offload-off:gso",
        "offload-off:gro",
        "offload-off:txvlan",
        "offload-off:rxvlan",
        "offload-off:rx",
        "offload-off:tx",
        "offload-off:sg",
        "eee-off",
        "aspm-off",
        "runtime-pm-off",
        "interrupt-mode:coalesce=0",
        "ring:tx=128",
        "pause-off",
        "mtu:1500",
        "link-advertise-100",
    ]
    earlier = [Earlier(remedy=RemedyId.PAUSE_OFF, ladder=Ladder.PREVENT, worked=True)]
    assert names(plan(ladder=Ladder.PREVENT, earlier=earlier))[0] == "pause-off"


@pytest.mark.parametrize(
    ("mtu", "told", "wanted"), [(1500, [], "mtu:1400"), (1500, ["mtu:1498", "mtu:1400", "mtu:68"], "mtu:1498"), (None, [], "")]
)
def test_the_smaller_mtu_is_what_helped_others(mtu: int | None, told: list[str], wanted: str) -> None:
    tried = [{"remedy": remedy, "result": "worked", "source": "s"} for remedy in told]
    made = plan(ladder=Ladder.PREVENT, host=plain_host(make_nic(mtu=mtu, ring=None)), base=knowledge(tried=tried))
    assert [name for name in names(made) if name.startswith(("mtu", "ring"))] == ([wanted] if wanted else [])


def test_all_of_prevent_together_hold_and_are_undone() -> None:
    nic, host = make_nic(), make_host()
    made = build_plan(host, "eth0", (), knowledge=knowledge(), ladder=Ladder.PREVENT)
    rungs = order_rungs(Ladder.PREVENT, made.changes, (), ())
    step = choose_next(rungs, [Tried(names=frozenset({name_change(change)}), outcome=Outcome.HUNG) for change in made.changes])
    assert isinstance(step, Try)
    assert len(step.changes) == len(made.changes)
    now = apply_steps(nic, host, (one for change in step.changes for one in change.steps))
    assert [find_differences(change.wanted, *now) for change in step.changes] == [()] * len(step.changes)
    assert now[0].link is not None
    assert "Pause" not in (now[0].link.advertised or ()), "the link mode must not offer flow control again"
    assert apply_steps(*now, (one for change in reversed(step.changes) for one in change.undo)) == (nic, host)


def test_a_driver_that_nobody_knows_has_plans_too() -> None:
    assert names(plan("eee-off", host=plain_host(make_nic(driver="warp")))) == ["eee-off"]


def test_every_remedy_has_an_answer() -> None:
    made = plan(*EVERYTHING)
    assert {str(change.remedy) for change in made.changes} | {str(refusal.remedy) for refusal in made.refusals} == set(EVERYTHING)
    assert all(refusal.reasons for refusal in made.refusals)


# ----------------------------------------------------------------------------------------------------- what holds for every one


def test_while_networking_is_locked_only_a_boot_is_left() -> None:
    host = dataclasses.replace(plain_host(), notes=(Note(what="links", why=Lack.STUCK, detail="no answer within 1 s"),))
    made = plan(*EVERYTHING, host=host)
    assert names(made) == ["reboot", "kernel-previous"]
    told = next(refusal for refusal in made.refusals if refusal.remedy is RemedyId.LINK_BOUNCE)
    assert told.reasons[0].startswith("something holds the lock of all networking (no answer within 1 s)")
    assert told.settle == ("nicmedic check eth0", "nicmedic plan eth0 --remedy reboot")


def test_on_a_card_that_fell_off_its_bus_nothing_is_set() -> None:
    whole = make_nic().pcie
    assert whole is not None
    lost = make_nic(pcie=dataclasses.replace(whole, device=PciFunction(address=ADDRESS, command=0xFFFF)))
    made = plan("eee-off", "driver-rebind", host=plain_host(lost))
    assert names(made) == ["driver-rebind"]
    assert "fallen off its bus" in made.refusals[0].reasons[0]


CAUTION = {"remedy": "link-bounce", "text": "It takes all along."}


@pytest.mark.parametrize(
    ("dangerous", "nic", "refused"),
    [
        ("always", make_nic(), True),
        ("no-carrier", make_nic(), False),
        ("no-carrier", make_nic(carrier=False), True),
        ("no-carrier", make_nic(carrier=None, flags=None), True),
    ],
)
def test_what_is_known_to_be_dangerous_is_refused_unless_it_is_told(dangerous: str, nic: Nic, refused: bool) -> None:
    base = knowledge(caution=[{**CAUTION, "dangerous": dangerous}])
    made = plan("link-bounce", host=plain_host(nic), base=base)
    assert bool(made.refusals) == refused
    if refused:
        assert made.refusals[0].reasons == ("It takes all along.",)
        assert made.refusals[0].may_be_told
    told = plan("link-bounce", host=plain_host(nic), base=base, accept_losses=True)
    assert "It takes all along." in told.changes[0].risks


def test_a_card_that_is_down_on_purpose_is_in_no_danger() -> None:
    base = knowledge(caution=[{"remedy": "driver-rebind", "text": "no", "dangerous": "no-carrier"}])
    assert names(plan("driver-rebind", host=plain_host(make_nic(carrier=None, flags=("BROADCAST",))), base=base)) == ["driver-rebind"]


def test_cautions_are_told_as_risks_but_those_that_only_a_log_can_show() -> None:
    cautions = [{"remedy": "eee-off", "text": "Beware."}, {"remedy": "eee-off", "text": "Not this.", "when": {"kernel": "<5.4"}}]
    assert [risk for risk in plan("eee-off", base=knowledge(caution=cautions)).changes[0].risks if risk in {"Beware.", "Not this."}] == [
        "Beware."
    ]


def test_what_holds_of_every_driver_is_told_by_recipes_alone_but_for_dangers() -> None:
    core = {"schema": "nicmedic.knowledge/1", "driver": "core", "title": "t"}
    said = [{"remedy": "eee-off", "text": "General."}, {"remedy": "renegotiate", "text": "Danger.", "dangerous": "always"}]
    base = KnowledgeBase([KnowledgeFile(name="core", path="core.toml", data={**core, "caution": said})])
    made = plan("eee-off", "renegotiate", base=base)
    assert names(made) == ["eee-off"]
    assert "General." not in made.changes[0].risks
    assert made.refusals[0].reasons == ("Danger.",)


def test_what_could_not_be_put_back_is_refused_unless_it_is_told() -> None:
    host = plain_host(make_nic(xdp=Xdp(mode="driver")))
    made = plan("driver-rebind", "link-bounce", "eee-off", host=host)
    assert names(made) == ["link-bounce", "eee-off"]
    assert made.refusals[0].may_be_told
    assert made.losses == made.refusals[0].reasons
    told = plan("driver-rebind", host=host, accept_losses=True)
    assert set(made.losses) <= set(told.changes[0].risks)


def test_an_mtu_that_ends_ipv6_is_refused_where_the_stack_is_not_known() -> None:
    host = make_host(dataclasses.replace(make_nic(), addresses=None))
    assert plan("mtu:1200", host=host).refusals[0].may_be_told
    known = plain_host(make_nic(addresses=(Address(family="inet", address="192.0.2.2", prefix_length=24),)))
    assert names(plan("mtu:1200", host=known)) == ["mtu:1200"]


@pytest.mark.parametrize(
    ("distro", "settle"),
    [
        ("debian", ("apt-get install ethtool",)),
        ("fedora", ("dnf install ethtool",)),
        ("openwrt", ("opkg update && opkg install ethtool",)),
        ("haos", ()),
    ],
)
def test_a_program_that_is_missing_is_told_with_what_to_do(distro: str, settle: tuple[str, ...]) -> None:
    host = dataclasses.replace(plain_host(), distro_id=distro, distro_version=None)
    made = plan("offload-off:tso", host=host, tools=frozenset({"ip"}))
    assert made.refusals[0].reasons == ("ethtool is needed and not installed",)
    assert made.refusals[0].settle[:-1] == settle
    assert made.refusals[0].settle[-1].startswith("nicmedic prescribe eth0 --remedy offload-off:tso ")


def test_another_program_does_where_it_is_there() -> None:
    host = plain_host()
    assert names(plan("mtu:1500", "aspm-off", host=host, tools=frozenset({"ifconfig"}))) == ["mtu:1500", "aspm-off"]
    refused = plan("mtu:1500", "reboot", host=host, tools=frozenset({"reboot"}))
    assert names(refused) == ["reboot"]
    assert "apt-get install iproute2" in refused.refusals[0].settle


# ------------------------------------------------------------------------------------------------------------------------- site


@pytest.mark.parametrize(
    ("host", "distro"),
    [
        (make_host(), "Debian 12"),
        (make_host(kernel_release="6.8.12-4-pve"), "Proxmox VE"),
        (make_host(kernel_release="6.1.0-rpi7-rpi-v8"), "Raspberry Pi OS"),
        (make_host(distro_id="rocky", distro_version="9.3"), "RHEL 9"),
        (make_host(distro_id=None, distro="Gentoo", distro_version=None), "Gentoo"),
        (make_host(distro_id=None, distro_version=None), None),
    ],
)
def test_the_distribution_is_called_as_recipes_call_it(host: Host, distro: str | None) -> None:
    assert target_of(Site(nic=make_nic(), host=host)).distro == distro


def test_a_guest_is_told_by_its_hypervisor() -> None:
    guest = make_host(virtualization=Virtualization(kind="kvm-guest", found_by="x"))
    assert target_of(Site(nic=make_nic(bus=None), host=guest)).virtualization == "kvm-guest"
    plain = make_host(virtualization=Virtualization(kind="none", found_by="x"))
    assert target_of(Site(nic=make_nic(), host=plain)).virtualization is None
    assert "qm set" in recipe_of(RemedyId.NIC_MODEL, Site(nic=make_nic(), host=guest)).steps[0]
