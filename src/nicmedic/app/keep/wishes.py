# SPDX-License-Identifier: GPL-2.0-or-later
"""What of a plan can be kept: settings that are read again by name. What is done once, and what needs a person, cannot."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Final

from nicmedic.model.errors import NoSuchTransactionError, RefusedError
from nicmedic.model.finding import RemedyId
from nicmedic.model.host import Host
from nicmedic.model.keeping import Wish
from nicmedic.model.plan import Change, Plan, Refusal, Setting
from nicmedic.model.transaction import State, Transaction, find_state
from nicmedic.remedy.ladder import name_change
from nicmedic.remedy.script.words import quote_word
from nicmedic.report.escape import escape_terminal

__all__ = ["build_boot_wish", "build_wishes", "choose_transaction", "list_risks", "split_boot_wishes"]

_ONCE: Final = frozenset(
    {
        RemedyId.RENEGOTIATE,
        RemedyId.LINK_BOUNCE,
        RemedyId.DRIVER_REBIND,
        RemedyId.MODULE_RELOAD,
        RemedyId.PCI_RESET,
        RemedyId.PCI_RESCAN,
        RemedyId.REBOOT,
        RemedyId.KERNEL_PREVIOUS,
    }
)
_INTERRUPT_WORDS: Final = {
    "irqpoll": ("irqpoll", ""),
    "irqfixup": ("irqfixup", ""),
    "noapic": ("noapic", ""),
    "nolapic": ("nolapic", ""),
    "pci=nomsi": ("pci", "nomsi"),
    "acpi=noirq": ("acpi", "noirq"),
    "intremap=off": ("intremap", "off"),
}
"""As ``remedy/system.py`` names them for whoever reads a log."""
_IOMMU_WORDS: Final = ("pt", "off", "soft")


def _find_parameter(remedy: RemedyId, argument: str) -> tuple[str, str] | None:
    """Parameter of the kernel's command line and its value; None: this remedy has none."""
    if remedy is RemedyId.ASPM_OFF:  # policy "performance" switches ASPM off wherever the kernel may (drivers/pci/pcie/aspm.c)
        return ("pcie_aspm.policy", "performance") if argument in {"", "boot"} else None
    if remedy is RemedyId.IOMMU:
        return ("iommu", argument or "pt") if (argument or "pt") in _IOMMU_WORDS else None
    return _INTERRUPT_WORDS.get(argument) if remedy is RemedyId.INTERRUPT_MODE else None


def build_boot_wish(refusal: Refusal, host: Host) -> Wish | None:
    """A remedy that no command brings about on this running host, as a parameter of the kernel's command line; None: it is none.

    ASPM that the firmware keeps to itself is left alone: no parameter switches that off.
    """
    parameter = _find_parameter(refusal.remedy, refusal.argument)
    if parameter is None:
        return None
    name, value = parameter
    if refusal.remedy is RemedyId.ASPM_OFF and (host.aspm is None or host.aspm.owner != "os" or host.aspm.policy == value):
        return None
    setting = Setting(name=f"cmdline.{name}", value=value)
    word = f"{name}={value}" if value else name
    return Wish(remedy=refusal.remedy, argument=refusal.argument, title=f"Boot with {word}", settings=(setting,))


def _find_reason(change: Change) -> str | None:
    """Why a change cannot be kept."""
    name = name_change(change)
    if change.remedy in _ONCE or change.boots:
        return f"{name} is done once, and leaves nothing that could be kept"
    if any(setting.name.startswith("interrupts.") for setting in change.wanted):
        return f"{name} is of interrupts by their numbers, which each boot gives anew"
    if not change.wanted:
        return f"{name} sets nothing that can be read again, so nobody could tell whether it holds"
    return None


def split_boot_wishes(plan: Plan, host: Host) -> tuple[Plan, tuple[Wish, ...]]:
    """A plan without the refusals of what only a boot can bring about, and that as wishes.

    Raises:
        RefusedError: something else is refused too.
    """
    found = [(refusal, build_boot_wish(refusal, host)) for refusal in plan.refusals]
    refused = [refusal for refusal, wish in found if wish is None]
    if refused:
        reasons = "; ".join(f"{name_change(one)}: {', '.join(one.reasons)}" for one in refused)
        hint = "\n".join(command for one in refused for command in one.settle)
        name = escape_terminal(plan.nic.interface)
        raise RefusedError(f"{name}: {reasons}", hint=hint or f"nicmedic plan {quote_word(plan.nic.interface)}   # what is possible")
    return dataclasses.replace(plan, refusals=()), tuple(wish for _, wish in found if wish is not None)


def _refuse_contradictions(plan: Plan) -> None:
    """Of two values of one setting only the later held; what that one was set over is not what was set before the first.

    Raises:
        RefusedError: there are such.
    """
    seen: dict[str, tuple[str, Change]] = {}
    for change in plan.changes:
        for setting in change.wanted:
            value, earlier = seen.setdefault(setting.name, (setting.value, change))
            if value == setting.value:
                continue
            name = escape_terminal(plan.nic.interface)
            told = f"{name_change(earlier)} sets {setting.name} to {value}, and {name_change(change)} to {setting.value}"
            again = f"nicmedic treat {quote_word(plan.nic.interface)} --remedy {quote_word(name_change(change))}"
            raise RefusedError(f"{name}: {told}; only one of them can be kept", hint=f"{again}   # alone, when this is undone")


def build_wishes(plan: Plan, wishes: Iterable[Wish] = ()) -> tuple[Wish, ...]:
    """The changes of a plan as what shall hold after every boot.

    Args:
        plan: with at least one change, or none if there are ``wishes``.
        wishes: which only a boot can bring about.

    Raises:
        RefusedError: one of them cannot be kept, or two of them set one thing differently.
    """
    reasons = [reason for change in plan.changes if (reason := _find_reason(change)) is not None]
    if reasons:
        raise RefusedError(
            f"{escape_terminal(plan.nic.interface)}: {'; '.join(reasons)}",
            hint=f"nicmedic plan {quote_word(plan.nic.interface)}   # what is possible",
        )
    _refuse_contradictions(plan)
    made = [
        Wish(
            remedy=change.remedy,
            argument=change.argument,
            title=change.title,
            settings=change.wanted,
            steps=change.steps,
            before=change.before,
            lift=change.undo,
        )
        for change in plan.changes
    ]
    return (*made, *wishes)


def list_risks(plan: Plan) -> tuple[str, ...]:
    """What may go wrong with what a plan sets, each with its remedy in front."""
    return tuple(f"{name_change(change)}: {risk}" for change in plan.changes for risk in change.risks)


def choose_transaction(known: Sequence[Transaction], number: int | None) -> Transaction:
    """The one of that number, else the newest that was confirmed.

    Raises:
        NoSuchTransactionError: there is none, it was not confirmed, or it took something away for a trial.
    """
    found = _choose(known, number)
    if found.plan.lifts is not None:
        name = escape_terminal(found.plan.nic.interface)
        told = f"transaction {found.id} on {name} is the trial that lifted what was kept under number {found.plan.lifts}"
        again = "nicmedic keep N   # with the number of the transaction that set what shall be kept; nicmedic transactions lists them"
        raise NoSuchTransactionError(f"{told}: it holds no remedy, but the card without it", hint=again)
    return found


def _choose(known: Sequence[Transaction], number: int | None) -> Transaction:
    hint = "nicmedic transactions   # all of them"
    if number is None:
        confirmed = [one for one in known if _was_confirmed(one)]
        if not confirmed:
            opened = [one for one in known if find_state(one).is_open]
            first = (
                f"nicmedic confirm {opened[-1].id}   # then nicmedic keep" if opened else "nicmedic treat IF --remedy ID   # try it first"
            )
            raise NoSuchTransactionError("no transaction was confirmed, so there is nothing that is known to hold", hint=first)
        return confirmed[-1]
    found = next((one for one in known if one.id == number), None)
    if found is None:
        raise NoSuchTransactionError(f"there is no transaction {number}", hint=hint)
    if not _was_confirmed(found):
        told = (
            f"transaction {number} on {escape_terminal(found.plan.nic.interface)} is {find_state(found)}; only what was confirmed is kept"
        )
        raise NoSuchTransactionError(told, hint=f"nicmedic transactions {number}   # all that happened")
    return found


def _was_confirmed(transaction: Transaction) -> bool:
    """Also in an earlier boot, with which its changes ended; not if it was undone afterwards."""
    state = find_state(transaction)
    return state is State.CONFIRMED or (state is State.REBOOTED and transaction.decided == "confirmed")
