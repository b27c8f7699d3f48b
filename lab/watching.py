# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic watch`` within a kernel VM: started, asked, killed; what it told, and what stands in its database. For tests and measurements."""

import dataclasses
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from lab.agent import Job
from lab.errors import LabError
from lab.kernel_vm import KernelVM

__all__ = ["PATIENCE_S", "Stall", "Watching"]

PATIENCE_S = 240  # an emulated processor is sixty times slower, and other machines run beside it
TOLD = "/run/told"
READY = "/run/ready"
COMMAND = f'command = ["/bin/sh", "-c", "cat >>{TOLD}; echo >>{TOLD}"]'


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stall:
    """Seconds since the machine's boot.

    Attributes:
        stalled_s: When the card began to hang.
        written_s: When an incident was on disk; None: none was.
        others_s: When other files changed; None: they did not.
    """

    stalled_s: float
    written_s: float | None
    others_s: tuple[float | None, ...] = ()

    @property
    def took_s(self) -> float | None:
        """From the hang to the incident on disk."""
        return None if self.written_s is None else self.written_s - self.stalled_s


class Watching:
    """The watcher of one machine, with a state folder and a policy of its own.

    Args:
        machine: Where.
        mode: What its policy allows.
        more: Further lines at the head of the policy.
        state: Its folder there.
    """

    def __init__(self, machine: KernelVM, *, mode: str = "observe", more: str = "", state: str = "/run/state") -> None:
        self.machine, self.state = machine, state
        self.database = f"{state}/incidents.db"
        self.pid = 0
        self._jobs: list[Job] = []
        self.write_policy(mode, more)

    def write_policy(self, mode: str, more: str = "") -> None:
        """Nothing is quiet: these machines have just booted."""
        text = f'{more}\n[default]\nmode = "{mode}"\nquiet_after_boot = 0\ncool_down = 0\n[telling]\n{COMMAND}\n'
        self.machine.check("sh", "-c", f"mkdir -p {self.state}; cat >/run/policy.toml", stdin=text)

    def start(self) -> None:
        """Start it, and wait until it watches.

        Raises:
            LabError: if it does not.
        """
        machine = self.machine
        machine.sh(f"rm -f {READY}")
        listener = machine.start("python3", "-S", f"{machine.guest_files}/notified.py", "/run/notify", READY, capture=False)
        machine.sh("until [ -S /run/notify ]; do sleep 0.1; done", timeout_s=PATIENCE_S)
        line = f'exec env NICMEDIC_STATE={self.state} NOTIFY_SOCKET=/run/notify "$@" >>/run/said 2>&1'
        program = (sys.executable, "-m", "nicmedic", "watch", "--policy", "/run/policy.toml")
        job = machine.start("sh", "-c", line, "sh", *program, capture=False)
        self._jobs, self.pid = [listener, job], job.pid
        self.wait(lambda: machine.run("test", "-e", READY).status == 0)

    def wait(self, what: Callable[[], object], within_s: float = PATIENCE_S, *, step_s: float = 0.2) -> None:
        """Wait until it is so, while the watcher runs.

        Raises:
            LabError: if it does not come to that.
        """
        until = time.monotonic() + within_s
        while not what():
            ended = self._jobs and self._jobs[-1].poll() is not None
            if ended or time.monotonic() > until:
                how = "the watcher ended" if ended else f"not within {within_s} s"
                raise LabError(f"{how}; it said: {self.said()[-3000:]}; and told: {self.told()[-3:]}")
            time.sleep(step_s)

    def kill(self, name: str = "KILL") -> None:
        """End it by a signal, and wait for that."""
        listener, job = self._jobs
        self._jobs = []
        self.machine.sh(f"kill -{name} {self.pid}")
        job.wait(PATIENCE_S)
        listener.kill()

    def said(self) -> str:
        """What it printed."""
        return self.machine.run("cat", "/run/said").out

    def told(self) -> list[dict[str, Any]]:
        """What it had the operator's command told, oldest first."""
        lines = self.machine.run("cat", TOLD).out.splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    def wait_told(self, news: str, text: str = "", within_s: float = PATIENCE_S) -> dict[str, Any]:
        """The first piece of news of that kind that holds that text."""
        found: list[dict[str, Any]] = []

        def look() -> bool:
            found[:] = [told for told in self.told() if told["news"] == news and text in told["text"]]
            return bool(found)

        self.wait(look, within_s)
        return found[0]

    def incidents(self) -> list[dict[str, Any]]:
        """As they are on disk, with their actions and the kinds of their evidence."""
        out = self.machine.check("python3", "-S", f"{self.machine.guest_files}/rows.py", self.database, timeout_s=PATIENCE_S)
        incidents: list[dict[str, Any]] = json.loads(out)
        return incidents

    def stall(self, within_s: float, *, target: str = "-", others: tuple[str, ...] = ()) -> Stall:
        """Let the card hang, and wait until an incident is on disk.

        Args:
            within_s: How long to wait.
            target: If named, one datagram is sent there after the fault.
            others: Further files that are waited for.
        """
        words = (self.machine.bus_address, str(within_s), target, f"{self.database}-wal", *others)
        out = self.machine.check("python3", "-S", f"{self.machine.guest_files}/stall.py", *words, timeout_s=within_s + PATIENCE_S)
        told = json.loads(out)
        written_s, *others_s = told["changed_s"]
        return Stall(stalled_s=told["stalled_s"], written_s=written_s, others_s=tuple(others_s))
