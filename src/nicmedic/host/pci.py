# SPDX-License-Identifier: GPL-2.0-or-later
"""A PCI function's configuration space and its files in sysfs: ids, bus master, ASPM at both ends of the link, error counters.

Registers are those of include/uapi/linux/pci_regs.h. An ordinary user gets the first 64 bytes only, in which the capabilities are not.
"""

import re
from collections.abc import Iterator

from nicmedic.host.sysfs import Folder
from nicmedic.model.note import Lack, Note
from nicmedic.model.pcie import AerCounters, Pcie, PciFunction

__all__ = ["Registers", "parse_config_space", "read_pcie"]

_STANDARD_BYTES = 64
_STATUS_CAPABILITIES = 0x10
_CAPABILITIES_AT = 0x34
_EXPRESS, _L1SS, _EXTENDED_AT = 0x10, 0x1E, 0x100
_MOST_CAPABILITIES = 48
_WITHOUT_LINK = {9, 10}
"""Root complex integrated endpoint and event collector."""
_L1SS_WORDS = {1: "PCI-PM_L1.2", 2: "PCI-PM_L1.1", 4: "ASPM_L1.2", 8: "ASPM_L1.1"}
_ASPM_WORDS = {1: "L0s", 2: "L1"}
_SPEED = re.compile(r"([\d.]+) GT/s")
_ADDRESS = re.compile(r"[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]\Z")
_UNKNOWN_WIDTHS = {0, 255}


class Registers:
    """What the configuration space says; None: the bytes are not there."""

    def __init__(self, data: bytes) -> None:
        """Find the capabilities."""
        self._data = data
        self.command = self._word(4)
        self.status = self._word(6)
        express = next((at for kind, at in self._capabilities() if kind == _EXPRESS), None)
        l1ss = next((at for kind, at in self._extended() if kind == _L1SS), None)
        kind = None if express is None else (self._word(express + 2) or 0) >> 4 & 0xF
        link = None if kind in _WITHOUT_LINK else express
        self.link_capabilities = None if link is None else self._word(link + 12, 4)
        self.link_control = None if link is None else self._word(link + 16)
        self.l1ss_capabilities = None if l1ss is None else self._word(l1ss + 4, 4)
        self.l1ss_control = None if l1ss is None else self._word(l1ss + 8, 4)

    def _word(self, at: int, size: int = 2) -> int | None:
        return int.from_bytes(self._data[at : at + size], "little") if at + size <= len(self._data) else None

    def _capabilities(self) -> Iterator[tuple[int, int]]:
        if len(self._data) <= _STANDARD_BYTES or not (self.status or 0) & _STATUS_CAPABILITIES:
            return
        at = self._data[_CAPABILITIES_AT] & 0xFC
        for _ in range(_MOST_CAPABILITIES):
            if at < _STANDARD_BYTES or at + 1 >= len(self._data):
                return
            yield self._data[at], at
            at = self._data[at + 1] & 0xFC

    def _extended(self) -> Iterator[tuple[int, int]]:
        at = _EXTENDED_AT
        for _ in range(_MOST_CAPABILITIES * 10):
            header = self._word(at, 4)
            if not header or header == 0xFFFFFFFF:
                return
            yield header & 0xFFFF, at
            at = header >> 20 & 0xFFC
            if at < _EXTENDED_AT:
                return


def _words(mask: int | None, table: dict[int, str]) -> tuple[str, ...] | None:
    return None if mask is None else tuple(word for bit, word in table.items() if mask & bit)


def parse_config_space(data: bytes) -> Registers:
    """Read the registers that matter out of up to 4096 bytes."""
    return Registers(data)


def _hex(folder: Folder, name: str) -> str | None:
    text = folder.text(name)
    return text[2:] if text and text.startswith("0x") else None


def _speed(folder: Folder, name: str) -> float | None:
    found = _SPEED.match(folder.text(name) or "")
    return float(found[1]) if found else None


def _width(folder: Folder, name: str) -> int | None:
    width = folder.number(name)
    return None if width in _UNKNOWN_WIDTHS else width


def _aer_table(folder: Folder, name: str) -> dict[str, int] | None:
    text = folder.text(name)
    if text is None:
        return None
    pairs = [line.rsplit(None, 1) for line in text.splitlines()]
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdecimal() and int(pair[1])}


def _read_aer(folder: Folder) -> AerCounters | None:
    correctable, nonfatal, fatal = (_aer_table(folder, f"aer_dev_{kind}") for kind in ("correctable", "nonfatal", "fatal"))
    if correctable is None or nonfatal is None or fatal is None:
        return None
    return AerCounters(correctable=correctable, nonfatal=nonfatal, fatal=fatal)


def _read_function(folder: Folder, field: str) -> PciFunction:
    data = folder.raw("config", note=f"{field}.command", most=4096) or b""
    registers = parse_config_space(data)
    if len(data) == _STANDARD_BYTES:
        folder.notes.append(Note(what=f"{field}.aspm_enabled", why=Lack.REFUSED, detail=f"{folder.path}/config: 64 bytes of it"))
    capabilities, control = registers.link_capabilities, registers.link_control
    return PciFunction(
        address=folder.path.rsplit("/", 1)[-1],
        vendor=_hex(folder, "vendor"),
        device=_hex(folder, "device"),
        subsystem_vendor=_hex(folder, "subsystem_vendor"),
        subsystem_device=_hex(folder, "subsystem_device"),
        revision=_hex(folder, "revision"),
        class_code=_hex(folder, "class"),
        command=registers.command,
        status=registers.status,
        speed_gts=_speed(folder, "current_link_speed"),
        speed_max_gts=_speed(folder, "max_link_speed"),
        width=_width(folder, "current_link_width"),
        width_max=_width(folder, "max_link_width"),
        aspm_supported=None if capabilities is None else _words(capabilities >> 10, _ASPM_WORDS),
        aspm_enabled=_words(control, _ASPM_WORDS),
        l1ss_supported=_words(registers.l1ss_capabilities, _L1SS_WORDS),
        l1ss_enabled=_words(registers.l1ss_control, _L1SS_WORDS),
        clock_pm=None if control is None else bool(control & 0x100),
        power_state=folder.text("power_state"),
        aer=_read_aer(folder),
    )


def _last(target: str | None) -> str | None:
    return None if target is None else target.rsplit("/", 1)[-1]


def read_pcie(root: Folder, path: str) -> Pcie:
    """The function at a path of sysfs (``/sys/devices/pci0000:00/…``), and the port above it.

    ``driver_override`` is left out: reading it takes the device's lock, which an unbind that hangs holds for ever.
    """
    folder = root.folder(path)
    above = path.rsplit("/", 1)[0]
    upstream = _read_function(root.folder(above), "pcie.upstream") if _ADDRESS.match(above.rsplit("/", 1)[-1]) else None
    files = {name: value for name in folder.names("link") if (value := folder.flag(f"link/{name}")) is not None}
    group = _last(folder.target("iommu_group"))
    methods = folder.text("reset_method")
    numa_node = folder.number("numa_node")
    return Pcie(
        device=_read_function(folder, "pcie.device"),
        upstream=upstream,
        link_files=files if folder.has("link") else None,
        reset_methods=tuple(methods.split()) if methods else () if folder.has("reset_method") else None,
        enabled=folder.flag("enable"),
        numa_node=None if numa_node is None or numa_node < 0 else numa_node,
        iommu_group=int(group) if group is not None and group.isdecimal() else None,
        vfs=folder.number("sriov_numvfs"),
        physical_function=_last(folder.target("physfn")),
    )
