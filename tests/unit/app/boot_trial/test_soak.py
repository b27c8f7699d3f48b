# SPDX-License-Identifier: GPL-2.0-or-later
"""Which time of a soak counts, what ends it, and what the watcher may cure meanwhile."""

import dataclasses
import datetime
from collections.abc import Callable

import pytest

from nicmedic.app.boot_trial.giving_up import stop
from nicmedic.app.boot_trial.resume import resume
from nicmedic.app.boot_trial.soak import is_soaking, soak
from nicmedic.model.boot_trial import LegResult, TrialPhase, TrialVerdict, Wanted
from nicmedic.model.policy import Mode, NicPolicy
from nicmedic.testing.boot_trial import Behaviour, TrialHost, build_trial_edges, run_services
from nicmedic.testing.world import Killed, Process
from tests.unit.app.boot_trial.scenes import HUNG, RESTORES, WANTED, carry_out, demand, do_start, find_trial, find_verdicts, find_wrong


def find_result(host: TrialHost, wanted: Wanted = WANTED) -> LegResult:
    result = carry_out(host, wanted).legs[0].result
    assert result is not None
    return result


@pytest.mark.parametrize(
    ("rate_bit_s", "verdict"), [(0, TrialVerdict.GOOD), (7_000_000, TrialVerdict.GOOD), (9_000_000, TrialVerdict.TOO_QUIET)]
)
def test_time_below_the_wanted_rate_does_not_count(rate_bit_s: int, verdict: TrialVerdict) -> None:
    assert find_result(TrialHost(), demand(rate_bit_s)).verdict is verdict


def test_a_host_that_is_too_quiet_goes_back_and_says_what_it_carried() -> None:
    host = TrialHost()
    result = find_result(host, demand(9_000_000))
    assert result.reason.startswith("in 9")
    assert result.reason.endswith(" s there were 9 Mbit/s in both directions for 0 s only")
    assert result.figures.soaked_s == 0.0
    assert result.figures.rx_bytes > 0
    assert find_wrong(host) == []


def test_traffic_that_is_made_counts_and_ends_with_the_soak() -> None:
    host = TrialHost(new=Behaviour(rate_bit_s=0.0))
    assert find_result(host, demand(9_000_000, "192.0.2.7")).verdict is TrialVerdict.GOOD
    assert host.made_bit_s == 0.0


def test_a_host_that_carries_nothing_soaks_where_nothing_is_demanded() -> None:
    result = find_result(TrialHost(new=Behaviour(rate_bit_s=0.0)))
    assert (result.verdict, result.figures.rx_bytes) == (TrialVerdict.GOOD, 0)


def test_a_gap_of_the_clock_counts_for_nothing() -> None:
    result = find_result(TrialHost(new=Behaviour(gap_s=(12.0, 500.0))))
    assert result.verdict is TrialVerdict.GOOD
    assert result.figures.watched_s < 60.0
    assert result.began_uptime_s is not None
    assert result.ended_uptime_s is not None
    assert result.began_uptime_s == 512.0, "a hang before would not have been seen"


def test_a_gateway_that_is_started_anew_is_waited_for_and_that_time_does_not_count() -> None:
    result = find_result(TrialHost(new=Behaviour(silent_s=(10.0, 60.0))))
    assert result.verdict is TrialVerdict.GOOD
    assert result.figures.watched_s - result.figures.soaked_s >= 45.0


def test_who_does_not_answer_any_more_is_lost() -> None:
    host = TrialHost(new=Behaviour(silent_s=(10.0, 1e9)))
    result = find_result(host, dataclasses.replace(WANTED, patience_s=600.0))
    assert result.verdict is TrialVerdict.UNREACHED
    assert result.reason == "eth0: no answer for 120 s, although frames leave"
    assert find_wrong(host) == []


def test_a_record_that_is_damaged_meanwhile_does_not_end_it() -> None:
    """Before, its service ended as if somebody had stopped it, and nobody watched any more."""
    host = TrialHost()
    do_start(host)
    host.boot("reboot")
    with pytest.raises(Killed):
        resume(build_trial_edges(host, Process(kill_at=80)))
    kept, edges = find_trial(host), build_trial_edges(host)
    assert is_soaking(edges, kept)
    host.trials.clear()
    assert is_soaking(edges, kept)
    result = soak(edges, kept)
    assert result is not None
    assert result.verdict is TrialVerdict.GOOD


def test_who_cannot_be_asked_any_more_is_lost_too() -> None:
    """A driver that holds a lock for ever leaves probes without an answer, and without a failure."""
    host = TrialHost()
    do_start(host, wanted=dataclasses.replace(WANTED, patience_s=600.0))
    host.boot("reboot")
    with pytest.raises(Killed):
        resume(build_trial_edges(host, Process(kill_at=80)))
    host.asks = False
    run_services(host)
    result = find_trial(host).legs[0].result
    assert result is not None
    assert (result.verdict, result.reason) == (TrialVerdict.UNREACHED, "eth0: no answer for 120 s")
    assert find_wrong(host) == []


def test_counters_that_cannot_be_read_show_no_traffic() -> None:
    result = find_result(TrialHost(new=Behaviour(counts=False)))
    assert (result.verdict, result.figures.soaked_s, result.figures.rx_bytes) == (TrialVerdict.TOO_QUIET, 0.0, 0)


def test_nobody_shows_life_before_all_is_reached() -> None:
    """Else a service that fails again and again would keep a host without a network alive until the deadline."""
    host = TrialHost(new=Behaviour(reaches_s=None))
    do_start(host, wanted=dataclasses.replace(WANTED, reach_s=86_400.0))
    host.boot("reboot")
    with pytest.raises(Killed):
        resume(build_trial_edges(host, Process(kill_at=200)))
    assert host.uptime_s > 60.0
    assert host.life_s is None


class TestAHang:
    def test_that_the_watcher_may_cure_is_waited_for(self) -> None:
        host = TrialHost(new=Behaviour(hangs_s=15.0, cured_s=40.0))
        host.policy = RESTORES
        result = find_result(host)
        assert (result.verdict, result.figures.cured) == (TrialVerdict.GOOD, 1)
        assert result.figures.watched_s - result.figures.soaked_s >= 20.0

    def test_that_the_watcher_may_cure_and_does_not_ends_it(self) -> None:
        host = TrialHost(new=HUNG)
        host.policy = RESTORES
        wanted = dataclasses.replace(WANTED, patience_s=600.0)
        result = find_result(host, wanted)
        assert result.verdict is TrialVerdict.HUNG
        assert result.reason.endswith("; the watcher did not cure it in time")
        assert result.ended_uptime_s is not None
        assert 15.0 <= result.ended_uptime_s < 20.0  # when it was seen
        assert result.began is not None
        assert result.ended is not None
        seen_s = (datetime.datetime.fromisoformat(result.ended) - datetime.datetime.fromisoformat(result.began)).total_seconds()
        assert 15.0 <= seen_s < 20.0
        # from the end of the policy's quiet time after the boot
        assert result.figures.watched_s == pytest.approx(30.0 + 180.0, abs=8.0)
        assert find_wrong(host) == []

    @pytest.mark.parametrize("policy", [None, NicPolicy(mode=Mode.OBSERVE)], ids=["no watcher", "observes only"])
    def test_that_nobody_may_cure_ends_it_at_once(self, policy: NicPolicy | None) -> None:
        host = TrialHost(new=Behaviour(hangs_s=15.0, cured_s=40.0))
        host.policy = policy
        result = find_result(host)
        assert (result.verdict, result.hung) == (TrialVerdict.HUNG, "eth0")
        assert result.ended_uptime_s is not None
        assert result.ended_uptime_s < 20.0

    def test_whose_card_is_made_anew_by_the_watcher_counts_from_there(self) -> None:
        host = TrialHost(new=Behaviour(gone_s=(15.0, 30.0)))
        host.policy = RESTORES
        result = find_result(host)
        assert (result.verdict, result.figures.cured) == (TrialVerdict.GOOD, 1)
        assert result.figures.rx_bytes <= (result.figures.watched_s - 10.0) * 1e6
        assert find_wrong(host) == []

    def test_before_everything_is_reached_is_not_reached(self) -> None:
        assert find_result(TrialHost(new=Behaviour(hangs_s=0.0))).verdict is TrialVerdict.UNREACHED


class TestAServiceThatDies:
    def test_goes_on_with_what_it_had_measured(self) -> None:
        host = TrialHost()
        do_start(host)
        host.boot("reboot")
        with pytest.raises(Killed):
            resume(build_trial_edges(host, Process(kill_at=80)))
        done = host.progress[1, "boot-2"].soaked_s
        assert done > 0.0
        run_services(host)
        result = find_trial(host).legs[0].result
        assert result is not None
        assert (result.verdict, result.boot_id) == (TrialVerdict.GOOD, "boot-2")
        assert result.figures.soaked_s < done + 30.0
        assert result.began_uptime_s == 0.0, "what was watched before it died counts"
        assert len(host.booted) == 2

    def test_and_was_stopped_meanwhile_is_heard(self) -> None:
        host = TrialHost()
        do_start(host)
        host.boot("reboot")
        with pytest.raises(Killed):
            resume(build_trial_edges(host, Process(kill_at=80)))
        stop(build_trial_edges(host), promote=False)
        run_services(host)
        assert find_verdicts(find_trial(host)) == [TrialVerdict.STOPPED]
        assert find_trial(host).phase is TrialPhase.ENDED


class Meanwhile(Process):
    """Somebody else does something when it waits for the n-th time."""

    def __init__(self, wait: int, act: Callable[[], object]) -> None:
        super().__init__()
        self.left, self.act = wait, act

    def call(self, name: str) -> None:
        super().call(name)
        self.left -= name == "wait"
        if name == "wait" and self.left == 0:
            self.act()


@pytest.mark.parametrize("new", [Behaviour(), Behaviour(reaches_s=None)], ids=["soaks", "is not reached yet"])
def test_who_stops_it_meanwhile_is_heard_by_the_service_that_watches(new: Behaviour) -> None:
    host = TrialHost(new=new)
    do_start(host)
    host.boot("reboot")
    process = Meanwhile(4, lambda: stop(build_trial_edges(host), promote=False))
    assert resume(build_trial_edges(host, process)).said == "Somebody else has ended it."
    assert find_verdicts(find_trial(host)) == [TrialVerdict.STOPPED]
    assert (host.rebooting, host.evidence, host.stood_down, host.made_bit_s) == (False, [], True, 0.0)


def test_who_stops_it_when_it_has_just_hung_is_heard_too() -> None:
    """The verdict is there, the lock is not held yet."""
    host = TrialHost(new=HUNG)
    do_start(host)
    host.boot("reboot")

    class Late(Process):
        def call(self, name: str) -> None:
            super().call(name)
            if name == "end of traffic":
                stop(build_trial_edges(host), promote=False)

    assert resume(build_trial_edges(host, Late())).said == "Somebody else has ended it."
    assert (find_verdicts(find_trial(host)), host.rebooting) == ([TrialVerdict.STOPPED], False)


def test_a_soak_whose_progress_cannot_be_noted_goes_on() -> None:
    host = TrialHost()
    do_start(host)
    host.boot("reboot")
    counted, calls = TrialHost(), Process()
    do_start(counted)
    counted.boot("reboot")
    run_services(counted, calls)
    run_services(host, Process(fail_at=calls.calls.index("progress")))
    assert find_trial(host).promoted
    assert len(host.booted) == 2
