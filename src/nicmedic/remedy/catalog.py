# SPDX-License-Identifier: GPL-2.0-or-later
"""The canonical remedies in one table, and which of them make no sense for a given NIC. Text only: nothing here is carried out.

Commands are meant for the host whose log was explained, which may not be this one.
"""

from collections.abc import Callable, Iterable, Mapping

from nicmedic.model.finding import RankedRemedy, RemedyId
from nicmedic.remedy import device, link, system
from nicmedic.remedy.recipe import Recipe
from nicmedic.remedy.target import BusKind, Names, Target, build_names, find_bus_kind

__all__ = ["MAKERS", "describe_remedy", "fitting_remedies", "join_cautions"]

MAKERS: Mapping[RemedyId, Callable[[Names], Recipe]] = {
    RemedyId.LINK_ADVERTISE_100: link.advertise_100,
    RemedyId.LINK_FORCE_100: link.force_100,
    RemedyId.RENEGOTIATE: link.renegotiate,
    RemedyId.LINK_BOUNCE: link.bounce,
    RemedyId.OFFLOAD_OFF: link.offload_off,
    RemedyId.EEE_OFF: link.switch_eee_off,
    RemedyId.ASPM_OFF: device.switch_aspm_off,
    RemedyId.RUNTIME_PM_OFF: device.keep_awake,
    RemedyId.MTU: link.set_mtu,
    RemedyId.PAUSE_OFF: link.pause_off,
    RemedyId.RING: link.change_ring,
    RemedyId.INTERRUPT_MODE: system.change_interrupts,
    RemedyId.IOMMU: system.change_iommu,
    RemedyId.DRIVER_REBIND: device.rebind,
    RemedyId.MODULE_RELOAD: device.reload_module,
    RemedyId.PCI_RESET: device.reset_pci,
    RemedyId.PCI_RESCAN: device.rescan_pci,
    RemedyId.POWER_DRAIN: device.drain_power,
    RemedyId.REBOOT: system.reboot,
    RemedyId.KERNEL_PREVIOUS: system.kernel_previous,
    RemedyId.KERNEL_UPGRADE: system.kernel_upgrade,
    RemedyId.VENDOR_DRIVER: system.vendor_driver,
    RemedyId.FIRMWARE_UPDATE: system.update_firmware,
    RemedyId.BIOS_SETTING: system.change_bios,
    RemedyId.NIC_MODEL: system.change_model,
    RemedyId.HARDWARE: system.change_part,
    RemedyId.HOST_FIX: system.mend_host,
}

_OF_PCI = frozenset({RemedyId.PCI_RESET, RemedyId.PCI_RESCAN, RemedyId.ASPM_OFF})
_OF_A_WIRE = frozenset(
    {RemedyId.LINK_ADVERTISE_100, RemedyId.LINK_FORCE_100, RemedyId.RENEGOTIATE, RemedyId.EEE_OFF, RemedyId.PAUSE_OFF, RemedyId.POWER_DRAIN}
)
_VIRTUAL = frozenset({BusKind.VIRTIO, BusKind.XEN, BusKind.VMBUS})


def fitting_remedies(remedies: Iterable[RankedRemedy], target: Target) -> tuple[RankedRemedy, ...]:
    """The remedies that make sense for a NIC of this bus: no PCI reset for USB, no link mode for a NIC without a wire."""
    kind = find_bus_kind(target.bus, target.bus_hint)
    virtual = kind in _VIRTUAL or target.bus_hint == "virtual"
    no_pci = kind is not BusKind.PCI and (kind is not BusKind.UNKNOWN or virtual)
    senseless = (_OF_PCI if no_pci else frozenset()) | (_OF_A_WIRE if virtual else frozenset())
    return tuple(remedy for remedy in remedies if remedy.id not in senseless)


def describe_remedy(remedy: RankedRemedy, target: Target) -> Recipe:
    """Commands, undo, disruption and risk of a ranked remedy for one NIC."""
    return MAKERS[remedy.id](build_names(target, remedy.arguments))


def join_cautions(remedy: RankedRemedy, made: Recipe) -> str:
    """Everything to beware of: what the knowledge says of this driver first, then what holds everywhere."""
    return " ".join(dict.fromkeys(text for text in (*remedy.cautions, made.caution) if text))
