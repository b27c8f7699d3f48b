# SPDX-License-Identifier: GPL-2.0-or-later
"""A kernel on trial from beginning to end, on a host that boots what its GRUB menu says."""

import dataclasses

import pytest

from nicmedic.app.boot_trial.resume import resume
from nicmedic.app.boot_trial.standing import read_standing
from nicmedic.model.boot_trial import BootTrial, TrialPhase, TrialVerdict
from nicmedic.testing.boot_trial import NEW, OLD, Behaviour, TrialHost, build_trial_edges, run_services
from nicmedic.testing.world import Killed, Process
from tests.unit.app.boot_trial.scenes import HUNG, WANTED, carry_out, do_prepare, do_start, find_trial, find_verdicts, find_wrong


def tell_boots(host: TrialHost) -> list[tuple[str, int | None, str]]:
    return [(kernel.release, trial, why) for kernel, trial, why in host.booted[1:]]


def find_reason(trial: BootTrial) -> str:
    (leg,) = trial.legs
    assert leg.result is not None
    return leg.result.reason


def test_a_good_kernel_is_the_default_in_the_end() -> None:
    host = TrialHost()
    trial = carry_out(host)
    assert find_verdicts(trial) == [TrialVerdict.GOOD]
    assert (trial.phase, trial.promoted, trial.pinned) == (TrialPhase.ENDED, True, False)
    assert tell_boots(host) == [(NEW.release, 1, "reboot")]
    assert (host.running, host.next_kernel, host.block) == (NEW, NEW, None)
    assert find_wrong(host) == []


def test_what_a_good_boot_measured_is_told() -> None:
    trial = carry_out(TrialHost())
    result = trial.legs[0].result
    assert result is not None
    assert 30.0 <= result.figures.soaked_s <= 36.0
    assert result.figures.rx_bytes == pytest.approx(result.figures.watched_s * 1e6, rel=0.01)
    assert result.began_uptime_s is not None
    assert result.ended_uptime_s is not None
    assert result.ended_uptime_s - result.began_uptime_s >= 30.0
    assert (result.boot_id, result.hung, result.evidence) == ("boot-2", None, None)


def test_a_kernel_that_hangs_is_left_by_a_reboot_with_the_evidence_kept() -> None:
    host = TrialHost(new=HUNG)
    trial = carry_out(host)
    assert find_verdicts(trial) == [TrialVerdict.HUNG]
    assert tell_boots(host) == [(NEW.release, 1, "reboot"), (OLD.release, None, "reboot")]
    assert host.evidence == [(1, 0)]
    result = trial.legs[0].result
    assert result is not None
    assert (result.hung, result.evidence) == ("eth0", "/fake/trials/1/leg-0")
    assert "eth0 hangs: its transmit watchdog expired" in result.reason
    assert (trial.phase, trial.pinned) == (TrialPhase.ENDED, True)
    assert host.block == (1, OLD, None)
    assert find_wrong(host) == []


def test_a_kernel_that_panics_at_boot_is_left() -> None:
    host = TrialHost(new=Behaviour(panics=True))
    trial = carry_out(host)
    assert find_verdicts(trial) == [TrialVerdict.CRASHED]
    assert "did not come as far as its service" in find_reason(trial)
    assert tell_boots(host) == [(NEW.release, 1, "reboot"), (OLD.release, None, "panic")]
    assert host.evidence == [(1, 0)]
    assert find_wrong(host) == []


def test_a_kernel_that_panics_while_it_soaks_is_left() -> None:
    host = TrialHost(new=Behaviour(dies_s=18.0))
    trial = carry_out(host)
    assert find_verdicts(trial) == [TrialVerdict.CRASHED]
    result = trial.legs[0].result
    assert result is not None
    assert (result.boot_id, result.ended_uptime_s) == ("boot-2", None)
    assert "while it soaked" in result.reason
    assert find_wrong(host) == []


def test_a_kernel_that_never_reaches_the_network_is_left() -> None:
    host = TrialHost(new=Behaviour(reaches_s=None))
    trial = carry_out(host)
    assert find_verdicts(trial) == [TrialVerdict.UNREACHED]
    assert find_reason(trial) == "not reached within 20 s: eth0: gateway 192.0.2.1: failed"
    assert find_wrong(host) == []


def test_a_kernel_that_reaches_the_network_late_has_its_time() -> None:
    assert find_verdicts(carry_out(TrialHost(new=Behaviour(reaches_s=15.0)))) == [TrialVerdict.GOOD]


def test_a_card_that_the_new_kernel_has_no_driver_for_is_not_reached() -> None:
    host = TrialHost()
    do_start(host)
    host.cards = False
    run_services(host)
    assert find_verdicts(find_trial(host)) == [TrialVerdict.UNREACHED]
    assert find_reason(find_trial(host)) == "not reached within 20 s: eth0: the card is not there"


def test_a_grub_that_cannot_take_its_word_away_boots_the_old_kernel_and_is_told_so() -> None:
    host = TrialHost(grub_clears=False)
    trial = carry_out(host)
    assert find_verdicts(trial) == [TrialVerdict.NOT_BOOTED]
    assert "could not take its word away" in find_reason(trial)
    assert tell_boots(host) == [(OLD.release, None, "reboot")]
    assert host.word is None
    assert find_wrong(host) == []


def test_a_service_that_never_comes_up_is_overtaken_by_the_deadline() -> None:
    host = TrialHost()
    do_start(host)
    host.boot("reboot")
    host.pass_time(1.0)
    with pytest.raises(BaseException):  # noqa: B017  # whatever waits dies with the boot
        host.pass_time(2000.0)
    assert (host.running, host.booted[-1][2]) == (OLD, "silence")
    run_services(host)
    assert find_verdicts(find_trial(host)) == [TrialVerdict.CRASHED]
    assert find_wrong(host) == []


@pytest.mark.parametrize("calls", [0, 80], ids=["never begins", "dies"])
def test_a_long_soak_that_nobody_looks_after_is_not_left_alone_until_its_deadline(calls: int) -> None:
    host = TrialHost()
    do_start(host, wanted=dataclasses.replace(WANTED, soak_s=14 * 86_400.0))
    host.boot("reboot")
    if calls:
        with pytest.raises(Killed):
            resume(build_trial_edges(host, Process(kill_at=calls)))
    begin_s = host.wall_s
    with pytest.raises(Killed):
        host.pass_time(14 * 86_400.0)
    assert (host.running, host.booted[-1][2]) == (OLD, "silence")
    assert host.wall_s - begin_s <= 20.0 + 900.0


def test_who_does_not_want_it_promoted_finds_the_old_kernel_after_the_next_reboot() -> None:
    host = TrialHost()
    trial = carry_out(host, dataclasses.replace(WANTED, promote=False))
    assert find_verdicts(trial) == [TrialVerdict.GOOD]
    assert (host.running, host.next_kernel, host.stood_down) == (NEW, OLD, True)
    assert (trial.promoted, trial.pinned) == (False, True)


def test_the_services_deadline_is_later_than_all_that_a_soak_may_take() -> None:
    host = TrialHost()
    do_start(host)
    assert host.units == 20.0 + 30.0 + 60.0 + 900.0


def test_a_promotion_that_fails_is_tried_again_and_reboots_nothing() -> None:
    host = TrialHost()
    do_start(host)
    host.boot("reboot")
    calls = Process()
    probe = TrialHost()
    do_start(probe)
    probe.boot("reboot")
    run_services(probe, calls)
    run_services(host, Process(fail_at=calls.calls.index("write promoted")))
    assert find_trial(host).promoted
    assert tell_boots(host) == [(NEW.release, 1, "reboot")]
    assert find_wrong(host) == []


def test_what_was_prepared_is_what_everything_ends_on() -> None:
    host = TrialHost(new=HUNG)
    saved = do_prepare(host).trial.old
    host.menu_default = NEW  # the upgrade
    trial = carry_out(host)
    assert (trial.id, trial.old, trial.pinned) == (1, saved, True)
    assert host.running == saved
    assert host.copies == {"/boot/nicmedic/1"}
    assert find_wrong(host) == []


def test_a_copy_goes_with_the_promotion() -> None:
    host = TrialHost()
    do_prepare(host)
    carry_out(host)
    assert host.copies == set()


def test_a_saved_kernel_that_runs_while_its_successor_is_promoted_stays() -> None:
    """The power was cut in the middle of it."""
    host = TrialHost()
    do_prepare(host)
    do_start(host)
    host.boot("reboot")
    counted = TrialHost()
    do_prepare(counted)
    do_start(counted)
    counted.boot("reboot")
    calls = Process()
    run_services(counted, calls)
    with pytest.raises(Killed):
        resume(build_trial_edges(host, Process(kill_at=calls.calls.index("write promoted"))))
    host.boot()
    assert host.running.saved == "/boot/nicmedic/1"
    run_services(host)
    assert (host.next_kernel, host.copies) == (NEW, {"/boot/nicmedic/1"})
    assert find_trial(host).promoted


def test_how_it_stands_is_told_without_writing_anything() -> None:
    host = TrialHost()
    do_start(host, reboot=False)
    standing = read_standing(build_trial_edges(host))
    assert (standing.armed, standing.on_trial, standing.running, standing.boot_id) == (1, None, OLD.release, "boot-1")
    assert standing.trials[-1].asked


def test_a_word_that_no_record_knows_of_is_told() -> None:
    host = TrialHost(new=HUNG)
    carry_out(host)
    assert read_standing(build_trial_edges(host)).notes == ()
    host.word = 1
    (note,) = read_standing(build_trial_edges(host)).notes
    assert note == "GRUB's variable asks for trial 1, which is not armed: nicmedic trial abort takes that away"


def test_how_it_stands_is_told_as_far_as_it_can_be_read() -> None:
    host = TrialHost()
    do_start(host, reboot=False)
    calls = Process()
    read_standing(build_trial_edges(host, calls))
    for name, field in ("read release", "running"), ("find held", "held"), ("is armed", "armed"), ("boot id", "boot_id"):
        standing = read_standing(build_trial_edges(host, Process(fail_at=calls.calls.index(name))))
        assert (getattr(standing, field), standing.notes) == (None, ("No space left on device",))
