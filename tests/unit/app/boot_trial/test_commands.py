# SPDX-License-Identifier: GPL-2.0-or-later
"""What the commands refuse before anything is changed, and stop and abort in every phase."""

import contextlib
import dataclasses

import pytest

from nicmedic.app.boot_trial.edges import is_same_kernel
from nicmedic.app.boot_trial.giving_up import abort, plan_abort, stop, take_out
from nicmedic.app.boot_trial.prepare import prepare
from nicmedic.app.boot_trial.resume import resume
from nicmedic.app.boot_trial.start import plan_aba, plan_start, start
from nicmedic.model.boot_trial import KernelChoice, TrialPhase, TrialVerdict
from nicmedic.model.errors import BusyError, NoSuchTrialError, RefusedError, StateError, TrialFailedError, UndoFailedError
from nicmedic.testing.boot_trial import NEW, OLD, Behaviour, TrialHost, build_trial_edges, run_services
from nicmedic.testing.world import Killed, Process
from tests.unit.app.boot_trial.scenes import (
    HUNG,
    WANTED,
    carry_out,
    demand,
    do_aba,
    do_prepare,
    do_start,
    find_trial,
    find_verdicts,
    find_wrong,
)

CHANGES = ("write", "arm", "disarm", "remove", "save", "create", "install", "reboot")


def do_nothing_to(host: TrialHost, process: Process) -> bool:
    return host.block is None and not host.trials and host.units is None and not any(call.startswith(CHANGES) for call in process.calls)


def soaking(behaviour: Behaviour | None = None, *, call: int = 80) -> TrialHost:
    """A host whose service was killed while it soaked."""
    host = TrialHost(new=behaviour or Behaviour())
    do_start(host)
    host.boot("reboot")
    with pytest.raises(Killed):
        resume(build_trial_edges(host, Process(kill_at=call)))
    assert find_trial(host).phase is TrialPhase.SOAKING
    return host


class TestRefused:
    def test_where_one_shot_boot_is_not_safe(self) -> None:
        host, process = TrialHost(), Process()
        host.obstacles = ("GRUB cannot write its variables: /boot is on LVM.", "There is a password.")
        with pytest.raises(RefusedError, match=r"on LVM\. There is a password") as caught:
            plan_start(build_trial_edges(host, process), NEW.release, WANTED)
        assert caught.value.hint == "grub-probe /boot/grub"
        with pytest.raises(RefusedError):
            prepare(build_trial_edges(host, process), copy=True)
        with pytest.raises(RefusedError):
            plan_aba(build_trial_edges(host, process), OLD.release, NEW.release, hours=1, boots=3, wanted=WANTED)
        assert do_nothing_to(host, process)

    @pytest.mark.parametrize("word", ["6.9.9", "", "/boot/vmlinuz"])
    def test_a_kernel_that_the_menu_does_not_have(self, word: str) -> None:
        host, process = TrialHost(), Process()
        with pytest.raises(RefusedError, match="no such kernel") as caught:
            plan_start(build_trial_edges(host, process), word, WANTED)
        assert NEW.image in caught.value.hint
        assert do_nothing_to(host, process)

    @pytest.mark.parametrize("word", [OLD.release, OLD.package, OLD.image])
    def test_the_kernel_that_everything_ends_on(self, word: str) -> None:
        host, process = TrialHost(), Process()
        with pytest.raises(RefusedError, match="nothing to try"):
            plan_start(build_trial_edges(host, process), word, WANTED)
        assert do_nothing_to(host, process)

    def test_one_and_the_same_kernel_in_turn(self) -> None:
        with pytest.raises(RefusedError, match="the same kernel"):
            plan_aba(build_trial_edges(TrialHost()), NEW.release, NEW.package or "", hours=1, boots=3, wanted=WANTED)

    @pytest.mark.parametrize(("misses", "found"), [(2, True), (3, False)])
    def test_a_host_that_is_busy_is_asked_three_times(self, misses: int, found: bool) -> None:  # of the table
        host = TrialHost()
        host.misses = misses
        with contextlib.nullcontext() if found else pytest.raises(RefusedError, match="no card is seen to carry traffic"):
            assert plan_start(build_trial_edges(host), NEW.release, WANTED).trial.cards

    def test_a_host_whose_cards_carry_nothing(self) -> None:
        host, process = TrialHost(old=Behaviour(hangs_s=0.0)), Process()
        with pytest.raises(RefusedError, match="no card is seen to carry traffic"):
            plan_start(build_trial_edges(host, process), NEW.release, WANTED)
        assert do_nothing_to(host, process)

    def test_a_probe_that_does_not_pass_now(self) -> None:
        host, process = TrialHost(), Process()
        with pytest.raises(RefusedError, match=r"ping 192.0.2.99 does not pass now"):
            plan_start(build_trial_edges(host, process), NEW.release, dataclasses.replace(WANTED, probes=("ping:192.0.2.99",)))
        assert do_nothing_to(host, process)

    def test_where_nobody_would_look_after_it(self) -> None:
        host, process = TrialHost(), Process()
        host.obstacle_of_units = "this host has no systemd"
        with pytest.raises(RefusedError, match="has no systemd"):
            plan_start(build_trial_edges(host, process), NEW.release, WANTED)
        assert do_nothing_to(host, process)

    def test_to_end_on_a_kernel_that_the_menu_does_not_have(self) -> None:
        host, process = TrialHost(), Process()
        host.kernels = (NEW,)
        with pytest.raises(RefusedError, match="has no entry for it"):
            prepare(build_trial_edges(host, process), copy=True)
        with pytest.raises(RefusedError, match="has no entry for it"):
            plan_start(build_trial_edges(host, process), NEW.release, WANTED)
        assert do_nothing_to(host, process)

    def test_boots_in_turn_that_would_end_on_a_kernel_that_does_not_run(self) -> None:
        host, process = TrialHost(), Process()
        with pytest.raises(RefusedError, match=r"everything would end on 6.1.0-56-amd64 .*, and 6.1.0-55-amd64 .* runs") as caught:
            plan_aba(build_trial_edges(host, process), NEW.release, OLD.release, hours=1, boots=3, wanted=WANTED)
        assert caught.value.hint.startswith(f"nicmedic trial start {NEW.release} ")
        assert do_nothing_to(host, process)

    def test_a_second_trial_while_one_is_under_way(self) -> None:
        host = TrialHost()
        do_start(host, reboot=False)
        for command in (do_start, do_prepare, do_aba):
            with pytest.raises(BusyError, match="trial 1 is armed"):
                command(host)

    def test_a_plan_that_somebody_else_overtook(self) -> None:
        host = TrialHost()
        planned = plan_start(build_trial_edges(host), NEW.release, WANTED)
        do_prepare(host)
        with pytest.raises(BusyError, match="somebody else changed it"):
            start(build_trial_edges(host), planned)
        assert find_trial(host).phase is TrialPhase.PREPARED

    def test_two_commands_at_once(self) -> None:
        host = TrialHost()
        do_start(host, reboot=False)
        with build_trial_edges(host).store.hold_lock():
            for command in (
                do_prepare,
                do_start,
                do_aba,
                lambda host: abort(build_trial_edges(host)),
                lambda host: resume(build_trial_edges(host)),
            ):
                with pytest.raises(BusyError):
                    command(host)
        assert find_trial(host).phase is TrialPhase.ARMED


class FailsFrom(Process):
    """All that is called from its n-th call on fails."""

    def __init__(self, first: int, error: BaseException) -> None:
        super().__init__()
        self.first, self.every = first, error

    def call(self, name: str) -> None:
        super().call(name)
        if len(self.calls) > self.first:
            raise self.every


def throw_out_block(host: TrialHost) -> None:
    """What an administrator may do who finds it."""
    host.block = None


class TestPrepare:
    def test_saves_the_running_kernel_and_pins_it(self) -> None:
        host = TrialHost()
        told = do_prepare(host)
        assert (told.trial.phase, told.trial.pinned, told.trial.old.saved) == (TrialPhase.PREPARED, True, "/boot/nicmedic/1")
        assert host.block == (1, told.trial.old, None)
        host.menu_default = NEW
        host.boot()
        assert host.running == told.trial.old

    def test_twice_is_once_and_makes_sure_of_the_entry(self) -> None:
        host = TrialHost()
        first = do_prepare(host).trial
        throw_out_block(host)
        again = do_prepare(host)
        assert (again.trial, again.notes) == (first, ("It was prepared before.",))
        assert host.block == (1, first.old, None)
        assert len(host.trials) == 1

    def test_of_another_kernel_takes_the_place_of_the_former(self) -> None:
        host = TrialHost()
        do_prepare(host)
        throw_out_block(host)
        host.menu_default = NEW
        host.boot("reboot")
        trial = do_prepare(host).trial
        assert (trial.id, trial.old.release, host.block) == (2, NEW.release, (2, trial.old, None))
        assert (host.trials[1].phase, host.trials[1].pinned) == (TrialPhase.ENDED, False)
        assert host.copies == {"/boot/nicmedic/2"}

    def test_without_a_copy_uses_the_files_of_the_package(self) -> None:
        host = TrialHost()
        assert prepare(build_trial_edges(host), copy=False).trial.old == OLD
        assert host.copies == set()

    def test_a_release_that_was_replaced_in_place_may_be_tried_against_its_copy(self) -> None:
        host = TrialHost()
        do_prepare(host)
        host.kernels = (KernelChoice(release=OLD.release, package=NEW.package, image=OLD.image),)
        planned = plan_start(build_trial_edges(host), OLD.release, WANTED)
        assert planned.trial.legs[0].kernel.package == NEW.package


class TestStart:
    def test_without_a_reboot_waits_for_whoever_reboots(self) -> None:
        host = TrialHost()
        told = do_start(host, reboot=False)
        assert (told.trial.phase, told.trial.asked, host.rebooting, host.word) == (TrialPhase.ARMED, True, False, 1)
        assert "There is no hardware watchdog." in told.notes
        assert resume(build_trial_edges(host)).said == "It is armed: the next boot tries it."
        host.boot("reboot")
        run_services(host)
        assert find_trial(host).promoted

    def test_after_a_trial_that_failed_begins_another(self) -> None:
        host = TrialHost(new=HUNG)
        carry_out(host)
        host.behaviours[NEW.package] = Behaviour()
        trial = carry_out(host)
        assert (trial.id, trial.promoted) == (2, True)
        assert [one.pinned for one in host.trials.values()] == [False, False]
        assert find_wrong(host) == []

    def test_a_card_with_a_link_that_carries_nothing_is_told(self) -> None:
        host = TrialHost()
        host.idle_card = host.dark_card = True
        planned = plan_start(build_trial_edges(host), NEW.release, WANTED)
        assert [card.interface for card in planned.trial.cards] == ["eth0"]
        assert planned.notes == ("eth1 has a link, and nothing is seen to flow over it now: it is not watched, and a hang of it not seen",)

    def test_a_card_over_which_nobody_can_be_asked_later_is_told(self) -> None:
        """The session of whoever types this answers now."""
        planned = plan_start(build_trial_edges(TrialHost(old=Behaviour(reaches_s=None))), NEW.release, WANTED)
        (note,) = planned.notes
        assert note.startswith("over eth0 nobody answers who can be asked after the boot too")

    @pytest.mark.parametrize(("other", "is_told"), [("192.0.2.99", True), ("192.0.2.1", False), ("no_name", False)])
    def test_traffic_that_nobody_answers_is_told_before_the_boot(self, other: str, is_told: bool) -> None:
        planned = plan_start(build_trial_edges(TrialHost()), NEW.release, demand(9_000_000, other))
        told = "192.0.2.99 is not seen to answer over eth0 now, so the traffic that is wanted may not come about there"
        assert planned.notes == ((told,) if is_told else ())

    def test_interrupted_when_the_reboot_was_asked_for_says_that_it_may_come(self) -> None:
        counted, calls = TrialHost(), Process()
        do_start(counted, calls)
        at = next(number for number, call in enumerate(calls.calls) if call.startswith("reboot"))
        host = TrialHost()
        with pytest.raises(TrialFailedError, match="as it was, and this host may reboot to it all the same: it was interrupted"):
            do_start(host, Process(fail_at=at, error=KeyboardInterrupt()))
        assert (host.word, host.block) == (None, None)

    @pytest.mark.parametrize(
        ("error", "told"),
        [
            (StateError("the disk is gone"), "the disk is gone; taking it back failed as well: the disk is gone; "),
            (KeyboardInterrupt(), "interrupted"),
        ],
        ids=["disk", "ctrl-c"],
    )
    def test_that_fails_and_cannot_be_taken_back_says_what_is_left(self, error: BaseException, told: str) -> None:
        host, calls = TrialHost(), Process()
        do_start(TrialHost(), calls)
        with pytest.raises(UndoFailedError, match=told) as caught:
            do_start(host, FailsFrom(calls.calls.index("armed"), error))
        assert "nicmedic trial abort" in caught.value.hint
        assert build_trial_edges(host).menu.is_armed() == 1
        abort(build_trial_edges(host))
        assert (host.word, host.block, host.units) == (None, None, None)

    def test_that_fails_after_a_trial_that_failed_leaves_its_pin(self) -> None:
        host = TrialHost(new=HUNG)
        carry_out(host)
        edges = build_trial_edges(host)
        planned, process = plan_start(edges, NEW.release, WANTED), Process()
        counted = TrialHost()
        start(build_trial_edges(counted, process), plan_start(build_trial_edges(counted), NEW.release, WANTED))
        failing = Process(fail_at=process.calls.index("arm"))
        with pytest.raises(TrialFailedError, match="the boot loader is as it was: No space left on device"):
            start(build_trial_edges(host, failing), planned)
        assert (host.block, host.word, host.trials[1].pinned) == ((1, OLD, None), None, True)
        assert find_verdicts(host.trials[2]) == [TrialVerdict.STOPPED]


class TestStop:
    def test_leaves_everything_as_it_runs_and_the_old_kernel_the_default(self) -> None:
        host = soaking()
        told = stop(build_trial_edges(host), promote=False)
        assert (told.trial.phase, told.trial.pinned, told.trial.promoted) == (TrialPhase.ENDED, True, False)
        result = told.trial.legs[0].result
        assert result is not None
        assert (result.verdict, result.boot_id) == (TrialVerdict.STOPPED, "boot-2")
        assert result.figures.watched_s > 0
        assert result.began_uptime_s == 0.0
        assert result.ended_uptime_s == host.uptime_s, "the hours of it count"
        assert (host.running, host.next_kernel, host.rebooting, host.stood_down, host.units) == (NEW, OLD, False, True, None)

    def test_that_nobody_watched_any_more_tells_no_end_of_it(self) -> None:
        host = soaking()
        host.pass_time(300.0)
        result = stop(build_trial_edges(host), promote=False).trial.legs[0].result
        assert result is not None
        assert (result.began_uptime_s, result.ended_uptime_s) == (None, None)

    def test_whose_progress_cannot_be_read_is_stopped_all_the_same(self) -> None:
        host = soaking()
        host.progress.clear()
        result = stop(build_trial_edges(host), promote=False).trial.legs[0].result
        assert result is not None
        assert (result.verdict, result.figures.watched_s) == (TrialVerdict.STOPPED, 0.0)

    def test_may_promote(self) -> None:
        host = soaking()
        told = stop(build_trial_edges(host), promote=True)
        assert (told.trial.phase, told.trial.promoted, host.next_kernel) == (TrialPhase.ENDED, True, NEW)
        assert find_wrong(host) == []

    def test_before_the_service_began(self) -> None:
        host = TrialHost()
        do_start(host)
        host.boot("reboot")
        stop(build_trial_edges(host), promote=False)
        run_services(host)
        assert find_verdicts(find_trial(host)) == [TrialVerdict.STOPPED]
        assert (host.running, host.next_kernel) == (NEW, OLD)

    def test_while_nothing_soaks_is_refused(self) -> None:
        host = TrialHost()
        with pytest.raises(NoSuchTrialError):
            stop(build_trial_edges(host), promote=False)
        for make in (do_prepare, lambda host: do_start(host, reboot=False)):
            make(host)
            with pytest.raises(RefusedError, match="no soak goes on"):
                stop(build_trial_edges(host), promote=False)

    @pytest.mark.parametrize("phase", [TrialPhase.RETURNING, TrialPhase.PROMOTING, TrialPhase.ENDED])
    def test_after_its_end_is_refused(self, phase: TrialPhase) -> None:
        host = soaking()
        host.trials[1] = dataclasses.replace(host.trials[1], phase=phase)
        with pytest.raises(RefusedError, match=f"trial 1 is {phase}"):
            stop(build_trial_edges(host), promote=False)


class TestAbort:
    def test_where_nothing_is(self) -> None:
        for command in (abort, plan_abort):
            with pytest.raises(NoSuchTrialError):
                command(build_trial_edges(TrialHost()))

    def test_what_was_prepared(self) -> None:
        host = TrialHost()
        do_prepare(host)
        host.menu_default = NEW
        assert not plan_abort(build_trial_edges(host)).reboots
        told = abort(build_trial_edges(host))
        assert told.notes == ("The next reboot boots 6.1.0-56-amd64 (6.1.158-1).",)
        assert (told.trial.phase, told.trial.pinned, host.block, host.copies) == (TrialPhase.ENDED, False, None, set())

    def test_what_is_armed(self) -> None:
        host = TrialHost()
        do_start(host, reboot=False)
        told = abort(build_trial_edges(host))
        assert find_verdicts(told.trial) == [TrialVerdict.STOPPED]
        assert (host.word, host.block, host.units, told.trial.pinned) == (None, None, None, False)
        host.boot()
        assert host.running == OLD

    @pytest.mark.parametrize("began", [True, False])
    def test_on_the_kernel_on_trial_goes_back(self, began: bool) -> None:
        host = soaking() if began else TrialHost()
        if not began:
            do_start(host)
            host.boot("reboot")
        assert plan_abort(build_trial_edges(host)).reboots
        told = abort(build_trial_edges(host))
        assert (told.trial.phase, host.rebooting) == (TrialPhase.RETURNING, True)
        assert host.evidence == ([(1, 0)] if began else []), "perhaps for what he saw of it"
        run_services(host)
        assert (find_verdicts(find_trial(host)), host.running, find_trial(host).pinned) == ([TrialVerdict.STOPPED], OLD, True)
        assert find_wrong(host) == []
        abort(build_trial_edges(host))
        assert (host.block, find_trial(host).pinned) == (None, False)

    def test_while_it_goes_back_asks_for_the_reboot_again(self) -> None:
        host = soaking()
        abort(build_trial_edges(host))
        host.rebooting = False
        abort(build_trial_edges(host))
        assert host.rebooting

    def test_what_crashed_and_was_not_noted_yet(self) -> None:
        host = soaking()
        host.boot()
        told = abort(build_trial_edges(host))
        assert (find_verdicts(told.trial), host.block, host.units) == ([TrialVerdict.CRASHED], None, None)

    def test_what_was_not_booted_and_was_not_noted_yet(self) -> None:
        host = TrialHost(grub_clears=False)
        do_start(host)
        host.boot("reboot")
        told = abort(build_trial_edges(host))
        assert (find_verdicts(told.trial), host.word, host.block) == ([TrialVerdict.NOT_BOOTED], None, None)

    def test_what_came_back_and_was_not_noted_yet(self) -> None:
        host = soaking()
        abort(build_trial_edges(host))
        host.boot("reboot")
        assert not plan_abort(build_trial_edges(host)).reboots
        abort(build_trial_edges(host))
        assert (find_trial(host).phase, host.block) == (TrialPhase.ENDED, None)

    def test_a_promotion_that_cannot_be_ended_is_given_up(self) -> None:
        """Else there were no way out where GRUB's menu is not understood any more."""
        host = soaking()
        host.trials[1] = dataclasses.replace(host.trials[1], phase=TrialPhase.PROMOTING)
        assert not plan_abort(build_trial_edges(host)).reboots
        told = abort(build_trial_edges(host))
        assert (told.trial.phase, told.trial.promoted, host.block, host.units, host.rebooting) == (
            TrialPhase.ENDED,
            False,
            None,
            None,
            False,
        )

    def test_that_was_agreed_to_for_something_else_does_nothing(self) -> None:
        host = soaking()
        planned = plan_abort(build_trial_edges(host))
        stop(build_trial_edges(host), promote=True)
        with pytest.raises(BusyError, match="not as it was a moment ago: trial 1 is ended"):
            abort(build_trial_edges(host), planned)
        assert (host.next_kernel, host.rebooting) == (NEW, False)

    def test_while_the_reboot_comes_tells_that_it_comes_all_the_same(self) -> None:
        host = TrialHost()
        do_start(host)
        told = abort(build_trial_edges(host), plan_abort(build_trial_edges(host)))
        assert told.notes == ("The reboot that was asked for comes all the same; it boots 6.1.0-55-amd64 (6.1.153-1).",)
        run_services(host)
        assert host.running == OLD
        assert find_wrong(host) == []


def test_kernels_without_a_package_are_one_by_their_files() -> None:
    own = KernelChoice(release="6.12.1", image="/boot/vmlinuz-6.12.1")
    assert is_same_kernel(own, dataclasses.replace(own, package="6.12.1-1"))
    assert not is_same_kernel(own, dataclasses.replace(own, saved="/boot/nicmedic/1", image="/boot/nicmedic/1/vmlinuz-6.12.1"))


class TestWithoutARecord:
    """Somebody has damaged it, or taken it away."""

    def test_what_is_in_the_boot_loader_can_be_taken_out(self) -> None:
        host = TrialHost()
        do_start(host, reboot=False)
        host.trials.clear()
        planned = plan_abort(build_trial_edges(host))
        assert (planned.trial, planned.reboots) == (None, False)
        assert take_out(build_trial_edges(host)) == ("The next reboot boots 6.1.0-55-amd64 (6.1.153-1).",)
        assert (host.block, host.word, host.units) == (None, None, None)
        with pytest.raises(NoSuchTrialError):
            plan_abort(build_trial_edges(host))

    def test_what_cannot_be_taken_out_is_told(self) -> None:
        host = TrialHost()
        do_start(host, reboot=False)
        host.trials.clear()
        counted, calls = TrialHost(), Process()
        do_start(counted, reboot=False)
        take_out(build_trial_edges(counted, calls))
        with pytest.raises(UndoFailedError, match="not everything is out of the boot loader: No space left"):
            take_out(build_trial_edges(host, Process(fail_at=calls.calls.index("remove block"))))

    def test_the_kernel_on_trial_is_left_to_its_deadline(self) -> None:
        """Before, its services were taken away, and nobody watched it any more."""
        host = TrialHost()
        do_start(host)
        host.boot("reboot")
        host.trials.clear()
        with pytest.raises(StateError, match="the kernel of trial 1 runs, and there is no record of it"):
            resume(build_trial_edges(host))
        run_services(host)
        assert (host.booted[-1][2], host.running, host.units) == ("silence", OLD, None)

    def test_copies_stay_that_the_boot_loader_may_boot(self) -> None:
        host = TrialHost(new=HUNG)
        carry_out(host)
        host.boot()
        kept = do_prepare(host).trial.old.saved
        del host.trials[2]
        host.boot()
        host.running = OLD
        host.units = 1.0
        said = resume(build_trial_edges(host)).said
        assert "saved kernels stay: the boot loader is held by trial 2, of which no record can be read" in said
        assert (kept, host.copies) == ("/boot/nicmedic/2", {"/boot/nicmedic/2"})


class TestAKernelThatWasNotPromoted:
    def test_is_nothing_to_end_on(self) -> None:
        """A hook would promote it in passing."""
        host = soaking()
        stop(build_trial_edges(host), promote=False)
        for command in (
            do_prepare,
            lambda host: plan_start(build_trial_edges(host), OLD.release, WANTED),
            lambda host: plan_aba(build_trial_edges(host), NEW.release, OLD.release, hours=1, boots=3, wanted=WANTED),
        ):
            with pytest.raises(RefusedError, match=r"was on trial 1 and was not promoted: everything ends on 6.1.0-55-amd64") as caught:
                command(host)
            assert "nicmedic trial abort" in caught.value.hint
        assert (host.next_kernel, len(host.trials), host.copies) == (OLD, 1, set())
        abort(build_trial_edges(host))
        assert do_prepare(host).trial.old.release == NEW.release

    def test_and_was_promoted_is_what_boots_in_turn_end_on(self) -> None:
        host = TrialHost()
        carry_out(host)
        assert host.running == NEW
        planned = plan_aba(build_trial_edges(host), NEW.release, OLD.release, hours=1, boots=3, wanted=WANTED)
        assert [leg.kernel.release for leg in planned.trial.legs] == [NEW.release, OLD.release, NEW.release]

    def test_and_is_the_old_one_itself_is_prepared(self) -> None:
        host = TrialHost()
        do_aba(host)
        run_services(host)
        assert (host.on_trial, host.running) == (1, OLD)
        assert do_prepare(host).trial.old.release == OLD.release

    def test_what_has_ended_takes_the_pin_away(self) -> None:
        host = TrialHost(new=HUNG)
        do_prepare(host)
        host.menu_default = NEW
        carry_out(host)
        told = abort(build_trial_edges(host))
        assert (host.block, told.trial.pinned) == (None, False)
        assert host.copies == {"/boot/nicmedic/1"}  # it runs
        assert told.notes == ("/boot/nicmedic/1 runs", "The next reboot boots 6.1.0-56-amd64 (6.1.158-1).")
