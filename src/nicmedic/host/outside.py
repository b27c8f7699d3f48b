# SPDX-License-Identifier: GPL-2.0-or-later
"""What the unit of ``watch`` may not do by itself is done beside it, as a transient unit of process 1.

The unit may hardly do anything (``host/service.py``), and what it starts may do no more: no link could be set, and the operator's own command would
fail in ways that it does not fail in a shell. A transient unit is as free as a login of root, and has a control group of its own: it goes on when the
watcher is started anew, or is ended because it stands. Process 1 is asked over its private socket, so nothing is needed of the message bus.

How it ended, and what it said, is left in files: whoever waits for it needs no connection.
Resident: imports nothing of ours.
"""

import contextlib
import os
import re
import signal
from collections.abc import Mapping, Sequence

__all__ = ["CONFINED", "JOBS", "forget_ended", "forget_outside", "has_begun", "is_confined", "read_output", "read_outside", "wrap_outside"]

CONFINED = "NICMEDIC_CONFINED"
"""The unit sets it in its environment."""
JOBS = "/run/nicmedic/jobs"
"""Private to root; made by whoever begins something."""
_SYSTEMD = "/run/systemd/system"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,99}")
_CGROUPS = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd")
"""Where process 1 keeps its own: unified, hybrid, version 1 (man systemd, CGROUPS.md)."""
_LEFT = frozenset({"out", "status", "status.tmp"})
_KEEP_STATUS = 'echo "$$EXIT_CODE $$EXIT_STATUS" >{path}.tmp && mv {path}.tmp {path}'
"""Both are given to ``ExecStopPost=`` (man systemd.exec). The dollar is doubled, for process 1 looks for variables first."""


def is_confined() -> bool:
    """Whether this process, or who started it, is the unit, so that what changes the machine must be done outside."""
    return bool(os.environ.get(CONFINED)) and os.path.isdir(_SYSTEMD)  # noqa: PTH112  # strings throughout


def _path(name: str, what: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(name)
    return f"{JOBS}/{name}.{what}"


def wrap_outside(
    name: str,
    command: Sequence[str],
    *,
    description: str = "",
    environment: Mapping[str, str] | None = None,
    input_path: str | None = None,
    within_s: float | None = None,
) -> tuple[str, ...]:
    """The command that has another one carried out by process 1 as ``nicmedic-NAME.service``; it ends as soon as that is begun.

    Args:
        name: small letters, digits and hyphens; the same never twice at a time.
        command: a program, with its path, and its arguments.
        description: for ``systemctl status``.
        environment: what is to stand in its environment.
        input_path: its standard input; None: nothing.
        within_s: it is ended with all that it started when the time is over. None: it has all the time in the world, and what it leaves running
            stays: a dead-man's switch may be among it.

    Raises:
        ValueError: the name is none.
    """
    limits = ("KillMode=process",) if within_s is None else (f"RuntimeMaxSec={within_s:g}s", "TimeoutStopSec=2s")
    properties = (
        "Type=exec",
        f"StandardInput={f'file:{input_path}' if input_path else 'null'}",
        f"StandardOutput=append:{_path(name, 'out')}",  # not truncate: ExecStopPost= opens it too
        "StandardError=inherit",
        "UMask=0077",
        f"ExecStopPost=/bin/sh -c '{_KEEP_STATUS.format(path=_path(name, 'status'))}'",
        *limits,
    )
    return (
        "systemd-run",
        "--quiet",
        "--collect",
        "--no-block",
        f"--unit=nicmedic-{name}",
        f"--description={description or f'nicmedic: {name}'}",
        *(f"--property={line}" for line in properties),
        *(f"--setenv={key}={value}" for key, value in (environment or {}).items()),
        "--",
        *(word.replace("$", "$$") for word in command),  # process 1 looks for variables in it (man systemd.service, COMMAND LINES)
    )


def _has_cgroup(name: str) -> bool:
    return any(os.path.isdir(f"{place}/system.slice/nicmedic-{name}.service") for place in _CGROUPS)  # noqa: PTH112  # strings throughout


def _read_status(name: str) -> int | None:
    try:
        with open(_path(name, "status"), encoding="ascii", errors="replace") as file:  # noqa: PTH123  # strings throughout
            how, _, status = file.read(100).strip().partition(" ")
    except OSError:
        return None
    if how == "exited" and status.isdecimal():
        return int(status)
    number = getattr(signal, f"SIG{status}", signal.SIGKILL)
    return -int(number)


def has_begun(name: str) -> bool:
    """Whether process 1 was seen to begin it: it is there, or has left something. What is only put into its queue may never be begun."""
    return _has_cgroup(name) or any(os.path.exists(_path(name, what)) for what in ("out", "status"))  # noqa: PTH110  # strings throughout


def read_outside(name: str) -> int | None:
    """How it ended: its status, negative if a signal ended it. None: it runs, or has not begun yet.

    What was begun, and is gone without a word, counts as killed.
    """
    alive = _has_cgroup(name)  # before the status is read: that is written while it is there
    status = _read_status(name)
    if status is None and not alive and os.path.exists(_path(name, "out")):  # noqa: PTH110  # strings throughout
        return -signal.SIGKILL
    return status


def read_output(name: str, most_bytes: int = 64 << 10) -> bytes:
    """The last that it printed, on both its outputs."""
    try:
        with open(_path(name, "out"), "rb") as file:  # noqa: PTH123  # strings throughout
            file.seek(max(0, file.seek(0, os.SEEK_END) - most_bytes))
            return file.read(most_bytes)
    except OSError:
        return b""


def forget_outside(name: str) -> None:
    """Remove the files that it left."""
    for what in ("out", "status"):
        with contextlib.suppress(OSError):
            os.unlink(_path(name, what))  # noqa: PTH108  # strings throughout


def forget_ended() -> None:
    """Remove what those left that nobody waits for any more: a watcher that was killed removes nothing."""
    with contextlib.suppress(OSError):
        for file in os.listdir(JOBS):  # noqa: PTH208  # strings throughout
            name, _, what = file.partition(".")
            if what in _LEFT and _NAME.fullmatch(name) and not _has_cgroup(name):
                os.unlink(f"{JOBS}/{file}")  # noqa: PTH108  # strings throughout
