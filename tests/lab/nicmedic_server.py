# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs in a machine of the lab: carries out ``nicmedic`` commands one after the other, each in a child that it forks.

Starting Python takes ten seconds there each time; a fork takes none. Waits for /run/nm/ask-N: JSON with ``arguments``, and perhaps ``kill_at``,
``cut_at`` and ``copies``. Leaves /run/nm/answer-N: status (negative: the signal), what was printed, and which calls that write, sync or start a
program were counted; those by which it only reads are not. With ``kill_at`` the child is killed by SIGKILL right before that call, as the OOM killer
would; with ``cut_at`` the machine's power is cut there (see lab/guest/power-cut). It knows calls from Python's audit events (docs.python.org, "Audit
events table") and from ``os.fsync``, so nothing in nicmedic is changed for it.

With ``copies`` the child stops before the first of these calls, and each /run/nm/ask-N.K makes a copy of it go on from there: what was read until
then, which takes longest, is read once for all.
"""

import importlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from nicmedic.cli.main import main

FOLDER = Path("/run/nm")
LONGEST_S = 5400
COUNTED = frozenset({"os.rename", "os.link", "os.symlink", "os.mkdir", "os.remove", "os.rmdir", "os.truncate", "subprocess.Popen"})
WRITER = "nicmedic.host.hands"
"""It forks to write; others fork to read."""
POWER_PORT = 0xF4
PRELOAD = (
    "cli.treat", "cli.confirm", "cli.undo", "cli.transactions", "cli.plan", "app.treat", "app.ladder", "host.machine", "host.owners",
    "cli.keep", "cli.kept", "cli.release", "cli.verify", "cli.keep_edges", "app.keep.keep", "app.keep.release", "app.keep.verify",
    "host.kept_programs", "host.kept_unit", "host.kept_files", "persist.back_ends.table", "report.keep_text", "report.keep_json",
    "host.archive_writer", "host.probes", "host.hands", "host.switch", "host.transactions", "host.knowledge", "host.netlink", "remedy.planning",
)  # fmt: skip


class Calls:
    """Counts, and ends it at one."""

    def __init__(self, ask: dict[str, Any], number: str) -> None:
        self.ask, self.number = ask, number
        self.seen: list[str] = []
        self.on = True
        sync = os.fsync

        def fsync(file: int) -> None:
            self.note("os.fsync")
            sync(file)

        os.fsync = fsync  # type: ignore[assignment]  # the one call that has no audit event
        sys.addaudithook(self.hear)

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """An audit event."""
        if not self.on:
            return
        if event in COUNTED:
            shown = arguments[1 if event == "subprocess.Popen" else 0]
            self.note(f"{event} {shown!r}"[:200])
        elif event == "os.fork" and sys._getframe(1).f_globals["__name__"] == WRITER:
            self.note("os.fork, to write")
        elif event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            path = arguments[0]
            if isinstance(path, str) and path != os.devnull:
                self.note(f"open {path!r}"[:200])

    def note(self, call: str) -> None:
        """One that counts."""
        if not self.on:
            return
        if self.ask.get("copies"):
            self.on = False
            self.ask, self.number = stand_still(self.number)
            redirect(self.number)
            self.on = True
        if len(self.seen) == self.ask.get("kill_at"):
            os.kill(os.getpid(), signal.SIGKILL)
        if len(self.seen) == self.ask.get("cut_at"):
            self.on = False
            os.pwrite(os.open("/dev/port", os.O_WRONLY), b"\0", POWER_PORT)
        self.seen.append(call)


def stand_still(number: str) -> tuple[dict[str, Any], str]:
    """Make a copy of this process for each that is asked for; returns in the copies alone."""
    turn = 1
    while True:
        path = FOLDER / f"ask-{number}.{turn}"
        if path.exists():
            ask = json.loads(path.read_text("utf-8"))
            began = time.monotonic()
            child = os.fork()
            if child == 0:
                return ask, f"{number}.{turn}"
            answer(f"{number}.{turn}", child, began)
            turn += 1
        time.sleep(0.02)


def redirect(number: str) -> None:
    """What is printed goes into files."""
    for stream, name in ((1, "out"), (2, "err")):
        file = os.open(FOLDER / f"{name}-{number}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, stream)
        os.close(file)


def run(ask: dict[str, Any], number: str) -> None:
    """The child: never returns."""
    redirect(number)
    calls = Calls(ask, number)
    status = main([str(word) for word in ask["arguments"]])
    calls.on = False
    sys.stdout.flush()
    sys.stderr.flush()
    (FOLDER / f"calls-{calls.number}").write_text("\n".join(calls.seen), "utf-8", "replace")
    os._exit(status)


def answer(number: str, child: int, began: float) -> None:
    """Wait for a child and tell how it ended."""
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    calls = FOLDER / f"calls-{number}"
    told = {
        "status": status,
        "out": (FOLDER / f"out-{number}").read_text("utf-8", "replace"),
        "err": (FOLDER / f"err-{number}").read_text("utf-8", "replace"),
        "calls": calls.read_text("utf-8").splitlines() if calls.exists() else [],
        "seconds": time.monotonic() - began,
    }
    new = FOLDER / f"new-{number}"
    new.write_text(json.dumps(told), "utf-8")
    new.rename(FOLDER / f"answer-{number}")


def serve() -> int:
    """Answer until there has been nothing to do for long."""
    FOLDER.mkdir(exist_ok=True)
    sys.dont_write_bytecode = True
    for name in PRELOAD:  # each child has it then
        importlib.import_module(f"nicmedic.{name}")
    until, number = time.monotonic() + LONGEST_S, 1
    while time.monotonic() < until:
        path = FOLDER / f"ask-{number}"
        if not path.exists():
            time.sleep(0.02)
            continue
        ask = json.loads(path.read_text("utf-8"))
        began = time.monotonic()
        child = os.fork()
        if child == 0:
            run(ask, str(number))
        if not ask.get("copies"):
            answer(str(number), child, began)
        number += 1
    return 0


if __name__ == "__main__":
    sys.exit(serve())
