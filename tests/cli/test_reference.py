# SPDX-License-Identifier: GPL-2.0-or-later
"""What is made out of the code is current, and works: manual pages, completions, the pages on commands, errors and JSON."""

import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from nicmedic.cli.declare import Command
from nicmedic.cli.main import PROGRAM
from nicmedic.cli.reference import list_errors, main, render_reference
from nicmedic.knowledge.values import Packages
from nicmedic.model.errors import NicmedicError
from nicmedic.model.finding import RankedRemedy, RemedyId
from nicmedic.remedy.catalog import describe_remedy
from nicmedic.remedy.target import Target

ROOT = Path(__file__).parents[2]
MADE = render_reference(ROOT)
MANUALS = sorted(name for name in MADE if name.endswith(".1"))


def all_commands(command: Command = PROGRAM, path: str = "nicmedic") -> list[tuple[str, Command]]:
    """Every command with the words that lead to it."""
    return [(path, command), *(item for child in command.commands for item in all_commands(child, f"{path} {child.name}"))]


@pytest.mark.parametrize("name", MADE)
def test_the_file_in_the_tree_is_current(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == MADE[name], "make docs renews it"


def test_stale_files_are_written_and_current_ones_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(ROOT / "docs/schema", tmp_path / "docs/schema")
    for name in ("check", "report"):  # the schemas that are made
        (tmp_path / f"docs/schema/{name}-1.json").unlink()
    assert main(str(tmp_path)) == 0
    assert set(capsys.readouterr().out.splitlines()) == {f"docs: {name}" for name in MADE}
    assert main(str(tmp_path)) == 0
    assert capsys.readouterr().out == ""


def _all_below(error: type[NicmedicError]) -> set[type[NicmedicError]]:
    return {error}.union(*map(_all_below, error.__subclasses__()))


def test_each_error_has_a_status_and_a_slug_of_its_own_and_says_when() -> None:
    listed = list_errors()
    assert set(listed) == {error for error in _all_below(NicmedicError) if not error.__name__.startswith("_")}
    assert [value for value, count in Counter(error.code for error in listed).items() if count > 1] == []
    assert [value for value, count in Counter(error.slug for error in listed).items() if count > 1] == []
    assert all(error.__doc__ and (error.code == 2 or 10 <= error.code <= 59) for error in listed)
    told = {"rolled back": range(40, 50), "CHANGED": range(50, 60)}
    assert [error for error in listed if error.code not in told.get(error.machine, (2, *range(10, 40)))] == []


def test_every_error_stands_on_the_page() -> None:
    page = (ROOT / "docs/errors.md").read_text(encoding="utf-8")
    assert [error.slug for error in list_errors() if f"| {error.code} | `{error.slug}` |" not in page] == []


@pytest.mark.parametrize(("path", "command"), all_commands(), ids=[path for path, _ in all_commands()])
def test_a_command_says_what_it_does_how_it_ends_and_shows_an_example(path: str, command: Command) -> None:
    assert command.summary
    assert command.description.endswith(".")
    assert command.commands or command.exit_statuses
    assert all(re.search(rf"(^|[|] ){path}( |$)", example.line) for example in command.examples)
    done = subprocess.run([sys.executable, "-m", *path.split(), "--help"], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0
    assert all(argument.names[0] in done.stdout or str(argument.metavar) in done.stdout for argument in command.arguments)


@pytest.mark.parametrize("name", MANUALS)
def test_a_manual_page_has_its_sections_and_no_line_that_roff_would_misread(name: str) -> None:
    text = MADE[name]
    assert [line for line in text.splitlines() if re.match(r"['.](?!\\\"|TH |SH |SS |TP|PP|B |nf|fi|RS|RE)", line)] == []
    assert {"NAME", "SYNOPSIS", "DESCRIPTION", '"SEE ALSO"'} <= set(re.findall(r"^\.SH (.*)$", text, re.MULTILINE))
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("name", MANUALS)
def test_formatters_have_nothing_to_complain_of(name: str) -> None:
    """As far as this machine has formatters; the test above needs none."""
    for command in (["groff", "-man", "-ww", "-Tutf8", "-z"], ["mandoc", "-Tlint", "-Wwarning"]):
        if shutil.which(command[0]):
            done = subprocess.run([*command, str(ROOT / name)], capture_output=True, text=True, check=False, timeout=60)
            assert (done.stdout, done.stderr) == ("", "")


def complete(*words: str) -> list[str]:
    """What bash offers for the last word."""
    script = (
        f"source {ROOT}/completions/nicmedic.bash\n"
        'nicmedic() { "$PYTHON" -m nicmedic "$@"; }\n'
        'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _nicmedic; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "-c", script, "bash", *words], capture_output=True, text=True, check=True, timeout=60, cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHON": sys.executable},
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("nicmedic", ""), [*(command.name for command in PROGRAM.commands), "--version", "--debug", "--help"]),
        (("nicmedic", "kn"), ["knowledge"]),
        (("nicmedic", "--debug", "ex"), ["explain"]),
        (("nicmedic", "explain", "--j"), ["--json"]),
        (("nicmedic", "explain", "--json", "examples/srv"), ["examples/srv4-kern.log"]),
        (("nicmedic", "explain", "--interface", "l"), ["lo"]),
        (("nicmedic", "explain", "--since", ""), []),
        (("nicmedic", "knowledge", ""), ["show", "lint", "literals", "--help"]),
        (("nicmedic", "knowledge", "show", "r816"), ["r8168", "r8169"]),
    ],
)
def test_bash_completes(words: tuple[str, ...], offered: list[str]) -> None:
    assert complete(*words) == offered


def test_bash_completion_is_clean_for_shellcheck() -> None:
    program = shutil.which("shellcheck", path=str(Path(sys.executable).parent))
    assert program is not None
    done = subprocess.run([program, str(ROOT / "completions/nicmedic.bash")], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("name", ["completions/_nicmedic", "completions/nicmedic.fish"])
def test_other_shells_know_every_option_and_command(name: str) -> None:
    text = MADE[name]
    options = {argument.names[0] for _, command in all_commands() for argument in command.arguments if argument.is_option}
    wanted = {word.removeprefix("--") for word in options} | {command.name for _, command in all_commands()}
    assert [word for word in wanted if not re.search(rf"(?:--|-l |-a |'|\b){re.escape(word)}\b", text)] == []


def test_every_command_of_every_remedy_is_shell() -> None:
    """Dash or bash reads them, and runs none."""
    lines, packages = [], Packages(firmware="firmware-realtek", vendor_driver="r8168-dkms")
    for distro in (None, "Debian", "Proxmox VE", "RHEL 9", "Home Assistant OS", "SUSE", "Arch Linux"):
        for bus, hint in (("0000:02:00.0", "pci"), (None, "pci"), ("1-1.1:1.0", "usb"), ("30be0000.ethernet", "platform")):
            target = Target(interface="eth0", driver="r8169", bus=bus, bus_hint=hint, distro=distro, kernel=(6, 1, 0), packages=packages)
            for remedy in RemedyId:
                ranked = RankedRemedy(
                    id=remedy, arguments=(), points=0, reasons=(), worked=0, failed=0, partial=0, sources=(), cautions=()
                )  # fmt: skip
                made = describe_remedy(ranked, target)
                lines += [*made.look, *made.commands, *made.undo]
    done = subprocess.run(["sh", "-n"], input="\n".join(dict.fromkeys(lines)), capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
