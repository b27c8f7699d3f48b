# SPDX-License-Identifier: GPL-2.0-or-later
"""Boots out of a list of logins: a boot begins with its record, and ends with that of its shutdown, or with none: a crash, as last(1) tells it."""

import dataclasses
from collections.abc import Iterable
from enum import Enum, auto
from typing import NamedTuple

from nicmedic.evidence.history.sighting import Sighting
from nicmedic.model.history import BootEnd

__all__ = ["Login", "LoginKind", "build_boots"]

_WITHIN_S = 60.0
"""The record is written by a program that the boot starts."""


class LoginKind(Enum):
    """What a record tells."""

    BOOT = auto()
    SHUTDOWN = auto()
    OTHER = auto()
    """Somebody logged in or out: the machine ran."""


class Login(NamedTuple):
    """One record."""

    kind: LoginKind
    moment: float
    release: str | None = None


def build_boots(records: Iterable[Login], source: str, *, zoned: bool = True) -> list[Sighting]:
    """In the order of the records.

    A shutdown that is not there means a crash only where this host writes shutdowns down at all.
    """
    boots: list[Sighting] = []
    tells_end = is_down = False
    for record in records:
        last = boots[-1] if boots else None
        if record.kind is LoginKind.BOOT:
            boots.append(
                Sighting(
                    source=source,
                    order=len(boots),
                    zoned=zoned,
                    began=record.moment,
                    within_s=_WITHIN_S,
                    seen=(record.moment, record.moment),
                    kernel_release=record.release,
                )
            )
            is_down = False
            continue
        if last is None or is_down:
            if record.kind is LoginKind.OTHER and last is None:
                boots.append(Sighting(source=source, order=0, zoned=zoned, seen=(record.moment, record.moment)))
            continue
        first, until = last.seen or (record.moment, record.moment)
        if record.moment < first:
            continue  # a clock went back; where, this list does not tell
        boots[-1] = dataclasses.replace(last, seen=(first, max(until, record.moment)))
        if record.kind is LoginKind.SHUTDOWN:
            boots[-1] = dataclasses.replace(boots[-1], seen=(first, record.moment), end=BootEnd.CLEAN, exact_end=True)
            tells_end = is_down = True
    return [_end(boot, boots[number + 1] if number + 1 < len(boots) else None, tells_end=tells_end) for number, boot in enumerate(boots)]


def _end(boot: Sighting, later: Sighting | None, *, tells_end: bool) -> Sighting:
    """What is written after the next boot began cannot be of this one."""
    if later is None or later.began is None or boot.seen is None:
        return boot
    seen = (min(boot.seen[0], later.began), min(boot.seen[1], later.began)) if boot.seen[0] <= later.began else boot.seen
    crashed = tells_end and boot.end is BootEnd.UNKNOWN and boot.began is not None
    return dataclasses.replace(boot, seen=seen, end=BootEnd.CRASH if crashed else boot.end)
