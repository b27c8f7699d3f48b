# SPDX-License-Identifier: GPL-2.0-or-later
"""What a boot is like, in words that can be held against another boot's. Not resident: an errand reads the host for it.

Only what somebody sets, installs or negotiates: counters, addresses and states of the moment differ at every boot and mean nothing here.
"""

import json
from collections.abc import Iterator, Mapping

from nicmedic.model.host import Host
from nicmedic.model.nic import Nic
from nicmedic.model.plain import Plain, to_plain

__all__ = ["list_boot_facts", "render_changes"]

_OF_THE_CARD = ("driver", "driver_version", "firmware_version", "bus_address", "permanent_address", "mtu", "txqueuelen", "threaded_napi")
_GROUPS = ("eee", "ring", "channels", "coalesce", "pause", "wol", "private_flags")
_OF_THE_LINK = ("speed_mbps", "duplex", "autoneg", "port", "advertised", "lp_advertised")
_OF_POWER = ("control", "autosuspend_delay_ms", "d3cold_allowed")
_OF_THE_FUNCTION = (
    "vendor",
    "device",
    "subsystem_vendor",
    "subsystem_device",
    "revision",
    "speed_gts",
    "width",
    "aspm_enabled",
    "l1ss_enabled",
    "clock_pm",
)


def _flatten(name: str, value: Plain) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flatten(f"{name}.{key}", inner)
    elif isinstance(value, list):
        yield name, ", ".join(str(item) for item in value)
    elif value is not None:
        yield name, str(value).lower() if isinstance(value, bool) else str(value)


def _pick(name: str, value: object, fields: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for field in fields:
        yield from _flatten(f"{name}.{field}", to_plain(getattr(value, field, None)))


def _list_card(nic: Nic) -> Iterator[tuple[str, str]]:
    name = nic.interface
    yield from _pick(name, nic, (*_OF_THE_CARD, *_GROUPS))
    if nic.features is not None:
        yield f"{name}.features", ", ".join(sorted(feature for feature, state in nic.features.items() if state.on))
    if nic.link is not None:
        yield from _pick(f"{name}.link", nic.link, _OF_THE_LINK)
    if nic.power is not None:
        yield from _pick(f"{name}.power", nic.power, _OF_POWER)
    if nic.pcie is not None:
        yield from _pick(f"{name}.pci", nic.pcie.device, _OF_THE_FUNCTION)
        yield from _flatten(f"{name}.pci.link", to_plain(nic.pcie.link_files))
    if nic.qdiscs is not None:
        yield f"{name}.qdisc", ", ".join(qdisc.kind for qdisc in nic.qdiscs if qdisc.parent == "root")


def list_boot_facts(host: Host) -> Mapping[str, str]:
    """By name; what is not known is missing."""
    facts = dict(_pick("kernel", host, ("kernel_release", "kernel_version", "kernel_package", "command_line_words")))
    facts.update(_pick("system", host, ("distro", "cpus_online")))
    if host.machine is not None:
        facts.update(_pick("machine", host.machine, ("product", "board", "bios_version", "bios_date")))
    if host.aspm is not None:
        facts.update(_pick("aspm", host.aspm, ("policy", "owner")))
    for nic in host.nics:
        facts.update(_list_card(nic))
    return facts


def render_changes(now: Mapping[str, str], healthy: Mapping[str, str] | None) -> bytes:
    """As evidence: every fact that is not as it was at the last healthy boot, with both values; null: there was, or is, none.

    ``compared`` is false where no healthy boot is known, which is not the same as no change.
    """
    names = sorted({*now, *healthy}) if healthy is not None else []
    changes = [
        {"what": name, "was": (healthy or {}).get(name), "is": now.get(name)}
        for name in names
        if (healthy or {}).get(name) != now.get(name)
    ]
    return json.dumps({"compared": healthy is not None, "changes": changes}, indent=1).encode()
