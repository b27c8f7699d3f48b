# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules of udev for the device of a card. What the real udev makes of them is in tests/host/test_kept_udev.py."""

import dataclasses

import pytest

from nicmedic.model.finding import RemedyId
from nicmedic.model.keeping import FileEdit, NoPlace, Placement, Wish
from nicmedic.model.nic import Bus
from nicmedic.model.plan import Identity, Setting
from nicmedic.model.step import INTERFACE, Write
from nicmedic.persist.back_ends.udev import BACK_END
from nicmedic.persist.udev_keys import match_device, match_interface
from tests.unit.persist.back_ends.hosts import MTU, ask, place_on

OWN = "/etc/udev/rules.d/71-nicmedic-3.rules"
SLOT = "/sys/bus/pci/devices/0000:02:00.0"
CARD = Identity(
    interface="lan0",
    bus=Bus.PCI,
    bus_address="0000:02:00.0",
    sysfs_path="/sys/devices/pci0000:00/0000:00:1c.0/0000:02:00.0",
    chip="10ec:8168",
)
STICK = Identity(
    interface="lan0",
    bus=Bus.USB,
    bus_address="1-1.2:1.0",
    sysfs_path="/sys/devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1.2/1-1.2:1.0",
    chip="0BDA:8153",
)
BOARD = Identity(
    interface="eth0", bus=Bus.PLATFORM, bus_address="fd580000.ethernet", sysfs_path="/sys/devices/platform/scb/fd580000.ethernet"
)


def wish_files(folder: str = SLOT, **values: str) -> Wish:
    """Files below the device's folder, with ``__`` for a slash."""
    files = {name.replace("__", "/"): value for name, value in values.items()}
    names = {file: "power.control" if file == "power/control" else f"pcie.link_files.{file.removeprefix('link/')}" for file in files}
    return Wish(
        remedy=RemedyId.ASPM_OFF,
        settings=tuple(Setting(name=names[file], value=value) for file, value in files.items()),
        steps=tuple(Write(path=f"{folder}/{file}", text=value) for file, value in files.items()),
    )


AWAKE = wish_files(power__control="on")


def answer_for(
    wish: Wish, nic: Identity = CARD, files: dict[str, bytes] | None = None, tools: frozenset[str] = frozenset({"udevadm"})
) -> Placement | NoPlace:
    place = dataclasses.replace(place_on(files or {}, tools=tools), nic=nic)
    return ask(BACK_END, place, wish, files or {})


def list_rules(answer: Placement | NoPlace) -> list[str]:
    assert isinstance(answer, Placement), answer
    assert [edit.path for edit in answer.edits] == [OWN]
    return [line for line in (answer.edits[0].after or b"").decode().splitlines() if not line.startswith("#")]


def refused(answer: Placement | NoPlace) -> str:
    assert isinstance(answer, NoPlace), answer
    return "\n".join(answer.reasons)


def test_each_file_of_a_pci_card_has_a_rule_for_this_very_card() -> None:
    answer = answer_for(wish_files(link__l1_aspm="0", link__l1_1_aspm="0", power__control="on"))
    card = 'SUBSYSTEM=="pci", ACTION=="add|bind", KERNEL=="0000:02:00.0", ATTR{vendor}=="0x10ec", ATTR{device}=="0x8168", '
    assert list_rules(answer) == [
        card + 'TEST=="link/l1_aspm", ATTR{link/l1_aspm}="0"',
        card + 'TEST=="link/l1_1_aspm", ATTR{link/l1_1_aspm}="0"',
        card + 'TEST=="power/control", ATTR{power/control}="on"',
    ]
    assert isinstance(answer, Placement)
    assert answer.settings == ("pcie.link_files.l1_aspm", "pcie.link_files.l1_1_aspm", "power.control")
    assert answer.refresh == (("udevadm", "control", "--reload"),)


def test_a_usb_card_and_one_on_the_board_are_known_by_what_they_have() -> None:
    (rule,) = list_rules(answer_for(wish_files("/sys/bus/usb/devices/1-1.2", power__control="on"), STICK))
    assert rule.startswith('SUBSYSTEM=="usb", ACTION=="add|bind", KERNEL=="1-1.2", ATTR{idVendor}=="0bda", ATTR{idProduct}=="8153", TEST')
    (rule,) = list_rules(answer_for(wish_files(str(BOARD.sysfs_path), power__control="on"), BOARD))
    assert rule.startswith('DEVPATH=="/devices/platform/scb/fd580000.ethernet", ACTION=="add|bind", TEST')


@pytest.mark.parametrize(
    ("nic", "keys"),
    [
        (CARD, 'KERNELS=="0000:02:00.0" ATTRS{vendor}=="0x10ec" ATTRS{device}=="0x8168"'),
        (STICK, 'KERNELS=="1-1.2" ATTRS{idVendor}=="0bda" ATTRS{idProduct}=="8153"'),
        (dataclasses.replace(BOARD, dev_port=1), 'DEVPATH=="/devices/platform/scb/fd580000.ethernet/net/*" ATTR{dev_port}=="1"'),
        (
            Identity(
                interface="eth0",
                bus=Bus.VIRTIO,
                bus_address="virtio2",
                chip="1af4:1041",
                sysfs_path="/sys/devices/pci0000:00/0000:00:03.0/virtio2",
            ),
            'KERNELS=="0000:00:03.0" ATTRS{vendor}=="0x1af4" ATTRS{device}=="0x1041"',
        ),
        (
            Identity(interface="eth0", bus=Bus.VIRTIO, sysfs_path="/sys/devices/platform/a000.virtio_mmio/virtio1"),
            'DEVPATH=="/devices/platform/a000.virtio_mmio/virtio1/net/*"',
        ),
        (
            Identity(interface="eth0", bus=Bus.VMBUS, sysfs_path="/sys/devices/LNXSYSTM:00/vmbus/f8b3781a-1e82"),
            'DEVPATH=="/devices/LNXSYSTM:00/vmbus/f8b3781a-1e82/net/*"',
        ),
    ],
)
def test_an_interface_is_known_by_its_card_whatever_its_name(nic: Identity, keys: str) -> None:
    found = match_interface(nic)
    assert not isinstance(found, str)
    assert " ".join(found) == keys


@pytest.mark.parametrize(
    ("nic", "why"),
    [
        (dataclasses.replace(CARD, chip=None), "another card in its place"),
        (dataclasses.replace(CARD, chip="10ec:*"), "another card in its place"),
        (dataclasses.replace(STICK, chip=None), "another card in its place"),
        (dataclasses.replace(CARD, bus_address="*", sysfs_path=None), "no rule of udev can be written"),
        (Identity(interface="eth0"), "where it stands in the machine is not known"),
        (Identity(interface="eth0", sysfs_path='/sys/devices/a"b'), "where it stands"),
    ],
)
def test_a_card_that_cannot_be_told_from_another_has_no_rule(nic: Identity, why: str) -> None:
    found = match_interface(nic)
    assert isinstance(found, str)
    assert why in found


def test_a_folder_that_no_rule_can_name_is_refused() -> None:
    for folder in ("/sys/bus/pci/devices/*", "/sys/class/net/eth0/device", '/sys/devices/a"b'):
        assert isinstance(match_device(CARD, folder), str)
    assert "another card" in refused(answer_for(AWAKE, dataclasses.replace(CARD, chip=None)))


@pytest.mark.parametrize(
    "wish",
    [
        MTU,
        Wish(remedy=RemedyId.RUNTIME_PM_OFF, settings=AWAKE.settings),
        dataclasses.replace(AWAKE, settings=(Setting(name="power.control", value='on"; RUN+="x'),)),
        dataclasses.replace(AWAKE, settings=(Setting(name='pcie.link_files.l1"x', value="0"),)),
        wish_files(f"/sys/class/net/{INTERFACE}/device", power__control="on"),
    ],
)
def test_what_is_no_plain_file_of_the_device_is_left_to_others(wish: Wish) -> None:
    assert "none of the settings" in refused(answer_for(wish))


def test_a_file_of_that_name_and_a_host_without_udev_are_refused() -> None:
    assert f"{OWN} is there already" in refused(answer_for(AWAKE, files={OWN: b""}))
    assert "udev is not installed" in refused(answer_for(AWAKE, tools=frozenset()))


def test_who_sets_it_later_is_told() -> None:
    files = {
        "/etc/udev/rules.d/99-power.rules": b'# ATTR{power/control}="auto"\nSUBSYSTEM=="pci", ATTR{power/control}="auto"\n',
        "/usr/lib/udev/rules.d/60-autosuspend.rules": b'ATTR{power/control}="auto"\n',
        "/usr/lib/udev/rules.d/98-look.rules": b'ATTR{power/control}=="auto", ENV{X}="1"\n',
    }
    answer = answer_for(AWAKE, files=files, tools=frozenset({"udevadm", "tlp"}))
    assert isinstance(answer, Placement)
    told = "\n".join(answer.notes)
    assert "Line 2 of /etc/udev/rules.d/99-power.rules" in told
    assert "tlp may set power/control anew" in told
    assert told.count("Line ") == 1


def test_what_somebody_adds_to_the_file_is_left() -> None:
    answer = answer_for(AWAKE)
    assert isinstance(answer, Placement)
    (edit,) = answer.edits
    theirs = b'SUBSYSTEM=="net", NAME="x"\n'
    assert edit.after is not None
    assert BACK_END.take_out(edit, edit.after + theirs, 3) == theirs
    assert BACK_END.take_out(edit, edit.after, 3) is None
    assert BACK_END.take_out(edit, theirs, 3) == theirs
    changed = BACK_END.take_out(FileEdit(path=OWN, before=None, after=edit.after), edit.after.replace(b'"on"', b'"auto"'), 3)
    assert isinstance(changed, NoPlace)
