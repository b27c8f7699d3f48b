# SPDX-License-Identifier: GPL-2.0-or-later
"""Patterns that are compiled when they are first used.

nicmedic knows some 150 patterns for containers and a short log needs a dozen; compiling all of them took 50 of the 250 ms that ``explain`` may take.
"""

import re
from typing import cast

__all__ = ["lazy_pattern"]


class _LazyPattern:
    """Stands for a compiled pattern; each method is fetched once and then found on the instance itself."""

    def __init__(self, pattern: str, flags: int) -> None:
        self._pattern, self._flags = pattern, flags

    def __getattr__(self, name: str) -> object:
        value = getattr(re.compile(self._pattern, self._flags), name)
        setattr(self, name, value)
        return value


def lazy_pattern(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """A pattern like ``re.compile`` gives, compiled at its first use."""
    return cast("re.Pattern[str]", _LazyPattern(pattern, flags))
