# SPDX-License-Identifier: GPL-2.0-or-later
"""Take passwords and keys out of a configuration before anything else sees it. Line numbers stay; names, addresses and the rest are kept.

A key is known by its name, in all the manners of these files: ``psk=``, ``WPA_PSK='…'``, ``wpa-psk …``, ``option key '…'``, ``password: …``,
``{password: …}``; in commands and URLs by its place. What is withheld reads ``<withheld>``.
"""

import re
from collections.abc import Iterator

__all__ = ["WITHHELD", "withhold_secrets"]

WITHHELD = "<withheld>"

_WORDS = (
    r"psk|wpa[-_]?key|pass(?:word|wd|phrase|code)?|secrets?|private[-_]?key|preshared[-_]?key|shared[-_]?key|wep[-_]?(?:tx)?key|wireless[-_]key(?:[-_]?\d)?"
    r"|auth[-_]?key|pin|puk|token|credentials?|community|api[-_]?key"
)
_KEY = rf"(?:[\w.-]*[-_.])?(?:{_WORDS})\d*(?:[-_.]?(?:raw|file|flags|data|hash))?|key[0-3]?(?:_\d)?|[\w-]*password[\w-]*|[\w-]*passphrase[\w-]*"
_LINE = re.compile(
    rf"^(?P<head>\s*(?:-\s+)?(?:export\s+|option\s+|list\s+)?[\"']?(?P<key>{_KEY})[\"']?(?P<mark>\s*[:=]\s*|\s+))(?P<value>\S.*?)(?P<end>\s*)$",
    re.IGNORECASE,
)
_EMPTY = re.compile(rf"^\s*(?:-\s+)?[\"']?(?:{_KEY})[\"']?\s*:\s*(?:[|>][-+\d]*)?\s*$", re.IGNORECASE)
_INLINE = re.compile(
    rf"(?P<head>(?<![\w-])[\"']?(?:{_KEY})[\"']?\s*[:=]\s*)(?P<value>\"(?:[^\"\\]|\\.)*\"|'[^']*'|[^\s,;{{}}\]]+)", re.IGNORECASE
)
_LONGEST = 8192
"""A longer line with such a word in it is withheld whole: no configuration has one, and to look for the value could take for ever."""
_HINT = re.compile(r"psk|pass|secret|key|pin|puk|token|credential|community|-----BEGIN|curl|iscsi:|://[^\s/]*@", re.IGNORECASE)
"""Without any of these a line has no secret, and is not looked at closer: logs are long."""
_ARGUMENT = r"(?:\"[^\"]*\"|'[^']*'|[^\s\"']\S*)"
_COMMANDS = re.compile(
    rf"""
     (?P<url>://)[^\s/\"'@:]{{0,256}}:[^\s/\"']{{0,256}}@
    |(?P<iscsi>(?<![\w-])iscsi:)[^\s@]{{1,256}}@
    |(?P<curl>\bcurl\b[^\n]{{0,500}}?\s(?:-u|-U|--user|--proxy-user)[\ =]*){_ARGUMENT}
    |(?P<ssh>\bsshpass\s+-p\s*){_ARGUMENT}
    |(?P<wpa>\bwpa_passphrase\s+{_ARGUMENT}\s+){_ARGUMENT}
    |(?P<iw>\biw\b[^\n]{{0,300}}?\bkeys?\s+(?:d:)?[0-3]:)\S+
    |(?P<iwconfig>\biwconfig\b[^\n]{{0,300}}?\s(?:key|enc)\s+){_ARGUMENT}
    """,
    re.VERBOSE,
)
"""Passwords in URLs, and among the arguments of commands: of ``up`` and ``post-up``, of the kernel's command line, of apt's history."""
_SECTION = re.compile(r"^\s*\[(?P<name>[^\]]*)\]\s*$")
_SECRET_SECTION = re.compile(r"secret", re.IGNORECASE)
_PEM_BEGIN, _PEM_END = "-----BEGIN", "-----END"


def withhold_secrets(text: str) -> str:
    r"""The same lines, with the values of secrets replaced.

    >>> withhold_secrets("[wifi-security]\npsk=hunter2\nid=lan\n")
    '[wifi-security]\npsk=<withheld>\nid=lan\n'
    """
    return "\n".join(_lines(text)) if _HINT.search(text) else text


def _lines(text: str) -> Iterator[str]:
    continued = secret_section = pem = False
    block: int | None = None
    for line in text.split("\n"):
        quiet = not (continued or secret_section or pem or block is not None)
        if quiet and not _HINT.search(line):
            yield line
            continue
        if len(line) > _LONGEST:
            yield WITHHELD
            continue
        indent = len(line) - len(line.lstrip())
        if section := _SECTION.match(line):
            secret_section = _SECRET_SECTION.search(section["name"]) is not None
        if block is not None and line.strip() and indent <= block:
            block = None
        if pem or (continued and line.strip()) or (block is not None and line.strip()) or _PEM_BEGIN in line:
            pem = (pem or _PEM_BEGIN in line) and _PEM_END not in line
            continued = continued and line.rstrip().endswith("\\")
            yield " " * min(indent, 80) + WITHHELD
            continue
        found = _LINE.match(line)
        continued = found is not None and line.rstrip().endswith("\\")
        if secret_section and not section and "=" in line:
            yield line.split("=", 1)[0] + "=" + WITHHELD
        elif found and not _EMPTY.match(line):
            yield found["head"] + WITHHELD + found["end"]
        else:
            block = indent if _EMPTY.match(line) else block
            commands = _COMMANDS.sub(lambda each: f"{each[each.lastgroup or 0]}{WITHHELD}{'@' if each[0].endswith('@') else ''}", line)
            yield _INLINE.sub(lambda each: each["head"] + WITHHELD, commands)
