# SPDX-License-Identifier: GPL-2.0-or-later
"""Changelogs of kernel packages, Debian's and RPM's, to the entries between two versions that touch what hung.

linux (6.1.76-1) bookworm; urgency=medium
  * New upstream stable update:
    - r8169: fix rtl8125b PAUSE frames blasting when suspended

* Tue Jan 05 2016 Somebody <mail> [3.10.0-327.4.4.el7]
- [netdrv] r8169: reset Tx ring (Somebody) [1234567]
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from nicmedic.model.blame import ChangelogEntry

__all__ = ["Stanza", "parse_changelog", "select_entries"]

_DEBIAN: Final = re.compile(r"^[a-z0-9][a-z0-9+.-]* \(([^)\s]+)\) [^;]+;")
_SIGNED: Final = re.compile(r"^\s+\* Sign kernel from \S+ (\S+)")
_RPM: Final = re.compile(r"^\* [A-Z][a-z]{2} [A-Z][a-z]{2} +\d+ \d{4} .*?(?:\[([^\]\s]+)\]|> ?-? ?([^\s\[]\S*))?\s*$")
_ITEM: Final = re.compile(r"^(?: {2}\* | {4,}[-+*] |- )(.*)$")
_TRAILER: Final = re.compile(r"^ -- ")
_REBUILD: Final = re.compile(r"\+(?:b\d+|\d+)$|\.(?:x86_64|aarch64|i686|ppc64le|s390x)$")
_LONGEST: Final = 300

_TOUCHES: Final[Mapping[str, re.Pattern[str]]] = {
    "bus": re.compile(
        r"\b(?:PCI(?:e|/\w+)?|pcie?|ASPM|aspm|AER|MSI(?:-X)?|msix?|iommu|IOMMU|swiotlb|dma-mapping|DMA-API|x86/apic|genirq|irqchip|irq)\b"
    ),
    "core networking": re.compile(
        r"(?:^|\] )(?:net|netdev|net/core|net/sched|net_sched|sch_\w+|skbuff|skb|gso|gro|napi|bql|dql|netpoll|neighbour|bridge|bonding|vlan|802\.1Q|"
        r"tcp|ipv4|ipv6|ip|ethtool|mdio|phylib|phy|net: phy)\b[^:]*:",
        re.IGNORECASE,
    ),
    "hypervisor": re.compile(r"\b(?:xen\w*|Xen|XSA-\d+|kvm|KVM|hyper-?v|hv_\w+|HV|vmxnet3|virtio\w*|vhost\w*)\b"),
}
_FAMILIES: Final[Mapping[str, str]] = {
    "r8169": "r8169|r8168|r8125|8169|8168|realtek",
    "e1000e": "e1000e|e1000",
    "igb": "igb|igbvf",
    "bnx2x": "bnx2x|cnic",
    "mlx5_core": "mlx5\\w*|net/mlx5\\w*",
    "mlx4_core": "mlx4\\w*|net/mlx4\\w*",
}
"""What else a driver's changes are filed under."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stanza:
    """What one version brought."""

    version: str
    entries: tuple[str, ...]


def _read_version(line: str) -> str | None:
    if found := _DEBIAN.match(line):
        return found[1]
    if found := _RPM.match(line):
        return found[1] or found[2] or ""
    return None


def _join_items(lines: Iterable[str]) -> Iterator[str]:
    """Entries with the lines that go on with them."""
    entry = ""
    for line in lines:
        if found := _ITEM.match(line):
            if entry:
                yield entry
            entry = found[1].strip()
        elif entry and line.startswith(" ") and line.strip() and not _TRAILER.match(line):
            entry = f"{entry} {line.strip()}"[:_LONGEST]
        elif entry:
            yield entry
            entry = ""
    if entry:
        yield entry


def parse_changelog(lines: Iterable[str], until: str | None = None) -> tuple[Stanza, ...]:
    """Stanzas, newest first as they stand there.

    Args:
        lines: of the file.
        until: stop reading after the stanza of this version; the file of a Debian kernel has four megabytes.
    """
    stanzas: list[Stanza] = []
    version, body = None, list[str]()
    for line in lines:
        found = _read_version(line)
        if found is None:
            if signed := _SIGNED.match(line):
                version = signed[1]  # of the signed package, whose own number is another
            body.append(line)
            continue
        if version is not None:
            stanzas.append(Stanza(version=version, entries=tuple(_join_items(body))))
            if until is not None and _same(version, until):
                return tuple(stanzas)
        version, body = found, []
    if version is not None:
        stanzas.append(Stanza(version=version, entries=tuple(_join_items(body))))
    return tuple(stanzas)


def _same(one: str, other: str) -> bool:
    """Versions but for an epoch, a rebuild's mark and an architecture."""
    return _REBUILD.sub("", one).split(":", 1)[-1] == _REBUILD.sub("", other).split(":", 1)[-1]


def _find_place(stanzas: Sequence[Stanza], version: str) -> int | None:
    return next((index for index, stanza in enumerate(stanzas) if _same(stanza.version, version)), None)


def _judge(entry: str, drivers: re.Pattern[str] | None) -> tuple[str, ...]:
    own = ("driver",) if drivers is not None and drivers.search(entry) else ()
    return (*own, *(name for name, pattern in _TOUCHES.items() if pattern.search(entry)))


def select_entries(
    stanzas: Sequence[Stanza], before: str | None, after: str | None, drivers: Sequence[str]
) -> tuple[tuple[ChangelogEntry, ...], str | None]:
    """Entries after one version up to another that touch the driver, its bus, core networking or the hypervisor; the driver's first.

    Returns:
        The entries, and what is wrong; None: nothing.
    """
    if before is None or after is None:
        return (), None
    newest, oldest = _find_place(stanzas, after), _find_place(stanzas, before)
    if newest is None:
        return (), f"the changelog has no entry of {after}"
    trouble = None if oldest is not None else f"the changelog does not reach back to {before}: all that it has up to {after} is shown"
    if oldest is not None and oldest < newest:
        newest, oldest = oldest, newest
        trouble = f"{after} is older than {before}: these were taken away by the change"
    names = "|".join(_FAMILIES.get(driver, re.escape(driver)) for driver in drivers)
    own = re.compile(rf"\b(?:{names})\b", re.IGNORECASE) if names else None
    found = [
        ChangelogEntry(version=stanza.version, text=entry, touches=touches)
        for stanza in stanzas[newest:oldest]
        for entry in stanza.entries
        if (touches := _judge(entry, own))
    ]
    return tuple(sorted(found, key=lambda entry: "driver" not in entry.touches)), trouble
