# SPDX-License-Identifier: GPL-2.0-or-later
"""The table in docs/keep.md: what the tests print becomes its cells, and nothing else of the page changes."""

from lab import disk
from tests.lab.keep_table import BEGIN, END, PAGE, read_results, render_table, replace_table

PRINTED = """\
.kept | ifupdown | mtu:1400 | ifupdown | left: mtu 1400
Fkept | ifupdown | mtu:1400 | ifupdown | held
kept | networkd | mtu:1400 | unit | boot: 'mtu 1500', drifted
kept | networkd | eee-off |  | not on this card
what is kept
"""


def test_a_cell_is_the_place_where_all_was_well_and_else_what_was_not() -> None:
    results = read_results(PRINTED.splitlines())
    assert results == {
        "mtu:1400": {"ifupdown": "ifupdown", "networkd": "boot: 'mtu 1500', drifted"},
        "eee-off": {"networkd": "not on this card"},
    }
    head, _, first, second = render_table(results).splitlines()
    assert head.split(" | ")[1:] == [*(manager.name for manager in disk.MANAGERS[:-1]), f"{disk.MANAGERS[-1].name} |"]
    assert first.startswith("| `mtu:1400` | ifupdown | not tried | boot: ")
    assert second.count("not tried") == len(disk.MANAGERS) - 1


def test_only_what_stands_between_the_marks_is_replaced() -> None:
    page = f"before\n{BEGIN}old\n{END}after\n"
    assert replace_table(page, "new\n") == f"before\n{BEGIN}new\n{END}after\n"


def test_the_page_has_a_place_for_it() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page.count(BEGIN) == page.count(END) == 1
    assert replace_table(page, page.partition(BEGIN)[2].partition(END)[0]) == page
