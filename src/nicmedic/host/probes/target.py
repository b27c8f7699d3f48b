# SPDX-License-Identifier: GPL-2.0-or-later
"""Whom a probe asks and over what, and the words for it that a transaction keeps: ``tcp [2001:db8::7]:22 over br0``."""

import re
import time
from dataclasses import dataclass

from nicmedic.model.probe_words import Ip, parse_address
from nicmedic.model.transaction import ProbeState

__all__ = ["Place", "Said", "Target", "parse_target"]

Said = tuple[ProbeState, str]
"""What a probe found, and the words for it."""
_PORT = re.compile(r"(?:\[(?P<six>[^\]]+)\]|(?P<four>[^:]+)):(?P<port>\d{1,5})\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One probe as it was chosen."""

    kind: str
    address: Ip | None = None
    port: int | None = None
    over: str | None = None
    """The bridge, bond or VLAN above the card that is asked over; None: the card itself, whatever it is called."""

    @property
    def words(self) -> str:
        """As ``parse_target`` reads them."""
        end = "" if self.address is None else str(self.address)
        if self.port is not None:
            end = f"[{end}]:{self.port}" if ":" in end else f"{end}:{self.port}"
        return " ".join([self.kind, *([end] if end else []), *(["over", self.over] if self.over else [])])


def parse_target(words: str) -> Target | None:
    """The inverse of ``Target.words``; None: this was not written by us.

    >>> parse_target("tcp [2001:db8::7]:22 over br0")
    Target(kind='tcp', address=IPv6Address('2001:db8::7'), port=22, over='br0')
    """
    kind, _, rest = words.partition(" ")
    end, _, over = rest.partition(" over ")
    if not end:
        return Target(kind=kind)
    found = _PORT.match(end) if kind == "tcp" else None
    address = parse_address(end if found is None else found["six"] or found["four"])
    if address is None:
        return None
    return Target(kind=kind, address=address, port=None if found is None else int(found["port"]), over=over or None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a probe is carried out, as it is at this moment."""

    card: str
    """Present name of the treated card's interface."""
    interface: str
    """What is sent over: the card, or what stands on it."""
    until: float
    """On the clock that never steps; what is not there by then does not come."""
    process: int
    """Whose session is meant, for the probe of that."""

    @property
    def left_s(self) -> float:
        """How long there is still to wait."""
        return max(0.0, self.until - time.monotonic())
