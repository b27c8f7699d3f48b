# SPDX-License-Identifier: GPL-2.0-or-later
"""Changes that begin anew: the interface, its driver, the driver's module, the card, its place on the bus. Each ends with putting the stack back.

Their undo holds what gets the driver back onto the card, for one that was stopped between taking it off and giving it back; the stack is the plan's.
``bind`` may fail where something that the driver needs is not there yet (drivers/base/dd.c, ``EPROBE_DEFER``), so it is tried again.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from nicmedic.model.finding import RemedyId
from nicmedic.model.nic import Bus, Nic
from nicmedic.model.plan import Change, Refusal
from nicmedic.model.step import INTERFACE, AwaitNic, Pause, Rename, Run, Shown, Step, Write
from nicmedic.remedy.changes.site import Site, build_change, find_settings, refuse
from nicmedic.remedy.stack.losses import find_bystanders

__all__ = ["REMAKES", "bounce_link", "rebind_driver", "reload_module", "rescan_bus", "reset_function"]

REMAKES: Final = frozenset({RemedyId.DRIVER_REBIND, RemedyId.MODULE_RELOAD, RemedyId.PCI_RESET, RemedyId.PCI_RESCAN})
"""Those after which the interface is another one: what ``find_losses`` tells is lost by them, and not by a mere down and up."""
_UNREAD = "Not read, so neither put back nor told: FEC, fields and key of the RSS hash, hardware time stamping, nft hooks on the card."
_BUSES = frozenset({Bus.PCI, Bus.USB, Bus.VIRTIO, Bus.XEN, Bus.VMBUS, Bus.PLATFORM})
_BIND_TRIES = 5
_BUS_RESETS = frozenset({"bus", "cxl_bus"})
_SETTLE_S = {
    RemedyId.LINK_BOUNCE: 10,
    RemedyId.DRIVER_REBIND: 20,
    RemedyId.MODULE_RELOAD: 25,
    RemedyId.PCI_RESET: 20,
    RemedyId.PCI_RESCAN: 30,
}


def _finish(site: Site) -> tuple[Step, ...]:
    """From the moment that the driver is bound until everything stands again."""
    settle = Run(argv=("udevadm", "settle", "--timeout=10"), within_s=15, needed=False)
    return AwaitNic(), settle, Rename(name=site.nic.interface), *site.put_back


def _build(
    site: Site, remedy: RemedyId, argument: str, steps: Iterable[Step], *, undo: Iterable[Step] = (), risks: Iterable[str] = ()
) -> Change:
    before = find_settings(site, "flags.UP", "mtu")
    unread = (_UNREAD,) if remedy in REMAKES else ()
    return build_change(
        site,
        remedy,
        argument,
        steps,
        undo=undo,
        before=before,
        wanted=before,
        settle_s=_SETTLE_S[remedy],
        takes_stack=True,
        risks=(*risks, *unread, *find_bystanders(site.nic)),
    )


def bounce_link(site: Site, argument: str) -> Change | Refusal:
    """Down and up."""
    remedy = RemedyId.LINK_BOUNCE
    if argument:
        return refuse(remedy, argument, f"{remedy} takes no argument")
    if site.nic.flags is not None and "UP" not in site.nic.flags:
        return refuse(remedy, argument, "the interface is down", settle=(f"ip link set dev {site.nic.interface} up",))
    down = Run(argv=("ip", "link", "set", "dev", INTERFACE, "down"), within_s=30)
    up = Run(argv=("ip", "link", "set", "dev", INTERFACE, "up"), within_s=30, tries=3)
    return _build(site, remedy, argument, (down, Pause(seconds=1), up, *site.put_back))


def _bound(path: str, driver: str) -> Shown:
    return Shown(argv=("cat", f"{path}/uevent"), text=f"DRIVER={driver}")


def _give_back(nic: Nic) -> Write:
    """The driver, onto the card."""
    path = f"/sys/bus/{nic.bus}/drivers/{nic.driver}/bind"
    return Write(path=path, text=nic.bus_address or "", tries=_BIND_TRIES, unless=_bound(nic.sysfs_path or "", nic.driver or ""))


def _why_not_bound(nic: Nic) -> str | None:
    """Why its driver cannot be taken off and given back."""
    if nic.bus not in _BUSES:
        return f"on a bus of this kind ({nic.bus or 'unknown'}) no driver is bound by hand"
    if nic.driver is None or nic.bus_address is None or nic.sysfs_path is None:
        return "its driver and its place on the bus cannot be read"
    return None


def _others(site: Site, *, module: bool = False) -> tuple[Nic, ...]:
    """Other cards that go along: further ports of the device, or all of the module."""
    nic = site.nic
    if module:
        return tuple(one for one in site.host.nics if one.interface != nic.interface and one.module == nic.module)
    return tuple(one for one in site.host.nics if one.interface != nic.interface and one.sysfs_path == nic.sysfs_path)


def _tell_others(others: Iterable[Nic], what: str) -> str:
    names = ", ".join(one.interface for one in others)
    return f"{names} {what} too, and what stands there is not put back." if names else ""


def rebind_driver(site: Site, argument: str) -> Change | Refusal:
    """The driver off the card and on again."""
    remedy, nic = RemedyId.DRIVER_REBIND, site.nic
    reason = _why_not_bound(nic)
    if argument or reason:
        return refuse(remedy, argument, reason or f"{remedy} takes no argument")
    others = _tell_others(_others(site), "would lose the driver: the same device")
    if others and not site.told:
        return refuse(remedy, argument, others, may_be_told=True)
    bind = _give_back(nic)
    steps = (Write(path=f"{nic.sysfs_path}/driver/unbind", text=nic.bus_address or ""), Pause(seconds=1), bind, *_finish(site))
    return _build(site, remedy, argument, steps, undo=(bind, AwaitNic()), risks=(others,))


def reload_module(site: Site, argument: str) -> Change | Refusal:
    """The driver's module, for all its cards."""
    remedy, nic = RemedyId.MODULE_RELOAD, site.nic
    if argument:
        return refuse(remedy, argument, f"{remedy} takes no argument")
    if nic.module is None:
        reason = f"the driver {nic.driver or ''} is built into the kernel".replace("  ", " ")
        return refuse(remedy, argument, reason, settle=(f"nicmedic plan {nic.interface} --remedy driver-rebind",))
    others = _tell_others(_others(site, module=True), f"would lose the driver ({nic.module})")
    if others and not site.told:
        return refuse(remedy, argument, others, settle=(f"nicmedic plan {nic.interface} --remedy driver-rebind",), may_be_told=True)
    load = Run(argv=("modprobe", nic.module), within_s=60, tries=3)
    steps = (Run(argv=("modprobe", "-r", nic.module), within_s=60), Pause(seconds=1), load, *_finish(site))
    return _build(site, remedy, argument, steps, undo=(load, AwaitNic()), risks=(others,))


def _function(nic: Nic) -> str | None:
    """The PCI function's place in sysfs; for virtio that of the function that carries the card."""
    return None if nic.pcie is None else f"/sys/bus/pci/devices/{nic.pcie.device.address}"


def _tell_reset(nic: Nic) -> Iterator[str]:
    methods = nic.pcie.reset_methods if nic.pcie is not None else None
    if methods and methods[0] in _BUS_RESETS:
        yield "The card knows no reset of its own: the link to it is reset, and a card that does not come back from that needs a reboot."


def reset_function(site: Site, argument: str) -> Change | Refusal:
    """The driver off, the function reset, the driver on. That there is something to reset it with is looked for first."""
    remedy, nic = RemedyId.PCI_RESET, site.nic
    function = _function(nic)
    if argument:
        return refuse(remedy, argument, f"{remedy} takes no argument")
    if function is None or nic.pcie is None:
        return refuse(remedy, argument, "the card does not stand on PCI")
    reason = _why_not_bound(nic)
    if nic.pcie.reset_methods == ():
        reason = "the card knows no reset (reset_method in sysfs is empty)"
    if reason is not None:
        return refuse(remedy, argument, reason, settle=(f"nicmedic plan {nic.interface} --remedy pci-rescan",))
    others = _tell_others(_others(site), "would lose the driver: the same device")
    if others and not site.told:
        return refuse(remedy, argument, others, may_be_told=True)
    address = nic.pcie.device.address
    if nic.bus is Bus.PCI:
        bind = _give_back(nic)
    else:  # the driver of the function is another than the card's
        bind = Write(path="/sys/bus/pci/drivers_probe", text=address, tries=_BIND_TRIES, unless=_bound(function, "virtio-pci"))
    steps = (
        Run(argv=("test", "-e", f"{function}/reset")),
        Write(path=f"{function}/driver/unbind", text=address),
        Write(path=f"{function}/reset", text="1"),
        Pause(seconds=1),
        bind,
        *_finish(site),
    )
    return _build(site, remedy, argument, steps, undo=(bind, AwaitNic()), risks=(*_tell_reset(nic), others))


def rescan_bus(site: Site, argument: str) -> Change | Refusal:
    """Off the bus, and searched for again."""
    remedy, nic = RemedyId.PCI_RESCAN, site.nic
    function = _function(nic)
    if argument:
        return refuse(remedy, argument, f"{remedy} takes no argument")
    if function is None or nic.pcie is None:
        return refuse(remedy, argument, "the card does not stand on PCI")
    reasons = []
    if not any(one.carrier for one in site.host.nics if one.interface != nic.interface):
        reasons.append("The card may not come back before a reboot, and no other card has a link.")
    others = _tell_others(_others(site), "would go along: the same device")
    if others:
        reasons.append(others)
    if reasons and not site.told:
        return refuse(remedy, argument, *reasons, may_be_told=True)
    there = Shown(argv=("cat", f"{function}/uevent"), text=f"PCI_SLOT_NAME={nic.pcie.device.address}")
    scan = Write(path="/sys/bus/pci/rescan", text="1", within_s=30, unless=there, tries=3)
    steps = (Write(path=f"{function}/remove", text="1"), Pause(seconds=2), scan, *_finish(site))
    return _build(site, remedy, argument, steps, undo=(scan, AwaitNic()), risks=reasons)
