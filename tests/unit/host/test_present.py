# SPDX-License-Identifier: GPL-2.0-or-later
"""A card is found by its device, whatever its interface is called now."""

from pathlib import Path

from nicmedic.host.present import find_interface
from nicmedic.host.sysfs import Folder
from nicmedic.host.uppers import find_above
from nicmedic.model.nic import Bus
from nicmedic.model.plan import Identity

PATH = "/sys/devices/pci0000:00/0000:00:03.0"
CARD = Identity(interface="eth0", bus=Bus.PCI, bus_address="0000:00:03.0", sysfs_path=PATH, permanent_address="02:00:00:00:00:01")


def add(root: Path, name: str, device: str = "", **files: str) -> Path:
    """An interface, of a device or of none."""
    folder = root / "sys/class/net" / name
    folder.mkdir(parents=True)
    for file, text in {"ifindex": "7", **files}.items():
        (folder / file).write_text(f"{text}\n")
    if device:
        (root / device.strip("/")).mkdir(parents=True, exist_ok=True)
        (folder / "device").symlink_to(root / device.strip("/"))
    return folder


def test_a_card_that_was_renamed_is_found_and_another_of_its_name_is_not_taken(tmp_path: Path) -> None:
    add(tmp_path, "lan0", PATH)
    add(tmp_path, "eth0", "/sys/devices/pci0000:00/0000:00:04.0")
    assert find_interface(CARD, Folder(str(tmp_path))) == "lan0"


def test_a_card_on_another_path_is_found_by_its_bus_address_or_its_own_hardware_address(tmp_path: Path) -> None:
    add(tmp_path, "a", "/sys/devices/pci0000:00/0000:00:1c.0/0000:00:03.0")
    assert find_interface(CARD, Folder(str(tmp_path))) == "a"
    other = tmp_path / "other"
    add(other, "set-by-hand", "/sys/devices/x", address="02:00:00:00:00:01", addr_assign_type="3")
    add(other, "b", "/sys/devices/usb1/1-1:1.0", address="02:00:00:00:00:01", addr_assign_type="0")
    assert find_interface(CARD, Folder(str(other))) == "b"


def test_a_virtio_card_is_found_after_its_function_got_another_number(tmp_path: Path) -> None:
    add(tmp_path, "other", "/sys/devices/pci0000:00/0000:00:04.0/virtio1")
    add(tmp_path, "ens3", f"{PATH}/virtio4")
    card = Identity(interface="eth0", bus=Bus.VIRTIO, bus_address="virtio1", sysfs_path=f"{PATH}/virtio1")
    assert find_interface(card, Folder(str(tmp_path))) == "ens3"


def test_of_two_ports_the_right_one_is_found(tmp_path: Path) -> None:
    add(tmp_path, "p0", PATH, dev_port="0", address="02:00:00:00:00:01")
    add(tmp_path, "p1", PATH, dev_port="1", address="02:00:00:00:00:02")
    root = Folder(str(tmp_path))
    assert find_interface(Identity(interface="x", sysfs_path=PATH, dev_port=1), root) == "p1"
    assert find_interface(CARD, root) == "p0"
    assert find_interface(Identity(interface="p1", sysfs_path=PATH), root) == "p1"
    assert find_interface(Identity(interface="x", sysfs_path=PATH), root) is None


def test_a_device_that_lists_its_only_interface_is_asked_alone(tmp_path: Path) -> None:
    add(tmp_path, "lan0", PATH, dev_port="0")
    root = Folder(str(tmp_path))
    own = tmp_path / PATH.strip("/") / "net"
    (own / "lan0").mkdir(parents=True)
    add(tmp_path, "other", f"{PATH}/elsewhere", address="02:00:00:00:00:01", addr_assign_type="0")
    assert find_interface(CARD, root) == "lan0"
    assert find_interface(Identity(interface="x", sysfs_path=PATH, dev_port=0), root) == "lan0"
    assert find_interface(Identity(interface="x", sysfs_path=PATH, dev_port=1), root) is None
    (own / "lan0").rename(own / "gone")
    assert find_interface(CARD, root) == "lan0", "a folder that is behind is not believed"


def test_a_card_that_is_gone_is_not_found(tmp_path: Path) -> None:
    add(tmp_path, "eth0")
    assert find_interface(CARD, Folder(str(tmp_path))) is None
    assert find_interface(Identity(interface="eth0"), Folder(str(tmp_path))) == "eth0"
    assert find_interface(Identity(interface="eth1"), Folder(str(tmp_path))) is None


def test_all_that_stands_on_a_card_is_found_nearest_first_also_in_a_circle(tmp_path: Path) -> None:
    (add(tmp_path, "eth0") / "upper_bond0").mkdir()
    (add(tmp_path, "bond0") / "upper_bond0.5").mkdir()
    (add(tmp_path, "bond0.5") / "upper_br0").mkdir()
    (add(tmp_path, "br0") / "upper_eth0").mkdir()
    assert find_above("eth0", Folder(str(tmp_path)).folder("sys/class/net")) == ("bond0", "bond0.5", "br0")
