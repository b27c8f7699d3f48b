# SPDX-License-Identifier: GPL-2.0-or-later
"""Time ``nicmedic explain`` on a long log beside grep and ripgrep with the same literals, in one run.

Makes the log in a temporary folder on disk, reads it once so that it is cached, runs all commands in turn for some rounds, and prints
medians, MB/s, the ratio to single-threaded ripgrep and the peak memory of each. Deletes the log, also when interrupted.
LC_ALL=C for all: it only helps grep, which would else decode UTF-8. Results go to a file: GNU grep stops early when it writes to /dev/null.

Not for the parts of nicmedic: the rows "reading only" show what scanning costs without the parser, no more.
"""

import argparse
import importlib.util
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Row", "make_rows", "measure", "render_table", "save_literals"]

GENERATOR = Path(__file__).with_name("make_kern_log.py")
DISK = Path("/var/tmp")  # noqa: S108  # /tmp is often memory; the file stands in a folder of its own
SECONDS_MAX = 900
"""A command that takes longer is ended."""
READ_ONLY = """
import sys
from nicmedic.app.sparse import SparseReader
from nicmedic.host.blocks import read_blocks
from nicmedic.kernlog.scan import build_scanner
log, literals, fast, workers = sys.argv[1:]
with open(literals, "rb") as file:
    scanner = build_scanner([line for line in file.read().split(b"\\n") if line], fast=fast == "fast")
with open(log, "rb", buffering=0) as stream:
    reader = SparseReader(scanner, workers=int(workers))
    kept = sum(len(window.data) for window in reader.read_windows(read_blocks(stream)))
print(reader.lines, "lines,", kept, "bytes kept")
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One command and what it took."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    peak_kib: list[int] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    """The first line of each run's output, or why it failed."""


def measure(row: Row, output: Path) -> None:
    """Run a row's command once, and note time, peak memory and the beginning of its output."""
    environment = {**os.environ, "LC_ALL": "C", **row.environment}
    with output.open("wb") as out:
        begin = time.perf_counter()
        process = subprocess.Popen(row.command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=environment)
        limit = threading.Timer(SECONDS_MAX, process.kill)
        limit.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)  # not process.wait(): it keeps the peak memory to itself
        except BaseException:
            process.kill()
            raise
        finally:
            limit.cancel()
    row.seconds.append(time.perf_counter() - begin)
    row.peak_kib.append(usage.ru_maxrss)
    process.returncode = os.waitstatus_to_exitcode(status)
    with output.open("rb") as file:
        said = file.readline(60).decode(errors="replace").strip()
    is_done = process.returncode in {0, 1} and not said.startswith("Traceback")
    row.said.append(said if is_done else f"failed with status {process.returncode}: {said}")


def make_rows(log: Path, literals: Path, *, with_explain: bool) -> list[Row]:
    """Say what is to be compared; what is not installed is left out."""
    python = sys.executable
    explain = [python, "-m", "nicmedic", "explain", "--json", str(log)]
    read = [python, "-c", READ_ONLY, str(log), str(literals)]
    has_hyperscan = importlib.util.find_spec("hyperscan") is not None
    rows = [
        Row(name="rg", command=["rg", "-c", "-F", "-f", str(literals), "--threads", "1", str(log)]),
        Row(name="grep", command=["grep", "-c", "-F", "-f", str(literals), str(log)]),
    ]
    if with_explain and has_hyperscan:
        rows.append(Row(name="explain", command=explain))
        rows.append(Row(name="explain, one core", command=["taskset", "-c", "0", *explain]))
    if with_explain:
        rows.append(Row(name="explain, plain Python", command=explain, environment={"NICMEDIC_SCANNER": "python"}))
    if has_hyperscan:
        rows.append(Row(name="reading only, two threads", command=[*read, "fast", "2"]))
        rows.append(Row(name="reading only", command=[*read, "fast", "1"]))
    rows.append(Row(name="reading only, plain Python", command=[*read, "python", "1"]))
    return [row for row in rows if shutil.which(row.command[0])]


def render_table(rows: Sequence[Row], size: int) -> str:
    """Give medians; the ratio is time over ripgrep's time, so below 1 is faster."""
    base = next((statistics.median(row.seconds) for row in rows if row.name == "rg"), None)
    lines = [f"{'':28}{'median s':>9}{'min s':>8}{'MB/s':>7}{'to rg':>7}{'peak MB':>9}  said"]
    for row in rows:
        median = statistics.median(row.seconds)
        ratio = f"{median / base:.2f}" if base else "-"
        said = " | ".join(dict.fromkeys(row.said))
        lines.append(
            f"{row.name:28}{median:9.2f}{min(row.seconds):8.2f}{size / median / 1e6:7.0f}{ratio:>7}"
            f"{max(row.peak_kib) * 1024 / 1e6:9.0f}  {said[:60]}"
        )
    return "\n".join(lines)


def save_literals(given: Path | None, path: Path) -> int:
    """Write the literals, one a line, and give their number: from a file, or what the knowledge says."""
    if given is not None:
        text = given.read_bytes()
    else:
        command = [sys.executable, "-m", "nicmedic", "knowledge", "literals"]
        text = subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=60).stdout
    literals = [line for line in text.split(b"\n") if line]
    path.write_bytes(b"".join(literal + b"\n" for literal in literals))
    return len(literals)


def main() -> int:
    """Make the log, run everything, print the table."""
    parser = argparse.ArgumentParser(description="Time nicmedic explain on a long log beside grep and ripgrep.")
    parser.add_argument("--megabytes", type=int, default=1024, help="size of the log, in MiB (default: 1024)")
    parser.add_argument("--runs", type=int, default=5, help="rounds (default: 5)")
    parser.add_argument("--literals", type=Path, metavar="FILE", help="one a line (default: what `nicmedic knowledge literals` says)")
    parser.add_argument("--folder", type=Path, default=DISK, help=f"where the log may stand, on disk (default: {DISK})")
    parser.add_argument("--no-explain", action="store_true", help="only reading, without the parser")
    args = parser.parse_args()
    if shutil.disk_usage(args.folder).free < 1.2 * (args.megabytes << 20):
        print(f"{args.folder} has no room for a log of {args.megabytes} MiB; give --folder or fewer --megabytes", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="nicmedic-bench-", dir=args.folder) as name:
        folder = Path(name)
        log, literals = folder / "kern.log", folder / "literals"
        number = save_literals(args.literals, literals)
        subprocess.run([sys.executable, str(GENERATOR), "--size", f"{args.megabytes}M", "--out", str(log)], check=True, timeout=SECONDS_MAX)
        size = log.stat().st_size
        with log.open("rb", buffering=0) as warm:
            while warm.read(1 << 24):
                pass
        rows = make_rows(log, literals, with_explain=not args.no_explain)
        for round_number in range(args.runs):
            print(f"round {round_number + 1} of {args.runs}", file=sys.stderr)
            for row in rows:
                measure(row, folder / "output")
    cores = len(os.sched_getaffinity(0))
    print(
        f"{size / 1e6:.0f} MB, {number} literals, {args.runs} runs, {cores} cores, Python {platform.python_version()}\n{render_table(rows, size)}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
