# SPDX-License-Identifier: GPL-2.0-or-later
"""Before a kernel is tried: which cards carry traffic and are watched, and what will not be seen of them."""

from collections.abc import Iterator, Sequence
from typing import Final

from nicmedic.app.boot_trial.edges import TrialEdges
from nicmedic.diagnosis.probing import ANSWERS, find_flow
from nicmedic.model.boot_trial import Card, Wanted
from nicmedic.model.errors import RefusedError, UsageError
from nicmedic.model.host import Host
from nicmedic.model.plan import Identity
from nicmedic.model.transaction import ProbeResult, ProbeState
from nicmedic.remedy.planning import build_identity
from nicmedic.report.escape import escape_terminal

__all__ = ["find_cards"]

_OF_THE_SESSION: Final = frozenset({"ssh"})
"""Probes of whoever is logged in now: nobody is after a boot."""

_MORE_ROUNDS: Final = 2


def _kind(result: ProbeResult) -> str:
    return result.probe.partition(" ")[0]


def _run_probes(edges: TrialEdges, nic: Identity, probes: tuple[str, ...]) -> tuple[ProbeResult, ...]:
    """Again where nothing is seen to flow: a busy host may miss one answer."""
    results = edges.prober.run_probes(nic, probes)
    for _ in range(_MORE_ROUNDS):
        if find_flow(results):
            break
        results = edges.prober.run_probes(nic, probes)
    return results


def find_cards(edges: TrialEdges, wanted: Wanted) -> tuple[tuple[Card, ...], tuple[str, ...]]:
    """Those that carry traffic now; and what is to be told of them and of others, a sentence each.

    Raises:
        RefusedError: none does, or a probe that was asked for passes over none: so nothing could show that they still do.
        UsageError: a probe is not understood.
    """
    host = edges.machine.read_host()
    cards, asked, notes = [], set[str](), []
    for nic in host.nics:
        if nic.carrier is not True:
            continue
        identity = build_identity(nic)
        chosen = edges.prober.choose_probes(host, identity, wanted.probes)
        edges.tell(f"looking whether {escape_terminal(nic.interface)} carries traffic")
        asked.update(_find_asked(edges, host, identity, wanted.probes))
        results = _run_probes(edges, identity, chosen)
        if find_flow(results):
            before = tuple(result for result in results if _kind(result) not in _OF_THE_SESSION)
            cards.append(Card(nic=identity, interface=nic.interface, before=before))
            notes += [*_say_unasked(cards[-1]), *_say_unmade(edges, host, cards[-1], wanted.traffic.host)]
        else:
            notes.append(
                f"{nic.interface} has a link, and nothing is seen to flow over it now: it is not watched, and a hang of it not seen"
            )
    if not cards:
        hint = "nicmedic check\nnicmedic trial start KERNEL --probe ping:ADDRESS   # or tcp:HOST:PORT, of one that answers"
        raise RefusedError("no card is seen to carry traffic now, so none could show that it still does with another kernel", hint=hint)
    passed = {result.probe for card in cards for result in card.before if result.state is ProbeState.PASSED}
    if not asked <= passed:
        names = ", ".join(map(escape_terminal, sorted(asked - passed)))
        raise RefusedError(f"{names} does not pass now over any card, so it could not show anything later", hint="nicmedic check")
    return tuple(cards), tuple(notes)


def _find_asked(edges: TrialEdges, host: Host, nic: Identity, asked: Sequence[str]) -> set[str]:
    """Probes that there are only since somebody asked for them."""
    if not asked:
        return set()
    return set(edges.prober.choose_probes(host, nic, asked)).difference(edges.prober.choose_probes(host, nic, ()))


def _say_unasked(card: Card) -> Iterator[str]:
    """That it receives is shown by answers only."""
    if not any(result.state is ProbeState.PASSED and _kind(result) in ANSWERS for result in card.before):
        yield (
            f"over {card.interface} nobody answers who can be asked after the boot too, so that it still receives is not shown;"
            " --probe ping:ADDRESS names somebody"
        )


def _say_unmade(edges: TrialEdges, host: Host, card: Card, other: str | None) -> Iterator[str]:
    """Whoever is to answer the traffic that is made does not; where that cannot be asked, the soak shows it."""
    if other is None:
        return
    try:
        asked = sorted(_find_asked(edges, host, card.nic, (f"ping:{other}",)))
    except UsageError:
        return
    if asked and not any(result.state is ProbeState.PASSED for result in edges.prober.run_probes(card.nic, asked)):
        yield f"{other} is not seen to answer over {card.interface} now, so the traffic that is wanted may not come about there"
