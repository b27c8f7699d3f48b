# SPDX-License-Identifier: GPL-2.0-or-later
"""Text keeps to the width, and nothing of a log acts on the terminal."""

from hypothesis import given
from hypothesis import strategies as st

from nicmedic.report.escape import escape_terminal
from nicmedic.report.style import Style


@given(st.text())
def test_no_text_leaves_a_control_or_direction_character(text: str) -> None:
    shown = escape_terminal(text)
    assert not [char for char in shown if ord(char) < 32 or 0x7F <= ord(char) < 0xA0 or 0x202A <= ord(char) <= 0x202E]
    shown.encode("utf-8")


@given(st.text(alphabet="ab c", max_size=200), st.integers(min_value=10, max_value=120))
def test_wrapping_loses_no_word_and_keeps_to_the_width(text: str, width: int) -> None:
    lines = Style(width=width).wrap(text, first="  ", rest="    ").splitlines()
    assert " ".join(lines).split() == text.split()
    assert all(len(line) <= width or len(line.split()) == 1 for line in lines)


def test_without_colour_nothing_is_painted() -> None:
    assert Style(colour=False).paint("x", "red") == "x"
    assert Style(colour=True).paint("x", "bold", "red") == "\x1b[1;31mx\x1b[0m"


def test_a_line_is_whole_for_programs_and_wrapped_for_people() -> None:
    text = "eth0 hangs " * 10
    whole = Style(width=40, one_line=True).line(text, first="  ", rest="    ")
    assert whole == f"  {text}".rstrip()
    lines = Style(width=40).line(text, first="  ", rest="    ").splitlines()
    assert len(lines) > 1
    assert max(map(len, lines)) <= 40
    assert Style(one_line=True, colour=True).line("a\x1b[2Jb", "bold").count("\x1b") == 2
