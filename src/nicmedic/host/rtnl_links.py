# SPDX-License-Identifier: GPL-2.0-or-later
"""Links, their place in bridges and bonds, and queueing disciplines out of rtnetlink messages, in ip's and tc's words.

Pure: messages in, values out. The numbers are those of include/uapi/linux: if.h, if_link.h, if_bridge.h, pkt_sched.h.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from nicmedic.host.netlink import Message, every, inner, number, text
from nicmedic.host.rtnl_values import flag_words
from nicmedic.model.queue import Qdisc
from nicmedic.model.stack import BridgeVlan, Detail, Xdp

__all__ = ["LinkFacts", "flags_of", "make_links", "make_qdiscs", "make_vlans"]

_UP, _RUNNING = 1, 0x40
_FLAGS = {
    8: "LOOPBACK",
    2: "BROADCAST",
    0x10: "POINTOPOINT",
    0x1000: "MULTICAST",
    0x80: "NOARP",
    0x200: "ALLMULTI",
    0x100: "PROMISC",
    0x400: "MASTER",
    0x800: "SLAVE",
    4: "DEBUG",
    0x8000: "DYNAMIC",
    0x4000: "AUTOMEDIA",
    0x2000: "PORTSEL",
    0x20: "NOTRAILERS",
    1: "UP",
    0x10000: "LOWER_UP",
    0x20000: "DORMANT",
    0x40000: "ECHO",
}
_XDP_MODES = {"xdp": "driver", "xdpgeneric": "generic", "xdpoffload": "offload", "xdpmulti": "multiple"}
_LOOPBACK_TYPE = 772
_PVID, _UNTAGGED = 2, 4
_ROOT, _INGRESS = 0xFFFFFFFF, 0xFFFFFFF1
_QOS = "IFLA_VLAN_QOS_MAPPING"
_MULTIQUEUE = frozenset({"mq", "mqprio"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkFacts:
    """One link as it was listed."""

    interface: str
    ifindex: int
    altnames: tuple[str, ...]
    alias: str | None
    kind: str | None
    details: Mapping[str, Detail] | None
    master: int | None
    port_kind: str | None
    port_settings: Mapping[str, Detail] | None
    below: int | None
    """Index of what it stands on (``IFLA_LINK``), if that is in the same namespace."""
    flags: tuple[str, ...]
    operstate: str | None
    carrier: bool | None
    carrier_changes: int | None
    carrier_up_count: int | None
    carrier_down_count: int | None
    mtu: int | None
    mtu_min: int | None
    mtu_max: int | None
    txqueuelen: int | None
    group: int | None
    promiscuity: int | None
    address: str | None
    statistics: Mapping[str, int] | None
    xdp: Xdp | None


def _settings(message: Message) -> dict[str, Detail]:
    """Numbers and texts of a nested message; structures give theirs with both names joined, maps of priorities read ``0:3 2:5``."""
    made: dict[str, Detail] = {}
    for name, value in message.items():
        key = name.removeprefix("IFLA_").lower()
        if isinstance(value, int | str):
            made[key] = value
        elif isinstance(value, Mapping) and _QOS in value:
            made[key] = " ".join(f"{pair['from']}:{pair['to']}" for pair in every(value, _QOS) if isinstance(pair, Mapping))
        elif isinstance(value, Mapping):
            made.update({f"{key}.{inner_key}": item for inner_key, item in _settings(value).items()})
    return made


def flags_of(mask: int, *, known_running: bool) -> tuple[str, ...]:
    """As iproute2's ``print_link_flags``; sysfs does not tell whether it is running."""
    return (("NO-CARRIER",) if known_running and mask & _UP and not mask & _RUNNING else ()) + flag_words(mask, _FLAGS)


def _xdp(message: Message) -> Xdp | None:
    found = inner(message, "IFLA_XDP")
    mode = found.get("IFLA_XDP_ATTACHED")
    return Xdp(mode=_XDP_MODES.get(str(mode), str(mode)), program_id=number(found, "IFLA_XDP_PROG_ID")) if mode else None


def _link(message: Message) -> LinkFacts | None:
    name, index = text(message, "IFLA_IFNAME"), number(message, "index")
    if name is None or index is None:
        return None
    info = inner(message, "IFLA_LINKINFO")
    mask = number(message, "flags") or 0
    kind = text(info, "IFLA_INFO_KIND") or ("loopback" if number(message, "ifi_type") == _LOOPBACK_TYPE else None)
    statistics = inner(message, "IFLA_STATS64") or inner(message, "IFLA_STATS")
    operstate, carrier = text(message, "IFLA_OPERSTATE"), number(message, "IFLA_CARRIER")
    same_namespace = "IFLA_LINK_NETNSID" not in message
    below = number(message, "IFLA_LINK") if same_namespace and kind != "veth" else None
    slave_kind = text(info, "IFLA_INFO_SLAVE_KIND")
    return LinkFacts(
        interface=name,
        ifindex=index,
        altnames=tuple(str(altname) for altname in every(inner(message, "IFLA_PROP_LIST"), "IFLA_ALT_IFNAME")),
        alias=text(message, "IFLA_IFALIAS"),
        kind=kind,
        details=_settings(inner(info, "IFLA_INFO_DATA")) or None,
        master=number(message, "IFLA_MASTER"),
        port_kind=slave_kind,
        port_settings=_settings(inner(info, "IFLA_INFO_SLAVE_DATA")) or None,
        below=below if below != index else None,
        flags=flags_of(mask, known_running=True),
        operstate=None if operstate is None else operstate.lower(),
        carrier=bool(carrier) if carrier is not None and mask & _UP else None,
        carrier_changes=number(message, "IFLA_CARRIER_CHANGES"),
        carrier_up_count=number(message, "IFLA_CARRIER_UP_COUNT"),
        carrier_down_count=number(message, "IFLA_CARRIER_DOWN_COUNT"),
        mtu=number(message, "IFLA_MTU"),
        mtu_min=number(message, "IFLA_MIN_MTU"),
        mtu_max=number(message, "IFLA_MAX_MTU"),
        txqueuelen=number(message, "IFLA_TXQLEN"),
        group=number(message, "IFLA_GROUP"),
        promiscuity=number(message, "IFLA_PROMISCUITY"),
        address=text(message, "IFLA_ADDRESS"),
        statistics={key: value for key, value in statistics.items() if isinstance(value, int)} or None,
        xdp=_xdp(message),
    )


def make_links(messages: Iterable[Message]) -> dict[str, LinkFacts]:
    """Links by name."""
    return {link.interface: link for message in messages if (link := _link(message)) is not None}


def make_vlans(messages: Iterable[Message]) -> dict[int, tuple[BridgeVlan, ...]]:
    """VLANs of bridge ports by interface index."""
    made: dict[int, tuple[BridgeVlan, ...]] = {}
    for message in messages:
        index = number(message, "index")
        entries = [entry for entry in every(inner(message, "IFLA_AF_SPEC"), "IFLA_BRIDGE_VLAN_INFO") if isinstance(entry, Mapping)]
        if index is not None and entries:
            made[index] = tuple(
                BridgeVlan(
                    vid=number(entry, "vid") or 0,
                    pvid=bool((number(entry, "flags") or 0) & _PVID),
                    untagged=bool((number(entry, "flags") or 0) & _UNTAGGED),
                )
                for entry in entries
            )
    return made


def _handle(value: int) -> str:
    """As tc's ``print_tc_classid``: ``8001:``, ``8001:a``, ``:1``."""
    major, minor = value >> 16, value & 0xFFFF
    return f"{f'{major:x}' if major else ''}:{f'{minor:x}' if minor else ''}"


def _qdisc(message: Message, kinds: Mapping[int, str]) -> Qdisc | None:
    kind = text(message, "TCA_KIND")
    if kind is None:
        return None
    handle, parent = number(message, "handle") or 0, number(message, "parent") or 0
    statistics = inner(message, "TCA_STATS2")
    basic, queue = inner(statistics, "TCA_STATS_BASIC"), inner(statistics, "TCA_STATS_QUEUE")
    above = {_ROOT: "root", _INGRESS: "clsact" if kind == "clsact" else "ingress"}.get(parent)
    fans_out = above is None and kinds.get(parent & 0xFFFF0000) in _MULTIQUEUE and parent & 0xFFFF
    return Qdisc(
        kind=kind,
        handle=_handle(handle) if handle else None,
        parent=above or _handle(parent),
        queue=(parent & 0xFFFF) - 1 if fans_out else None,
        bytes=number(basic, "bytes"),
        packets=number(basic, "packets"),
        drops=number(queue, "drops"),
        overlimits=number(queue, "overlimits"),
        requeues=number(queue, "requeues"),
        backlog_bytes=number(queue, "backlog"),
        qlen=number(queue, "qlen"),
        options=_options(message),
    )


def _options(message: Message) -> dict[str, int] | None:
    options = {name.removeprefix("TCA_").lower(): value for name, value in inner(message, "TCA_OPTIONS").items() if isinstance(value, int)}
    return options or None


def make_qdiscs(messages: Iterable[Message], names: Mapping[int, str]) -> dict[str, tuple[Qdisc, ...]]:
    """Queueing disciplines by interface, in tc's order."""
    by_index: dict[int, list[Message]] = {}
    for message in messages:
        by_index.setdefault(number(message, "index") or 0, []).append(message)
    return {names[index]: _qdiscs_of(group) for index, group in by_index.items() if index in names}


def _qdiscs_of(messages: Sequence[Message]) -> tuple[Qdisc, ...]:
    kinds = {number(message, "handle") or 0: text(message, "TCA_KIND") or "" for message in messages if number(message, "parent") == _ROOT}
    return tuple(qdisc for message in messages if (qdisc := _qdisc(message, kinds)) is not None)
