# SPDX-License-Identifier: GPL-2.0-or-later
"""The cheap look at what moves: counters of sysfs, interrupts, and one list of queueing disciplines.

It reads that list itself: a resident process that looks once a second must not hold a netlink library of 26 MB.
"""

import socket
import struct
import time
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from nicmedic.host.devices import find_pci
from nicmedic.host.interrupts import InterruptLine, read_interrupt_lines, read_interrupts
from nicmedic.host.netlink_socket import HEADER_BYTES, InterruptedDumpError, ask_kernel, split_attributes
from nicmedic.host.nics import NET
from nicmedic.host.pci import parse_config_space
from nicmedic.host.sysfs import Folder
from nicmedic.model.counters import Counters, QueueCounters

__all__ = ["QdiscCounts", "read_counters", "read_qdisc_counts"]

_GETQDISC = 38
_TCMSG = struct.Struct("=BxxxiIII")
_KIND, _STATS2, _BASIC, _QUEUE = 1, 7, 1, 3
_ROOT = 0xFFFFFFFF
_MULTIQUEUE = frozenset({b"mq", b"mqprio"})
_COUNTERS = ("tx_packets", "tx_bytes", "rx_packets", "rx_bytes", "tx_errors", "rx_errors", "tx_dropped", "rx_dropped")


class QdiscCounts(NamedTuple):
    """One queueing discipline."""

    parent: int
    handle: int
    kind: bytes
    packets: int
    qlen: int
    backlog_bytes: int
    drops: int
    requeues: int


def _parse(message: bytes) -> tuple[int, QdiscCounts]:
    _, index, handle, parent, _ = _TCMSG.unpack_from(message, HEADER_BYTES)
    found = split_attributes(message[HEADER_BYTES + _TCMSG.size :])
    statistics = split_attributes(found.get(_STATS2, b""))
    (packets,) = struct.unpack_from("=8xI", statistics.get(_BASIC, bytes(12)).ljust(12, b"\0"))
    qlen, backlog, drops, requeues, _ = struct.unpack_from("=5I", statistics.get(_QUEUE, bytes(20)).ljust(20, b"\0"))
    return index, QdiscCounts(parent, handle, found.get(_KIND, b"").rstrip(b"\0"), packets, qlen, backlog, drops, requeues)


def read_qdisc_counts() -> Mapping[int, tuple[QdiscCounts, ...]] | None:
    """By interface index; None: netlink does not answer."""
    made: dict[int, list[QdiscCounts]] = {}
    try:
        for message in ask_kernel(socket.NETLINK_ROUTE, _GETQDISC, bytes(_TCMSG.size), dump=True):
            index, counts = _parse(message)
            made.setdefault(index, []).append(counts)
    except InterruptedDumpError:
        pass  # a discipline came or went meanwhile; the others are right
    except (OSError, struct.error):
        return None
    return {index: tuple(counts) for index, counts in made.items()}


def _by_queue(counts: Iterable[QdiscCounts], queues: int) -> tuple[QdiscCounts | None, dict[int, QdiscCounts]]:
    """The root discipline, and those that serve one queue each."""
    found = tuple(counts)
    root = next((one for one in found if one.parent == _ROOT), None)
    if root is None:
        return None, {}
    if root.kind in _MULTIQUEUE:
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
