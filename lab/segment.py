# SPDX-License-Identifier: GPL-2.0-or-later
"""A network segment outside the machines: a bridge, a partner that answers and probes, a gateway with a host behind it.

    guest 10.77.0.2 -- tap -- br0 10.77.0.1 (partner) -- 10.77.0.254 (gateway) 10.78.0.1 (a host behind it)

It lives in two network namespaces that are named after this process; those of dead processes are swept away first.
What a guest's reachability is, is asked here, never in the guest.
"""

import contextlib
import fcntl
import itertools
import os
import re
import struct
import subprocess
import sys
from pathlib import Path
from typing import Self

from lab.errors import LabError
from lab.probe import Probe

__all__ = ["FAR", "GATEWAY", "GUEST", "GUEST6", "PARTNER", "Segment"]

PARTNER, GATEWAY, FAR, GUEST = "10.77.0.1", "10.77.0.254", "10.78.0.1", "10.77.0.2"
PARTNER6, GATEWAY6, GUEST6 = "fd77::1", "fd77::fe", "fd77::2"

TUNSETIFF = 0x400454CA  # include/uapi/linux/if_tun.h
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
NAMESPACE = re.compile(r"nicmedic-(\d+)-")
OUTSIDE = Path(__file__).with_name("outside")

_numbers = itertools.count()


class Segment:
    """One segment; a context manager.

    Attributes:
        namespace: The network namespace of the bridge and the partner.
        beyond: That of the gateway.
    """

    def __init__(self) -> None:
        _sweep()
        number = next(_numbers)
        self.namespace = f"nicmedic-{os.getpid()}-{number}"
        self.beyond = f"{self.namespace}-gw"
        self._stack = contextlib.ExitStack()
        self._lossy: subprocess.Popen[bytes] | None = None
        self._number = number
        self._taps = itertools.count()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            for namespace in (self.namespace, self.beyond):
                _ip("netns", "add", namespace)
                stack.callback(subprocess.run, ["ip", "netns", "del", namespace], check=False, capture_output=True)
            self._build()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.whole()
        self._stack.close()

    def _build(self) -> None:
        for namespace in (self.namespace, self.beyond):
            # No duplicate address detection: the partner answers from its first moment.
            _in(namespace, "sh", "-c", "echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad")
        ip, gw = ("-n", self.namespace), ("-n", self.beyond)
        _ip(*ip, "link", "add", "br0", "type", "bridge", "forward_delay", "0")
        _ip(*ip, "link", "add", "gw0", "type", "veth", "peer", "name", "lan0", "netns", self.beyond)
        _ip(*ip, "link", "set", "gw0", "master", "br0")
        for address in (f"{PARTNER}/24", f"{PARTNER6}/64"):
            _ip(*ip, "address", "add", address, "dev", "br0")
        for address, device in ((f"{GATEWAY}/24", "lan0"), (f"{GATEWAY6}/64", "lan0"), (f"{FAR}/32", "lo")):
            _ip(*gw, "address", "add", address, "dev", device)
        for where, device in ((ip, "lo"), (ip, "br0"), (ip, "gw0"), (gw, "lo"), (gw, "lan0")):
            _ip(*where, "link", "set", device, "up")

    def tap(self) -> tuple[int, str]:
        """A new tap device, plugged into the bridge: its open file, which is the caller's to close, and its name."""
        name = f"nm{os.getpid() % 100000}t{self._number}{next(self._taps)}"[:15]
        descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
            _ip("link", "set", name, "netns", self.namespace)
            _ip("-n", self.namespace, "link", "set", name, "master", "br0", "up")
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor, name

    def run(self, *command: str, timeout_s: float = 30) -> subprocess.CompletedProcess[str]:
        """Run a command at the partner's place, to its end, whatever its exit status."""
        return subprocess.run(
            ["ip", "netns", "exec", self.namespace, *command], capture_output=True, text=True, timeout=timeout_s, check=False
        )

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a command at the partner's place; it dies with the lab."""
        full = ["setpriv", "--pdeathsig", "KILL", "ip", "netns", "exec", self.namespace, *command]
        return subprocess.Popen(full, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def probe(self, address: str = GUEST) -> Probe:
        """Watch from outside whether an address answers; a context manager."""
        return Probe(self.start, address)

    def set_silent(self, *, silent: bool) -> None:
        """Nothing comes over the segment any more, and yet every carrier is up."""
        _ip("-n", self.namespace, "link", "set", "br0", "down" if silent else "up")

    def set_gateway(self, *, there: bool) -> None:
        """The gateway goes, or comes back; the partner stays."""
        _ip("-n", self.beyond, "link", "set", "lan0", "up" if there else "down")

    def set_lossy(self, tap: str, percent: int) -> None:
        """Lose so many of a hundred frames between a tap and the bridge, in both directions, at random."""
        self.whole()
        ip = ("-n", self.namespace)
        _ip(*ip, "link", "add", "lossy0", "type", "veth", "peer", "name", "lossy1")
        _ip(*ip, "link", "set", "lossy0", "master", "br0", "up")
        _ip(*ip, "link", "set", "lossy1", "up")
        _ip(*ip, "link", "set", tap, "nomaster")
        command = ["setpriv", "--pdeathsig", "KILL", "ip", "netns", "exec", self.namespace]
        self._lossy = subprocess.Popen([*command, sys.executable, str(OUTSIDE / "lossy.py"), tap, "lossy1", str(percent)])
        self._lossy_tap = tap

    def whole(self) -> None:
        """End ``set_lossy``."""
        if self._lossy is None:
            return
        self._lossy.kill()
        self._lossy.wait()
        self._lossy = None
        _ip("-n", self.namespace, "link", "del", "lossy0")
        with contextlib.suppress(LabError):  # the tap goes with its machine
            _ip("-n", self.namespace, "link", "set", self._lossy_tap, "master", "br0")


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"ip {' '.join(words)} failed: {done.stderr.strip()}")


def _in(namespace: str, *command: str) -> None:
    _ip("netns", "exec", namespace, *command)


def _sweep() -> None:
    """Remove the namespaces of processes that are no more."""
    for path in Path("/run/netns").glob("nicmedic-*"):
        found = NAMESPACE.match(path.name)
        if found and not Path("/proc", found[1]).exists():
            subprocess.run(["ip", "netns", "del", path.name], check=False, capture_output=True)
