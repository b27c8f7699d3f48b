# SPDX-License-Identifier: GPL-2.0-or-later
"""What is known of one card, as rows of a label and a text; what is not known has no row. Not escaped, not wrapped."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from nicmedic.model.durations import say_duration
from nicmedic.model.host import Host
from nicmedic.model.nic import Nic
from nicmedic.report.words import join_names

__all__ = ["Row", "render_host_row", "render_rows", "render_ways_in"]

_ERRORS = (
    "rx_errors",
    "rx_crc_errors",
    "rx_frame_errors",
    "rx_fifo_errors",
    "rx_missed_errors",
    "rx_over_errors",
    "rx_dropped",
    "tx_errors",
    "tx_window_errors",
    "tx_carrier_errors",
    "tx_aborted_errors",
    "tx_fifo_errors",
    "tx_dropped",
    "collisions",
)
_OFFLOADS: Mapping[str, str] = {
    "tx": "tx-checksum-ip-generic",
    "sg": "tx-scatter-gather",
    "tso": "tx-tcp-segmentation",
    "gso": "tx-generic-segmentation",
    "gro": "rx-gro",
    "rx": "rx-checksum",
}


class Row(NamedTuple):
    """One line of the table."""

    label: str
    text: str


def _join(*parts: str | None) -> str:
    return ", ".join(part for part in parts if part)


def _on(value: bool) -> str:  # noqa: FBT001  # one value to one word
    return "on" if value else "off"


def render_host_row(host: Host) -> str:
    """Kernel and machine in one line; empty: nothing is known."""
    kernel = f"Linux {host.kernel_release}" if host.kernel_release else None
    package = f"({host.kernel_package})" if host.kernel_package and host.kernel_package != host.kernel_release else ""
    machine = host.machine
    made = " ".join(filter(None, (machine.vendor, machine.product))) if machine is not None else None
    virtual = host.virtualization.kind if host.virtualization is not None and host.virtualization.kind != "none" else None
    up = f"up {say_duration(host.uptime_s)}" if host.uptime_s is not None else None
    return _join(host.hostname, f"{kernel} {package}".strip() if kernel else None, host.distro, virtual or made, up)


def render_ways_in(host: Host) -> str:
    """What is left if a card goes down, in one line; empty: nothing is known of any."""
    ways = host.ways_in
    if ways is None:
        return ""
    bmc = f"management controller ({join_names(ways.bmc)})" if ways.bmc else None
    serial = [
        f"serial line {line.device}" + ("" if line.login is None else " with a login" if line.login else " (nobody can log in there)")
        for line in ways.serial
    ]
    found = _join(join_names(ways.interfaces) or None, bmc, *serial)
    if not found:
        return ""
    alone = len(ways.interfaces) == 1 and not (ways.bmc or ways.serial)
    return f"ways into it: {found}" + (", and no other that is seen" if alone else "")


def render_rows(nic: Nic) -> Iterator[Row]:
    """Everything that fits a line."""
    rows = (
        Row("card", _card(nic)),
        Row("link", _link(nic)),
        Row("settings", _settings(nic)),
        Row("offloads", _offloads(nic)),
        Row("queues", _queues(nic)),
        Row("errors", _errors(nic)),
        Row("PCI", _pci(nic)),
        Row("interrupts", _interrupts(nic)),
        Row("addresses", _addresses(nic)),
        Row("above it", _above(nic)),
        Row("managed by", _manager(nic)),
    )
    return (row for row in rows if row.text)


def _card(nic: Nic) -> str:
    device = None if nic.pcie is None else nic.pcie.device
    ids = f"[{device.vendor}:{device.device}]" if device is not None and device.vendor and device.device else None
    if ids is None and nic.usb is not None and nic.usb.vendor:
        ids = f"[{nic.usb.vendor}:{nic.usb.product}]"
    revision = f"rev {device.revision}" if device is not None and device.revision else None
    firmware = f"firmware {nic.firmware_version}" if nic.firmware_version not in (None, "", "N/A") else None
    return _join(nic.driver, " ".join(filter(None, (nic.bus_address, ids))), revision, firmware)


def _link(nic: Nic) -> str:
    link = nic.link
    carrier = None if nic.carrier is None else "carrier" if nic.carrier else "no carrier"
    if link is None:
        return carrier or ""
    speed = f"{link.speed_mbps} Mb/s" if link.speed_mbps is not None else None
    duplex = f"{link.duplex.value} duplex" if link.duplex is not None else None
    autoneg = f"autoneg {_on(link.autoneg)}" if link.autoneg is not None else None
    partner = f"partner advertises {' '.join(link.lp_advertised)}" if link.lp_advertised else None
    changes = f"{nic.carrier_changes} changes of carrier" if nic.carrier_changes else None
    return _join(carrier, speed, duplex, autoneg, partner, changes)


def _settings(nic: Nic) -> str:
    mtu = f"MTU {nic.mtu}" if nic.mtu is not None else None
    eee = f"EEE {'active' if nic.eee.active else _on(nic.eee.enabled)}" if nic.eee is not None else None
    pause = f"pause rx {_on(nic.pause.rx)} tx {_on(nic.pause.tx)}" if nic.pause is not None else None
    ring = f"ring rx {nic.ring.rx} tx {nic.ring.tx}" if nic.ring is not None else None
    wol = f"wake-on-LAN {nic.wol.enabled}" if nic.wol is not None else None
    flags = [name for name, on in (nic.private_flags or {}).items() if on]
    return _join(mtu, eee, pause, ring, wol, f"private flags {' '.join(flags)}" if flags else None)


def _offloads(nic: Nic) -> str:
    features = nic.features or {}
    found = [f"{word} {_on(features[name].on)}" for word, name in _OFFLOADS.items() if name in features]
    return ", ".join(found)


def _queues(nic: Nic) -> str:
    if nic.tx_queues is None:
        return ""
    expired = sum(queue.tx_timeout or 0 for queue in nic.tx_queues)
    inflight = sum(queue.bql.inflight or 0 for queue in nic.tx_queues if queue.bql is not None)
    root = next((qdisc for qdisc in nic.qdiscs or () if qdisc.parent == "root"), None)
    waiting = f"{root.kind}: {root.backlog_bytes or 0} bytes wait, {root.drops or 0} dropped" if root is not None else None
    return _join(f"{len(nic.tx_queues)} tx", f"tx_timeout {expired}", f"{inflight} bytes in flight", waiting)


def _errors(nic: Nic) -> str:
    if nic.statistics is None:
        return ""
    found = [f"{name} {nic.statistics[name]}" for name in _ERRORS if nic.statistics.get(name)]
    return ", ".join(found) or "none counted"


def _pci(nic: Nic) -> str:
    if nic.pcie is None:
        return ""
    device = nic.pcie.device
    speed = f"{device.speed_gts:g} GT/s x{device.width}" if device.speed_gts and device.width else None
    most = f"of {device.speed_max_gts:g} GT/s x{device.width_max}" if speed and device.speed_max_gts and device.width_max else None
    aspm = None if device.aspm_enabled is None else f"ASPM {' '.join(device.aspm_enabled) or 'off'}"
    master = "bus master OFF" if device.bus_master is False else None
    power = f"runtime PM {nic.power.control}" if nic.power is not None and nic.power.control else None
    aer = (
        None
        if device.aer is None
        else sum(sum(counts.values()) for counts in (device.aer.correctable, device.aer.nonfatal, device.aer.fatal))
    )
    return _join(" ".join(filter(None, (speed, most))) or None, aspm, power, master, f"{aer} AER errors" if aer else None)


def _interrupts(nic: Nic) -> str:
    used = [interrupt for interrupt in nic.interrupts or () if interrupt.total is not None]
    if not used:
        return ""
    kinds = sorted({interrupt.kind.value for interrupt in used if interrupt.kind is not None})
    return f"{len(used)} {'/'.join(kinds)}, {sum(interrupt.total or 0 for interrupt in used)} since boot"


def _addresses(nic: Nic) -> str:
    found = [f"{address.address}/{address.prefix_length}" for address in nic.addresses or ()]
    route = "the default route goes over it" if nic.carries_default_route else None
    return _join(nic.address, join_names(found) or None, route)


def _above(nic: Nic) -> str:
    uppers = [f"{upper.kind or 'interface'} {upper.interface}" for upper in nic.uppers or ()]
    beside = f"with {join_names(list(nic.beside))}" if nic.beside else None
    xdp = f"XDP ({nic.xdp.mode})" if nic.xdp is not None else None
    return _join(join_names(uppers) or None, beside, xdp)


def _manager(nic: Nic) -> str:
    owner = nic.manager
    if owner is None:
        return ""
    files = [f"{file.path}:{file.line}" if file.line is not None else file.path for file in owner.files]
    renderer = f" on {owner.renderer.value}" if owner.renderer is not None else ""
    if owner.manager.value == "unknown":
        return f"unknown: {owner.reason}"
    return f"{owner.manager.value}{renderer}" + (f", by {join_names(files)}" if files else "")
