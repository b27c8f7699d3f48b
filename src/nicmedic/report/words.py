# SPDX-License-Identifier: GPL-2.0-or-later
"""Numbers and names as people say them."""

from collections.abc import Sequence

__all__ = ["join_names", "lower_first", "name_nic", "say_count", "say_times"]

_AT_MOST_NAMES = 3
_UNNAMED = "(unnamed net_device)"


def say_count(number: int, word: str) -> str:
    """A number with its noun.

    >>> say_count(1, "boot"), say_count(3, "boot")
    ('1 boot', '3 boots')
    """
    return f"{number} {word}{'' if number == 1 else 's'}"


def say_times(number: int) -> str:
    """How often.

    >>> say_times(1), say_times(2), say_times(5)
    ('once', 'twice', '5 times')
    """
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def join_names(names: Sequence[str]) -> str:
    """Several names; of many only the first.

    >>> join_names(["eth0", "eth1"]), join_names(["a", "b", "c", "d", "e"])
    ('eth0 and eth1', 'a, b, c and 2 more')
    """
    if len(names) > _AT_MOST_NAMES + 1:
        return f"{', '.join(names[:_AT_MOST_NAMES])} and {len(names) - _AT_MOST_NAMES} more"
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def name_nic(interface: str | None, driver: str | None, bus: str | None = None) -> str:
    """What to call one NIC. The kernel's word for an interface without a name is none."""
    name = (bus or "").rstrip(":") if interface is None or interface.startswith(_UNNAMED) else interface
    if not name:
        return f"a NIC of {driver}" if driver else "the host"
    return f"{name} ({driver})" if driver else name


def lower_first(title: str, names: frozenset[str]) -> str:
    """A title within a sentence: its first letter small, unless the word is a name or an abbreviation.

    >>> [lower_first(title, frozenset({"Google"})) for title in ("A link sleeps", "TSO hangs", "Google's host", "EEE hangs")]
    ['a link sleeps', 'TSO hangs', "Google's host", 'EEE hangs']
    """
    word = title.split(" ", 1)[0].removesuffix("'s")
    return title if word in names or not (word == "A" or word[1:].islower()) else title[:1].lower() + title[1:]
