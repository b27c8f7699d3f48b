# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether this is a virtual machine, and whose; told from files, no tool needed.

After systemd's src/basic/virt.c, whose order matters: Xen hides behind other names, and KVM's guests carry the names of clouds.
"""

import re

from nicmedic.host.sysfs import Folder
from nicmedic.model.host import Virtualization

__all__ = ["read_virtualization"]

_DOM0_FEATURE = 1 << 11
"""``XENFEAT_dom0``, include/xen/interface/features.h."""
_DMI = (
    (re.compile(r"\bVMware\b"), "vmware-guest"),
    (re.compile(r"innotek GmbH|VirtualBox"), "virtualbox-guest"),
    (re.compile(r"^Xen\b|HVM domU"), "xen-domU"),
    (re.compile(r"Microsoft Corporation Virtual Machine"), "hyperv-guest"),
    (
        re.compile(r"^Amazon EC2\b|Google Compute Engine|OpenStack|\bKVM\b|\bRHEV\b|\boVirt\b|DigitalOcean|Alibaba Cloud ECS"),
        "kvm-guest",
    ),
    (re.compile(r"\bQEMU\b|\bBochs\b"), "qemu-guest"),
    (re.compile(r"\bParallels\b|\bBHYVE\b|Apple Virtualization"), "other-guest"),
)
_CLOCKS = "sys/devices/system/clocksource/clocksource0/available_clocksource"
_FLAGS = re.compile(r"^flags\s*:.*\bhypervisor\b", re.MULTILINE)


def _read_xen(root: Folder) -> Virtualization | None:
    capabilities = root.text("proc/xen/capabilities")
    if capabilities is not None and "control_d" in capabilities:
        return Virtualization(kind="xen-dom0", found_by="/proc/xen/capabilities: control_d")
    if root.text("sys/hypervisor/type") != "xen":
        return Virtualization(kind="xen-domU", found_by="/proc/xen") if root.names("proc/xen") else None
    features = root.text("sys/hypervisor/properties/features") or ""
    if re.fullmatch(r"[0-9a-f]{1,16}", features) and int(features, 16) & _DOM0_FEATURE:
        return Virtualization(kind="xen-dom0", found_by=f"/sys/hypervisor/properties/features: {features}")
    return Virtualization(kind="xen-domU", found_by="/sys/hypervisor/type: xen")


def _read_clocks(root: Folder) -> Virtualization | None:
    clocks = (root.text(_CLOCKS) or "").split()
    for clock, kind in (("kvm-clock", "kvm-guest"), ("hyperv_clocksource_tsc_page", "hyperv-guest"), ("xen", "xen-domU")):
        if clock in clocks:
            return Virtualization(kind=kind, found_by=f"/{_CLOCKS}: {clock}")
    return None


def read_virtualization(root: Folder) -> Virtualization | None:
    """None: there is nothing to tell it by."""
    found = _read_xen(root) or _read_clocks(root)
    if found is not None:
        return found
    names = [root.text(f"sys/class/dmi/id/{name}") or "" for name in ("sys_vendor", "product_name", "board_vendor", "bios_vendor")]
    rented_whole = names[1].endswith(".metal")  # Amazon's machines without a hypervisor carry its name too
    for text in () if rented_whole else (" ".join(names[:2]).strip(), *names):
        for pattern, kind in _DMI:
            if pattern.search(text):
                return Virtualization(kind=kind, found_by=f"DMI: {text}")
    compatible = root.text("proc/device-tree/hypervisor/compatible")
    if compatible is not None:
        kind = "xen-domU" if "xen" in compatible else "kvm-guest" if "kvm" in compatible else "other-guest"
        return Virtualization(kind=kind, found_by="/proc/device-tree/hypervisor/compatible")
    processors = root.text("proc/cpuinfo")
    if processors is None:
        return None
    if _FLAGS.search(processors):
        return Virtualization(kind="other-guest", found_by="/proc/cpuinfo: hypervisor")
    return Virtualization(kind="none", found_by="nothing in Xen's files, DMI, device tree or /proc/cpuinfo")
