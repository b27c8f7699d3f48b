# SPDX-License-Identifier: GPL-2.0-or-later
"""Time ``nicmedic explain`` on a long log beside grep and ripgrep with the same literals, in one run.

Makes the log in a temporary folder on disk, reads it once so that it is cached, runs all commands in turn for some rounds, and prints
medians, MB/s, the ratio to single-threaded ripgrep and the peak memory of each. Deletes the log, also when interrupted.
LC_ALL=C for all: it only helps grep, which would else decode UTF-8. Results go to a file: GNU grep stops early when it writes to /dev/null.

Not for the parts of nicmedic: the rows "reading only" show what scanning costs without the parser, no more.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from make_kern_log import parse_size, write_log

__all__ = ["Row", "measure"]

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
        try:
            _, status, usage = _wait(process.pid, begin + SECONDS_MAX)
        except BaseException:
            process.kill()
            raise
        row.seconds.append(time.perf_counter() - begin)
    row.peak_kib.append(usage.ru_maxrss)
    with output.open("rb") as file:
        said = file.readline(60).decode(errors="replace").strip()
    code = os.waitstatus_to_exitcode(status)
    process.returncode = code
    row.said.append(said if code in {0, 1} else f"failed with status {code}: {said}")


def _wait(pid: int, until: float) -> tuple[int, int, "os._ResourceUsage"]:  # type: ignore[name-defined]
    raise NotImplementedError
