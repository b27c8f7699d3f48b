# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether a card takes frames and sends none, from two or three looks at its counters.

The kernel's own watchdog is no help within a second: it speaks after 5 s, only where a queue was stopped, and never for a driver without
``ndo_tx_timeout`` (net/sched/sch_generic.c ``dev_watchdog``). What shows it at once, each rule with why it cannot be load:

- **bytes in flight that nobody reports as sent** (BQL, lib/dynamic_queue_limits.c, ``inflight`` = queued - completed). Between two looks it can only
  grow by what the queueing discipline handed over, and only shrink by completions. So if it was above 0 and grew by at least 42 bytes (the
  shortest frame as the stack knows it) for each packet handed over since, nothing was completed in between. At full load packets are handed
  over by the thousand while ``inflight`` stays below its limit, so that never holds. A frame leaves within 2 ms even at 10 Mb/s; a second is ample.
- **a backlog from which nothing is taken**: packets wait in the queueing discipline at all looks and none was dequeued. A discipline that may hold
  packets back by itself (tbf, netem, htb, fq …) says nothing.
- **frames handed over and not counted as sent**, for drivers without BQL that count a frame when the card has sent it (see ``completions``):
  the discipline handed over packets before the second look, and 0.2 s after it still none was counted.
- **a transmit watchdog that fires**: ``tx_timeout`` rose (since Linux 3.3, ccf5ff69fbbd).
- **a card that may not or cannot reach memory**: the bus-master bit of its PCI command register is off while the interface is up and awake and no
  counter moves, or its configuration space answers all ones.

What these rules cannot see: a driver without BQL whose single frame is stuck while nothing else is sent. ``Stall.blind`` says so.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from itertools import pairwise

from nicmedic.diagnosis.completions import COUNTS_COMPLETIONS
from nicmedic.diagnosis.hold_back import MAY_HOLD_BACK
from nicmedic.model.checkup import Reason
from nicmedic.model.counters import Counters, QueueCounters
from nicmedic.model.nic import Nic

__all__ = ["Stall", "find_stall", "wants_another_look"]

LEAST_S = 0.45
"""Looks less far apart prove nothing. Half a second asked for may come out a little shorter."""
_SHORTEST_FRAME = 42
_PROGRAMMED_IO = frozenset({"ne2k-pci", "ne2k_pci"})
"""Cards on PCI that never master the bus."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stall:
    """What the looks show."""

    reasons: tuple[Reason, ...] = ()
    """Each alone means that it stands still; empty: it does not, as far as can be seen."""
    firing: bool = False
    """The transmit watchdog expired between the looks."""
    unreachable: bool = False
    """The card may not or cannot reach memory, which no pause frame and no busy host explains."""
    moved: tuple[Reason, ...] = ()
    """What shows that it works."""
    pending: tuple[Reason, ...] = ()
    """What waited at the only look, so that a second would decide."""
    blind: bool = False
    """A frame that is stuck in the card would not show: the driver keeps no byte queue limits."""
    elapsed_s: float = 0.0


def _delta(first: int | None, last: int | None) -> int | None:
    return None if first is None or last is None else last - first


def _queue(look: Counters, index: int) -> QueueCounters | None:
    return next((queue for queue in look.queues if queue.index == index), None)


def _is_up(nic: Nic, looks: Sequence[Counters]) -> bool:
    carrier = [look.carrier for look in looks] if looks else [nic.carrier]
    return not any(one is False for one in carrier) and (nic.flags is None or "UP" in nic.flags)


def _through_queue(looks: Sequence[Counters], index: int) -> list[QueueCounters] | None:
    found = [_queue(look, index) for look in looks]
    return [queue for queue in found if queue is not None] if all(queue is not None for queue in found) else None


def _is_frozen(queues: Sequence[QueueCounters], looks: Sequence[Counters]) -> bool:
    """Whether nothing can have been completed in this queue between any two looks."""
    if not queues[0].inflight:
        return False
    for (before, after), (look, later) in zip(pairwise(queues), pairwise(looks), strict=True):
        grown, handed = _delta(before.inflight, after.inflight), _delta(before.packets, after.packets)
        if grown is None or grown < 0:
            return False
        if handed is None:
            if grown or _delta(look.tx_packets, later.tx_packets) != 0:
                return False
        elif handed < 0 or grown < _SHORTEST_FRAME * handed:
            return False
    return True


def _is_stuck(queues: Sequence[QueueCounters]) -> bool:
    """Whether packets wait all the time and none is taken out."""
    return all(queue.backlog_bytes for queue in queues) and _delta(queues[0].packets, queues[-1].packets) == 0


def _holds_back(nic: Nic) -> bool:
    return any(qdisc.kind in MAY_HOLD_BACK for qdisc in nic.qdiscs or ())


def _standing_queues(nic: Nic, looks: Sequence[Counters], elapsed: str) -> Iterator[Reason]:
    for index in (queue.index for queue in looks[0].queues):
        queues = _through_queue(looks, index)
        if queues is None:
            continue
        if _is_frozen(queues, looks):
            yield Reason(
                text=f"{queues[-1].inflight} bytes of queue {index} are in flight, and none was reported as sent within {elapsed}",
                source=f"queues/tx-{index}/byte_queue_limits/inflight",
            )
        if _is_stuck(queues) and not _holds_back(nic):
            yield Reason(
                text=f"{queues[-1].qlen} packets ({queues[-1].backlog_bytes} bytes) wait for queue {index}, and none was taken within {elapsed}",
                source="tc -s qdisc",
            )


def _standing_card(nic: Nic, looks: Sequence[Counters], elapsed: str) -> Iterator[Reason]:
    """What shows over the whole card, where there is nothing to be had of its queues."""
    first, last = looks[0], looks[-1]
    if _delta(first.tx_packets, last.tx_packets) != 0:
        return
    if all(queue.packets is None for queue in first.queues) and all(look.backlog_bytes for look in looks) and not _holds_back(nic):
        yield Reason(
            text=f"{last.qlen} packets wait ({last.backlog_bytes} bytes), and none was sent within {elapsed}", source="tc -s qdisc"
        )
    if nic.driver in COUNTS_COMPLETIONS and len(looks) > 2:
        handed = _handed(first, looks[-2])
        if handed > 0:
            yield Reason(
                text=f"{handed} packets were handed to the driver within {elapsed}, and none was counted as sent", source="tx_packets"
            )


def _handed(first: Counters, last: Counters) -> int:
    """Packets that the queueing disciplines gave to the driver."""
    return sum(_delta(queue.packets, later.packets) or 0 for queue in first.queues if (later := _queue(last, queue.index)))


def wants_another_look(nic: Nic, looks: Sequence[Counters]) -> bool:
    """Whether two looks show something that a third, a moment later, must confirm."""
    if nic.driver in COUNTS_COMPLETIONS and _delta(looks[0].tx_packets, looks[-1].tx_packets) == 0 and _handed(looks[0], looks[-1]) > 0:
        return True
    return bool(find_stall(nic, looks).reasons)


def _unreachable(nic: Nic, looks: Sequence[Counters]) -> Reason | None:
    device = None if nic.pcie is None else nic.pcie.device
    if device is None or (nic.flags is not None and "UP" not in nic.flags):
        return None
    if device.lost:
        return Reason(text=f"{device.address} answers with all ones: the host has lost it", source="PCI configuration space")
    awake = (nic.power is None or nic.power.runtime_status != "suspended") and device.power_state in (None, "D0", "unknown")
    master = looks[-1].bus_master if looks else device.bus_master
    if master is not False or device.bus_master is not False or not awake or nic.driver in _PROGRAMMED_IO:
        return None
    if len(looks) > 1 and any(_delta(getattr(looks[0], name), getattr(looks[-1], name)) for name in ("tx_packets", "rx_packets")):
        return None
    return Reason(
        text=f"{device.address} may not reach memory: its bus-master bit is off although the interface is up",
        source="PCI command register (lspci -vv: BusMaster-)",
    )


def _motion(looks: Sequence[Counters], elapsed: str) -> Iterator[Reason]:
    for name, verb in (("tx_packets", "sent"), ("rx_packets", "received")):
        number = _delta(getattr(looks[0], name), getattr(looks[-1], name))
        if number:
            yield Reason(text=f"{number} packets were {verb} within {elapsed}", source=f"statistics/{name}")


def _pending(nic: Nic, looks: Sequence[Counters]) -> Iterator[Reason]:
    """What waited at a single look."""
    if looks:
        flights = [(queue.index, queue.inflight, queue.backlog_bytes) for queue in looks[0].queues]
    else:
        flights = [(queue.index, None if queue.bql is None else queue.bql.inflight, None) for queue in nic.tx_queues or ()]
    for index, inflight, backlog in flights:
        if inflight:
            yield Reason(text=f"{inflight} bytes of queue {index} were in flight", source=f"queues/tx-{index}/byte_queue_limits/inflight")
        if backlog:
            yield Reason(text=f"{backlog} bytes waited for queue {index}", source="tc -s qdisc")
    if not looks and any(qdisc.parent == "root" and qdisc.backlog_bytes for qdisc in nic.qdiscs or ()):
        yield Reason(text="packets waited in the queueing discipline", source="tc -s qdisc")


def _is_blind(nic: Nic, looks: Sequence[Counters]) -> bool:
    """A driver with BQL has a limit above 0 as soon as it has sent something."""
    limits = [queue.bql.limit for queue in nic.tx_queues or () if queue.bql is not None]
    sent = (nic.statistics or {}).get("tx_packets", 0)
    return not any(limits) and bool(sent) and not any(queue.inflight for look in looks for queue in look.queues)


def find_stall(nic: Nic, looks: Sequence[Counters]) -> Stall:
    """Hold the looks against each other, oldest first; with fewer than two only what one moment shows."""
    blind, unreachable = _is_blind(nic, looks), _unreachable(nic, looks)
    certain = () if unreachable is None else (unreachable,)
    elapsed_s = looks[-1].monotonic_s - looks[0].monotonic_s if looks else 0.0
    if elapsed_s < LEAST_S:
        pending = tuple(_pending(nic, looks)) if _is_up(nic, looks) else ()
        return Stall(reasons=certain, unreachable=bool(certain), pending=pending, blind=blind)
    elapsed = f"{elapsed_s:.1f} s"
    fired = _delta(_timeouts(looks[0]), _timeouts(looks[-1])) or 0
    reasons: list[Reason] = []
    if fired > 0:
        reasons.append(Reason(text=f"the transmit watchdog expired within {elapsed}", source="queues/tx-*/tx_timeout"))
    if _is_up(nic, looks) and looks[0].carrier_changes == looks[-1].carrier_changes:
        reasons += [*_standing_queues(nic, looks, elapsed), *_standing_card(nic, looks, elapsed)]
    return Stall(
        reasons=(*certain, *reasons),
        firing=fired > 0,
        unreachable=bool(certain),
        moved=tuple(_motion(looks, elapsed)),
        blind=blind,
        elapsed_s=elapsed_s,
    )


def _timeouts(look: Counters) -> int | None:
    counts = [queue.tx_timeout for queue in look.queues if queue.tx_timeout is not None]
    return sum(counts) if counts else None
