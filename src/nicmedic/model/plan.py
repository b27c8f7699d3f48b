# SPDX-License-Identifier: GPL-2.0-or-later
"""What would be done to one network card, how it would be undone, what that risks, and what is refused and why.

Made by ``nicmedic.remedy``, carried out by ``nicmedic.app.treat``, written down by ``nicmedic.report`` and ``nicmedic.remedy.script``.
"""

from dataclasses import dataclass
from enum import StrEnum

from nicmedic.model.finding import RemedyId
from nicmedic.model.nic import Bus
from nicmedic.model.step import Step

__all__ = ["Change", "Identity", "Ladder", "Plan", "Refusal", "Setting"]


class Ladder(StrEnum):
    """In which order remedies are tried."""

    RESTORE = "restore"
    """Traffic back now."""
    PREVENT = "prevent"
    """So that it does not come back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What makes one card the same after a rename, a new binding, or a rescan of its bus. Never its name alone."""

    interface: str
    """Its name when this was read."""
    bus: Bus | None = None
    bus_address: str | None = None
    """Where ``bind`` wants it: ``0000:02:00.0``."""
    sysfs_path: str | None = None
    """Of the device, links resolved: ``/sys/devices/pci0000:00/…``."""
    dev_port: int | None = None
    """Which of several ports of one device (``dev_port``, since Linux 3.15)."""
    permanent_address: str | None = None
    """As ``ethtool -P`` prints it; None: the driver does not tell. Two that are known and differ are of two cards."""
    driver: str | None = None
    chip: str | None = None
    """Vendor and device of PCI or USB: ``10ec:8168``. Not part of what makes it the same card; None: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One thing that can be read again: before, wanted, after."""

    name: str
    """As ``nicmedic.remedy.settings`` reads it: ``mtu``, ``features.tx-tcp-segmentation``, ``link.autoneg``, ``power.control``."""
    value: str
    """In the words of the tool that sets it: ``1500``, ``on``, ``0x008``."""
    up_to: int | None = None
    """The driver may round a number up, to at most this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One remedy made concrete for one card, with its inverse."""

    remedy: RemedyId
    argument: str = ""
    """What stands after the colon of ``--remedy ID:ARG``; empty: none, or the usual."""
    title: str
    steps: tuple[Step, ...]
    """Carried out one after the other; for a change that takes the stack along they end with putting it back."""
    undo: tuple[Step, ...] = ()
    """Brings the former settings back, without the stack: that is the plan's ``put_back``. May be carried out twice."""
    before: tuple[Setting, ...] = ()
    """What is set now, of that which ``wanted`` speaks of."""
    wanted: tuple[Setting, ...] = ()
    """What must be read afterwards."""
    disruption: str = ""
    """A word of ``nicmedic.remedy.recipe.DISRUPTIONS``."""
    settle_s: int = 5
    """How long traffic may be away without anything being wrong: a link that negotiates, a driver that starts."""
    takes_stack: bool = False
    """Addresses, routes, memberships and settings may go with it."""
    risks: tuple[str, ...] = ()
    """What may go wrong, a sentence each."""
    boots: bool = False
    """Needs a reboot: planned here, carried out by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A remedy that is not carried out on this card, with every reason."""

    remedy: RemedyId
    argument: str = ""
    reasons: tuple[str, ...]
    settle: tuple[str, ...] = ()
    """Commands that show it, or that would lift the reason."""
    may_be_told: bool = False
    """``--accept-losses`` lifts it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """For one card: what is to be done in this order, and what is not."""

    nic: Identity
    hostname: str | None = None
    machine_id: str | None = None
    """``/etc/machine-id``: a prescription refuses another host; None: this one has none."""
    boot_id: str | None = None
    kernel_package: str | None = None
    kernel_release: str | None = None
    """``uname -r``; a transaction of an older nicmedic has none."""
    ladder: Ladder | None = None
    changes: tuple[Change, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    put_back: tuple[Step, ...] = ()
    """Puts everything back that stood on the card; each step does nothing where it still stands. After any undo."""
    losses: tuple[str, ...] = ()
    """What could not be put back if the stack went: a sentence each. A change that takes the stack is refused then, unless told."""
    lifts: int | None = None
    """Number of the kept remedy that this takes away for a trial (``release --trial``), to see whether it is needed; None: it sets something."""
