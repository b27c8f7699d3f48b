# SPDX-License-Identifier: GPL-2.0-or-later
"""Which of the kernel's features a wish speaks of, and which words of systemd's .link files and of netplan mean the same.

systemd's words, each with the version that brought it (systemd.link(5), "Added in version"), are one feature each (src/shared/ethtool-util.c
``netdev_feature_table`` of systemd 252), but for ``TransmitChecksumOffload=``: every feature whose name begins with ``tx-checksum-``.
netplan passes its seven on to the same .link keys (src/networkd.c ``write_link_file`` of netplan 0.106, which has them since 0.104).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from nicmedic.model.keeping import Wish
from nicmedic.model.step import Run

__all__ = ["OFFLOADS", "ChosenOffload", "Offload", "choose_offloads", "find_words", "wished_features"]

_PREFIX: Final = "features."


@dataclass(frozen=True, slots=True, kw_only=True)
class Offload:
    """One word for a feature, or for all whose name begins so."""

    feature: str
    link_key: str
    since: int
    """Version of systemd."""
    netplan_key: str | None = None

    def means(self, feature: str) -> bool:
        """Whether a feature is among those that the word sets."""
        return feature.startswith(self.feature) if self.feature.endswith("-") else feature == self.feature


OFFLOADS: Final[tuple[Offload, ...]] = (
    Offload(feature="rx-checksum", link_key="ReceiveChecksumOffload", since=245, netplan_key="receive-checksum-offload"),
    Offload(feature="tx-checksum-", link_key="TransmitChecksumOffload", since=245, netplan_key="transmit-checksum-offload"),
    Offload(feature="tx-tcp-segmentation", link_key="TCPSegmentationOffload", since=232, netplan_key="tcp-segmentation-offload"),
    Offload(feature="tx-tcp6-segmentation", link_key="TCP6SegmentationOffload", since=235, netplan_key="tcp6-segmentation-offload"),
    Offload(
        feature="tx-generic-segmentation", link_key="GenericSegmentationOffload", since=232, netplan_key="generic-segmentation-offload"
    ),
    Offload(feature="rx-gro", link_key="GenericReceiveOffload", since=232, netplan_key="generic-receive-offload"),
    Offload(feature="rx-lro", link_key="LargeReceiveOffload", since=232, netplan_key="large-receive-offload"),
    Offload(feature="rx-gro-hw", link_key="GenericReceiveOffloadHardware", since=250),
    Offload(feature="rx-vlan-hw-parse", link_key="ReceiveVLANCTAGHardwareAcceleration", since=250),
    Offload(feature="tx-vlan-hw-insert", link_key="TransmitVLANCTAGHardwareAcceleration", since=250),
    Offload(feature="rx-vlan-filter", link_key="ReceiveVLANCTAGFilter", since=250),
    Offload(feature="tx-vlan-stag-hw-insert", link_key="TransmitVLANSTAGHardwareAcceleration", since=250),
    Offload(feature="rx-ntuple-filter", link_key="NTupleFilter", since=250),
)

_FOLLOWERS: Final[Mapping[str, tuple[str, ...]]] = {
    "tx-tcp-mangleid-segmentation": ("tx-tcp-segmentation",),
    "tx-tcp-ecn-segmentation": ("tx-tcp-segmentation", "tx-tcp6-segmentation"),
}
"""Features that the kernel takes back when others are off (net/core/dev.c ``netdev_fix_features()``, Linux 6.1)."""


def find_words(wish: Wish, option: str) -> tuple[str, ...]:
    """What stands behind the interface in the commands of a wish that call ethtool with this option.

    >>> from nicmedic.model.finding import RemedyId
    >>> run = Run(argv=("ethtool", "-K", "eth0", "tx", "off"))
    >>> find_words(Wish(remedy=RemedyId.OFFLOAD_OFF, settings=(), steps=(run,)), "-K")
    ('tx', 'off')
    """
    runs = [step.argv for step in wish.steps if isinstance(step, Run) and step.argv[:2] == ("ethtool", option)]
    return tuple(word for argv in runs for word in argv[3:])


def wished_features(wish: Wish) -> dict[str, str]:
    """Features by the kernel's names, and ``on`` or ``off``."""
    return {
        setting.name.removeprefix(_PREFIX): setting.value
        for setting in wish.settings
        if setting.name.startswith(_PREFIX) and setting.value in {"on", "off"}
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenOffload:
    """A word that is to be said."""

    offload: Offload
    value: str
    """``on`` or ``off``."""
    covers: tuple[str, ...]
    """Names of the settings that come with it."""


def choose_offloads(wish: Wish, known: Sequence[Offload] = OFFLOADS) -> tuple[ChosenOffload, ...]:
    """The words for those features of a wish that have one.

    A word for many features is used only where the wish was made with ethtool's ``tx``, which means the same.
    A feature that follows others comes with the last of these.
    """
    wanted = wished_features(wish)
    chosen: dict[Offload, list[str]] = {}
    for offload in known:
        names = [name for name in wanted if offload.means(name)]
        whole = not offload.feature.endswith("-") or "tx" in find_words(wish, "-K")
        if len({wanted[name] for name in names}) == 1 and whole:
            chosen[offload] = names
    for name, leaders in _FOLLOWERS.items():
        leading = [offload for offload in chosen if offload.feature in leaders and wanted[offload.feature] == "off"]
        if wanted.get(name) == "off" and len(leading) == len(leaders):
            chosen[leading[-1]].append(name)
    return tuple(
        ChosenOffload(offload=offload, value=wanted[names[0]], covers=tuple(_PREFIX + name for name in names))
        for offload, names in chosen.items()
    )
