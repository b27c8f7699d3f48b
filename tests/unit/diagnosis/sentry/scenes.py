# SPDX-License-Identifier: GPL-2.0-or-later
"""How a scene over a simulated card begins, and what is told in it."""

from collections.abc import Callable

from nicmedic.model.sample import Signal, SignalKind
from nicmedic.model.watched import Card
from nicmedic.testing.simulated import SimulatedCard
from nicmedic.testing.vigil import Vigil

__all__ = ["act", "busy", "plain", "several", "tell"]


def busy(rate: float = 10.0, card: Card | None = None, *, has_bql: bool = True, counts_when_handed: bool = False, keep: int = 0) -> Vigil:
    """Watch a card that has been sending and receiving for ten seconds."""
    simulated = SimulatedCard(card, has_bql=has_bql, counts_when_handed=counts_when_handed, keep=lambda frames: min(frames, keep))
    simulated.tx_rate = simulated.rx_rate = rate
    vigil = Vigil(simulated)
    vigil.run(10.0)
    assert not vigil.verdicts
    return vigil


def several(queues: int = 4) -> Card:
    return Card(interface="eth0", ifindex=2, driver="igb", tx_queues=queues, has_bql=True)


def plain(driver: str = "8139too") -> Card:
    return Card(interface="eth0", ifindex=2, driver=driver, has_bql=False)


def tell(vigil: Vigil, kind: SignalKind, text: str = "", value: int | None = None, interface: str | None = "eth0") -> None:
    vigil.hear(Signal(kind=kind, monotonic_s=vigil.clock.read_monotonic_s(), interface=interface, text=text, value=value))


def act(vigil: Vigil, happens: Callable[[float], tuple[Signal, ...]]) -> None:
    vigil.hear(*happens(vigil.clock.read_monotonic_s()))
