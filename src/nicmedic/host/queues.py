# SPDX-License-Identifier: GPL-2.0-or-later
"""Transmit and receive queues as sysfs has them, ``/sys/class/net/IF/queues``."""

from nicmedic.host.sysfs import Folder
from nicmedic.model.queue import Bql, RxQueue, TxQueue

__all__ = ["read_rx_queues", "read_tx_queues"]


def _read_bql(queue: Folder) -> Bql | None:
    if not queue.has("byte_queue_limits"):
        return None
    bql = queue.folder("byte_queue_limits")
    return Bql(
        inflight=bql.number("inflight"),
        limit=bql.number("limit"),
        limit_max=bql.number("limit_max"),
        limit_min=bql.number("limit_min"),
        hold_time_ms=bql.number("hold_time"),
        stall_threshold_ms=bql.number("stall_thrs"),
        stalls=bql.number("stall_cnt"),
        stall_max_ms=bql.number("stall_max"),
    )


def _indices(interface: Folder, kind: str, note: str) -> list[tuple[int, Folder]]:
    names = [name for name in interface.names("queues", note=note) if name.startswith(f"{kind}-") and name[3:].isdecimal()]
    return [(int(name[3:]), interface.folder(f"queues/{name}")) for name in names]


def read_tx_queues(interface: Folder) -> tuple[TxQueue, ...] | None:
    """In their order; None: sysfs does not tell."""
    made = tuple(
        TxQueue(
            index=index,
            tx_timeout=queue.number("tx_timeout"),
            bql=_read_bql(queue),
            xps_cpus=queue.text("xps_cpus"),
            xps_rxqs=queue.text("xps_rxqs"),
            tx_maxrate_mbps=queue.number("tx_maxrate"),
        )
        for index, queue in _indices(interface, "tx", "tx_queues")
    )
    return made or None


def read_rx_queues(interface: Folder) -> tuple[RxQueue, ...] | None:
    """In their order; None: sysfs does not tell."""
    made = tuple(
        RxQueue(index=index, rps_cpus=queue.text("rps_cpus"), rps_flow_cnt=queue.number("rps_flow_cnt"))
        for index, queue in _indices(interface, "rx", "rx_queues")
    )
    return made or None
