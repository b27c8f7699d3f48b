# SPDX-License-Identifier: GPL-2.0-or-later
"""Put one network card together out of sysfs, netlink and ethtool."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from nicmedic.host.devices import Device, find_pci, read_device
from nicmedic.host.ethtool import Settings, read_settings
from nicmedic.host.interrupts import InterruptLine, read_interrupts
from nicmedic.host.queues import read_rx_queues, read_tx_queues
from nicmedic.host.rtnl_links import LinkFacts, flags_of
from nicmedic.host.stacks import carries_default_route, find_beside, find_uppers, make_port
from nicmedic.host.sysfs import Folder
from nicmedic.model.nic import Nic
from nicmedic.model.note import Lack, Note
from nicmedic.model.queue import Qdisc, TxQueue
from nicmedic.model.stack import Address, BridgeVlan, Route

__all__ = ["NET", "Listed", "read_new_interface", "read_nic", "read_sysctls"]

NET = "sys/class/net"
_SYSCTLS = ("ipv4/conf", "ipv6/conf", "ipv4/neigh", "ipv6/neigh")
_NO_SETTING = frozenset({"mtu", "stable_secret", "mc_forwarding", "base_reachable_time", "retrans_time"})
"""Told elsewhere, secret, the kernel's own, and two whose reading it complains of in its log (net/ipv6/ndisc.c, they are told in ms too)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What netlink listed for all interfaces at once; None: it did not."""

    links: Mapping[str, LinkFacts] | None = None
    vlans: Mapping[int, tuple[BridgeVlan, ...]] | None = None
    addresses: Mapping[str, tuple[Address, ...]] | None = None
    qdiscs: Mapping[str, tuple[Qdisc, ...]] | None = None
    routes: tuple[Route, ...] | None = None
    interrupt_lines: Mapping[int, InterruptLine] | None = None
    new_interface: Mapping[str, Mapping[str, str]] | None = None
    """What ``read_new_interface`` tells."""


def _values(made: object) -> dict[str, object]:
    """Fields of a dataclass that are known."""
    return {field.name: value for field in fields(made) if (value := getattr(made, field.name)) is not None}  # type: ignore[arg-type]


def _link_fields(folder: Folder, link: LinkFacts | None) -> dict[str, object]:
    """As netlink listed it; else as sysfs has it."""
    if link is not None:
        left_out = {"kind", "details", "master", "port_kind", "port_settings", "below"}
        return {name: value for name, value in _values(link).items() if name not in left_out}
    flags = folder.number("flags")
    return {
        "ifindex": folder.number("ifindex"),
        "alias": folder.text("ifalias"),
        "flags": None if flags is None else flags_of(flags, known_running=False),
        "operstate": folder.text("operstate", note="operstate"),
        "carrier": folder.flag("carrier"),
        "carrier_changes": folder.number("carrier_changes"),
        "carrier_up_count": folder.number("carrier_up_count"),
        "carrier_down_count": folder.number("carrier_down_count"),
        "mtu": folder.number("mtu"),
        "txqueuelen": folder.number("tx_queue_len"),
        "group": folder.number("netdev_group"),
        "address": folder.text("address"),
        "statistics": {name: value for name in folder.names("statistics") if (value := folder.number(f"statistics/{name}")) is not None}
        or None,
    }


def _stack_fields(name: str, listed: Listed) -> dict[str, object]:
    """What stands on it. Without netlink unknown."""
    links = listed.links
    if links is None:
        return {}
    uppers = find_uppers(name, links)
    return {
        "port": make_port(links[name], links, listed.vlans or {}) if name in links else None,
        "uppers": uppers,
        "beside": find_beside(name, uppers, links),
        "addresses": None if listed.addresses is None else listed.addresses.get(name, ()),
        "carries_default_route": None if listed.routes is None else carries_default_route(name, uppers, listed.routes),
    }


def _qdiscs(name: str, listed: Listed, queues: tuple[TxQueue, ...] | None) -> tuple[Qdisc, ...] | None:
    """With the number of the only queue, where there is but one."""
    if listed.qdiscs is None:
        return None
    found = listed.qdiscs.get(name, ())
    if queues is None or len(queues) != 1:
        return found
    return tuple(
        Qdisc(**{**_values(qdisc), "queue": 0}) if qdisc.parent == "root" else qdisc  # type: ignore[arg-type]
        for qdisc in found
    )


def read_new_interface(root: Folder) -> dict[str, dict[str, str]]:
    """Settings that a new interface gets, by family and name."""
    made = {}
    for family in _SYSCTLS:
        folder = root.folder(f"proc/sys/net/{family}/default")
        made[family] = {key: value for key in folder.names() if key not in _NO_SETTING and (value := folder.text(key)) is not None}
    return made


def read_sysctls(root: Folder, name: str, new_interface: Mapping[str, Mapping[str, str]]) -> dict[str, str] | None:
    """Settings that differ from those of a new interface; None: this host has none of these folders."""
    made = {}
    found = False
    for family, defaults in new_interface.items():
        folder = root.folder(f"proc/sys/net/{family}/{name}")
        found |= folder.has("")
        for key, default in defaults.items():
            value = folder.text(key)
            if value is not None and value != default:
                made[f"{family.replace('/', '.')}.{key}"] = value
    return made if found else None


def _count_packet_sockets(root: Folder, ifindex: int | None) -> int | None:
    """Those that are bound to the interface; column Iface of ``/proc/net/packet``."""
    text = root.text("proc/net/packet")
    if text is None or ifindex is None:
        return None
    return sum(1 for line in text.splitlines()[1:] if line.split()[4:5] == [str(ifindex)])


def _check_present(folder: Folder, ifindex: int | None, root: Folder) -> None:
    """Note it if the interface went away or was renamed while it was read."""
    now = folder.number("ifindex")
    if ifindex is None or now == ifindex:
        return
    names = root.folder(NET)
    renamed = next((name for name in names.names() if names.number(f"{name}/ifindex") == ifindex), None)
    detail = "it vanished while it was read" if renamed is None else f"it was renamed to {renamed} while it was read"
    folder.notes.append(Note(what="interface", why=Lack.GONE, detail=detail))


def _queue_fields(folder: Folder, name: str, listed: Listed) -> dict[str, object]:
    queues = read_tx_queues(folder)
    if queues and all(queue.tx_timeout is None for queue in queues):
        detail = f"{folder.path}/queues/tx-*/tx_timeout: the kernel counts since Linux 3.3"
        folder.notes.append(Note(what="tx_queues.tx_timeout", why=Lack.ABSENT, detail=detail))
    return {"tx_queues": queues, "rx_queues": read_rx_queues(folder), "qdiscs": _qdiscs(name, listed, queues)}


def _device_fields(root: Folder, folder: Folder, device: Device, settings: Settings, listed: Listed) -> dict[str, object]:
    interrupts = None
    if listed.interrupt_lines is not None:
        labels = [label for label in (folder.path.rsplit("/", 1)[-1], device.bus_address) if label]
        interrupts = read_interrupts(root, find_pci(folder), labels, listed.interrupt_lines)
    known = {**_values(settings), **_values(device)}  # sysfs names the driver as its folder is called, ethtool as it calls itself
    return {**known, "interrupts": interrupts}


def read_nic(root: Folder, name: str, listed: Listed, *, live: bool) -> Nic:
    """One card.

    Args:
        root: the host.
        name: of the interface.
        listed: what netlink listed.
        live: whether this is the machine we run on, so that its drivers can be asked.
    """
    notes: list[Note] = []
    own_root = root.folder("", notes)
    folder = own_root.folder(f"{NET}/{name}")
    known = _link_fields(folder, None if listed.links is None else listed.links.get(name))
    ifindex = known.get("ifindex")
    index = ifindex if isinstance(ifindex, int) else None
    device = read_device(own_root, folder)
    settings = read_settings(name, index, notes) if live else Settings()
    threaded = folder.flag("threaded")
    known |= {
        "address_assignment": folder.number("addr_assign_type"),
        "dormant": folder.flag("dormant"),
        "dev_port": folder.number("dev_port"),
        "packet_sockets": _count_packet_sockets(own_root, index),
        "gro_flush_timeout_ns": folder.number("gro_flush_timeout"),
        "napi_defer_hard_irqs": folder.number("napi_defer_hard_irqs"),
        "threaded_napi": threaded,
        "sysctls": read_sysctls(own_root, name, listed.new_interface or {}),
        **_device_fields(own_root, folder, device, settings, listed),
        **_queue_fields(folder, name, listed),
        **_stack_fields(name, listed),
    }
    _check_present(folder, index, root)
    return Nic(**{**known, "interface": name, "notes": tuple(notes)})  # type: ignore[arg-type]  # names are those of the fields
