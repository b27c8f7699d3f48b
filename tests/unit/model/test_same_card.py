# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether two descriptions are of one card."""

import pytest

from nicmedic.model.nic import Bus
from nicmedic.model.plan import Identity
from nicmedic.model.same_card import is_same_card

PCI = "/sys/devices/pci0000:00/0000:00:03.0"


def card(path: str | None, **more: object) -> Identity:
    return Identity(interface="eth0", bus=Bus.VIRTIO, sysfs_path=path, **more)  # type: ignore[arg-type]  # names are fields


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (card(f"{PCI}/virtio0"), card(f"{PCI}/virtio3"), True),
        (card(f"{PCI}/virtio0"), card("/sys/devices/pci0000:00/0000:00:04.0/virtio0"), False),
        (card(PCI, dev_port=0), card(PCI, dev_port=1), False),
        (card(None, bus_address="virtio0"), card(PCI, bus_address="virtio0"), True),
        (card(None), card(None), True),
    ],
)
def test_a_card_is_known_by_its_place_not_by_what_counts_bindings(one: Identity, other: Identity, same: bool) -> None:
    assert is_same_card(one, other) is same
