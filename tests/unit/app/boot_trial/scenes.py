# SPDX-License-Identifier: GPL-2.0-or-later
"""A trial of a few seconds, and how a host may be found after it."""

from nicmedic.app.boot_trial.edges import Told
from nicmedic.app.boot_trial.prepare import prepare
from nicmedic.app.boot_trial.start import plan_aba, plan_start, start
from nicmedic.model.boot_trial import BootTrial, Traffic, TrialPhase, TrialVerdict, Wanted
from nicmedic.model.policy import Mode, NicPolicy
from nicmedic.testing.boot_trial import NEW, OLD, Behaviour, TrialHost, build_trial_edges, run_services
from nicmedic.testing.world import Process

WANTED = Wanted(soak_s=30.0, reach_s=20.0, patience_s=60.0)
HUNG = Behaviour(hangs_s=15.0)
RESTORES = NicPolicy(mode=Mode.RESTORE, quiet_after_boot_s=30.0)


def do_prepare(host: TrialHost, process: Process | None = None) -> Told:
    return prepare(build_trial_edges(host, process), copy=True)


def do_start(host: TrialHost, process: Process | None = None, wanted: Wanted = WANTED, *, reboot: bool = True) -> Told:
    edges = build_trial_edges(host, process)
    return start(edges, plan_start(edges, NEW.release, wanted), reboot=reboot)


def do_aba(host: TrialHost, process: Process | None = None, boots: int = 3) -> Told:
    edges = build_trial_edges(host, process)
    return start(edges, plan_aba(edges, OLD.release, NEW.release, hours=30 / 3600, boots=boots, wanted=WANTED))


def carry_out(host: TrialHost, wanted: Wanted = WANTED) -> BootTrial:
    """A trial from beginning to end."""
    do_start(host, wanted=wanted)
    run_services(host)
    return find_trial(host)


def find_trial(host: TrialHost) -> BootTrial:
    return host.trials[max(host.trials)]


def find_verdicts(trial: BootTrial) -> list[TrialVerdict | None]:
    return [None if leg.result is None else leg.result.verdict for leg in trial.legs]


def demand(rate_bit_s: int, host: str | None = None) -> Wanted:
    return Wanted(soak_s=30.0, reach_s=20.0, patience_s=60.0, traffic=Traffic(rate_bit_s=rate_bit_s, host=host))


def find_wrong(host: TrialHost) -> list[str]:
    """What must never be, once nothing more happens by itself."""
    promoted = any(trial.promoted for trial in host.trials.values())
    allowed = {OLD.release, NEW.release} if promoted else {OLD.release}
    live = [trial.id for trial in host.trials.values() if trial.phase.is_live]
    unexplained = [
        trial.id
        for trial in host.trials.values()
        if trial.phase is TrialPhase.ENDED and trial.legs and all(leg.result is None for leg in trial.legs)
    ]
    reasons = {
        "the wrong kernel runs": host.running.release not in allowed,
        "the next boot is of the wrong kernel": host.next_kernel.release not in allowed,
        "a promoted kernel is not the default": promoted and host.next_kernel.release != NEW.release,
        "something is live": bool(live),
        "GRUB's word is set": host.word is not None,
        "services are left": host.units is not None,
        "an ended trial does not tell how": bool(unexplained),
        "a boot on trial is watched by nobody": host.deadline_s is not None and not host.stood_down,
    }
    return [reason for reason, is_so in reasons.items() if is_so]
