# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of traffic over one network card, and the proof that an answer came through it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from nicmedic.model.host import Host
from nicmedic.model.plan import Identity
from nicmedic.model.transaction import ProbeResult

__all__ = ["Prober", "Proof"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Whether the session of whoever confirms comes through the treated card."""

    through: bool | None
    """None: it cannot be known."""
    detail: str
    """What was seen: ``ssh from 192.0.2.7 over eth0: 312 bytes were acknowledged``."""


class Prober(Protocol):
    """Sends a few frames and listens. Changes nothing, never raises for what a network may be like."""

    def choose_probes(self, host: Host, nic: Identity, asked: Sequence[str]) -> tuple[str, ...]:
        """Which probes make sense for this card: ``carrier``, ``tx``, ``gateway ADDRESS``, ``ping ADDRESS``, ``tcp HOST:PORT``, ``ssh``.

        Args:
            host: as it was just read.
            nic: the treated card.
            asked: further ones, as the user typed them.

        Raises:
            UsageError: one of them is not understood.
        """

    def run_probes(self, nic: Identity, probes: Sequence[str], within_s: float = 2.0) -> tuple[ProbeResult, ...]:
        """Run them side by side, each within that time; results in the order asked for."""

    def prove_session(self, nic: Identity) -> Proof:
        """Whether the terminal of this process comes through the card, shown by bytes that its other end acknowledges now."""
