# SPDX-License-Identifier: GPL-2.0-or-later
"""What both kinds of machine have in common: a QEMU, the agent's way in, network cards on segments, and an end."""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from lab.agent import PORT, Agent, Done, Job
from lab.errors import LabError
from lab.nics import Nic
from lab.qemu import Qemu
from lab.segment import Segment

__all__ = ["NIC_SLOT", "Machine", "own_folder", "serial_arguments"]

NIC_SLOT = 9
"""The PCI slot of the first network card: 0000:00:09.0, ``enp0s9`` where udev gives names."""

AT_A_TIME = 2

_running: set["Machine"] = set()


def serial_arguments(folder: Path) -> list[str]:
    """QEMU's arguments for the console's file (ttyS0), the agent's port, and a line for a person's shell (ttyS1)."""
    return [
        *("-serial", f"file:{folder / 'console.log'}"),
        *("-device", "virtio-serial-pci,id=serial0,addr=0x4"),
        *("-chardev", f"socket,id=agent,path={folder / 'agent.sock'},server=on,wait=off"),
        *("-device", f"virtserialport,chardev=agent,name={PORT}"),
        *("-chardev", f"socket,id=shell,path={folder / 'shell.sock'},server=on,wait=off", "-serial", "chardev:shell"),
    ]


def own_folder() -> Path:
    """A new folder named after this process; those of dead processes are removed first."""
    for path in Path(tempfile.gettempdir()).glob("nicmedic-lab-*-*"):
        owner = path.name.split("-")[2]
        if owner.isdecimal() and not Path("/proc", owner).exists():
            shutil.rmtree(path, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"nicmedic-lab-{os.getpid()}-"))


class Machine:
    """A running machine; a context manager.

    Attributes:
        folder: Its console, packet captures and sockets; removed at the end unless ``keep_folder`` is set.
        qemu: The process.
        agent: The lab's own way in, which no network fault touches.
        taps: The tap device of each network card, by the card's id.
        nic, segment, card, interface, bus_address: Of the card under test: its model, what it is plugged into, its id in
            QEMU, its name and its PCI address in the guest.
        guest_files: Where the guest sees ``lab/guest``.
    """

    nic: Nic
    segment: Segment
    interface: str
    guest_files: str
    bus_address = f"0000:00:{NIC_SLOT:02x}.0"
    card = "nic0"

    def __init__(self) -> None:
        if len(_running) >= AT_A_TIME:
            raise LabError(f"{AT_A_TIME} machines run already; end one first")
        _running.add(self)
        self.folder = own_folder()
        self.agent = Agent(self.folder / "agent.sock")
        self.taps: dict[str, str] = {}
        self.keep_folder = False
        self.qemu: Qemu

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Switch the machine off and remove what it left."""
        _running.discard(self)
        self.agent.close()
        if hasattr(self, "qemu"):
            self.qemu.kill()
        if not self.keep_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def power_on(self) -> None:
        """Switch the machine on again after a power cut.

        Raises:
            LabError: if it has nothing to boot from.
        """
        raise LabError("a kernel VM is gone with its power; take a disk VM")

    def plug(self, nic: Nic, segment: Segment, **properties: object) -> str:
        """Plug a card into a running machine and its wire into a segment; return the card's id.

        Args:
            nic: Its model.
            segment: What the wire leads to.
            properties: QEMU's, of the device; ``addr`` is its slot.
        """
        name = f"nic{len(self.taps)}"
        descriptor, tap = segment.tap()
        try:
            self.qemu.give_file(descriptor, name)
        finally:
            os.close(descriptor)
        self.qemu.ask("netdev_add", type="tap", id=f"{name}-wire", fd=name)
        capture = self.folder / f"{name}.pcap"
        self.qemu.ask("object-add", qom_type="filter-dump", id=f"{name}-dump", netdev=f"{name}-wire", file=str(capture), maxlen=128)
        self.qemu.ask("device_add", driver=nic.device, id=name, netdev=f"{name}-wire", **properties)
        self.taps[name] = tap
        return name

    def wait_interface(self, name: str = "", *, within_s: float = 20) -> None:
        """Wait until the guest has an interface of that name (that of the card under test, if none is given).

        Raises:
            LabError: if it does not in time.
        """
        self.sh(f"until [ -e /sys/class/net/{name or self.interface} ]; do sleep 0.05; done", timeout_s=within_s)

    def wait_reaches(self, address: str, *, within_s: float = 20) -> None:
        """Wait until the guest reaches an address.

        Raises:
            LabError: if it does not in time.
        """
        self.sh(f"until ping -n -q -c 1 -W 1 {address} >/dev/null; do sleep 0.05; done", timeout_s=within_s)

    def flood(self, address: str, *, seconds: float = 60, frames_per_s: int = 0) -> Job:
        """Let the guest send UDP as fast as it can (or so many frames a second) for a while; returns when it flows.

        Raises:
            LabError: if it does not flow after a minute.
        """
        words = (address, str(seconds), *([str(frames_per_s)] if frames_per_s else []))
        counter = f"/sys/class/net/{self.interface}/statistics/tx_packets"
        enough = int(self.read(counter)) + 20
        job = self.start("nice", "python3", f"{self.guest_files}/flood.py", *words)
        self.sh(f"until [ $(cat {counter}) -gt {enough} ]; do sleep 0.1; done", timeout_s=60)
        return job

    def rebind(self) -> None:
        """Take the driver off the card under test and put it back; the guest's ``sysfs`` does it."""
        device = f"/sys/bus/pci/devices/{self.bus_address}"
        self.sh(f"cd $(readlink -f {device}/driver) && echo {self.bus_address} >unbind && echo {self.bus_address} >bind")
        self.wait_interface()

    def run(self, *command: str, stdin: str = "", env: Mapping[str, str] | None = None, timeout_s: float = 30) -> Done:
        """Run a command in the guest to its end, whatever its exit status."""
        return self.agent.run(*command, stdin=stdin, env=env, timeout_s=timeout_s)

    def check(self, *command: str, stdin: str = "", timeout_s: float = 30) -> str:
        """Run a command in the guest and return what it prints.

        Raises:
            LabError: if its exit status is not 0.
        """
        done = self.run(*command, stdin=stdin, timeout_s=timeout_s)
        if done.status:
            raise LabError(f"in the guest, {' '.join(command)} ended with status {done.status}: {(done.err or done.out).strip()[-500:]}")
        return done.out

    def sh(self, script: str, *, timeout_s: float = 30) -> str:
        """As ``check``, for a line of shell."""
        return self.check("sh", "-c", script, timeout_s=timeout_s)

    def start(self, *command: str, env: Mapping[str, str] | None = None, capture: bool = True) -> Job:
        """Start a command in the guest."""
        return self.agent.start(*command, env=env, capture=capture)

    def read(self, path: str) -> str:
        """The text of a small file in the guest, without blanks around it."""
        return self.check("cat", path).strip()

    def kernel_log(self) -> str:
        """What ``dmesg`` prints in the guest."""
        return self.check("dmesg")

    def wait_log(self, pattern: str, within_s: float) -> str:
        """Wait for a line of the kernel log that matches a regular expression; return the first such line.

        Raises:
            LabError: if there is none in time.
        """
        until = time.monotonic() + within_s
        while True:
            log = self.kernel_log()
            for line in log.splitlines():
                if re.search(pattern, line):
                    return line
            if time.monotonic() > until:
                raise LabError(f"the kernel did not print {pattern!r} within {within_s} s; last lines: {log[-600:]}")
            time.sleep(0.2)
