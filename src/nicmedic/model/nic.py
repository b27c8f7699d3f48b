# SPDX-License-Identifier: GPL-2.0-or-later
"""Everything that one look at a host tells of one network card, in the words of the kernel, ethtool and iproute2.

Unknown is None, never a guess, and ``notes`` say why. An empty tuple or mapping is an answer: there is none.
Not for what it means: that is ``nicmedic.diagnosis``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from nicmedic.model.link import Channels, Eee, Feature, Link, Pause, Ring, WakeOnLan
from nicmedic.model.note import Note
from nicmedic.model.ownership import Ownership
from nicmedic.model.pcie import Pcie, PowerManagement
from nicmedic.model.queue import Interrupt, Qdisc, RxQueue, Spread, TxQueue
from nicmedic.model.stack import Address, Port, Upper, Xdp

__all__ = ["Bus", "Nic", "UsbIds"]


class Bus(StrEnum):
    """What a card hangs on."""

    PCI = "pci"
    USB = "usb"
    VIRTIO = "virtio"
    XEN = "xen"
    VMBUS = "vmbus"
    PLATFORM = "platform"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsbIds:
    """Who made a USB card, and how fast its port runs."""

    vendor: str | None = None
    """Four hex digits."""
    product: str | None = None
    release: str | None = None
    """``bcdDevice``."""
    speed_mbps: float | None = None
    serial: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Nic:
    """One network card as the host sees it now."""

    interface: str
    """The name; bytes that are not UTF-8 stand as surrogates (``os.fsdecode``), so that system calls get the true name. Escape it before printing."""
    ifindex: int | None = None
    altnames: tuple[str, ...] | None = None
    alias: str | None = None
    """``ip link set IF alias``."""

    driver: str | None = None
    module: str | None = None
    """Name of the driver's kernel module; None: built in, or unknown."""
    driver_version: str | None = None
    firmware_version: str | None = None
    bus: Bus | None = None
    bus_address: str | None = None
    """``0000:02:00.0``, ``2-1:1.0``, ``virtio0``, ``vif-0``: where ``bind`` and ``unbind`` of the driver want it."""
    sysfs_path: str | None = None
    """Of the device, links resolved, from the root: ``/sys/devices/pci0000:00/…``. Survives a rename."""
    dev_port: int | None = None
    """Which of several ports of one device this is; since Linux 3.15."""
    modalias: str | None = None
    usb: UsbIds | None = None
    pcie: Pcie | None = None
    """Of a card on PCI; for virtio the PCI function that carries it."""

    permanent_address: str | None = None
    address: str | None = None
    address_assignment: int | None = None
    """``addr_assign_type``: 0 permanent, 1 random, 2 stolen, 3 set by somebody."""

    flags: tuple[str, ...] | None = None
    """``UP``, ``LOWER_UP``, ``PROMISC``, … as ip prints them."""
    operstate: str | None = None
    carrier: bool | None = None
    """None too where the interface is down: the kernel does not tell then."""
    carrier_changes: int | None = None
    carrier_up_count: int | None = None
    carrier_down_count: int | None = None
    dormant: bool | None = None
    mtu: int | None = None
    mtu_min: int | None = None
    mtu_max: int | None = None
    txqueuelen: int | None = None
    group: int | None = None
    promiscuity: int | None = None
    gro_flush_timeout_ns: int | None = None
    napi_defer_hard_irqs: int | None = None
    threaded_napi: bool | None = None

    link: Link | None = None
    features: Mapping[str, Feature] | None = None
    """By ``ethtool -k``'s names of single features: ``tx-tcp-segmentation``."""
    eee: Eee | None = None
    ring: Ring | None = None
    channels: Channels | None = None
    coalesce: Mapping[str, int] | None = None
    """By the words of ``ethtool -C``: ``rx-usecs`` → 3, ``adaptive-rx`` → 0."""
    pause: Pause | None = None
    wol: WakeOnLan | None = None
    private_flags: Mapping[str, bool] | None = None

    tx_queues: tuple[TxQueue, ...] | None = None
    rx_queues: tuple[RxQueue, ...] | None = None
    qdiscs: tuple[Qdisc, ...] | None = None
    spread: Spread | None = None
    receive_rules: int | None = None
    """How many rules ``ethtool -n IF`` lists (ntuple)."""
    packet_sockets: int | None = None
    """Sockets of programs that take frames from this very interface (``/proc/net/packet``): a DHCP client, lldpd, tcpdump."""
    statistics: Mapping[str, int] | None = None
    """``struct rtnl_link_stats64`` by its members: ``tx_carrier_errors``."""
    driver_statistics: Mapping[str, int] | None = None
    """``ethtool -S IF``; a name that comes twice gets ``#2``."""

    power: PowerManagement | None = None
    interrupts: tuple[Interrupt, ...] | None = None

    port: Port | None = None
    uppers: tuple[Upper, ...] | None = None
    """All that stands on it, nearest first."""
    beside: tuple[str, ...] | None = None
    """Other ports of the bridges above: the taps and vifs of guests."""
    xdp: Xdp | None = None
    addresses: tuple[Address, ...] | None = None
    carries_default_route: bool | None = None
    """A default route of the main table goes over it, directly or over what stands on it."""
    sysctls: Mapping[str, str] | None = None
    """``net.ipv6.conf.IF.accept_ra`` and the like that differ from what a new interface gets; keys without the interface: ``ipv6.conf.accept_ra``."""

    manager: Ownership | None = None
    notes: tuple[Note, ...] = ()
