# SPDX-License-Identifier: GPL-2.0-or-later
"""The server of the story: Debian with ifupdown, a bridge with the card and two guests' taps, and a driver that hangs in one kernel only.

The card is lab/hangsim in the place of r8169. Its module is built for both kernels, and stands in ``/lib/modules/RELEASE/updates`` as DKMS would
put it; beside it stands the rule by which it hangs, in the new kernel's folder alone. Its frames are carried by a virtio card that is hidden in a
network namespace.
"""

import shutil

from lab import hangsim_module, kernels, nics
from lab.disk_vm import GUEST_FILES, DiskVM
from lab.machine import NIC_SLOT
from lab.segment import Segment

__all__ = ["AFTER_S", "GUESTS", "NEW", "OLD", "Srv4"]

OLD = next(version for version in kernels.available() if version.startswith("6.1."))
NEW = kernels.default_version()
AFTER_S = 110
"""From the link at 1000 Mb/s, under load, to the hang: 551 s of the report that the issue began with, by the factor 5."""
RULE = f"after_s={AFTER_S} speed=1000 bytes=100000 cure=rebind"
HEALTHY = "after_s=-1"
GUESTS = {"tap0": "10.77.0.11", "tap1": "10.77.0.12"}
PATIENCE_S = 300

INTERFACES = """\
# srv4
auto lo
iface lo inet loopback

# the card: a port of the bridge, and has no address of its own
iface eth0 inet manual

auto br0
iface br0 inet static
	address 10.77.0.2/24
	gateway 10.77.0.254
	bridge_ports eth0
	bridge_stp off
	bridge_fd 0
	# from the web, last winter; did not help
	up ethtool -K eth0 tso off gso off gro off rx off tx off sg off || true
	up ethtool --set-eee eth0 eee off || true
	up ethtool -A eth0 autoneg off rx off tx off || true
	up ethtool -C eth0 rx-usecs 0 tx-usecs 0 || true
	up ethtool -G eth0 tx 4096 || true
"""
MODPROBE = """\
# lab-wire.service loads it
blacklist hangsim
options hangsim lower=wire0
install hangsim /sbin/modprobe --ignore-install hangsim $CMDLINE_OPTS $(cat /lib/modules/$(uname -r)/updates/hangsim.rule)
"""
WIRE = """\
[Unit]
Description=The card of the lab and its hidden wire
DefaultDependencies=no
After=systemd-udev-trigger.service systemd-modules-load.service
Before=network-pre.target networking.service
Wants=network-pre.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/lab-wire
[Install]
WantedBy=sysinit.target
"""
WIRE_SCRIPT = """\
#!/bin/sh -e
modprobe virtio_net
until [ -e /sys/class/net/wire0 ]; do sleep 0.1; done
modprobe hangsim
until [ -e /sys/class/net/eth0 ]; do sleep 0.1; done
ip netns add wire
ip link set wire0 netns wire
ip -n wire link set wire0 up
"""
GUEST_UNIT = """\
[Unit]
Description=A guest of srv4 on %i
After=networking.service
[Service]
EnvironmentFile=/etc/lab-guests/%i
ExecStartPre=/sbin/modprobe tun
ExecStart=/usr/bin/python3 -S /usr/local/sbin/tap_guest.py %i $ADDRESS br0
Restart=on-failure
[Install]
WantedBy=multi-user.target
"""


class Srv4(DiskVM):
    """The server, switched off: its disk is as the story finds it."""

    interface = "eth0"

    def __init__(self, segment: Segment) -> None:
        super().__init__("ifupdown", segment, nic="hangsim", kernel_releases=(OLD,), packages=("bridge-utils",))
        try:
            self._furnish()
            self.switch_off()
            self._start = self.folder / "start.qcow2"
            shutil.copy(self._overlay, self._start)
        except BaseException:
            self.end()
            raise

    def _plug_card(self) -> None:
        self.taps.clear()
        self.plug(nics.find("virtio-net"), self.segment, addr=f"0x{NIC_SLOT + 1:x}")
        self.qemu.ask("device_add", driver=self.nic.device, id="hangsim0", addr=f"0x{NIC_SLOT:x}")

    def _furnish(self) -> None:
        """What a package, DKMS and its operator have put on its disk."""
        self.put("/etc/hostname", "srv4\n")
        self.put("/etc/hosts", "127.0.0.1 localhost\n127.0.1.1 srv4\n")
        self.put("/etc/network/interfaces", INTERFACES)
        self.put("/etc/systemd/network/10-eth0.link", "[Match]\nPath=pci-0000:00:09.0\n[Link]\nName=eth0\n")
        self.put("/etc/systemd/network/10-wire0.link", "[Match]\nDriver=virtio_net\n[Link]\nName=wire0\n")
        self.put("/etc/modprobe.d/hangsim.conf", MODPROBE)
        self.put("/etc/systemd/system/lab-wire.service", WIRE)
        self.put("/usr/local/sbin/lab-wire", WIRE_SCRIPT)
        self.put("/etc/systemd/system/lab-guest@.service", GUEST_UNIT)
        self.put("/usr/local/sbin/tap_guest.py", (GUEST_FILES / "tap_guest.py").read_text(encoding="utf-8"))
        for tap, address in GUESTS.items():
            self.put(f"/etc/lab-guests/{tap}", f"ADDRESS={address}\n")
        here = self.mount_host()
        for release, rule in ((OLD, HEALTHY), (NEW, RULE)):
            updates = f"/lib/modules/{release}/updates"
            self.sh(f"mkdir -p {updates}; cp {here}{hangsim_module.build(kernels.find(release))} {updates}/")
            self.put(f"{updates}/hangsim.rule", f"{rule}\n")
        self.check("depmod", OLD, timeout_s=PATIENCE_S)
        self.install_nicmedic()
        units = " ".join(("lab-wire.service", *(f"lab-guest@{tap}.service" for tap in GUESTS)))
        self.sh(f"chmod 755 /usr/local/sbin/*; systemctl --quiet enable {units}; rm -f /var/log/journal/*/*; sync")

    def switch_off(self) -> None:
        """As a person would."""
        self.start("systemctl", "poweroff")
        self.wait_off()

    def begin_again(self) -> None:
        """Its disk is what it was when the story began; it is off."""
        if self.qemu.alive:
            self.switch_off()
        shutil.copy(self._start, self._overlay)

    def wait_up(self, within_s: float = PATIENCE_S) -> None:
        """Wait until the bridge has its address and all services are up."""
        self.sh("until ip -4 address show dev br0 | grep -q 10.77.0.2/; do sleep 0.2; done", timeout_s=within_s)
        self.run("systemctl", "is-system-running", "--wait", timeout_s=within_s)

    def reboot(self) -> None:
        """As a person would, until all services are up again."""
        super().reboot()
        self.wait_up()
