# SPDX-License-Identifier: GPL-2.0-or-later
"""A bad wire: carries frames between two interfaces and loses some. ``lossy.py A B PERCENT``, until it is killed.

Beside it stands no queueing discipline "netem": the kernel that the lab runs on may have none.
"""

import random
import selectors
import socket
import sys

ETH_P_ALL = 3


def main() -> None:
    """Carry frames for ever."""
    percent = int(sys.argv[3])
    ends = [socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) for _ in range(2)]
    for end, name in zip(ends, sys.argv[1:3], strict=True):
        end.bind((name, ETH_P_ALL))
    selector = selectors.DefaultSelector()
    for number, end in enumerate(ends):
        selector.register(end, selectors.EVENT_READ, number)
    chance = random.Random(20260918)  # noqa: S311 (which frames are lost is no secret)
    while True:
        for key, _ in selector.select():
            frame, where = ends[key.data].recvfrom(1 << 16)
            if where[2] != socket.PACKET_OUTGOING and chance.random() * 100 >= percent:
                ends[1 - key.data].send(frame)


if __name__ == "__main__":
    main()
