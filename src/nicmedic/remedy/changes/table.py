# SPDX-License-Identifier: GPL-2.0-or-later
"""Every remedy and who makes a change of it, in one table."""

from collections.abc import Mapping
from typing import Final

from nicmedic.model.finding import RemedyId
from nicmedic.remedy.changes import boot, device, link, offload, queue, restart
from nicmedic.remedy.changes.site import Maker

__all__ = ["MAKERS"]

MAKERS: Final[Mapping[RemedyId, Maker]] = {
    RemedyId.LINK_ADVERTISE_100: link.advertise_100,
    RemedyId.LINK_FORCE_100: link.force_100,
    RemedyId.RENEGOTIATE: link.renegotiate,
    RemedyId.LINK_BOUNCE: restart.bounce_link,
    RemedyId.OFFLOAD_OFF: offload.offload_off,
    RemedyId.EEE_OFF: link.switch_eee_off,
    RemedyId.ASPM_OFF: device.switch_aspm_off,
    RemedyId.RUNTIME_PM_OFF: device.keep_awake,
    RemedyId.MTU: queue.set_mtu,
    RemedyId.PAUSE_OFF: link.pause_off,
    RemedyId.RING: queue.change_ring,
    RemedyId.INTERRUPT_MODE: queue.change_interrupts,
    RemedyId.DRIVER_REBIND: restart.rebind_driver,
    RemedyId.MODULE_RELOAD: restart.reload_module,
    RemedyId.PCI_RESET: restart.reset_function,
    RemedyId.PCI_RESCAN: restart.rescan_bus,
    RemedyId.REBOOT: boot.reboot,
    RemedyId.KERNEL_PREVIOUS: boot.boot_previous_kernel,
    **boot.REFUSED,
}
