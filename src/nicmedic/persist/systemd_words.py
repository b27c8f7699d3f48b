# SPDX-License-Identifier: GPL-2.0-or-later
"""Words of systemd's unit files (man systemd.syntax, QUOTING; man systemd.service, COMMAND LINES)."""

import re
from collections.abc import Sequence

__all__ = ["quote_command", "quote_word"]

_PLAIN = re.compile(r"[A-Za-z0-9@+:,./_-]+")


def quote_word(word: str) -> str:
    r"""For a list of paths or of settings; ``%`` begins a specifier (man systemd.unit).

    >>> print(quote_word('5% of "x"'))
    "5%% of \"x\""
    """
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%") + '"'


def quote_command(words: Sequence[str]) -> str:
    r"""A command line; a dollar begins a variable there.

    >>> print(quote_command(("/bin/sh", "-c", 'echo "$1"')))
    /bin/sh -c "echo \"$$1\""
    """
    return " ".join(word if _PLAIN.fullmatch(word) else quote_word(word.replace("$", "$$")) for word in words)
