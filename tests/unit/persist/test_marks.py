# SPDX-License-Identifier: GPL-2.0-or-later
"""Lines of ours in somebody else's file go in and out again to the byte, in any order, whatever stands around them."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nicmedic.model.keeping import FileEdit, NoPlace
from nicmedic.persist.marks import (
    Block,
    behind_blocks,
    find_block,
    insert_block,
    list_numbers,
    split_lines,
    take_out_block,
    take_out_marked,
)

LINES = st.lists(
    st.sampled_from([b"", b"#", b"# comment \xc3\xa9", b"iface a inet dhcp", b"\tup x \\", b"a\rb", b"\xff\xfe", b"key=value"]), max_size=8
)
ENDS = st.sampled_from([b"\n", b"\r\n"])
FILES = st.builds(lambda lines, end, last: end.join(lines) + (end if last else b""), LINES, ENDS, st.booleans()) | st.binary(max_size=80)


def take_out(data: bytes, number: int) -> bytes:
    block = find_block(data, number)
    assert block is not None
    assert not block.edited
    return take_out_block(data, block)


@given(data=FILES, after=st.integers(-1, 10), lines=st.lists(st.sampled_from(["a", " b", "", "c=d"]), max_size=3))
def test_a_block_goes_in_and_out_again_to_the_byte(data: bytes, after: int, lines: list[str]) -> None:
    with_ours = insert_block(data, after, lines, 3, "mtu:1400")
    assert list_numbers(with_ours) == (3,)
    assert take_out(with_ours, 3) == data


@settings(max_examples=40)
@given(data=FILES, places=st.lists(st.integers(-1, 14), min_size=3, max_size=3))
def test_three_blocks_go_out_again_in_whatever_order(data: bytes, places: list[int]) -> None:
    held = data
    for number, after in enumerate(places, 1):
        held = insert_block(held, behind_blocks(held, min(after, len(split_lines(held)) - 1)), [f"line {number}"], number, "x")
    for order in permutations((1, 2, 3)):
        left = held
        for number in order:
            left = take_out(left, number)
        assert left == data, order


@given(data=FILES, theirs=st.sampled_from([b"new\n", b"new", b"\n"]))
def test_what_somebody_wrote_behind_our_lines_stays(data: bytes, theirs: bytes) -> None:
    held = insert_block(data, 99, ["ours"], 7, "x")
    left = take_out(held + theirs, 7)
    assert left in (data + theirs, data + b"\n" + theirs, data + b"\r\n" + theirs)


@given(data=st.binary(max_size=200))
def test_no_file_makes_a_reader_of_marks_raise(data: bytes) -> None:
    for number in (*list_numbers(data), 3):
        find_block(data, number)
    assert behind_blocks(data, 2) >= 2
    assert b"".join(split_lines(data)) == data


def test_our_comments_have_the_line_ends_of_the_file_and_nothing_that_a_program_might_carry_out() -> None:
    held = insert_block(b"a\r\nb\r\n", 0, ["ours"], 3, "mtu:${exit}\x1b[2J\n`x` %y")
    assert held.split(b"\r\n")[1] == b"# >>> nicmedic 3: mtu:??exit???2J ?x? ?y; nicmedic release 3 takes this away"
    assert b"\n" not in held.replace(b"\r\n", b"")


def test_a_line_inside_a_block_means_the_end_of_the_block() -> None:
    held = insert_block(b"a\nb\n", 0, ["one", "two"], 3, "x")
    assert [behind_blocks(held, line) for line in range(6)] == [0, 4, 4, 4, 4, 5]


def test_a_torn_block_at_the_end_takes_no_newline_over() -> None:
    held = insert_block(b"a", 0, ["ours"], 3, "x") + b"# <<< nicmedic 4 00000000\n"
    assert take_out(held, 3) == b"a\n# <<< nicmedic 4 00000000\n"


def test_a_newline_that_two_blocks_need_is_there_until_the_second_goes() -> None:
    held = insert_block(insert_block(b"a", 0, ["one"], 3, "x"), 3, ["two"], 4, "x").replace(
        b"nicmedic 4: x", b"nicmedic 4 (newline added): x"
    )
    assert take_out(take_out(held, 3), 4) == b"a"


EDIT = FileEdit(path="/etc/f", before=b"a\nb\n", after=None)
OURS = insert_block(b"a\nb\n", 0, ["ours"], 3, "x")


def test_a_file_that_was_edited_elsewhere_loses_our_lines_only() -> None:
    assert take_out_marked("unit", EDIT, b"top\n" + OURS + b"end\n", 3) == b"top\na\nb\nend\n"


def test_a_file_without_anything_of_ours_stays() -> None:
    for after in (None, OURS):
        assert take_out_marked("unit", FileEdit(path="/etc/f", before=b"a\nb\n", after=after), b"new\n", 3) == b"new\n"


TWICE = insert_block(b"iface a\n\tmtu 1400\niface b\n", 3, ["\tmtu 1400", "\t# ours", "\tup x"], 3, "x")
TWO_CARDS = FileEdit(path="/etc/f", before=b"iface a\n\tmtu 1400\niface b\n", after=TWICE)


def test_lines_that_have_lost_their_comments_are_left_to_a_person() -> None:
    """Once released was told of such a file, and what it says was set at each boot all the same."""
    bare = b"iface a\n\tmtu 1400\niface b\n  mtu  1400\r\n\t# ours\n"
    answer = take_out_marked("unit", TWO_CARDS, bare, 3)
    assert isinstance(answer, NoPlace)
    assert answer.reasons == (
        "/etc/f has lost the comments of nicmedic 3; of its lines these are there: line 2 (mtu 1400), line 4 (mtu 1400)",
    )
    made = insert_block(b"", -1, ["ours"], 3, "x")
    assert isinstance(take_out_marked("unit", FileEdit(path="/etc/f", before=None, after=made), b"ours\n", 3), NoPlace)


def test_the_same_line_that_was_there_before_or_is_anothers_is_not_ours() -> None:
    for now in (b"iface a\n\tmtu 1400\n# mtu 1400\n", insert_block(TWO_CARDS.before or b"", 3, ["\tmtu 1400"], 4, "x")):
        assert take_out_marked("unit", TWO_CARDS, now, 3) == now


def test_a_file_that_was_made_for_us_goes_when_nothing_else_is_in_it() -> None:
    made = insert_block(b"", -1, ["ours"], 3, "x")
    assert take_out_marked("unit", FileEdit(path="/etc/f", before=None, after=made), made, 3) is None
    assert take_out_marked("unit", FileEdit(path="/etc/f", before=b"", after=made), made, 3) == b""
    assert take_out_marked("unit", FileEdit(path="/etc/f", before=None, after=made), made + b"theirs\n", 3) == b"theirs\n"


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (OURS.replace(b"ours", b"mine"), "lines 2 to 4 are nicmedic's and were edited"),
        (OURS.replace(b"# <<<", b"# <<"), r"one is missing or they are not in order \(line 2\)"),
        (OURS + OURS, r"not in order \(line 2, 4, 7, 9\)"),
        (b"\n".join(reversed(OURS.split(b"\n"))), "not in order"),
    ],
)
def test_our_own_lines_edited_are_left_to_a_person(now: bytes, told: str) -> None:
    answer = take_out_marked("unit", EDIT, now, 3)
    assert isinstance(answer, NoPlace)
    with pytest.raises(AssertionError, match=told):
        raise AssertionError(answer.reasons[0])


def test_a_change_of_line_ends_is_no_edit_of_our_lines() -> None:
    assert take_out_marked("unit", EDIT, OURS.replace(b"\n", b"\r\n"), 3) == b"a\r\nb\r\n"


def test_another_number_is_not_ours() -> None:
    assert find_block(OURS, 30) is None
    assert find_block(OURS, 3) == Block(first=1, last=3, joined=False, edited=False)


def test_many_forged_comments_take_no_time() -> None:
    """Two thousand took seven seconds once; this many would have taken ten minutes."""
    begins = b"".join(b"# >>> nicmedic %d: x\n" % number for number in range(1, 20001))
    ends = b"".join(b"# <<< nicmedic %d 00000000\n" % number for number in range(20000, 0, -1))
    assert behind_blocks(b"iface eth0 inet dhcp\n" + begins, 0) == 0
    assert behind_blocks(begins + ends, 20000) == 39999
    blocks = [b"# >>> nicmedic %d: x\n# <<< nicmedic %d 00000000\n" % (number, number) for number in range(1, 20001)]
    assert take_out(b"".join(blocks), 20000) == b"".join(blocks[:-1])
