# SPDX-License-Identifier: GPL-2.0-or-later
r"""Records of /dev/kmsg and of extended netconsole, which may put the kernel release in front and cut long ones into fragments.

Real lines (Documentation/ABI/testing/dev-kmsg, since 3.5; Documentation/networking/netconsole.rst, extended since 4.4, release since 6.6):

    6,1234,551326415,-;NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out
     SUBSYSTEM=pci
     DEVICE=+pci:0000:02:00.0
    6.12.9-amd64,6,1234,551326415,-;NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out
    6,1235,551326500,-,ncfrag=0/1320;first 960 bytes of a long record
"""

import re

from nicmedic.kernlog.formats.head import Head, LineFormat
from nicmedic.kernlog.lazy import lazy_pattern

__all__ = ["FORMATS", "parse_dictionary"]

_KMSG = lazy_pattern(
    r"(?:(?P<release>\d+\.\d+[^,;\s]{0,64}),)?(?P<prio>\d{1,4}),(?P<seq>\d{1,20}),(?P<us>\d{1,18}),(?P<flags>[^;\n]{1,200});(?P<text>.*)",
    re.DOTALL,
)
_FRAGMENT = lazy_pattern(r"ncfrag=(\d{1,6})/(\d{1,6})")
_ESCAPE = lazy_pattern(r"\\x([0-9a-f]{2})")
_DICTIONARY = lazy_pattern(r" (?P<key>[A-Z][A-Z0-9_]*)=(?P<value>[^\n]*)\Z")
_DEVICE = lazy_pattern(r"\+[\w-]+:(?P<name>\S+)\Z")
_LEVELS_A_FACILITY = 8


def _unescape(text: str) -> str:
    r"""Newlines and tabs come back; every other control character stays visible as ``\xNN``."""
    return _ESCAPE.sub(lambda found: {"0a": "\n", "09": "\t", "5c": "\\"}.get(found[1], found[0]), text)


def _parse(line: str) -> Head | None:
    found = _KMSG.match(line)
    if found is None:
        return None
    fragment = _FRAGMENT.search(found["flags"])
    return Head(
        _unescape(found["text"]),
        uptime_s=int(found["us"]) / 1e6,
        level=int(found["prio"]) % _LEVELS_A_FACILITY,
        kernel=int(found["prio"]) < _LEVELS_A_FACILITY,
        fragment=(found["seq"], int(fragment[1]), int(fragment[2])) if fragment else None,
        release=found["release"],
    )


def parse_dictionary(line: str) -> tuple[str, str] | None:
    """A line of the dictionary below a record, as key and value; for ``DEVICE`` the value is the bus address alone.

    >>> parse_dictionary(" DEVICE=+pci:0000:02:00.0")
    ('DEVICE', '0000:02:00.0')
    """
    found = _DICTIONARY.match(line)
    if found is None:
        return None
    device = _DEVICE.match(found["value"]) if found["key"] == "DEVICE" else None
    return found["key"], device["name"] if device else found["value"]


FORMATS = (LineFormat("kmsg", _parse),)
