# SPDX-License-Identifier: GPL-2.0-or-later
"""Disk VM: a whole Debian with systemd, GRUB, ssh and one network manager, on a disk that reboots and power cuts leave.

Its image is built once; each machine writes into an overlay of its own. Most tests begin where a boot has ended
(a few seconds); those that are about the boot itself say ``booted=False``.
"""

import compileall
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from lab import cache, disk, kernels, nics
from lab.disk.booted import boot_once
from lab.disk.machine import disk_args, machine_args
from lab.errors import LabError
from lab.machine import NIC_SLOT, Machine
from lab.nics import Nic
from lab.qemu import Qemu
from lab.segment import GATEWAY, GUEST, Segment

__all__ = ["DiskVM"]

BOOT_LIMIT_S = 240
GUEST_FILES = Path(__file__).with_name("guest")
PROGRAM = "#!/usr/bin/python3\nimport sys\nfrom nicmedic.__main__ import start\nsys.exit(start())\n"
NICMEDIC = ("python3-pyroute2", "python3-yaml", "python3-zstandard")
"""What nicmedic needs, in the versions that Debian has: its own code comes over the shared file system."""


class DiskVM(Machine):
    """A disk VM with one network card on a segment, which its network manager has brought up.

    Args:
        manager: A name of ``lab.disk.MANAGERS``.
        segment: What the card is plugged into.
        nic: A name of ``lab.nics``.
        kernel_releases: As ``uname -r`` says them, installed in this order; Debian's present one if none is named.
        packages: Further Debian packages.
        booted: Begin where a boot has ended, without the card; it is plugged then.
        watchdog: It has a hardware watchdog too, an Intel 6300ESB.

    Attributes:
        ready_s: How long it took until the agent answered.

    Raises:
        LabError: if the image cannot be built, or the machine does not come up.
    """

    interface = disk.INTERFACE
    guest_files = "/run/lab"

    def __init__(
        self,
        manager: str,
        segment: Segment,
        *,
        nic: str = "e1000e",
        kernel_releases: tuple[str, ...] = (),
        packages: tuple[str, ...] = (),
        booted: bool = True,
        watchdog: bool = False,
    ) -> None:
        self.segment = segment
        self._watchdog = watchdog
        self.nic: Nic = nics.find(nic)
        recipe = disk.Recipe(manager=manager, packages=(*NICMEDIC, *packages), kernels=kernel_releases or (kernels.default_version(),))
        self._manager = next(known for known in disk.MANAGERS if known.name == manager)
        self._key, _ = disk.key_pair(cache.folder())
        self._image = disk.build_image(recipe, cache.folder(), _say)
        super().__init__()
        self._overlay, self._kept = self.folder / "disk.qcow2", self.folder / "kept.qcow2"
        self._boots = 0
        began = time.monotonic()
        try:
            if booted:
                self._go_on()
            else:
                self.power_on()
        except BaseException:
            self.end()
            raise
        self.ready_s = time.monotonic() - began

    def _go_on(self) -> None:
        """Begin where a boot has ended."""
        saved = boot_once(self._image, _say)
        self.qemu = Qemu(saved.args(self.folder, self._overlay), self.folder)
        self.qemu.wait_status("paused", 30)
        self.qemu.ask("cont")
        self.agent.connect(60)
        self.check("date", "-s", f"@{int(time.time())}")
        self._plug_card()
        if self._manager.plugged:
            self.wait_interface()
            self.check(*self._manager.plugged, timeout_s=90)
        self._prepare()

    def power_on(self) -> None:
        """Switch it on, and wait until its agent answers.

        Raises:
            LabError: if it does not boot.
        """
        self.switch_on()
        self.take_up(BOOT_LIMIT_S)

    def switch_on(self) -> None:
        """Switch it on, and wait for nothing. The console's file of the boot before gets a number.

        Raises:
            LabError: if it is on already.
        """
        if hasattr(self, "qemu"):
            if self.qemu.alive:
                raise LabError("the machine is on already")
            self.qemu.kill()  # it has ended by itself; this closes what was left open
            self._boots += 1
            self.qemu.console.rename(self.folder / f"console-{self._boots}.log")
        self.agent.close()
        self.qemu = Qemu([*machine_args(self.folder), *disk_args(self._image, self._overlay), "-S"], self.folder)
        self._plug_card()
        self.qemu.ask("cont")

    def take_up(self, within_s: float) -> None:
        """Wait until the agent of a machine that was switched on answers.

        Raises:
            LabError: if it does not in time.
        """
        self.agent.connect(within_s)
        self._prepare()

    def _plug_card(self) -> None:
        self.taps.clear()
        self.plug(self.nic, self.segment, addr=f"0x{NIC_SLOT:x}")
        if self._watchdog:
            self.qemu.ask("device_add", driver="i6300esb", id="watchdog0", addr=f"0x{NIC_SLOT + 3:x}")

    def _prepare(self) -> None:
        """Put the lab's own tools where they do not outlive the machine."""
        for name in ("flood.py", "hang_when.py", "power-cut"):
            self.put(f"{self.guest_files}/{name}", (GUEST_FILES / name).read_text(encoding="utf-8"))

    def put(self, path: str, text: str) -> None:
        """Write a file in the guest."""
        self.check("sh", "-c", f"mkdir -p {Path(path).parent} && cat >{path}", stdin=text)

    def wait_up(self, within_s: float = 90) -> None:
        """Wait until the card has its address, the network manager itself says that it has it, and the gateway is reached.

        Raises:
            LabError: if that does not come to be.
        """
        self.sh(f"until ip -4 address show dev {self.interface} | grep -q ' {GUEST}/'; do sleep 0.2; done", timeout_s=within_s)
        managed = shlex.join(self._manager.state_of(self.interface))
        self.sh(f"until {managed} >/dev/null; do sleep 0.2; done", timeout_s=within_s)
        self.wait_reaches(GATEWAY, within_s=within_s)

    def reboot(self) -> None:
        """Reboot as a person would, and wait until the agent answers again.

        Raises:
            LabError: if it does not go down or does not come up.
        """
        self.start("systemctl", "reboot")
        self.wait_off()
        self.power_on()

    def keep_disk(self) -> None:
        """Remember the disk of a machine that is off, as it is now."""
        shutil.copy(self._overlay, self._kept)

    def put_disk_back(self) -> None:
        """Give a machine that is off the disk of ``keep_disk`` again."""
        shutil.copy(self._kept, self._overlay)

    def wait_off(self, within_s: float = 120) -> None:
        """Wait until the machine has gone down: QEMU ends with each boot.

        Raises:
            LabError: if it does not in time.
        """
        until = time.monotonic() + within_s
        while self.qemu.alive:
            if time.monotonic() > until:
                raise LabError(f"the machine has not gone down within {within_s:.0f} s")
            time.sleep(0.1)

    def follow(self, done: Callable[[], bool], within_s: float, *, step_s: float = 1.0) -> int:
        """Follow a machine that reboots by itself until something is so; QEMU is started again each time that it ends.

        Args:
            done: Asked while the agent answers; LabError counts as no.
            within_s: For how long.
            step_s: Between two questions.

        Returns:
            How many boots began meanwhile.

        Raises:
            LabError: if it does not come to that in time.
        """
        until, boots, reached = time.monotonic() + within_s, 0, self.qemu.alive
        while time.monotonic() < until:
            if not self.qemu.alive:
                self.switch_on()
                boots, reached = boots + 1, False
            try:
                if not reached:
                    self.take_up(3)
                    reached = True
                if done():
                    return boots
            except LabError:
                reached = False
            time.sleep(step_s)
        raise LabError(f"after {within_s:.0f} s and {boots} further boots it has not come to that")

    def mount_host(self) -> str:
        """Mount this machine's file system in the guest, read-only; return where."""
        self.sh("mountpoint -q /mnt || mount -t 9p -o trans=virtio,version=9p2000.L,cache=loose,msize=512000,ro host /mnt")
        return "/mnt"

    def nicmedic(self, *arguments: str) -> tuple[str, ...]:
        """The command that runs this tree's nicmedic in the guest, with Debian's own Python and libraries."""
        source = f"{self.mount_host()}{GUEST_FILES.parents[1] / 'src'}"
        return ("env", f"PYTHONPATH={source}", "PYTHONDONTWRITEBYTECODE=1", "python3", "-m", "nicmedic", *arguments)

    def install_nicmedic(self) -> None:
        """Put this tree's nicmedic on the guest's disk as a package would: the code where Debian's Python looks for it, a program on the path.

        It is compiled here, if this is Debian's Python: there it would take minutes.
        """
        source = GUEST_FILES.parents[1] / "src/nicmedic"
        compileall.compile_dir(source, quiet=2)
        self.sh(f"cp -a {self.mount_host()}{source} /usr/local/lib/python3.11/dist-packages/", timeout_s=BOOT_LIMIT_S)
        self.put("/usr/local/bin/nicmedic", PROGRAM)
        self.sh("chmod 755 /usr/local/bin/nicmedic")

    def ssh(self, *command: str) -> list[str]:
        """The command that carries out another one in the guest over ssh, to be run at the partner's place."""
        options = ("BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "ConnectTimeout=10")
        return ["ssh", "-i", str(self._key), *(word for option in options for word in ("-o", option)), f"root@{GUEST}", *command]

    def ssh_session(self) -> "subprocess.Popen[str]":
        """An operator's session: a remote clock that prints each second, until the connection dies."""
        return self.segment.start(*self.ssh("while date +%s.%N; do sleep 1; done"))


def _say(text: str) -> None:
    print(f"lab: {text}", file=sys.stderr, flush=True)
