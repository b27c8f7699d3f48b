# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs in a machine of the lab: answers ``check`` again and again, for starting Python there takes ten seconds each time.

Waits for /run/check/ask-N, which holds seconds between the looks; leaves /run/check/answer-N, the JSON document. Ends by itself.
"""

import sys
import time
from pathlib import Path

from nicmedic.app.check import check
from nicmedic.host.clock import HostClock
from nicmedic.host.knowledge import SHIPPED_FOLDER, read_knowledge
from nicmedic.host.logs import HostLogs
from nicmedic.host.machine import HostMachine
from nicmedic.report.check_json import render_check_json

FOLDER = Path("/run/check")
LONGEST_S = 300


def main() -> int:
    """Answer until there has been nothing to do for long."""
    FOLDER.mkdir(exist_ok=True)
    knowledge = read_knowledge(SHIPPED_FOLDER / "no-such-folder")
    until, number = time.monotonic() + LONGEST_S, 1
    while time.monotonic() < until:
        ask = FOLDER / f"ask-{number}"
        if not ask.exists():
            time.sleep(0.02)
            continue
        checkup = check(HostMachine(), HostLogs(), HostClock(), knowledge, lambda host: host, wait_s=float(ask.read_text("ascii")))
        made = FOLDER / "new"
        made.write_text(render_check_json(checkup), "ascii")
        made.rename(FOLDER / f"answer-{number}")
        number += 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
