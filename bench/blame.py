# SPDX-License-Identifier: GPL-2.0-or-later
"""How often ``nicmedic blame`` says "proven" of histories in which nothing changed, and how many hours it needs where something did.

Seeded: the same figures each time. Rivals judge the same histories: lines a version by its hours, and lines a day, both as people do it.
"""

import argparse
import math
import random
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

from nicmedic.evidence.compare import LIKELY, PROVEN, is_proven
from nicmedic.evidence.statistics.functions import binomial_tail, normal_tail
from nicmedic.evidence.statistics.spell import Arm, Spell

__all__ = ["WORLDS", "Boot", "judge_days", "judge_history", "judge_lines", "make_history"]

LINES_A_WEDGE = 64
WHILE_OUT_H = 0.3


class Boot(NamedTuple):
    """One boot of a made history: it ends with its first hang, for then somebody reboots."""

    kernel: int
    hours: float
    hung: bool
    lines: int


class Host(NamedTuple):
    """What is the same all along, whatever the kernel."""

    boots: int
    length_h: float
    rate: float
    """Hangs an hour."""


def draw_host(chance: random.Random) -> Host:
    """Six to forty boots of hours to weeks; a hang every day to every three months."""
    return Host(chance.randint(6, 40), 10 ** chance.uniform(1.0, 2.6), 10 ** chance.uniform(-3.3, -1.4))


def _run(chance: random.Random, host: Host, rate: float) -> tuple[float, bool]:
    length, until = chance.expovariate(1 / host.length_h), chance.expovariate(rate) if rate > 0 else math.inf
    return min(length, until), until < length


def run_plain(chance: random.Random, host: Host) -> list[tuple[float, bool]]:
    """Hangs come at random in time."""
    return [_run(chance, host, host.rate) for _ in range(host.boots)]


def run_uneven(chance: random.Random, host: Host) -> list[tuple[float, bool]]:
    """Boots have rates of their own: gamma with shape 0.2, so that most never hang and few do it soon."""
    return [_run(chance, host, host.rate * chance.gammavariate(0.2, 5.0)) for _ in range(host.boots)]


def run_lottery(chance: random.Random, host: Host) -> list[tuple[float, bool]]:
    """A boot is bad with a fixed chance and hangs within minutes, or never."""
    bad = chance.uniform(0.02, 0.6)
    return [
        (chance.expovariate(6.0), True) if chance.random() < bad else (chance.expovariate(1 / host.length_h), False)
        for _ in range(host.boots)
    ]


def run_few(chance: random.Random, _: Host) -> list[tuple[float, bool]]:
    """The same where it fools the test most: seven boots, three of eight bad."""
    return [(chance.expovariate(6.0), True) if chance.random() < 3 / 8 else (chance.expovariate(1 / 300), False) for _ in range(7)]


def run_outages(chance: random.Random, host: Host) -> list[tuple[float, bool]]:
    """Outages come at random in time and outlast reboots: three more boots hang within minutes, on average."""
    made: list[tuple[float, bool]] = []
    while len(made) < host.boots:
        made.append(_run(chance, host, host.rate))
        while made[-1][1] and len(made) < host.boots and chance.random() < 0.75:
            made.append((chance.uniform(0.02, WHILE_OUT_H), True))
    return made


def run_set_off(chance: random.Random, host: Host) -> list[tuple[float, bool]]:
    """One reboot, by itself, sets off an outage that outlasts further reboots, and nothing else ever hangs."""
    bad = chance.randrange(host.boots)
    return [
        (chance.uniform(0.02, WHILE_OUT_H), True) if bad <= place < bad + 4 else (chance.expovariate(1 / host.length_h), False)
        for place in range(host.boots)
    ]


def change_anywhere(chance: random.Random, hung: Sequence[bool]) -> list[int]:
    """One to three new kernels, at any boot."""
    return sorted(chance.sample(range(1, len(hung)), min(len(hung) - 1, chance.randint(1, 3))))


def change_in_the_middle(_: random.Random, hung: Sequence[bool]) -> list[int]:
    """Four boots before it."""
    return [min(4, len(hung) - 1)]


def change_after_a_hang(chance: random.Random, hung: Sequence[bool]) -> list[int]:
    """The new kernel waits on disk, and the reboot after a hang brings it up."""
    after = [place + 1 for place, bad in enumerate(hung[:-1]) if bad]
    return [chance.choice(after)] if after else change_anywhere(chance, hung)


WORLDS: Mapping[
    str, tuple[Callable[[random.Random, Host], list[tuple[float, bool]]], Callable[[random.Random, Sequence[bool]], list[int]], int]
] = {
    "plain": (run_plain, change_anywhere, 1),
    "64 lines a wedge": (run_plain, change_anywhere, LINES_A_WEDGE),
    "uneven boots (gamma)": (run_uneven, change_anywhere, LINES_A_WEDGE),
    "lottery of boots": (run_lottery, change_anywhere, LINES_A_WEDGE),
    "lottery, few boots": (run_few, change_in_the_middle, LINES_A_WEDGE),
    "outages over reboots": (run_outages, change_anywhere, LINES_A_WEDGE),
    "changed after a hang": (run_plain, change_after_a_hang, LINES_A_WEDGE),
    "outage, then changed": (run_outages, change_after_a_hang, LINES_A_WEDGE),
    "a reboot's one outage *": (run_set_off, change_anywhere, LINES_A_WEDGE),
}


def make_history(world: str, seed: int) -> list[Boot]:
    """A history without any true change. Half of them are looked at right after a hang, as people do."""
    chance = random.Random(f"{world} {seed}")  # noqa: S311  # not for secrets
    run, change, lines = WORLDS[world]
    boots = run(chance, draw_host(chance))
    last = max((place for place, (_, hung) in enumerate(boots) if hung), default=0)
    if chance.random() < 0.5 and last >= 2:
        boots = boots[: last + 1]
    places = change(chance, [hung for _, hung in boots])
    return [
        Boot(sum(place <= index for place in places), hours, hung, chance.randint(1, 2 * lines - 1) if hung else 0)
        for index, (hours, hung) in enumerate(boots)
    ]


def _pairs(boots: Sequence[Boot]) -> list[tuple[int, int]]:
    last = max(boot.kernel for boot in boots)
    return [(one, one + 1) for one in range(last)]


def judge_history(boots: Sequence[Boot], level: float = PROVEN) -> bool:
    """As blame does it: whichever change looks worst, and the p-value is paid for."""
    pairs = _pairs(boots)
    for control, suspect in pairs:
        arms = {control: Arm.CONTROL, suspect: Arm.SUSPECT}
        spells = [Spell(arm=arms.get(boot.kernel, Arm.OTHER), hours=boot.hours, hung=boot.hung) for boot in boots]
        if is_proven(spells, len(pairs), level):
            return True
    return False


def judge_lines(boots: Sequence[Boot]) -> bool:
    """Rival: lines of each version by its hours, p <= 0.01."""
    for control, suspect in _pairs(boots):
        hours = [sum(boot.hours for boot in boots if boot.kernel == kernel) for kernel in (control, suspect)]
        lines = [sum(boot.lines for boot in boots if boot.kernel == kernel) for kernel in (control, suspect)]
        if binomial_tail(lines[1], sum(lines), hours[1] / sum(hours)) <= PROVEN:
            return True
    return False


def _lines_a_day(boots: Iterable[Boot]) -> list[float]:
    days, at = [0.0], 0.0
    for boot in boots:
        at += boot.hours
        days += [0.0] * (int(at / 24) + 1 - len(days))
        days[-1] += boot.lines
    return days


def judge_days(boots: Sequence[Boot]) -> bool:
    """Rival: mean lines a day before and after, Welch's statistic against the normal, p <= 0.01."""
    for control, suspect in _pairs(boots):
        old, new = ([*_lines_a_day(boot for boot in boots if boot.kernel == kernel)] for kernel in (control, suspect))
        if len(old) < 2 or len(new) < 2:
            continue
        error = math.sqrt(statistics.variance(old) / len(old) + statistics.variance(new) / len(new))
        if error > 0 and normal_tail((statistics.fmean(new) - statistics.fmean(old)) / error) <= PROVEN:
            return True
    return False


def count_false(world: str, first: int, number: int) -> tuple[int, int, int]:
    """Of histories without a change: how many each judge calls proven."""
    made = [make_history(world, seed) for seed in range(first, first + number)]
    return sum(map(judge_history, made)), sum(map(judge_lines, made)), sum(map(judge_days, made))


def count_found(hours: float, factor: float, first: int, number: int) -> tuple[int, int]:
    """Of histories with a true change: how many are proven, and how many at least likely. 2000 h before it, a hang every 500 h, boots of 100 h."""
    proven = likely = 0
    for seed in range(first, first + number):
        chance = random.Random(f"found {hours} {factor} {seed}")  # noqa: S311  # not for secrets
        boots: list[Boot] = []
        for kernel, rate, much in ((0, 1 / 500, 2000.0), (1, factor / 500, hours)):
            left = much
            while left > 1e-6:
                length, until = min(left, chance.expovariate(1 / 100)), chance.expovariate(rate)
                boots.append(Boot(kernel, min(length, until), until < length, LINES_A_WEDGE if until < length else 0))
                left -= boots[-1].hours
        found = judge_history(boots)
        proven += found
        likely += found or judge_history(boots, LIKELY)
    return proven, likely


def _in_parts(pool: ProcessPoolExecutor, work: Callable[..., tuple[int, ...]], number: int, *words: object) -> list[int]:
    size = max(1, number // 8)
    parts = [pool.submit(work, *words, first, min(size, number - first)) for first in range(0, number, size)]
    return [sum(column) for column in zip(*(part.result() for part in parts), strict=True)]


def main() -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(description="Count false and true alarms of nicmedic blame on made histories.")
    parser.add_argument("--histories", type=int, default=2000, help="of each kind (default: 2000)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: 2)")
    args = parser.parse_args()
    began, number = time.perf_counter(), args.histories
    worst, worst_rival = 0.0, 0.0
    with ProcessPoolExecutor(args.jobs) as pool:
        print(f"'proven' where nothing changed, of {number} histories each (the aim: at most 1 %)\n")
        print(f"{'world':24} {'blame':>8} {'lines a version':>16} {'lines a day':>12}")
        for world in WORLDS:
            counts = [count / number for count in _in_parts(pool, count_false, number, world)]
            if not world.endswith("*"):
                worst, worst_rival = max(worst, counts[0]), max(worst_rival, *counts[1:])
            print(f"{world:24} {counts[0]:8.2%} {counts[1]:16.2%} {counts[2]:12.2%}", flush=True)
        print(
            "* not controlled, and said so in the answer: one outage that one reboot set off looks like a new kernel; only going back tells."
        )
        ratio = f"{worst_rival / worst:.0f} times as often" if worst else f"{worst_rival:.0%} against none"
        print(f"\nworst of blame {worst:.2%}, worst of the rivals {worst_rival:.2%}: {ratio}\n")
        print("'proven' (at least 'likely') where hangs really come more often; 2000 h before, one hang every 500 h\n")
        print(f"{'hours after':>12} {'twice':>14} {'tenfold':>14} {'fiftyfold':>14}")
        for hours in (25.0, 50.0, 100.0, 200.0, 400.0, 800.0):
            cells = []
            for factor in (2.0, 10.0, 50.0):
                proven, likely = _in_parts(pool, count_found, max(8, number // 8), hours, factor)
                total = max(8, number // 8)
                cells.append(f"{proven / total:.0%} ({likely / total:.0%})")
            print(f"{hours:12.0f} " + " ".join(f"{cell:>14}" for cell in cells), flush=True)
    print(f"\n{time.perf_counter() - began:.0f} s")
    return 1 if worst > PROVEN else 0


if __name__ == "__main__":
    raise SystemExit(main())
