# SPDX-License-Identifier: GPL-2.0-or-later
"""What is probably wrong, why one may think so, and what may help."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Blame", "Confidence", "Finding", "Hang", "RankedRemedy", "RemedyId", "Trial", "TrialResult"]


class Blame(StrEnum):
    """Where the fault is."""

    DRIVER = "driver"
    DEVICE = "device"
    FIRMWARE = "firmware"
    HOST = "host"
    PLATFORM = "platform"
    LINK = "link"
    HYPERVISOR = "hypervisor"
    UNKNOWN = "unknown"


class Confidence(StrEnum):
    """How far the reasons carry."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class RemedyId(StrEnum):
    """The canonical remedies; what each does is in ``nicmedic.remedy``."""

    LINK_ADVERTISE_100 = "link-advertise-100"
    LINK_FORCE_100 = "link-force-100"
    RENEGOTIATE = "renegotiate"
    LINK_BOUNCE = "link-bounce"
    OFFLOAD_OFF = "offload-off"
    EEE_OFF = "eee-off"
    ASPM_OFF = "aspm-off"
    RUNTIME_PM_OFF = "runtime-pm-off"
    MTU = "mtu"
    PAUSE_OFF = "pause-off"
    RING = "ring"
    INTERRUPT_MODE = "interrupt-mode"
    IOMMU = "iommu"
    DRIVER_REBIND = "driver-rebind"
    MODULE_RELOAD = "module-reload"
    PCI_RESET = "pci-reset"
    PCI_RESCAN = "pci-rescan"
    POWER_DRAIN = "power-drain"
    REBOOT = "reboot"
    KERNEL_PREVIOUS = "kernel-previous"
    KERNEL_UPGRADE = "kernel-upgrade"
    VENDOR_DRIVER = "vendor-driver"
    FIRMWARE_UPDATE = "firmware-update"
    BIOS_SETTING = "bios-setting"
    NIC_MODEL = "nic-model"
    HARDWARE = "hardware"
    HOST_FIX = "host-fix"


class TrialResult(StrEnum):
    """How somebody's attempt ended."""

    WORKED = "worked"
    FAILED = "failed"
    PARTIAL = "partial"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One remedy that somebody tried on such a NIC, and where he says so."""

    remedy: RemedyId
    arguments: tuple[str, ...]
    result: TrialResult
    source: str
    driver: str
    bus: str = ""
    chip: str = ""
    kernel: str = ""
    cause: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedRemedy:
    """A remedy with its place in the ranking and the reasons for that place."""

    id: RemedyId
    arguments: tuple[str, ...]
    points: float
    reasons: tuple[str, ...]
    worked: int
    failed: int
    partial: int
    sources: tuple[str, ...]
    cautions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hang:
    """Messages that belong to one stall of one NIC."""

    interface: str | None
    driver: str | None
    boot: int | None
    events: tuple[int, ...]
    """Indexes of the events, first to last."""
    began_uptime_s: float | None
    """Uptime of the first message less the age that it prints: when the stall began."""
    stall_ms: int | None
    """The greatest age that was printed."""
    queues: tuple[int, ...]
    messages: int
    """Messages, repeated ones included. No measure of severity: see ``warn_once``."""
    warn_once: bool
    """This kernel prints the watchdog line for the first stall of a boot only; later stalls of any NIC are silent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A cause for one NIC (or for the host, interface None), with what speaks for it."""

    host: str | None
    interface: str | None
    driver: str | None
    bus: str | None
    cause: str
    """Id of the cause, ``file/id``; ``…/unexplained`` when nothing in the log says why."""
    title: str
    blames: Blame
    confidence: Confidence
    points: float
    reasons: tuple[str, ...]
    against: tuple[str, ...]
    explains: str
    settle: tuple[str, ...]
    """Commands that would prove it or rule it out."""
    sources: tuple[str, ...]
    remedies: tuple[RankedRemedy, ...]
    boot: int | None
    """The boot that shows it best."""
