# SPDX-License-Identifier: GPL-2.0-or-later
"""Time ``nicmedic check`` beside the commands that an expert would type to know the same of each card, and a bare Python.

Without the second look (``--wait 0``), for waiting is no work. Commands that are not installed are left out and named.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

__all__ = ["find_cards", "list_commands", "measure"]

OPTIONS = ("", "-i", "-k", "-g", "-l", "-c", "-a", "-S", "-P", "--show-eee", "--show-priv-flags")
SECONDS_MAX = 60


def find_cards() -> list[str]:
    """Interfaces with a device behind them."""
    return sorted(path.name for path in Path("/sys/class/net").iterdir() if (path / "device").exists())


def list_commands(cards: Sequence[str]) -> list[list[str]]:
    """What an expert would type."""
    made = [["ethtool", *filter(None, [option]), card] for card in cards for option in OPTIONS]
    made += [["ip", "-d", "-s", "-j", "link"], ["ip", "-d", "-j", "address"], ["ip", "-d", "-j", "route", "show", "table", "all"]]
    made += [["ip", "-j", "rule"], ["ip", "-j", "neighbour"], ["tc", "-s", "-j", "qdisc"], ["lspci", "-D", "-vvv"], ["dmesg"]]
    return made


def measure(commands: Sequence[Sequence[str]]) -> tuple[float, float]:
    """Run commands one after the other: seconds by the clock, and of processor time."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    for command in commands:
        subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=SECONDS_MAX
        )
    seconds, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    """Run everything in turn, print medians."""
    parser = argparse.ArgumentParser(description="Time nicmedic check beside the tools that tell the same.")
    parser.add_argument("--runs", type=int, default=10, help="rounds (default: 10)")
    args = parser.parse_args()
    cards = find_cards()
    wanted = list_commands(cards)
    tools = [command for command in wanted if shutil.which(command[0])]
    missing = sorted({command[0] for command in wanted if not shutil.which(command[0])})
    rows = {
        "python -c pass": [[sys.executable, "-c", "pass"]],
        "nicmedic check --wait 0": [[sys.executable, "-m", "nicmedic", "check", "--wait", "0"]],
        f"{len(tools)} commands of the tools": tools,
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in rows}
    for commands in rows.values():
        measure(commands)  # once to fill caches
    for _ in range(args.runs):
        for name, commands in rows.items():
            times[name].append(measure(commands))
    print(
        f"{len(cards)} cards: {', '.join(map(ascii, cards))}; load {os.getloadavg()[0]:.1f}; not installed: {', '.join(missing) or 'nothing'}"
    )
    print(f"{'':32}{'median ms':>10}{'min ms':>8}{'CPU ms':>8}{'ratio':>7}")
    base = statistics.median(seconds for seconds, _ in times["nicmedic check --wait 0"])
    for name, pairs in times.items():
        seconds = [pair[0] for pair in pairs]
        median, cpu = statistics.median(seconds), statistics.median(pair[1] for pair in pairs)
        print(f"{name:32}{median * 1e3:10.0f}{min(seconds) * 1e3:8.0f}{cpu * 1e3:8.0f}{median / base:7.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
