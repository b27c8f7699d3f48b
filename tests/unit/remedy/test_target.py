# SPDX-License-Identifier: GPL-2.0-or-later
"""What a log says of the NIC and its host, as far as commands need it."""

import pytest

from nicmedic.knowledge.values import Packages
from nicmedic.remedy.target import BusKind, Family, Target, build_names, build_target, find_bus_kind, find_family
from nicmedic.testing.answers import explain_sample, shipped_knowledge


@pytest.mark.parametrize(
    ("bus", "hint", "kind"),
    [
        ("0000:02:00.0", "", BusKind.PCI),
        ("0017:01:00.0", "", BusKind.PCI),
        ("10000:e1:00.0", "", BusKind.PCI),
        ("02:00.0", "", BusKind.PCI),
        ("2-1", "", BusKind.USB),
        ("1-1.1:1.0", "", BusKind.USB),
        ("2188000.ethernet", "", BusKind.PLATFORM),
        ("ag71xx.0", "", BusKind.PLATFORM),
        ("spi0.0", "", BusKind.SPI),
        ("vif-0", "", BusKind.XEN),
        ("vmbus_0_1", "", BusKind.VMBUS),
        (None, "usb", BusKind.USB),
        (None, "virtual", BusKind.UNKNOWN),
        ("what is this", "", BusKind.UNKNOWN),
        ("0000:02:00.0", "usb", BusKind.PCI),
    ],
)
def test_the_bus_is_read_off_the_address_and_else_taken_from_the_driver(bus: str | None, hint: str, kind: BusKind) -> None:
    assert find_bus_kind(bus, hint) is kind


@pytest.mark.parametrize(
    ("distro", "family"),
    [
        ("Debian 12 backports", Family.DEBIAN),
        ("Amazon Linux 2", Family.YUM),
        ("Amazon Linux 2023", Family.DNF),
        ("Oracle Linux 8 (UEK)", Family.DNF),
        ("openSUSE Tumbleweed", Family.SUSE),
        ("Amazon", Family.UNKNOWN),
        ("Alpine", Family.UNKNOWN),
        (None, Family.UNKNOWN),
    ],
)
def test_distributions_belong_to_families_and_a_doubtful_one_to_none(distro: str | None, family: Family) -> None:
    assert find_family(distro) is family


def test_the_target_is_the_nic_in_the_boot_that_shows_it_best() -> None:
    explanation = explain_sample("debian-12-r8169")
    target = build_target(explanation.findings[0], explanation.boots, shipped_knowledge())
    assert target == Target(
        interface="eth0",
        driver="r8169",
        bus="0000:02:00.0",
        kernel=(6, 1, 76),
        distro="Debian",
        bus_hint="pci",
        packages=Packages(firmware="firmware-realtek", vendor_driver="r8168-dkms", vendor_note=target.packages.vendor_note),
    )


def test_a_finding_without_a_boot_has_a_target_that_knows_less() -> None:
    explanation = explain_sample("debian-12-r8169")
    target = build_target(explanation.findings[0], (), shipped_knowledge())
    assert (target.kernel, target.distro, target.virtualization) == (None, None, None)


def test_names_that_are_unknown_are_placeholders_in_capitals() -> None:
    names = build_names(Target(interface=None, driver=None, bus=None), ())
    assert (names.interface, names.driver, names.bus) == ("IFACE", "DRIVER", None)
    assert names.device == "/sys/class/net/IFACE/device"
