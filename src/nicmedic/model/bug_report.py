# SPDX-License-Identifier: GPL-2.0-or-later
"""All that a bug report tells of one card, before it becomes mail, Markdown, HTML or JSON. Put together by ``nicmedic.app.bug_report``."""

from dataclasses import dataclass
from enum import StrEnum

from nicmedic.model.blame import ArmFigures, Blame, Comparison
from nicmedic.model.finding import Finding
from nicmedic.model.history import History

__all__ = ["BugReport", "Came", "Excerpt", "ExcerptLine", "HostFacts", "NicFacts", "Tried"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """The machine and its system when the report was made, or when the snapshot was."""

    hostname: str | None = None
    read_at: str | None = None
    """RFC 3339."""
    distro: str | None = None
    """``PRETTY_NAME`` of os-release."""
    distro_id: str | None = None
    """``debian``, ``ubuntu``, ``fedora``, …"""
    distro_version: str | None = None
    architecture: str | None = None
    """``x86_64``."""
    kernel_release: str | None = None
    kernel_version: str | None = None
    """``uname -v``."""
    kernel_package: str | None = None
    """Version of the running kernel's package."""
    command_line: str | None = None
    virtualization: str | None = None
    """``none``, ``xen-dom0``, ``kvm-guest``, …"""
    vendor: str | None = None
    product: str | None = None
    board: str | None = None
    bios_vendor: str | None = None
    bios_version: str | None = None
    bios_date: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NicFacts:
    """The card. Hardware addresses and serial numbers are never in it."""

    interface: str
    driver: str | None = None
    driver_version: str | None = None
    firmware_version: str | None = None
    bus: str | None = None
    """``pci``, ``usb``, ``virtio``, …"""
    bus_address: str | None = None
    vendor: str | None = None
    """Four hex digits, as all ids here; of PCI, or of USB."""
    device: str | None = None
    subsystem_vendor: str | None = None
    subsystem_device: str | None = None
    revision: str | None = None
    """Two hex digits of PCI, or ``bcdDevice`` of USB."""
    port_above: str | None = None
    """PCI ids of the port at the other end of the link: ``8086:8c10``."""
    settings: tuple[tuple[str, str], ...] = ()
    """What is set now, in ethtool's and the kernel's words: (``link``, ``1000 Mb/s full``), (``tx-tcp-segmentation``, ``on``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcerptLine:
    """One line of the kernel's log, as it was read: hostile text is made harmless where it is written down."""

    text: str
    """With its time, ``[  551.343210] NETDEV WATCHDOG: …``."""
    tells: bool = False
    """One of those that tell of the hang."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """The lines of one hang with what stands around them."""

    source: str
    """Which log they are from."""
    own: bool = True
    """Of the card that is reported, beyond doubt; False: nothing tells which card it is."""
    kernel_package: str | None = None
    """Of the boot in which that was; None: the log does not tell."""
    lines: tuple[ExcerptLine, ...] = ()
    left_out: int = 0
    """Further lines that tell of hangs or faults of this card and are not shown."""


class Came(StrEnum):
    """How something that was tried stands."""

    IN_FORCE = "in_force"
    """It is set, and confirmed."""
    WAITING = "waiting"
    """It is set, and nobody has confirmed it."""
    ENDED_BY_BOOT = "ended_by_boot"
    """It was set until the boot ended."""
    UNDONE = "undone"
    """It was set for a time, and taken back: not confirmed, or its probes failed, or somebody undid it."""
    UNDO_FAILED = "undo_failed"
    """It was to be taken back, and that failed."""
    NEVER_SET = "never_set"
    """It was planned; nothing was changed."""
    HELPED = "helped"
    """Done to bring traffic back, which flowed afterwards."""
    DID_NOT_HELP = "did_not_help"
    """Done to bring traffic back, which did not."""
    DONE = "done"
    """Done to bring traffic back; nobody looked whether it flowed."""
    KEPT = "kept"
    """It is written down to be set at every boot."""
    RELEASED = "released"
    """It was kept over boots, and is no more."""
    LIFTED = "lifted"
    """The other way round: a kept remedy was taken away for a trial, and not set again."""
    SET_AGAIN = "set_again"
    """As ``lifted``, and set again at the end of the trial."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One thing that was done to the card with nicmedic, and what came of it. What somebody typed by hand is not known."""

    remedies: tuple[str, ...]
    """As ``--remedy`` takes them: ``offload-off:tso``."""
    titles: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    came: Came
    began: str | None = None
    """RFC 3339; None: it was never set, or that is not known."""
    ended: str | None = None
    """None: it goes on, or was never set."""
    boot_id: str | None = None
    transaction: int | None = None
    incident: int | None = None
    """On behalf of which it was done."""
    kept: int | None = None
    """Number under which it is kept over boots, or was; of a trial, what it took away."""
    kernel_package: str | None = None
    detail: str = ""
    """What the journal says of its end."""
    hours: float | None = None
    """For which it was set, of this watched up to the first hang; None: not known."""
    before: ArmFigures | None = None
    """What was watched of the same kernel before, without anything set."""
    after: ArmFigures | None = None
    """What was watched while it was set."""
    hold: Comparison | None = None
    """Whether it held; None: nothing to compare, ``notes`` say why."""
    notes: tuple[str, ...] = ()
    """What limits the judgement, a sentence each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BugReport:
    """Everything, most important first."""

    made: str
    """RFC 3339."""
    nicmedic: str
    """Version of this program."""
    scrubbed: bool = False
    """Names, addresses and serial numbers were replaced by made-up ones."""
    interface: str | None = None
    """The card that is reported; None: hangs of all cards are counted together."""
    host: HostFacts | None = None
    """None: only logs or histories were handed in."""
    nic: NicFacts | None = None
    """None: it cannot be looked at, or none was named and several might be meant."""
    other_nics: tuple[NicFacts, ...] = ()
    history: History
    blame: Blame
    finding: Finding | None = None
    """The best of what the log gives."""
    excerpt: Excerpt | None = None
    tried: tuple[Tried, ...] = ()
    """In order of time."""
    unknowns: tuple[str, ...] = ()
    """What is not known, a sentence each."""
