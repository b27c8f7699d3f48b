# SPDX-License-Identifier: GPL-2.0-or-later
"""The keys by which a rule of udev knows one card: where it stands, and what stands there (man udev).

A rule that knew the place alone would be carried out on another card in the same slot, so that without the numbers of the chip there is
none. What names a device in the tree itself (a platform device, a channel of VMBus) needs none.

A twin of the same chip in the same place is told by its address, in rules for the interface. An event of the device itself has none: the
interface comes with the driver.
"""

import re

from nicmedic.model.nic import Bus
from nicmedic.model.plan import Identity

__all__ = ["match_address", "match_device", "match_interface", "quote_value"]

_PLAIN = re.compile(r"[A-Za-z0-9@:,./_+-]+\Z")
"""Others begin a pattern, an escape or a substitution somewhere (man udev: ``* ? [] |``, ``$``, ``%``, quotes)."""
_CHIP = re.compile(r"(?P<vendor>[0-9a-f]{4}):(?P<device>[0-9a-f]{4})\Z")
_PCI_FOLDER = re.compile(r"/sys/bus/pci/devices/(?P<name>[^/]+)\Z")
_USB_FOLDER = re.compile(r"/sys/bus/usb/devices/(?P<name>[^/]+)\Z")
_PCI_PART = re.compile(r"/(?P<name>[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])(?=/|\Z)")
_ADDRESS = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5,19}\Z")
_NO_CHIP = "the numbers of its chip could not be read, and a rule without them would be carried out on another card in its place"


def quote_value(value: str) -> str | None:
    """A value that is to be compared letter by letter; None: udev would take it for a pattern."""
    return f'"{value}"' if _PLAIN.match(value) else None


def _match_chip(nic: Identity, key: str, vendor: str, device: str, prefix: str) -> tuple[str, ...] | None:
    found = _CHIP.match((nic.chip or "").lower())
    return None if found is None else (f'{key}{{{vendor}}}=="{prefix}{found["vendor"]}"', f'{key}{{{device}}}=="{prefix}{found["device"]}"')


def _match_named(nic: Identity, name: str, *, above: bool, usb: bool) -> tuple[str, ...] | str:
    """By its name on the bus and the numbers of its chip; ``above``: the event is of something below it."""
    value = quote_value(name)
    if value is None:
        return f"no rule of udev can be written for the name {name!r}"
    attribute = "ATTRS" if above else "ATTR"
    numbers = ("idVendor", "idProduct", "") if usb else ("vendor", "device", "0x")
    chip = _match_chip(nic, attribute, *numbers)
    return _NO_CHIP if chip is None else (f"{'KERNELS' if above else 'KERNEL'}=={value}", *chip)


def match_device(nic: Identity, folder: str) -> tuple[str, ...] | str:
    """For events of the device itself; a text: why there are no such keys.

    Args:
        nic: the card.
        folder: of the device in sysfs, as a step writes into it.
    """
    for pattern, subsystem in ((_PCI_FOLDER, "pci"), (_USB_FOLDER, "usb")):
        if found := pattern.match(folder):
            keys = _match_named(nic, found["name"], above=False, usb=subsystem == "usb")
            return keys if isinstance(keys, str) else (f'SUBSYSTEM=="{subsystem}"', *keys)
    value = quote_value(folder.removeprefix("/sys"))
    if not folder.startswith("/sys/devices/") or value is None:
        return f"no rule of udev can be written for {folder!r}"
    return (f"DEVPATH=={value}",)


def match_interface(nic: Identity) -> tuple[str, ...] | str:
    """For events of its interface, whatever name it has; a text: why there are no such keys.

    Several ports of one device are told apart by ``dev_port`` (since Linux 3.15).
    """
    port = () if nic.dev_port is None else (f'ATTR{{dev_port}}=="{nic.dev_port}"',)
    path = nic.sysfs_path or ""
    if nic.bus is Bus.USB and nic.bus_address:
        keys = _match_named(nic, nic.bus_address.partition(":")[0], above=True, usb=True)
        return keys if isinstance(keys, str) else (*keys, *port)
    if nic.bus in (Bus.PCI, Bus.VIRTIO):
        last = [found["name"] for found in _PCI_PART.finditer(path)][-1:] or [nic.bus_address or ""]
        if nic.bus is Bus.PCI or _PCI_PART.search(path):
            keys = _match_named(nic, last[0], above=True, usb=False)
            return keys if isinstance(keys, str) else (*keys, *port)
    value = quote_value(path.removeprefix("/sys"))
    if not path.startswith("/sys/devices/") or value is None:
        return "where it stands in the machine is not known, so that no rule of udev could know it again"
    return (f'DEVPATH=="{value[1:-1]}/net/*"', *port)


def match_address(nic: Identity) -> tuple[tuple[str, ...], ...]:
    """Further keys for events of its interface, one tuple a rule: either fits. None at all where its driver tells no address.

    What somebody has set in its place says nothing of the card (``addr_assign_type`` is 3 then, ``NET_ADDR_SET``: Linux 6.1, net/core/dev.c,
    ``dev_set_mac_address()``, by which bonds too give their address to a port): then place and chip must do.
    """
    address = (nic.permanent_address or "").lower()
    if not _ADDRESS.match(address):
        return ((),)
    return ('ATTR{addr_assign_type}=="0"', f'ATTR{{address}}=="{address}"'), ('ATTR{addr_assign_type}!="0"',)
