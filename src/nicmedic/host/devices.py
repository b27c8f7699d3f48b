# SPDX-License-Identifier: GPL-2.0-or-later
"""The device behind an interface: bus, driver, ids, runtime power management. All out of sysfs."""

import re
from dataclasses import dataclass

from nicmedic.host.pci import read_pcie
from nicmedic.host.sysfs import Folder
from nicmedic.model.nic import Bus, UsbIds
from nicmedic.model.pcie import Pcie, PowerManagement

__all__ = ["Device", "find_pci", "is_nic", "read_device"]

_BUSES = {"pci": Bus.PCI, "usb": Bus.USB, "virtio": Bus.VIRTIO, "xen": Bus.XEN, "vmbus": Bus.VMBUS, "platform": Bus.PLATFORM}
_PCI_ADDRESS = re.compile(r"[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]\Z")
_XEN_BACKEND = "xen-backend"


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What ``Nic`` holds of it."""

    bus: Bus | None = None
    bus_address: str | None = None
    sysfs_path: str | None = None
    driver: str | None = None
    module: str | None = None
    modalias: str | None = None
    usb: UsbIds | None = None
    pcie: Pcie | None = None
    power: PowerManagement | None = None


def _last(path: str | None) -> str | None:
    return None if path is None else path.rsplit("/", 1)[-1]


def is_nic(interface: Folder) -> bool:
    """Whether a device stands behind an interface (its folder in /sys/class/net), and not a guest's end in Xen's dom0 (``vif1.0``)."""
    return interface.has("device") and _last(interface.target("device/subsystem")) != _XEN_BACKEND


def _read_usb(root: Folder, path: str) -> UsbIds:
    """Of a USB interface (``2-1:1.0``); the device is the folder above."""
    folder = root.folder(path.rsplit("/", 1)[0])
    speed = folder.text("speed") or ""
    return UsbIds(
        vendor=folder.text("idVendor"),
        product=folder.text("idProduct"),
        release=folder.text("bcdDevice"),
        speed_mbps=float(speed) if re.fullmatch(r"\d+(?:\.\d+)?", speed) else None,
        serial=folder.text("serial"),
    )


def _read_power(root: Folder, path: str) -> PowerManagement | None:
    folder = root.folder(path)
    if not folder.has("power"):
        return None
    return PowerManagement(
        control=folder.text("power/control"),
        runtime_status=folder.text("power/runtime_status"),
        autosuspend_delay_ms=folder.number("power/autosuspend_delay_ms"),
        wakeup=folder.text("power/wakeup"),
        d3cold_allowed=folder.flag("d3cold_allowed"),
    )


def find_pci(interface: Folder) -> str | None:
    """Path in sysfs of the PCI function itself, or of the one that carries a virtio device; a USB card's host controller is not meant."""
    path, bus = interface.target("device"), _last(interface.target("device/subsystem"))
    if path is None or bus not in {"pci", "virtio"}:
        return None
    candidate = path if bus == "pci" else path.rsplit("/", 1)[0]
    return candidate if _PCI_ADDRESS.match(candidate.rsplit("/", 1)[-1]) else None


def read_device(root: Folder, interface: Folder) -> Device:
    """Follow ``device`` of an interface's folder in sysfs."""
    path = interface.target("device")
    if path is None:
        return Device()
    subsystem = _last(interface.target("device/subsystem"))
    bus = None if subsystem is None else _BUSES.get(subsystem, Bus.OTHER)
    pci = find_pci(interface)
    whole = path.rsplit("/", 1)[0] if bus is Bus.USB else path  # what suspends is the USB device, not one function of it
    return Device(
        bus=bus,
        bus_address=_last(path),
        sysfs_path=path,
        driver=_last(interface.target("device/driver")),
        module=_last(interface.target("device/driver/module")),
        modalias=interface.text("device/modalias"),
        usb=_read_usb(root, path) if bus is Bus.USB else None,
        pcie=None if pci is None else read_pcie(root, pci),
        power=_read_power(root, pci or whole),
    )
