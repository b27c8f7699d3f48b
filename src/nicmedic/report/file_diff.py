# SPDX-License-Identifier: GPL-2.0-or-later
"""What becomes of a file, as a unified diff that may be pasted into a ticket: passwords and keys are withheld, odd letters are written out."""

import difflib
from collections.abc import Iterable, Iterator

from nicmedic.model.keeping import FileEdit
from nicmedic.persist.secrets import withhold_secrets
from nicmedic.report.escape import escape_terminal

__all__ = ["render_diff", "render_diffs"]

_NO_NEWLINE = "\\ No newline at end of file"


def _split(data: bytes | None) -> list[str]:
    """Lines without their feeds; what the last one lacks stands as a line of its own, as diff tells it."""
    if not data:
        return []
    text = withhold_secrets(data.decode("utf-8", "surrogateescape"))
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else [*lines, _NO_NEWLINE]


def _lines(edit: FileEdit) -> Iterator[str]:
    old, new = ("/dev/null" if data is None else edit.path for data in (edit.before, edit.after))
    for line in difflib.unified_diff(_split(edit.before), _split(edit.after), old, new, lineterm=""):
        mark, rest = line[:1], line[1:]
        yield rest if rest == _NO_NEWLINE else mark + rest


def render_diff(edit: FileEdit) -> str:
    r"""One file.

    >>> print(render_diff(FileEdit(path="/etc/a", before=b"x\n", after=b"x\npassword=z")))
    --- /etc/a
    +++ /etc/a
    @@ -1 +1,2 @@
     x
    +password=<withheld>
    \ No newline at end of file
    """
    told = "\n".join("\t".join(map(escape_terminal, line.split("\t"))) for line in _lines(edit))  # a tab is part of the change
    return told or f"{escape_terminal(edit.path)}: an empty file is {'removed' if edit.after is None else 'made'}"


def render_diffs(edits: Iterable[FileEdit]) -> str:
    """All of them, one after the other."""
    return "\n".join(render_diff(edit) for edit in edits)
