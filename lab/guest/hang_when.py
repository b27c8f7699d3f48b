# SPDX-License-Identifier: GPL-2.0-or-later
"""Hang a card while settings hold: ``hang_when.py INTERFACE PCI-ADDRESS SECONDS "ethtool's word: value"...``.

Clears the bus-master bit each time all settings have held for so many seconds. A card whose bit was set again (its
driver was bound anew) is given its time anew.
"""

import subprocess
import sys
import time

BUS_MASTER = 4


def answer(*command: str) -> str:
    """What a command prints; nothing if it fails, as while the card has no driver."""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def is_master(address: str) -> bool:
    """Whether the card may read memory now."""
    return bool(int(answer("setpci", "-s", address, "COMMAND") or "0", 16) & BUS_MASTER)


def main() -> None:
    """Watch for ever."""
    interface, address, after_s, *words = sys.argv[1:]
    holds_since: float | None = None
    while True:
        settings = answer("ethtool", interface) + answer("ethtool", "-k", interface) + answer("ethtool", "--show-eee", interface)
        lines = {line.strip() for line in settings.splitlines()}
        if is_master(address) and all(word in lines for word in words):
            holds_since = holds_since or time.monotonic()
            if time.monotonic() - holds_since >= float(after_s):
                answer("setpci", "-s", address, f"COMMAND=0:{BUS_MASTER}")
                holds_since = None
        else:
            holds_since = None
        time.sleep(0.2)


if __name__ == "__main__":
    main()
