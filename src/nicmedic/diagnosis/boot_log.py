# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernel log of this boot says of one card: its hangs, and whether it came back from the last one."""

import dataclasses
from collections.abc import Sequence

from nicmedic.diagnosis.evidence import Evidence, same_bus
from nicmedic.kernlog.events import Fact
from nicmedic.model.checkup import Reason
from nicmedic.model.event import Event, EventKind
from nicmedic.model.finding import Hang
from nicmedic.model.host import Host
from nicmedic.model.nic import Nic

__all__ = ["NicLog", "find_boot", "find_lost", "select_facts", "select_log"]

_RESET_TAKES_S = 30.0
"""A link that goes down so soon after a hang went down with the driver's reset, not with the cable."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NicLog:
    """One card's part of the log."""

    events: tuple[Event, ...] = ()
    hangs: tuple[Hang, ...] = ()

    @property
    def last_hang_event(self) -> Event | None:
        """The last message that means a standstill."""
        return next((event for event in reversed(self.events) if event.hang), None)

    @property
    def stayed_away_since(self) -> Event | None:
        """The last message of a hang that nothing followed: no link came up, and none went down later for another reason.

        None too where silence means nothing: the driver never tells of links, nor told of a reset.
        """
        last = self.last_hang_event
        if last is None:
            return None
        after = self.events[self.events.index(last) + 1 :]
        if any(event.kind is EventKind.LINK_UP for event in after):
            return None
        if any(event.kind is EventKind.LINK_DOWN and not _is_soon(event, last) for event in after):
            return None
        tells = any(event.kind in (EventKind.LINK_UP, EventKind.LINK_DOWN, EventKind.RESET) for event in self.events)
        return last if tells else None

    @property
    def reset_failed(self) -> bool:
        """Whether the driver told of a reset after which it did not come back."""
        last = self.stayed_away_since
        return last is not None and any(event.kind is EventKind.RESET and _is_soon(last, event) for event in self.events)


def _is_soon(event: Event, after: Event) -> bool:
    if event.uptime_s is None or after.uptime_s is None:
        return False
    return abs(event.uptime_s - after.uptime_s) <= _RESET_TAKES_S


def find_boot(evidence: Evidence, host: Host) -> int | None:
    """The boot that the host is in: by its id, else the last that the log has; None: the log has none."""
    if host.boot_id is not None:
        wanted = host.boot_id.replace("-", "")
        found = next((boot.index for boot in evidence.boots if (boot.boot_id or "").replace("-", "") == wanted), None)
        if found is not None:
            return found
    return evidence.boots[-1].index if evidence.boots else None


def select_facts(evidence: Evidence, boot: int | None) -> Sequence[Fact]:
    """What the log of one boot told of chips and versions."""
    return tuple(fact for fact in evidence.facts if fact.boot == boot)


def find_lost(host: Host, evidence: Evidence, boot: int | None) -> tuple[Reason, ...]:
    """The last hang or loss of each card that one boot's log names, where the host has no card left; a card that is there tells more itself."""
    if host.nics or boot is None:
        return ()
    found: dict[str, Event] = {}
    for event in evidence.events:
        name = event.interface or event.bus
        if event.boot == boot and name is not None and event.same_as is None and (event.hang or event.kind is EventKind.DEVICE_LOST):
            found[name] = event
    return tuple(Reason(text=f"{name}: {event.text}", source=f"kernel log: line {event.line}") for name, event in found.items())


def _addresses(nic: Nic) -> frozenset[str]:
    carrier = None if nic.pcie is None else nic.pcie.device.address
    return frozenset(filter(None, (nic.bus_address, carrier)))


def select_log(nic: Nic, evidence: Evidence, boot: int | None) -> NicLog:
    """What one boot's log says of a card, under its name or, before it was renamed, its bus address."""
    names = {nic.interface, *(nic.altnames or ())}
    addresses = _addresses(nic)

    def is_own(event: Event) -> bool:
        if event.boot != boot or event.same_as is not None:
            return False
        if event.bus is not None and addresses:
            return any(same_bus(event.bus, address) for address in addresses)
        return event.interface in names

    events = tuple(event for event in evidence.events if is_own(event))
    own = {id(event) for event in events}
    hangs = tuple(hang for hang in evidence.hangs if hang.boot == boot and id(evidence.events[hang.events[0]]) in own)
    return NicLog(events=events, hangs=hangs)
