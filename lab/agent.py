# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab's own way into a machine: QEMU's guest agent, over a virtio-serial port that no network fault touches.

Protocol: https://qemu.readthedocs.io/en/v7.2.0/interop/qemu-ga-ref.html
"""

import base64
import dataclasses
import json
import shlex
import socket
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from lab.errors import LabError

__all__ = ["PORT", "Agent", "Done", "Job"]

PORT = "org.qemu.guest_agent.0"
ANSWER_S = 30.0
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How a command in the guest ended.

    Attributes:
        command: What was run.
        status: Its exit status; 128 + N if signal N ended it.
        out: Its standard output.
        err: Its standard error.
    """

    command: tuple[str, ...]
    status: int
    out: str
    err: str


class Job:
    """A command that runs in the guest."""

    def __init__(self, agent: "Agent", pid: int, command: tuple[str, ...]) -> None:
        self._agent = agent
        self.pid = pid
        self.command = command

    def poll(self) -> Done | None:
        """How it ended; None while it runs. Asked once more after its end, the agent knows it no longer."""
        answer = self._agent.ask("guest-exec-status", pid=self.pid)
        if not answer["exited"]:
            return None
        status = 128 + cast("int", answer["signal"]) if "signal" in answer else cast("int", answer["exitcode"])
        out, err = (base64.b64decode(cast("str", answer.get(key, ""))).decode(errors="replace") for key in ("out-data", "err-data"))
        return Done(command=self.command, status=status, out=out, err=err)

    def wait(self, timeout_s: float) -> Done:
        """Wait for its end.

        Raises:
            LabError: if it still runs after ``timeout_s``; it is killed then.
        """
        until = time.monotonic() + timeout_s
        pause_s = 0.01
        while (done := self.poll()) is None:
            if time.monotonic() > until:
                self.kill()
                raise LabError(f"in the guest, {shlex.join(self.command)} still ran after {timeout_s} s")
            time.sleep(pause_s)
            pause_s = min(pause_s * 1.5, 0.2)
        return done

    def kill(self) -> None:
        """Kill it and what it started in its session."""
        self._agent.run("sh", "-c", f"kill -KILL -{self.pid} {self.pid} 2>/dev/null; true")


class Agent:
    """The connection to one machine's agent; usable from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._unread = b""
        self._mark = 0

    def connect(self, timeout_s: float) -> None:
        """Wait until the agent answers.

        Raises:
            LabError: if it does not within ``timeout_s``.
        """
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            try:
                with self._lock:
                    self._open(min(3.0, max(0.1, until - time.monotonic())))
                return
            except (OSError, ValueError):
                self.close()
                time.sleep(0.1)
        raise LabError(f"the guest's agent did not answer within {timeout_s:.0f} s")

    def close(self) -> None:
        """Drop the connection; what is asked next makes a new one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._unread = b""

    def ask(self, execute: str, **arguments: object) -> dict[str, object]:
        """Carry out one of the agent's commands, and return what it returns.

        Raises:
            LabError: if the agent refuses, or does not answer within 30 s.
        """
        with self._lock:
            try:
                if self._socket is None:
                    self._open(ANSWER_S)
                self._send(json.dumps({"execute": execute, "arguments": arguments}).encode())
                answer = self._answer(ANSWER_S)
            except (OSError, ValueError) as error:
                self.close()  # its answer may still come, and is not that to the next question
                raise LabError(f"the guest's agent is gone during {execute}: {error}") from error
        if "error" in answer:
            raise LabError(f"the guest's agent refuses {execute}: {answer['error']}")
        return cast("dict[str, object]", answer["return"])

    def start(self, *command: str, stdin: str = "", env: Mapping[str, str] | None = None, capture: bool = True) -> Job:
        """Start a command in the guest, in a session of its own."""
        variables = {"PATH": PATH, "HOME": "/root", "LC_ALL": "C.UTF-8", **(env or {})}
        arguments: dict[str, object] = {"path": "/usr/bin/setsid", "arg": list(command), "capture-output": capture}
        arguments["env"] = [f"{name}={value}" for name, value in variables.items()]
        if stdin:
            arguments["input-data"] = base64.b64encode(stdin.encode()).decode()
        return Job(self, cast("int", self.ask("guest-exec", **arguments)["pid"]), command)

    def run(self, *command: str, stdin: str = "", env: Mapping[str, str] | None = None, timeout_s: float = 30) -> Done:
        """Run a command in the guest to its end, whatever its exit status."""
        return self.start(*command, stdin=stdin, env=env).wait(timeout_s)

    def _open(self, timeout_s: float) -> None:
        """Connect, and read past the answers to earlier questions, which QEMU and the guest keep for whoever comes."""
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.connect(str(self._path))
        self._mark += 1
        self._send(json.dumps({"execute": "guest-sync", "arguments": {"id": self._mark}}).encode())
        while self._answer(timeout_s).get("return") != self._mark:
            pass

    def _send(self, request: bytes) -> None:
        if self._socket is None:
            raise ConnectionError("not connected")
        self._socket.sendall(request + b"\n")

    def _answer(self, timeout_s: float) -> dict[str, object]:
        if self._socket is None:
            raise ConnectionError("not connected")
        self._socket.settimeout(timeout_s)
        while b"\n" not in self._unread:
            chunk = self._socket.recv(1 << 16)
            if not chunk:
                raise ConnectionError("closed by QEMU")
            self._unread += chunk
        line, self._unread = self._unread.split(b"\n", 1)
        return cast("dict[str, object]", json.loads(line))
