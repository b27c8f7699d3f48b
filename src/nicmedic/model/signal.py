# SPDX-License-Identifier: GPL-2.0-or-later
"""A message pattern that means something; the values of the ``[[signal]]`` tables described in ``docs/knowledge.md``."""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from nicmedic.model.event import EventKind

__all__ = ["Signal", "Where"]


class Where(StrEnum):
    """What a signal's pattern is matched against."""

    DRIVER = "driver"
    INTERFACE = "interface"
    DEVICE = "device"
    MESSAGE = "message"


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One pattern. It is compiled when it is first needed: most logs need few."""

    file: str
    id: str
    kind: EventKind | None
    """None: a fact, told to the diagnosis and not listed as an event."""
    where: Where
    literal: str
    pattern: str
    hang: bool
    means: str
    scan: bool
    """Whether big logs are searched for it; False: ordinary logs are full of it, and it matters only near other signals."""
    drivers: tuple[str, ...]
    """Driver names for which ``where = driver`` holds; empty for core and platform files."""

    @property
    def key(self) -> str:
        """``file/id``, unique over all knowledge."""
        return f"{self.file}/{self.id}"

    def match(self, text: str) -> re.Match[str] | None:
        """Match from the start of ``text``."""
        return _compiled(self.pattern).match(text)
