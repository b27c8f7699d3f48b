# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether a pattern fits a NIC: yes, no, or cannot be told because the NIC's own value is not known."""

import re
from collections.abc import Iterable, Sequence
from fnmatch import translate
from functools import lru_cache

__all__ = ["all_fit", "fit_any_address", "fit_patterns", "fits_glob", "is_address", "normal_address"]

_ADDRESS = re.compile(r"(?:[0-9a-f]{1,2}[:-]){5}[0-9a-f]{1,2}\Z|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}\Z|[0-9a-f]{12}\Z", re.IGNORECASE)
_LONGEST = 256


def is_address(text: str) -> bool:
    """Whether it looks like a MAC address, in any of the usual spellings."""
    return _ADDRESS.match(text) is not None


def normal_address(text: str) -> str:
    """One spelling for all.

    >>> normal_address("52-54-00-A-BB-1"), normal_address("5254.000a.bb01")
    ('52:54:00:0a:bb:01', '52:54:00:0a:bb:01')
    """
    text = text.strip().lower()
    if re.search("[:-]", text):
        return ":".join(part.zfill(2) for part in re.split("[:-]", text))
    digits = text.replace(".", "")
    return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))


@lru_cache(maxsize=1024)
def _compiled(glob: str) -> re.Pattern[str]:
    return re.compile(translate(glob.replace("[^", "[!")))


def fits_glob(text: str, glob: str) -> bool:
    """``fnmatch(3)`` without flags; a glob longer than any name fits nothing.

    >>> fits_glob("eth0", "e[nt]*"), fits_glob("eth0", "ETH0")
    (True, False)
    """
    if len(glob) > _LONGEST:
        return False
    try:
        return _compiled(glob).match(text) is not None
    except re.error:
        return text == glob


def fit_patterns(patterns: Sequence[str], values: Iterable[str | None]) -> bool | None:
    """As systemd judges a list of globs, ``!`` before one that must not fit (net-condition.c ``net_condition_test_strv``); any of the values will do.

    >>> fit_patterns(["!veth*", "!br*"], ["eth0"]), fit_patterns(["en*"], ["eth0"]), fit_patterns(["en*"], [None])
    (True, False, None)
    """
    answers: list[bool | None] = []
    for value in values:
        if value is None:
            answers.append(None)
        elif any(fits_glob(value, each[1:]) for each in patterns if each.startswith("!")):
            answers.append(False)
        else:
            positive = [each for each in patterns if not each.startswith("!")]
            answers.append(not positive or any(fits_glob(value, each) for each in positive))
    if any(answers):
        return True
    return None if None in answers else False


def fit_any_address(addresses: Iterable[str], known: Sequence[str | None]) -> bool | None:
    """Whether one of the addresses is one of the NIC's."""
    wanted = {normal_address(each) for each in addresses if is_address(each)}
    if any(each is not None and normal_address(each) in wanted for each in known):
        return True
    return None if None in known else False


def all_fit(answers: Iterable[bool | None]) -> bool | None:
    """No where one says no; else unknown where one is unknown."""
    held = list(answers)
    if False in held:
        return False
    return None if None in held else True
