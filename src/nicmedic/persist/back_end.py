# SPDX-License-Identifier: GPL-2.0-or-later
"""What one way of making settings permanent offers: which files it must see, what it would write, and how its lines are taken out again.

All of it pure: bytes come in, bytes go out. A back end refuses what it cannot do well, with the reason; the next in ``back_ends/table.py`` is asked.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from nicmedic.model.keeping import FileEdit, NoPlace, Placement, Wish
from nicmedic.model.plan import Identity
from nicmedic.persist.files import FoundFiles
from nicmedic.persist.values import Owner, Target

__all__ = ["BackEnd", "Found", "Place"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The card, and what configures it on this host."""

    number: int
    """Of the kept remedy that is to be: stands in every mark and every name of a file of ours."""
    nic: Identity
    target: Target
    owner: Owner
    files: FoundFiles
    """For finding one's way only: texts there are decoded and lack secrets."""
    versions: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Of ``systemd``, ``networkmanager``, ``netplan``, ``ifupdown2``, ``ethtool``, as far as they are installed and tell."""
    tools: frozenset[str] = frozenset()
    """Programs that are installed."""


def _claim_nothing(_place: Place, _wish: Wish, _found: "Found") -> Mapping[str, str]:
    return {}


Found = Mapping[str, bytes | None]
"""Every path that ``list_files`` named, links followed as told there: its bytes; None: there is no such file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackEnd:
    """One way."""

    name: str
    list_files: Callable[[Place, Wish], tuple[str, ...]]
    """The files that ``place`` wants to see, byte for byte; whole paths. Those in which it would write are among them."""
    place: Callable[[Place, Wish, Found], Placement | NoPlace]
    """What would be written for those settings of the wish that this back end can bring about, at least one of them.

    Lines of ours stand between the comments of ``persist/marks.py``; what is outside them stays as it is, to the byte.
    """
    take_out: Callable[[FileEdit, bytes, int], bytes | NoPlace | None]
    """A file that somebody has edited since, as it is now, and our number: it without our lines, theirs kept. None: nothing of theirs is in it.
    ``NoPlace``: our lines themselves were edited, with the numbers of these lines."""
    find_claims: Callable[[Place, Wish, Found], Mapping[str, str]] = _claim_nothing
    """Names of settings of which a line of somebody else's in the manager's own files speaks, with file and line.

    The manager sets them by that line whenever it brings the card up, so that no other place is good for them: they are kept nowhere.
    """
