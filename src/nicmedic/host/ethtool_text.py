# SPDX-License-Identifier: GPL-2.0-or-later
"""Read what ``ethtool`` printed, of any version, as support archives keep it. For a live card there is ``host/ethtool.py``.

Each function takes the text of one command and gives None where the text says nothing: an error message, another command. Never raises.
"""

import re
from collections.abc import Mapping

from nicmedic.model.event import Duplex
from nicmedic.model.link import Channels, Feature, Link, Pause, Ring, WakeOnLan

__all__ = ["parse_channels", "parse_coalesce", "parse_driver", "parse_features", "parse_link", "parse_pause", "parse_private_flags",
           "parse_ring", "parse_statistics", "parse_wake_on_lan"]  # fmt: skip

_FIELD = re.compile(r"^[ \t]*([^:\n]+?):[ \t]*(.*)$")
_MODE = re.compile(r"\d+base[\w-]+/(?:Full|Half)")
_GROUPS = {  # ethtool -k: what one switch turns, which is no feature of its own
    "rx-checksumming", "tx-checksumming", "scatter-gather", "tcp-segmentation-offload", "udp-fragmentation-offload", "generic-segmentation-offload",
    "generic-receive-offload", "large-receive-offload", "rx-vlan-offload", "tx-vlan-offload", "ntuple-filters", "receive-hashing",
}  # fmt: skip
_ONE_FEATURE = {
    "rx-checksumming": "rx-checksum", "generic-segmentation-offload": "tx-generic-segmentation", "generic-receive-offload": "rx-gro",
    "large-receive-offload": "rx-lro", "rx-vlan-offload": "rx-vlan-hw-parse", "tx-vlan-offload": "tx-vlan-hw-insert",
    "ntuple-filters": "rx-ntuple-filter", "receive-hashing": "rx-hashing",
}  # fmt: skip
"""ethtool's long-standing names of single features, and the kernel's (ethtool's features.c ``off_flag_def``)."""


def _fields(text: str) -> dict[str, str]:
    """``Name: value``, the first of each name; a line without a name goes on with the value of the one before."""
    found: dict[str, str] = {}
    last = None
    for line in text.splitlines():
        if match := _FIELD.match(line):
            last = match[1].strip() if match[1].strip() not in found else None
            if last is not None:
                found[last] = match[2].strip()
        elif last is not None and line[:1] in " \t":
            found[last] += f" {line.strip()}"
    return found


def _number(text: str | None) -> int | None:
    found = re.match(r"-?\d{1,19}\b", text or "")
    return int(found[0]) if found else None


def _modes(fields: Mapping[str, str], who: str) -> tuple[str, ...] | None:
    """The modes of a side, with its words for autonegotiation and pause frames."""
    key = "Supported link modes" if who == "Supported" else f"{who} link modes"
    if key not in fields:
        return None
    found = _MODE.findall(fields[key])
    negotiates = fields.get("Supports auto-negotiation" if who == "Supported" else f"{who} auto-negotiation")
    if negotiates == "Yes":
        found.append("Autoneg")
    pause = fields.get(f"{who} pause frame use", "")
    if "Symmetric" in pause.split():
        found.append("Pause")
    if "Receive-only" in pause:
        found += ["Pause", "Asym_Pause"]
    elif "Transmit-only" in pause:
        found.append("Asym_Pause")
    return tuple(dict.fromkeys(found))


def parse_link(text: str) -> Link | None:
    """``ethtool IF``."""
    fields = _fields(text)
    if not fields.keys() & {"Link detected", "Speed", "Supported link modes"}:
        return None
    duplexes = {"Full": Duplex.FULL, "Half": Duplex.HALF}
    speed = re.match(r"(\d{1,9})Mb/s", fields.get("Speed", ""))
    return Link(
        speed_mbps=int(speed[1]) if speed else None,
        duplex=duplexes.get(fields.get("Duplex", "")),
        autoneg={"on": True, "off": False}.get(fields.get("Auto-negotiation", "")),
        port=fields.get("Port"),
        phy_address=_number(fields.get("PHYAD")),
        transceiver=fields.get("Transceiver"),
        mdix={"on": "on", "off": "off"}.get((fields.get("MDI-X") or "").split(" ")[0]),
        detected={"yes": True, "no": False}.get((fields.get("Link detected") or "").split(" ")[0]),
        supported=_modes(fields, "Supported"),
        advertised=_modes(fields, "Advertised"),
        lp_advertised=_modes(fields, "Link partner advertised"),
        message_level=int(level[0], 16) if (level := re.match(r"0x[0-9a-f]{8}", fields.get("Current message level", ""))) else None,
    )


def parse_wake_on_lan(text: str) -> WakeOnLan | None:
    """``ethtool IF``."""
    fields = _fields(text)
    if "Supports Wake-on" not in fields or "Wake-on" not in fields:
        return None
    return WakeOnLan(supported=fields["Supports Wake-on"], enabled=fields["Wake-on"])


def parse_driver(text: str) -> Mapping[str, str] | None:
    """``ethtool -i IF``: driver, version, firmware-version, bus-info; what is empty or ``N/A`` is left out."""
    fields = _fields(text)
    if "driver" not in fields:
        return None
    wanted = ("driver", "version", "firmware-version", "bus-info")
    return {key: fields[key] for key in wanted if fields.get(key) not in (None, "", "N/A")}


def parse_features(text: str) -> Mapping[str, Feature] | None:
    """``ethtool -k IF``, single features by the kernel's names."""
    found: dict[str, Feature] = {}
    for line in text.splitlines():
        match = re.match(r"\s*([\w-]+): (on|off)(?: \[(.*)\])?\s*$", line)
        if not match:
            continue
        on, more = match[2] == "on", match[3] or ""
        wanted = {"requested on": True, "requested off": False}.get(more, on)
        name = _ONE_FEATURE.get(match[1], match[1])
        if name not in _GROUPS:
            found.setdefault(name, Feature(on=on, fixed=more == "fixed", requested=wanted))
    return found or None


def parse_statistics(text: str) -> Mapping[str, int] | None:
    """``ethtool -S IF``; a name that comes twice gets ``#2``."""
    if not text.lstrip().startswith("NIC statistics:"):
        return None
    found: dict[str, int] = {}
    for line in text.splitlines()[1:]:
        name, mark, value = line.strip().rpartition(": ")
        if not mark or not re.fullmatch(r"-?\d{1,20}", value):
            continue
        key, count = name, 1
        while key in found:
            count += 1
            key = f"{name}#{count}"
        found[key] = int(value)
    return found


def _two_halves(text: str) -> tuple[dict[str, str], dict[str, str]] | None:
    """Maximums and what is set, of ``-g`` and ``-l``."""
    most, mark, now = text.partition("Current hardware settings:")
    return (_fields(most), _fields(now)) if mark and "maximums" in most else None


def parse_ring(text: str) -> Ring | None:
    """``ethtool -g IF``."""
    halves = _two_halves(text)
    if halves is None or "RX" not in halves[1]:
        return None
    most, now = ({key: _number(value) or 0 for key, value in half.items()} for half in halves)
    return Ring(
        rx=now.get("RX", 0),
        rx_max=most.get("RX", 0),
        rx_mini=now.get("RX Mini", 0),
        rx_mini_max=most.get("RX Mini", 0),
        rx_jumbo=now.get("RX Jumbo", 0),
        rx_jumbo_max=most.get("RX Jumbo", 0),
        tx=now.get("TX", 0),
        tx_max=most.get("TX", 0),
    )


def parse_channels(text: str) -> Channels | None:
    """``ethtool -l IF``."""
    halves = _two_halves(text)
    if halves is None or "Combined" not in halves[1]:
        return None
    most, now = ({key: _number(value) or 0 for key, value in half.items()} for half in halves)
    return Channels(
        rx=now.get("RX", 0),
        rx_max=most.get("RX", 0),
        tx=now.get("TX", 0),
        tx_max=most.get("TX", 0),
        other=now.get("Other", 0),
        other_max=most.get("Other", 0),
        combined=now.get("Combined", 0),
        combined_max=most.get("Combined", 0),
    )


def parse_pause(text: str) -> Pause | None:
    """``ethtool -a IF``."""
    fields = {key: value == "on" for key, value in _fields(text).items() if value in ("on", "off")}
    if not {"Autonegotiate", "RX", "TX"} <= fields.keys():
        return None
    return Pause(autoneg=fields["Autonegotiate"], rx=fields["RX"], tx=fields["TX"])


def parse_coalesce(text: str) -> Mapping[str, int] | None:
    """``ethtool -c IF``."""
    if not text.startswith("Coalesce parameters"):
        return None
    found = {
        key: number for key, value in _fields(text).items() if re.fullmatch(r"[a-z-]+", key) and (number := _number(value)) is not None
    }
    if adaptive := re.search(r"Adaptive RX: (on|off)\s+TX: (on|off)", text):
        found |= {"adaptive-rx": int(adaptive[1] == "on"), "adaptive-tx": int(adaptive[2] == "on")}
    return found or None


def parse_private_flags(text: str) -> Mapping[str, bool] | None:
    """``ethtool --show-priv-flags IF``."""
    if "rivate flags for" not in text:
        return None
    return {key: value == "on" for key, value in _fields(text).items() if value in ("on", "off")}
