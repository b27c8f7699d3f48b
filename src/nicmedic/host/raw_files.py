# SPDX-License-Identifier: GPL-2.0-or-later
"""The files that an expert would ask for, as they are: procfs, sysfs of the NICs and of what they hang on, boots, package history.

Nothing here can hold a snapshot up: every read of the kernel's files has a limit of time, since a driver that hangs may never answer
(net/core/net-sysfs.c starts the call again and again while somebody else holds the rtnl lock), and of size; what is left out is told.
Files that wait for a lock of others without need are not asked for: ``/proc/net/wireless`` takes the rtnl lock (net/wireless/wext-proc.c),
``driver_override`` and ``sriov_numvfs`` the device's, which an unbind that hangs keeps (drivers/pci/pci-sysfs.c, drivers/pci/iov.c).
What these files mean is read elsewhere, from these copies too: they stand in the archive as they stood below ``/``.
"""

import os
import re
import stat
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from nicmedic.host.containers import expand
from nicmedic.host.timed_reader import TimedReader

__all__ = ["Member", "Missing", "read_expanded", "read_logs_of_packages", "read_proc", "read_sys"]

LARGEST_HISTORY = 1 << 20
MOST_MEMBERS = 12_000
MOST_INTERRUPTS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One file of the archive; or a folder, which links lead to; or a symbolic link, and ``link`` its target."""

    name: str
    data: bytes = b""
    link: str = ""
    is_folder: bool = False
    mtime: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What is not in the archive, or not whole, and why."""

    what: str
    why: str


def _take(reader: TimedReader, root: str, path: str, *, absent: bool = True) -> Iterator[Member | Missing]:
    """One file. ``absent``: tell that it is not there."""
    try:
        yield Member(name=f"raw{path}", data=reader.read(f"{root}{path}"))
    except OSError as error:
        if absent or not isinstance(error, FileNotFoundError):
            yield Missing(what=path, why=error.strerror or str(error))


_PROC = (
    "cmdline", "version", "uptime", "modules", "meminfo", "loadavg", "interrupts", "softirqs", "iomem", "stat", "vmstat", "sys/kernel/hostname",
    "sys/kernel/tainted", "sys/kernel/random/boot_id", "sys/kernel/osrelease", "sys/kernel/version", "1/comm", "cpuinfo",
    "net/dev", "net/softnet_stat", "net/netstat", "net/snmp",
    "net/snmp6", "net/sockstat", "pressure/cpu", "pressure/io", "pressure/memory",
)  # fmt: skip
_ELSEWHERE = (
    "/etc/os-release", "/usr/lib/os-release", "/etc/hostname", "/etc/debian_version", "/proc/xen/capabilities", "/proc/device-tree/model",
    "/sys/devices/system/cpu/online", "/sys/devices/system/clocksource/clocksource0/available_clocksource",
)  # fmt: skip
_PROC_FOLDERS = ("net/bonding", "net/vlan")


def read_proc(reader: TimedReader, root: str = "") -> Iterator[Member | Missing]:
    """Of procfs: counters, interrupts, load, modules."""
    for name in _PROC:
        yield from _take(reader, root, f"/proc/{name}")
    for folder in _PROC_FOLDERS:
        for name in _list(f"{root}/proc/{folder}"):
            yield from _take(reader, root, f"/proc/{folder}/{name}")
    for number in filter(str.isdecimal, _list(f"{root}/proc/irq")[:MOST_INTERRUPTS]):
        for name in ("smp_affinity_list", "effective_affinity_list"):
            yield from _take(reader, root, f"/proc/irq/{number}/{name}", absent=False)
    for name in _ELSEWHERE:
        yield from _take(reader, root, name, absent=False)


_DEVICE_FILES = re.compile(
    r"(?:vendor|device|subsystem_(?:vendor|device)|class|revision|uevent|modalias|irq|enable|numa_node|local_cpulist|d3cold_allowed|reset_method|config"
    r"|(?:current|max)_link_(?:speed|width)|aer_\w+|power_state|resource|ari_enabled|broken_parity_status|msi_bus|bind_mode|bNumInterfaces"
    r"|id(?:Vendor|Product)|bcdDevice|speed|version|product|manufacturer|bConfigurationValue|authorized|nodename|devtype)\Z"
)
_DEVICE_FOLDERS = ("power", "link", "msi_irqs", "statistics")
_NET_FOLDERS = ("statistics", "power", "bridge", "brport", "bonding", "bonding_slave")
_QUEUE_FILES = ("tx_timeout", "xps_cpus", "tx_maxrate", "traffic_class", "rps_cpus", "rps_flow_cnt", "xps_rxqs")
_BQL = "byte_queue_limits"
_SYSTEM_FILES = (
    "/sys/module/pcie_aspm/parameters/policy", "/sys/hypervisor/type", "/sys/hypervisor/properties/features",
    "/sys/class/dmi/id/sys_vendor", "/sys/class/dmi/id/product_name",
    "/sys/class/dmi/id/board_vendor", "/sys/class/dmi/id/board_name", "/sys/class/dmi/id/bios_vendor", "/sys/class/dmi/id/bios_version",
    "/sys/class/dmi/id/bios_date",
)  # fmt: skip


class _Tree:
    """Walks sysfs from the interfaces to the devices below them, each file once."""

    def __init__(self, reader: TimedReader, root: str, avoid: Collection[str]) -> None:
        self.reader, self.root, self.avoid = reader, root, avoid
        self.seen: set[str] = set()
        self.count = 0

    def files(self, folder: str, wanted: Callable[[str], bool]) -> Iterator[Member | Missing]:
        """Small files of one folder."""
        if folder in self.seen:
            return
        self.seen.add(folder)
        for name in _list(f"{self.root}{folder}"):
            if name in self.avoid or not wanted(name) or not _is_readable_file(f"{self.root}{folder}/{name}"):
                continue
            self.count += 1
            if self.count > MOST_MEMBERS:
                yield Missing(what=f"{folder}/{name} and what comes after it", why=f"more than {MOST_MEMBERS} files")
                return
            yield from _take(self.reader, self.root, f"{folder}/{name}", absent=False)

    def interface(self, name: str) -> Iterator[Member | Missing]:
        """All of one interface, then what it hangs on, up to the root of its bus."""
        link = f"{self.root}/sys/class/net/{name}"
        try:
            target = os.readlink(link)  # noqa: PTH115  # names are bytes of somebody's choosing
        except OSError as error:
            yield Missing(what=f"/sys/class/net/{name}", why=error.strerror or str(error))
            return
        yield Member(name=f"raw/sys/class/net/{name}", link=target)
        own = os.path.normpath(f"/sys/class/net/{target}")
        yield from self.files(own, lambda _: True)
        yield from self.links(own, ("device", "master", "subsystem"))
        for folder in _NET_FOLDERS:
            yield from self.files(f"{own}/{folder}", lambda _: True)
        for queue_name in _list(f"{self.root}{own}/queues"):
            yield from self.files(f"{own}/queues/{queue_name}", lambda each: each in _QUEUE_FILES)
            yield from self.files(f"{own}/queues/{queue_name}/{_BQL}", lambda _: True)
        yield from self.devices(own.rsplit("/net/", 1)[0])

    def devices(self, path: str) -> Iterator[Member | Missing]:
        while path.count("/") > 3 and not path.startswith("/sys/devices/virtual"):
            yield from self.files(path, lambda name: _DEVICE_FILES.match(name) is not None)
            yield from self.links(path, ("driver", "subsystem", "iommu_group", "firmware_node"))
            for folder in _DEVICE_FOLDERS:
                yield from self.files(f"{path}/{folder}", lambda _: True)
            yield from self.module(path)
            path = path.rsplit("/", 1)[0]

    def module(self, device: str) -> Iterator[Member | Missing]:
        """The driver's module: its version and parameters."""
        try:
            target = os.readlink(f"{self.root}{device}/driver/module")  # noqa: PTH115  # names are bytes of somebody's choosing
        except OSError:
            return
        module = f"/sys/module/{target.rsplit('/', 1)[-1]}"
        driver = os.path.realpath(f"{self.root}{device}/driver")[len(os.path.realpath(self.root or "/").rstrip("/")) :]
        yield from self.links(driver, ("module",))
        yield from self.files(module, lambda name: name in ("version", "srcversion", "taint", "initstate"))
        yield from self.files(f"{module}/parameters", lambda _: True)

    def place(self, folder: str) -> Iterator[Member]:
        """A folder that a link leads to, so that in the unpacked copy it leads somewhere."""
        if folder not in self.seen and f"{folder}/" not in self.seen and folder.startswith("/sys/"):
            self.seen.add(f"{folder}/")
            yield Member(name=f"raw{folder}", is_folder=True)

    def links(self, folder: str, names: tuple[str, ...]) -> Iterator[Member]:
        for name in names:
            key = f"{folder}/{name}"
            if key in self.seen:
                continue
            self.seen.add(key)
            try:
                target = os.readlink(f"{self.root}{key}")  # noqa: PTH115  # names are bytes of somebody's choosing
            except OSError:
                continue
            yield Member(name=f"raw{key}", link=target)
            yield from self.place(os.path.normpath(f"{folder}/{target}"))


def _list(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208  # as host/knowledge.py
    except OSError:
        return []


def _is_readable_file(path: str) -> bool:
    """Files that can only be written (``remove``, ``reset``) are no loss."""
    try:
        status = os.lstat(path)
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(status.st_mode) and bool(status.st_mode & 0o444)


def read_sys(reader: TimedReader, root: str = "", avoid: Collection[str] = ()) -> Iterator[Member | Missing]:
    """Of sysfs: every interface that hangs on a device first, then the others; the devices below, their ports, their drivers' parameters.

    ``avoid``: names of files that are not asked for, since they would wait for the lock of all networking.
    """
    if avoid:
        yield Missing(what=f"/sys: all files named {', '.join(sorted(avoid))}", why="something holds the lock of all networking (RTNL)")
    tree = _Tree(reader, root, avoid)
    for path in _SYSTEM_FILES:
        yield from _take(reader, root, path, absent=False)
    names = _list(f"{root}/sys/class/net")
    if not names:
        yield Missing(what="/sys/class/net", why="not there, or empty")
    for name in sorted(names, key=lambda each: not os.path.islink(f"{root}/sys/class/net/{each}/device")):  # noqa: PTH114  # names are bytes of somebody's choosing
        if reader.is_late:
            yield Missing(what=f"/sys/class/net/{name} and what comes after it", why="no time left")
            return
        yield from tree.interface(name)


_HISTORY = (
    ("/var/log", re.compile(r"(?:dpkg|dnf|dnf\.rpm|yum|pacman)\.log(?:[.-]\d+)?(?:\.(?:gz|xz|zst))?\Z")),
    ("/var/log/apt", re.compile(r"history\.log(?:\.\d+)?(?:\.gz)?\Z")),
    ("/var/log/zypp", re.compile(r"history(?:-\d+)?(?:\.(?:gz|xz))?\Z")),
)
_MOST_HISTORY = 8 << 20


def read_logs_of_packages(reader: TimedReader, root: str = "") -> Iterator[Member | Missing]:
    """Boots (wtmp) and the history of packages, newest first, expanded, each cut to its last megabyte."""
    left = _MOST_HISTORY
    try:
        data = reader.read(f"{root}/var/log/wtmp", 64 << 20)
        yield Member(name="raw/var/log/wtmp", data=data[-(LARGEST_HISTORY // 384) * 384 :])
    except OSError as error:
        yield Missing(what="/var/log/wtmp", why=error.strerror or str(error))
    for folder, pattern in _HISTORY:
        for name in sorted(filter(pattern.match, _list(f"{root}{folder}")), key=_rotation):
            path = f"{folder}/{name}"
            if left <= 0 or reader.is_late:
                yield Missing(what=path, why="older history is left out" if left <= 0 else "no time left")
                continue
            try:
                data = read_expanded(f"{root}{path}", LARGEST_HISTORY)
            except OSError as error:
                yield Missing(what=path, why=error.strerror or str(error))
                continue
            left -= len(data)
            yield Member(name=f"raw{re.sub(r'[.](?:gz|xz|zst)$', '', path)}", data=data)


def _rotation(name: str) -> int:
    found = re.search(r"[.-](\d+)(?:\.(?:gz|xz|zst))?$", name)
    return 0 if not found else min(int(found[1]), 10**8 - 1) if int(found[1]) < 1000 else 10**8 - int(found[1])


def read_expanded(path: str, most: int) -> bytes:
    """The end of a file, compressed or not, beginning with a whole line.

    Raises:
        OSError: it cannot be read; damage of compressed data is one too.
    """
    from nicmedic.model.errors import NicmedicError

    kept = b""
    cut = False
    with open(path, "rb") as file:  # noqa: PTH123  # names are bytes of somebody's choosing
        size = os.fstat(file.fileno()).st_size
        if size > 64 << 20:
            file.seek(size - (64 << 20) if file.read(2) not in (b"\x1f\x8b", b"\xfd7", b"(\xb5") else 0)
            cut = True
        try:
            stream, _ = expand(path, file)
            while block := stream.read(1 << 20):
                kept += block
                if len(kept) > most + (1 << 20):
                    kept, cut = kept[-most:], True
        except NicmedicError as error:
            raise OSError(None, error.message) from None
    if len(kept) > most:
        kept, cut = kept[-most:], True
    return kept.partition(b"\n")[2] if cut else kept
