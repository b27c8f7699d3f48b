# SPDX-License-Identifier: GPL-2.0-or-later
"""One QEMU process: started, spoken to over QMP, and never left behind."""

import contextlib
import shlex
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from qemu.qmp import QMPError
from qemu.qmp.legacy import QEMUMonitorProtocol

from lab.errors import LabError

__all__ = ["Qemu"]


class Qemu:
    """A running QEMU.

    Attributes:
        console: The file that holds what the serial console printed.
    """

    def __init__(self, arguments: Sequence[str], folder: Path) -> None:
        self._folder = folder
        self.console = folder / "console.log"
        self._monitor_path = folder / "qmp.sock"
        self._monitor_path.unlink(missing_ok=True)
        self._log = folder / "qemu.log"
        # The kernel kills QEMU when the lab dies, however it dies.
        command = [
            "setpriv",
            "--pdeathsig",
            "KILL",
            "qemu-system-x86_64",
            "-qmp",
            f"unix:{self._monitor_path},server=on,wait=off",
            *arguments,
        ]
        with self._log.open("w") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)
        self._monitor = QEMUMonitorProtocol(str(self._monitor_path))
        self._connect()

    def _connect(self) -> None:
        until = time.monotonic() + 20
        while True:
            if self._monitor_path.exists():
                with contextlib.suppress(OSError, QMPError):
                    self._monitor.connect()
                    self._monitor.settimeout(30)
                    return
            if self._process.poll() is not None or time.monotonic() > until:
                self.kill()
                raise LabError(f"QEMU did not start: {self._log.read_text(errors='replace').strip()[-500:] or 'no word from it'}")
            time.sleep(0.02)

    def ask(self, execute: str, **arguments: object) -> dict[str, object]:
        """Carry out a QMP command; ``_`` in an argument's name stands for ``-``.

        Raises:
            LabError: if QEMU refuses it or is gone.
        """
        named = {name.replace("_", "-"): value for name, value in arguments.items()}
        try:
            return cast("dict[str, object]", self._monitor.cmd(execute, **named))
        except (OSError, EOFError, QMPError) as error:
            raise LabError(f"QEMU refuses {execute} {named}: {error} {self._log.read_text(errors='replace').strip()[-300:]}") from error

    def give_file(self, descriptor: int, name: str) -> None:
        """Hand an open file (a tap device) to QEMU under a name."""
        self._monitor.send_fd_scm(descriptor)
        self.ask("getfd", fdname=name)

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def wait_status(self, status: str, timeout_s: float) -> None:
        """Wait until ``query-status`` says that status.

        Raises:
            LabError: if it does not in time.
        """
        until = time.monotonic() + timeout_s
        while (seen := self.ask("query-status")["status"]) != status:
            if time.monotonic() > until:
                raise LabError(f"QEMU is {seen!r} and not {status!r} after {timeout_s} s")
            time.sleep(0.02)

    def save_state(self, path: Path) -> None:
        """Stop the machine and write its state to a file, for another QEMU with the same arguments to go on from.

        Raises:
            LabError: if QEMU cannot save it within a minute.
        """
        self.ask("stop")
        self.ask("migrate-set-parameters", max_bandwidth=10**11)
        self.ask("migrate", uri=f"exec:cat >{shlex.quote(str(path))}")
        until = time.monotonic() + 60
        while (status := self.ask("query-migrate").get("status")) != "completed":
            if status == "failed" or time.monotonic() > until:
                raise LabError(f"QEMU could not save the machine's state: {status}")
            time.sleep(0.05)

    def kill(self) -> None:
        """A power cut: the process is killed at once, nothing is written any more."""
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(OSError, QMPError, EOFError):
            self._monitor.close()
