# SPDX-License-Identifier: GPL-2.0-or-later
"""One word for each card: what it is doing now, else what it did in this boot, else what may bite it.

In this order; the first that holds is the verdict, and what the others show is told too:

1. ``unknown``: the interface went away, or became another one, between the looks.
2. ``unknown`` or ``hung``, never better: something holds the lock of all networking, which comes of a driver that hangs in its own reset.
3. ``hung``: the looks show it (``stall``), unless something else explains them (4); or the log of this boot ends with a hang from which the card
   did not come back: it has no carrier, or was taken down by its driver, its counters stand still, and no link came up since. So do e1000e after
   ``Reset adapter``, e100 after the watchdog and vmxnet3 after ``Failed to activate dev`` (seen with Debian's 6.1.192).
4. ``elsewhere``: it stands still because the partner sends pause frames enough; ``unknown``: perhaps because this host has no processor for it, as
   our own wait of a second took much longer (``excuse``). A card that may not reach memory, or whose watchdog fires, is hung all the same.
5. ``link_down``: no carrier, or switched off.
6. ``elsewhere``: the card receives, nothing is stuck in it, and the gateway behind it does not answer (its neighbour entry is failed or
   incomplete). ``unknown``: the gateway does not answer, and nothing shows that the card works.
7. ``was_hung``: the log or ``tx_timeout`` tells of a hang in this boot.
8. ``at_risk``: see ``risk`` and ``duplex``.
9. ``unknown``: something waited at the only look there was, or nothing is known of its queues. ``healthy``: nothing of all this.

At full load bytes are in flight at each look, and the card is healthy, for packets move. No frame is sent to find out: what only a frame would
show is left open, and said.
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence

from nicmedic.diagnosis.boot_log import NicLog
from nicmedic.diagnosis.duplex import find_duplex_mismatch
from nicmedic.diagnosis.excuse import counts_pause_frames, find_excuse
from nicmedic.diagnosis.stall import Stall, find_stall
from nicmedic.model.checkup import NicVerdict, Reason, Risk, Verdict
from nicmedic.model.counters import Counters
from nicmedic.model.durations import say_duration
from nicmedic.model.explanation import Unknown
from nicmedic.model.host import Host
from nicmedic.model.names import shell_name
from nicmedic.model.nic import Nic
from nicmedic.model.note import Lack
from nicmedic.model.stack import Neighbour

__all__ = ["Case", "judge_nic"]

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
        settle=_without_danger(case, (*_settle(case, stall, verdict), *case.settle)),
        wanted=verdict is not Verdict.LINK_DOWN or _is_switched_on(case.nic),
    )


def _without_danger(case: Case, settle: Sequence[Unknown]) -> tuple[Unknown, ...]:
    """While the lock of networking is held only our own commands can be typed: others would sleep in the kernel, and nobody can kill them."""
    if case.host.locked is None:
        return tuple(settle)
    return tuple(item if item.command.startswith("nicmedic ") else dataclasses.replace(item, command="") for item in settle)


Decision = tuple[Verdict, str, tuple[Reason, ...]]


def _decide(case: Case, stall: Stall, history: tuple[Reason, ...], risks: tuple[Risk, ...]) -> Decision:
    gone = _find_gone(case)
    if gone is not None:
        return Verdict.UNKNOWN, gone.text, (gone,)
    locked = _find_lock(case)
    if locked is not None:
        return _decide_locked(case, stall, locked)
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
    sources = tuple(_sources_of_quiet(case, stall))
    if not sources:
        nothing = Reason(text="nothing is known of its queues", source=f"/sys/class/net/{case.nic.interface}/queues")
        return Verdict.UNKNOWN, nothing.text, (nothing,)
    quiet = Reason(text="nothing waits to be sent", source=", ".join(sources))
    return Verdict.HEALTHY, quiet.text, (quiet,)


def _sources_of_quiet(case: Case, stall: Stall) -> Iterator[str]:
    """Where a frame that waits would have shown, of what was read."""
    flights = [queue.inflight for queue in case.looks[-1].queues] if case.looks else [queue.bql for queue in case.nic.tx_queues or ()]
    if not stall.blind and any(flight is not None for flight in flights):
        yield "queues/tx-*/byte_queue_limits/inflight"
    if case.looks[-1].backlog_bytes is not None if case.looks else case.nic.qdiscs:
        yield "tc -s qdisc"


def _find_lock(case: Case) -> Reason | None:
    note = case.host.locked
    return None if note is None else Reason(text="something holds the lock of all networking (RTNL)", source=note.detail or note.what)


def _decide_locked(case: Case, stall: Stall, locked: Reason) -> Decision:
    """Most was not read, and a driver that stands in its reset is the likeliest cause: no card is called healthy."""
    found = _decide_stall(case, stall) or _decide_failed_reset(case) or _decide_link_down(case)
    verdict, _, seen = found or (Verdict.UNKNOWN, "", stall.pending)
    if verdict is Verdict.HUNG:
        return verdict, f"hangs now: {locked.text}, and {seen[0].text}", (locked, *seen)
    if found is not None and not _is_switched_on(case.nic):
        return found
    return Verdict.UNKNOWN, locked.text, (locked, *seen)


def _decide_now(case: Case, stall: Stall) -> Decision | None:
    return _decide_stall(case, stall) or _decide_failed_reset(case) or _decide_link_down(case) or _decide_gateway(case, stall)


def _decide_stall(case: Case, stall: Stall) -> Decision | None:
    if not stall.reasons:
        return None
    excuse = None
    if not (stall.unreachable or stall.firing):
        excuse = find_excuse(case.nic, case.later_statistics, elapsed_s=stall.elapsed_s, late_s=case.late_s)
    if excuse is not None:
        return excuse[0], excuse[1].text, (excuse[1], *stall.reasons)
    return Verdict.HUNG, f"hangs now: {stall.reasons[0].text}", stall.reasons


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


def _decide_failed_reset(case: Case) -> Decision | None:
    """A card that did not come back from the driver's own reset has no carrier, and is no less hung for that."""
    last, up, carrier = case.log.stayed_away_since, _is_switched_on(case.nic), _carrier(case)
    if last is None or (up and carrier) or (not up and not case.log.reset_failed):
        return None
    if len(case.looks) > 1 and any(getattr(case.looks[0], name) != getattr(case.looks[-1], name) for name in ("tx_packets", "rx_packets")):
        return None
    at = f" {last.uptime_s:.0f} s after boot" if last.uptime_s is not None else ""
    since = f"is silent since its hang{at}; no link came up since"
    source = f"kernel log: {last.text}"
    if up and carrier is None:
        unread = Reason(text=f"its carrier cannot be read, and it {since}", source=source)
        return Verdict.UNKNOWN, unread.text, (unread,)
    reset = Reason(text=f"it {'has no carrier' if up else 'was taken down by its driver'} and {since}", source=source)
    return Verdict.HUNG, f"hangs now: {reset.text}", (reset,)


def _decide_link_down(case: Case) -> Decision | None:
    if not _is_switched_on(case.nic):
        off = Reason(text="it is switched off (not UP)", source="ip link")
        return Verdict.LINK_DOWN, off.text, (off,)
    if _carrier(case) is not False:
        return None
    changes = case.looks[-1].carrier_changes if case.looks else case.nic.carrier_changes
    often = f", after {changes} changes of carrier" if changes else ""
    down = Reason(text=f"no carrier: no cable, or nobody at its other end{often}", source="carrier")
    return Verdict.LINK_DOWN, down.text, (down,)


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


def _has_received(stall: Stall) -> bool:
    return any(reason.source == "statistics/rx_packets" for reason in stall.moved)


def _decide_gateway(case: Case, stall: Stall) -> Decision | None:
    """A silent gateway alone acquits no card: a card that sends or receives nothing has a silent gateway too."""
    silent = _find_silent_gateway(case)
    if silent is None:
        return None
    if not stall.blind and _has_received(stall):
        return Verdict.ELSEWHERE, silent.text, (silent, *stall.moved)
    return Verdict.UNKNOWN, f"{silent.text}; whether it or this card is at fault is open", (silent,)


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
            when += f" ({say_duration(max(0.0, case.host.uptime_s - began[-1]))} ago)"
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
        text = "Whether a single frame is stuck in it: this driver keeps no byte queue limits, so that would not show"
        yield Unknown(text=text, command=_ping(case, name))
    paused = case.nic.pause is not None and case.nic.pause.rx and not counts_pause_frames(case.nic)
    if verdict is Verdict.HUNG and paused and not stall.unreachable:
        text = (
            "Whether pause frames hold it: this driver does not count those that come in; the port at its other end may count what it sent"
        )
        yield Unknown(text=text, command="")
    if verdict is Verdict.UNKNOWN and _find_silent_gateway(case) is not None:
        if not _has_received(stall):
            yield Unknown(text="Whether anything comes in at all", command=f"tcpdump -c 5 -n -i {name}")
        text = "Whether this card works: another host of its network that answers would show it"
        yield Unknown(text=text, command=_ping(case, name, "ADDRESS"))


def _ping(case: Case, name: str, address: str | None = None) -> str:
    """The gateway by default, over the interface that has the address: a port of a bridge has none. Empty: there is no gateway."""
    gateway = next(_gateways(case), None)
    if gateway is None:
        return ""
    return (
        f"ping -c 3 -I {shell_name(gateway.interface, 'IFACE')} {address or shell_name(gateway.address, 'ADDRESS')}; nicmedic check {name}"
    )
