# SPDX-License-Identifier: GPL-2.0-or-later
"""What the card itself loses with its driver: settings of the driver, of the interface, of its queues and of its device.

A driver that is bound anew makes a new interface with the kernel's defaults (``alloc_netdev_mqs``, net/core/dev.c). What only needs the driver is
set while the interface is still down, when it costs nobody traffic; what needs a PHY, after it is up: many drivers have none before (``ENODEV``).
ethtool over netlink does nothing where nothing changes (net/ethtool/netlink.c ``ethnl_default_set_doit``, before that ``ethnl_set_linkmodes`` and
its like: ``if (!mod)``). With an older kernel the link is negotiated once more, and only where the interface is a new one.
"""

from collections.abc import Iterator

from nicmedic.model.nic import Bus, Nic
from nicmedic.model.step import INTERFACE, Run, Shown, Step, Write
from nicmedic.remedy.settings import build_mask
from nicmedic.remedy.stack.guards import NET, reads, same_netdev, set_link, write_file

__all__ = ["find_even_spread", "put_back_before_up", "put_back_link", "put_back_queues"]

_MASTERS = frozenset({"bond", "team"})
"""They give their ports an address, and their own size."""
_ZERO_MATTERS = frozenset({"rx-usecs", "tx-usecs", "adaptive-rx", "adaptive-tx"})


def _ethtool(nic: Nic, *words: str, unless: Shown | None = None, quiet: bool = False) -> Run:
    """One setting; a card that does not take it keeps the traffic going.

    Args:
        nic: the card.
        words: option and values.
        unless: what shows that it is set; None: that the interface is the same.
        quiet: it may be one that the driver only tells and does not take: then nothing was lost, and there is nothing to tell.
    """
    argv = ("ethtool", words[0], INTERFACE, *words[1:])
    return Run(argv=argv, unless=unless or same_netdev(nic), needed=False, otherwise=("true",) if quiet else ())


def _sysctls(nic: Nic) -> Iterator[Step]:
    for key, value in (nic.sysctls or {}).items():
        family, kind, name = key.split(".", 2)
        yield write_file(f"/proc/sys/net/{family}/{kind}/{INTERFACE}/{name}", value)


def _device_files(nic: Nic) -> Iterator[Step]:
    """Lost only where the device itself went, as with a rescan."""
    path = nic.sysfs_path
    if path is None:
        return
    below = nic.bus is Bus.USB or (nic.bus is Bus.VIRTIO and nic.pcie is not None)
    whole = path.rsplit("/", 1)[0] if below else path
    if nic.power is not None:
        values = {"control": nic.power.control, "autosuspend_delay_ms": nic.power.autosuspend_delay_ms, "wakeup": nic.power.wakeup}
        for name, value in values.items():
            if value is not None:
                yield write_file(f"{whole}/power/{name}", value)
        if nic.power.d3cold_allowed is not None:
            yield write_file(f"{whole}/d3cold_allowed", int(nic.power.d3cold_allowed))
    for name, on in ((nic.pcie.link_files if nic.pcie else None) or {}).items():
        yield write_file(f"{whole}/link/{name}", int(on))


def _interface(nic: Nic) -> Iterator[Step]:
    led = nic.port is not None and nic.port.kind in _MASTERS
    if nic.address is not None and not led:
        there = reads(f"{NET}/address", nic.address)
        yield set_link(INTERFACE, "down", unless=there)  # many drivers change it only then
        yield set_link(INTERFACE, "address", nic.address, unless=there)
    if nic.mtu is not None and not led:
        yield set_link(INTERFACE, "mtu", str(nic.mtu), unless=reads(f"{NET}/mtu", str(nic.mtu)))
    if nic.txqueuelen is not None:
        yield set_link(INTERFACE, "txqueuelen", str(nic.txqueuelen), unless=reads(f"{NET}/tx_queue_len", str(nic.txqueuelen)), needed=False)
    if nic.group is not None:
        yield set_link(INTERFACE, "group", str(nic.group), unless=reads(f"{NET}/netdev_group", str(nic.group)), needed=False)
    if nic.alias:
        yield set_link(INTERFACE, "alias", nic.alias, unless=reads(f"{NET}/ifalias", nic.alias), needed=False)
    for name in nic.altnames or ():
        there = Shown(argv=("ip", "-o", "link", "show", "dev", INTERFACE), text=f"altname {name}")
        yield Run(argv=("ip", "link", "property", "add", "dev", INTERFACE, "altname", name), unless=there, needed=False)


def _driver_settings(nic: Nic) -> Iterator[Step]:
    """Queues before rings, private flags before features: the later may depend on the earlier."""
    if nic.channels is not None:
        counts = {"rx": nic.channels.rx, "tx": nic.channels.tx, "combined": nic.channels.combined}
        most = {"rx": nic.channels.rx_max, "tx": nic.channels.tx_max, "combined": nic.channels.combined_max}
        words = [word for name, count in counts.items() if most[name] for word in (name, str(count))]
        if words:
            yield _ethtool(nic, "-L", *words, quiet=counts == most)
    if nic.private_flags:
        words = [word for name, on in nic.private_flags.items() for word in (name, "on" if on else "off")]
        yield _ethtool(nic, "--set-priv-flags", *words)
    if nic.ring is not None:
        ring = nic.ring
        sizes = {"rx": ring.rx, "rx-mini": ring.rx_mini, "rx-jumbo": ring.rx_jumbo, "tx": ring.tx}
        largest = {"rx": ring.rx_max, "rx-mini": ring.rx_mini_max, "rx-jumbo": ring.rx_jumbo_max, "tx": ring.tx_max}
        words = [word for name, size in sizes.items() if size for word in (name, str(size))]
        if words:
            yield _ethtool(nic, "-G", *words, quiet=sizes == largest)
    words = [
        word for name, feature in (nic.features or {}).items() if not feature.fixed for word in (name, "on" if feature.requested else "off")
    ]
    if words:
        yield _ethtool(nic, "-K", *words)  # at once: the kernel sorts out which needs which
    yield from _coalescing(nic)
    if nic.spread is not None and nic.spread.table and (count := find_even_spread(nic.spread.table)) not in {None, nic.spread.rings}:
        yield _ethtool(nic, "-X", "equal", str(count))


def _coalescing(nic: Nic) -> Iterator[Step]:
    """One by one: a driver refuses the whole where it does not know one. Zero is told also of what a driver does not know."""
    for name, value in (nic.coalesce or {}).items():
        if value or name in _ZERO_MATTERS:
            switch = name.startswith("adaptive")
            word = "on" if value else "off"
            shown = f"{name[-2:].upper()}: {word}" if switch else f"{name}: {value}"  # both stand in one line: Adaptive RX: on  TX: off
            there = Shown(argv=("ethtool", "-c", INTERFACE), text=shown)
            yield _ethtool(nic, "-C", name, word if switch else str(value), unless=there, quiet=not value)


def find_even_spread(table: tuple[int, ...]) -> int | None:
    """Over how many queues a table of receive queues goes round in turn; None: it is of another make.

    >>> find_even_spread((0, 1, 2, 0, 1, 2)), find_even_spread((0, 0, 1, 1))
    (3, None)
    """
    count = max(table) + 1
    return count if all(queue == slot % count for slot, queue in enumerate(table)) else None


def put_back_before_up(nic: Nic) -> Iterator[Step]:
    """While nothing flows yet."""
    yield from _sysctls(nic)
    yield from _device_files(nic)
    yield from _driver_settings(nic)
    yield from _interface(nic)


def put_back_link(nic: Nic) -> Iterator[Step]:
    """What its PHY does."""
    link = nic.link
    if nic.pause is not None and nic.pause.autoneg is False:
        yield _ethtool(nic, "-A", "autoneg", "off", "rx", "on" if nic.pause.rx else "off", "tx", "on" if nic.pause.tx else "off")
    if link is not None and link.autoneg and link.advertised:
        yield _ethtool(nic, "-s", "autoneg", "on", "advertise", build_mask(link.advertised))
    if link is not None and link.autoneg is False and link.speed_mbps and link.duplex is not None and link.supported:
        yield _ethtool(nic, "-s", "speed", str(link.speed_mbps), "duplex", link.duplex.value, "autoneg", "off")
    if link is not None and link.mdix_setting is not None:
        yield _ethtool(nic, "-s", "mdix", link.mdix_setting)
    if nic.eee is not None and nic.eee.supported:
        words = ["eee", "on" if nic.eee.enabled else "off"]
        if nic.eee.enabled:
            lpi = ["tx-lpi", "on" if nic.eee.tx_lpi else "off", "tx-timer", str(nic.eee.tx_lpi_timer_us)]
            words += [*lpi, "advertise", build_mask(nic.eee.advertised)]
        yield _ethtool(nic, "--set-eee", *words)
    if nic.wol is not None and nic.wol.supported != "d":
        yield _ethtool(nic, "-s", "wol", nic.wol.enabled)
    if link is not None and link.message_level is not None:
        yield _ethtool(nic, "-s", "msglvl", str(link.message_level))


def put_back_queues(nic: Nic, cpus: int | None) -> Iterator[Step]:
    """Files of the interface that are about its queues, and where its interrupts go."""
    own = {"gro_flush_timeout": nic.gro_flush_timeout_ns, "napi_defer_hard_irqs": nic.napi_defer_hard_irqs}
    for name, value in own.items():
        if value is not None:
            yield write_file(f"{NET}/{name}", value)
    if nic.threaded_napi is not None:
        yield write_file(f"{NET}/threaded", int(nic.threaded_napi))
    for tx in nic.tx_queues or ():
        files: dict[str, object] = {"xps_cpus": tx.xps_cpus, "xps_rxqs": tx.xps_rxqs, "tx_maxrate": tx.tx_maxrate_mbps}
        if tx.bql is not None:
            limits: dict[str, object] = {"limit_max": tx.bql.limit_max, "limit_min": tx.bql.limit_min, "hold_time": tx.bql.hold_time_ms}
            files |= {f"byte_queue_limits/{name}": value for name, value in limits.items()}
        yield from (write_file(f"{NET}/queues/tx-{tx.index}/{name}", value) for name, value in files.items() if value is not None)
    for rx in nic.rx_queues or ():
        files = {"rps_cpus": rx.rps_cpus, "rps_flow_cnt": rx.rps_flow_cnt}
        yield from (write_file(f"{NET}/queues/rx-{rx.index}/{name}", value) for name, value in files.items() if value is not None)
    yield from _interrupts(nic, cpus)


def _interrupts(nic: Nic, cpus: int | None) -> Iterator[Step]:
    """Only where the number is still, or again, this card's: ``grep -L`` prints the file's name where no line matches."""
    everywhere = "0" if cpus == 1 else f"0-{(cpus or 0) - 1}"
    for interrupt in nic.interrupts or ():
        path = f"/proc/irq/{interrupt.number}/smp_affinity_list"
        if interrupt.affinity is None or interrupt.name is None or interrupt.affinity == everywhere or "," in interrupt.name:
            continue
        name = "".join(letter if letter.isalnum() else f"[{letter}]" if letter != "^" else "." for letter in interrupt.name)
        mine = f"^ *{interrupt.number}:.* {name}$"
        foreign = Shown(argv=("grep", "-L", mine, "/proc/interrupts"), text="/proc/interrupts")
        yield Write(path=path, text=interrupt.affinity, unless=foreign, needed=False)
