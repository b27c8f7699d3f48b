# SPDX-License-Identifier: GPL-2.0-or-later
"""The cheap look at what moves: counters of sysfs, interrupts, and one list of queueing disciplines."""

import time
from collections.abc import Iterable, Mapping

from nicmedic.host.devices import find_pci
from nicmedic.host.interrupts import InterruptLine, read_interrupt_lines, read_interrupts
from nicmedic.host.nics import NET
from nicmedic.host.pci import parse_config_space
from nicmedic.host.qdisc_counts import MULTIQUEUE, ROOT, QdiscCounts, read_qdisc_counts
from nicmedic.host.sysfs import Folder
from nicmedic.model.counters import Counters, QueueCounters

__all__ = ["read_counters"]

_COUNTERS = ("tx_packets", "tx_bytes", "rx_packets", "rx_bytes", "tx_errors", "rx_errors", "tx_dropped", "rx_dropped")


def _by_queue(counts: Iterable[QdiscCounts], queues: int) -> tuple[QdiscCounts | None, dict[int, QdiscCounts]]:
    """The root discipline, and those that serve one queue each."""
    found = tuple(counts)
    root = next((one for one in found if one.parent == ROOT), None)
    if root is None:
        return None, {}
    if root.kind in MULTIQUEUE:
        children = (one for one in found if one.parent >> 16 == root.handle >> 16 and one.parent & 0xFFFF)
        return root, {(one.parent & 0xFFFF) - 1: one for one in children}
    return root, {0: root} if queues == 1 else {}


def _read_queues(folder: Folder, counts: Iterable[QdiscCounts]) -> tuple[QdiscCounts | None, tuple[QueueCounters, ...]]:
    indices = [int(name[3:]) for name in folder.names("queues") if name.startswith("tx-") and name[3:].isdecimal()]
    root, served = _by_queue(counts, len(indices))
    made = []
    for index in indices:
        queue, one = folder.folder(f"queues/tx-{index}"), served.get(index)
        made.append(
            QueueCounters(
                index=index,
                tx_timeout=queue.number("tx_timeout"),
                inflight=queue.number("byte_queue_limits/inflight"),
                packets=None if one is None else one.packets,
                backlog_bytes=None if one is None else one.backlog_bytes,
                qlen=None if one is None else one.qlen,
                drops=None if one is None else one.drops,
                requeues=None if one is None else one.requeues,
            )
        )
    return root, tuple(made)


def _read_one(
    root: Folder, name: str, qdiscs: Mapping[int, tuple[QdiscCounts, ...]] | None, lines: Mapping[int, InterruptLine]
) -> Counters:
    folder = root.folder(f"{NET}/{name}")
    moment, ifindex = time.monotonic(), folder.number("ifindex")
    if ifindex is None:
        return Counters(interface=name, monotonic_s=moment)
    main, queues = _read_queues(folder, () if qdiscs is None else qdiscs.get(ifindex, ()))
    path = find_pci(folder)
    labels = [name, (folder.target("device") or "").rsplit("/", 1)[-1]]
    interrupts = {one.number: one.total for one in read_interrupts(root, path, filter(None, labels), lines) if one.total is not None}
    registers = None if path is None else parse_config_space(root.raw(f"{path}/config", most=64) or b"")
    command = None if registers is None else registers.command
    return Counters(
        interface=name,
        monotonic_s=moment,
        ifindex=ifindex,
        carrier=folder.flag("carrier"),
        carrier_changes=folder.number("carrier_changes"),
        operstate=folder.text("operstate"),
        **{counter: folder.number(f"statistics/{counter}") for counter in _COUNTERS},
        queues=queues,
        backlog_bytes=None if main is None else main.backlog_bytes,
        qlen=None if main is None else main.qlen,
        interrupts=interrupts,
        bus_master=None if command is None else bool(command & 4),
    )


def read_counters(root: Folder, names: Iterable[str], *, netlink: bool) -> tuple[Counters, ...]:
    """NICs as they are now, in the order asked for. ``netlink``: whether it may be asked; without it disciplines are unknown."""
    qdiscs, lines = read_qdisc_counts() if netlink else None, read_interrupt_lines(root)
    return tuple(_read_one(root, name, qdiscs, lines) for name in names)
