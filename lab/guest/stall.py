# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs in a machine of the lab: lets a card hang, and notes by the machine's own clock when files changed first after that.

``stall.py BUS_ADDRESS SECONDS ADDRESS FILE...``: takes bus mastering from the card, sends one datagram to ADDRESS (``-``: none), and prints
JSON: ``stalled_s``, and ``changed_s`` in the order of the files (seconds since the boot; null: it did not change in time). Loads next to
nothing: an emulated processor is shared with what is measured.
"""

import os
import socket
import sys
import time

COMMAND = 4
BUS_MASTER = 0x04
STEP_S = 0.005


def read_state(path: str) -> tuple[int, int]:
    """What a change of the file changes."""
    try:
        status = os.stat(path)  # noqa: PTH116  # pathlib takes long to load there
    except FileNotFoundError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


def main() -> None:
    """Hang, and look."""
    address, seconds, target, *paths = sys.argv[1:]
    config = os.open(f"/sys/bus/pci/devices/{address}/config", os.O_RDWR)
    command = os.pread(config, 1, COMMAND)[0] & ~BUS_MASTER
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    before = [read_state(path) for path in paths]
    changed: list[float | None] = [None] * len(paths)
    stalled_s = time.clock_gettime(time.CLOCK_BOOTTIME)
    os.pwrite(config, bytes((command,)), COMMAND)
    if target != "-":
        sender.sendto(bytes(64), (target, 9))
    while None in changed and time.clock_gettime(time.CLOCK_BOOTTIME) < stalled_s + float(seconds):
        time.sleep(STEP_S)
        for number, path in enumerate(paths):
            if changed[number] is None and read_state(path) != before[number]:
                changed[number] = time.clock_gettime(time.CLOCK_BOOTTIME)
    shown = ", ".join("null" if moment is None else str(moment) for moment in changed)
    print(f'{{"stalled_s": {stalled_s}, "changed_s": [{shown}]}}')


if __name__ == "__main__":
    main()
