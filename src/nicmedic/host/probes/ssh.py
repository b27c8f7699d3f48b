# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether the operator's own connection is alive, by what the kernel counts of it. Nothing is sent for this."""

import time

from nicmedic.host.probes.target import Place, Said, Target
from nicmedic.host.session import find_connection
from nicmedic.host.tcp_counters import Connection, read_connection
from nicmedic.host.terminals import NoLogin
from nicmedic.model.transaction import ProbeState

__all__ = ["probe_ssh"]

_TURN_S = 0.05
_LEAST_S = 1.0
"""Nothing acknowledged for a shorter time means nothing: a delayed acknowledgement takes 0.2 s, and a retransmission as long."""
_MANY_ROUND_TRIPS = 4
_QUIET_S = 0.5
"""With nothing to send for so long there is nothing to be seen."""


def _judge(first: Connection, last: Connection, elapsed_s: float) -> Said | None:
    """None: wait on."""
    if first.bytes_acked is None or last.bytes_acked is None:
        return ProbeState.UNKNOWN, "this kernel does not count acknowledged bytes (since Linux 4.1)"
    if last.bytes_acked > first.bytes_acked:
        return ProbeState.PASSED, f"{last.bytes_acked - first.bytes_acked} bytes were acknowledged by {last.peer}"
    recent = last.last_ack_ms is not None and last.last_ack_ms < 1000 * elapsed_s
    if recent and not last.waiting_bytes:
        return ProbeState.PASSED, f"{last.peer} was heard {last.last_ack_ms} ms ago, and nothing waits for it"
    return None


def _judge_end(first: Connection, last: Connection, elapsed_s: float) -> Said:
    patience_s = max(_LEAST_S, _MANY_ROUND_TRIPS * (last.rtt_ms or 0.0) / 1000)
    if last.waiting_bytes and last.window_bytes == 0:
        return ProbeState.UNKNOWN, f"{last.peer} takes no bytes at present, as when its terminal is stopped"
    if first.waiting_bytes and last.waiting_bytes and elapsed_s >= patience_s:
        return ProbeState.FAILED, f"{last.waiting_bytes} bytes wait, and {last.peer} acknowledged none within {elapsed_s:.1f} s"
    if last.waiting_bytes:
        return ProbeState.UNKNOWN, f"{last.waiting_bytes} bytes wait for {last.peer}, not for long"
    return ProbeState.UNKNOWN, f"there was nothing to send to {last.peer}"


def probe_ssh(place: Place, _: Target) -> Said:
    """Look at it until it moves or the time is over."""
    began = time.monotonic()
    found = find_connection(place.process)
    if isinstance(found, NoLogin):
        return ProbeState.UNKNOWN, found.why
    first = found[1]
    while True:
        last, elapsed_s = read_connection(first), time.monotonic() - began
        if last is None:
            return ProbeState.UNKNOWN, f"the session from {first.peer} has ended, by itself or by its user"
        if (said := _judge(first, last, elapsed_s)) is not None:
            return said
        quiet = not last.waiting_bytes and elapsed_s >= _QUIET_S
        if quiet or place.left_s < _TURN_S:
            return _judge_end(first, last, elapsed_s)
        time.sleep(_TURN_S)
