# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic treat`` as ``watch`` wakes it up beforehand: it imports everything, then waits for a line that says what to do.

The line is a list of words in JSON, the arguments of the command. It comes through the FIFO that NICMEDIC_GO names.
"""

import argparse
import json
import math
import os
import select
import time

__all__ = ["await_orders"]

_VARIABLE = "NICMEDIC_GO"
_FOR_EVER = "NICMEDIC_GO_WAIT"
_WAIT_S = 20.0
_MOST_BYTES = 4096
"""No more is written at once into a pipe (PIPE_BUF)."""


def _load() -> argparse.ArgumentParser:
    """What a treatment imports before it is half through; returns what reads the command line."""
    import nicmedic.cli.ladder  # for its modules only
    import nicmedic.report.ladder_text
    import nicmedic.report.transactions_text  # noqa: F401  # for its modules only
    from nicmedic.cli.edges import build_host_edges
    from nicmedic.cli.main import build_parser
    from nicmedic.host.netlink import load_messages

    build_host_edges()
    load_messages()
    return build_parser()  # which imports all commands


def await_orders() -> argparse.Namespace | None:
    """The command line that the command is to go by instead of its own; None: nothing is wanted of it."""
    path = os.environ.pop(_VARIABLE, "")
    until_s = math.inf if os.environ.pop(_FOR_EVER, "") else time.monotonic() + _WAIT_S
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        parser = _load()
        words = _read_words(handle, until_s)
    finally:
        os.close(handle)
    return parser.parse_args(words) if words else None


def _read_words(handle: int, until_s: float) -> list[str]:
    """Empty: none came, or whoever woke us up is gone. What came while we were loading counts, however long that took."""
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    left_s = max(0.0, until_s - time.monotonic())
    if not poll.poll(None if left_s == math.inf else left_s * 1000):
        return []
    said = os.read(handle, _MOST_BYTES)
    return [str(word) for word in json.loads(said)] if said.endswith(b"\n") else []
