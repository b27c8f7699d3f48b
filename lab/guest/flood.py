# SPDX-License-Identifier: GPL-2.0-or-later
"""Send UDP to ADDRESS port 9 as fast as it goes, or FRAMES a second, for at most SECONDS: ``flood.py ADDRESS SECONDS [FRAMES]``."""

import contextlib
import itertools
import socket
import sys
import time

# A socket's send buffer holds some 90 frames, and a card that hangs keeps them; more than a ring of 512 must be in flight.
SOCKETS = 16


def main() -> None:
    """Send until the time is over."""
    until = time.monotonic() + float(sys.argv[2])
    pause_s = 1 / float(sys.argv[3]) if len(sys.argv) > 3 else 0
    with contextlib.ExitStack() as stack:
        senders = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(SOCKETS)]
        for sender in senders:
            sender.settimeout(0)
        for sender in itertools.cycle(senders):
            if time.monotonic() > until:
                return
            # ECONNREFUSED, EAGAIN of a full queue, ENETUNREACH while the card is gone: a flood goes on.
            with contextlib.suppress(OSError):
                sender.sendto(bytes(1400), (sys.argv[1], 9))
            if pause_s:
                time.sleep(pause_s)


if __name__ == "__main__":
    main()
