# SPDX-License-Identifier: GPL-2.0-or-later
"""The records of commands make the parser, and help keeps to the terminal."""

import argparse

import pytest

from nicmedic.cli.declare import Argument, Command, Example, Offer, add_arguments
from nicmedic.cli.main import PROGRAM, build_parser
from nicmedic.cli.schema_page import render_schema_page


def commands(command: Command) -> list[Command]:
    """A command and all below it."""
    return [command, *(item for child in command.commands for item in commands(child))]


@pytest.mark.parametrize("columns", ["40", "80", "200"])
def test_help_keeps_to_the_columns(monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    shown = build_parser().format_help()
    assert [line for line in shown.splitlines() if len(line) > int(columns) and not line.startswith("  nicmedic ")] == []


def test_options_may_not_be_abbreviated() -> None:
    """A script that relies on --js would break with the next option."""
    with pytest.raises(SystemExit):
        build_parser().parse_args(["explain", "--js"])


def test_every_group_has_commands_and_every_command_something_to_run() -> None:
    assert [command.name for command in commands(PROGRAM) if bool(command.commands) == (command.run is not None)] == []


def test_names_files_and_interfaces_can_be_completed() -> None:
    offers = {argument.offer for command in commands(PROGRAM) for argument in command.arguments}
    assert offers == set(Offer)


def test_only_an_option_that_is_no_flag_takes_a_value() -> None:
    assert Argument(("--since",), "h", "T").takes_value
    assert not Argument(("--json",), "h", flag=True).takes_value
    assert not Argument(("--version",), "h", version="1").takes_value
    assert not Argument(("file",), "h").takes_value


def test_an_example_is_a_line_and_its_purpose() -> None:
    assert Example("nicmedic explain", "this machine") == ("nicmedic explain", "this machine")


def test_a_schema_becomes_a_table_with_types_and_what_may_be_null() -> None:
    schema = {
        "title": "T",
        "description": "One. Two.",
        "required": ["a"],
        "properties": {
            "a": {"type": ["string", "null"], "description": "x|y"},
            "b": {
                "type": "array",
                "items": {"type": "object", "required": ["c"], "properties": {"c": {"enum": ["u", None], "description": "z"}}},
            },
        },
    }
    page = render_schema_page(schema, "made", "s.json")
    assert "| `a` | string or null | yes | x\\|y |" in page
    assert "| `b[].c` | `u`, null | yes | z |" in page
    assert "\nOne.\nTwo.\n" in page


def test_an_option_that_repeats_gives_all_its_values() -> None:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_arguments(parser, Command("c", "s", "d", (Argument(("--remedy",), "h", "ID", repeats=True),)))
    assert parser.parse_args([]).remedy is None
    assert parser.parse_args(["--remedy", "a", "--remedy", "b"]).remedy == ["a", "b"]
