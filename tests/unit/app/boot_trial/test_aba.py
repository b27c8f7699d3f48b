# SPDX-License-Identifier: GPL-2.0-or-later
"""Old, new and old kernel in turn: a hang is data, and the host ends on the old kernel."""

import dataclasses

import pytest

from nicmedic.app.boot_trial.giving_up import abort, plan_abort
from nicmedic.app.boot_trial.resume import resume
from nicmedic.model.boot_trial import TrialPhase, TrialVerdict
from nicmedic.testing.boot_trial import NEW, OLD, Behaviour, TrialHost, build_trial_edges, run_services
from nicmedic.testing.world import Killed, Process
from tests.unit.app.boot_trial.scenes import HUNG, do_aba, find_trial, find_verdicts, find_wrong

GOOD, BAD = TrialVerdict.GOOD, TrialVerdict.HUNG


def tell_boots(host: TrialHost) -> list[tuple[str, str]]:
    return [("new" if kernel.release == NEW.release else "old" if trial else "back", why) for kernel, trial, why in host.booted[1:]]


def test_a_hang_ends_its_boot_and_the_next_one_goes_on() -> None:
    host = TrialHost(new=HUNG)
    do_aba(host)
    run_services(host)
    trial = find_trial(host)
    assert find_verdicts(trial) == [GOOD, BAD, GOOD]
    assert tell_boots(host) == [("old", "reboot"), ("new", "reboot"), ("old", "reboot")]
    assert (trial.phase, trial.promoted, trial.pinned, host.running) == (TrialPhase.ENDED, False, True, OLD)
    assert host.evidence == [(1, 1)]
    assert find_wrong(host) == []


def test_two_boots_end_on_the_old_kernel_by_a_third() -> None:
    host = TrialHost()
    do_aba(host, boots=2)
    run_services(host)
    assert find_verdicts(find_trial(host)) == [GOOD, GOOD]
    assert tell_boots(host) == [("old", "reboot"), ("new", "reboot"), ("back", "reboot")]
    assert find_wrong(host) == []


@pytest.mark.parametrize("new", [Behaviour(panics=True), Behaviour(dies_s=18.0)], ids=["at boot", "while it soaks"])
def test_a_crash_is_data_too(new: Behaviour) -> None:
    host = TrialHost(new=new)
    do_aba(host)
    run_services(host)
    assert find_verdicts(find_trial(host)) == [GOOD, TrialVerdict.CRASHED, GOOD]
    assert tell_boots(host) == [("old", "reboot"), ("new", "reboot"), ("back", "panic"), ("old", "reboot")]
    assert find_wrong(host) == []


def test_an_old_kernel_that_hangs_in_the_end_is_booted_afresh() -> None:
    host = TrialHost(old=HUNG, new=HUNG)
    host.uptime_s = 1.0
    do_aba(host)
    run_services(host)
    assert find_verdicts(find_trial(host)) == [BAD, BAD, BAD]
    assert tell_boots(host)[-1] == ("back", "reboot")
    assert find_wrong(host) == []


def test_a_grub_that_cannot_take_its_word_away_ends_it() -> None:
    host = TrialHost(grub_clears=False)
    do_aba(host)
    run_services(host)
    assert find_verdicts(find_trial(host)) == [TrialVerdict.NOT_BOOTED, None, None]
    assert len(host.booted) == 2
    assert find_wrong(host) == []


def test_a_next_boot_that_cannot_be_asked_for_ends_on_the_old_kernel() -> None:
    counted, calls = TrialHost(), Process()
    do_aba(counted)
    counted.boot("reboot")
    with pytest.raises(StopIteration):
        resume_once(counted, calls)
    host = TrialHost()
    do_aba(host)
    host.boot("reboot")
    run_services(host, Process(fail_at=calls.calls.index("arm")))
    assert find_verdicts(find_trial(host)) == [GOOD, None, None]
    assert tell_boots(host) == [("old", "reboot"), ("back", "reboot")]
    assert find_wrong(host) == []


def resume_once(host: TrialHost, process: Process) -> None:
    resume(build_trial_edges(host, process))
    raise StopIteration


def test_between_two_boots_a_service_that_died_arms_the_next_again() -> None:
    host = TrialHost()
    do_aba(host)
    host.boot("reboot")
    counted, calls = TrialHost(), Process()
    do_aba(counted)
    counted.boot("reboot")
    with pytest.raises(StopIteration):
        resume_once(counted, calls)
    with pytest.raises(Killed):
        resume(build_trial_edges(host, Process(kill_at=calls.calls.index("arm"))))
    assert find_trial(host).phase is TrialPhase.ARMED
    run_services(host)
    assert find_verdicts(find_trial(host)) == [GOOD, GOOD, GOOD]
    assert len(host.booted) == 4


def test_giving_it_up_between_two_boots_goes_back() -> None:
    host = TrialHost()
    do_aba(host)
    host.boot("reboot")
    resume(build_trial_edges(host))
    assert find_trial(host).phase is TrialPhase.ARMED
    host.rebooting = False
    assert plan_abort(build_trial_edges(host)).reboots
    abort(build_trial_edges(host))
    run_services(host)
    assert find_verdicts(find_trial(host)) == [GOOD, TrialVerdict.STOPPED, None]
    assert tell_boots(host) == [("old", "reboot"), ("back", "reboot")]
    assert find_wrong(host) == []


def test_nothing_of_it_is_promoted_and_each_boot_is_as_long_as_asked() -> None:
    host = TrialHost()
    trial = do_aba(host, boots=5).trial
    assert [leg.kernel for leg in trial.legs] == [OLD, NEW, OLD, NEW, OLD]
    assert {leg.soak_s for leg in trial.legs} == {30.0}
    assert dataclasses.replace(trial.wanted, promote=False) == trial.wanted
