# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether what somebody has ethtool do would undo what one of our calls sets. Not for finding such lines: the back ends know where they stand."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from nicmedic.persist.calls import Call
from nicmedic.persist.matching import fits_glob

__all__ = ["OFF", "OPTIONS", "contradicts_feature", "contradicts_words", "pair_words", "read_ethtool_words"]

OFF: Final = frozenset({"off", "no"})
_FLAGS: Final = (
    ("rx", "rx-checksumming", "rx-checksum"),
    ("tx", "tx-checksumming", "tx-checksum-*"),
    ("sg", "scatter-gather", "tx-scatter-gather*"),
    ("tso", "tcp-segmentation-offload", "tx-tcp*-segmentation"),
    ("ufo", "udp-fragmentation-offload", "tx-udp-fragmentation"),
    ("gso", "generic-segmentation-offload", "tx-generic-segmentation"),
    ("gro", "generic-receive-offload", "rx-gro"),
    ("lro", "large-receive-offload", "rx-lro"),
    ("rxvlan", "rx-vlan-offload", "rx-vlan-hw-parse"),
    ("txvlan", "tx-vlan-offload", "tx-vlan-hw-insert"),
    ("ntuple", "ntuple-filters", "rx-ntuple-filter"),
    ("rxhash", "receive-hashing", "rx-hashing"),
)
"""ethtool's short and long names, and the kernel's names that they mean (ethtool, common.c ``off_flag_def``; ethtool.c before 5.9)."""
OPTIONS: Final[Mapping[str, str]] = {
    "-s": "link", "--change": "link", "-K": "features", "--features": "features", "--offload": "features", "-G": "ring", "--set-ring": "ring",
    "-C": "coalesce", "--coalesce": "coalesce", "-A": "pause", "--pause": "pause", "--set-eee": "eee",
}  # fmt: skip
"""Options of ethtool, and what family of calls each is."""
_LINK_WORDS: Final = frozenset({"autoneg", "speed", "duplex", "advertise"})
_MEANT: Final = {name: kernel for short, long, kernel in _FLAGS for name in (short, long)}


def pair_words(call: Call) -> Iterator[tuple[str, str]]:
    """What a call says, name by name."""
    return zip(call.words[::2], call.words[1::2], strict=True)


def read_ethtool_words(words: Sequence[str]) -> tuple[str, list[tuple[str, str]]]:
    """A family of calls, with names and values, out of ``-K eth0 tso on`` as network managers have it; without an option ``-s`` is meant."""
    family = "link"
    if words and words[0].startswith("-"):
        family, words = OPTIONS.get(words[0], ""), words[2:]
    return family, list(zip(words[::2], words[1::2], strict=False))


def contradicts_feature(name: str, value: str, call: Call) -> bool:
    """Whether ``ethtool -K`` with this name, of whatever kind, and this value would undo something of a call."""
    meant = [wanted for feature, wanted in pair_words(call) if feature == name or fits_glob(feature, _MEANT.get(name, ""))]
    return any((value in OFF) != (wanted in OFF) for wanted in meant)


def contradicts_words(family: str, said: Sequence[tuple[str, str]], call: Call) -> bool:
    """Whether another call of this family, with these names and values, would undo something of ours."""
    if family != call.family:
        return False
    if family == "features":
        return any(contradicts_feature(name, value, call) for name, value in said)
    wished = dict(pair_words(call))
    if family == "link":  # what one call does not name, ethtool leaves to the driver or offers all modes
        link = {name: value for name, value in said if name in _LINK_WORDS}
        return bool(link) and link != wished
    return any(wished.get(name, value) != value for name, value in said)
