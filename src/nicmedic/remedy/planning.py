# SPDX-License-Identifier: GPL-2.0-or-later
"""A host, one of its cards, and what is wanted, into a plan: what would be done, in which order, and what is refused and why. Nothing is done.

What holds for every remedy stands here, so that no maker can forget it: the lock of networking, a card that fell off its bus, dangers that are known
of a driver, programs that are missing, and what could not be put back.
"""

import dataclasses
import difflib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from nicmedic.diagnosis.stall import find_stall
from nicmedic.knowledge.base import KnowledgeBase
from nicmedic.knowledge.values import Caution, Danger, Packages
from nicmedic.model.errors import NoSuchInterfaceError, UsageError
from nicmedic.model.finding import RemedyId, Trial
from nicmedic.model.host import Host
from nicmedic.model.nic import Nic
from nicmedic.model.plan import Change, Identity, Ladder, Plan, Refusal
from nicmedic.model.same_card import name_chip
from nicmedic.model.step import Run
from nicmedic.remedy.changes.boot import REFUSED
from nicmedic.remedy.changes.restart import REMAKES
from nicmedic.remedy.changes.site import Site, refuse, target_of
from nicmedic.remedy.changes.table import MAKERS
from nicmedic.remedy.ladder import Earlier, Rung, Seen, order_prevent, order_restore
from nicmedic.remedy.script.words import quote_word
from nicmedic.remedy.stack.losses import find_down_losses, find_losses
from nicmedic.remedy.stack.put_back import build_put_back
from nicmedic.remedy.target import Family, find_family

__all__ = ["EVERYTHING", "TOOLS", "build_identity", "build_plan", "choose_nic", "find_trials", "order_rungs", "parse_wanted"]

EVERYTHING: Final = tuple(str(remedy) for remedy in RemedyId)
"""What to want to be told of every remedy."""
TOOLS: Final = frozenset({"ethtool", "ip", "ifconfig", "modprobe", "grub-reboot", "grub2-reboot", "ha", "reboot"})
"""Programs whose absence makes a change impossible; what else a step names is part of every system."""
_PACKAGES: Final = {"ip": "iproute2", "modprobe": "kmod"}
_INSTALL: Final = {
    Family.DEBIAN: "apt-get install",
    Family.PROXMOX: "apt-get install",
    Family.RASPBERRY: "apt-get install",
    Family.DNF: "dnf install",
    Family.YUM: "yum install",
    Family.SUSE: "zypper install",
    Family.ARCH: "pacman -S",
    Family.OPENWRT: "opkg update && opkg install",
}
_BOOTS: Final = frozenset({RemedyId.REBOOT, RemedyId.KERNEL_PREVIOUS})
_RESTARTS: Final = REMAKES | {RemedyId.LINK_BOUNCE}
_OF_A_LOST_CARD: Final = _BOOTS | REMAKES
_RESTORE: Final = ("renegotiate", "link-bounce", "driver-rebind", "module-reload", "pci-reset", "pci-rescan")
_OFFLOADS: Final = ("tso", "gso", "lro", "gro", "txvlan", "rxvlan", "rx", "tx", "sg")
_MOST_NAMES = 12


def parse_wanted(text: str) -> tuple[RemedyId, str]:
    """``ID`` or ``ID:ARG`` of ``--remedy``.

    Raises:
        UsageError: there is no such remedy.
    """
    name, _, argument = text.partition(":")
    try:
        return RemedyId(name), argument.strip()
    except ValueError:
        near = difflib.get_close_matches(name, EVERYTHING, n=3, cutoff=0.5)
        message = f"--remedy {text}: there is no remedy of that name"
        raise UsageError(message, hint=f"perhaps {' or '.join(near)}" if near else "nicmedic plan IF   # tells which there are") from None


def _names_of(nic: Nic) -> Iterator[str | None]:
    yield from (nic.interface, nic.bus_address, nic.pcie.device.address if nic.pcie else None, *(nic.altnames or ()))


def choose_nic(host: Host, name: str) -> Nic:
    """The card of that name, alternative name, bus address or alias.

    Raises:
        NoSuchInterfaceError: there is none, or there are several, or what is called so is no card.
    """
    exact = [nic for nic in host.nics if nic.interface == name]
    found = exact or [nic for nic in host.nics if name in _names_of(nic)] or [nic for nic in host.nics if nic.alias and nic.alias == name]
    if len(found) == 1:
        return found[0]
    names = [nic.interface for nic in found or host.nics]
    if found:
        raise NoSuchInterfaceError(
            f"{name}: {' and '.join(names)} are called so", hint=f"name one of them: nicmedic plan {quote_word(names[0])}"
        )
    if any(link.interface == name for link in host.links):
        below = [nic.interface for nic in host.nics if any(upper.interface == name for upper in nic.uppers or ())]
        message = f"{name} is no network card" + (f"; it stands on {' and '.join(below)}" if below else "")
        raise NoSuchInterfaceError(message, hint=f"nicmedic plan {quote_word(below[0])}" if below else "nicmedic check   # lists the cards")
    listed = ", ".join(names[:_MOST_NAMES]) + (" …" if len(names) > _MOST_NAMES else "")
    message = f"{name}: there is no such network card; there {'is' if len(names) == 1 else 'are'} {listed or 'none'}"
    raise NoSuchInterfaceError(message, hint="nicmedic check   # lists them")


def build_identity(nic: Nic) -> Identity:
    """What makes the card the same after a rename or a new binding."""
    return Identity(
        interface=nic.interface,
        bus=nic.bus,
        bus_address=nic.bus_address,
        sysfs_path=nic.sysfs_path,
        dev_port=nic.dev_port,
        permanent_address=nic.permanent_address,
        driver=nic.driver,
        chip=name_chip(nic),
    )


def find_trials(nic: Nic, knowledge: KnowledgeBase) -> tuple[Trial, ...]:
    """What others told of this driver."""
    driver = knowledge.find_driver(nic.driver)
    return () if driver is None else driver.trials


def _prevent(nic: Nic, trials: Iterable[Trial]) -> Iterator[str]:
    """Every single factor of this card that a setting can take away, smaller sizes among them."""
    yield from (f"offload-off:{name}" for name in _OFFLOADS)
    yield from ("eee-off", "aspm-off", "runtime-pm-off", "interrupt-mode:coalesce=0")
    if nic.ring is not None and nic.ring.tx_max:
        yield f"ring:tx={max(64, nic.ring.tx // 2)}"
    yield "pause-off"
    told = [int(word) for trial in trials if trial.remedy is RemedyId.MTU for word in trial.arguments if word.isdecimal()]
    usual = 1500 if (nic.mtu or 0) > 1500 else 1400
    smaller = [size for size in told if 1280 <= size < (nic.mtu or 0)]
    yield f"mtu:{max(smaller, default=usual)}"
    yield "link-advertise-100"


def _find_seen(nic: Nic) -> Seen | None:
    """What the card showed when it was read, that speaks against rungs."""
    if nic.pcie is None or not find_stall(nic, ()).unreachable:
        return None
    return Seen.LOST if nic.pcie.device.lost else Seen.NO_BUS_MASTER


def order_rungs(
    ladder: Ladder, changes: Iterable[Change], trials: Sequence[Trial], earlier: Sequence[Earlier], nic: Nic | None = None
) -> tuple[Rung, ...]:
    """Changes in the order of their ladder, with the reasons for it; ``nic``: the card as it was read."""
    if ladder is Ladder.RESTORE:
        return order_restore(changes, trials, earlier, None if nic is None else _find_seen(nic))
    return order_prevent(changes, trials, earlier)


def _find_cautions(site: Site, remedy: RemedyId, knowledge: KnowledgeBase) -> tuple[Caution, ...]:
    """What is known of this driver and remedy without conditions that only a log could show; of all drivers the dangers: recipes tell the rest."""
    driver = knowledge.find_driver(site.nic.driver)
    shared = [caution for file in knowledge.shared for caution in file.cautions if caution.dangerous is not None]
    own = () if driver is None else driver.cautions
    return tuple(caution for caution in (*shared, *own) if caution.remedy is remedy and caution.when is None)


def _is_dangerous(caution: Caution, nic: Nic) -> bool:
    """Unknown counts as dangerous."""
    if caution.dangerous is Danger.NO_CARRIER:
        return nic.carrier is not True and (nic.flags is None or "UP" in nic.flags)
    return caution.dangerous is Danger.ALWAYS


def _find_missing(change: Change, tools: frozenset[str] | None) -> str | None:
    """A program that the change needs and that is not there."""
    if tools is None:
        return None
    for step in (*change.steps, *change.undo):
        if isinstance(step, Run) and step.needed:
            programs = [argv[0] for argv in (step.argv, step.otherwise) if argv]
            if not any(program in tools or program not in TOOLS for program in programs):
                return programs[0]
    return None


def _refuse_missing(site: Site, remedy: RemedyId, argument: str, program: str) -> Refusal:
    wanted = f"{remedy}:{argument}" if argument else remedy
    install = _INSTALL.get(find_family(target_of(site).distro))
    settle = [f"{install} {_PACKAGES.get(program, program)}"] if install else []
    prescribe = f"nicmedic prescribe {site.name} --remedy {wanted}   # a script that takes what is there"
    return refuse(remedy, argument, f"{program} is needed and not installed", settle=(*settle, prescribe))


def _refuse_here(site: Site, remedy: RemedyId, argument: str) -> Refusal | None:
    """What stands against every change of such a host or card."""
    name = site.name
    if site.host.locked is not None and remedy not in _BOOTS:
        reason = f"something holds the lock of all networking ({site.host.locked.detail or 'no answer'}): a command that sets anything waits for ever"
        return refuse(remedy, argument, reason, settle=(f"nicmedic check {name}", f"nicmedic plan {name} --remedy reboot"))
    if site.nic.pcie is not None and site.nic.pcie.device.lost and remedy not in _OF_A_LOST_CARD:
        reason = "the card has fallen off its bus: it answers nothing, so nothing can be set on it"
        return refuse(remedy, argument, reason, settle=(f"nicmedic plan {name} --remedy pci-rescan",))
    return None


def _find_losses(site: Site, change: Change) -> tuple[str, ...]:
    """What this change would lose for good."""
    if change.remedy in REMAKES:
        return find_losses(site.host, site.nic)
    return find_down_losses(site.host, site.nic) if change.takes_stack else ()


def _plan_one(site: Site, remedy: RemedyId, argument: str, knowledge: KnowledgeBase) -> Change | Refusal:
    """One remedy, with what holds for all."""
    if remedy in REFUSED:
        return MAKERS[remedy](site, argument)
    cautions = _find_cautions(site, remedy, knowledge)
    dangers = tuple(caution.text for caution in cautions if _is_dangerous(caution, site.nic))
    made = _refuse_here(site, remedy, argument) or MAKERS[remedy](site, argument)
    if isinstance(made, Refusal):
        return made
    missing = _find_missing(made, site.tools)
    if missing is not None:
        return _refuse_missing(site, remedy, argument, missing)
    lost = _find_losses(site, made)
    if (dangers or lost) and not site.told:
        return refuse(remedy, argument, *dangers, *lost, may_be_told=True)
    texts = (*made.risks, *(caution.text for caution in cautions if caution.text not in made.risks), *lost)
    return dataclasses.replace(made, risks=tuple(dict.fromkeys(texts)))


def _order(changes: Iterable[Change]) -> tuple[Change, ...]:
    """As asked for; but what makes the interface anew comes first, flow control after the link mode that advertises it, and a boot last."""
    return tuple(sorted(changes, key=lambda change: (change.boots, change.remedy not in _RESTARTS, change.remedy is RemedyId.PAUSE_OFF)))


def build_plan(  # noqa: PLR0913  # keyword-only, and each is a fact of its own
    host: Host,
    name: str,
    wanted: Sequence[str],
    *,
    knowledge: KnowledgeBase,
    ladder: Ladder | None = None,
    tools: frozenset[str] | None = None,
    accept_losses: bool = False,
    earlier: Sequence[Earlier] = (),
    machine_id: str | None = None,
) -> Plan:
    """The plan for one card. Without any change in it, its refusals say why.

    Args:
        host: as it was just read.
        name: of the card.
        wanted: remedies as ``--remedy`` has them; with a ladder, empty.
        knowledge: what is known of drivers.
        ladder: plan all its rungs, in its order.
        tools: programs that are installed, of ``TOOLS``; None: not known.
        accept_losses: what could not be put back is told as a risk, and no reason to refuse.
        earlier: what was tried here before.
        machine_id: ``/etc/machine-id``.

    Raises:
        NoSuchInterfaceError: there is no such card.
        UsageError: there is no such remedy, or remedies and a ladder are wanted.
    """
    if ladder is not None and wanted:
        raise UsageError("--remedy and --ladder: either, not both", hint=f"nicmedic plan {quote_word(name)} --ladder {ladder}")
    asked = [parse_wanted(text) for text in wanted]
    nic = choose_nic(host, name)
    trials = find_trials(nic, knowledge)
    if ladder is not None:
        asked = [parse_wanted(text) for text in (_RESTORE if ladder is Ladder.RESTORE else _prevent(nic, trials))]
    put_back, driver = build_put_back(host, nic), knowledge.find_driver(nic.driver)
    packages = Packages() if driver is None else driver.packages
    site = Site(nic=nic, host=host, put_back=put_back, tools=tools, told=accept_losses, packages=packages)
    made = [_plan_one(site, remedy, argument, knowledge) for remedy, argument in dict.fromkeys(asked)]
    changes = [one for one in made if isinstance(one, Change)]
    ordered = _order(changes) if ladder is None else tuple(rung.change for rung in order_rungs(ladder, changes, trials, earlier, nic))
    return Plan(
        nic=build_identity(nic),
        hostname=host.hostname,
        machine_id=machine_id,
        boot_id=host.boot_id,
        kernel_package=host.kernel_package,
        kernel_release=host.kernel_release,
        ladder=ladder,
        changes=ordered,
        refusals=tuple(one for one in made if isinstance(one, Refusal)),
        put_back=put_back,
        losses=find_losses(host, nic),
    )
