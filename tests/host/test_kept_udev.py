# SPDX-License-Identifier: GPL-2.0-or-later
"""The rules of kept remedies as the real udev reads them.

``udevadm test`` carries out what the rules say, a rename by a .link file too: so it has namespaces of its own, where no real interface is and sysfs
cannot be written.
"""

import dataclasses
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from nicmedic.model.finding import RemedyId
from nicmedic.model.keeping import Placement, Wish
from nicmedic.model.nic import Bus
from nicmedic.model.plan import Identity, Setting
from nicmedic.model.step import INTERFACE, Run, Write
from nicmedic.persist.back_end import BackEnd, Place
from nicmedic.persist.back_ends import udev, unit
from nicmedic.persist.files import FoundFiles
from nicmedic.persist.values import Owner, Target

pytestmark = [pytest.mark.host, pytest.mark.skipif(shutil.which("udevadm") is None, reason="needs udevadm")]

_ROOM = """
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mkdir /run/udev
mount -t sysfs -o ro sysfs /sys
cp -a /etc/udev/rules.d /run/rules
mount --bind /run/rules /etc/udev/rules.d
ln -sf /dev/null /etc/udev/rules.d/80-net-setup-link.rules
cp "$1" /etc/udev/rules.d/
ip link add dev card0 type veth peer name switch0
exec udevadm test --action="$2" "$3"
"""


def _ask_udev(rules: Path, action: str, device: str) -> str:
    """What udev tells of one event, with our rules among its own."""
    done = subprocess.run(
        ["unshare", "--mount", "--net", "sh", "-c", _ROOM, "sh", str(rules), action, device],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def _place(nic: Identity) -> Place:
    return Place(
        number=3,
        nic=nic,
        target=Target(interface=nic.interface),
        owner=Owner(interface=nic.interface, manager="none", why="test"),
        files=FoundFiles(),
        versions={"systemd": (252,)},
        tools=frozenset({"udevadm", "systemctl", "ethtool", "ip"}),
    )


def _write_rules(back_end: BackEnd, nic: Identity, wish: Wish, folder: Path, **found: bytes) -> Path:
    answer = back_end.place(_place(nic), wish, {"/proc/1/comm": b"systemd\n", **found})
    assert isinstance(answer, Placement), answer
    edit = next(each for each in answer.edits if each.path.endswith(".rules"))
    path = folder / edit.path.rpartition("/")[2]
    path.write_bytes(edit.after or b"")
    return path


@pytest.fixture
def function() -> Path:
    """A PCI function of this machine, whichever."""
    found = sorted(Path("/sys/bus/pci/devices").glob("*/power/control"))
    if not found:
        pytest.skip("needs a PCI device")
    return found[-1].parent.parent


def _wish_awake(folder: str) -> Wish:
    return Wish(
        remedy=RemedyId.RUNTIME_PM_OFF,
        settings=(Setting(name="power.control", value="on"),),
        steps=(Write(path=f"{folder}/power/control", text="on"),),
    )


def _name_function(function: Path, chip: str) -> Identity:
    return Identity(interface="eth7", bus=Bus.PCI, bus_address=function.name, sysfs_path=str(function.resolve()), chip=chip)


def _read_chip(function: Path) -> str:
    return ":".join((function / name).read_text().strip().removeprefix("0x") for name in ("vendor", "device"))


@pytest.mark.parametrize("action", ["add", "bind", "change", "remove"])
def test_the_rule_is_carried_out_on_the_card_when_a_driver_takes_it(action: str, function: Path, tmp_path: Path) -> None:
    nic = _name_function(function, _read_chip(function))
    rules = _write_rules(udev.BACK_END, nic, _wish_awake(str(function)), tmp_path)
    told = _ask_udev(rules, action, str(function))
    assert "Invalid" not in told
    assert "71-nicmedic-3.rules" in told  # it was read
    assert bool(re.search(r"71-nicmedic-3\.rules:\d+.*power/control", told)) is (action in ("add", "bind"))


def test_another_card_in_its_place_is_left_alone(function: Path, tmp_path: Path) -> None:
    rules = _write_rules(udev.BACK_END, _name_function(function, "10ec:ffff"), _wish_awake(str(function)), tmp_path)
    assert not re.search(r"71-nicmedic-3\.rules:\d+", _ask_udev(rules, "bind", str(function)))


_VIRTUAL = Identity(interface="card0", sysfs_path="/sys/devices/virtual")
_WISH_MTU = Wish(
    remedy=RemedyId.MTU,
    settings=(Setting(name="mtu", value="1400"),),
    steps=(Run(argv=("ip", "link", "set", "dev", INTERFACE, "mtu", "1400")),),
)


def test_an_address_that_somebody_set_says_nothing_of_the_card(tmp_path: Path) -> None:
    """That of a veth is a random one or a set one, never a permanent one."""
    nic = dataclasses.replace(_VIRTUAL, permanent_address="52:54:00:00:00:01")
    rules = _write_rules(unit.BACK_END, nic, _WISH_MTU, tmp_path)
    told = _ask_udev(rules, "add", "/sys/class/net/card0")
    assert "SYSTEMD_WANTS=nicmedic-kept-3@.service\n" in told
    text = rules.read_text().replace('ATTR{addr_assign_type}!="0"', 'ATTR{addr_assign_type}=="0"')
    rules.write_text(text.replace('{addr_assign_type}=="0", ATTR{address}', '{addr_assign_type}!="0", ATTR{address}'))
    assert "SYSTEMD_WANTS" not in _ask_udev(rules, "add", "/sys/class/net/card0")  # as a twin with a permanent address


def test_udev_hands_the_interface_to_the_unit(tmp_path: Path) -> None:
    rules = _write_rules(unit.BACK_END, _VIRTUAL, _WISH_MTU, tmp_path)
    for action in ("add", "move", "change"):
        told = _ask_udev(rules, action, "/sys/class/net/card0")
        assert "SYSTEMD_WANTS=nicmedic-kept-3@.service" in told
        assert re.search(r"TAGS=.*:systemd:", told)
    assert "SYSTEMD_WANTS" not in _ask_udev(rules, "remove", "/sys/class/net/card0")
