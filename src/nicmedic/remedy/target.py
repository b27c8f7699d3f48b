# SPDX-License-Identifier: GPL-2.0-or-later
"""The NIC and the host that a remedy is written for, and the names of both that may stand in a command.

Everything here is read out of a log: names are used only where a shell takes them as plain words (``model/names.py``); else a placeholder in capitals
stands there. What decides is the shape of the bus address; where the log names none, sysfs is asked through the interface, which holds for every bus.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from nicmedic.knowledge.base import KnowledgeBase
from nicmedic.knowledge.kernels import parse_kernel_version
from nicmedic.knowledge.values import Packages
from nicmedic.model.boot import Boot
from nicmedic.model.finding import Finding
from nicmedic.model.names import shell_name

__all__ = ["BusKind", "Family", "Names", "Target", "build_names", "build_target", "find_bus_kind", "find_family"]


class BusKind(StrEnum):
    """The folder below ``/sys/bus`` that a device stands in."""

    PCI = "pci"
    USB = "usb"
    PLATFORM = "platform"
    SDIO = "sdio"
    SPI = "spi"
    VIRTIO = "virtio"
    XEN = "xen"
    VMBUS = "vmbus"
    UNKNOWN = "unknown"


class Family(StrEnum):
    """Hosts on which the same commands install packages and choose kernels."""

    DEBIAN = "debian"
    PROXMOX = "proxmox"
    RASPBERRY = "raspberry"
    DNF = "dnf"
    YUM = "yum"
    SUSE = "suse"
    ARCH = "arch"
    HAOS = "haos"
    OPENWRT = "openwrt"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The NIC a remedy is written for, as the log names it, and what the log says of its host."""

    interface: str | None
    driver: str | None
    bus: str | None
    virtualization: str | None = None
    kernel: tuple[int, ...] | None = None
    """Upstream version of the kernel, three numbers; None: the log does not say."""
    distro: str | None = None
    bus_hint: str = ""
    """What the knowledge says of the driver: pci, usb, platform, sdio, virtual, isa; empty: nothing."""
    packages: Packages = Packages()  # noqa: RUF009  # frozen
    """Of the driver, as the knowledge names them."""


def build_target(finding: Finding, boots: Sequence[Boot], knowledge: KnowledgeBase) -> Target:
    """The target of a finding's remedies: its NIC, in the boot that shows it best."""
    driver = knowledge.find_driver(finding.driver)
    boot = next((boot for boot in boots if boot.index == finding.boot), None)
    return Target(
        interface=finding.interface,
        driver=finding.driver,
        bus=finding.bus,
        virtualization=boot.virtualization if boot else None,
        kernel=parse_kernel_version(boot) if boot else None,
        distro=boot.distro if boot else None,
        bus_hint=driver.bus if driver else "",
        packages=driver.packages if driver else Packages(),
    )


_SHAPES = (
    (BusKind.PCI, re.compile(r"(?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]\Z", re.IGNORECASE)),
    (BusKind.USB, re.compile(r"\d+-\d+(?:\.\d+)*(?::\d+\.\d+)?\Z")),
    (BusKind.SDIO, re.compile(r"mmc\d+:[0-9a-f]{4}(?::\d+)?\Z")),
    (BusKind.SPI, re.compile(r"spi\d+\.\d+\Z")),
    (BusKind.VIRTIO, re.compile(r"virtio\d+\Z")),
    (BusKind.XEN, re.compile(r"vif-\d+(?:-\d+)?\Z")),
    (BusKind.VMBUS, re.compile(r"(?:vmbus_\d+_\d+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\Z")),
    (BusKind.PLATFORM, re.compile(r"(?:[0-9a-f]{5,}\.[A-Za-z][\w-]*|[A-Za-z][\w-]*\.\d+)\Z")),
)


def find_bus_kind(bus: str | None, hint: str) -> BusKind:
    """Which bus a NIC stands on: by its address, else by what the knowledge says of its driver.

    >>> [str(find_bus_kind(bus, "")) for bus in ("0000:02:00.0", "1-1.1:1.0", "30be0000.ethernet", "virtio0", None)]
    ['pci', 'usb', 'platform', 'virtio', 'unknown']
    """
    shown = next((kind for kind, shape in _SHAPES if bus and shape.match(bus)), None)
    if shown is not None:
        return shown
    return BusKind(hint) if hint in ("pci", "usb", "platform", "sdio", "spi") else BusKind.UNKNOWN


_FAMILIES = (
    ("Debian", Family.DEBIAN),
    ("Ubuntu", Family.DEBIAN),
    ("Proxmox", Family.PROXMOX),
    ("Raspberry", Family.RASPBERRY),
    ("Fedora", Family.DNF),
    ("RHEL 5", Family.YUM),
    ("RHEL 6", Family.YUM),
    ("RHEL 7", Family.YUM),
    ("RHEL", Family.DNF),
    ("Oracle Linux 6", Family.YUM),
    ("Oracle Linux 7", Family.YUM),
    ("Oracle Linux", Family.DNF),
    ("Amazon Linux 2023", Family.DNF),
    ("Amazon Linux", Family.YUM),
    ("openSUSE", Family.SUSE),
    ("SUSE", Family.SUSE),
    ("Arch", Family.ARCH),
    ("Home Assistant OS", Family.HAOS),
    ("OpenWrt", Family.OPENWRT),
)


def find_family(distro: str | None) -> Family:
    """The family of a distribution as ``Boot.distro`` names it."""
    return next((family for start, family in _FAMILIES if distro is not None and distro.startswith(start)), Family.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """A target's names, safe to stand in a command, with the remedy's arguments."""

    interface: str
    driver: str
    bus: str | None
    kind: BusKind
    device: str
    """The device's folder in sysfs: by its address where the log names it, else through the interface."""
    family: Family
    arguments: tuple[str, ...]
    virtualization: str | None
    kernel: tuple[int, ...] | None
    packages: Packages

    def is_older(self, *version: int) -> bool:
        """Whether the kernel is known and older than this."""
        return self.kernel is not None and self.kernel < version


def build_names(target: Target, arguments: tuple[str, ...]) -> Names:
    """Names of a target that are fit for commands."""
    interface = shell_name(target.interface, "IFACE")
    bus = shell_name(target.bus.rstrip(":") if target.bus else None, "") or None
    kind = find_bus_kind(bus, target.bus_hint)
    # A USB NIC's driver holds one function of the device (1-1.1:1.0); power management is the whole device's (1-1.1).
    whole = bus.partition(":")[0] if bus and kind is BusKind.USB else bus
    through = f"/sys/class/net/{interface}/device" + ("/.." if kind is BusKind.USB else "")
    return Names(
        interface=interface,
        driver=shell_name(target.driver, "DRIVER"),
        bus=bus,
        kind=kind,
        device=f"/sys/bus/{kind}/devices/{whole}" if whole and kind is not BusKind.UNKNOWN else through,
        family=find_family(target.distro),
        arguments=arguments,
        virtualization=target.virtualization,
        kernel=target.kernel,
        packages=target.packages,
    )
