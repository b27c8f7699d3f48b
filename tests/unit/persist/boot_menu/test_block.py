# SPDX-License-Identifier: GPL-2.0-or-later
"""Our lines in somebody else's custom.cfg: in and out again, to the byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nicmedic.persist.boot_menu.block import find_ours, put_in, take_out

THEIRS = st.none() | st.lists(
    st.sampled_from([b"set color=red", b"\r\n", b"\n", b"", b"\xff\xfe", b"menuentry 'x' {", b"}", b"# >>> x"])
).map(b"".join)
LINES = st.lists(st.text(alphabet="ab \t'{}#$é\n", max_size=20), max_size=4)


@given(THEIRS, LINES)
def test_in_and_out_again_changes_nothing(theirs: bytes | None, lines: list[str]) -> None:
    assert take_out(put_in(theirs, 7, lines)) == theirs


@given(THEIRS, LINES, LINES)
def test_in_place_of_older_lines_is_as_if_those_had_not_been(theirs: bytes | None, first: list[str], second: list[str]) -> None:
    assert put_in(put_in(theirs, 7, first), 8, second) == put_in(theirs, 8, second)


@given(THEIRS, LINES, st.sampled_from([b"set a=1\n", b"set a=1\r\n", b"x"]))
def test_what_somebody_adds_behind_stays(theirs: bytes | None, lines: list[str], added: bytes) -> None:
    left = take_out(put_in(theirs, 7, lines) + added)
    newline = b"\n" if theirs and not theirs.endswith(b"\n") else b""
    assert left == (theirs or b"") + newline + added


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda data: data.replace(b"timeout=5", b"timeout=6"), "lines 2 to 4 are nicmedic's and were edited"),
        (lambda data: data.replace(b"timeout=5\n", b"timeout=5\r\n"), "edited"),
        (lambda data: data.rpartition(b"# <<<")[0], "line 2"),
        (lambda data: data[data.index(b"set timeout") :], "line 2"),
        (lambda data: data + data, "line 2, 4, 6, 8"),
        (lambda data: data.replace(b"<<< nicmedic trial 7", b"<<< nicmedic trial 8"), "line 2, 4"),
    ],
)
def test_edited_lines_are_known(change, told: str) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    found = find_ours(change(put_in(b"set a=1\n", 7, ["set timeout=5"])))
    assert told in found.wrong


def test_lines_of_ours_tell_their_trial() -> None:
    data = put_in(b"set a=1", 12, ["x"])
    assert find_ours(data).trial == 12
    assert find_ours(b"# >>> nicmedic 3: x\n").trial is None
    assert data.decode() == (
        "set a=1\n# >>> nicmedic trial 12 (newline added): nicmedic trial abort takes this away\nx\n# <<< nicmedic trial 12 "
        + data.decode().split()[-1]
        + "\n"
    )
