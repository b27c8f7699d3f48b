# SPDX-License-Identifier: GPL-2.0-or-later
"""Settings in the words of NetworkManager's connections: ``[ethtool] feature-tx-tcp-segmentation=false``, ``[ethernet] speed=100``.

NetworkManager knows features by the kernel's names, but for eight that have a short one (src/libnm-platform/nm-platform-utils.c
``_ethtool_feature_infos``
of 1.42). Those of 1.14 have been there since, six came with 1.30. A key that it does not know it passes over with a warning in its log
(tried with ``nmcli --offline`` 1.42.4), so none is written for a version that lacks it.

Speed and duplex with ``auto-negotiate=true`` advertise that mode alone, and flow control if the card has it (``set_link_settings_new`` there); before
1.34 modes beyond 10 Gb/s and 2500baseX stayed on (commit 34d48d2596). Both with ``auto-negotiate=false`` force it, since 1.12.
Ring and coalescing came with 1.26, pause with 1.32, EEE with 1.46 (NEWS). ``pause-rx`` goes with ``pause-autoneg=false`` only
(nm-setting-ethtool.c ``verify``).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from nicmedic.model.keeping import Wish
from nicmedic.persist.offloads import wished_features
from nicmedic.persist.stanza_placing import OWN_EEE

__all__ = ["NmKey", "choose_nm_keys"]

_SHORT: Final[Mapping[str, str]] = {
    "rx-gro": "gro",
    "tx-generic-segmentation": "gso",
    "rx-lro": "lro",
    "rx-ntuple-filter": "ntuple",
    "rx-checksum": "rx",
    "rx-hashing": "rxhash",
    "rx-vlan-hw-parse": "rxvlan",
    "tx-vlan-hw-insert": "txvlan",
}
_FIRST: Final = frozenset(
    """
    esp-hw-offload esp-tx-csum-hw-offload fcoe-mtu highdma hw-tc-offload l2-fwd-offload loopback rx-all rx-fcs rx-gro-hw rx-udp_tunnel-port-offload
    rx-vlan-filter rx-vlan-stag-filter rx-vlan-stag-hw-parse tls-hw-record tls-hw-tx-offload tx-checksum-fcoe-crc tx-checksum-ip-generic
    tx-checksum-ipv4 tx-checksum-ipv6 tx-checksum-sctp tx-esp-segmentation tx-fcoe-segmentation tx-gre-csum-segmentation tx-gre-segmentation
    tx-gso-partial tx-gso-robust tx-ipxip4-segmentation tx-ipxip6-segmentation tx-nocache-copy tx-scatter-gather tx-scatter-gather-fraglist
    tx-sctp-segmentation tx-tcp-ecn-segmentation tx-tcp-mangleid-segmentation tx-tcp-segmentation tx-tcp6-segmentation tx-udp-segmentation
    tx-udp_tnl-csum-segmentation tx-udp_tnl-segmentation tx-vlan-stag-hw-insert
    """.split()  # noqa: SIM905  # a list of 41 literals has 41 lines
)
_LATER: Final = frozenset(
    {"macsec-hw-offload", "rx-gro-list", "rx-udp-gro-forwarding", "tls-hw-rx-offload", "tx-gso-list", "tx-tunnel-remcsum-segmentation"}
)
_ETHTOOL: Final[Mapping[str, tuple[int, int]]] = {"ring": (1, 26), "coalesce": (1, 26), "pause": (1, 32)}
_NUMBERS: Final = frozenset({"ring.rx", "ring.tx", "coalesce.rx-usecs", "coalesce.tx-usecs", "coalesce.rx-frames", "coalesce.tx-frames"})
_ADAPTIVE: Final = frozenset({"coalesce.adaptive-rx", "coalesce.adaptive-tx"})
_PAUSE: Final = frozenset({"pause.rx", "pause.tx"})
_MODES: Final[Mapping[int, tuple[str, str]]] = {
    0x001: ("10", "half"),
    0x002: ("10", "full"),
    0x004: ("100", "half"),
    0x008: ("100", "full"),
    0x020: ("1000", "full"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NmKey:
    """One assignment of a connection, and the settings that it brings about."""

    group: str
    """``ethernet`` or ``ethtool``."""
    key: str
    value: str
    since: tuple[int, int]
    covers: tuple[str, ...]


def _true(value: str) -> str:
    return "true" if value == "on" else "false"


def _feature_keys(wish: Wish) -> Iterator[NmKey]:
    for name, value in wished_features(wish).items():
        if name in _SHORT or name in _FIRST or name in _LATER:
            since = (1, 30) if name in _LATER else (1, 14)
            key = f"feature-{_SHORT.get(name, name)}"
            yield NmKey(group="ethtool", key=key, value=_true(value), since=since, covers=(f"features.{name}",))


def _ethtool_keys(wish: Wish) -> Iterator[NmKey]:
    paused = [setting.name for setting in wish.settings if setting.name in _PAUSE and setting.value in {"on", "off"}]
    for setting in wish.settings:
        name, value = setting.name, setting.value
        family, _, rest = name.partition(".")
        written = None
        if name in _NUMBERS and value.isascii() and value.isdecimal():
            written = value
        elif name in _ADAPTIVE and value in {"on", "off"}:
            written = str(int(value == "on"))
        elif name in paused:
            written = _true(value)
        if written is not None:
            yield NmKey(group="ethtool", key=f"{family}-{rest}", value=written, since=_ETHTOOL[family], covers=(name,))
        elif name == "eee.enabled" and value in {"on", "off"}:
            yield NmKey(group="ethtool", key="eee-enabled", value=_true(value), since=(1, 46), covers=(name,))
    if paused:
        yield NmKey(group="ethtool", key="pause-autoneg", value="false", since=(1, 32), covers=("pause.autoneg",))


def _ethernet_keys(wish: Wish) -> Iterator[NmKey]:
    wanted = {setting.name: setting.value for setting in wish.settings if setting.name.startswith("link.")}
    mode = None
    if set(wanted) == {"link.autoneg", "link.modes"} and wanted["link.autoneg"] == "on":
        mode = _MODES.get(_read_mask(wanted["link.modes"]))
    elif set(wanted) == {"link.autoneg", "link.speed", "link.duplex"} and wanted["link.autoneg"] == "off":
        mode = (wanted["link.speed"], wanted["link.duplex"])
    if mode in _MODES.values() and mode is not None:
        values = (("auto-negotiate", _true(wanted["link.autoneg"])), ("speed", mode[0]), ("duplex", mode[1]))
        for key, value in values:
            since = (1, 34) if wanted["link.autoneg"] == "on" else (1, 12)
            yield NmKey(group="ethernet", key=key, value=value, since=since, covers=tuple(wanted))
    for setting in wish.settings:
        if setting.name == "mtu" and setting.value.isascii() and setting.value.isdecimal():
            yield NmKey(group="ethernet", key="mtu", value=setting.value, since=(1, 0), covers=("mtu",))


def _read_mask(text: str) -> int:
    try:
        return int(text, 16)
    except ValueError:
        return 0


def choose_nm_keys(wish: Wish, version: tuple[int, ...], driver: str | None) -> tuple[list[NmKey], list[str], list[str]]:
    """What a connection can say of a wish.

    Args:
        wish: what is to be kept.
        version: of NetworkManager; empty: not known.
        driver: of the card.

    Returns:
        the keys, the names of the settings that they cover, and why others are not covered.
    """
    known = [*_ethernet_keys(wish), *_feature_keys(wish), *_ethtool_keys(wish)]
    names = [setting.name for setting in wish.settings]
    keys: list[NmKey] = []
    reasons: list[str] = []
    for key in known:
        if key.since > version[:2]:
            seen = ".".join(map(str, version)) if version else "of unknown version"
            reasons.append(f"{key.group}.{key.key} needs NetworkManager {key.since[0]}.{key.since[1]}, this is {seen}")
        elif key.key == "eee-enabled" and driver in OWN_EEE:
            reasons.append(f"eee.enabled: {driver} sets it anew whenever it opens the card")
        else:
            keys.append(key)
    covered = [name for name in names if any(name in key.covers for key in keys)]
    all_known = {name for key in known for name in key.covers}
    reasons += [f"{each.name}: NetworkManager has no word for {each.value}" for each in wish.settings if each.name not in all_known]
    return keys, covered, reasons
