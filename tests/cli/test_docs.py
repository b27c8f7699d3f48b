# SPDX-License-Identifier: GPL-2.0-or-later
"""Every `nicmedic …` that a document shows is a command that exists, with options that exist."""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from nicmedic.cli.main import build_parser

ROOT = Path(__file__).parents[2]
# CHANGELOG.md may name what is gone
DOCUMENTS = sorted([*ROOT.glob("docs/**/*.md"), *(path for path in ROOT.glob("*.md") if path.name != "CHANGELOG.md")])
BLOCK = re.compile(r"^ *(?:```|~~~)[^\n]*\n(.*?)^ *(?:```|~~~) *$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
COMMAND = re.compile(r"(?:^|[|;&$#] *|\bsudo )nicmedic( [^|;&#>\n]*)", re.MULTILINE)


def commands(text: str) -> Iterator[str]:
    """What follows the word nicmedic in code blocks and code spans."""
    blocks = BLOCK.findall(text)
    spans = SPAN.findall(BLOCK.sub("", text))
    for code in blocks + spans:
        yield from (match[1].strip() for match in COMMAND.finditer(code))


def subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The commands of a parser by name."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def complaint(parser: argparse.ArgumentParser, command: str) -> str:
    """What is wrong with a command; empty if nothing is."""
    for word in command.split():
        if word.startswith("-") and len(word) > 1:
            option = word.partition("=")[0].strip("[]")
            if option not in parser._option_string_actions:
                return f"nicmedic {command}: {parser.prog} has no {option}"
        elif choices := subcommands(parser):
            if word not in choices:
                return f"nicmedic {command}: {parser.prog} has no {word}"
            parser = choices[word]
    return ""


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_shown_commands_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not [wrong for command in commands(text) if (wrong := complaint(build_parser(), command))]


def test_commands_are_found_in_blocks_and_spans() -> None:
    text = "`nicmedic explain --json`\n```sh\n$ sudo nicmedic knowledge lint\nzcat | nicmedic explain -\n```\nnicmedic"
    assert set(commands(text)) == {"explain --json", "knowledge lint", "explain -"}


def test_unknown_command_or_option_is_told() -> None:
    parser = build_parser()
    assert "has no cure-all" in complaint(parser, "cure-all eth0")
    assert "has no --faster" in complaint(parser, "explain --faster")
