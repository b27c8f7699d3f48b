# SPDX-License-Identifier: GPL-2.0-or-later
"""Changes of a world in memory, plans of them, and what became of them."""

from nicmedic.app.treat import Edges, Finished, Wishes, carry_out
from nicmedic.model.finding import RemedyId
from nicmedic.model.plan import Change, Plan, Setting
from nicmedic.model.step import Write
from nicmedic.model.transaction import Confirm, State, Word, find_state
from nicmedic.testing.transactions import build_edges
from nicmedic.testing.world import Process, World

__all__ = ["AFTER", "BEFORE", "OPERATOR", "PROBES", "change", "plan", "set_step", "state", "treat", "waiting", "words"]

BEFORE = {"mtu": "1500", "power.control": "auto"}
AFTER = {"mtu": "1400", "power.control": "on"}
PROBES = Wishes(confirm=Confirm.PROBES)
OPERATOR = Wishes()


def set_step(name: str, value: str, *, needed: bool = True) -> Write:
    return Write(path=f"set/{name}", text=value, needed=needed)


def change(name: str = "mtu", value: str = "1400", **fields: object) -> Change:
    known: dict[str, object] = {
        "remedy": RemedyId.MTU if name == "mtu" else RemedyId.RUNTIME_PM_OFF,
        "title": f"set {name} to {value}",
        "steps": (set_step(name, value),),
        "undo": (set_step(name, BEFORE[name]),),
        "before": (Setting(name=name, value=BEFORE[name]),),
        "wanted": (Setting(name=name, value=value),),
        "settle_s": 2,
    }
    return Change(**{**known, **fields})  # type: ignore[arg-type]  # names are those of the fields


def plan(world: World, *changes: Change, **fields: object) -> Plan:
    known: dict[str, object] = {
        "nic": world.identity,
        "boot_id": world.boot_id,
        "changes": changes or (change(), change("power.control", "on")),
    }
    return Plan(**{**known, **fields})  # type: ignore[arg-type]  # as above


def treat(world: World, process: Process | None = None, wishes: Wishes = PROBES, made: Plan | None = None) -> Finished:
    return carry_out(made or plan(world), world.read_host(), build_edges(world, process), wishes)


def state(world: World, number: int = 1) -> State:
    return find_state(world.transactions[number])


def words(world: World, number: int = 1) -> list[Word]:
    return [entry.word for entry in world.transactions[number].entries]


def waiting(world: World) -> Edges:
    treat(world, wishes=OPERATOR)
    return build_edges(world)
