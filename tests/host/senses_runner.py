# SPDX-License-Identifier: GPL-2.0-or-later
"""Run the real senses in a network namespace, and do what standard input asks for; one line of JSON each way."""

import json
import sys
import time

from nicmedic.host.watching.senses import HostSenses


def main() -> None:
    """Until standard input ends."""
    with HostSenses(virtual=sys.argv[1:]) as senses:
        print("null", flush=True)  # noqa: T201  # the answer
        for line in sys.stdin:
            what, *words = json.loads(line)
            made: object
            if what == "wait":
                end, heard = time.monotonic() + float(words[0]), []
                while time.monotonic() < end:
                    heard += [[signal.kind, signal.interface, signal.text, signal.value] for signal in senses.wait_signals(end)]
                made = heard
            elif what == "cards":
                made = [[card.interface, card.driver, card.is_real, card.tx_queues, card.above] for card in senses.list_cards()]
            elif what == "sample":
                made = senses.read_sample(words[0])
            elif what == "closer":
                answer = senses.look_closer(words[0])
                made = [answer.stuck, answer.queues, answer.backlog_bytes, answer.dequeued, answer.holds_back, answer.pause_frames]
            elif what == "log":
                made = senses.read_kernel_log().decode("utf-8", "replace")
            elif what == "modules":
                made = sorted(sys.modules)
            else:
                made = getattr(senses, what)(*words)
            print(json.dumps(made), flush=True)  # noqa: T201  # the answer


if __name__ == "__main__":
    main()
