# SPDX-License-Identifier: GPL-2.0-or-later
"""Feed mutated logs to everything that reads a log, guided by coverage: no bytes whatever may make it raise, hang or eat memory.

Not a pytest module: atheris (PyPI) drives it, for as long as it is told. Options are libFuzzer's, and two of our own:

    python tests/fuzz/fuzz_explain.py -max_total_time=600
    python tests/fuzz/fuzz_explain.py --seconds 60          # the same as -max_total_time=60
    python tests/fuzz/fuzz_explain.py --runs 10000          # the same as -runs=10000
    python tests/fuzz/fuzz_explain.py FILE                  # once, with the bytes of a file that failed

A failing input is left in the working folder as ``crash-…`` (or ``timeout-…``, ``oom-…``); put it into ``tests/corpus/``.
The corpus is made anew in a temporary folder from ``tests/corpus``, ``examples``, the cases of the tests, and the folders in
``NICMEDIC_FUZZ_SEEDS`` (separated by colons).
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import atheris  # type: ignore[import-not-found, import-untyped, unused-ignore]  # installed for this program only

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "src"))

with atheris.instrument_imports(include=["nicmedic"]):
    from nicmedic.app.explain import Request, explain
    from nicmedic.host.knowledge import read_knowledge
    from nicmedic.model.errors import NicmedicError
    from nicmedic.ports.logs import LogStream
    from nicmedic.report.explain_json import render_explain_json
    from nicmedic.report.explain_text import render_explain_text
    from nicmedic.report.style import Style

SEED_FOLDERS = ("tests/corpus", "tests/cases", "examples")
SEED_BYTES_MAX = 1 << 14
INPUT_BYTES_MAX = 1 << 15
SECONDS_FOR_ONE = 10
MEGABYTES_MAX = 1024


REQUEST = Request(names=("fuzz",), fast=False)
KNOWLEDGE = read_knowledge()
STYLE = Style(width=80)


@dataclass(frozen=True, slots=True)
class OneLog:
    """A log in memory, cut in two. Implements ``LogSource``."""

    data: bytes

    def open_logs(self, names: Iterable[str]) -> Iterator[LogStream | NicmedicError]:
        """Give the log under each name."""
        middle = len(self.data) // 2
        for name in names:
            yield LogStream(name=name, blocks=iter((self.data[:middle], self.data[middle:])))

    def open_own_log(self, since: str | None) -> Iterator[LogStream | NicmedicError]:  # noqa: ARG002  # the protocol's
        """Give nothing."""
        return iter(())

    def open_boot_log(self) -> Iterator[LogStream | NicmedicError]:
        """Never asked for."""
        raise AssertionError


def read_one(data: bytes) -> None:
    """Read one log; whatever is raised is a finding."""
    explanation = explain(OneLog(data), KNOWLEDGE, REQUEST)
    render_explain_json(explanation, KNOWLEDGE)
    render_explain_text(explanation, KNOWLEDGE, STYLE)


def copy_seeds(corpus: Path) -> int:
    """Copy the beginnings of all sample logs into the corpus, and give their number."""
    folders = [ROOT / name for name in SEED_FOLDERS]
    folders += [Path(name) for name in os.environ.get("NICMEDIC_FUZZ_SEEDS", "").split(os.pathsep) if name]
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    for number, path in enumerate(files):
        with path.open("rb") as file:
            (corpus / f"{number:05d}").write_bytes(file.read(SEED_BYTES_MAX))
    return len(files)


def main() -> int:
    """Make the corpus and let libFuzzer work through it; its status is ours: not 0 when something was found."""
    parser = argparse.ArgumentParser(description="Fuzz the reading of logs; further options are libFuzzer's.")
    parser.add_argument("--seconds", type=int, help="end after so many seconds")
    parser.add_argument("--runs", type=int, help="end after so many inputs")
    own, given = parser.parse_known_args()
    options = [f"-max_len={INPUT_BYTES_MAX}", f"-timeout={SECONDS_FOR_ONE}", f"-rss_limit_mb={MEGABYTES_MAX}"]
    if own.seconds is not None:
        options.append(f"-max_total_time={own.seconds}")
    if own.runs is not None:
        options.append(f"-runs={own.runs}")
    options += given
    if any(not option.startswith("-") for option in given):
        atheris.Setup([sys.argv[0], *options], read_one)
        atheris.Fuzz()
        return 0
    if not any(option.startswith(("-max_total_time=", "-runs=")) for option in options):
        parser.error("say when to end: --seconds, --runs or -max_total_time=")
    with tempfile.TemporaryDirectory(prefix="nicmedic-fuzz-") as corpus:
        sys.stderr.write(f"{copy_seeds(Path(corpus))} seeds\n")
        child = os.fork()  # libFuzzer ends its process without a word to Python, and somebody must clear up
        if child == 0:
            atheris.Setup([sys.argv[0], *options, corpus], read_one)
            atheris.Fuzz()
        _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) & 0xFF


if __name__ == "__main__":
    sys.exit(main())
