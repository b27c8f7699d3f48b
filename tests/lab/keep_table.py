# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes the table in docs/keep.md out of what ``test_keep.py`` prints.

``pytest --long -s tests/lab/test_keep.py | python -m tests.lab.keep_table``
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from lab import disk

__all__ = ["HELD", "render_table", "replace_table"]

PAGE = Path(__file__).parents[2] / "docs/keep.md"
BEGIN, END = "<!-- begin: made by tests/lab/keep_table.py -->\n", "<!-- end: made by tests/lab/keep_table.py -->\n"
HELD = "held"
"""The result of a remedy that was in force after the boot and after the flap, and that left nothing once released."""


def read_results(lines: Iterable[str]) -> dict[str, dict[str, str]]:
    """Remedy, manager: where it was kept, and what became of it. A test that was repeated counts as it ended last."""
    found: dict[str, dict[str, str]] = {}
    for line in lines:
        _, mark, rest = line.rstrip("\n").rpartition("kept | ") if "kept | " in line else ("", "", "")
        words = rest.split(" | ")
        if mark and len(words) == 4:
            manager, remedy, place, result = words
            found.setdefault(remedy, {})[manager] = place if result == HELD else result
    return found


def render_table(results: dict[str, dict[str, str]]) -> str:
    """One row a remedy, one column a manager; a cell names the place, if all was well."""

    def lines() -> Iterator[str]:
        names = [manager.name for manager in disk.MANAGERS]
        yield f"| remedy | {' | '.join(names)} |"
        yield "|---" * (len(names) + 1) + "|"
        for remedy, cells in results.items():
            yield f"| `{remedy}` | {' | '.join(cells.get(name, 'not tried') for name in names)} |"

    return "".join(f"{line}\n" for line in lines())


def replace_table(page: str, table: str) -> str:
    """The page with this table between its two marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{table}{END}{after}"


def main() -> int:
    """From standard input into the page."""
    results = read_results(sys.stdin)
    if not results:
        print("keep_table: no result to be read", file=sys.stderr)  # noqa: T201  # it is a program
        return 1
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(replace_table(page, render_table(results)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
