# SPDX-License-Identifier: GPL-2.0-or-later
"""Configuration space of a PCI function."""

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nicmedic.host.pci import parse_config_space, read_pcie
from nicmedic.host.sysfs import Folder
from nicmedic.model.note import Lack


def config_space(*, command: int = 0x0507, link_control: int = 0x0142, l1ss: int = 0x05, port_type: int = 0, size: int = 4096) -> bytes:
    """An endpoint with power management, MSI-X, PCI Express and L1 PM substates."""
    data = bytearray(4096)
    struct.pack_into("<HHHH", data, 0, 0x10EC, 0x8168, command, 0x0010)
    data[0x34] = 0x40
    data[0x40:0x42] = bytes([0x01, 0x70])
    data[0x70:0x74] = bytes([0x10, 0xB0, 0x02 | port_type << 4, 0x00])
    struct.pack_into("<IHH", data, 0x70 + 12, 0x00477C11, link_control, 0x1011)
    data[0xB0:0xB2] = bytes([0x11, 0x00])
    struct.pack_into("<I", data, 0x100, 0x14010001 & 0xFFFFF | 0x150 << 20)
    struct.pack_into("<III", data, 0x150, 0x0001001E, 0x1F, l1ss)
    return bytes(data[:size])


def test_registers_are_found_over_both_lists_of_capabilities() -> None:
    registers = parse_config_space(config_space())
    assert registers.command == 0x0507
    assert registers.link_control == 0x0142
    assert registers.link_capabilities == 0x00477C11
    assert registers.l1ss_capabilities == 0x1F
    assert registers.l1ss_control == 0x05


@pytest.mark.parametrize(
    ("size", "control", "l1ss"), [(4096, 0x0142, 5), (256, 0x0142, None), (64, None, None), (2, None, None), (0, None, None)]
)
def test_less_bytes_tell_less(size: int, control: int | None, l1ss: int | None) -> None:
    registers = parse_config_space(config_space(size=size))
    assert (registers.link_control, registers.l1ss_control) == (control, l1ss)
    assert registers.command == (0x0507 if size >= 64 else None)


@pytest.mark.parametrize("port_type", [9, 10])
def test_what_sits_in_the_root_complex_has_no_link(port_type: int) -> None:
    """None is what lspci prints too; QEMU's vmxnet3 on a root bus has such registers all the same."""
    assert parse_config_space(config_space(port_type=port_type)).link_control is None


@given(st.binary(max_size=600))
def test_any_bytes_are_read_without_an_error(data: bytes) -> None:
    parse_config_space(data)


@given(st.lists(st.tuples(st.integers(0, 4095), st.integers(0, 255)), max_size=40))
def test_lists_of_capabilities_that_bite_their_tail_end(changes: list[tuple[int, int]]) -> None:
    data = bytearray(config_space())
    for at, value in changes:
        data[at] = value
    parse_config_space(bytes(data))


def test_a_device_that_fell_off_its_bus_says_all_ones() -> None:
    assert parse_config_space(b"\xff" * 4096).command == 0xFFFF


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A card below a root port, as sysfs has them."""
    port = tmp_path / "sys/devices/pci0000:00/0000:00:1c.0"
    card = port / "0000:02:00.0"
    (card / "link").mkdir(parents=True)
    (port / "config").write_bytes(config_space(link_control=0x0043))
    (card / "config").write_bytes(config_space())
    files = {
        "vendor": "0x10ec",
        "device": "0x8168",
        "subsystem_vendor": "0x1043",
        "subsystem_device": "0x8677",
        "revision": "0x15",
        "class": "0x020000",
        "current_link_speed": "2.5 GT/s PCIe",
        "max_link_speed": "8.0 GT/s PCIe",
        "current_link_width": "1",
        "max_link_width": "255",
        "power_state": "D0",
        "reset_method": "flr bus",
        "enable": "1",
        "numa_node": "-1",
        "sriov_numvfs": "0",
        "link/l1_aspm": "1",
        "link/clkpm": "0",
        "aer_dev_correctable": "RxErr 3\nBadTLP 0\nTOTAL_ERR_COR 3\nodd",
        "aer_dev_nonfatal": "Undefined 0",
        "aer_dev_fatal": "TLP 1",
    }
    for name, text in files.items():
        (card / name).write_text(f"{text}\n")
    group = tmp_path / "sys/kernel/iommu_groups/7"
    group.mkdir(parents=True)
    (card / "iommu_group").symlink_to("../../../../kernel/iommu_groups/7")
    return tmp_path


def test_a_card_and_the_port_above_it_are_read(copy: Path) -> None:
    pcie = read_pcie(Folder(str(copy)), "/sys/devices/pci0000:00/0000:00:1c.0/0000:02:00.0")
    device, upstream = pcie.device, pcie.upstream
    assert upstream is not None
    assert (device.address, upstream.address) == ("0000:02:00.0", "0000:00:1c.0")
    assert (device.vendor, device.device, device.subsystem_device, device.revision, device.class_code) == (
        "10ec",
        "8168",
        "8677",
        "15",
        "020000",
    )
    assert device.bus_master is True
    assert (device.aspm_supported, device.aspm_enabled, upstream.aspm_enabled) == (("L0s", "L1"), ("L1",), ("L0s", "L1"))
    assert device.l1ss_enabled == ("PCI-PM_L1.2", "ASPM_L1.2")
    assert device.clock_pm is True
    assert (device.speed_gts, device.speed_max_gts, device.width, device.width_max) == (2.5, 8.0, 1, None)
    assert device.aer is not None
    assert (device.aer.correctable, device.aer.nonfatal, device.aer.fatal) == ({"RxErr": 3, "TOTAL_ERR_COR": 3}, {}, {"TLP": 1})
    assert upstream.aer is None
    assert pcie.link_files == {"clkpm": False, "l1_aspm": True}
    assert (pcie.reset_methods, pcie.enabled, pcie.numa_node, pcie.iommu_group) == (("flr", "bus"), True, None, 7)


def test_an_ordinary_user_gets_64_bytes_and_a_note(copy: Path) -> None:
    folder = Folder(str(copy))
    path = copy / "sys/devices/pci0000:00/0000:00:1c.0/0000:02:00.0/config"
    path.write_bytes(config_space(size=64))
    pcie = read_pcie(folder, "/sys/devices/pci0000:00/0000:00:1c.0/0000:02:00.0")
    assert pcie.device.bus_master is True
    assert pcie.device.aspm_enabled is None
    (note,) = folder.notes
    assert (note.what, note.why, note.root_would_help) == ("pcie.device.aspm_enabled", Lack.REFUSED, True)
