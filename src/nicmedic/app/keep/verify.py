# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether what is kept is in force: read again, written down, and set again where that is wanted.

After a boot the network managers are waited for first, and a link that goes and comes back in the minutes after is looked at once more: some drivers,
and NetworkManager, set things anew then.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nicmedic.app.treat import quietly
from nicmedic.model.errors import NicmedicError
from nicmedic.model.host import Host
from nicmedic.model.keeping import Check, CheckWord, Kept, KeptState, OnDrift, Wish
from nicmedic.model.nic import Nic
from nicmedic.model.plan import Identity
from nicmedic.model.same_card import find_card, is_same_kind
from nicmedic.persist.choosing import name_wish
from nicmedic.persist.expiry import find_expiry
from nicmedic.ports.clock import Clock
from nicmedic.ports.keeping import KeptStore
from nicmedic.ports.machine import Machine
from nicmedic.remedy.settings import find_differences

__all__ = ["Verified", "VerifyEdges", "find_word", "select_kept", "verify", "verify_boot"]

_LOOK_S = 2.0
_SAME_LOOKS = 3
"""So many looks in a row must show the same card before its manager is taken to be done."""
_SETTLE_S = 60.0
_FLAP_S = 180.0
"""So long after the first check a flap of the link is waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyEdges:
    """What checking needs of the outside."""

    machine: Machine
    clock: Clock
    store: KeptStore
    repair: Callable[[Host, Nic, Sequence[str]], object]
    """Set these remedies again on this card, by ``treat`` with the probes to confirm it; raises ``NicmedicError`` where that does not end well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was found of one kept remedy."""

    kept: Kept
    check: Check
    expiry: str | None = None
    """What it was made for and is another now."""
    trouble: tuple[str, ...] = ()
    """Why it could not be set again, or not be written down."""


def select_kept(store: KeptStore, host: Host, name: str | None) -> tuple[Kept, ...]:
    """Those that are kept; of one card only, if it is named, whatever it was called when they were kept."""
    kept = tuple(one for one in store.list_kept() if one.state is KeptState.KEPT)
    if name is None:
        return kept
    nic = host.find_nic(name)
    cards = {one.id: find_card(host.nics, one.nic) for one in kept}
    return tuple(one for one in kept if (cards[one.id] is not None and cards[one.id] == nic) or (nic is None and one.nic.interface == name))


def _find_wish_differences(wish: Wish, nic: Nic, host: Host) -> tuple[str, ...] | None:
    """None: it names a setting that this version of nicmedic does not know."""
    try:
        return find_differences(wish.settings, nic, host)
    except KeyError:
        return None


def find_word(kept: Kept, host: Host) -> tuple[CheckWord, tuple[str, ...], tuple[Wish, ...]]:
    """Whether it is in force, what is not as it should be, and which wishes that concerns."""
    nic = find_card(host.nics, kept.nic)
    if nic is None:
        return CheckWord.UNKNOWN, ("the card is not there",), ()
    if host.locked is not None:
        return CheckWord.UNKNOWN, ("something holds the lock of all networking, so nothing can be read",), ()
    if not is_same_kind(kept.nic, nic):
        return CheckWord.UNKNOWN, ("another card is in its place",), ()
    read = [(wish, _find_wish_differences(wish, nic, host)) for wish in kept.wishes]
    if any(found is None for _, found in read):
        return CheckWord.UNKNOWN, ("a newer nicmedic has kept a setting that this one does not know",), ()
    drifted = [(wish, found) for wish, found in read if found]
    if not drifted:
        return CheckWord.IN_FORCE, (), ()
    return CheckWord.DRIFTED, tuple(one for _, found in drifted for one in found), tuple(wish for wish, _ in drifted)


def _check(edges: VerifyEdges, host: Host, word: CheckWord, differences: tuple[str, ...], occasion: str) -> Check:
    return Check(
        time=edges.clock.read_now().isoformat(timespec="seconds"),
        boot_id=host.boot_id,
        kernel_package=host.kernel_package,
        word=word,
        differences=differences,
        occasion=occasion,
    )


def _repair(edges: VerifyEdges, host: Host, kept: Kept, wishes: Sequence[Wish]) -> tuple[Host, tuple[str, ...]]:
    """Set again what a command can; the host afterwards, and what went wrong."""
    nic = find_card(host.nics, kept.nic)
    names = [name_wish(wish) for wish in wishes if wish.steps]
    boots = [name_wish(wish) for wish in wishes if not wish.steps]
    trouble = [f"{', '.join(boots)} takes a boot"] if boots else []
    if nic is not None and names:
        failed = quietly(lambda: edges.repair(host, nic, names))
        trouble += [failed] if failed else []
        host = edges.machine.read_host()
    return host, tuple(trouble)


def _verify_one(edges: VerifyEdges, host: Host, kept: Kept, occasion: str, *, repair: bool) -> tuple[Host, Verified]:
    word, differences, wishes = find_word(kept, host)
    trouble: tuple[str, ...] = ()
    if word is CheckWord.DRIFTED and repair:
        host, trouble = _repair(edges, host, kept, wishes)
        after, left, _ = find_word(kept, host)
        word = CheckWord.REPAIRED if after is CheckWord.IN_FORCE else after
        differences = differences if word is CheckWord.REPAIRED else left
    check = _check(edges, host, word, differences, occasion)
    try:
        kept = edges.store.add_check(kept, check)
    except NicmedicError as error:
        trouble = (*trouble, f"this cannot be written down: {error.message}")
        kept = dataclasses.replace(kept, checks=(*kept.checks, check))
    return host, Verified(kept=kept, check=check, expiry=find_expiry(kept, host, find_card(host.nics, kept.nic)), trouble=trouble)


def verify(edges: VerifyEdges, host: Host, known: Sequence[Kept], occasion: str, *, repair: bool | None) -> tuple[Verified, ...]:
    """Look once.

    Args:
        edges: of the machine.
        host: as it was just read.
        known: what is kept.
        occasion: for the record: ``operator``, ``boot``, ``link flap``.
        repair: set again what drifted; None: as each one's policy says.
    """
    found = []
    for kept in known:
        wanted = kept.on_drift is OnDrift.REPAIR if repair is None else repair
        host, verified = _verify_one(edges, host, kept, occasion, repair=wanted)
        found.append(verified)
    return tuple(found)


def _picture(host: Host, card: Identity) -> tuple[object, ...] | None:
    """What a manager still changes while it is at work; None: it is at work for sure."""
    nic = find_card(host.nics, card)
    if nic is None or nic.carrier is not True or nic.addresses is None:
        return None
    if any("tentative" in address.flags for address in nic.addresses):
        return None
    addresses = tuple((address.address, address.prefix_length) for address in nic.addresses)
    return nic.ifindex, nic.flags, nic.mtu, nic.carrier_changes, addresses


def _await_settled(edges: VerifyEdges, known: Sequence[Kept]) -> Host:
    """The host once nothing about these cards changes any more, or their time is over."""
    until = edges.clock.read_monotonic_s() + _SETTLE_S
    last: tuple[object, ...] = ()
    same = 0
    while True:
        host = edges.machine.read_host()
        now = tuple(_picture(host, kept.nic) for kept in known)
        same = same + 1 if now == last and None not in now else 1
        last = now
        if same >= _SAME_LOOKS or edges.clock.read_monotonic_s() >= until:
            return host
        edges.clock.wait_s(_LOOK_S)


def _await_flap(edges: VerifyEdges, host: Host, known: Sequence[Kept]) -> bool:
    """Whether the link of one of these cards went or came back within the time."""
    names = [nic.interface for kept in known if (nic := find_card(host.nics, kept.nic)) is not None]
    if not names:
        return False
    until = edges.clock.read_monotonic_s() + _FLAP_S
    first = [look.carrier_changes for look in edges.machine.read_counters(names)]
    while edges.clock.read_monotonic_s() < until:
        edges.clock.wait_s(_LOOK_S)
        if [look.carrier_changes for look in edges.machine.read_counters(names)] != first:
            return True
    return False


def verify_boot(edges: VerifyEdges, name: str | None, *, repair: bool | None = None) -> tuple[Verified, ...]:
    """After a boot: when the managers are done, and once more if a link flaps in the minutes after. Each one's policy says what becomes of a drift.

    Returns what was found last.
    """
    known = select_kept(edges.store, edges.machine.read_host(), name)
    if not known:
        return ()
    found = verify(edges, _await_settled(edges, known), known, "boot", repair=repair)
    host = edges.machine.read_host()
    if not _await_flap(edges, host, known):
        return found
    again = [one.kept for one in found]
    return verify(edges, _await_settled(edges, again), again, "link flap", repair=repair)
