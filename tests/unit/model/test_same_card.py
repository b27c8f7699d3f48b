# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether two descriptions are of one card."""

import pytest

from nicmedic.model.nic import Bus, Nic, UsbIds
from nicmedic.model.pcie import Pcie, PciFunction
from nicmedic.model.plan import Identity
from nicmedic.model.same_card import find_card, find_other, is_same_card, is_same_kind

ADDRESS = "52:54:00:00:00:aa"
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
        (card(PCI, permanent_address=ADDRESS), card(PCI, permanent_address=ADDRESS.upper()), True),
        (card(PCI, permanent_address=ADDRESS), card(PCI), True),
        (card(PCI, permanent_address=ADDRESS), card(PCI, permanent_address="52:54:00:00:00:02"), False),
    ],
)
def test_a_card_is_known_by_its_place_not_by_what_counts_bindings(one: Identity, other: Identity, same: bool) -> None:
    assert is_same_card(one, other) is same


def test_a_twin_in_its_place_is_another_card() -> None:
    mine = card(PCI, permanent_address=ADDRESS)
    twin = Nic(interface="eth0", bus=Bus.VIRTIO, sysfs_path=PCI, permanent_address="52:54:00:00:00:02")
    moved = Nic(interface="eth1", bus=Bus.VIRTIO, sysfs_path=f"{PCI}/other", permanent_address=ADDRESS)
    assert find_card((twin, moved), mine) is None
    assert find_other((moved, twin), mine) == twin
    assert find_other((moved,), mine) is None


def made_by(vendor: str | None, device: str | None, driver: str = "r8169") -> Nic:
    return Nic(interface="eth0", driver=driver, pcie=Pcie(device=PciFunction(address="0000:02:00.0", vendor=vendor, device=device)))


@pytest.mark.parametrize(
    ("card", "nic", "same"),
    [
        (Identity(interface="a", driver="r8169", chip="10ec:8168"), made_by("10ec", "8168"), True),
        (Identity(interface="a", driver="r8169", chip="10ec:8125"), made_by("10ec", "8168"), False),
        (Identity(interface="a", driver="r8168", chip="10ec:8168"), made_by("10ec", "8168"), False),
        (Identity(interface="a", driver="r8169"), made_by("10ec", "8168"), True),
        (Identity(interface="a", driver="r8169", chip="10ec:8168"), made_by(None, None), True),
        (
            Identity(interface="a", driver="r8152", chip="0bda:8153"),
            Nic(interface="b", driver="r8152", usb=UsbIds(vendor="0bda", product="8153")),
            True,
        ),
    ],
)
def test_what_helped_one_chip_counts_for_its_like(card: Identity, nic: Nic, same: bool) -> None:
    assert is_same_kind(card, nic) is same
