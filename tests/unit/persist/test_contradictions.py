# SPDX-License-Identifier: GPL-2.0-or-later
"""What somebody has ethtool do is known for what it undoes, by whatever name."""

import pytest

from nicmedic.persist.calls import Call
from nicmedic.persist.contradictions import contradicts_feature


def features(*words: str) -> Call:
    return Call(family="features", settings=(), words=words, argv=())


@pytest.mark.parametrize(
    ("short", "long", "kernel"),
    [
        ("rx", "rx-checksumming", "rx-checksum"),
        ("tx", "tx-checksumming", "tx-checksum-ipv4"),
        ("sg", "scatter-gather", "tx-scatter-gather"),
        ("tso", "tcp-segmentation-offload", "tx-tcp6-segmentation"),
        ("ufo", "udp-fragmentation-offload", "tx-udp-fragmentation"),
        ("gso", "generic-segmentation-offload", "tx-generic-segmentation"),
        ("gro", "generic-receive-offload", "rx-gro"),
        ("lro", "large-receive-offload", "rx-lro"),
        ("rxvlan", "rx-vlan-offload", "rx-vlan-hw-parse"),
        ("txvlan", "tx-vlan-offload", "tx-vlan-hw-insert"),
        ("ntuple", "ntuple-filters", "rx-ntuple-filter"),
        ("rxhash", "receive-hashing", "rx-hashing"),
    ],
)
def test_a_feature_is_known_by_each_of_its_names(short: str, long: str, kernel: str) -> None:
    call = features("x", "on", kernel, "off")
    for name in (short, long, kernel):
        assert contradicts_feature(name, "on", call), name
        assert not contradicts_feature(name, "off", call), name


def test_names_that_only_begin_alike_mean_something_else() -> None:
    assert not contradicts_feature("gro", "on", features("rx-gro-hw", "off"))
    assert not contradicts_feature("tso", "on", features("tx-tcp-segmentation-x", "off"))
    assert not contradicts_feature("", "on", features("rx-gro", "off"))
