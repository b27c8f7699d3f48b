# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic watch --once``: would it work here? Everything is tried; at most folders are made, and no incident is written."""

from collections.abc import Callable, Iterator

from nicmedic.model.policy import Mode, Policy
from nicmedic.model.sample import Sample
from nicmedic.model.self_test import CardTest, SelfTest
from nicmedic.model.watched import Card
from nicmedic.ports.clock import Clock
from nicmedic.ports.watching import Senses
from nicmedic.remedy.policy import find_nic_policy

__all__ = ["try_senses"]

_ANSWER_S = 1.0
_STEP_S = 0.1


def _has_bql(card: Card, sample: Sample | None) -> bool | None:
    """Bytes in flight that are not 0 settle it; else what was found when the card was listed."""
    if sample is None or not sample.queues:
        return card.has_bql
    told = [queue.inflight for queue in sample.queues]
    return False if all(inflight is None for inflight in told) else True if any(told) else card.has_bql


def _ask_gateway(senses: Senses, clock: Clock, interface: str) -> bool | None:
    if not senses.begin_probe(interface):
        return None
    until_s = clock.read_monotonic_s() + _ANSWER_S
    while clock.read_monotonic_s() < until_s:
        senses.wait_signals(clock.read_monotonic_s() + _STEP_S)
        if senses.read_probe(interface):
            return True
    return False


def _list_faults(senses: Senses, cards: tuple[CardTest, ...]) -> Iterator[str]:
    if not cards:
        yield "there is no card to watch: a device must stand behind it, or watch_virtual of the policy must name it"
    for one in cards:
        if one.mode is not Mode.IGNORE and not one.readable:
            yield f"{one.card.interface}: its counters cannot be read"
    if not senses.read_kernel_log():
        yield "the kernel log cannot be read, or holds nothing: dmesg"


def try_senses(
    senses: Senses,
    clock: Clock,
    policy: Policy,
    *,
    path: str,
    found: bool,
    find_faults: Callable[[bool], tuple[str, ...]],
) -> SelfTest:
    """Try them all.

    Args:
        senses: of this host.
        clock: to wait for answers.
        policy: in force.
        path: its file.
        found: whether there is such a file.
        find_faults: what else would keep it from working; told whether anything is to be treated.
    """
    cards = []
    for card in senses.list_cards():
        sample = senses.read_sample(card.interface)
        cards.append(
            CardTest(
                card=card,
                mode=find_nic_policy(policy, card).mode,
                readable=sample is not None,
                has_bql=_has_bql(card, sample),
                gateway=_ask_gateway(senses, clock, card.interface),
            )
        )
    acts = any(one.mode.restores for one in cards)
    faults = (*_list_faults(senses, tuple(cards)), *find_faults(acts))
    return SelfTest(
        policy_path=path,
        policy_found=found,
        cards=tuple(cards),
        faults=faults,
        blind_spots=senses.find_blind_spots(),
    )
