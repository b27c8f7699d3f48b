# SPDX-License-Identifier: GPL-2.0-or-later
"""A room of its own for a test that changes network cards: network and mount namespaces with a pair of interfaces, and sysfs as if one were a card.

What the scripts do with ``ip`` and ``ethtool`` is real. Only the device below ``/sys/class/net/NAME`` is a folder of ours.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

__all__ = ["DEVICE", "Room", "open_room", "wait_for"]

DEVICE = "/run/devices/pci0000:00/0000:02:00.0"
"""Where the card stands in the room."""

_PREPARE = """
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mkdir /run/cgroup
mount --rbind /sys/fs/cgroup /run/cgroup
mount -t sysfs sysfs /sys
mount --rbind /run/cgroup /sys/fs/cgroup
mkdir -p /run/net {device}
mount --bind /run/net /sys/class/net
sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
ip link set lo up
ip link add dev card0 type veth peer name switch0
ip link set dev switch0 up
ip link set dev card0 up
"""


class Room:
    """What stands in the namespaces of one process."""

    def __init__(self, pid: int, folder: Path) -> None:
        self.pid = pid
        self.folder = folder

    def command(self, *argv: str) -> list[str]:
        """The command that runs another one in the room."""
        return ["nsenter", f"--target={self.pid}", "--net", "--mount", "--", *argv]

    def run(
        self, *argv: str, check: bool = True, within_s: float = 60, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        return subprocess.run(
            self.command(*argv),
            capture_output=True,
            text=True,
            check=check,
            timeout=within_s,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **(env or {})},
        )

    def read(self, *argv: str) -> str:
        """What it prints."""
        return self.run(*argv).stdout

    def start(self, *argv: str) -> subprocess.Popen[str]:
        """Start it, in a session of its own."""
        return subprocess.Popen(
            self.command(*argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def name_card(self, *names: str) -> None:
        """Let these interfaces, and no others, stand on the card, as udev and the kernel would."""
        lines = ["rm -rf /run/net/*", *(self._link(name, card=name in names) for name in self.list_interfaces())]
        self.run("sh", "-c", "\n".join(lines))

    def list_interfaces(self) -> list[str]:
        """All that there are."""
        return self.read("ls", "/sys/devices/virtual/net").split()

    @staticmethod
    def _link(name: str, *, card: bool) -> str:
        quoted = "'" + name.replace("'", "'\\''") + "'"
        real, ours = f"/sys/devices/virtual/net/{quoted}", f"/run/net/{quoted}"
        lines = f'mkdir {ours}; for f in {real}/* {real}/master {real}/brport; do ln -sfn "$f" {ours}/; done'
        return f"{lines}; ln -s {DEVICE} /run/net/{quoted}/device" if card else lines

    def look(self, name: str = "card0") -> str:
        """Everything that can be read of an interface, but for what counts."""
        looks: Sequence[Sequence[str]] = (
            ("ip", "-d", "address", "show", "dev", name),
            ("ip", "-4", "route", "show", "table", "all"),
            ("ip", "-6", "route", "show", "table", "all"),
            ("ip", "rule", "show"),
            ("ip", "neighbour", "show", "nud", "permanent"),
            ("ethtool", "-k", name),
            ("ethtool", name),
        )
        return "\n".join(self.read(*argv) for argv in looks)


@contextmanager
def open_room(folder: Path) -> Iterator[Room]:
    """A room with ``card0``, which is the card, and ``switch0``, the other end of its cable."""
    with subprocess.Popen(
        ["unshare", "--net", "--mount", "sh", "-c", _PREPARE.format(device=DEVICE) + "\necho ready; exec sleep 600"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True,
    ) as holder:  # fmt: skip
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "ready\n"
            room = Room(holder.pid, folder)
            room.name_card("card0")
            yield room
        finally:
            holder.send_signal(signal.SIGKILL)


def wait_for(true: Callable[[], bool], within_s: float = 30) -> None:
    """Wait until it is so.

    Raises:
        AssertionError: it is not, in that time.
    """
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
