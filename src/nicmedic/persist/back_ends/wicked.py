# SPDX-License-Identifier: GPL-2.0-or-later
"""SUSE's wicked: nothing is written into its files. What they say of the card is read, since wicked sets it at each ifup.

A real one, ``/etc/sysconfig/network/ifcfg-eth0``::

    ETHTOOL_OPTIONS='-K iface rx off'
    ETHTOOL_OPTIONS_ring='-G iface rx 4096'
    MTU='1450'

Each variable is one call, with ``-s`` where it does not begin with a dash; whatever its second word is, the card is meant (client/suse/compat-suse.c
``try_add_ethtool_vars``). Words that this version of wicked does not know it passes over in silence, and ethtool is not asked: so what is put there
may never be set.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from nicmedic.model.keeping import FileEdit, NoPlace, Placement, Wish
from nicmedic.persist.back_end import BackEnd, Found, Place
from nicmedic.persist.calls import Call
from nicmedic.persist.contradictions import contradicts_words, read_ethtool_words
from nicmedic.persist.ini import Setting, parse_assignments
from nicmedic.persist.stanza_placing import list_calls, tell_passed_over, why_not_owned

__all__ = ["BACK_END"]

_NAME: Final = "wicked"
_OPTIONS = re.compile(r"ETHTOOL_OPTIONS\w*\Z", re.ASCII)


def _find_path(place: Place) -> str | None:
    if why_not_owned(place, _NAME, _NAME):
        return None
    return next((each.path for each in place.owner.files if each.role == "defines"), None)


def _list_files(place: Place, _: Wish) -> tuple[str, ...]:
    path = _find_path(place)
    return () if path is None else (path,)


def _contradicts(there: Setting, call: Call) -> bool:
    if there.key == "MTU":
        return call.family == "mtu" and bool(there.value) and there.value != call.words[1]
    family, said = read_ethtool_words(there.value.split())
    return contradicts_words(family, said, call)


def _list_contradicting(data: bytes, call: Call) -> Iterator[Setting]:
    last = {each.key: each for each in parse_assignments(data.decode("utf-8", "surrogateescape"))}
    for key, there in last.items():
        if (key == "MTU" or _OPTIONS.match(key)) and _contradicts(there, call):
            yield there


def _find_claims(place: Place, wish: Wish, found: Found) -> Mapping[str, str]:
    path = _find_path(place)
    claims: dict[str, str] = {}
    for call in list_calls(place, wish).calls:
        for there in _list_contradicting(found.get(path or "") or b"", call):
            said = f"{', '.join(call.settings)}: {path} line {there.line} says {there.key}={there.value}"
            claims.update(dict.fromkeys(call.settings, said))
    return claims


def _place(place: Place, wish: Wish, found: Found) -> Placement | NoPlace:
    del found
    if refused := why_not_owned(place, _NAME, _NAME):
        return refused
    path = _find_path(place) or "its own state"
    reason = f"wicked has the card by {path}; it passes over in silence what it does not know there, so nothing is written"
    return tell_passed_over(place, wish, NoPlace(back_end=_NAME, reasons=(reason,)))


def _take_out(edit: FileEdit, now: bytes, number: int) -> bytes | NoPlace | None:
    """Nothing was ever written."""
    del edit, number
    return now


BACK_END: Final = BackEnd(name=_NAME, list_files=_list_files, place=_place, take_out=_take_out, find_claims=_find_claims)
