# SPDX-License-Identifier: GPL-2.0-or-later
"""Killed at any call of keeping or releasing, or told of a failure there: the next ``nicmedic kept`` finds, or brings about, all of it or nothing."""

import contextlib
import itertools
from collections.abc import Callable

import pytest

from nicmedic.app.keep.recover import recover_kept
from nicmedic.app.keep.release import release
from nicmedic.model.errors import NicmedicError
from nicmedic.model.keeping import KeptState
from nicmedic.testing.keeping import FilesWorld, build_keep_edges, list_states
from nicmedic.testing.world import Killed, Process
from tests.unit.app.keep.keeping import BACK_ENDS, BEFORE, do_keep

Job = Callable[[FilesWorld, Process], object]


def do_release(world: FilesWorld, process: Process) -> object:
    return release(build_keep_edges(world, BACK_ENDS, process), 1, lambda _released: None)


def edit_by_hand(world: FilesWorld, _process: Process) -> None:
    world.files["/etc/network/interfaces"] = b"# mine\n" + world.files["/etc/network/interfaces"] + b"auto eth1\n"


JOBS: dict[str, tuple[tuple[Job, ...], Job]] = {
    "keep": ((), do_keep),
    "release": ((do_keep,), do_release),
    "release what was edited": ((do_keep, edit_by_hand), do_release),
}


def begin(name: str) -> FilesWorld:
    world = FilesWorld(BEFORE)
    for job in JOBS[name][0]:
        job(world, Process())
    return world


def picture(world: FilesWorld) -> tuple[object, ...]:
    live = {number: state for number, state in list_states(world).items() if state is not KeptState.RELEASED}
    return dict(world.files), live, world.unit, set(world.folders)


def end(name: str) -> tuple[tuple[object, ...], int]:
    """How it ends undisturbed, and after how many calls."""
    world, process = begin(name), Process()
    JOBS[name][1](world, process)
    return picture(world), len(process.calls)


POINTS = [(name, call) for name in JOBS for call in range(end(name)[1] + 1)]


@pytest.mark.parametrize(("name", "call"), POINTS)
def test_killed_anywhere_it_is_as_before_or_as_wanted(name: str, call: int) -> None:
    world = begin(name)
    before = picture(world)
    with contextlib.suppress(Killed):
        JOBS[name][1](world, Process(kill_at=call))
    assert all(recovered.trouble == () for recovered in recover_kept(build_keep_edges(world, BACK_ENDS)))
    assert picture(world) in (before, end(name)[0])


@pytest.mark.parametrize(("name", "call"), POINTS)
def test_killed_again_while_recovering_it_is_as_before_or_as_wanted(name: str, call: int) -> None:
    wanted = end(name)[0]
    for second in itertools.count():
        world = begin(name)
        before = picture(world)
        with contextlib.suppress(Killed):
            JOBS[name][1](world, Process(kill_at=call))
        recoverer = Process(kill_at=second)
        with contextlib.suppress(Killed):
            recover_kept(build_keep_edges(world, BACK_ENDS, recoverer))
        recover_kept(build_keep_edges(world, BACK_ENDS))
        assert picture(world) in (before, wanted)
        if not recoverer.dead:
            return


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["full", "ctrl-c"])
@pytest.mark.parametrize(("name", "call"), POINTS)
def test_told_of_a_failure_anywhere_it_is_as_before_or_as_wanted(name: str, call: int, error: BaseException) -> None:
    world = begin(name)
    before = picture(world)
    with contextlib.suppress(NicmedicError, OSError, KeyboardInterrupt):
        JOBS[name][1](world, Process(fail_at=call, error=error))
    done = picture(world)
    opened = [state for state in list_states(world).values() if state in {KeptState.WRITING, KeptState.RELEASING}]
    assert done in (before, end(name)[0]) or opened
    recover_kept(build_keep_edges(world, BACK_ENDS))
    assert picture(world) in (before, end(name)[0])
