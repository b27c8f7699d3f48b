# SPDX-License-Identifier: GPL-2.0-or-later
"""What a host tells of itself, from a copy of its files."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from nicmedic.host.machine import HostMachine
from nicmedic.host.sysfs import Folder
from nicmedic.host.system import read_aspm, read_distro, read_kernel, read_machine, read_uptime, select_words
from nicmedic.host.virtualization import read_virtualization
from nicmedic.host.ways_in import read_ways_in
from nicmedic.model.nic import Bus, Nic
from nicmedic.model.note import Lack
from nicmedic.model.stack import Address, Route

DMI = "sys/class/dmi/id"


def copy_of(folder: Path, files: Mapping[str, str | bytes]) -> Folder:
    """A copy of a host with these files; a name that ends in a slash is an empty folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir(exist_ok=True)
        elif isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(f"{content}\n")
    return Folder(str(folder))


def test_debian_tells_its_package_in_proc_version(tmp_path: Path) -> None:
    banner = (
        "Linux version 6.1.0-18-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14) 12.2.0) #1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1"
        " (2024-02-01)"
    )
    assert read_kernel(copy_of(tmp_path, {"proc/version": banner})) == {
        "kernel_release": "6.1.0-18-amd64",
        "kernel_version": "#1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01)",
        "kernel_package": "6.1.76-1",
    }


def test_without_proc_nothing_is_known_and_a_note_says_so(tmp_path: Path) -> None:
    root = copy_of(tmp_path, {})
    assert set(read_kernel(root).values()) == {None}
    assert read_uptime(root) is None
    assert [note.what for note in root.notes] == ["kernel_release", "uptime_s"]
    assert (read_machine(root), read_virtualization(root), read_aspm(root, {})) == (None, None, None)


def test_words_of_the_command_line() -> None:
    line = 'BOOT_IMAGE=/vmlinuz ro console=tty0 console=ttyS0,115200 pcie_aspm=off r8169.use_dac=1 dyndbg="file x +p" e1000e.x=1 intel-iommu=on'
    assert select_words(line, frozenset({"r8169"})) == {
        "console": "ttyS0,115200",
        "pcie_aspm": "off",
        "r8169.use_dac": "1",
        "intel_iommu": "on",
    }


def test_os_release_in_its_two_places_and_with_bad_quotes(tmp_path: Path) -> None:
    root = copy_of(tmp_path, {"usr/lib/os-release": 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian\n# x'})
    assert read_distro(root) == {"distro": "Debian", "distro_id": "debian", "distro_version": "12"}
    copy_of(tmp_path, {"etc/os-release": "ID=alpine\nPRETTY_NAME='Alpine \"x\"'"})
    assert read_distro(root) == {"distro": 'Alpine "x"', "distro_id": "alpine", "distro_version": None}


def test_machine_by_dmi_or_device_tree(tmp_path: Path) -> None:
    root = copy_of(tmp_path, {"proc/device-tree/model": b"Raspberry Pi 4 Model B\0"})
    machine = read_machine(root)
    assert machine is not None
    assert machine.product == "Raspberry Pi 4 Model B"
    machine = read_machine(
        copy_of(
            tmp_path,
            {f"{DMI}/sys_vendor": "ASUS", f"{DMI}/board_vendor": "ASUS", f"{DMI}/board_name": "H97", f"{DMI}/bios_date": "03/14/2014"},
        )
    )
    assert machine is not None
    assert (machine.vendor, machine.board, machine.bios_date, machine.product) == ("ASUS", "ASUS H97", "03/14/2014", None)


CLOCKS = "sys/devices/system/clocksource/clocksource0/available_clocksource"


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"proc/xen/capabilities": "control_d"}, "xen-dom0"),
        ({"proc/xen/capabilities": "", "sys/hypervisor/type": "xen"}, "xen-domU"),
        ({"proc/xen/privcmd": ""}, "xen-domU"),
        ({"sys/hypervisor/type": "xen", "sys/hypervisor/properties/features": "00002705"}, "xen-domU"),
        ({"sys/hypervisor/type": "xen", "sys/hypervisor/properties/features": "00000f05"}, "xen-dom0"),
        ({CLOCKS: "kvm-clock tsc", f"{DMI}/sys_vendor": "QEMU"}, "kvm-guest"),
        ({CLOCKS: "hyperv_clocksource_tsc_page acpi_pm"}, "hyperv-guest"),
        ({f"{DMI}/sys_vendor": "QEMU"}, "qemu-guest"),
        ({f"{DMI}/sys_vendor": "VMware, Inc.", f"{DMI}/product_name": "VMware7,1"}, "vmware-guest"),
        ({f"{DMI}/sys_vendor": "innotek GmbH", f"{DMI}/product_name": "VirtualBox"}, "virtualbox-guest"),
        ({f"{DMI}/sys_vendor": "Microsoft Corporation", f"{DMI}/product_name": "Virtual Machine"}, "hyperv-guest"),
        ({f"{DMI}/sys_vendor": "Microsoft Corporation", f"{DMI}/product_name": "Surface", "proc/cpuinfo": "flags : fpu"}, "none"),
        ({f"{DMI}/sys_vendor": "Amazon EC2", f"{DMI}/product_name": "m5.large"}, "kvm-guest"),
        ({f"{DMI}/sys_vendor": "Amazon EC2", f"{DMI}/product_name": "m5.metal", "proc/cpuinfo": "flags : fpu"}, "none"),
        ({f"{DMI}/sys_vendor": "Parallels"}, "other-guest"),
        ({"proc/device-tree/hypervisor/compatible": b"linux,kvm\0"}, "kvm-guest"),
        ({"proc/device-tree/hypervisor/compatible": b"xen,xen-4.17\0xen,xen\0"}, "xen-domU"),
        ({"proc/cpuinfo": "processor : 0\nflags\t\t: fpu hypervisor lahf_lm"}, "other-guest"),
        ({"proc/cpuinfo": "processor : 0\nflags\t\t: fpu vme"}, "none"),
    ],
)
def test_virtualization(tmp_path: Path, files: Mapping[str, str | bytes], kind: str) -> None:
    found = read_virtualization(copy_of(tmp_path, files))
    assert found is not None
    assert found.kind == kind
    assert found.found_by


def fadt(flags: int) -> bytes:
    """An ACPI table with these boot architecture flags."""
    return b"FACP".ljust(109, b"\0") + flags.to_bytes(2, "little")


@pytest.mark.parametrize(
    ("files", "words", "owner"),
    [
        ({"sys/bus/pci/devices/0000:02:00.0/link/l1_aspm": "1"}, {}, "os"),
        ({"sys/bus/pci/devices/0000:02:00.0/link/clkpm": "1"}, {}, None),
        ({"sys/bus/pci/devices/": ""}, {"pcie_aspm": "off"}, "firmware"),
        ({"sys/bus/pci/devices/": "", "sys/firmware/acpi/tables/FACP": fadt(0x10)}, {}, "firmware"),
        ({"sys/bus/pci/devices/": "", "sys/firmware/acpi/tables/FACP": fadt(0x03), "sys/module/pcie_aspm/": ""}, {}, None),
        ({"sys/bus/pci/devices/": "", "sys/module/": ""}, {}, "firmware"),
    ],
)
def test_who_owns_aspm(tmp_path: Path, files: Mapping[str, str | bytes], words: Mapping[str, str], owner: str | None) -> None:
    found = read_aspm(
        copy_of(
            tmp_path, {**files, "sys/module/pcie_aspm/parameters/policy": "default [performance] powersave"} if owner == "os" else files
        ),
        words,
    )
    assert found is not None
    assert found.owner == owner
    assert found.policy == ("performance" if owner == "os" else None)
    assert (found.found_by is None) is (owner is None)


def test_ways_in_are_nics_with_a_route_a_bmc_and_serial_lines(tmp_path: Path) -> None:
    root = copy_of(
        tmp_path,
        {
            "dev/ipmi0": "",
            "sys/firmware/dmi/entries/38-0/": "",
            "sys/firmware/dmi/entries/3-0/": "",
            "proc/cmdline": "console=tty0 console=ttyS1,115200n8 console=hvc0",
            "proc/41/comm": "agetty",
            "proc/41/cmdline": b"/sbin/agetty\0-o\0-p -- \\u\0--keep-baud\0ttyS1\0vt220\0",
            "proc/42/comm": "agetty",
            "proc/42/cmdline": b"/sbin/agetty\0tty1\0linux\0",
            "proc/43/comm": "sshd",
        },
    )
    address = Address(family="inet", address="192.0.2.1", prefix_length=24)
    nics = [
        Nic(interface="eth0", carrier=True, addresses=(address,)),
        Nic(interface="eth1", carrier=False, addresses=(address,)),
        Nic(interface="eth2", carrier=True, addresses=(address,)),
        Nic(interface="eth3", carrier=True, addresses=()),
    ]
    routes = [
        Route(family="inet", destination="default", interface="eth0"),
        Route(family="inet", destination="10.0.0.0/8", interface="eth3"),
    ]
    found = read_ways_in(root, nics, [], routes)
    assert found.interfaces == ("eth0",)
    assert found.bmc == ("/dev/ipmi0", "/sys/firmware/dmi/entries/38-0")
    assert [(one.device, one.console, one.login) for one in found.serial] == [("ttyS1", True, True), ("hvc0", True, False)]


def test_a_copy_without_processes_leaves_logins_open(tmp_path: Path) -> None:
    found = read_ways_in(copy_of(tmp_path, {"proc/cmdline": "console=ttyS0"}), [], [], [])
    assert [one.login for one in found.serial] == [None]


def card(folder: Path, name: str, index: int) -> None:
    """A USB card, as sysfs has it."""
    device = f"sys/devices/pci0000:00/0000:00:14.0/usb2/2-1/2-1:{index}.0"
    files = {
        f"{device}/net/{name}/ifindex": str(index),
        f"{device}/net/{name}/mtu": "1500",
        f"{device}/net/{name}/flags": "0x1003",
        f"{device}/net/{name}/operstate": "up",
        f"{device}/net/{name}/carrier": "1",
        f"{device}/net/{name}/threaded": "0",
        f"{device}/net/{name}/statistics/tx_packets": "5",
        f"{device}/net/{name}/queues/tx-0/traffic_class": "",
        f"{device}/net/{name}/queues/tx-0/byte_queue_limits/inflight": "196",
        f"{device}/modalias": "usb:v0BDA",
        f"{device}/../idVendor": "0bda",
        f"{device}/../idProduct": "8153",
        f"{device}/../speed": "5000",
        f"{device}/../power/control": "auto",
        f"{device}/power/control": "on",
        f"proc/sys/net/ipv6/conf/{name}/accept_ra": "0",
        f"proc/sys/net/ipv6/conf/{name}/mtu": "1500",
        "proc/sys/net/ipv6/conf/default/accept_ra": "1",
        "sys/bus/usb/drivers/r8152/": "",
        "sys/class/net/bonding_masters": "",
    }
    (folder / device).mkdir(parents=True, exist_ok=True)
    copy_of(folder, files)
    (folder / device / "subsystem").symlink_to("../" * 6 + "bus/usb")
    (folder / device / "driver").symlink_to("../" * 6 + "bus/usb/drivers/r8152")
    (folder / device / f"net/{name}/device").symlink_to("../..")
    (folder / "sys/class/net").mkdir(parents=True, exist_ok=True)
    (folder / f"sys/class/net/{name}").symlink_to(f"../../../{device}/net/{name}")


def test_a_copy_of_a_host_is_read_from_its_files_alone(tmp_path: Path) -> None:
    for index, name in ((5, "enx1"), (2, 'usb"x;y\udcff')):
        card(tmp_path, name, index)
    copy_of(
        tmp_path,
        {"etc/hostname": "srv4", "proc/cmdline": "r8152.x=1", "sys/devices/system/cpu/online": "0-3,6", "sys/class/net/lo/ifindex": "1"},
    )
    machine = HostMachine(str(tmp_path))
    host = machine.read_host()
    assert [nic.interface for nic in host.nics] == ['usb"x;y\udcff', "enx1"]
    nic = host.nics[1]
    assert (nic.bus, nic.driver, nic.bus_address, nic.ifindex, nic.mtu, nic.carrier) == (Bus.USB, "r8152", "2-1:5.0", 5, 1500, True)
    assert nic.usb is not None
    assert (nic.usb.vendor, nic.usb.product, nic.usb.speed_mbps) == ("0bda", "8153", 5000.0)
    assert nic.power is not None
    assert nic.power.control == "auto", "that of the whole USB device"
    assert nic.pcie is None
    assert nic.flags == ("BROADCAST", "MULTICAST", "UP")
    assert (nic.statistics, nic.sysctls, nic.threaded_napi) == ({"tx_packets": 5}, {"ipv6.conf.accept_ra": "0"}, False)
    assert nic.tx_queues is not None
    assert nic.tx_queues[0].bql is not None
    assert nic.tx_queues[0].bql.inflight == 196
    assert (nic.addresses, nic.link, nic.qdiscs, nic.uppers, nic.carries_default_route) == (None,) * 5
    assert (Lack.ABSENT, "tx_queues.tx_timeout") in {(note.why, note.what) for note in nic.notes}
    assert (host.hostname, host.cpus_online, host.is_root, host.command_line_words) == ("srv4", 5, None, {"r8152.x": "1"})
    assert [link.interface for link in host.links] == ["lo"]
    assert "netlink" in {note.what for note in host.notes}
    first, gone = machine.read_counters(["enx1", "eth9"])
    assert (first.tx_packets, first.queues[0].inflight, first.queues[0].packets, first.carrier) == (5, 196, None, True)
    assert (gone.ifindex, gone.queues, gone.tx_packets) == (None, (), None)


def test_nothing_at_all_is_a_host_too(tmp_path: Path) -> None:
    host = HostMachine(str(tmp_path)).read_host()
    assert host.nics == ()
    assert {note.what for note in host.notes} >= {"nics", "netlink", "kernel_release"}
