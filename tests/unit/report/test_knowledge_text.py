# SPDX-License-Identifier: GPL-2.0-or-later
"""What is known of a driver, and what is wrong with a knowledge file, as a person reads it."""

import tomllib

import pytest

from nicmedic.knowledge.base import KnowledgeFile
from nicmedic.knowledge.lint import lint_file
from nicmedic.knowledge.values import Problem
from nicmedic.report.knowledge_text import render_driver, render_driver_list
from nicmedic.report.problems import render_problem
from nicmedic.report.style import Style
from nicmedic.testing.answers import shipped_knowledge

HEAD = 'schema = "nicmedic.knowledge/1"\ndriver = "mynic"\n'


def problems(text: str) -> list[str]:
    """What lint prints for a file."""
    data = tomllib.loads(text)
    file = KnowledgeFile(name="mynic", path="mynic.toml", data=data)
    return [render_problem(problem, text) for problem in lint_file(file.data, "mynic", shipped_knowledge())]


def test_the_page_of_a_driver_tells_causes_outcomes_cautions_and_messages() -> None:
    text = render_driver(shipped_knowledge().read_file("r8169"), Style(width=100))
    assert text.startswith("r8169: ")
    titles = [line for line in text.splitlines() if line and not line.startswith(" ")][1:]
    assert titles == ["Causes, with what speaks for and against each", "What others tried", "Beware", "Messages"]


@pytest.mark.parametrize("name", shipped_knowledge().file_names)
def test_the_page_of_every_driver_keeps_to_the_width(name: str) -> None:
    lines = render_driver(shipped_knowledge().read_file(name), Style(width=80)).splitlines()
    assert [line for line in lines if len(line) > 80 and " " in line.strip()] == []


def test_the_list_has_plurals_and_a_driver_at_the_start_of_each_entry() -> None:
    drivers = [shipped_knowledge().read_file(name) for name in shipped_knowledge().file_names]
    text = render_driver_list(drivers, Style(width=200))
    assert " 1 causes" not in text
    assert {line.split()[0] for line in text.splitlines()} == set(shipped_knowledge().file_names)


@pytest.mark.parametrize(
    ("table", "line", "words"),
    [
        ('[[cause]]\nid = "c"\ntitle = "T"\nblames = "nobody"\n', 4, "'nobody' is none of driver, device"),
        ('[[tried]]\nremedy = "pray"\nresult = "worked"\nsource = "s"\n', 4, "'pray' is none of link-advertise-100"),
        ('[[signal]]\nid = "a"\nkind = "reset"\nliteral = "abcdef"\npattern = "(ab"\nmeans = "x"\n', 4, "pattern does not compile"),
        ('[[caution]]\nremedy = "reboot"\n', 4, "text is missing"),
        ('[[signal]]\nkind = "reset"\n', 3, "[[signal]] number 1"),
        ('colour = "red"\n', 3, "unknown key 'colour'"),
    ],
)
def test_a_problem_is_told_with_file_line_and_reason(table: str, line: int, words: str) -> None:
    told = problems(HEAD + table)
    assert any(problem.startswith(f"mynic:{line}: ") and words in problem for problem in told), told


def test_a_known_line_is_kept_and_control_characters_are_not() -> None:
    problem = Problem(file="/etc/x.toml", line=7, reason="bad \x1b[2J")
    assert render_problem(problem, "") == "/etc/x.toml:7: bad \\x1b[2J"


def test_a_file_that_ends_too_early_is_told_with_its_last_line() -> None:
    problem = Problem(file="x.toml", line=None, reason="Invalid value (at end of document)")
    assert render_problem(problem, "a = 1\nb = [\n") == "x.toml:2: Invalid value (at end of document)"
