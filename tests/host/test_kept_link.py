# SPDX-License-Identifier: GPL-2.0-or-later
"""Drop-ins of kept remedies as the real udev reads and applies them: in namespaces of its own, where no real interface is."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from nicmedic.model.keeping import Placement, Wish
from nicmedic.persist.back_ends.link import BACK_END
from tests.unit.persist.back_ends.hosts import ADDRESS, ADVERTISE, COALESCE, FORCE, MTU, PAUSE, RING, TSO, ask, place_on

pytestmark = [
    pytest.mark.host,
    pytest.mark.skipif(not all(map(shutil.which, ("udevadm", "ethtool", "ip"))), reason="needs udevadm, ethtool and ip"),
]

LINK = "/run/systemd/network/10-netplan-lan.link"
HOST = {
    LINK: f"[Match]\nMACAddress={ADDRESS}\n\n[Link]\nName=lan0\nWakeOnLan=off\n".encode(),
    "/run/udev/data/n2": f"E:ID_NET_LINK_FILE={LINK}\n".encode(),
}
_ROOM = """
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /etc/systemd
mount -t sysfs sysfs /sys
cp -a "$1/run/." /run/
cp -a "$1/etc/systemd/." /etc/systemd/
ip link add dev card0 address "$2" type veth peer name switch0
SYSTEMD_LOG_LEVEL=debug udevadm test-builtin net_setup_link /sys/class/net/card0
ip link show dev card0
ethtool -k card0
"""
_MISREAD = re.compile(r"50-nicmedic-3\.conf:\d+:.*")


def apply(wish: Wish | None, root: Path) -> str:
    """What udev tells of the card, and what is set afterwards."""
    files = dict(HOST)
    if wish is not None:
        answer = ask(BACK_END, place_on(HOST, interface="card0", versions={"systemd": find_version()}), wish, HOST)
        assert isinstance(answer, Placement), answer
        files.update({edit.path: edit.after or b"" for edit in answer.edits})
    (root / "etc/systemd").mkdir(parents=True)
    for path, data in files.items():
        file = root / path[1:]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    command = ["unshare", "--mount", "--net", "sh", "-c", _ROOM, "sh", str(root), ADDRESS]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def find_version() -> tuple[int, ...]:
    told = subprocess.run(["udevadm", "--version"], capture_output=True, text=True, check=True, timeout=10).stdout
    return (int(told.split(".", maxsplit=1)[0]),)


def is_on(told: str, feature: str) -> bool:
    found = re.search(rf"^\s*{feature}: (on|off)", told, re.MULTILINE)
    assert found is not None, told
    return found[1] == "on"


def test_offloads_and_their_followers_are_off_where_the_drop_in_says_so(tmp_path: Path) -> None:
    names = ("tx-tcp-segmentation", "tx-tcp6-segmentation", "tx-tcp-ecn-segmentation", "tx-tcp-mangleid-segmentation")
    before, after = apply(None, tmp_path / "before"), apply(TSO, tmp_path / "after")
    assert [is_on(before, name) for name in names] == [True] * 4
    assert [is_on(after, name) for name in names] == [False] * 4


def test_the_mtu_is_set_and_the_name_of_the_file_in_force_is_kept(tmp_path: Path) -> None:
    told = apply(MTU, tmp_path)
    assert " mtu 1400 " in told
    assert "ID_NET_NAME=lan0" in told
    assert f"ID_NET_LINK_FILE={LINK}" in told


@pytest.mark.parametrize("wish", [ADVERTISE, FORCE, PAUSE, RING, COALESCE], ids=lambda wish: str(wish.remedy))
def test_udev_understands_every_line(wish: Wish, tmp_path: Path) -> None:
    told = apply(wish, tmp_path)
    assert f"Config file {LINK} is applied" in told
    assert not _MISREAD.search(told)
