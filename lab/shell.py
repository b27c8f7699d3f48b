# SPDX-License-Identifier: GPL-2.0-or-later
"""A shell in a kernel VM for a person, on a serial line that no network fault touches."""

import contextlib
import os
import select
import socket
import sys
import termios
import threading
import tty
from collections.abc import Iterator

from lab.errors import LabError
from lab.kernel_vm import KernelVM
from lab.nics import Nic
from lab.probe import Probe
from lab.segment import Segment

__all__ = ["run"]

PATIENCE_S = 15


def run(nic: Nic, *, kernel: str = "") -> int:
    """Give a person a shell in a machine with that card; returns when the machine ends or its input does.

    Raises:
        LabError: if the machine does not come to be.
    """
    print(f"lab: starting a machine with {nic.name}; the first time of a kernel takes half a minute", file=sys.stderr)
    with Segment() as segment, KernelVM(kernel=kernel, with_shell=True) as machine:
        if nic.name == "hangsim":
            machine.add_hangsim(segment, after_s=-1)
        else:
            machine.add_nic(nic, segment)
        with segment.probe() as probe, socket.socket(socket.AF_UNIX) as line:
            line.connect(str(machine.folder / "shell.sock"))
            machine.write_share("shell.env", _environment(machine))
            threading.Thread(target=_tell, args=(probe,), daemon=True).start()
            with _raw_terminal():
                _carry(line)
    return 0


def _environment(machine: KernelVM) -> str:
    return "".join(
        f"{name}='{value}'\n"
        for name, value in (
            ("LAB_INTERFACE", machine.interface),
            ("LAB_ADDRESS", machine.bus_address),
            ("LAB_DRIVER", machine.nic.driver),
            ("LAB_CONFIGURE", machine.configuration()),
        )
    )


@contextlib.contextmanager
def _raw_terminal() -> Iterator[None]:
    """Each key goes to the guest at once, Ctrl-C too; a pipe is taken as it is."""
    if not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    tty.setraw(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _carry(line: socket.socket) -> None:
    """Carry bytes between the terminal and the guest until the guest ends, or is silent for long after the input's end."""
    keys = True
    while True:
        ready, _, _ = select.select([line.fileno(), *([0] if keys else [])], [], [], None if keys else PATIENCE_S)
        if not ready:
            return
        if line.fileno() in ready:
            if not (answer := line.recv(1 << 16)):
                return
            os.write(1, answer)
        if 0 in ready:
            typed = os.read(0, 1 << 10)
            keys = bool(typed)
            line.sendall(typed)


def _tell(probe: Probe) -> None:
    """Say whenever the guest is lost to the outside, or back."""
    with contextlib.suppress(LabError):
        while True:
            lost = probe.wait_lost(1e9)
            os.write(2, b"\r\n[outside: no answer any more]\r\n")
            back = probe.wait_back(1e9)
            os.write(2, f"\r\n[outside: answers again after {back - lost:.1f} s]\r\n".encode())
