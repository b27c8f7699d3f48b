# SPDX-License-Identifier: GPL-2.0-or-later
"""Time how long nicmedic takes to start, beside an empty Python program.

Runs all commands in turn for some rounds and prints medians and ratios. The bare ``python -c pass`` is what no Python program can beat;
``-I -S`` leaves out the site packages, which is what a start costs at the very least.
Not for long logs: that is ``scan.py``.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

__all__ = ["measure", "render_table"]

SAMPLE = Path(__file__).parent.parent / "examples" / "srv4-kern.log"
BASE = "python -c pass"
SECONDS_MAX = 60


def measure(command: Sequence[str]) -> tuple[float, int]:
    """Run a command once: seconds and exit status."""
    begin = time.perf_counter()
    process = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=SECONDS_MAX
    )
    return time.perf_counter() - begin, process.returncode


def render_table(times: dict[str, list[float]], statuses: dict[str, int]) -> str:
    """Give medians, in ms, and ratios to the bare Python."""
    base = statistics.median(times[BASE])
    lines = [f"{'':36}{'median ms':>10}{'min ms':>8}{'ratio':>7}  status"]
    for name, seconds in times.items():
        median = statistics.median(seconds)
        lines.append(f"{name:36}{median * 1e3:10.1f}{min(seconds) * 1e3:8.1f}{median / base:7.2f}  {statuses[name]}")
    return "\n".join(lines)


def main() -> int:
    """Run everything, print the table."""
    parser = argparse.ArgumentParser(description="Time how long nicmedic takes to start.")
    parser.add_argument("--runs", type=int, default=30, help="rounds (default: 30)")
    args = parser.parse_args()
    python = sys.executable
    commands = {
        BASE: [python, "-c", "pass"],
        "python -I -S -c pass": [python, "-I", "-S", "-c", "pass"],
        "nicmedic --help": [python, "-m", "nicmedic", "--help"],
        f"nicmedic explain {SAMPLE.name}": [python, "-m", "nicmedic", "explain", str(SAMPLE)],
    }
    script = Path(python).with_name("nicmedic")
    if os.access(script, os.X_OK):
        commands["nicmedic --help (the script)"] = [str(script), "--help"]
    times: dict[str, list[float]] = {name: [] for name in commands}
    statuses: dict[str, int] = {}
    for command in commands.values():
        measure(command)  # once to fill caches
    for _ in range(args.runs):
        for name, command in commands.items():
            seconds, statuses[name] = measure(command)
            times[name].append(seconds)
    print(render_table(times, statuses))
    return 0


if __name__ == "__main__":
    sys.exit(main())
