# SPDX-License-Identifier: GPL-2.0-or-later
"""Changes on the device and its bus: power saving of the PCI Express link, runtime power management.

The files of ``link/`` are those of drivers/pci/pcie/aspm.c (since Linux 5.5, 72ea91afbfb0): writing 0 to ``l1_aspm`` takes its substates along,
writing 1 to a substate brings L1 along (``aspm_attr_store_common()``); so they are switched on from L0s down to the substates.
"""

from collections.abc import Iterator

from nicmedic.model.finding import RemedyId
from nicmedic.model.nic import Bus, Nic
from nicmedic.model.plan import Change, Refusal, Setting
from nicmedic.model.step import Write
from nicmedic.remedy.changes.site import Site, build_change, find_settings, recipe_of, refuse, why_unknown, without_caution

__all__ = ["keep_awake", "switch_aspm_off"]

_ORDER = ("l0s_aspm", "l1_aspm", "l1_1_aspm", "l1_2_aspm", "l1_1_pcipm", "l1_2_pcipm")


def _by_hand(nic: Nic) -> Iterator[str]:
    """What shows and lifts it where the kernel has no files: both ends of the link, the card's first (PCI Express 5.4.1.3)."""
    assert nic.pcie is not None  # noqa: S101  # asked before
    for function in (nic.pcie.device, nic.pcie.upstream):
        if function is not None:
            yield f"lspci -vv -s {function.address} | grep LnkCtl:"
    yield f"setpci -s {nic.pcie.device.address} CAP_EXP+0x10.W=0000:0003   # by hand, until the next boot"
    if nic.pcie.upstream is not None:
        yield f"setpci -s {nic.pcie.upstream.address} CAP_EXP+0x10.W=0000:0003"


def _why_no_files(site: Site) -> str:
    aspm = site.host.aspm
    if aspm is not None and aspm.owner == "firmware":
        found = f" ({aspm.found_by})" if aspm.found_by else ""
        return f"the firmware keeps ASPM to itself{found}; switch it off in the BIOS set-up, pcie_aspm=off on the command line does not"
    return (
        "the kernel has no ASPM files for this card: older than Linux 5.5, built without PCIEASPM, or ASPM is the firmware's "
        "(then switch it off in the BIOS set-up)"
    )


def switch_aspm_off(site: Site, argument: str) -> Change | Refusal:
    """Each file that is 1, and each back to 1."""
    remedy, nic = RemedyId.ASPM_OFF, site.nic
    if nic.pcie is None:
        elsewhere = nic.bus is not None and nic.bus is not Bus.PCI
        reason = (
            "the card does not stand on PCI Express, so there is no ASPM" if elsewhere else why_unknown(nic, "pcie", "its PCI Express link")
        )
        return refuse(remedy, argument, reason)
    enabled = nic.pcie.device.aspm_enabled
    if enabled == ():
        return refuse(remedy, argument, "ASPM is off already on the card's end of the link")
    files = nic.pcie.link_files or {}
    known = [name for name in _ORDER if name in files]
    if not known:
        is_express = nic.pcie.device.aspm_supported is not None or nic.pcie.device.speed_gts is not None or enabled is not None
        if not is_express:
            return refuse(remedy, argument, "the card has no PCI Express link of its own, so there is no ASPM")
        return refuse(remedy, argument, _why_no_files(site), settle=_by_hand(nic))
    on = [name for name in known if files[name]]
    if not on:
        return refuse(remedy, argument, "ASPM is off already")
    folder = f"/sys/bus/pci/devices/{nic.pcie.device.address}/link"
    names = [f"pcie.link_files.{name}" for name in on]
    return build_change(
        site,
        remedy,
        argument,
        [Write(path=f"{folder}/{name}", text="0") for name in reversed(on)],
        recipe=without_caution(recipe_of(remedy, site)),
        undo=[Write(path=f"{folder}/{name}", text="1") for name in on],
        before=find_settings(site, *names),
        wanted=[Setting(name=name, value="0") for name in names],
        settle_s=3,
    )


def _find_device(nic: Nic) -> str | None:
    """Folder of the device whose power is managed: of a virtio card the PCI function, of a USB card the whole device."""
    if nic.pcie is not None:
        return f"/sys/bus/pci/devices/{nic.pcie.device.address}"
    if nic.bus is Bus.USB and nic.bus_address is not None:
        return f"/sys/bus/usb/devices/{nic.bus_address.partition(':')[0]}"
    return nic.sysfs_path


def keep_awake(site: Site, argument: str) -> Change | Refusal:
    """``power/control`` from ``auto`` to ``on``."""
    remedy, nic = RemedyId.RUNTIME_PM_OFF, site.nic
    control, device = None if nic.power is None else nic.power.control, _find_device(nic)
    if control is None or device is None:
        return refuse(remedy, argument, why_unknown(nic, "power", "its runtime power management"))
    if control == "on":
        return refuse(remedy, argument, "the device is kept awake already (power/control: on)")
    path = f"{device}/power/control"
    return build_change(
        site,
        remedy,
        argument,
        [Write(path=path, text="on")],
        recipe=without_caution(recipe_of(remedy, site)),  # a transaction ends with the boot whatever it sets, and what is kept does not
        undo=[Write(path=path, text=control)],
        before=find_settings(site, "power.control"),
        wanted=(Setting(name="power.control", value="on"),),
        settle_s=3,
    )
