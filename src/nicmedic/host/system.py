# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel, distribution, machine, and who manages PCI Express power: what a host tells of itself in files."""

import re
import shlex
from collections.abc import Mapping

from nicmedic.host.sysfs import Folder
from nicmedic.kernlog.system import read_system_facts
from nicmedic.model.host import Aspm, Machine

__all__ = ["read_aspm", "read_distro", "read_kernel", "read_machine", "read_uptime", "select_words"]

_WORDS = (  # noqa: SIM905  # a list has forty lines
    "pcie_aspm pcie_aspm.policy pcie_ports pcie_port_pm pci iommu intel_iommu amd_iommu iommu.passthrough swiotlb acpi noapic nolapic noacpi "
    "irqpoll irqfixup threadirqs acpi_irq_nobalance intremap nox2apic maxcpus nosmt isolcpus nohz_full irqaffinity processor.max_cstate "
    "intel_idle.max_cstate idle net.ifnames biosdevname ipv6.disable console panic crashkernel"
).split()
_LINUX_VERSION = re.compile(r"Linux version (?P<release>\S+)(?:.*?(?P<version>#\d.*))?")
_FADT = "sys/firmware/acpi/tables/FACP"
_FADT_BOOT_ARCH, _FADT_NO_ASPM = 109, 0x10
_POLICY = re.compile(r"\[(\w+)\]")


def read_kernel(root: Folder) -> dict[str, str | None]:
    """``kernel_release``, ``kernel_version`` and ``kernel_package``, out of /proc/version."""
    banner = root.text("proc/version", note="kernel_release") or ""
    found = _LINUX_VERSION.match(banner)
    facts = read_system_facts(banner)
    return {
        "kernel_release": root.text("proc/sys/kernel/osrelease") or (found["release"] if found else None),
        "kernel_version": root.text("proc/sys/kernel/version") or (found["version"] if found else None),
        "kernel_package": facts.kernel_package if facts else None,
    }


def select_words(command_line: str, modules: frozenset[str]) -> Mapping[str, str]:
    """Those words of the kernel's command line that matter to a NIC: well-known ones, and parameters of the modules named.

    >>> select_words("ro irqpoll pcie_aspm=off r8169.debug=3 foo.bar=1", frozenset({"r8169"}))
    {'irqpoll': '', 'pcie_aspm': 'off', 'r8169.debug': '3'}
    """
    made = {}
    for word in re.findall(r'(?:[^\s"]|"[^"]*")+', command_line):
        name, _, value = word.partition("=")
        name = name.replace("-", "_")
        if name in _WORDS or ("." in name and name.partition(".")[0] in modules):
            made[name] = value.strip('"')
    return made


def read_distro(root: Folder) -> dict[str, str | None]:
    """``distro``, ``distro_id`` and ``distro_version``, as os-release(5) spells them."""
    text = root.text("etc/os-release") or root.text("usr/lib/os-release") or ""
    words: dict[str, str] = {}
    for line in text.splitlines():
        name, separator, value = line.partition("=")
        if separator and name.isidentifier():
            try:
                words[name] = " ".join(shlex.split(value))
            except ValueError:
                words[name] = value.strip("\"'")
    return {"distro": words.get("PRETTY_NAME"), "distro_id": words.get("ID"), "distro_version": words.get("VERSION_ID")}


def read_machine(root: Folder) -> Machine | None:
    """DMI, or the device tree's model; None: there is neither."""
    dmi = root.folder("sys/class/dmi/id")
    if not dmi.has(""):
        model = root.text("proc/device-tree/model")
        return None if model is None else Machine(product=model)
    board = " ".join(text for name in ("board_vendor", "board_name") if (text := dmi.text(name)))
    return Machine(
        vendor=dmi.text("sys_vendor"),
        product=dmi.text("product_name"),
        board=board or None,
        bios_vendor=dmi.text("bios_vendor"),
        bios_version=dmi.text("bios_version"),
        bios_date=dmi.text("bios_date"),
    )


def read_uptime(root: Folder) -> float | None:
    """Seconds since boot, suspend included."""
    try:
        return float((root.text("proc/uptime", note="uptime_s") or "").split()[0])
    except (ValueError, IndexError):
        return None


def _find_owner(root: Folder, words: Mapping[str, str]) -> tuple[str | None, str | None]:
    """drivers/pci/pcie/aspm.c shows its files only where it is in charge (``aspm_ctrl_attrs_are_visible``)."""
    devices = root.folder("sys/bus/pci/devices")
    for address in devices.names():
        if any(name.endswith("_aspm") for name in devices.names(f"{address}/link")):
            return "os", f"/sys/bus/pci/devices/{address}/link"
    if words.get("pcie_aspm") == "off":
        return "firmware", "pcie_aspm=off on the command line: the kernel leaves what the firmware set"
    table = root.raw(_FADT)
    if table is not None and len(table) >= _FADT_BOOT_ARCH + 2:
        flags = int.from_bytes(table[_FADT_BOOT_ARCH : _FADT_BOOT_ARCH + 2], "little")
        if flags & _FADT_NO_ASPM:
            return "firmware", "ACPI FADT: PCIe ASPM not supported"
    if root.has("sys/module") and not root.has("sys/module/pcie_aspm"):
        return "firmware", "the kernel was built without CONFIG_PCIEASPM"
    return None, None


def read_aspm(root: Folder, words: Mapping[str, str]) -> Aspm | None:
    """Policy and owner; None: a host without PCI.

    Args:
        root: the host.
        words: of the kernel's command line.
    """
    if not root.has("sys/bus/pci"):
        return None
    found = _POLICY.search(root.text("sys/module/pcie_aspm/parameters/policy") or "")
    owner, found_by = _find_owner(root, words)
    return Aspm(policy=found[1] if found else None, owner=owner, found_by=found_by)
