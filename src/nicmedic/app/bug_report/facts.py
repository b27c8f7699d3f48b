# SPDX-License-Identifier: GPL-2.0-or-later
"""Of all that is known of a host and a card, what a maintainer asks for. Nothing that names people, networks or single pieces of hardware."""

from nicmedic.model.bug_report import HostFacts, NicFacts
from nicmedic.model.host import Host, Machine
from nicmedic.model.nic import Nic
from nicmedic.report.check_facts import render_rows

__all__ = ["select_host_facts", "select_nic_facts"]

_TELLING = frozenset({"link", "settings", "offloads", "queues", "errors", "PCI", "interrupts"})
"""Rows of ``check``; those on addresses and on what stands on a card are nobody's business."""
_NOTHING = frozenset({"", "N/A"})


def select_host_facts(host: Host) -> HostFacts:
    """The machine and its system."""
    machine = host.machine or Machine()
    return HostFacts(
        hostname=host.hostname,
        read_at=host.read_at,
        distro=host.distro,
        distro_id=host.distro_id,
        distro_version=host.distro_version,
        architecture=host.architecture,
        kernel_release=host.kernel_release,
        kernel_version=host.kernel_version,
        kernel_package=host.kernel_package,
        command_line=None if host.command_line is None else host.command_line.partition(" -- ")[0],
        virtualization=None if host.virtualization is None else host.virtualization.kind,
        vendor=machine.vendor,
        product=machine.product,
        board=machine.board,
        bios_vendor=machine.bios_vendor,
        bios_version=machine.bios_version,
        bios_date=machine.bios_date,
    )


def select_nic_facts(nic: Nic) -> NicFacts:
    """The card; its ids are those of PCI, or of USB."""
    function = None if nic.pcie is None else nic.pcie.device
    above = None if nic.pcie is None else nic.pcie.upstream
    usb = nic.usb
    return NicFacts(
        interface=nic.interface,
        driver=nic.driver,
        driver_version=None if nic.driver_version in _NOTHING else nic.driver_version,
        firmware_version=None if nic.firmware_version in _NOTHING else nic.firmware_version,
        bus=None if nic.bus is None else nic.bus.value,
        bus_address=nic.bus_address,
        vendor=function.vendor if function is not None else usb.vendor if usb is not None else None,
        device=function.device if function is not None else usb.product if usb is not None else None,
        subsystem_vendor=None if function is None else function.subsystem_vendor,
        subsystem_device=None if function is None else function.subsystem_device,
        revision=function.revision if function is not None else usb.release if usb is not None else None,
        port_above=f"{above.vendor}:{above.device}" if above is not None and above.vendor and above.device else None,
        settings=tuple((row.label, row.text) for row in render_rows(nic) if row.label in _TELLING),
    )
