# SPDX-License-Identifier: GPL-2.0-or-later
"""Changes in sizes and rates: MTU, rings, interrupt coalescing, and which processors take the interrupts.

What follows an MTU (Linux 6.1): VLANs and macvlans above are cut down and do not rise again (net/8021q/vlan.c, drivers/net/macvlan.c); an ipvlan
always has its card's (drivers/net/ipvlan/ipvlan_main.c); a bridge has that of its smallest port unless somebody set it (net/bridge/br_if.c,
``br_mtu_auto_adjust()``), so an undo must not set it; a bond sets that of its ports, a team forbids another (drivers/net/team/team.c). Below 1280
bytes IPv6 leaves the interface with its addresses and routes (net/ipv6/addrconf.c, ``addrconf_notify()``).
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from nicmedic.model.finding import RemedyId
from nicmedic.model.link import Ring
from nicmedic.model.nic import Nic
from nicmedic.model.plan import Change, Refusal, Setting
from nicmedic.model.queue import Interrupt
from nicmedic.model.stack import VirtualLink
from nicmedic.model.step import INTERFACE, Run, Shown, Write
from nicmedic.remedy.changes.link import find_link_risks
from nicmedic.remedy.changes.site import Site, build_change, find_settings, recipe_of, refuse, why_unknown
from nicmedic.remedy.recipe import NONE
from nicmedic.remedy.script.words import quote_word

__all__ = ["change_interrupts", "change_ring", "set_mtu"]

_IPV6_LEAST = 1280
_CUT: Final = frozenset({"vlan", "macvlan", "macvtap"})
"""Kinds whose MTU is cut down with that of the card and stays so."""
_CPU_LIST = re.compile(r"\d{1,4}(?:-\d{1,4})?(?:,\d{1,4}(?:-\d{1,4})?)*\Z")
_MOST_USECS = 100_000
_PARAMETERS: Final = frozenset({"irqpoll", "irqfixup", "noapic", "nolapic", "pci=nomsi", "acpi=noirq", "intremap=off"})


def _set_mtu(site: Site, interface: str, size: int) -> Run:
    old = () if site.tools is not None and "ip" in site.tools else ("ifconfig", interface, "mtu", str(size))
    return Run(argv=("ip", "link", "set", "dev", interface, "mtu", str(size)), otherwise=old)


def _links_above(site: Site) -> Iterator[VirtualLink]:
    """What stands on the card, nearest first."""
    for upper in site.nic.uppers or ():
        yield from (link for link in site.host.links if link.interface == upper.interface)


def _check_mtu(nic: Nic, size: int) -> Iterator[str]:
    if size == nic.mtu:
        yield f"the MTU is {size} already"
    if size < (nic.mtu_min or 68):
        yield f"the card takes no MTU below {nic.mtu_min or 68}"
    if nic.mtu_max and size > nic.mtu_max:
        yield f"the card takes no MTU above {nic.mtu_max}"
    if nic.port is not None and nic.port.kind in {"bond", "team"}:
        yield f"it is a port of {nic.port.master}, which sets the MTU of all its ports"


def _mtu_risks(site: Site, size: int) -> Iterator[str]:
    nic = site.nic
    if size < _IPV6_LEAST:
        yield f"Below {_IPV6_LEAST} bytes there is no IPv6: its addresses and routes leave the interface."
        yield "Once it is confirmed, an undo does not bring them back."
    above = [link for link in _links_above(site) if link.mtu is not None and link.mtu > size]
    if above:
        yield f"{', '.join(link.interface for link in above)} above it {'follow' if len(above) > 1 else 'follows'}."
    if nic.xdp is not None and nic.mtu is not None and size > nic.mtu:
        yield f"An XDP program is attached ({nic.xdp.mode}): many drivers refuse larger frames then."
    yield from find_link_risks(site)


def set_mtu(site: Site, argument: str) -> Change | Refusal:
    """Undone on the card first, then on what was cut down above it, nearest first."""
    remedy, nic = RemedyId.MTU, site.nic
    if nic.mtu is None:
        return refuse(remedy, argument, why_unknown(nic, "mtu", "the MTU"))
    size_text = argument or ("1500" if nic.mtu > 1500 else "")
    if not size_text:
        return refuse(remedy, argument, f"it must be said which size, such as mtu:1400; it is {nic.mtu} now")
    if not (size_text.isascii() and size_text.isdecimal() and len(size_text) < 7):
        return refuse(remedy, argument, f"{argument}: not a size in bytes, such as mtu:1500")
    size = int(size_text)
    reasons = list(_check_mtu(nic, size))
    if reasons:
        port = nic.port
        settle = [f"ip link set dev {quote_word(port.master)} mtu {size}"] if port is not None and port.kind in {"bond", "team"} else []
        return refuse(remedy, argument, *reasons, settle=[f"ip -d link show dev {site.name}", *settle])
    cut = [link for link in _links_above(site) if link.kind in _CUT and link.mtu is not None and link.mtu > size]
    follow = [link for link in _links_above(site) if link.mtu is not None and link.mtu > size]
    return build_change(
        site,
        remedy,
        argument,
        [_set_mtu(site, INTERFACE, size)],
        recipe=recipe_of(remedy, site, size_text),
        undo=[_set_mtu(site, INTERFACE, nic.mtu), *(_set_mtu(site, link.interface, link.mtu) for link in cut if link.mtu is not None)],
        before=find_settings(site, "mtu", *(f"above.{link.interface}.mtu" for link in follow)),
        wanted=(Setting(name="mtu", value=size_text),),
        settle_s=8,
        takes_stack=size < _IPV6_LEAST,
        risks=_mtu_risks(site, size),
    )


def _read_words(argument: str, allowed: Sequence[str], usual: str) -> dict[str, int] | None:
    """``tx=512,rx=256`` or ``512``; None: neither."""
    found: dict[str, int] = {}
    for part in argument.split(","):
        name, sign, value = part.strip().rpartition("=")
        name = name if sign else usual
        if name not in allowed or name in found or not (value.isascii() and value.isdecimal() and len(value) < 7):
            return None
        found[name] = int(value)
    return found


def _check_ring(ring: Ring, wanted: Mapping[str, int]) -> Iterator[str]:
    now, most = {"rx": ring.rx, "tx": ring.tx}, {"rx": ring.rx_max, "tx": ring.tx_max}
    for name, size in wanted.items():
        if not most[name]:
            yield f"the driver does not let the {name} ring be changed"
        elif not 0 < size <= most[name]:
            yield f"{name}={size}: the card takes 1 to {most[name]}"
    if all(now[name] == size for name, size in wanted.items()):
        yield "the rings have this size already"


def _round_up(size: int, former: int | None) -> int:
    """What a driver may make of a size: many round it up to a power of two or to a multiple. What it was before is no rounding of it."""
    return min(2 * size - 1, former - 1) if former is not None and former > size else 2 * size - 1


def change_ring(site: Site, argument: str) -> Change | Refusal:
    """Rings by ``tx=N,rx=N``, or ``N`` for the transmit ring; without an argument the largest transmit ring."""
    remedy, nic = RemedyId.RING, site.nic
    look = (f"ethtool -g {site.name}",)
    if nic.ring is None:
        return refuse(remedy, argument, why_unknown(nic, "ring", "the rings"), settle=look)
    sizes = _read_words(argument or str(nic.ring.tx_max), ("tx", "rx"), "tx")
    if sizes is None:
        return refuse(remedy, argument, f"{argument}: not sizes, such as ring:tx=512 or ring:tx=512,rx=512", settle=look)
    reasons = list(_check_ring(nic.ring, sizes))
    if reasons:
        return refuse(remedy, argument, *reasons, settle=look)
    former = {"rx": nic.ring.rx, "tx": nic.ring.tx}
    words = ", ".join(f"{name} {size}" for name, size in sizes.items())
    made = recipe_of(remedy, site)
    risks = ["New rings need memory in one piece: under memory pressure the driver may fail to come up again.", *find_link_risks(site)]
    return build_change(
        site,
        remedy,
        argument,
        [Run(argv=("ethtool", "-G", INTERFACE, *(part for name, size in sizes.items() for part in (name, str(size)))))],
        recipe=dataclasses.replace(made, title=f"Change the rings: {words} descriptors", caution=""),
        undo=[Run(argv=("ethtool", "-G", INTERFACE, *(part for name in sizes for part in (name, str(former[name])))))],
        before=find_settings(site, *(f"ring.{name}" for name in sizes)),
        wanted=[Setting(name=f"ring.{name}", value=str(size), up_to=_round_up(size, former[name])) for name, size in sizes.items()],
        settle_s=8,
        risks=risks,
    )


def change_interrupts(site: Site, argument: str) -> Change | Refusal:
    """``coalesce=N`` or ``affinity=CPULIST``; what needs a boot parameter is told."""
    kind, _, value = argument.partition("=")
    if kind == "coalesce":
        return _coalesce(site, argument, value)
    if kind == "affinity":
        return _affinity(site, argument, value)
    remedy = RemedyId.INTERRUPT_MODE
    if argument in _PARAMETERS:
        made = recipe_of(remedy, site, argument)
        return refuse(
            remedy, argument, f"{argument} is a word of the kernel's command line, so it needs a boot", *made.steps, settle=made.commands
        )
    usual = "on a running host: interrupt-mode:coalesce=N (microseconds) or interrupt-mode:affinity=CPULIST"
    return refuse(remedy, argument, f"{argument}: {usual}" if argument else f"it must be said how; {usual}")


def _coalesce(site: Site, argument: str, value: str) -> Change | Refusal:
    """A fixed delay, both ways where the driver has both; adaptive modes go off, since they would change it again."""
    remedy, nic = RemedyId.INTERRUPT_MODE, site.nic
    look = (f"ethtool -c {site.name}",)
    if nic.coalesce is None:
        return refuse(remedy, argument, why_unknown(nic, "coalesce", "the interrupt coalescing"), settle=look)
    if not (value.isascii() and value.isdecimal() and len(value) < 7 and int(value) <= _MOST_USECS):
        return refuse(remedy, argument, f"{argument}: not microseconds from 0 to {_MOST_USECS}, such as coalesce=50")
    adaptive = [name for name in ("adaptive-rx", "adaptive-tx") if nic.coalesce.get(name)]
    delays = [name for name in ("rx-usecs", "tx-usecs") if name in nic.coalesce]
    if not adaptive and all(nic.coalesce[name] == int(value) for name in delays):
        return refuse(remedy, argument, f"interrupts are delayed by {int(value)} µs already")
    wanted = {**dict.fromkeys(adaptive, "off"), **dict.fromkeys(delays, str(int(value)))}
    before = find_settings(site, *(f"coalesce.{name}" for name in wanted))
    return build_change(
        site,
        remedy,
        argument,
        [_run_coalesce(name, word) for name, word in wanted.items()],
        recipe=dataclasses.replace(
            recipe_of(remedy, site), title=f"Delay interrupts by {int(value)} µs", disruption=NONE, caution="Longer delays cost latency."
        ),
        undo=[_run_coalesce(setting.name.removeprefix("coalesce."), setting.value) for setting in reversed(before)],
        before=before,
        wanted=[Setting(name=f"coalesce.{name}", value=word) for name, word in wanted.items() if name != "tx-usecs"],
        settle_s=3,
        risks=["The driver may know one delay for both ways only; then that of sending is refused and stays."],
    )


def _run_coalesce(name: str, word: str) -> Run:
    """One at a time: drivers refuse a call that names one they do not have (``supported_coalesce_params``, since Linux 5.7), many ``tx-usecs``.

    ethtool before 5.7 fails where nothing would change. Whether ``adaptive-tx`` is set cannot be told from what it prints in that line.
    """
    label = "Adaptive RX" if name == "adaptive-rx" else name
    shown = None if name == "adaptive-tx" else Shown(argv=("ethtool", "-c", INTERFACE), text=f"{label}: {word}")
    return Run(argv=("ethtool", "-C", INTERFACE, name, word), needed=name != "tx-usecs", unless=shown)


def _say_shared(used: Sequence[Interrupt]) -> Iterator[str]:
    shared = [one for one in used if one.name and "," in one.name]
    if shared:
        yield f"Interrupt {shared[0].number} is shared: {shared[0].name} move together."
    yield "irqbalance, where it runs, may set it anew."


def _affinity(site: Site, argument: str, value: str) -> Change | Refusal:
    """All interrupts that the driver uses, through ``smp_affinity_list``."""
    remedy, nic = RemedyId.INTERRUPT_MODE, site.nic
    look = (f"grep -E 'CPU|{site.name}' /proc/interrupts",)
    if not _CPU_LIST.match(value):
        return refuse(remedy, argument, f"{argument}: not a list of processors, such as affinity=0 or affinity=0-3,8")
    used = [one for one in nic.interrupts or () if one.per_cpu is not None and one.affinity]
    if not used:
        return refuse(remedy, argument, why_unknown(nic, "interrupts", "where its interrupts go"), settle=look)
    moved = [one for one in used if one.affinity != value]
    if not moved:
        return refuse(remedy, argument, f"its interrupts go to {value} already")
    names = [f"interrupts.{one.number}.affinity" for one in moved]
    made = dataclasses.replace(recipe_of(remedy, site), title=f"Give its interrupts to processor {value}", disruption=NONE, caution="")
    return build_change(
        site,
        remedy,
        argument,
        [Write(path=f"/proc/irq/{one.number}/smp_affinity_list", text=value) for one in moved],
        recipe=made,
        undo=[Write(path=f"/proc/irq/{one.number}/smp_affinity_list", text=one.affinity or "") for one in moved],
        before=find_settings(site, *names),
        wanted=[Setting(name=name, value=value) for name in names],
        settle_s=3,
        risks=_say_shared(used),
    )
