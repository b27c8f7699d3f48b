# SPDX-License-Identifier: GPL-2.0-or-later
"""A host as one look finds it: kernel, machine, every card, everything else that carries packets, and the other ways in."""

from collections.abc import Mapping
from dataclasses import dataclass

from nicmedic.model.nic import Nic
from nicmedic.model.note import Lack, Note
from nicmedic.model.stack import ForwardingEntry, Membership, Neighbour, NextHopObject, Route, Rule, VirtualLink

__all__ = ["Aspm", "Host", "Machine", "SerialConsole", "Virtualization", "WaysIn"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What DMI or the device tree tells of the hardware."""

    vendor: str | None = None
    product: str | None = None
    board: str | None = None
    """Vendor and name of the mainboard."""
    bios_vendor: str | None = None
    bios_version: str | None = None
    bios_date: str | None = None
    """As the firmware spells it: ``03/14/2014``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Virtualization:
    """Whether this is a virtual machine, and whose."""

    kind: str
    """The words of ``Boot.virtualization`` (``kvm-guest``, ``xen-dom0``, …), or ``none``, or ``other-guest``."""
    found_by: str
    """The file that told, and what it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aspm:
    """Who manages the power states of PCI Express links."""

    policy: str | None = None
    """``default``, ``performance``, ``powersave``, ``powersupersave``."""
    owner: str | None = None
    """``os``, ``firmware`` (the kernel keeps its hands off, and what the firmware set stays), or None: unknown."""
    found_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialConsole:
    """A serial line on which somebody could log in."""

    device: str
    console: bool
    """``console=`` on the kernel's command line."""
    login: bool | None = None
    """A getty runs on it; None: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaysIn:
    """What would be left if a NIC goes down. A thing that is there may still have no cable, and no password that anybody knows."""

    interfaces: tuple[str, ...] = ()
    """NICs with a carrier, a global address and a route over them; with one of them there is no second way."""
    bmc: tuple[str, ...] = ()
    """What speaks for a management controller: ``/dev/ipmi0``, a DMI entry of type 38."""
    serial: tuple[SerialConsole, ...] = ()


def _names(nic: Nic) -> tuple[str | None, ...]:
    return nic.interface, nic.bus_address, nic.pcie.device.address if nic.pcie else None, *(nic.altnames or ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """Everything. Of another kernel than the one running here when it was read from a snapshot."""

    hostname: str | None = None
    kernel_release: str | None = None
    kernel_version: str | None = None
    """``uname -v``."""
    kernel_package: str | None = None
    """The package's version as /proc/version or ``uname -v`` tells it: ``6.1.76-1``; changes with a point release, unlike the release."""
    architecture: str | None = None
    command_line: str | None = None
    command_line_words: Mapping[str, str] | None = None
    """Those that matter to a NIC: ``pcie_aspm`` → ``off``; a word that comes twice has its last value, one without value has an empty one."""
    distro: str | None = None
    """``PRETTY_NAME`` of os-release."""
    distro_id: str | None = None
    distro_version: str | None = None
    machine: Machine | None = None
    virtualization: Virtualization | None = None
    boot_id: str | None = None
    uptime_s: float | None = None
    cpus_online: int | None = None
    init: str | None = None
    """Name of process 1: ``systemd``, ``init``, ``procd``, …"""
    read_at: str | None = None
    """RFC 3339 with offset."""
    is_root: bool | None = None
    """Whether root read this; False explains many notes."""
    aspm: Aspm | None = None

    nics: tuple[Nic, ...] = ()
    links: tuple[VirtualLink, ...] = ()
    routes: tuple[Route, ...] | None = None
    rules: tuple[Rule, ...] | None = None
    neighbours: tuple[Neighbour, ...] | None = None
    nexthops: tuple[NextHopObject, ...] | None = None
    """None too where the kernel has none (before Linux 5.3)."""
    forwarding: tuple[ForwardingEntry, ...] | None = None
    memberships: tuple[Membership, ...] | None = None
    ways_in: WaysIn | None = None
    notes: tuple[Note, ...] = ()
    """What concerns no single NIC."""

    @property
    def locked(self) -> Note | None:
        """What tells that something holds the lock of all networking: most was not asked, and who asks may sleep for ever."""
        return next((note for note in self.notes if note.why is Lack.STUCK), None)

    def find_nic(self, name: str) -> Nic | None:
        """The NIC of that name, alternative name or bus address (its PCI function's too)."""
        return next((nic for nic in self.nics if name in _names(nic)), None)
