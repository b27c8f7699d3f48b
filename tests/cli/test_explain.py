# SPDX-License-Identifier: GPL-2.0-or-later
"""`nicmedic explain` as a whole program: what it prints where, and how it ends."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nicmedic.cli.explain import EXPLAIN
from nicmedic.model import errors
from nicmedic.testing.samples import SAMPLES

ROOT = Path(__file__).parents[2]
EXAMPLE = str(ROOT / "examples/srv4-kern.log")
COMMAND = [sys.executable, "-m", "nicmedic"]
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "NO_COLOR", "NICMEDIC_SCANNER"}}


def nicmedic(*arguments: str, data: bytes = b"", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the program as a user does, with both its outputs into pipes."""
    done = subprocess.run(
        [*COMMAND, *arguments], input=data, capture_output=True, env={**ENVIRONMENT, **environment}, check=False, timeout=60
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Every made-up log as a file."""
    for name, data in SAMPLES.items():
        (tmp_path / f"{name}.log").write_bytes(data)
    return tmp_path


def test_findings_end_with_1_and_the_verdict_is_the_first_line() -> None:
    done = nicmedic("explain", EXAMPLE)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("eth0 (r8169) hung 551 s after boot.")
    assert done.stdout.splitlines()[1] == ""


def test_a_log_without_trouble_ends_with_0(logs: Path) -> None:
    done = nicmedic("explain", str(logs / "healthy.log"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "No hang found in 3 messages of 1 boot.\n", "")


@pytest.mark.parametrize(
    "arguments",
    [("--nonsense",), ("--since", "whenever", EXAMPLE), ("--interface",), ("--js", EXAMPLE)],
)
def test_a_wrong_command_line_ends_with_2_and_says_so_on_standard_error_only(arguments: tuple[str, ...]) -> None:
    done = nicmedic("explain", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr


@pytest.mark.parametrize(("log", "status"), [("missing.log", 11), ("empty.log", 12), ("no-log.log", 13)])
def test_a_log_that_cannot_be_read_ends_with_the_status_of_its_error(logs: Path, log: str, status: int) -> None:
    done = nicmedic("explain", str(logs / log))
    assert done.returncode == status
    assert done.stdout == "Nothing was read: 1 source could not be read.\n"
    problem, hint = done.stderr.splitlines()
    assert problem.startswith(f"nicmedic: {logs / log}: ")
    assert hint.startswith("          ")


def test_one_log_that_can_be_read_is_enough(logs: Path) -> None:
    done = nicmedic("explain", str(logs / "missing.log"), EXAMPLE)
    assert done.returncode == 1
    assert done.stdout.startswith("eth0 (r8169) hung")
    assert "missing.log: there is no such file" in done.stderr


def test_the_statuses_in_the_help_are_those_of_the_errors() -> None:
    told = {status for status, _ in EXPLAIN.exit_statuses}
    codes = {getattr(errors, name).code for name in errors.__all__} - {errors.NicmedicError.code}
    assert told - {0, 1} <= codes
    assert all(f"\n  {status} " in nicmedic("explain", "--help").stdout for status in told)


def test_json_goes_to_standard_output_alone_and_errors_stand_in_it_too(logs: Path) -> None:
    done = nicmedic("explain", "--json", EXAMPLE, str(logs / "missing.log"))
    document = json.loads(done.stdout)
    assert (done.returncode, document["schema"]) == (1, "nicmedic.explain/1")
    assert [error["slug"] for error in document["errors"]] == ["unreadable-input"]
    assert "there is no such file" in done.stderr


def test_json_is_given_even_when_nothing_could_be_read(logs: Path) -> None:
    done = nicmedic("explain", "--json", str(logs / "empty.log"))
    assert done.returncode == 12
    assert json.loads(done.stdout)["findings"] == []


def test_a_hyphen_reads_standard_input() -> None:
    done = nicmedic("explain", "-", data=Path(EXAMPLE).read_bytes())
    assert done.returncode == 1
    assert done.stdout == nicmedic("explain", EXAMPLE).stdout


def test_a_file_named_twice_is_read_once() -> None:
    assert len(json.loads(nicmedic("explain", "--json", EXAMPLE, EXAMPLE).stdout)["sources"]) == 1


def test_a_folder_is_searched_for_logs(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/kern.log").write_bytes(SAMPLES["debian-12-r8169"])
    (tmp_path / "notes.txt").write_text("nothing to see")
    document = json.loads(nicmedic("explain", "--json", str(tmp_path)).stdout)
    assert [Path(source["name"]).name for source in document["sources"]] == ["kern.log"]


def test_an_interface_leaves_the_others_out(logs: Path) -> None:
    done = nicmedic("explain", "--json", "--interface", "ens1f2", str(logs / "four-ports.log"))
    assert {event["interface"] for event in json.loads(done.stdout)["events"]} == {"ens1f2"}


def test_an_interface_that_is_not_in_the_log_finds_nothing() -> None:
    assert nicmedic("explain", "--interface", "eth9", EXAMPLE).returncode == 0


@pytest.mark.parametrize(
    "since", ["2026-01-31", "2026-01-31 12:00", "2026-01-31T12:00:00+01:00", "2h", "3 days ago", "yesterday", "today", "90 min"]
)
def test_a_point_in_time_is_taken_as_people_write_it(since: str) -> None:
    assert nicmedic("explain", "--since", since, EXAMPLE).returncode == 1  # its year is not known, so it stays


def test_what_is_known_to_be_older_is_left_out(tmp_path: Path) -> None:
    log = tmp_path / "kern.log"
    log.write_text("2024-05-01T12:00:00+00:00 host kernel: [  551.300000] NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out\n")
    assert nicmedic("explain", "--since", "2024-05-01", str(log)).returncode == 1
    assert nicmedic("explain", "--since", "2024-05-02", str(log)).returncode == 0


def test_a_reader_that_goes_away_is_no_trouble(logs: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        done = subprocess.run(
            [*COMMAND, "explain", "--all", str(logs / "many-events.log")],
            stdout=closed, stderr=subprocess.PIPE, env=ENVIRONMENT, check=False, timeout=60,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, b"")


def on_a_terminal(*arguments: str, **environment: str) -> str:
    """Run the program on a terminal of 80 columns; what it printed there."""
    main, terminal = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=subprocess.PIPE,
        env={**ENVIRONMENT, "TERM": "xterm", **environment},
    ) as process:
        os.close(terminal)
        output = b""
        try:
            while block := os.read(main, 1 << 16):
                output += block
        except OSError:  # Linux tells the end of a terminal so
            pass
        process.wait(60)
    os.close(main)
    return output.decode().replace("\r\n", "\n")


def test_colour_is_for_terminals_that_want_it() -> None:
    assert "\x1b[" in on_a_terminal("explain", EXAMPLE)
    assert "\x1b[" not in on_a_terminal("explain", EXAMPLE, NO_COLOR="1")
    assert "\x1b[" not in on_a_terminal("explain", EXAMPLE, TERM="dumb")
    assert "\x1b[" in on_a_terminal("explain", EXAMPLE, NO_COLOR="")
    assert "\x1b[" not in nicmedic("explain", EXAMPLE).stdout


@pytest.mark.parametrize("columns", [40, 72, 120])
def test_prose_keeps_to_the_columns(columns: int) -> None:
    text = on_a_terminal("explain", EXAMPLE, NO_COLOR="1", COLUMNS=str(columns))
    assert [line for line in text.splitlines() if len(line) > columns and not line.startswith("       ")] == []


@pytest.mark.parametrize("columns", ["0", "-5", "many", "9999999"])
def test_strange_columns_do_no_harm(columns: str) -> None:
    assert nicmedic("explain", EXAMPLE, COLUMNS=columns).returncode == 1


def test_debug_shows_where_an_expected_error_came_from(logs: Path) -> None:
    plain, debug = nicmedic("explain", str(logs / "empty.log")), nicmedic("--debug", "explain", str(logs / "empty.log"))
    assert (plain.returncode, debug.returncode) == (12, 12)
    assert "EmptyInputError" not in plain.stderr
    assert "EmptyInputError" in debug.stderr
    assert "Traceback" in nicmedic("--debug", "explain", "--since", "whenever", EXAMPLE).stderr


def test_a_bug_is_no_finding_and_says_that_it_is_one() -> None:
    program = (
        "import sys, nicmedic.host.knowledge as k\n"
        "k.read_knowledge = lambda: 1 / 0\n"
        "from nicmedic.cli.main import main\n"
        f"sys.exit(main(['explain', {EXAMPLE!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=ENVIRONMENT, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (10, "")
    assert "ZeroDivisionError" in done.stderr
    assert done.stderr.rstrip().endswith("this is a bug in nicmedic; please report it with the lines above.")


def test_the_version_is_printed() -> None:
    done = nicmedic("--version")
    assert done.returncode == 0
    assert re.fullmatch(r"nicmedic \d+\.\d+\.\d+\S*\n", done.stdout)


def test_both_scanners_give_the_same_answer(logs: Path) -> None:
    answers = {nicmedic("explain", "--json", str(logs / "many-events.log"), NICMEDIC_SCANNER=name).stdout for name in ("python", "")}
    assert len(answers) == 1


PROGRAM = " ".join(COMMAND)


@pytest.mark.parametrize("arguments", [f"explain {EXAMPLE}", f"explain {EXAMPLE} --json", "knowledge show", "knowledge lint", "--help"])
@pytest.mark.parametrize("to", [">/dev/full", ">&-"])
def test_an_answer_that_cannot_be_written_is_an_error_in_words(arguments: str, to: str) -> None:
    done = subprocess.run(["sh", "-c", f"{PROGRAM} {arguments} {to}"], capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr.startswith("nicmedic: standard output cannot be written")
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert done.returncode == 10


@pytest.mark.parametrize("closed", ["2>&-", "2>/dev/full", "<&-", "<&- 2>&-"])
def test_other_streams_may_be_closed_or_full(closed: str) -> None:
    done = subprocess.run(["sh", "-c", f"{PROGRAM} explain {EXAMPLE} /missing - {closed}"], capture_output=True, check=False, timeout=60)
    assert done.stdout.startswith(b"eth0 (r8169) hung 551 s after boot.")
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "latin-1:strict"])
def test_characters_that_the_encoding_lacks_are_written_as_escapes(encoding: str) -> None:
    done = nicmedic("explain", EXAMPLE, PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (1, "")
    assert "\\u2026" in done.stdout
