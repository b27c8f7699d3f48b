# SPDX-License-Identifier: GPL-2.0-or-later
"""A closer look at one card: what waits in its queues, pause frames, whether it may reach memory. In a child, with a limit of time.

The parts that need no lock of networking are told first, so that they count when the rest never comes.
"""

import contextlib
import os
import time
from collections.abc import Iterable, Mapping

from nicmedic.diagnosis.hold_back import MAY_HOLD_BACK, is_pause_counter
from nicmedic.host.ethtool_ioctl import EthtoolCalls
from nicmedic.host.qdisc_counts import MULTIQUEUE, ROOT, QdiscCounts, read_qdisc_counts
from nicmedic.host.watching.cards import find_pci_path
from nicmedic.host.watching.child import Child, Tell
from nicmedic.model.watched import Answer, Card

__all__ = ["ask_closer", "begin_closer_look", "describe_qdiscs", "make_answer"]

PATIENCE_S = 0.9
"""The answer is due within a second, all in all."""
_BUS_MASTER = 4
_COUNTS_NOTHING = b"noqueue"
_COMMAND_AT = 4
_HEADER_BYTES = 64


def describe_qdiscs(counts: Iterable[QdiscCounts], queues: int) -> dict[str, object]:
    """What the disciplines of one card say, as fields of ``Answer``."""
    found = tuple(counts)
    root = next((one for one in found if one.parent == ROOT), None)
    if root is None or root.kind == _COUNTS_NOTHING:
        return {}
    served = {0: root} if queues == 1 else {}
    if root.kind in MULTIQUEUE:
        served = {(one.parent & 0xFFFF) - 1: one for one in found if one.parent >> 16 == root.handle >> 16 and one.parent & 0xFFFF}
    return {
        "queues": {str(index): [one.packets, one.backlog_bytes] for index, one in served.items()} or None,
        "holds_back": any(one.kind.decode("ascii", "replace") in MAY_HOLD_BACK for one in found),
        "backlog_bytes": root.backlog_bytes,
        "dequeued": root.packets,
    }


def _read_registers(path: str) -> dict[str, object]:
    handle = os.open(f"{path}/config", os.O_RDONLY | os.O_CLOEXEC)
    try:
        data = os.pread(handle, _HEADER_BYTES, 0)
    finally:
        os.close(handle)
    if len(data) <= _COMMAND_AT + 1:
        return {}
    is_lost = data == b"\xff" * len(data)
    command = int.from_bytes(data[_COMMAND_AT : _COMMAND_AT + 2], "little")
    return {"lost": is_lost, "bus_master": None if is_lost else bool(command & _BUS_MASTER)}


def begin_closer_look(card: Card) -> Child:
    """Start the child.

    Raises:
        OSError: it cannot be started.
    """

    def work(tell: Tell) -> None:
        path = find_pci_path(card.sysfs_path, card.bus)
        if path is not None:
            with contextlib.suppress(OSError):
                tell(_read_registers(path))
        counts = read_qdisc_counts()
        if counts is not None:
            tell(describe_qdiscs(counts.get(card.ifindex, ()), card.tx_queues))
        with contextlib.suppress(OSError), EthtoolCalls(card.interface) as calls:
            paused = {name: count for name, count in calls.statistics().items() if is_pause_counter(name)}
            tell({"pause_frames": paused or None})

    return Child(work)


def make_answer(said: Mapping[str, object], now_s: float, *, stuck: bool) -> Answer:
    """What the child said."""

    def number(name: str) -> int | None:
        value = said.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def flag(name: str) -> bool | None:
        value = said.get(name)
        return value if isinstance(value, bool) else None

    queues, paused = said.get("queues"), said.get("pause_frames")
    return Answer(
        monotonic_s=now_s,
        stuck=stuck,
        queues={int(index): (int(pair[0]), int(pair[1])) for index, pair in queues.items()} if isinstance(queues, dict) else None,
        holds_back=flag("holds_back") or False,
        backlog_bytes=number("backlog_bytes"),
        dequeued=number("dequeued"),
        pause_frames={str(name): int(count) for name, count in paused.items()} if isinstance(paused, dict) else None,
        bus_master=flag("bus_master"),
        lost=flag("lost"),
    )


def ask_closer(card: Card, stuck: Child | None) -> tuple[Answer, Child | None]:
    """Look, for at most a second. ``stuck``: a child that was left behind; while the kernel keeps it, nobody else is sent after it.

    Returns:
        The answer, and the child that is left behind now.
    """
    if stuck is not None and not stuck.is_gone():
        return Answer(monotonic_s=time.monotonic(), stuck=True), stuck
    try:
        child = begin_closer_look(card)
    except OSError:
        return Answer(monotonic_s=time.monotonic()), None
    came_back = child.wait(PATIENCE_S - (time.monotonic() - child.began_s))
    answer = make_answer(child.said(), time.monotonic(), stuck=not came_back)
    child.leave()
    return answer, None if came_back else child
