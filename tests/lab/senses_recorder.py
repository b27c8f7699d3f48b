# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs in a machine of the lab: writes down what the watcher's senses tell, one line of JSON each, until /run/senses/stop is there."""

import json
import sys
import time
from pathlib import Path

from nicmedic.host.watching.senses import HostSenses

FOLDER = Path("/run/senses")
LONGEST_S = 400


def main() -> int:
    """Listen, and answer ``/run/senses/ask``: a closer look and a probe."""
    card = sys.argv[1]
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / "log").open("w", encoding="ascii", buffering=1) as log, HostSenses() as senses:

        def tell(what: str, **more: object) -> None:
            log.write(json.dumps({"what": what, "at": time.monotonic(), **more}) + "\n")

        def listen(for_s: float) -> None:
            for signal in senses.wait_signals(time.monotonic() + for_s):
                tell("signal", kind=signal.kind, interface=signal.interface, text=signal.text, value=signal.value)

        tell("ready", cards=[one.interface for one in senses.list_cards()], blind=senses.find_blind_spots())
        end = time.monotonic() + LONGEST_S
        asked = 0
        while time.monotonic() < end and not (FOLDER / "stop").exists():
            listen(0.25)
            tell("sample", sample=senses.read_sample(card))
            if (FOLDER / f"ask-{asked}").exists():
                asked += 1
                began = time.monotonic()
                answer = senses.look_closer(card)
                took_s = time.monotonic() - began
                could = senses.begin_probe(card)
                listen(1.5)
                queues = None if answer.queues is None else dict(answer.queues)
                status = Path("/proc/self/status").read_text("ascii")
                tell(
                    "answer",
                    took_s=took_s,
                    stuck=answer.stuck,
                    queues=queues,
                    bus_master=answer.bus_master,
                    lost=answer.lost,
                    probed=senses.read_probe(card) if could else "nobody",
                    resident_kb=int(status.partition("VmRSS:")[2].split()[0]),
                    processor_s=time.process_time(),
                )
    (FOLDER / "ended").touch()
    return 0


if __name__ == "__main__":
    sys.exit(main())
