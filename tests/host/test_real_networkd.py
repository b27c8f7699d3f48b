# SPDX-License-Identifier: GPL-2.0-or-later
"""The real systemd-networkd, in a network of its own, chooses the .network file that we say it chooses."""

import shutil
import subprocess
from pathlib import Path

import pytest

from nicmedic.host.config_files import read_config_files
from nicmedic.persist.owner import find_owner
from nicmedic.persist.values import Target

NETWORKD = Path("/lib/systemd/systemd-networkd")
pytestmark = pytest.mark.skipif(
    not (NETWORKD.exists() and shutil.which("ip") and shutil.which("unshare")), reason="needs systemd-networkd and ip"
)

FILES = {
    "etc/systemd/network/05-masked.network": "",
    "usr/lib/systemd/network/05-masked.network": "[Match]\nName=*\n",
    "run/systemd/network/06-shadowed.network": "[Match]\nName=nm*\n",
    "etc/systemd/network/06-shadowed.network": "[Match]\nName=nothing\n",
    "etc/systemd/network/10-exact.network": "[Match]\nName=nm0\n",
    "etc/systemd/network/11-list.network": "[Match]\nName=nm1 nm2\n",
    "etc/systemd/network/12-mac.network": "[Match]\nMACAddress=02:00:00:00:00:07 02:00:00:00:00:03\n",
    "etc/systemd/network/13-and.network": "[Match]\nName=nm4\nMACAddress=02:00:00:00:00:03\n",
    "etc/systemd/network/14-mac-spellings.network": "[Match]\nMACAddress=02-00-00-00-00-04\n",
    "etc/systemd/network/15-altname.network": "[Match]\nName=other*\n",
    "etc/systemd/network/16-driver.network": "[Match]\nDriver=veth\nName=nm6\n",
    "etc/systemd/network/17-type.network": "[Match]\nType=wlan\n",
    "etc/systemd/network/18-cleared.network": "[Match]\nName=nothing\nName=\nName=nm7\n",
    "etc/systemd/network/19-dropin.network": "[Match]\nName=nothing\n",
    "etc/systemd/network/19-dropin.network.d/more.conf": "[Match]\nName=nm8\n",
    "etc/systemd/network/20-unmanaged.network": "[Match]\nName=nm9\n[Link]\nUnmanaged=yes\n",
    "etc/systemd/network/21-class.network": "[Match]\nName=n[!m]a\n",
    "run/systemd/network/90-rest.network": "[Match]\nName=!nmb !nm9\nType=ether\n",
    "etc/systemd/network/91-never.network": "[Match]\nName=nm*\nType=!ether\n",
}
NAMES = [*(f"nm{number}" for number in range(10)), "nxa", "nmb"]
SCRIPT = """
set -e
mount --make-rprivate /
mount --bind "$1/etc/systemd/network" /etc/systemd/network
mount --bind "$1/usr/lib/systemd/network" /usr/lib/systemd/network
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/netif
cp -r "$1/run/systemd/network" /run/systemd/network
for folder in links leases lldp; do mkdir "/run/systemd/netif/$folder"; done
chown -R systemd-network:systemd-network /run/systemd/netif
mount -t sysfs -o ro sysfs /sys
number=0
for name in $2; do
    ip link add "$name" address "02:00:00:00:00:0$(printf %x $number)" type veth peer name "p$number"
    number=$((number + 1))
done
ip link property add dev nm5 altname other5
timeout 20 /lib/systemd/systemd-networkd >/dev/null 2>&1 &
wanted=$(ls /sys/class/net | wc -l)
for _ in $(seq 30); do
    sleep 0.3
    done=$(grep -lE '^ADMIN_STATE=(configur|unmanaged|failed)' /run/systemd/netif/links/* 2>/dev/null | wc -l)
    test "$done" -lt "$wanted" || break
done
cp -r /run/systemd/netif "$1/netif"
for name in $2; do echo "$name $(cat "/sys/class/net/$name/ifindex")"; done
kill %1
"""


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    """Networkd's state below ``netif``, its files below the root; and the index of each interface."""
    root = tmp_path_factory.mktemp("root")
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    (root / "etc/systemd/network/07-nulled.network").symlink_to("/dev/null")
    (root / "usr/lib/systemd/network/07-nulled.network").write_text("[Match]\nName=*\n")
    command = ["unshare", "--mount", "--net", "sh", "-c", SCRIPT, "sh", str(root), " ".join(NAMES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return root, {name: int(index) for name, index in (line.split() for line in done.stdout.splitlines())}


def make_target(name: str, indexes: dict[str, int]) -> Target:
    address = f"02:00:00:00:00:0{NAMES.index(name):x}"
    return Target(
        interface=name, ifindex=indexes[name], address=address, driver="veth", kind="ether", altnames=("other5",) if name == "nm5" else ()
    )


@pytest.mark.parametrize("name", NAMES)
def test_networkd_chose_the_file_that_we_say(name: str, chosen: tuple[Path, dict[str, int]]) -> None:
    root, indexes = chosen
    state = (root / "netif/links" / str(indexes[name])).read_text().splitlines()
    real = next((line.partition("=")[2] for line in state if line.startswith("NETWORK_FILE=")), None)
    owner = find_owner(read_config_files(str(root)), make_target(name, indexes))
    if "ADMIN_STATE=unmanaged" in state:
        assert owner.manager == "none"
    else:
        assert owner.manager == "networkd"
        assert owner.files[0].path == real


@pytest.mark.parametrize("name", NAMES)
def test_its_state_tells_the_same(name: str, chosen: tuple[Path, dict[str, int]], tmp_path: Path) -> None:
    root, indexes = chosen
    shutil.copytree(root, tmp_path / "root", symlinks=True)
    shutil.copytree(root / "netif", tmp_path / "root/run/systemd/netif")
    told = find_owner(read_config_files(str(tmp_path / "root")), make_target(name, indexes))
    judged = find_owner(read_config_files(str(root)), make_target(name, indexes))
    assert told.manager == judged.manager
    if told.manager == "networkd":
        assert told.files[-1].role == "state"
        assert told.files[0] == judged.files[0]
