# SPDX-License-Identifier: GPL-2.0-or-later
"""Processes by number and start time: a number alone may be another's tomorrow."""

import os

__all__ = ["is_running", "name_process", "read_start"]

_START = 22 - 3
"""Field 22 of /proc/PID/stat, counted behind the name in brackets (man 5 proc)."""


def read_start(pid: int) -> str | None:
    """When a process started, in ticks since boot; None: there is none, or only its exit status is left."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123  # asked for often
            fields = file.read(4096).rpartition(b")")[2].split()
    except OSError:
        return None
    return None if len(fields) <= _START or fields[0] in {b"Z", b"X", b"x"} else fields[_START].decode("ascii", "replace")


def name_process(pid: int | None = None) -> str:
    """``PID START`` of a process, by default our own."""
    number = os.getpid() if pid is None else pid
    return f"{number} {read_start(number) or 0}"


def is_running(name: str) -> bool:
    """Whether the process of this ``PID START`` is alive."""
    pid, _, start = name.strip().partition(" ")
    return pid.isdecimal() and bool(start) and read_start(int(pid)) == start
