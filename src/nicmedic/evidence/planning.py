# SPDX-License-Identifier: GPL-2.0-or-later
"""What would decide it: how many more boots and hours on which kernel, found by making them up and asking again; and the A/B/A plan, as commands."""

import math
import random
import shlex
from collections.abc import Sequence
from typing import Final

from nicmedic.evidence.boot_commands import render_boot_commands, render_trial_command
from nicmedic.evidence.compare import is_proven
from nicmedic.evidence.statistics.rates import add_up
from nicmedic.evidence.statistics.spell import Arm, Spell, tell_outages
from nicmedic.model.blame import ArmFigures, KernelFigures, Leg, NextSteps, Verdict
from nicmedic.model.durations import say_duration

__all__ = ["estimate_chance", "plan_next", "project_rounds"]

_MOST_ROUNDS: Final = 20
_QUIET_FACTOR: Final = 5.0
"""A control boot that outlasts five mean times to the hang would have hung in 99 of 100 cases."""
_LEAST_H, _MOST_H = 2.0, 336.0
_CASES: Final = 100
_ENOUGH: Final = 0.8
"""A plan that fails more often is none."""
_LEAST_P: Final = 0.05


def _typical_h(figures: ArmFigures) -> float:
    """Hours at risk for each hang."""
    return figures.hours_at_risk / figures.boots_hung


def _quiet_h(figures: ArmFigures) -> float:
    return min(_MOST_H, max(_LEAST_H, math.ceil(_QUIET_FACTOR * _typical_h(figures))))


def _continue(chance: random.Random, figures: ArmFigures, arm: Arm, most_h: float) -> Spell:
    """One boot of at most so many hours, that hangs at random at the arm's rate."""
    rate = figures.boots_hung / figures.hours_at_risk if figures.hours_at_risk else 0.0
    until = chance.expovariate(rate) if rate else math.inf
    return Spell(arm=arm, hours=min(until, most_h), hung=until <= most_h)


def estimate_chance(spells: Sequence[Spell], control: ArmFigures, suspect: ArmFigures, looks: int, rounds: int) -> float:
    """How often so many rounds of one boot of each prove it, if both go on as they did; 0: not in as many cases as are wanted."""
    hours, proven = _quiet_h(suspect), 0
    for case in range(_CASES):
        chance = random.Random(case)  # noqa: S311  # the same answer each time is wanted
        more = list(spells)
        for _ in range(rounds):
            more += [_continue(chance, control, Arm.CONTROL, hours), _continue(chance, suspect, Arm.SUSPECT, hours)]
        proven += is_proven(more, looks, rough=True)
        if case + 1 - proven > _CASES * (1 - _ENOUGH):
            return 0.0
    return proven / _CASES


def project_rounds(spells: Sequence[Spell], control: ArmFigures, suspect: ArmFigures, looks: int) -> tuple[int, float] | None:
    """The fewest rounds of one boot of each that are likely to prove it, and how likely; None: not within reach.

    The suspect has hung at least once.
    """
    few, many, found = 0, _MOST_ROUNDS, estimate_chance(spells, control, suspect, looks, _MOST_ROUNDS)
    if not found:
        return None
    while many - few > 1:
        middle = (few + many) // 2
        chance = estimate_chance(spells, control, suspect, looks, middle)
        if chance:
            many, found = middle, chance
        else:
            few = middle
    return many, found


def _legs(control: KernelFigures, suspect: KernelFigures, rounds: int, hours: float, interface: str | None) -> tuple[Leg, ...]:
    old, new = control.package or "", suspect.package or ""
    back, forth = render_boot_commands(old, control, suspect), render_boot_commands(new, suspect, control)
    typical = say_duration(_typical_h(suspect.figures) * 3600)
    card = () if interface is None else (interface,)
    ask = shlex.join(("nicmedic", "blame", *card, "--before", old, "--after", new))
    watch = (f"# let it run for {hours:g} h under the usual load, or until it hangs", ask)
    legs = []
    for _ in range(rounds):
        legs += [
            Leg(package=old, boots=1, hours=hours, expect="no hang, if it is the kernel", commands=(*back, *watch)),
            Leg(package=new, boots=1, hours=hours, expect=f"a hang within about {typical}, as before", commands=(*forth, *watch)),
        ]
    legs.append(
        Leg(package=old, boots=1, hours=hours, expect="no hang again; then it is not the order of things", commands=(*back, *watch))
    )
    return tuple(legs)


def _plan_back_and_forth(
    summary: str, control: KernelFigures, suspect: KernelFigures, rounds: int, hours: float, interface: str | None
) -> NextSteps:
    legs = _legs(control, suspect, rounds, hours, interface)
    return NextSteps(summary=summary, legs=legs, command=render_trial_command(control, suspect, hours, len(legs)))


def plan_next(
    spells: Sequence[Spell],
    control: KernelFigures | None,
    suspect: KernelFigures | None,
    verdict: Verdict,
    looks: int,
    interface: str | None,
) -> NextSteps:
    """What to do next: before it is proven, what would prove it; after that, what tells the kernel from what came with it."""
    if control is None or suspect is None:
        return NextSteps(
            summary="There are no two kernel packages to compare. Boot another one, with the same load, and ask again.", reachable=False
        )
    if not suspect.figures.boots_hung:
        return _plan_quiet(spells, control, suspect)
    old, new = control.package or "", suspect.package or ""
    hours = _quiet_h(suspect.figures)
    if verdict is Verdict.PROVEN:
        summary = (
            f"Back and forth once tells the kernel from all that came with it: {old} for {hours:g} h, {new}, {old} again, and nothing else changed, "
            "neither packages nor load."
        )
        return _plan_back_and_forth(summary, control, suspect, 1, hours, interface)
    found = project_rounds(spells, control.figures, suspect.figures, looks)
    if found is None:
        summary = (
            f"Even {_MOST_ROUNDS} more boots of {hours:g} h on each would prove it in fewer than {_ENOUGH * 100:.0f} of 100 cases, if both go on as "
            "they did: the difference is too small."
        )
        return NextSteps(summary=summary, reachable=False)
    rounds, chance = found
    all_h = rounds * (hours + min(hours, _typical_h(suspect.figures)))
    summary = (
        f"If both go on as they did, {rounds} more boot{'s' if rounds > 1 else ''} on {old}, of {hours:g} h each, and as many on {new}, in turn, "
        f"prove it in {chance * 100:.0f} of 100 cases; about {all_h:.0f} h in all. Change nothing else, neither packages nor load."
    )
    return _plan_back_and_forth(summary, control, suspect, rounds, hours, interface)


def _say_hours(hours: float) -> str:
    return f"{hours:,.0f} h" if hours >= 10 else say_duration(hours * 3600)


def _plan_quiet(spells: Sequence[Spell], control: KernelFigures, suspect: KernelFigures) -> NextSteps:
    """Nothing hung on the suspect: how long until that would say something.

    Of k outages in h hours and a quiet of q hours the chance, at one rate of both, is (h / (h + q)) ** k.
    """
    if not control.figures.boots_hung:
        return NextSteps(summary="Neither kernel has hung in what was watched: there is nothing to prove.", reachable=False)
    seen = add_up(tuple(tell_outages(spells)), Arm.CONTROL)
    if not seen.outages or seen.hours <= 0:
        return NextSteps(
            summary=f"{suspect.package} has not hung in what was watched; how often {control.package} does is not known.", reachable=False
        )
    needed_h, there_h = seen.hours * (math.pow(_LEAST_P, -1 / seen.outages) - 1), suspect.figures.hours_at_risk
    less = f"that it hangs less often than {control.package} did"
    if there_h >= needed_h:
        summary = f"{suspect.package} has not hung in {_say_hours(there_h)}, which shows with 95 % {less}."
    else:
        would = f"{_say_hours(needed_h)} on it without a hang would show with 95 % {less}"
        summary = f"{suspect.package} has not hung in what was watched. {would}; {_say_hours(there_h)} are there."
    return NextSteps(summary=summary, reachable=False)
