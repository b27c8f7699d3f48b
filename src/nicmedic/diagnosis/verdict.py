# SPDX-License-Identifier: GPL-2.0-or-later
"""One word for each card: what it is doing now, else what it did in this boot, else what may bite it.

In this order; the first that holds is the verdict, and what the others show is told too:

1. ``unknown``: the interface went away, or became another one, between the looks.
2. ``hung``: the looks show it (``stall``), unless something else explains them (3); or the log of this boot ends with a hang from which the card
   did not come back: it has no carrier, or was taken down by its driver, its counters stand still, and no link came up since. So do e1000e after
   ``Reset adapter``, e100 after the watchdog and vmxnet3 after ``Failed to activate dev`` (seen with Debian's 6.1.192).
3. ``elsewhere``: it stands still because the partner sends pause frames, or because this host has no processor for it: our own wait of a second took
   much longer. A card that may not reach memory is hung all the same.
4. ``link_down``: no carrier, or switched off.
5. ``elsewhere``: the card works, and the gateway behind it does not answer (its neighbour entry is failed or incomplete).
6. ``was_hung``: the log or ``tx_timeout`` tells of a hang in this boot.
7. ``at_risk``: see ``risk`` and ``duplex``.
8. ``unknown``: something waited at the only look there was, or nothing is known of its queues. ``healthy``: nothing of all this.

At full load bytes are in flight at each look, and the card is healthy, for packets move. No frame is sent to find out: what only a frame would
show is left open, and said.
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence

from nicmedic.diagnosis.boot_log import NicLog
from nicmedic.diagnosis.duplex import find_duplex_mismatch
from nicmedic.diagnosis.stall import Stall, find_stall
from nicmedic.model.checkup import NicVerdict, Reason, Risk, Verdict
from nicmedic.model.counters import Counters
from nicmedic.model.explanation import Unknown
from nicmedic.model.host import Host
from nicmedic.model.names import shell_name
from nicmedic.model.nic import Nic
from nicmedic.model.note import Lack
from nicmedic.model.stack import Neighbour

__all__ = ["Case", "judge_nic"]

_LATE_S = 0.5
"""Our own wait took so much longer than asked: this host has no processor to spare."""
_PAUSED = re.compile(r"rx.*(?:pause|xoff|flow_control)|pause.*rx")
_DRIVER_TIMEOUTS = re.compile(r"(?:^|_)tx_timeouts?(?:_count|_cnt)?$")
_NOT_ANSWERING = frozenset({"failed", "incomplete"})
_ANSWERING = frozenset({"reachable", "delay", "permanent", "noarp"})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that one card is judged by."""

    nic: Nic
    host: Host
    looks: Sequence[Counters] = ()
    """Oldest first; two or three, or none."""
    later_statistics: Mapping[str, int] | None = None
    """``ethtool -S`` once more, after the looks; None: there was no reason to."""
    late_s: float = 0.0
    """By how much the waits between the looks took longer than asked."""
    log: NicLog = dataclasses.field(default_factory=NicLog)
    risks: tuple[Risk, ...] = ()
    settle: tuple[Unknown, ...] = ()


def judge_nic(case: Case) -> NicVerdict:
    """The verdict on one card."""
    stall = find_stall(case.nic, case.looks)
    mismatch = find_duplex_mismatch(case.nic)
    risks = (*((mismatch,) if mismatch is not None else ()), *case.risks)
    history = tuple(_history(case))
    verdict, headline, reasons = _decide(case, stall, history, risks)
    others = [reason for reason in (*history, *stall.moved) if reason not in reasons]
    return NicVerdict(
        interface=case.nic.interface,
        verdict=verdict,
        headline=headline,
        reasons=(*reasons, *others),
        risks=risks,
        settle=(*_settle(case, stall, verdict), *case.settle),
        wanted=verdict is not Verdict.LINK_DOWN or _is_switched_on(case.nic),
    )


Decision = tuple[Verdict, str, tuple[Reason, ...]]


def _decide(case: Case, stall: Stall, history: tuple[Reason, ...], risks: tuple[Risk, ...]) -> Decision:
    gone = _find_gone(case)
    if gone is not None:
        return Verdict.UNKNOWN, gone.text, (gone,)
    now = _decide_now(case, stall)
    if now is not None:
        return now
    if history:
        return Verdict.WAS_HUNG, history[0].text, history
    if risks:
        more = f" (and {len(risks) - 1} more)" if len(risks) > 1 else ""
        return Verdict.AT_RISK, f"works; at risk: {risks[0].title}{more}", tuple(risks[0].reasons)
    if stall.pending:
        return Verdict.UNKNOWN, f"{stall.pending[0].text} at the only look", stall.pending
    if stall.moved:
        return Verdict.HEALTHY, stall.moved[0].text, stall.moved
    if not case.looks and not case.nic.qdiscs and (stall.blind or not any(queue.bql is not None for queue in case.nic.tx_queues or ())):
        nothing = Reason(text="nothing is known of its queues", source=f"/sys/class/net/{case.nic.interface}/queues")
        return Verdict.UNKNOWN, nothing.text, (nothing,)
    quiet = Reason(text="nothing waits to be sent", source="queues/tx-*/byte_queue_limits/inflight, tc -s qdisc")
    return Verdict.HEALTHY, quiet.text, (quiet,)


def _decide_now(case: Case, stall: Stall) -> Decision | None:
    if stall.reasons:
        excuse = None if stall.unreachable else _find_excuse(case)
        if excuse is not None:
            return Verdict.ELSEWHERE, excuse.text, (excuse, *stall.reasons)
        return Verdict.HUNG, f"hangs now: {stall.reasons[0].text}", stall.reasons
    reset = _find_failed_reset(case)
    if reset is not None:
        return Verdict.HUNG, f"hangs now: {reset.text}", (reset,)
    down = _find_link_down(case)
    if down is not None:
        return Verdict.LINK_DOWN, down.text, (down,)
    silent = _find_silent_gateway(case)
    if silent is not None:
        return Verdict.ELSEWHERE, silent.text, (silent,)
    return None


def _find_gone(case: Case) -> Reason | None:
    for look in case.looks:
        if look.ifindex is None or look.ifindex != (case.nic.ifindex or look.ifindex):
            return Reason(text="it vanished or was renamed while it was looked at", source=f"/sys/class/net/{case.nic.interface}")
    note = next((note for note in case.nic.notes if note.why is Lack.GONE), None)
    return None if note is None else Reason(text=note.detail or "it vanished while it was read", source="netlink")


def _is_switched_on(nic: Nic) -> bool:
    return nic.flags is None or "UP" in nic.flags


def _carrier(case: Case) -> bool | None:
    return case.looks[-1].carrier if case.looks else case.nic.carrier


def _find_excuse(case: Case) -> Reason | None:
    """What makes a card stand still that is in order."""
    if case.late_s > _LATE_S:
        text = f"this host has no processor to spare: our own wait took {case.late_s:.1f} s longer than asked"
        return Reason(text=text, source="clock")
    before = case.nic.driver_statistics or {}
    for name, count in (case.later_statistics or {}).items():
        rise = count - before.get(name, count)
        if rise > 0 and _PAUSED.search(name):
            return Reason(text=f"the partner told it to pause ({rise} pause frames received meanwhile)", source=f"ethtool -S: {name}")
    return None


def _find_failed_reset(case: Case) -> Reason | None:
    """A card that did not come back from the driver's own reset has no carrier, and is no less hung for that."""
    last = case.log.stayed_away_since
    if last is None or (_carrier(case) and _is_switched_on(case.nic)):
        return None
    if not _is_switched_on(case.nic) and not case.log.reset_failed:
        return None
    if len(case.looks) > 1 and any(getattr(case.looks[0], name) != getattr(case.looks[-1], name) for name in ("tx_packets", "rx_packets")):
        return None
    at = f" {last.uptime_s:.0f} s after boot" if last.uptime_s is not None else ""
    state = "has no carrier" if _is_switched_on(case.nic) else "was taken down by its driver"
    return Reason(text=f"it {state} and is silent since its hang{at}; no link came up since", source=f"kernel log: {last.text}")


def _find_link_down(case: Case) -> Reason | None:
    if not _is_switched_on(case.nic):
        return Reason(text="it is switched off (not UP)", source="ip link")
    if _carrier(case) is False:
        changes = case.looks[-1].carrier_changes if case.looks else case.nic.carrier_changes
        often = f", after {changes} changes of carrier" if changes else ""
        return Reason(text=f"no carrier: no cable, or nobody at its other end{often}", source="carrier")
    return None


def _gateways(case: Case) -> Iterator[Neighbour]:
    above = {case.nic.interface, *(upper.interface for upper in case.nic.uppers or ())}
    for neighbour in case.host.neighbours or ():
        if neighbour.gateway and neighbour.interface in above:
            yield neighbour


def _has_ipv4_gateway(case: Case) -> bool:
    """Where there is one, it is the measure: many a host has a route for IPv6 that leads nowhere, and nobody misses it."""
    above = {case.nic.interface, *(upper.interface for upper in case.nic.uppers or ())}
    return any(
        route.family == "inet" and route.destination == "default" and route.gateway is not None and route.interface in above
        for route in case.host.routes or ()
    )


def _find_silent_gateway(case: Case) -> Reason | None:
    gateways = list(_gateways(case))
    judged = [one for one in gateways if one.family == "inet"] if _has_ipv4_gateway(case) else gateways
    silent = next((one for one in judged if one.state in _NOT_ANSWERING), None)
    if silent is None or any(one.state in _ANSWERING for one in gateways):
        return None
    return Reason(text=f"the gateway {silent.address} does not answer (neighbour {silent.state})", source="ip neighbour")


def _history(case: Case) -> Iterator[Reason]:
    """What happened in this boot, by the log and by the counters."""
    hangs = case.log.hangs
    if hangs:
        least = "at least " if any(hang.warn_once for hang in hangs) else ""
        often = f"{least}{'once' if len(hangs) == 1 else f'{len(hangs)} times'}"
        began = [hang.began_uptime_s for hang in hangs if hang.began_uptime_s is not None]
        when = f", {'first' if len(began) > 1 else ''} {began[0]:.0f} s after boot".replace(",  ", ", ") if began else ""
        if len(began) > 1:
            when += f", last {began[-1]:.0f} s after boot"
        if began and case.host.uptime_s is not None:
            when += f" ({max(0.0, case.host.uptime_s - began[-1]):.0f} s ago)"
        last = case.log.last_hang_event
        yield Reason(text=f"hung {often} in this boot{when}", source=f"kernel log: {last.text if last else ''}")
    expired = sum(queue.tx_timeout or 0 for queue in case.nic.tx_queues or ())
    if expired:
        times = "once" if expired == 1 else f"{expired} times"
        yield Reason(text=f"hung: its transmit watchdog expired {times} since the interface was made", source="queues/tx-*/tx_timeout")
    for name, count in (case.nic.driver_statistics or {}).items():
        if count and not expired and _DRIVER_TIMEOUTS.search(name):
            yield Reason(text=f"hung: its driver counts {count} transmit time-outs", source=f"ethtool -S: {name}")


def _settle(case: Case, stall: Stall, verdict: Verdict) -> Iterator[Unknown]:
    name = shell_name(case.nic.interface, "IFACE")
    if stall.pending or (verdict is Verdict.UNKNOWN and not case.looks):
        yield Unknown(text="Whether it hangs: a second look would tell", command=f"nicmedic check {name}")
    elif verdict in (Verdict.HEALTHY, Verdict.WAS_HUNG, Verdict.AT_RISK) and stall.blind and not stall.moved:
        gateway = next((one.address for one in _gateways(case)), "ADDRESS")
        yield Unknown(
            text="Whether a single frame is stuck in it: this driver keeps no byte queue limits, so that would not show",
            command=f"ping -c 3 -I {name} {shell_name(gateway, 'ADDRESS')}; nicmedic check {name}",
        )
    if verdict is Verdict.ELSEWHERE and _find_silent_gateway(case) is not None:
        yield Unknown(text="Whether anything comes in at all", command=f"tcpdump -c 5 -n -i {name}")
