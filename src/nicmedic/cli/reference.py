# SPDX-License-Identifier: GPL-2.0-or-later
"""Everything that is made out of the code: manual pages, completions, the pages on commands and errors. ``make docs`` writes them.

They stand in the tree, so that who packages or installs nicmedic needs nothing for them; a test fails when one is stale. Not used when nicmedic runs.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from nicmedic.cli.completion import render_bash, render_fish, render_zsh
from nicmedic.cli.declare import Command
from nicmedic.cli.main import PROGRAM
from nicmedic.cli.manual import render_manual
from nicmedic.cli.schema_page import render_schema_page
from nicmedic.cli.value_schema import build_check_schema, build_report_schema
from nicmedic.model import errors

__all__ = ["list_errors", "main", "render_reference"]

_DATE = "2026-11-22"
"""The day in the manual pages: change it with what they say."""
_MADE = "<!-- Made by make docs out of {}; changes here get lost. -->"


def list_errors() -> list[type[errors.NicmedicError]]:
    """Every error class, by exit status."""
    found = [item for name in errors.__all__ if issubclass(item := getattr(errors, name), errors.NicmedicError)]
    return sorted(found, key=lambda item: item.code)


def _sentence(docstring: str | None) -> str:
    return " ".join((docstring or "").split()).replace("|", "\\|")


def _errors_page() -> str:
    rows = [f"| {item.code} | `{item.slug}` | {_sentence(item.__doc__)} |" for item in list_errors()]
    return "\n".join(
        [
            "# Errors and exit statuses",
            "",
            _MADE.format("src/nicmedic/model/errors.py"),
            "",
            "The answer goes to standard output, errors to standard error: one line says what is wrong, the next what to type.",
            "With `--json` the same errors stand in `errors` of the document, each with its slug and code.",
            "Scripts may rely on codes and slugs; the messages may change.",
            "",
            "| exit status | meaning |",
            "|---|---|",
            "| 0 | nothing wrong was found |",
            "| 1 | findings |",
            "| 2 | the command line is wrong |",
            "| 10 to 39 | it could not do its work; the machine is untouched |",
            "| 40 to 49 | a change failed and was taken back |",
            "| 50 to 59 | a change failed and the machine is changed |",
            "| 130 | interrupted from the keyboard (128 + SIGINT) |",
            "| 141 | the reader of the output went away (128 + SIGPIPE) |",
            "",
            "When several logs are named and some cannot be read, the others are still explained, and the status is 0 or 1.",
            "When none can be read, the status is that of the first error.",
            "",
            "| exit status | slug | when |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def _command_section(command: Command, path: str) -> Iterator[str]:
    yield from ("", f"## {path}", "", command.summary[:1].upper() + command.summary[1:] + ".", "")
    for paragraph in command.description.split("\n\n"):
        yield from re.split(r"(?<=[.]) (?=[A-Z])", " ".join(paragraph.split()))
        yield ""
    if command.arguments:
        yield from ("| argument | meaning |", "|---|---|")
        for argument in command.arguments:
            name = argument.metavar if not argument.is_option else ", ".join(argument.names)
            value = f" {argument.metavar}" if argument.takes_value else ""
            shown = f"{name}{value}".replace("|", "\\|")
            yield f"| `{shown}` | {argument.help} |"
        yield ""
    if command.exit_statuses:
        yield from ("| exit status | meaning |", "|---|---|")
        yield from (f"| {status} | {meaning} |" for status, meaning in command.exit_statuses)
        yield ""
    if command.examples:
        yield "```sh"
        width = max(len(example.line) for example in command.examples)
        yield from (f"{example.line:<{width}}  # {example.purpose}" for example in command.examples)
        yield "```"
    for child in command.commands:
        yield from _command_section(child, f"{path} {child.name}")


def _commands_page() -> str:
    lines = ["# Commands", "", _MADE.format("the commands' records in src/nicmedic/cli"), *_command_section(PROGRAM, PROGRAM.name), ""]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip("\n") + "\n"


def _made_pages() -> Mapping[str, str]:
    """The schemas that are made too, out of the values."""
    pages: dict[str, str] = {}
    for name, schema in (("check", build_check_schema()), ("report", build_report_schema())):
        page = render_schema_page(schema, _MADE.format("the values in src/nicmedic/model"), f"schema/{name}-1.json")
        pages[f"docs/schema/{name}-1.json"] = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        pages[f"docs/{name}-json.md"] = page
    return pages


def _schema_page(root: Path, file: str) -> str:
    schema = json.loads((root / "docs" / file).read_text("utf-8"))
    return render_schema_page(schema, _MADE.format(f"docs/{file}"), file)


def render_reference(root: Path) -> Mapping[str, str]:
    """Path below the repository's root to content."""
    pages = {PROGRAM.name: PROGRAM, **{f"{PROGRAM.name} {command.name}": command for command in PROGRAM.commands}}
    names = [path.replace(" ", "-") for path in pages]
    manuals = {
        f"man/{name}.1": render_manual(command, path, _DATE, tuple(other for other in names if other != name))
        for name, (path, command) in zip(names, pages.items(), strict=True)
    }
    return {
        **manuals,
        "completions/nicmedic.bash": render_bash(PROGRAM),
        "completions/_nicmedic": render_zsh(PROGRAM),
        "completions/nicmedic.fish": render_fish(PROGRAM),
        "docs/commands.md": _commands_page(),
        "docs/errors.md": _errors_page(),
        **_made_pages(),
        "docs/explain-json.md": _schema_page(root, "schema/explain-1.json"),
        "docs/knowledge-json.md": _schema_page(root, "schema/knowledge-show-1.json"),
        "docs/plan-json.md": _schema_page(root, "schema/plan-1.json"),
        "docs/blame-json.md": _schema_page(root, "schema/blame-1.json"),
        "docs/history-json.md": _schema_page(root, "schema/history-1.json"),
        "docs/incidents-json.md": _schema_page(root, "schema/incidents-1.json"),
        "docs/kept-json.md": _schema_page(root, "schema/kept-1.json"),
        "docs/verify-json.md": _schema_page(root, "schema/verify-1.json"),
        "docs/trial-json.md": _schema_page(root, "schema/trial-1.json"),
        "docs/transactions-json.md": _schema_page(root, "schema/transactions-1.json"),
        "docs/watch-json.md": _schema_page(root, "schema/watch-1.json"),
        "docs/snapshot-manifest.md": _schema_page(root, "schema/snapshot-1.json"),
    }


def main(root: str = ".") -> int:
    """Write what is stale below a folder, and say so."""
    for name, text in render_reference(Path(root)).items():
        path = Path(root, name)
        if not path.is_file() or path.read_text("utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            print(f"docs: {name}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
