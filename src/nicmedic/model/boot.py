# SPDX-License-Identifier: GPL-2.0-or-later
"""One run of one kernel, as far as a log shows it."""

from dataclasses import dataclass

__all__ = ["Boot"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Boot:
    """A boot; ``index`` counts from 0 over all sources in the order in which they were read."""

    index: int
    host: str | None
    kernel_release: str | None
    """What ``uname -r`` prints. A point release of a distribution may leave it unchanged."""
    kernel_package: str | None
    """The build as the log spells it: ``3.2.73-2+deb7u1``, ``#88-Ubuntu``, ``linux-4.7.8``; this one changes with a point release."""
    distro: str | None
    virtualization: str | None
    """xen-dom0, xen-domU, kvm-guest, vmware-guest, hyperv-guest, virtualbox-guest, qemu-guest; None: not shown by the log."""
    hardware: str | None
    """The machine as ``Hardware name:`` or the DMI line has it."""
    boot_id: str | None
    first_time: str | None
    last_time: str | None
    first_uptime_s: float | None
    last_uptime_s: float | None
    started: str
    """How this boot was told from the one before: banner, uptime, separator, boot-id, clock, or first."""
