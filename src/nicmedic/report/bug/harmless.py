# SPDX-License-Identifier: GPL-2.0-or-later
"""Text of a log or a host that must not become mail headers, orders to a robot, or markup.

Who can write a line into a kernel's log (a USB stick with a funny name, a guest) must not speak for the reporter.
"""

import re
from collections.abc import Iterable, Iterator

from nicmedic.report.escape import escape_terminal

__all__ = ["defuse", "defuse_markdown", "fence", "guard_line", "to_ascii", "to_mail", "to_word"]

_ORDERS = re.compile(r"#(?=\s*(?:regzbot|syz)\b)", re.IGNORECASE)
"""Robots that read mailing lists obey lines such as ``#regzbot invalid: …`` (Documentation/admin-guide/reporting-regressions.rst), ``#syz fix``."""
_MARKS = re.compile(r"[\\`*_\[\]|~$#]")
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
"""They are text even where a backslash is: in HTML that stands as it is (CommonMark 4.6)."""
_BEGINNING = re.compile(r"\A(?:[-+](?=\s|\Z)|[-=]+\s*\Z|\d{1,9}[.)](?=\s|\Z))")
"""What begins a list, or makes a heading of the line above: its mark is at the beginning, or behind the digits."""
_REFERENCE = re.compile(r"@(?=\w)|(?<=\\#)(?=\d)|(?<=\bGH-)(?=\d)", re.IGNORECASE)
_URL = re.compile(r"(?<=\w):(?=//)|www(?=\.)", re.IGNORECASE)
_BREAK = "<!-- -->"
"""Breaks a mention, a reference or an address apart, and is not seen. Never first in a line: all of it would then be HTML as it stands."""
_LONGEST = 900


def defuse(text: str) -> str:
    r"""One line for plain text: no control characters, no orders to robots.

    >>> defuse("x\n#regzbot invalid: no\x1b[2J")
    'x\\x0a# regzbot invalid: no\\x1b[2J'
    """
    return _ORDERS.sub("# ", escape_terminal(text))


def guard_line(line: str) -> str:
    """A finished line of mail that nothing along the way takes for something else.

    ``From `` begins the next mail of an mbox, a lone dot ends it for sendmail, ``-- `` begins a signature, and dashes begin a part of PGP or MIME.

    >>> guard_line("From here on"), guard_line("."), guard_line("eth0 hangs")
    (' From here on', ' .', 'eth0 hangs')
    """
    special = line.startswith(("From ", ">From ", "--", "begin ")) or line.rstrip() == "."
    return f" {line}" if special else line


def to_ascii(text: str) -> str:
    r"""For mail without a word on its character set.

    >>> to_ascii("Übersee")
    '\\xdcbersee'
    """
    return text.encode("ascii", "backslashreplace").decode("ascii")


def to_mail(lines: Iterable[str]) -> str:
    r"""All of a mail. What is longer than servers pass on (RFC 5322 2.1.1: 998 octets) goes on in the next line, behind a blank.

    >>> [len(line) for line in to_mail(["a" * 1000, "b"]).splitlines()]
    [900, 101, 1]
    """
    return "".join(f"{part}\n" for line in lines for part in _split(to_ascii(line)))


def _split(line: str) -> Iterator[str]:
    yield line[:_LONGEST]
    yield from (f" {line[at : at + _LONGEST]}" for at in range(_LONGEST, len(line), _LONGEST))


def to_word(text: str | None, pattern: str) -> str | None:
    """A value for a header, if it looks like one; else None, and the header is left out."""
    return text if text is not None and re.fullmatch(pattern, text, re.ASCII) else None


def defuse_markdown(text: str) -> str:
    r"""A sentence for GitHub's Markdown in which nothing is markup, names nobody and links nowhere.

    A backslash does not keep ``@name`` from calling somebody, for that is looked for in the finished page; a comment in between does.

    >>> defuse_markdown("<b>@octocat* #1"), defuse_markdown("1. www.evil.example")
    ('&lt;b&gt;@<!-- -->octocat\\* \\#<!-- -->1', '1\\. www<!-- -->.evil.example')
    """
    plain = _MARKS.sub(lambda found: f"\\{found[0]}", defuse(text).strip().translate(_ENTITIES))
    plain = _REFERENCE.sub(lambda found: f"{found[0]}{_BREAK}", plain)
    plain = _URL.sub(lambda found: f"{found[0]}{_BREAK}", plain)
    return _BEGINNING.sub(_escape_beginning, plain)


def _escape_beginning(found: re.Match[str]) -> str:
    digits = re.match(r"\d*", found[0])
    at = 0 if digits is None else digits.end()
    return f"{found[0][:at]}\\{found[0][at:]}"


def fence(lines: list[str]) -> list[str]:
    """Lines as a block of code that none of them can end (CommonMark 4.5: a fence ends with one at least as long)."""
    safe = [defuse(line) for line in lines]
    longest = max((len(run) for line in safe for run in re.findall("`+", line)), default=0)
    mark = "`" * max(3, longest + 1)
    return [f"{mark}text", *safe, mark]
