# SPDX-License-Identifier: GPL-2.0-or-later
"""Offloads off, each by itself or several, and on again exactly as they were.

What falls with what is read out of net/core/dev.c, ``netdev_fix_features()`` (Linux 6.1): segmentation needs scatter-gather and the checksum of
its protocol, hardware GRO and TLS need receive checksums. The kernel keeps what was asked for of those that fell, so they rise by themselves; an undo
names them all the same, in one call, where order does not matter. One that is fixed would not rise (``netdev_get_wanted_features()`` takes it from
what is on), so nothing is done that lets it fall.
"""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from nicmedic.model.finding import RemedyId
from nicmedic.model.link import Feature
from nicmedic.model.plan import Change, Refusal, Setting
from nicmedic.model.step import INTERFACE, Run
from nicmedic.remedy.changes.site import Site, build_change, find_settings, recipe_of, refuse, why_unknown

__all__ = ["SHORT_NAMES", "find_falling", "match_features", "offload_off"]

SHORT_NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "rx": ("rx-checksum", ""),
    "tx": ("tx-checksum-", ""),
    "sg": ("tx-scatter-gather", ""),
    "tso": ("tx-tcp", "-segmentation"),
    "ufo": ("tx-udp-fragmentation", ""),
    "gso": ("tx-generic-segmentation", ""),
    "gro": ("rx-gro", "="),
    "lro": ("rx-lro", ""),
    "rxvlan": ("rx-vlan-hw-parse", ""),
    "txvlan": ("tx-vlan-hw-insert", ""),
    "ntuple": ("rx-ntuple-filter", ""),
    "rxhash": ("rx-hashing", ""),
}
"""ethtool's short words: how the kernel's names of single features begin and end (``off_flag_def`` in ethtool's common.c); ``=``: the whole name."""
_USUAL = ("tso", "gso")


def match_features(word: str, names: Collection[str]) -> tuple[str, ...]:
    """The single features that a word of ``ethtool -K`` means.

    >>> match_features("tso", ("tx-tcp-segmentation", "tx-tcp6-segmentation", "rx-gro"))
    ('tx-tcp-segmentation', 'tx-tcp6-segmentation')
    """
    if word not in SHORT_NAMES:
        return (word,) if word in names else ()
    begin, end = SHORT_NAMES[word]
    if end == "=":
        return tuple(name for name in names if name == begin)
    return tuple(name for name in names if name.startswith(begin) and name.endswith(end))


def find_falling(on: Collection[str], off: Collection[str]) -> tuple[str, ...]:
    """Which of the features that are on the kernel takes back when others are switched off."""
    left = set(on) - set(off)
    tcp = {name for name in left if name.startswith("tx-tcp")}
    any_protocol = "tx-checksum-ip-generic" in left
    if "tx-scatter-gather" not in left:
        left -= {*tcp, "tx-generic-segmentation"}
    if not any_protocol and "tx-checksum-ipv4" not in left:
        left -= {"tx-tcp-segmentation", "tx-tcp-ecn-segmentation"}
    if not any_protocol and "tx-checksum-ipv6" not in left:
        left -= {"tx-tcp6-segmentation"}
    if not any_protocol and not left.issuperset({"tx-checksum-ipv4", "tx-checksum-ipv6"}):
        left -= {"tls-hw-tx-offload"}
    if "tx-tcp-segmentation" not in left:
        left -= {"tx-tcp-mangleid-segmentation"}
    if not left.intersection({"tx-tcp-segmentation", "tx-tcp6-segmentation", "tx-tcp-mangleid-segmentation"}):
        left -= {"tx-tcp-ecn-segmentation"}
    if "rx-checksum" not in left:
        left -= {"rx-gro-hw", "tls-hw-rx-offload"}
    return tuple(name for name in on if name not in left and name not in off)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What the words of an argument mean on this card."""

    words: tuple[str, ...]
    """Those that change something."""
    off: tuple[str, ...]
    """Single features that go off."""


def _read_argument(argument: str, features: Mapping[str, Feature]) -> _Asked | tuple[str, ...]:
    """What is to be switched off; or reasons why not. Without an argument, what cannot be changed is left out in silence."""
    words: Sequence[str] = [word.strip() for word in argument.split(",") if word.strip()] or _USUAL
    reasons: list[str] = []
    chosen: dict[str, tuple[str, ...]] = {}
    for word in words:
        names = match_features(word, features)
        on = tuple(name for name in names if features[name].on and not features[name].fixed)
        fixed = [name for name in names if features[name].on and features[name].fixed]
        if not names and word not in SHORT_NAMES:
            known = ", ".join(sorted(name for name, feature in features.items() if feature.on and not feature.fixed))
            reasons.append(f"{word}: this card has no such feature; on and changeable are: {known or 'none'}")
        elif fixed and not on and argument:
            reasons.append(f"{word}: the driver does not let {' and '.join(fixed)} be changed")
        elif on:
            chosen[word] = on
    if reasons:
        return tuple(reasons)
    if not chosen:
        return (f"{', '.join(words)}: off already, or not changeable on this card",)
    return _Asked(words=tuple(chosen), off=tuple(dict.fromkeys(name for names in chosen.values() for name in names)))


def offload_off(site: Site, argument: str) -> Change | Refusal:
    """Switch features off; ``tso,gso`` when none are named."""
    remedy, nic = RemedyId.OFFLOAD_OFF, site.nic
    look = (f"ethtool -k {site.name}",)
    if nic.features is None:
        return refuse(remedy, argument, why_unknown(nic, "features", "the offloads"), settle=look)
    asked = _read_argument(argument, nic.features)
    if isinstance(asked, tuple):
        return refuse(remedy, argument, *asked, settle=look)
    on = [name for name, feature in nic.features.items() if feature.on]
    falling = find_falling(on, asked.off)
    lost = [name for name in falling if nic.features[name].fixed]
    if lost:
        reason = (
            f"{' and '.join(lost)} would fall along, and the driver does not let {'it' if len(lost) == 1 else 'them'} be switched on again"
        )
        return refuse(remedy, argument, reason, settle=look)
    back = (*asked.off, *falling)
    risks = [f"Switches off {' and '.join(falling)} too, which {'need' if len(falling) > 1 else 'needs'} it."] if falling else []
    return build_change(
        site,
        remedy,
        argument,
        [Run(argv=("ethtool", "-K", INTERFACE, *(part for word in asked.words for part in (word, "off"))))],
        recipe=dataclasses.replace(recipe_of(remedy, site, *asked.words), caution="Costs CPU time."),
        undo=[Run(argv=("ethtool", "-K", INTERFACE, *(part for name in back for part in (name, "on"))))],
        before=find_settings(site, *(f"features.{name}" for name in back)),
        wanted=[Setting(name=f"features.{name}", value="off") for name in back],
        settle_s=3,
        risks=risks,
    )
