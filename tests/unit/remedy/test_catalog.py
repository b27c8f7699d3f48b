# SPDX-License-Identifier: GPL-2.0-or-later
"""Every remedy is told with commands that are whole, an undo, and its risk; and no word of a log acts in a shell."""

import re
import shlex
from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nicmedic.knowledge.values import Packages
from nicmedic.model.finding import RankedRemedy, RemedyId
from nicmedic.model.names import shell_name
from nicmedic.remedy.catalog import MAKERS, describe_remedy, fitting_remedies, join_cautions
from nicmedic.remedy.recipe import DISRUPTIONS, FLAP, Recipe
from nicmedic.remedy.target import Target
from nicmedic.testing.answers import shipped_knowledge

DISTROS = (None, "Debian", "Debian 7", "Ubuntu", "Proxmox VE", "Raspberry Pi OS", "Fedora 41", "RHEL 7 or a rebuild", "RHEL 9 or a rebuild",
           "SUSE", "Arch Linux", "Home Assistant OS", "OpenWrt", "Gentoo")  # fmt: skip
NICS = (
    ("eth0", "r8169", "0000:02:00.0", "pci"),
    ("eth0", "r8169", None, "pci"),
    ("eth1", "smsc95xx", "1-1.1:1.0", "usb"),
    ("eth1", "lan78xx", None, "usb"),
    ("eth0", "fec", "30be0000.ethernet", "platform"),
    ("ens3", "virtio_net", "virtio0", "virtual"),
    ("eth0", "xen_netfront", None, "virtual"),
    (None, "igb", "0000:01:00.0", "pci"),
    (None, None, None, ""),
)
KERNELS = (None, (3, 2, 73), (5, 4, 0), (6, 12, 1))
TARGETS = [
    Target(interface=interface, driver=driver, bus=bus, bus_hint=hint, distro=distro, kernel=kernel)
    for (interface, driver, bus, hint), distro, kernel in product(NICS, DISTROS, KERNELS)
]
SETTINGS = [RemedyId.LINK_ADVERTISE_100, RemedyId.LINK_FORCE_100, RemedyId.OFFLOAD_OFF, RemedyId.EEE_OFF, RemedyId.ASPM_OFF,
            RemedyId.RUNTIME_PM_OFF, RemedyId.MTU, RemedyId.PAUSE_OFF, RemedyId.RING]  # fmt: skip
PCI = Target(interface="eth0", driver="r8169", bus="0000:02:00.0", bus_hint="pci")


def ranked(remedy: RemedyId, *arguments: str, cautions: tuple[str, ...] = ()) -> RankedRemedy:
    """A remedy as the ranking gives it."""
    return RankedRemedy(
        id=remedy, arguments=arguments, points=1.0, reasons=(), worked=0, failed=0, partial=0, sources=(), cautions=cautions
    )


def prescribe(remedy: RemedyId, *arguments: str, **changes: object) -> Recipe:
    """The recipe for a PCI card, or for what the changes make of it."""
    target = Target(**{**{name: getattr(PCI, name) for name in Target.__dataclass_fields__}, **changes})
    return describe_remedy(ranked(remedy, *arguments), target)


def words(made: Recipe) -> str:
    """Every command, one a line."""
    return "\n".join((*made.look, *made.commands, *made.undo))


def test_every_remedy_has_a_recipe() -> None:
    assert set(MAKERS) == set(RemedyId)


@pytest.mark.parametrize("remedy", RemedyId)
def test_a_recipe_says_what_to_do_and_what_it_costs_on_every_host(remedy: RemedyId) -> None:
    poor = []
    for target in TARGETS:
        made = describe_remedy(ranked(remedy), target)
        if not (made.title and made.caution and made.disruption in DISRUPTIONS and (made.commands or made.steps or made.look)):
            poor.append(target)
    assert poor == []


@pytest.mark.parametrize("remedy", RemedyId)
def test_commands_are_whole_words_for_a_shell_and_have_no_remark(remedy: RemedyId) -> None:
    for target in TARGETS:
        made = describe_remedy(ranked(remedy), target)
        for command in (*made.look, *made.commands, *made.undo):
            assert shlex.split(command), command
            assert not re.search(r"(^|\s)#|\n|\{|None", command.replace("${", "$").replace("$d##", "$d")), command


@pytest.mark.parametrize("remedy", SETTINGS)
def test_what_sets_something_has_an_undo_of_as_many_commands(remedy: RemedyId) -> None:
    for target in TARGETS:
        made = describe_remedy(ranked(remedy), target)
        assert len(made.undo) == len(made.commands) > 0, target
        assert made.undo != made.commands


@pytest.mark.parametrize("remedy", RemedyId)
def test_the_titles_of_two_remedies_differ(remedy: RemedyId) -> None:
    assert [other for other in RemedyId if prescribe(other).title == prescribe(remedy).title] == [remedy]


@example(interface="", driver="", bus="", argument="", remedy=RemedyId.OFFLOAD_OFF)
@given(interface=st.text(), driver=st.text(), bus=st.text(), argument=st.text(), remedy=st.sampled_from(list(RemedyId)))
def test_no_text_of_a_log_stands_in_a_command_unless_it_is_one_plain_word(
    interface: str, driver: str, bus: str, argument: str, remedy: RemedyId
) -> None:
    plain = describe_remedy(ranked(remedy), Target(interface=None, driver=None, bus=None))
    hostile = [name for name in (interface, driver, bus, argument) if shell_name(name.rstrip(":"), "") == ""]
    if len(hostile) == 4:
        made = describe_remedy(ranked(remedy, argument), Target(interface=interface, driver=driver, bus=bus))
        assert words(made) == words(plain)


def test_a_name_that_is_an_option_or_a_second_command_becomes_a_placeholder() -> None:
    for name in ("-x", "eth0;reboot", "$(reboot)", "a b", "`x`", "e\nf", ""):
        assert "ethtool -r IFACE" in prescribe(RemedyId.RENEGOTIATE, interface=name).commands


@pytest.mark.parametrize(
    ("remedy", "arguments", "command", "undo"),
    [
        (RemedyId.LINK_ADVERTISE_100, (), "ethtool -s eth0 autoneg on advertise 0x008", "ethtool -s eth0 autoneg on"),
        (RemedyId.LINK_FORCE_100, (), "ethtool -s eth0 speed 100 duplex full autoneg off", "ethtool -s eth0 autoneg on"),
        (RemedyId.OFFLOAD_OFF, ("tx", "sg"), "ethtool -K eth0 tx off sg off", "ethtool -K eth0 tx on sg on"),
        (RemedyId.EEE_OFF, (), "ethtool --set-eee eth0 eee off", "ethtool --set-eee eth0 eee on"),
        (RemedyId.PAUSE_OFF, (), "ethtool -A eth0 autoneg off rx off tx off", "ethtool -A eth0 autoneg on rx on tx on"),
        (RemedyId.MTU, ("1400",), "ip link set dev eth0 mtu 1400", "ip link set dev eth0 mtu 1500"),
        (RemedyId.MTU, ("99999",), "ip link set dev eth0 mtu 1500", "ip link set dev eth0 mtu FORMER_MTU"),
        (RemedyId.RING, ("512",), "ethtool -G eth0 tx 512", "ethtool -G eth0 tx FORMER_SIZE"),
    ],
)
def test_settings_are_written_as_ethtool_and_ip_spell_them(remedy: RemedyId, arguments: tuple[str, ...], command: str, undo: str) -> None:
    made = prescribe(remedy, *arguments)
    assert (made.commands, made.undo) == ((command,), (undo,))


def test_udp_fragmentation_offload_is_left_out_where_the_kernel_has_none() -> None:
    assert "ufo" not in words(prescribe(RemedyId.OFFLOAD_OFF, "tso", "ufo", kernel=(4, 14, 0)))
    assert "ufo off" in words(prescribe(RemedyId.OFFLOAD_OFF, "tso", "ufo", kernel=(3, 2, 0)))


def test_aspm_is_set_per_device_since_linux_5_5_and_for_the_host_before() -> None:
    new, old, unknown = (prescribe(RemedyId.ASPM_OFF, kernel=kernel) for kernel in ((5, 5, 0), (5, 4, 9), None))
    assert new.commands == ("for f in /sys/bus/pci/devices/0000:02:00.0/link/l*_aspm; do echo 0 > $f; done",)
    assert old.commands == ("echo performance > /sys/module/pcie_aspm/parameters/policy",)
    assert unknown.commands == new.commands
    assert "older than 5.5" in unknown.caution
    assert "older than 5.5" not in new.caution


@pytest.mark.parametrize(
    ("bus", "hint", "path"),
    [
        ("0000:02:00.0", "pci", "/sys/bus/pci/devices/0000:02:00.0"),
        ("0000:02:00.0:", "pci", "/sys/bus/pci/devices/0000:02:00.0"),
        ("1-1.1:1.0", "usb", "/sys/bus/usb/devices/1-1.1"),
        ("30be0000.ethernet", "platform", "/sys/bus/platform/devices/30be0000.ethernet"),
        ("mmc1:0001:1", "sdio", "/sys/bus/sdio/devices/mmc1:0001:1"),
        ("virtio0", "virtual", "/sys/bus/virtio/devices/virtio0"),
        (None, "pci", "/sys/class/net/eth0/device"),
        (None, "usb", "/sys/class/net/eth0/device/.."),
        (None, "", "/sys/class/net/eth0/device"),
    ],
)
def test_the_device_is_found_on_its_own_bus_or_through_its_interface(bus: str | None, hint: str, path: str) -> None:
    made = prescribe(RemedyId.RUNTIME_PM_OFF, bus=bus, bus_hint=hint)
    assert made.commands == (f"echo on > {path}/power/control",)


def test_rebinding_names_the_usb_function_and_not_the_whole_device() -> None:
    made = prescribe(RemedyId.DRIVER_REBIND, driver="r8152", bus="4-1:1.0", bus_hint="usb")
    assert made.commands == ("echo 4-1:1.0 > /sys/bus/usb/drivers/r8152/unbind; sleep 2; echo 4-1:1.0 > /sys/bus/usb/drivers/r8152/bind",)


def test_rebinding_without_an_address_asks_sysfs_before_the_interface_is_gone() -> None:
    command = prescribe(RemedyId.DRIVER_REBIND, bus=None).commands[0]
    assert command.startswith('d=$(readlink -f /sys/class/net/eth0/device); p=$(readlink -f "$d/driver"); echo "${d##*/}" > "$p/unbind";')


@pytest.mark.parametrize(
    ("distro", "command"),
    [
        ("Debian 12", "apt-get update && apt-get install --only-upgrade 'linux-image-*'"),
        ("Ubuntu", "apt-get update && apt-get install --only-upgrade 'linux-image-*'"),
        ("Proxmox VE", "apt-get update && apt-get dist-upgrade"),
        ("Fedora 41", "dnf upgrade 'kernel*'"),
        ("RHEL 9 or a rebuild", "dnf upgrade 'kernel*'"),
        ("RHEL 7 or a rebuild", "yum update 'kernel*'"),
        ("openSUSE Tumbleweed", "zypper update 'kernel-*'"),
        ("Arch Linux", "pacman -Syu"),
        ("Home Assistant OS", "ha os update"),
    ],
)
def test_the_package_manager_is_that_of_the_distribution(distro: str, command: str) -> None:
    assert prescribe(RemedyId.KERNEL_UPGRADE, distro=distro).commands[0] == command


@pytest.mark.parametrize("remedy", RemedyId)
@pytest.mark.parametrize("distro", [None, "Gentoo", "Talos"])
def test_where_the_distribution_is_unknown_no_package_manager_is_named(remedy: RemedyId, distro: str | None) -> None:
    made = prescribe(remedy, distro=distro)
    assert not re.search(r"\b(apt|apt-get|dnf|yum|zypper|pacman|opkg|apk)\b", " ".join((words(made), *made.steps, made.caution)))


def test_an_unknown_distribution_is_sent_to_its_own_package_manager() -> None:
    assert prescribe(RemedyId.KERNEL_UPGRADE).steps == ("Install the newest kernel with your package manager, then reboot.",)


def test_home_assistant_os_never_gets_ethtool_to_change_something() -> None:
    for remedy in SETTINGS:
        made = prescribe(remedy, distro="Home Assistant OS")
        assert [line for line in (*made.commands, *made.undo) if line.startswith("ethtool")] == []


def test_a_boot_parameter_is_taken_back_by_removing_what_was_added() -> None:
    made = prescribe(RemedyId.INTERRUPT_MODE, "irqpoll", distro="Debian 12", kernel=(6, 1, 76))
    assert "irqpoll" in made.commands[0]
    assert made.undo[0] == "rm /etc/default/grub.d/zz-nicmedic.cfg && update-grub"
    assert prescribe(RemedyId.INTERRUPT_MODE, "irqpoll", distro="RHEL 9").undo[0] == "grubby --update-kernel=ALL --remove-args=irqpoll"


def test_the_rescan_that_may_lose_the_card_arms_a_reboot_first() -> None:
    made = prescribe(RemedyId.PCI_RESCAN)
    assert made.commands[0] == "shutdown -r +5"
    assert made.undo == ("shutdown -c",)


@pytest.mark.parametrize(
    ("bus", "hint"), [("1-1.1:1.0", "usb"), ("30be0000.ethernet", "platform"), ("virtio0", "virtual"), (None, "virtual")]
)
def test_pci_remedies_are_left_out_where_there_is_no_pci(bus: str | None, hint: str) -> None:
    kept = {item.id for item in fitting_remedies(map(ranked, RemedyId), Target(interface="eth0", driver="x", bus=bus, bus_hint=hint))}
    assert kept.isdisjoint({RemedyId.PCI_RESET, RemedyId.PCI_RESCAN, RemedyId.ASPM_OFF})
    assert RemedyId.OFFLOAD_OFF in kept


def test_link_modes_are_left_out_where_there_is_no_wire() -> None:
    target = Target(interface="eth0", driver="xen_netfront", bus=None, bus_hint="virtual")
    assert {item.id for item in fitting_remedies(map(ranked, RemedyId), target)}.isdisjoint(
        {RemedyId.LINK_ADVERTISE_100, RemedyId.LINK_FORCE_100, RemedyId.RENEGOTIATE, RemedyId.EEE_OFF}
    )


def test_a_pci_card_keeps_every_remedy_in_its_order() -> None:
    assert [item.id for item in fitting_remedies(map(ranked, RemedyId), PCI)] == list(RemedyId)


def test_what_is_known_of_the_driver_stands_before_the_general_caution_and_nothing_twice() -> None:
    remedy = ranked(RemedyId.EEE_OFF, cautions=("First.", "First.", "Second."))
    made = describe_remedy(remedy, PCI)
    assert join_cautions(remedy, made) == f"First. Second. {made.caution}"


def test_the_disruption_of_a_link_mode_is_told_as_a_link_flap() -> None:
    assert prescribe(RemedyId.LINK_ADVERTISE_100).disruption == FLAP


def packages_of(driver: str) -> Packages:
    """As the shipped knowledge names them."""
    known = shipped_knowledge().find_driver(driver)
    assert known is not None
    return known.packages


def test_the_makers_own_driver_gives_way_to_the_kernels() -> None:
    made = prescribe(RemedyId.VENDOR_DRIVER, driver="r8168", distro="Debian 12", packages=packages_of("r8168"))
    assert made.commands == ("apt-get purge r8168-dkms && update-initramfs -u && reboot",)
    assert made.undo == ("apt-get install r8168-dkms && reboot",)
    other = prescribe(RemedyId.VENDOR_DRIVER, driver="r8126", distro="Gentoo", packages=packages_of("r8126"))
    assert other.commands == ()
    assert "the kernel's own driver r8169" in other.title
    assert "/etc/modprobe.d" in other.steps[0]


def test_the_kernels_own_driver_gives_way_to_the_makers_where_debian_has_it() -> None:
    known = packages_of("r8169")
    made = prescribe(RemedyId.VENDOR_DRIVER, distro="Debian 12", packages=known)
    assert made.commands == ("apt-get install r8168-dkms && reboot",)
    assert made.undo == ("apt-get purge r8168-dkms && update-initramfs -u && reboot",)
    assert "r8125-dkms" in made.steps[0]
    elsewhere = prescribe(RemedyId.VENDOR_DRIVER, distro="Fedora 41", packages=known)
    assert (elsewhere.commands, elsewhere.undo) == ((), ())


@pytest.mark.parametrize("driver", ["r8169", "iwlagn", "brcmfmac_wcc"])
def test_firmware_in_a_file_comes_with_the_package_that_the_knowledge_names(driver: str) -> None:
    known = packages_of(driver)
    made = prescribe(RemedyId.FIRMWARE_UPDATE, driver=driver, distro="Debian 12", packages=known)
    assert made.commands[0] == f"apt-get update && apt-get install {known.firmware}"
    assert known.firmware.startswith("firmware-")
    flashed = prescribe(RemedyId.FIRMWARE_UPDATE, driver="igb", distro="Debian 12", packages=packages_of("igb"))
    assert flashed.commands == ()


@pytest.mark.parametrize(
    ("distro", "command"),
    [
        ("Fedora 41", "dnf upgrade linux-firmware"),
        ("RHEL 7", "yum upgrade linux-firmware"),
        ("Arch Linux", "pacman -Syu linux-firmware"),
        ("openSUSE Leap 15.6", "zypper update 'kernel-firmware*'"),
    ],
)
def test_firmware_in_a_file_is_one_package_elsewhere(distro: str, command: str) -> None:
    made = prescribe(RemedyId.FIRMWARE_UPDATE, distro=distro, packages=packages_of("r8169"))
    assert (made.commands, made.steps) == ((command, "reboot"), ())


def test_where_no_package_manager_is_known_firmware_is_told_in_words() -> None:
    made = prescribe(RemedyId.FIRMWARE_UPDATE, distro="Gentoo", packages=packages_of("r8169"))
    assert made.commands == ()
    assert "package manager" in made.steps[0]
