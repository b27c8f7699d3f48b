# SPDX-License-Identifier: GPL-2.0-or-later
"""Hold a host that nicmedic read against what ip, tc, ethtool and lspci print of it, field by field.

For the rings host (this machine's own kernel) and lab (real drivers). What moves is bounded by a look before and one after.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from nicmedic.model.host import Host
from nicmedic.model.nic import Nic
from nicmedic.model.queue import Qdisc
from nicmedic.model.stack import Address, VirtualLink

__all__ = ["ask_tools", "disagreements"]

Outputs = Mapping[str, str]

HOST_COMMANDS = {
    "link": "ip -d -s -j link",
    "address": "ip -d -j address",
    "route": "ip -d -j -4 route show table all",
    "route6": "ip -d -j -6 route show table all",
    "rule": "ip -j rule",
    "neighbour": "ip -j neighbour",
    "qdisc": "tc -s -j qdisc",
    "lspci": "lspci -D -vvv",
}
NIC_OPTIONS = ("", "-i", "-k", "-g", "-l", "-c", "-a", "-S", "-P", "--show-priv-flags")
TABLES = {"main": 254, "local": 255, "default": 253}
PROTOCOLS = {"kernel": 2, "boot": 3, "static": 4, "ra": 9, "dhcp": 16, "unspec": 0}
FLAGS = ("dynamic", "secondary", "temporary", "mngtmpaddr", "noprefixroute", "tentative", "deprecated", "nodad")
STATISTICS = {
    "rx_bytes": ("rx", "bytes"),
    "rx_packets": ("rx", "packets"),
    "rx_errors": ("rx", "errors"),
    "rx_dropped": ("rx", "dropped"),
    "multicast": ("rx", "multicast"),
    "tx_bytes": ("tx", "bytes"),
    "tx_packets": ("tx", "packets"),
    "tx_errors": ("tx", "errors"),
    "tx_dropped": ("tx", "dropped"),
    "tx_carrier_errors": ("tx", "carrier_errors"),
    "collisions": ("tx", "collisions"),
}


def ask_tools(run: Callable[[str], str], interfaces: Iterable[str]) -> dict[str, str]:
    """Everything that the tools print, by the name of the question; ``run`` gives what a command printed, also if it failed."""
    made = {name: run(command) for name, command in HOST_COMMANDS.items()}
    for interface in interfaces:
        made.update({f"{interface} {option}": run(f"ethtool {option} {interface}") for option in NIC_OPTIONS})
    return made


Check = tuple[str, object, object]


def _ours(address: Address) -> tuple[object, ...]:
    flags = tuple(flag for flag in FLAGS if flag in address.flags)
    return address.family, address.address, address.prefix_length, address.scope, address.broadcast, address.label, address.peer, flags


def _theirs(entry: Mapping[str, Any]) -> tuple[object, ...]:
    flags = tuple(flag for flag in FLAGS if entry.get(flag))
    peer = entry.get("address")
    return entry["family"], entry["local"], entry["prefixlen"], entry["scope"], entry.get("broadcast"), entry.get("label"), peer, flags


def _check_link(link: Nic | VirtualLink, theirs: Mapping[str, Any], addresses: Mapping[str, Any]) -> Iterator[Check]:
    yield "ifindex", link.ifindex, theirs["ifindex"]
    yield "flags", sorted(link.flags or ()), sorted(theirs["flags"])
    yield "mtu", link.mtu, theirs["mtu"]
    yield "operstate", link.operstate, theirs["operstate"].lower()
    yield "address", link.address, theirs["address"]
    yield "altnames", list(link.altnames or ()), theirs.get("altnames", [])
    yield "master", link.port.master if link.port else None, theirs.get("master")
    yield "addresses", sorted(map(repr, map(_ours, link.addresses or ()))), sorted(map(repr, map(_theirs, addresses["addr_info"])))
    if isinstance(link, Nic):
        yield "txqueuelen", link.txqueuelen, theirs.get("txqlen")
        yield "promiscuity", link.promiscuity, theirs["promiscuity"]
        yield "mtu_min, mtu_max", (link.mtu_min, link.mtu_max), (theirs.get("min_mtu"), theirs.get("max_mtu"))
        yield "alias", link.alias, theirs.get("ifalias")
        yield "xdp", link.xdp is not None, "xdp" in theirs
    else:
        kind = theirs.get("linkinfo", {}).get("info_kind")
        yield "kind", link.kind, "loopback" if theirs.get("link_type") == "loopback" else kind


def _check_routes(host: Host, tools: Outputs) -> Iterator[Check]:
    for family, name in (("inet", "route"), ("inet6", "route6")):
        ours = [
            (
                route.destination,
                route.table,
                route.type,
                route.gateway,
                route.interface,
                route.protocol,
                route.metric,
                route.source,
                [(hop.gateway, hop.interface, hop.weight) for hop in route.nexthops],
                dict(route.metrics or {}),
            )
            for route in host.routes or ()
            if route.family == family
        ]
        theirs = [
            (
                entry["dst"],
                TABLES.get(entry.get("table", "main")) or int(entry["table"]),
                entry.get("type", "unicast"),
                entry.get("gateway") or entry.get("via", {}).get("host"),
                entry.get("dev"),
                PROTOCOLS.get(entry.get("protocol", "boot"), entry.get("protocol")),
                entry.get("metric"),
                entry.get("prefsrc"),
                [(hop.get("gateway"), hop["dev"], hop["weight"]) for hop in entry.get("nexthops", [])],
                {word: value for metrics in entry.get("metrics", []) for word, value in metrics.items()},
            )
            for entry in json.loads(tools[name] or "[]")
        ]
        yield f"routes {family}", sorted(map(repr, ours)), sorted(map(repr, theirs))


def _check_rules(host: Host, tools: Outputs) -> Iterator[Check]:
    ours = [
        (rule.priority, rule.table, (rule.from_prefix or "all").partition("/")[0], rule.fwmark)
        for rule in host.rules or ()
        if rule.family == "inet"
    ]
    theirs = [
        (
            entry["priority"],
            TABLES.get(entry["table"]) or int(entry["table"]),
            entry["src"],
            int(entry["fwmark"], 16) if "fwmark" in entry else None,
        )
        for entry in json.loads(tools["rule"])
    ]
    yield "rules", ours, theirs
    permanent = [(one.address, one.interface, one.lladdr) for one in host.neighbours or () if one.state == "permanent"]
    entries = [entry for entry in json.loads(tools["neighbour"]) if "PERMANENT" in entry["state"]]
    yield (
        "permanent neighbours",
        sorted(permanent, key=repr),
        sorted(((one["dst"], one["dev"], one.get("lladdr")) for one in entries), key=repr),
    )


def _place(qdisc: Qdisc) -> tuple[str, str, str | None]:
    return qdisc.kind, qdisc.handle or "0:", qdisc.parent


def _check_qdiscs(before: Nic, tools: Outputs, after: Nic) -> Iterator[Check]:
    entries = [entry for entry in json.loads(tools["qdisc"]) if entry["dev"] == after.interface]
    theirs = {(entry["kind"], entry["handle"], "root" if entry.get("root") else entry.get("parent")): entry for entry in entries}
    yield "qdiscs", sorted(map(_place, after.qdiscs or ()), key=repr), sorted(theirs, key=repr)
    first = {_place(qdisc): qdisc for qdisc in before.qdiscs or ()}
    for qdisc in after.qdiscs or ():
        entry = theirs.get(_place(qdisc))
        old = first.get(_place(qdisc))
        if entry is not None and old is not None:
            for name in ("bytes", "packets", "drops", "overlimits", "requeues"):
                yield f"qdisc {qdisc.kind} {name}", getattr(old, name) <= entry[name] <= getattr(qdisc, name), True


def _found(pattern: str, text: str) -> str | None:
    match = re.search(pattern, text, re.MULTILINE)
    return match[1].strip() if match else None


def _modes(title: str, text: str) -> list[str]:
    match = re.search(rf"^\t{title}:((?: .*\n)(?:\t {{10,}}.*\n)*)", text, re.MULTILINE)
    return sorted(word for word in match[1].split() if "/" in word) if match else []


def _check_ethtool(nic: Nic, tools: Outputs) -> Iterator[Check]:
    text = tools[f"{nic.interface} "]
    link = nic.link
    assert link is not None
    yield "speed", f"{link.speed_mbps}Mb/s" if link.speed_mbps else "Unknown!", _found(r"Speed: (.*)$", text)
    yield "duplex", {"full": "Full", "half": "Half"}.get(link.duplex or "", "Unknown! (255)"), _found(r"Duplex: (.*)$", text)
    yield "autoneg", "on" if link.autoneg else "off", _found(r"Auto-negotiation: (.*)$", text)
    yield "port", link.port, _found(r"Port: (.*)$", text)
    yield "detected", "yes" if link.detected else "no", _found(r"Link detected: (.*)$", text)
    yield "message level", link.message_level, int(level, 16) if (level := _found(r"message level: (0x\w+)", text)) else None
    for title, modes in (
        ("Supported link modes", link.supported),
        ("Advertised link modes", link.advertised),
        ("Link partner advertised link modes", link.lp_advertised),
    ):
        yield title, sorted(mode for mode in modes or () if "base" in mode and "/" in mode), _modes(title, text)
    yield "wol", nic.wol and nic.wol.enabled, _found(r"^\s+Wake-on: (\w+)", text)
    yield "driver", nic.driver, _found(r"^driver: (.*)$", tools[f"{nic.interface} -i"])
    yield "firmware", nic.firmware_version or "", _found(r"^firmware-version:(.*)$", tools[f"{nic.interface} -i"])
    yield "permanent address", nic.permanent_address, _found(r"address: ([0-9a-f:]+)", tools[f"{nic.interface} -P"])
    for name, state, fixed in re.findall(r"^\s*([\w-]+): (on|off)( \[fixed\])?", tools[f"{nic.interface} -k"], re.MULTILINE):
        feature = (nic.features or {}).get(name)
        if feature is not None:  # ethtool prints groups of features too
            yield f"feature {name}", (feature.on, feature.fixed), (state == "on", bool(fixed))
    yield from _check_settings(nic, tools)


def _numbers(pattern: str, text: str) -> list[int]:
    return [0 if value == "n/a" else int(value) for value in re.findall(pattern, text, re.MULTILINE)]


def _check_settings(nic: Nic, tools: Outputs) -> Iterator[Check]:
    ring, channels = nic.ring, nic.channels
    ours = (
        []
        if ring is None
        else [ring.rx_max, ring.rx_mini_max, ring.rx_jumbo_max, ring.tx_max, ring.rx, ring.rx_mini, ring.rx_jumbo, ring.tx]
    )
    yield "ring", ours, _numbers(r"^(?:RX|RX Mini|RX Jumbo|TX):\s+(\S+)", tools[f"{nic.interface} -g"])
    ours = (
        []
        if channels is None
        else [
            channels.rx_max,
            channels.tx_max,
            channels.other_max,
            channels.combined_max,
            channels.rx,
            channels.tx,
            channels.other,
            channels.combined,
        ]
    )
    yield "channels", [value or 0 for value in ours], _numbers(r"^(?:RX|TX|Other|Combined):\s+(\S+)", tools[f"{nic.interface} -l"])
    for word, value in re.findall(r"^([a-z-]+):\s+(\d+)$", tools[f"{nic.interface} -c"], re.MULTILINE):
        if word in (nic.coalesce or {}):
            yield f"coalesce {word}", (nic.coalesce or {})[word], int(value)
    pause = re.findall(r"^(?:Autonegotiate|RX|TX):\s+(on|off)", tools[f"{nic.interface} -a"], re.MULTILINE)
    yield "pause", [] if nic.pause is None else [nic.pause.autoneg, nic.pause.rx, nic.pause.tx], [word == "on" for word in pause]
    names = {name.strip() for name in re.findall(r"^\s+(.*?): \d+$", tools[f"{nic.interface} -S"], re.MULTILINE)}
    yield "statistics", {re.sub(r"#\d+$", "", name) for name in nic.driver_statistics or ()}, {re.sub(r"#\d+$", "", name) for name in names}
    flags = dict(re.findall(r"^([\w-]+)\s*: (on|off)$", tools[f"{nic.interface} --show-priv-flags"], re.MULTILINE))
    yield "private flags", {name: "on" if on else "off" for name, on in (nic.private_flags or {}).items()}, flags


def _check_pci(nic: Nic, tools: Outputs) -> Iterator[Check]:
    for function in (nic.pcie.device, nic.pcie.upstream) if nic.pcie else ():
        if function is None:
            continue
        block = next((part for part in tools["lspci"].split("\n\n") if part.startswith(function.address)), "")
        yield f"{function.address} bus master", function.bus_master, "BusMaster+" in block
        enabled = _found(r"LnkCtl:\s+ASPM ([^;]*);", block)
        words = None if enabled is None else () if enabled == "Disabled" else tuple(enabled.removesuffix(" Enabled").split())
        yield f"{function.address} ASPM", function.aspm_enabled, words
        supported = _found(r"LnkCap:.*ASPM ([^,]*),", block)
        yield (
            f"{function.address} ASPM supported",
            " ".join(function.aspm_supported or ()),
            "" if supported in {None, "not supported"} else supported,
        )
        speed = _found(r"LnkSta:\s+Speed ([\d.]+)GT/s", block)
        yield f"{function.address} speed", function.speed_gts, None if speed is None else float(speed)


def disagreements(before: Host, tools: Outputs, after: Host) -> list[str]:
    """Every field in which nicmedic and a tool differ."""
    made: list[str] = []
    links = {entry["ifname"]: entry for entry in json.loads(tools["link"])}
    addresses = {entry["ifname"]: entry for entry in json.loads(tools["address"])}

    def hold(about: str, checks: Iterable[Check]) -> None:
        made.extend(f"{about} {field}: nicmedic says {ours!r}, the tool {theirs!r}" for field, ours, theirs in checks if ours != theirs)

    found: tuple[Nic | VirtualLink, ...] = (*after.nics, *after.links)
    hold("", [("links", sorted(link.interface for link in found), sorted(links))])
    seen: tuple[Nic | VirtualLink, ...] = (*before.nics, *before.links)
    earlier = {link.interface: link for link in seen}
    for link in found:
        hold(link.interface, _check_link(link, links[link.interface], addresses[link.interface]))
        old = earlier[link.interface].statistics or {}
        counted = {name: links[link.interface]["stats64"][way].get(word, 0) for name, (way, word) in STATISTICS.items()}
        hold(link.interface, [(name, old[name] <= value <= (link.statistics or {})[name], True) for name, value in counted.items()])
    for nic in after.nics:
        first = earlier[nic.interface]
        assert isinstance(first, Nic)
        hold(nic.interface, _check_qdiscs(first, tools, nic))
        hold(nic.interface, _check_ethtool(nic, tools))
        hold(nic.interface, _check_pci(nic, tools))
    hold("", [*_check_routes(after, tools), *_check_rules(after, tools)])
    return made
