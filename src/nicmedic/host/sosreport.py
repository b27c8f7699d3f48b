# SPDX-License-Identifier: GPL-2.0-or-later
"""A host out of a sosreport: what its commands printed, and the files that it copied, as far as they say.

A sosreport has a folder of its own name; in it ``sos_commands/networking/ethtool_-i_eth0`` and the like (a blank in a command becomes ``_``, a slash
``.``; sos/report/plugins/networking.py), and copies below ``proc``, ``sys`` and ``etc``. Of sysfs there is little more than statistics, so that
what only sysfs tells (queues, BQL, PCI Express) is unknown here.
A packed one is first unpacked into a temporary folder, plain files only, each within limits.
"""

import contextlib
import dataclasses
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from typing import BinaryIO, cast

from nicmedic.host import ethtool_text
from nicmedic.host.archives import read_tar_members
from nicmedic.host.containers import expand
from nicmedic.host.ip_text import IpLink, parse_links, parse_routes
from nicmedic.host.machine import HostMachine
from nicmedic.host.owners import with_owners
from nicmedic.host.timed_reader import read_bounded
from nicmedic.model.errors import NotASnapshotError, UnreadableInputError
from nicmedic.model.host import Host
from nicmedic.model.nic import Bus, Nic
from nicmedic.model.note import Lack, Note
from nicmedic.model.stack import Port, Route, Upper, VirtualLink
from nicmedic.report.escape import escape_terminal, quote_file_name

__all__ = ["find_sosreport", "read_sosreport"]

_COMMANDS = "sos_commands"
_LARGEST = 1 << 20
_MOST_BYTES = 256 << 20
_MOST_FILES = 50_000
_WANTED = re.compile(
    r"(?:[^/]+/)?(?:sos_commands/(?:networking|kernel|host|pci)/[^/]+|(?:proc|sys|run|lib/systemd|usr/lib/(?:systemd|NetworkManager))/.+"
    r"|etc/(?:hostname|os-release|network\b.*|netplan/.*|systemd/network/.*|NetworkManager/.*|sysconfig/network.*)|usr/lib/os-release)\Z"
)
_VIRTUAL_DRIVERS = frozenset(
    ["bridge", "bonding", "tun", "veth", "802.1Q VLAN Support", "team", "openvswitch", "macvlan", "ipvlan", "dummy", "vxlan"]
)
_PCI = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]\Z")
_UNAME = re.compile(r"Linux (?P<host>\S+) (?P<release>\S+) (?P<version>#.*?) (?P<machine>[\w]+)(?: [\w]+)*(?: GNU/Linux)?\s*\Z")


def find_sosreport(folder: str) -> str | None:
    """The folder that has the commands: the one named, or the only one in it; None: this is no sosreport."""
    if os.path.isdir(os.path.join(folder, _COMMANDS)):  # noqa: PTH112, PTH118  # names are bytes of a user's choosing
        return folder
    try:
        below = [entry.path for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return None
    found = [path for path in below if os.path.isdir(os.path.join(path, _COMMANDS))]  # noqa: PTH112, PTH118  # names are bytes of a user's choosing
    return found[0] if len(found) == 1 else None


def read_sosreport(path: str) -> Host:
    """The host; ``path``: the archive, or the folder that it was unpacked into.

    Raises:
        NotASnapshotError: it has no ``sos_commands``.
        UnreadableInputError: it is damaged, or may not be read.
    """
    with _unpacked(path) as folder:
        root = find_sosreport(folder)
        if root is None:
            raise NotASnapshotError(
                f"{escape_terminal(path)}: there is no {_COMMANDS} in it, so it is no sosreport", hint="nicmedic explain FILE"
            )
        return with_owners(_Reader(root).read(), root)


@contextlib.contextmanager
def _unpacked(path: str) -> Iterator[str]:
    if os.path.isdir(path):  # noqa: PTH112  # names are bytes of a user's choosing
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="nicmedic-") as folder:
        _unpack(path, folder)
        yield folder


def _unpack(path: str, folder: str) -> None:
    """Plain files that matter; a name that would lead out of the folder is passed over."""
    name = escape_terminal(path)
    left, count = _MOST_BYTES, 0
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123  # names are bytes of a user's choosing
            stream, kind = expand(name, cast("BinaryIO", file))
            if kind != "tar":
                raise NotASnapshotError(f"{name}: no tar archive", hint=f"file {quote_file_name(path)}")
            for member, content, _ in read_tar_members(name, cast("BinaryIO", stream)):
                plain = member.removeprefix("./")
                if not _WANTED.match(plain) or ".." in plain.split("/") or "\0" in plain:
                    continue
                data = content.read(_LARGEST)
                left, count = left - len(data), count + 1
                if left < 0 or count > _MOST_FILES:
                    raise UnreadableInputError(f"{name}: too large to read whole", hint="unpack it, and name the folder")
                target = os.path.join(folder, plain)  # noqa: PTH118  # names are bytes of a user's choosing
                os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120  # names are bytes of a user's choosing
                with open(target, "xb") as copy:  # noqa: PTH123  # names are bytes of a user's choosing
                    copy.write(data)
    except FileExistsError:
        raise UnreadableInputError(f"{name}: a name comes twice in it", hint="unpack it, and name the folder") from None
    except OSError as error:
        raise UnreadableInputError(f"{name}: {error.strerror or error}", hint=f"ls -ld {quote_file_name(path)}") from None


class _Reader:
    """One unpacked sosreport."""

    def __init__(self, root: str) -> None:
        self.root = root

    def text(self, *names: str) -> str:
        """What a command printed, the first of several names that is there; empty: none is."""
        for name in names:
            path = os.path.join(self.root, _COMMANDS, name)  # noqa: PTH118  # names are bytes of a user's choosing
            with contextlib.suppress(OSError, ValueError):
                if not os.path.islink(path):  # noqa: PTH114  # a link may lead anywhere
                    return read_bounded(path, _LARGEST).decode("utf-8", "surrogateescape")
        return ""

    def ethtool(self, option: str, interface: str) -> str:
        mangled = interface.replace("/", ".")
        return self.text(f"networking/ethtool_{option}_{mangled}" if option else f"networking/ethtool_{mangled}")

    def read(self) -> Host:
        copied = HostMachine(self.root).read_host()
        links = parse_links(self.text("networking/ip_-d_address", "networking/ip_address"))
        routes = parse_routes(self.text("networking/ip_route_show_table_all")) or None
        cards = {link.interface: link for link in links if self._is_card(link.interface)}
        for name in self._named_by_ethtool():
            if name not in cards and self._is_card(name):
                cards[name] = IpLink(interface=name, ifindex=0)
        nics = [self._read_nic(name, link, links, routes) for name, link in cards.items()]
        virtual = [_virtual_link(link, links) for link in links if link.interface not in cards]
        note = Note(what="nics", why=Lack.ABSENT, detail="a sosreport has no queues, no byte queue limits and no PCI registers")
        return dataclasses.replace(
            copied,
            **{key: value for key, value in self._read_uname().items() if getattr(copied, key) is None},  # type: ignore[arg-type]  # all are str
            nics=tuple(nics) or copied.nics,
            links=tuple(virtual) or copied.links,
            routes=routes,
            notes=(*copied.notes, note),
        )

    def _read_uname(self) -> Mapping[str, str]:
        found = _UNAME.match(self.text("kernel/uname_-a").strip())
        if not found:
            return {}
        return {
            "hostname": found["host"],
            "kernel_release": found["release"],
            "kernel_version": found["version"],
            "architecture": found["machine"],
        }

    def _named_by_ethtool(self) -> list[str]:
        try:
            names = os.listdir(os.path.join(self.root, _COMMANDS, "networking"))  # noqa: PTH118, PTH208  # names are bytes of a user's choosing
        except OSError:
            return []
        return sorted(name.removeprefix("ethtool_-i_") for name in names if name.startswith("ethtool_-i_"))

    def _is_card(self, name: str) -> bool:
        told = ethtool_text.parse_driver(self.ethtool("-i", name))
        return told is not None and "bus-info" in told and told["driver"] not in _VIRTUAL_DRIVERS

    def _read_nic(self, name: str, link: IpLink, links: tuple[IpLink, ...], routes: tuple[Route, ...] | None) -> Nic:
        told = ethtool_text.parse_driver(self.ethtool("-i", name)) or {}
        main = self.ethtool("", name)
        bus = told.get("bus-info")
        uppers = _find_uppers(name, links)
        carriers = {name, *(each.interface for each in uppers)}
        flags = link.flags or None
        return Nic(
            interface=name,
            ifindex=link.ifindex or None,
            altnames=link.altnames if link.ifindex else None,
            driver=told.get("driver"),
            driver_version=told.get("version"),
            firmware_version=told.get("firmware-version"),
            bus=_find_bus(bus),
            bus_address=bus,
            permanent_address=link.permanent_address,
            address=link.address,
            flags=flags,
            operstate=link.operstate,
            carrier=None if flags is None or "UP" not in flags else "LOWER_UP" in flags,
            mtu=link.mtu,
            mtu_min=link.mtu_min,
            mtu_max=link.mtu_max,
            txqueuelen=link.txqueuelen,
            promiscuity=link.promiscuity,
            link=ethtool_text.parse_link(main),
            wol=ethtool_text.parse_wake_on_lan(main),
            features=ethtool_text.parse_features(self.ethtool("-k", name)),
            ring=ethtool_text.parse_ring(self.ethtool("-g", name)),
            channels=ethtool_text.parse_channels(self.ethtool("-l", name)),
            coalesce=ethtool_text.parse_coalesce(self.ethtool("-c", name)),
            pause=ethtool_text.parse_pause(self.ethtool("-a", name)),
            private_flags=ethtool_text.parse_private_flags(self.ethtool("--show-priv-flags", name)),
            driver_statistics=ethtool_text.parse_statistics(self.ethtool("-S", name)),
            statistics=self._read_statistics(name),
            port=Port(master=link.master, kind=next((each.kind for each in links if each.interface == link.master), None))
            if link.master
            else None,
            uppers=uppers if links else None,
            addresses=link.addresses if link.ifindex else None,
            carries_default_route=None
            if routes is None
            else any(route.destination == "default" and route.interface in carriers for route in routes),
        )

    def _read_statistics(self, name: str) -> Mapping[str, int] | None:
        """From the copy of sysfs; a link there may lead anywhere, so none is followed on the way."""
        folder = os.path.join(self.root, "sys/class/net", name, "statistics")  # noqa: PTH118  # names are bytes of a user's choosing
        found = {}
        if os.path.realpath(folder).startswith(os.path.realpath(self.root) + os.sep):
            with contextlib.suppress(OSError):
                for key in os.listdir(folder):  # noqa: PTH208  # names are bytes of a user's choosing
                    with contextlib.suppress(OSError, ValueError):
                        found[key] = int(read_bounded(os.path.join(folder, key), 64))  # noqa: PTH118  # names are bytes of a user's choosing
        return found or None


def _find_bus(address: str | None) -> Bus | None:
    if address is None:
        return None
    if _PCI.match(address):
        return Bus.PCI
    if address.startswith("usb-"):
        return Bus.USB
    return {"virtio": Bus.VIRTIO, "vif-": Bus.XEN, "vmbus": Bus.VMBUS}.get(
        next((key for key in ("virtio", "vif-", "vmbus") if address.startswith(key)), "")
    )


def _find_uppers(name: str, links: tuple[IpLink, ...]) -> tuple[Upper, ...]:
    """All that stands on a card, nearest first."""
    found: list[Upper] = []
    below = [name]
    while below and len(found) < len(links):
        base = below.pop(0)
        master = next((link.master for link in links if link.interface == base), None)
        for link in links:
            if (link.interface == master or link.lower == base) and link.interface not in (name, *(each.interface for each in found)):
                found.append(Upper(interface=link.interface, kind=link.kind, below=base))
                below.append(link.interface)
    return tuple(found)


def _virtual_link(link: IpLink, links: tuple[IpLink, ...]) -> VirtualLink:
    ports = tuple(each.interface for each in links if each.master == link.interface)
    return VirtualLink(
        interface=link.interface,
        ifindex=link.ifindex,
        altnames=link.altnames,
        kind=link.kind,
        port=Port(master=link.master) if link.master else None,
        lower=ports or ((link.lower,) if link.lower else None),
        flags=link.flags or None,
        operstate=link.operstate,
        mtu=link.mtu,
        address=link.address,
        addresses=link.addresses,
    )
