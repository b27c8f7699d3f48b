# SPDX-License-Identifier: GPL-2.0-or-later
"""What the watcher cannot see on this host, a sentence each, with what would change that. Asked for at the start, and by a person."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from nicmedic.host.sysfs import Folder
from nicmedic.host.watching.cards import NET, find_pci_path
from nicmedic.host.watching.gateways import Gateway
from nicmedic.model.watched import Card
from nicmedic.report.escape import escape_terminal

__all__ = ["Sight", "find_blind_cards", "find_blind_host", "find_hidden_cards"]

_NETWORK_CLASS = "0x02"
_GIVEN_AWAY = frozenset({"vfio-pci", "pci-stub", "pciback", "xen-pciback", "uio_pci_generic", "igb_uio"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What the senses are made of; why not, where one is missing."""

    kernel_log: str = ""
    tracepoint: str = ""
    links: str = ""
    neighbours: str = ""
    packets: str = ""
    patterns: str = ""
    counts_waiting: bool = True
    lock_stuck: bool = False


def find_blind_host(sight: Sight, cards: Sequence[Card]) -> Iterator[str]:
    """What holds for all cards."""
    if not cards:
        yield (
            "no network card is here: one that appears is watched from then on; "
            "interfaces without a device are only watched when the policy names them."
        )
    if sight.kernel_log:
        yield f"/dev/kmsg: {sight.kernel_log}: reports of hangs and faults in the kernel log are not seen; run it as root, or with CAP_SYSLOG."
    if sight.tracepoint:
        yield (
            f"tracepoint net:net_dev_xmit_timeout: {sight.tracepoint}: expiries of the transmit watchdog are seen within a second by their "
            "count only; mount -t tracefs tracefs /sys/kernel/tracing, or a kernel since Linux 5.2 with CONFIG_FTRACE."
        )
    if sight.links:
        yield f"netlink: {sight.links}: links that come, go or lose their carrier are seen late, as sysfs shows them; allow AF_NETLINK."
    if sight.neighbours:
        yield f"netlink: {sight.neighbours}: what the kernel thinks of gateways is not heard; allow AF_NETLINK."
    if sight.packets:
        yield f"packet sockets: {sight.packets}: gateways cannot be asked in doubt; run it as root, or with CAP_NET_RAW, and allow AF_PACKET."
    if sight.patterns:
        yield f"knowledge of drivers: {sight.patterns}: of the kernel log only the line of the transmit watchdog is understood."
    if sight.lock_stuck:
        yield "questions about links are not answered: a driver holds the lock of networking; what lies behind it is seen when that ends."
    if not sight.counts_waiting:
        yield "/proc/self/schedstat is missing: a starved host is only seen by waits that end late; a kernel with CONFIG_SCHED_INFO."


def find_blind_cards(
    cards: Iterable[Card], gateways: Sequence[Gateway], without_handler: frozenset[str], unread: Mapping[str, int]
) -> Iterator[str]:
    """What is missing of each card; ``unread``: of how many queues of each no file could be kept open."""
    for card in cards:
        name, folder = escape_terminal(card.interface), Folder().folder(f"{NET}/{card.interface}")
        if card.has_bql is False:
            yield (
                f"{name}: its driver keeps no byte queue limits: a hang shows only when packets wait before it, or in the kernel log; "
                "a newer kernel may have them."
            )
        elif card.has_bql is None:
            yield f"{name}: nothing was sent yet, so whether its driver keeps byte queue limits is not known; the first packet tells."
        if unread.get(card.interface):
            yield (
                f"{name}: {unread[card.interface]} of its {card.tx_queues} transmit queues are not looked at, for too many files would be open: "
                "when one of these stands, only the transmit watchdog tells; fewer queues (ethtool -L), or a higher LimitNOFILE=."
            )
        if not any(folder.has(f"queues/{queue}/tx_timeout") for queue in folder.names("queues")):
            yield f"{name}: the kernel counts no expiries of its transmit watchdog; Linux 3.3 and later do."
        if card.driver in without_handler:
            driver = escape_terminal(card.driver or "")
            yield f"{name}: {driver} has no tx-timeout handler: the kernel's watchdog never fires for it; a newer driver may have one."
        own = {card.interface, *card.above}
        if not any(gateway.interface in own for gateway in gateways):
            yield (
                f"{name}: no gateway is known behind it: a fault beyond the link cannot be told from silence; "
                "a route over a gateway in the main table changes that."
            )


def _drivers_of(root: Folder) -> Mapping[str, str]:
    """Network functions on PCI with a driver that makes interfaces, by address."""
    found = {}
    for address in root.names("sys/bus/pci/devices"):
        device = root.folder(f"sys/bus/pci/devices/{address}")
        driver = (device.target("driver") or "").rsplit("/", 1)[-1]
        if driver and driver not in _GIVEN_AWAY and (device.text("class") or "").startswith(_NETWORK_CLASS):
            found[address] = driver
    return found


def find_hidden_cards(cards: Iterable[Card], root: Folder | None = None) -> Iterator[str]:
    """Functions that have a network driver and no interface in this network namespace."""
    seen = {os.path.basename(path) for card in cards if (path := find_pci_path(card.sysfs_path, card.bus))}  # noqa: PTH119  # strings, as sysfs has them
    base = Folder() if root is None else root
    for address, driver in _drivers_of(base).items():
        device = base.folder(f"sys/bus/pci/devices/{address}")
        has_interface = device.names("net") or any(device.names(f"{name}/net") for name in device.names() if name.startswith("virtio"))
        if address not in seen and not has_interface:
            yield (
                f"{address} ({escape_terminal(driver)}) shows no interface here: its driver failed, or another network namespace has it; "
                "a watcher in that one (ip netns exec) sees it."
            )
