# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether a card is set the way a remedy would change: what makes a known cause possible now. Pure; what cannot be read decides nothing.

Only remedies that are settings: ASPM, EEE, offloads, MTU, pause frames, runtime power management, interrupt mode, link speed.
"""

from collections.abc import Callable, Mapping

from nicmedic.knowledge.values import Advice
from nicmedic.model.checkup import Reason
from nicmedic.model.nic import Nic
from nicmedic.model.pcie import PciFunction
from nicmedic.model.queue import InterruptKind

__all__ = ["SETTING_REMEDIES", "find_exposed_setting", "is_setting_unknown"]

_FEATURES: Mapping[str, tuple[str, ...]] = {
    "tso": ("tx-tcp-segmentation", "tx-tcp6-segmentation"),
    "gso": ("tx-generic-segmentation",),
    "gro": ("rx-gro",),
    "sg": ("tx-scatter-gather",),
    "tx": ("tx-checksum-ip-generic", "tx-checksum-ipv4", "tx-checksum-ipv6"),
    "rx": ("rx-checksum",),
    "lro": ("rx-lro",),
}
"""ethtool's short words to the kernel's features (ethtool.c ``off_flag_def``)."""


def _aspm(nic: Nic, _: Advice) -> Reason | bool | None:
    """The link sleeps only in states that both ends have switched on; the card's end stands for both."""
    if nic.pcie is None:
        return False
    device: PciFunction = nic.pcie.device
    if device.aspm_enabled is not None:
        if not device.aspm_enabled:
            return False
        return Reason(text=f"ASPM {' and '.join(device.aspm_enabled)} is on", source=f"LnkCtl of {device.address}")
    files = {name for name, on in (nic.pcie.link_files or {}).items() if on and name in {"l0s_aspm", "l1_aspm"}}
    if files:
        words = " and ".join(sorted(name.removesuffix("_aspm").replace("l", "L", 1) for name in files))
        return Reason(text=f"ASPM {words} is on", source=f"link/{min(files)} of {device.address}")
    return None if nic.pcie.link_files is None else False


def _eee(nic: Nic, _: Advice) -> Reason | bool | None:
    if nic.eee is None:
        return None
    return Reason(text="Energy-Efficient Ethernet is active", source="ethtool --show-eee") if nic.eee.active else False


def _offload(nic: Nic, advice: Advice) -> Reason | bool | None:
    """The first argument is the one that matters most; the others are for thoroughness."""
    if nic.features is None or not advice.arguments:
        return None
    word = advice.arguments[0]
    names = [name for name in _FEATURES.get(word, ()) if (feature := nic.features.get(name)) is not None and feature.on]
    return Reason(text=f"{word} is on ({names[0]})", source="ethtool -k") if names else False


def _mtu(nic: Nic, advice: Advice) -> Reason | bool | None:
    if nic.mtu is None or not advice.arguments or not advice.arguments[0].isdecimal():
        return None
    return Reason(text=f"the MTU is {nic.mtu}", source="ip link") if nic.mtu > int(advice.arguments[0]) else False


def _pause(nic: Nic, _: Advice) -> Reason | bool | None:
    if nic.pause is None:
        return None
    return Reason(text="flow control is on", source="ethtool -a") if nic.pause.rx or nic.pause.tx else False


def _runtime_pm(nic: Nic, _: Advice) -> Reason | bool | None:
    if nic.power is None or nic.power.control is None:
        return None
    return Reason(text="it may be suspended at run time", source="power/control: auto") if nic.power.control == "auto" else False


def _interrupts(nic: Nic, _: Advice) -> Reason | bool | None:
    if nic.interrupts is None:
        return None
    kinds = {interrupt.kind for interrupt in nic.interrupts if interrupt.per_cpu is not None}
    found = next((kind for kind in (InterruptKind.MSIX, InterruptKind.MSI) if kind in kinds), None)
    return Reason(text=f"it interrupts by {found.value}", source="/proc/interrupts") if found is not None else False


def _gigabit(nic: Nic, _: Advice) -> Reason | bool | None:
    if nic.link is None or nic.link.speed_mbps is None:
        return None
    return Reason(text=f"the link runs at {nic.link.speed_mbps} Mb/s", source="ethtool") if nic.link.speed_mbps > 100 else False


_READERS: Mapping[str, Callable[[Nic, Advice], Reason | bool | None]] = {
    "aspm-off": _aspm,
    "eee-off": _eee,
    "offload-off": _offload,
    "mtu": _mtu,
    "pause-off": _pause,
    "runtime-pm-off": _runtime_pm,
    "interrupt-mode": _interrupts,
    "link-advertise-100": _gigabit,
    "link-force-100": _gigabit,
}
SETTING_REMEDIES = frozenset(_READERS)


def find_exposed_setting(nic: Nic, advice: Advice) -> Reason | None:
    """The value that is set and that the remedy would change; None: it is set already, or not known."""
    found = _READERS[advice.id.value](nic, advice)
    return found if isinstance(found, Reason) else None


def is_setting_unknown(nic: Nic, advice: Advice) -> bool:
    """Whether it could not be read how the card is set."""
    return _READERS[advice.id.value](nic, advice) is None
