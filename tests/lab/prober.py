# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs in a machine of the lab: carries out probes again and again, for starting Python there takes ten seconds each time.

Waits for /run/probe/ask-N, JSON with ``nic`` (fields of an Identity) and ``probes``, or ``choose`` in place of them; leaves /run/probe/answer-N. Ends
by itself.
"""

import json
import sys
import time
from pathlib import Path

from nicmedic.host.machine import HostMachine
from nicmedic.host.probes import HostProber
from nicmedic.model.plan import Identity

FOLDER = Path("/run/probe")
LONGEST_S = 900


def main() -> int:
    """Answer until there has been nothing to do for long."""
    FOLDER.mkdir(exist_ok=True)
    prober = HostProber()
    until, number = time.monotonic() + LONGEST_S, 1
    while time.monotonic() < until:
        ask = FOLDER / f"ask-{number}"
        if not ask.exists():
            time.sleep(0.02)
            continue
        asked = json.loads(ask.read_text("utf-8"))
        nic = Identity(**asked["nic"])
        began = time.monotonic()
        if "choose" in asked:
            answer: list[object] = list(prober.choose_probes(HostMachine().read_host(), nic, asked["choose"]))
        else:
            answer = [[one.probe, one.state, one.detail] for one in prober.run_probes(nic, asked["probes"], asked["within_s"])]
        made = FOLDER / "new"
        made.write_text(json.dumps({"took_s": time.monotonic() - began, "answer": answer}), "utf-8")
        made.rename(FOLDER / f"answer-{number}")
        number += 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
