# SPDX-License-Identifier: GPL-2.0-or-later
"""A device on PCI Express: both ends of its link, ASPM, error counters; and the power management of any device."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["AerCounters", "PciFunction", "Pcie", "PowerManagement"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AerCounters:
    """``aer_dev_correctable``, ``aer_dev_nonfatal``, ``aer_dev_fatal`` (since Linux 4.19) by the kernel's names: ``RxErr``. Only those above 0."""

    correctable: Mapping[str, int]
    nonfatal: Mapping[str, int]
    fatal: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class PciFunction:
    """One function: the NIC, or the port above it. What is of PCI Express is None for conventional PCI."""

    address: str
    """``0000:02:00.0``."""
    vendor: str | None = None
    """Four hex digits, as all ids here: ``10ec``."""
    device: str | None = None
    subsystem_vendor: str | None = None
    subsystem_device: str | None = None
    revision: str | None = None
    """Two hex digits."""
    class_code: str | None = None
    """Six hex digits: ``020000`` is Ethernet."""
    command: int | None = None
    """Command register, offset 4 of the configuration space."""
    status: int | None = None
    speed_gts: float | None = None
    """Of the link now, in GT/s."""
    speed_max_gts: float | None = None
    width: int | None = None
    """Lanes."""
    width_max: int | None = None
    aspm_supported: tuple[str, ...] | None = None
    """LnkCap: ``L0s``, ``L1``."""
    aspm_enabled: tuple[str, ...] | None = None
    """LnkCtl: what is set, whoever set it. Needs root."""
    l1ss_supported: tuple[str, ...] | None = None
    """L1 PM substates: ``PCI-PM_L1.2``, ``PCI-PM_L1.1``, ``ASPM_L1.2``, ``ASPM_L1.1``. Needs root."""
    l1ss_enabled: tuple[str, ...] | None = None
    clock_pm: bool | None = None
    """LnkCtl, ``ClockPM+``."""
    power_state: str | None = None
    """``D0``, ``D3hot``, …"""
    aer: AerCounters | None = None

    @property
    def bus_master(self) -> bool | None:
        """Whether it may reach memory at all (command register, bit 2); a NIC without stands still and says nothing."""
        return None if self.command is None else bool(self.command & 4)

    @property
    def lost(self) -> bool | None:
        """Whether it answers with all ones, as a device does that has fallen off its bus."""
        return None if self.command is None else self.command == 0xFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Pcie:
    """A PCI device with its place."""

    device: PciFunction
    upstream: PciFunction | None = None
    """The port at the other end of the link; None: it sits on a root bus, or it is unknown."""
    link_files: Mapping[str, bool] | None = None
    """``link/`` of the device in sysfs: ``l1_aspm`` → True (since Linux 5.5). None: no such folder, so the kernel does not manage ASPM here."""
    reset_methods: tuple[str, ...] | None = None
    """``reset_method`` (since Linux 5.15): ``flr``, ``pm``, ``bus``; empty: none."""
    enabled: bool | None = None
    numa_node: int | None = None
    iommu_group: int | None = None
    vfs: int | None = None
    """Virtual functions that are on (``sriov_numvfs``)."""
    physical_function: str | None = None
    """For a virtual function the address of its physical one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerManagement:
    """Runtime power management, ``power/`` of the device."""

    control: str | None = None
    """``on``: never suspended; ``auto``."""
    runtime_status: str | None = None
    """``active``, ``suspended``, ``unsupported``, …"""
    autosuspend_delay_ms: int | None = None
    wakeup: str | None = None
    """``enabled``, ``disabled``; None: it cannot wake the machine."""
    d3cold_allowed: bool | None = None
