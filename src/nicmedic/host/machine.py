# SPDX-License-Identifier: GPL-2.0-or-later
"""The host, put together: ``nicmedic.ports.machine.Machine`` on the machine we run on, or on an unpacked copy of another one's files."""

import os
from collections.abc import Iterable, Mapping

from nicmedic.host.clock import read_now
from nicmedic.host.devices import is_nic
from nicmedic.host.interrupts import read_interrupt_lines
from nicmedic.host.netlink import Rtnl, read_rtnl
from nicmedic.host.nics import NET, Listed, read_new_interface, read_nic, read_sysctls
from nicmedic.host.rtnl_guard import LOCKED_FILES, PATIENCE_S, RtnlGuard
from nicmedic.host.rtnl_links import LinkFacts, make_links, make_qdiscs, make_vlans
from nicmedic.host.rtnl_stations import make_forwarding, make_nexthops, parse_memberships
from nicmedic.host.rtnl_values import make_addresses, make_neighbours, make_routes, make_rules
from nicmedic.host.second_look import read_counters
from nicmedic.host.stacks import make_virtual_link
from nicmedic.host.sysfs import Folder
from nicmedic.host.system import read_aspm, read_distro, read_kernel, read_machine, read_uptime, select_words
from nicmedic.host.virtualization import read_virtualization
from nicmedic.host.ways_in import read_ways_in
from nicmedic.model.counters import Counters
from nicmedic.model.host import Host
from nicmedic.model.nic import Nic
from nicmedic.model.note import Lack, Note
from nicmedic.model.stack import VirtualLink

__all__ = ["HostMachine"]

_ABOVE = frozenset({"vlan", "macvlan", "ipvlan", "bridge", "bond", "team", "vrf"})


def _list_all(root: Folder, rtnl: Rtnl) -> Listed:
    links = None if rtnl.links is None else make_links(rtnl.links)
    names = {} if links is None else {link.ifindex: link.interface for link in links.values()}
    return Listed(
        links=links,
        vlans=make_vlans(rtnl.bridge_links or ()),
        addresses=None if rtnl.addresses is None else make_addresses(rtnl.addresses, names),
        qdiscs=None if rtnl.qdiscs is None else make_qdiscs(rtnl.qdiscs, names),
        routes=None if rtnl.routes is None else make_routes(rtnl.routes, names),
        interrupt_lines=read_interrupt_lines(root),
        new_interface=read_new_interface(root),
    )


def _other_links(root: Folder, names: Iterable[str], listed: Listed) -> tuple[VirtualLink, ...]:
    links: Mapping[str, LinkFacts] = listed.links or {}
    made = []
    for name in names:
        if name not in links:
            made.append(VirtualLink(interface=name))
            continue
        sysctls = read_sysctls(root, name, listed.new_interface or {}) if links[name].kind in _ABOVE else None
        made.append(make_virtual_link(links[name], links, listed.vlans or {}, listed.addresses, listed.qdiscs, sysctls))
    return tuple(made)


def _count_cpus(root: Folder) -> int | None:
    """Of a list such as ``0-3,6``."""
    ranges = [part.partition("-") for part in (root.text("sys/devices/system/cpu/online") or "").split(",") if part]
    try:
        return sum(int(end or start) - int(start) + 1 for start, _, end in ranges) or None
    except ValueError:
        return None


class HostMachine:
    """Reads; never changes anything."""

    def __init__(self, root: str = "/") -> None:
        """``root``: this machine's own, or the folder of a copy, where there are no drivers and no netlink to ask."""
        self._root = root
        self._live = os.path.realpath(root) == "/"
        self._guard = RtnlGuard()

    def _look(self, notes: list[Note]) -> tuple[Folder, bool]:
        """The root folder, and whether the kernel can be asked about links."""
        if not self._live:
            notes.append(Note(what="netlink", why=Lack.ABSENT, detail="a copy of a host has files only"))
            return Folder(self._root, "", notes), False
        net = Folder().folder(NET)
        try:
            stuck = self._guard.is_stuck(name for name in net.names() if is_nic(net.folder(name)))
        except OSError as error:
            detail = f"not asked, since it may not answer and no child can be started that would try: {error.strerror or error}"
            notes.append(Note(what="netlink", why=Lack.ODD, detail=detail))
            return Folder(self._root, "", notes, avoid=LOCKED_FILES), False
        if stuck:
            detail = f"ETHTOOL_GDRVINFO: no answer for {PATIENCE_S:g} s"
            notes.append(Note(what="netlink", why=Lack.STUCK, detail=detail))
            return Folder(self._root, "", notes, avoid=LOCKED_FILES), False
        return Folder(self._root, "", notes), True

    def read_host(self) -> Host:
        notes: list[Note] = []
        root, answers = self._look(notes)
        rtnl = read_rtnl(notes) if answers else Rtnl()
        listed = _list_all(root, rtnl)
        net = root.folder(NET)
        # bonding keeps a file of its own among them: bonding_masters
        present = [name for name in net.names(note="nics") if name in (listed.links or {}) or net.has(f"{name}/ifindex")]
        cards = [name for name in present if is_nic(net.folder(name))]
        nics = sorted((read_nic(root, name, listed, live=answers) for name in cards), key=lambda nic: (nic.ifindex or 0, nic.interface))
        links = _other_links(root, (name for name in dict.fromkeys([*present, *(listed.links or {})]) if name not in cards), listed)
        names = {} if listed.links is None else {link.ifindex: link.interface for link in listed.links.values()}
        return self._assemble(
            root,
            nics=tuple(nics),
            links=links,
            routes=listed.routes,
            rules=None if rtnl.rules is None else make_rules(rtnl.rules),
            nexthops=None if rtnl.nexthops is None else make_nexthops(rtnl.nexthops, names),
            forwarding=None if rtnl.forwarding is None else make_forwarding(rtnl.forwarding, names),
            memberships=parse_memberships(root.text("proc/net/dev_mcast")),
            neighbours=None
            if rtnl.neighbours is None
            else make_neighbours((*rtnl.neighbours, *(rtnl.proxies or ())), names, listed.routes or ()),
        )

    def _assemble(self, root: Folder, *, nics: tuple[Nic, ...], links: tuple[VirtualLink, ...], **listed: object) -> Host:
        command_line = root.text("proc/cmdline", note="command_line")
        words = select_words(command_line or "", frozenset(nic.module or nic.driver or "" for nic in nics) - {""})
        routes = listed["routes"]
        known = {
            **read_kernel(root),
            **read_distro(root),
            **listed,
            "hostname": root.text("proc/sys/kernel/hostname") or root.text("etc/hostname"),
            "architecture": os.uname().machine if self._live else None,
            "command_line": command_line,
            "command_line_words": None if command_line is None else words,
            "machine": read_machine(root),
            "virtualization": read_virtualization(root),
            "boot_id": root.text("proc/sys/kernel/random/boot_id"),
            "uptime_s": read_uptime(root),
            "cpus_online": _count_cpus(root),
            "init": root.text("proc/1/comm"),
            "read_at": read_now().isoformat(timespec="milliseconds"),
            "is_root": os.geteuid() == 0 if self._live else None,
            "aspm": read_aspm(root, words),
            "nics": nics,
            "links": links,
            "ways_in": read_ways_in(root, nics, links, routes if isinstance(routes, tuple) else ()),
        }
        return Host(**{**known, "notes": tuple(root.notes)})  # type: ignore[arg-type]  # names are those of the fields

    def read_counters(self, interfaces: Iterable[str]) -> tuple[Counters, ...]:
        root, answers = self._look([])
        return read_counters(root, interfaces, netlink=answers)
