# SPDX-License-Identifier: GPL-2.0-or-later
"""What would decide it: how many more boots and hours on which kernel, found by adding them and asking again; and the A/B/A plan, as commands."""

import math
import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Final

from nicmedic.evidence.compare import is_proven
from nicmedic.evidence.statistics.spell import Arm, Spell
from nicmedic.model.blame import ArmFigures, KernelFigures, Leg, NextSteps, Verdict
from nicmedic.model.durations import say_duration

__all__ = ["plan_next", "project_rounds", "render_boot_commands"]

_MOST_ROUNDS: Final = 20
_QUIET_FACTOR: Final = 5.0
"""A control boot that outlasts five mean times to the hang would have hung in 99 of 100 cases."""
_LEAST_H, _MOST_H = 2.0, 336.0
_NEARLY: Final = 0.98
"""So much of a hang is taken for one."""
_RPM: Final = re.compile(r"\.(?:el|fc|amzn|oe|suse|lp)\d|\.(?:x86_64|aarch64)$")


def _typical_h(figures: ArmFigures) -> float:
    """Hours at risk for each hang."""
    return figures.hours_at_risk / figures.boots_hung


def _quiet_h(figures: ArmFigures) -> float:
    return min(_MOST_H, max(_LEAST_H, math.ceil(_QUIET_FACTOR * _typical_h(figures))))


def _continue(figures: ArmFigures, arm: Arm, most_h: float) -> Iterator[Spell]:
    """Boots of at most so many hours that go on as the arm did, at its rate: each takes its share of a hang."""
    rate, owed = (figures.boots_hung / figures.hours_at_risk if figures.hours_at_risk else 0.0), 0.0
    while True:
        owed += 1 - math.exp(-rate * most_h)
        hung = owed >= _NEARLY
        owed -= hung
        yield Spell(arm=arm, hours=min(most_h, 1 / rate) if hung else most_h, hung=hung)


def project_rounds(spells: Sequence[Spell], control: ArmFigures, suspect: ArmFigures, looks: int) -> tuple[int, float] | None:
    """Rounds of one boot of each until it would be proven if both go on as they did, and hours of each quiet boot; None: not within reach.

    The suspect has hung at least once.
    """
    hours = _quiet_h(suspect)
    more, good, bad = list(spells), _continue(control, Arm.CONTROL, hours), _continue(suspect, Arm.SUSPECT, hours)
    for rounds in range(1, _MOST_ROUNDS + 1):
        more += [next(good), next(bad)]
        if is_proven(more, looks):
            return rounds, hours
    return None


def render_boot_commands(package: str, kernel: KernelFigures, other: KernelFigures) -> tuple[str, ...]:
    """How to boot a package; where both have one release, it takes the other's place on disk."""
    release = kernel.releases[-1] if kernel.releases else None
    if release is None:
        return (f"# install the kernel package {package} by hand, choose it in the boot menu, then: reboot",)
    if _RPM.search(package):
        return (
            f"dnf install {shlex.quote(f'kernel-{package}')}",
            f"grubby --set-default {shlex.quote(f'/boot/vmlinuz-{release}')}",
            "systemctl reboot",
        )
    name = shlex.quote(f"linux-image-{release}={package}")
    gone = f"# if it is not to be had any more: https://snapshot.debian.org/binary/linux-image-{release}/"
    image = shlex.quote(f"linux-image-{release}")
    install = (f"apt-mark unhold {image}", f"apt-get install {name}", gone, f"apt-mark hold {image}")
    if release in other.releases:
        return (*install, "reboot")
    return (*install, f"# in the boot menu, under the advanced options: Linux {release}", "reboot")


def _legs(control: KernelFigures, suspect: KernelFigures, rounds: int, hours: float) -> tuple[Leg, ...]:
    old, new = control.package or "", suspect.package or ""
    back, forth = render_boot_commands(old, control, suspect), render_boot_commands(new, suspect, control)
    typical = say_duration(_typical_h(suspect.figures) * 3600)
    watch = (f"# let it run for {hours:g} h under the usual load, or until it hangs", "nicmedic blame")
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


def plan_next(
    spells: Sequence[Spell], control: KernelFigures | None, suspect: KernelFigures | None, verdict: Verdict, looks: int
) -> NextSteps:
    """What to do next: before it is proven, what would prove it; after that, what tells the kernel from what came with it."""
    if control is None or suspect is None:
        return NextSteps(
            summary="There are no two kernel packages to compare. Boot another one, with the same load, and ask again.", reachable=False
        )
    if not suspect.figures.boots_hung:
        return _plan_quiet(control, suspect)
    old, new = control.package or "", suspect.package or ""
    hours = _quiet_h(suspect.figures)
    if verdict is Verdict.PROVEN:
        summary = (
            f"Back and forth once tells the kernel from all that came with it: {old} for {hours:g} h, {new}, {old} again, and nothing else changed, "
            "neither packages nor load."
        )
        return NextSteps(summary=summary, legs=_legs(control, suspect, 1, hours))
    found = project_rounds(spells, control.figures, suspect.figures, looks)
    if found is None:
        summary = (
            f"{_MOST_ROUNDS} more boots of {hours:g} h on each would not prove it, if both go on as they did: the difference is too small."
        )
        return NextSteps(summary=summary, reachable=False)
    rounds, hours = found
    all_h = rounds * (hours + min(hours, _typical_h(suspect.figures)))
    summary = (
        f"If both go on as they did, this proves it: {rounds} more boot{'s' if rounds > 1 else ''} on {old}, of {hours:g} h each, and as many on "
        f"{new}, in turn; about {all_h:.0f} h in all. Change nothing else, neither packages nor load."
    )
    return NextSteps(summary=summary, legs=_legs(control, suspect, rounds, hours))


def _plan_quiet(control: KernelFigures, suspect: KernelFigures) -> NextSteps:
    """Nothing hung on the suspect: how long until that would say something."""
    if not control.figures.boots_hung:
        return NextSteps(summary="Neither kernel has hung in what was watched: there is nothing to prove.", reachable=False)
    hours = 3 * _typical_h(control.figures)
    summary = (
        f"{suspect.package} has not hung. {hours:.0f} h on it without a hang would show with 95 % that it hangs less often than {control.package} "
        f"did; {suspect.figures.hours_at_risk:.0f} h are there."
    )
    return NextSteps(summary=summary, reachable=False)
