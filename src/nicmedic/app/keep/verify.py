# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether what is kept is in force: read again, written down, and set again where that is wanted.

After a boot the network managers are waited for first, and whenever a link goes or comes back in the minutes after it is looked at once more: some
drivers, and NetworkManager, set things anew then. What was released meanwhile, or stands in an open transaction, is let alone.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nicmedic.app.keep.comparing import find_open, find_word
from nicmedic.app.treat import quietly
from nicmedic.model.errors import BusyError, NicmedicError
from nicmedic.model.host import Host
from nicmedic.model.keeping import Check, CheckWord, Kept, KeptState, OnDrift, Wish
from nicmedic.model.nic import Nic
from nicmedic.model.plan import Identity
from nicmedic.model.same_card import find_card
from nicmedic.model.transaction import Transaction
from nicmedic.persist.choosing import name_wish
from nicmedic.persist.expiry import find_expiry
from nicmedic.ports.clock import Clock
from nicmedic.ports.keeping import KeptStore
from nicmedic.ports.machine import Machine

__all__ = ["Verified", "VerifyEdges", "select_kept", "verify", "verify_boot"]

_LOOK_S = 2.0
_SAME_LOOKS = 3
"""So many looks in a row must show the same card before its manager is taken to be done."""
_SETTLE_S = 60.0
_FLAP_S = 180.0
"""So long after the first check flaps of the link are waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyEdges:
    """What checking needs of the outside."""

    machine: Machine
    clock: Clock
    store: KeptStore
    repair: Callable[[Host, Nic, Sequence[str]], object]
    """Set these remedies again on this card, by ``treat`` with the probes to confirm it; raises ``NicmedicError`` where that does not end well."""
    list_transactions: Callable[[], Sequence[Transaction]]
    """What is or was being changed on this host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was found of one kept remedy."""

    kept: Kept
    check: Check
    expiry: str | None = None
    """What it was made for and is another now."""
    trouble: tuple[str, ...] = ()
    """Why it could not be set again, or not be written down."""
    busy: bool = False
    """A transaction on the card is open: ``check`` only names it, and is not written down."""


def select_kept(store: KeptStore, host: Host, name: str | None) -> tuple[Kept, ...]:
    """Those that are kept; of one card only, if it is named, whatever it was called when they were kept."""
    kept = tuple(one for one in store.list_kept() if one.state is KeptState.KEPT)
    if name is None:
        return kept
    nic = host.find_nic(name)
    cards = {one.id: find_card(host.nics, one.nic) for one in kept}
    named = {one.id for one in kept if one.nic.interface == name and (nic is None or cards[one.id] is None)}
    return tuple(one for one in kept if one.id in named or (nic is not None and cards[one.id] == nic))


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


def _reread(edges: VerifyEdges, kept: Kept) -> Kept | None:
    """As it is on disk now; None: it is not kept any more."""
    return next((one for one in edges.store.list_kept() if one.id == kept.id and one.state is KeptState.KEPT), None)


def _repair_locked(edges: VerifyEdges, host: Host, kept: Kept, wishes: Sequence[Wish]) -> tuple[Host, tuple[str, ...]] | None:
    """Set it again while nobody can release it; None: somebody has."""
    try:
        with edges.store.hold_lock(patience_s=0.0):
            if _reread(edges, kept) is None:
                return None
            return _repair(edges, host, kept, wishes)
    except BusyError:
        return host, ("somebody keeps or releases something this moment, so it was not set again",)


def _verify_one(edges: VerifyEdges, host: Host, known: Kept, occasion: str, *, repair: bool) -> tuple[Host, Verified | None]:
    """None: it is not kept any more."""
    kept = _reread(edges, known)
    if kept is None:
        return host, None
    busy = find_open(edges.list_transactions(), kept.nic)
    if busy is not None:
        check = _check(edges, host, CheckWord.UNKNOWN, (busy,), occasion)
        return host, Verified(kept=kept, check=check, expiry=find_expiry(kept, host, find_card(host.nics, kept.nic)), busy=True)
    word, differences, wishes = find_word(kept, host)
    trouble: tuple[str, ...] = ()
    if word is CheckWord.DRIFTED and repair:
        repaired = _repair_locked(edges, host, kept, wishes)
        if repaired is None:
            return host, None
        host, trouble = repaired
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


def _verify_all(
    edges: VerifyEdges,
    host: Host,
    known: Sequence[Kept],
    occasion: str,
    repair: bool | None,  # noqa: FBT001  # as ``verify`` has it
) -> tuple[Host, tuple[Verified, ...]]:
    """Also the host, as it was read last."""
    found = []
    for kept in known:
        wanted = kept.on_drift is OnDrift.REPAIR if repair is None else repair
        host, verified = _verify_one(edges, host, kept, occasion, repair=wanted)
        found += [] if verified is None else [verified]
    return host, tuple(found)


def verify(edges: VerifyEdges, host: Host, known: Sequence[Kept], occasion: str, *, repair: bool | None) -> tuple[Verified, ...]:
    """Look once. What was released meanwhile is left out.

    Args:
        edges: of the machine.
        host: as it was just read.
        known: what is kept.
        occasion: for the record: ``operator``, ``boot``, ``link flap``.
        repair: set again what drifted; None: as each one's policy says.

    Raises:
        StateError: what is kept, or the transactions, cannot be read.
    """
    return _verify_all(edges, host, known, occasion, repair)[1]


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


def _await_flap(edges: VerifyEdges, host: Host, known: Sequence[Kept], until_s: float) -> bool:
    """Whether the link of one of these cards went or came back since ``host`` was read, or does before that time."""
    nics = [nic for kept in known if (nic := find_card(host.nics, kept.nic)) is not None]
    if not nics:
        return False
    names = [nic.interface for nic in nics]
    first = [nic.carrier_changes for nic in nics]
    while True:
        now = [look.carrier_changes for look in edges.machine.read_counters(names)]
        first = [count if before is None else before for before, count in zip(first, now, strict=True)]
        if now != first:
            return True
        if edges.clock.read_monotonic_s() >= until_s:
            return False
        edges.clock.wait_s(_LOOK_S)


def verify_boot(edges: VerifyEdges, name: str | None, *, repair: bool | None = None) -> tuple[Verified, ...]:
    """After a boot: when the managers are done, and again after each flap of a link in the minutes after.

    Each one's policy says what becomes of a drift. Returns what was found last, of that which is still kept.

    Raises:
        StateError: what is kept, or the transactions, cannot be read.
    """
    known = select_kept(edges.store, edges.machine.read_host(), name)
    if not known:
        return ()
    host, found = _verify_all(edges, _await_settled(edges, known), known, "boot", repair)
    until_s = edges.clock.read_monotonic_s() + _FLAP_S
    while known and _await_flap(edges, host, known, until_s):
        known = select_kept(edges.store, edges.machine.read_host(), name)
        host, found = _verify_all(edges, _await_settled(edges, known), known, "link flap", repair)
    return tuple(one for one in found if _reread(edges, one.kept) is not None)
