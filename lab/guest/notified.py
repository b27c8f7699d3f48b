# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs in a machine of the lab in place of systemd: ``notified.py SOCKET FILE`` appends what is told of readiness to FILE."""

import os
import socket
import sys

LONGEST_S = 3600


def main() -> None:
    """Listen until it is killed."""
    path, out = sys.argv[1:]
    for old in (path, out):
        if os.path.lexists(old):  # pathlib takes long to load there
            os.unlink(old)  # noqa: PTH108  # pathlib takes long to load there
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.settimeout(LONGEST_S)
    listener.bind(path)
    while True:
        if b"READY=1" in listener.recv(4096):
            with open(out, "a", encoding="ascii") as file:  # noqa: PTH123  # pathlib takes long to load there
                file.write("ready\n")


if __name__ == "__main__":
    main()
