# SPDX-License-Identifier: GPL-2.0-or-later
"""Changes that begin anew: which commands, what takes the driver back, and what is refused."""

import dataclasses

import pytest

from nicmedic.model.finding import RemedyId
from nicmedic.model.host import Host
from nicmedic.model.nic import Bus, Nic
from nicmedic.model.pcie import Pcie, PciFunction
from nicmedic.model.plan import Change, Refusal
from nicmedic.model.step import AwaitNic, Pause, Rename, Run, Step, Write
from nicmedic.remedy.changes import restart
from nicmedic.remedy.changes.site import Maker, Site
from nicmedic.remedy.script.words import render_step

ADDRESS = "0000:02:00.0"
DEVICE = f"/sys/devices/pci0000:00/{ADDRESS}"
FUNCTION = f"/sys/bus/pci/devices/{ADDRESS}"
NIC = Nic(
    interface="eth0",
    driver="e1000e",
    module="e1000e",
    bus=Bus.PCI,
    bus_address=ADDRESS,
    sysfs_path=DEVICE,
    flags=("UP",),
    mtu=1500,
    pcie=Pcie(device=PciFunction(address=ADDRESS), reset_methods=("flr", "bus")),
)
OTHER = Nic(interface="eth1", driver="igb", module="igb", sysfs_path="/sys/devices/other", carrier=True)
BACK = Run(argv=("ip", "route", "append", "default"))
FINISH = (
    AwaitNic(),
    Run(argv=("udevadm", "settle", "--timeout=10"), within_s=15, needed=False),
    Rename(name="eth0"),
    BACK,
)
BIND = f"echo {ADDRESS} > /sys/bus/pci/drivers/e1000e/bind"
MAKERS: dict[RemedyId, Maker] = {
    RemedyId.LINK_BOUNCE: restart.bounce_link,
    RemedyId.DRIVER_REBIND: restart.rebind_driver,
    RemedyId.MODULE_RELOAD: restart.reload_module,
    RemedyId.PCI_RESET: restart.reset_function,
    RemedyId.PCI_RESCAN: restart.rescan_bus,
}


def site(nic: Nic = NIC, *others: Nic, told: bool = False) -> Site:
    return Site(nic=nic, host=Host(nics=(nic, *(others or (OTHER,)))), put_back=(BACK,), told=told)


def make(remedy: RemedyId, at: Site) -> Change:
    made = MAKERS[remedy](at, "")
    assert isinstance(made, Change), made
    assert made.takes_stack
    assert made.before == made.wanted
    assert made.settle_s >= 10
    return made


def refused(remedy: RemedyId, at: Site, argument: str = "") -> Refusal:
    made = MAKERS[remedy](at, argument)
    assert isinstance(made, Refusal), made
    return made


def lines(steps: tuple[Step, ...]) -> list[str]:
    return [render_step(step, "eth0") for step in steps if isinstance(step, Run | Write | Pause)]


@pytest.mark.parametrize("remedy", MAKERS)
def test_an_argument_is_refused(remedy: RemedyId) -> None:
    assert refused(remedy, site(), "x").reasons == (f"{remedy} takes no argument",)


def test_the_remakers_are_all_but_the_bounce() -> None:
    assert set(MAKERS) - {RemedyId.LINK_BOUNCE} == restart.REMAKES


def test_down_and_up_end_with_the_stack() -> None:
    made = make(RemedyId.LINK_BOUNCE, site())
    assert lines(made.steps) == ["ip link set dev eth0 down", "sleep 1", "ip link set dev eth0 up", "ip route append default"]
    assert made.undo == ()
    assert {setting.name: setting.value for setting in made.wanted} == {"flags.UP": "on", "mtu": "1500"}
    assert refused(RemedyId.LINK_BOUNCE, site(dataclasses.replace(NIC, flags=()))).reasons == ("the interface is down",)
    assert make(RemedyId.LINK_BOUNCE, site(dataclasses.replace(NIC, flags=None))).steps == made.steps


def test_a_driver_is_taken_off_and_given_back_and_the_undo_gives_it_back_alone() -> None:
    made = make(RemedyId.DRIVER_REBIND, site())
    assert lines(made.steps[:3]) == [f"echo {ADDRESS} > {DEVICE}/driver/unbind", "sleep 1", BIND]
    assert made.steps[3:] == FINISH
    bind, wait = made.undo
    assert (render_step(bind, "eth0"), wait) == (BIND, AwaitNic())
    assert isinstance(bind, Write)
    assert bind.tries > 1
    assert bind.unless is not None
    assert (bind.unless.argv, bind.unless.text) == (("cat", f"{DEVICE}/uevent"), "DRIVER=e1000e")


@pytest.mark.parametrize("bus", [Bus.USB, Bus.VIRTIO, Bus.PLATFORM, Bus.XEN, Bus.VMBUS])
def test_other_buses_are_bound_alike(bus: Bus) -> None:
    nic = dataclasses.replace(NIC, bus=bus, bus_address="x0", driver="drv")
    assert lines(make(RemedyId.DRIVER_REBIND, site(nic)).undo) == [f"echo x0 > /sys/bus/{bus}/drivers/drv/bind"]


@pytest.mark.parametrize("remedy", [RemedyId.DRIVER_REBIND, RemedyId.PCI_RESET])
@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"bus": Bus.OTHER}, "other"), ({"bus": None}, "unknown"), ({"driver": None}, "driver"), ({"sysfs_path": None}, "place"),
        ({"bus_address": None}, "place"),
    ],
)  # fmt: skip
def test_what_cannot_be_bound_is_not_taken_off(remedy: RemedyId, fields: dict[str, object], word: str) -> None:
    (reason,) = refused(remedy, site(dataclasses.replace(NIC, **fields))).reasons  # type: ignore[arg-type]  # names are those of the fields
    assert word in reason


@pytest.mark.parametrize("remedy", sorted(restart.REMAKES))
def test_cards_that_go_along_must_be_accepted(remedy: RemedyId) -> None:
    twin = dataclasses.replace(NIC, interface="eth5", carrier=True)
    made = refused(remedy, site(NIC, twin))
    assert made.may_be_told
    assert "eth5" in made.reasons[-1]
    told = make(remedy, site(NIC, twin, told=True))
    assert any("eth5" in risk for risk in told.risks)


def test_a_module_is_loaded_anew_and_what_is_built_in_is_not() -> None:
    made = make(RemedyId.MODULE_RELOAD, site())
    assert lines(made.steps[:3]) == ["modprobe -r e1000e", "sleep 1", "modprobe e1000e"]
    assert made.steps[3:] == FINISH
    assert lines(made.undo) == ["modprobe e1000e"]
    for driver in ("e1000e", None):
        (reason,) = refused(RemedyId.MODULE_RELOAD, site(dataclasses.replace(NIC, module=None, driver=driver))).reasons
        assert "built into the kernel" in reason
        assert "  " not in reason


def test_a_function_is_reset_with_its_driver_off() -> None:
    made = make(RemedyId.PCI_RESET, site())
    assert lines(made.steps[:5]) == [
        f"test -e {FUNCTION}/reset",
        f"echo {ADDRESS} > {FUNCTION}/driver/unbind",
        f"echo 1 > {FUNCTION}/reset",
        "sleep 1",
        BIND,
    ]
    assert made.steps[5:] == FINISH
    assert lines(made.undo) == [BIND]
    assert not any("no reset of its own" in risk for risk in made.risks)
    bus = dataclasses.replace(NIC, pcie=Pcie(device=PciFunction(address=ADDRESS), reset_methods=("bus",)))
    assert any("no reset of its own" in risk for risk in make(RemedyId.PCI_RESET, site(bus)).risks)
    unknown = dataclasses.replace(NIC, pcie=Pcie(device=PciFunction(address=ADDRESS)))
    assert make(RemedyId.PCI_RESET, site(unknown)).steps == made.steps
    virtio = dataclasses.replace(NIC, bus=Bus.VIRTIO, bus_address="virtio1", driver="virtio_net")
    assert lines(make(RemedyId.PCI_RESET, site(virtio)).undo) == [f"echo {ADDRESS} > /sys/bus/pci/drivers_probe"]


@pytest.mark.parametrize("remedy", [RemedyId.PCI_RESET, RemedyId.PCI_RESCAN])
def test_what_is_no_pci_card_or_knows_no_reset_is_refused(remedy: RemedyId) -> None:
    assert refused(remedy, site(dataclasses.replace(NIC, pcie=None))).reasons == ("the card does not stand on PCI",)
    none = dataclasses.replace(NIC, pcie=Pcie(device=PciFunction(address=ADDRESS), reset_methods=()))
    assert "knows no reset" in refused(RemedyId.PCI_RESET, site(none)).reasons[0]


def test_a_rescan_of_the_only_card_with_a_link_must_be_accepted() -> None:
    alone = site(NIC, dataclasses.replace(OTHER, carrier=False))
    made = refused(RemedyId.PCI_RESCAN, alone)
    assert made.may_be_told
    assert "may not come back" in made.reasons[0]
    assert any("may not come back" in risk for risk in make(RemedyId.PCI_RESCAN, dataclasses.replace(alone, told=True)).risks)
    beside = make(RemedyId.PCI_RESCAN, site())
    assert lines(beside.steps[:3]) == [f"echo 1 > {FUNCTION}/remove", "sleep 2", "echo 1 > /sys/bus/pci/rescan"]
    assert beside.steps[3:] == FINISH
    assert lines(beside.undo) == ["echo 1 > /sys/bus/pci/rescan"]


def test_bystanders_are_among_the_risks() -> None:
    assert any("listens on" in risk for risk in make(RemedyId.DRIVER_REBIND, site(dataclasses.replace(NIC, packet_sockets=1))).risks)
