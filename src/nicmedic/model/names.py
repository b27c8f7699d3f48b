# SPDX-License-Identifier: GPL-2.0-or-later
"""Names that come out of a log and go into a command that somebody may paste."""

import re

__all__ = ["shell_name"]

_HARMLESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:@+-]{0,62}\Z")


def shell_name(name: str | None, placeholder: str) -> str:
    """The name if a shell takes it as one plain word and no program as an option; else the placeholder.

    The kernel lets an interface be called almost anything without a blank or a slash (net/core/dev.c ``dev_valid_name``),
    and a log may hold what it likes.

    >>> shell_name("eth0", "IFACE"), shell_name("eth0;reboot", "IFACE"), shell_name("-x", "IFACE")
    ('eth0', 'IFACE', 'IFACE')
    """
    return name if name is not None and _HARMLESS.match(name) else placeholder
