# SPDX-License-Identifier: GPL-2.0-or-later
"""Make text out of a log harmless for a terminal, and file names harmless for a shell."""

import re
import shlex

__all__ = ["escape_terminal", "quote_file_name"]

# C0 and C1 controls, and the marks that turn the direction of writing (CVE-2021-42574) or hide text.
_HARMFUL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]")


def escape_terminal(text: str) -> str:
    r"""Write control and direction characters as ``\xNN`` or ``\uNNNN``; a tab becomes a blank.

    >>> escape_terminal("eth0\x1b[2J")
    'eth0\\x1b[2J'
    """
    return _HARMFUL.sub(
        lambda found: " " if found[0] == "\t" else f"\\x{ord(found[0]):02x}" if ord(found[0]) < 256 else f"\\u{ord(found[0]):04x}", text
    )


def quote_file_name(name: str) -> str:
    """A file name as one word of a command that somebody may paste; ``-`` alone stays what it is, standard input.

    >>> quote_file_name("/var/log/kern.log"), quote_file_name("-x;reboot"), quote_file_name("-")
    ('/var/log/kern.log', "'./-x;reboot'", '-')
    """
    return shlex.quote(f"./{name}" if name.startswith("-") and name != "-" else name)
