# SPDX-License-Identifier: GPL-2.0-or-later
"""Killed at any call of any command, or told of a failure there, and the power cut after it.

The host ends on the old kernel, or the promotion is done. Nothing of ours is left half, and the record tells how it ended.
"""

import contextlib
from collections.abc import Callable

import pytest

from nicmedic.app.boot_trial.giving_up import abort, stop
from nicmedic.app.boot_trial.resume import resume
from nicmedic.model.boot_trial import TrialPhase
from nicmedic.model.errors import NicmedicError, StateError, UndoFailedError
from nicmedic.testing.boot_trial import NEW, OLD, Behaviour, TrialHost, build_trial_edges, run_services
from nicmedic.testing.world import Killed, Process
from tests.unit.app.boot_trial.scenes import HUNG, do_aba, do_prepare, do_start, find_trial, find_wrong

Job = Callable[[TrialHost, Process], object]


def do_resume(host: TrialHost, process: Process) -> object:
    return resume(build_trial_edges(host, process))


def do_stop(host: TrialHost, process: Process) -> object:
    return stop(build_trial_edges(host, process), promote=False)


def do_promote(host: TrialHost, process: Process) -> object:
    return stop(build_trial_edges(host, process), promote=True)


def do_abort(host: TrialHost, process: Process) -> object:
    return abort(build_trial_edges(host, process))


def make(*jobs: Job, grub_clears: bool = True, boots: bool = False, **behaviours: Behaviour) -> TrialHost:
    """A host after some commands; ``boots``: and after the reboot that the last of them asked for."""
    host = TrialHost(grub_clears=grub_clears, **behaviours)
    for job in jobs:
        job(host, Process())
    if boots:
        host.boot("reboot")
    return host


def make_soaking() -> TrialHost:
    host = make(do_start, boots=True)
    with contextlib.suppress(Killed):
        resume(build_trial_edges(host, Process(kill_at=80)))
    return host


def make_second_leg() -> TrialHost:
    host = make(do_aba, boots=True, new=HUNG)
    do_resume(host, Process())
    host.boot("reboot")
    return host


def make_crashed_leg() -> TrialHost:
    host = make(do_aba, boots=True, new=Behaviour(panics=True))
    do_resume(host, Process())
    host.boot("reboot")
    return host


def make_ended() -> TrialHost:
    host = make(do_prepare, do_start, new=HUNG)
    run_services(host)
    return host


def make_returning() -> TrialHost:
    host = make_soaking()
    do_abort(host, Process())
    host.rebooting = False
    return host


def make_back() -> TrialHost:
    host = make_returning()
    host.boot("reboot")
    return host


SCENES: dict[str, tuple[Callable[[], TrialHost], Job]] = {
    "prepare": (make, do_prepare),
    "prepare after another": (make_ended, do_prepare),
    "prepare again": (lambda: make(do_prepare), do_prepare),
    "start": (make, do_start),
    "start what was prepared": (lambda: make(do_prepare), do_start),
    "start after another": (make_ended, do_start),
    "start A/B/A": (lambda: make(do_prepare), do_aba),
    "soak, good": (lambda: make(do_start, boots=True), do_resume),
    "soak, good, with a copy": (lambda: make(do_prepare, do_start, boots=True), do_resume),
    "soak, hung": (lambda: make(do_start, boots=True, new=HUNG), do_resume),
    "soak, not reached": (lambda: make(do_start, boots=True, new=Behaviour(reaches_s=None)), do_resume),
    "not booted": (lambda: make(do_start, boots=True, grub_clears=False), do_resume),
    "crashed at boot": (lambda: make(do_start, boots=True, new=Behaviour(panics=True)), do_resume),
    "back": (make_back, do_resume),
    "returning": (make_returning, do_resume),
    "first of A/B/A": (lambda: make(do_aba, boots=True), do_resume),
    "second of A/B/A": (make_second_leg, do_resume),
    "crashed in A/B/A": (make_crashed_leg, do_resume),
    "stop": (make_soaking, do_stop),
    "stop and promote": (make_soaking, do_promote),
    "stop before it began": (lambda: make(do_start, boots=True), do_stop),
    "abort what is prepared": (lambda: make(do_prepare), do_abort),
    "abort what is armed": (lambda: make(lambda host, process: do_start(host, process, reboot=False)), do_abort),
    "abort what soaks": (make_soaking, do_abort),
    "abort what has ended": (make_ended, do_abort),
    "abort what is back": (make_back, do_abort),
}


def count_calls(name: str) -> int:
    begin, job = SCENES[name]
    process = Process()
    job(begin(), process)
    return len(process.calls)


POINTS = [(name, call) for name in SCENES for call in range(count_calls(name) + 1)]


def end(host: TrialHost) -> None:
    """Let happen what happens by itself; the host must be as it may be, and abort takes the rest out."""
    run_services(host)
    assert find_wrong(host) == []
    before = host.running
    host.boot()
    run_services(host)
    assert find_wrong(host) == []
    assert host.running in {before, host.next_kernel}
    if host.trials:
        abort(build_trial_edges(host))
    assert (host.block, host.word, host.units) == (None, None, None)
    assert not any(trial.pinned or trial.phase is not TrialPhase.ENDED for trial in host.trials.values())
    assert host.copies <= {host.running.saved}
    assert host.menu_default in ({NEW} if any(trial.promoted for trial in host.trials.values()) else {OLD})


@pytest.mark.parametrize(("name", "call"), POINTS)
def test_a_power_cut_anywhere_ends_on_the_old_kernel_or_a_finished_promotion(name: str, call: int) -> None:
    begin, job = SCENES[name]
    host = begin()
    with contextlib.suppress(Killed):
        job(host, Process(kill_at=call))
    host.boot()
    end(host)


@pytest.mark.parametrize(("name", "call"), [point for point in POINTS if SCENES[point[0]][1] is do_resume])
def test_a_service_that_is_killed_anywhere_goes_on_in_the_same_boot(name: str, call: int) -> None:
    host = SCENES[name][0]()
    undisturbed = SCENES[name][0]()
    run_services(undisturbed)
    run_services(host, Process(kill_at=call))
    told = [leg.result and leg.result.verdict for leg in find_trial(host).legs]
    assert told == [leg.result and leg.result.verdict for leg in find_trial(undisturbed).legs]
    assert len(host.booted) == len(undisturbed.booted)
    end(host)


@pytest.mark.parametrize("error", [StateError("no space left on the disk"), KeyboardInterrupt()], ids=["full", "ctrl-c"])
@pytest.mark.parametrize(("name", "call"), [point for point in POINTS if SCENES[point[0]][1] is not do_resume])
def test_a_command_that_fails_anywhere_leaves_nothing_half(name: str, call: int, error: BaseException) -> None:
    begin, job = SCENES[name]
    host = begin()
    before = host.block, host.word, host.units, host.menu_default, set(host.copies)
    try:
        job(host, Process(fail_at=call, error=error))
    except UndoFailedError:
        pass
    except NicmedicError:
        if job in {do_prepare, do_start, do_aba}:
            assert (host.block, host.word, host.units, host.menu_default, host.copies) == before
    except KeyboardInterrupt:
        assert isinstance(error, KeyboardInterrupt)
    host.boot()
    if host.word is None:
        end(host)


@pytest.mark.parametrize(("name", "call"), [point for point in POINTS if SCENES[point[0]][1] is do_resume])
def test_a_service_that_fails_anywhere_ends_all_the_same(name: str, call: int) -> None:
    host = SCENES[name][0]()
    run_services(host, Process(fail_at=call, error=StateError("no space left on the disk")))
    assert set(find_wrong(host)) <= {"services are left"}
    host.boot()  # where they go
    end(host)
