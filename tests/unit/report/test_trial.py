# SPDX-License-Identifier: GPL-2.0-or-later
"""A kernel on trial as text and as JSON: what stands first in each state, and what may be typed."""

import dataclasses
import json
from pathlib import Path

import jsonschema
import pytest

from nicmedic.model.boot_trial import (
    BootTrial,
    Card,
    KernelChoice,
    Leg,
    LegResult,
    SoakFigures,
    Standing,
    Traffic,
    TrialPhase,
    TrialVerdict,
    Wanted,
)
from nicmedic.model.plan import Identity
from nicmedic.model.transaction import ProbeResult, ProbeState
from nicmedic.report.style import Style
from nicmedic.report.trial_json import render_trial_json
from nicmedic.report.trial_text import render_hooks, render_planned, render_prepared, render_standing, render_started, say_result

SCHEMA = json.loads((Path(__file__).parents[3] / "docs/schema/trial-1.json").read_text(encoding="utf-8"))
PLAIN = Style(one_line=True)
OLD = KernelChoice(release="6.1.0-55-amd64", package="6.1.148-1", image="/boot/vmlinuz-6.1.0-55-amd64", saved="/var/lib/nicmedic/kernels/1")
NEW = KernelChoice(
    release="6.1.0-56-amd64", package="6.1.153-1", image="/boot/vmlinuz-6.1.0-56-amd64", initrd="/boot/initrd.img-6.1.0-56-amd64"
)
CARD = Card(
    nic=Identity(interface="eth0", driver="r8169"),
    interface="eth0",
    before=(ProbeResult(probe="carrier", state=ProbeState.PASSED), ProbeResult(probe="gateway 10.0.0.1", state=ProbeState.PASSED)),
)
FIGURES = SoakFigures(soaked_s=551, watched_s=700, rx_bytes=4_250_000_000, tx_bytes=12_000)
TRIAL = BootTrial(
    id=3,
    phase=TrialPhase.ARMED,
    old=OLD,
    legs=(Leg(kernel=NEW, soak_s=1800.0),),
    wanted=Wanted(traffic=Traffic(rate_bit_s=100_000_000, host="10.0.0.7")),
    cards=(CARD,),
    made_at="2026-11-23T06:00:00+00:00",
    armed_boot_id="one",
    pinned=True,
    folder="/var/lib/nicmedic/trials/3",
)
HUNG = LegResult(
    verdict=TrialVerdict.HUNG,
    reason="bytes wait in eth0's queue, and none leaves it",
    hung="eth0",
    boot_id="two",
    began="2026-11-23T06:10:00+00:00",
    ended="2026-11-23T06:20:00+00:00",
    began_uptime_s=30.0,
    ended_uptime_s=730.0,
    figures=FIGURES,
    evidence="/var/lib/nicmedic/trials/3/evidence-1",
)


def ended(verdict: TrialVerdict, **more: object) -> BootTrial:
    """The trial after its boot."""
    leg = dataclasses.replace(TRIAL.legs[0], result=dataclasses.replace(HUNG, verdict=verdict, reason="", hung=None))
    changed = {"phase": TrialPhase.ENDED, "legs": (leg,), **more}
    return dataclasses.replace(TRIAL, **changed)  # type: ignore[arg-type]  # as given


def first_line(*trials: BootTrial, **more: object) -> str:
    """What stands first."""
    standing = Standing(trials=trials, boot_id="one", running=OLD.release)
    return render_standing(dataclasses.replace(standing, **more), PLAIN).splitlines()[0]  # type: ignore[arg-type]  # as given


def test_the_first_line_of_each_state_says_what_a_reset_boots() -> None:
    old, new = "6.1.0-55-amd64 (6.1.148-1, a saved copy)", "6.1.0-56-amd64 (6.1.153-1)"
    assert first_line(held=0) == "No kernel is on trial, and nothing of nicmedic is in the boot loader."
    assert first_line() == "No kernel is on trial; what is in the boot loader cannot be told."
    assert first_line(held=7) == "A kernel of trial 7 is in the boot loader, and no record of it can be read."
    assert first_line(held=7, on_trial=7) == "A kernel of trial 7 runs, and no record of it can be read."
    prepared = dataclasses.replace(TRIAL, phase=TrialPhase.PREPARED, legs=())
    assert first_line(prepared) == f"Prepared: every reboot is of {old}, whatever is installed. Nothing is on trial."
    assert "its own default" in first_line(dataclasses.replace(prepared, pinned=False))
    assert first_line(TRIAL) == f"The next boot is of {new}, once; every other one is of {old}."
    assert (
        first_line(TRIAL, rebooting=True) == f"The next boot is of {new}, once, and the reboot was asked for; every other one is of {old}."
    )
    assert "has not told yet how it went" in first_line(TRIAL, boot_id="two")
    begun = first_line(TRIAL, boot_id="two", on_trial=3)
    assert begun == f"{new} runs, and its service has not begun to watch it yet. Every reset ends on {old}."
    asked = dataclasses.replace(TRIAL, asked=True)
    assert first_line(asked, held=3, armed=3) == first_line(TRIAL)
    assert first_line(asked, held=3) == f"{new} was asked for, and GRUB's variable says so no more: the next boot is of {old}."
    assert "systemctl reboot" not in render_standing(Standing(trials=(asked,), boot_id="one", held=3), PLAIN)
    soaking = dataclasses.replace(TRIAL, phase=TrialPhase.SOAKING, soak_boot_id="one")
    assert first_line(soaking, boot_id="two").startswith(f"{new} was on trial in an earlier boot; the service that looks after that")
    assert first_line(soaking, progress=FIGURES) == (
        f"{new} is on trial: soaked 551 s of 30 min, 4.25 GB received, 12 kB sent. Every reset ends on {old}."
    )
    assert first_line(dataclasses.replace(TRIAL, phase=TrialPhase.PROMOTING)).endswith("is being made the default.")
    returning = dataclasses.replace(soaking, phase=TrialPhase.RETURNING)
    assert first_line(returning) == f"The host is about to reboot to {old}."
    assert first_line(returning, boot_id="two").startswith(f"The host was to reboot to {old}; the service")


def test_a_boot_loader_that_somebody_has_changed_is_told_first() -> None:
    ended_badly = ended(TrialVerdict.HUNG)
    for trial in TRIAL, ended_badly, dataclasses.replace(TRIAL, phase=TrialPhase.PREPARED, legs=()):
        told = "Every reset was to end on 6.1.0-55-amd64 (6.1.148-1, a saved copy), but somebody has changed the boot loader: "
        assert first_line(trial, held=0) == f"{told}nothing of nicmedic stands there any more."
        assert first_line(trial, held=9) == f"{told}trial 9 is what stands there."
        assert not first_line(trial, held=3).startswith(told)
    assert "changed" not in first_line(ended(TrialVerdict.GOOD, promoted=True, pinned=False), held=0)


def test_the_first_line_of_an_end_says_how_and_what_the_default_is() -> None:
    good = first_line(ended(TrialVerdict.GOOD, promoted=True, pinned=False))
    assert good.startswith("6.1.0-56-amd64 (6.1.153-1) soaked without a hang")
    assert good.endswith("It is the default now.")
    hung = dataclasses.replace(TRIAL, phase=TrialPhase.ENDED, legs=(dataclasses.replace(TRIAL.legs[0], result=HUNG),))
    assert first_line(hung) == (
        "6.1.0-56-amd64 (6.1.153-1) HUNG: bytes wait in eth0's queue, and none leaves it; soaked 551 s of 700 s watched, 4.25 GB received, "
        "12 kB sent. Now 6.1.0-55-amd64 runs, and the default is 6.1.0-55-amd64 (6.1.148-1, a saved copy)."
    )
    assert say_result(LegResult(verdict=TrialVerdict.HUNG, hung="eth0")) == "HUNG (eth0)"
    assert first_line(dataclasses.replace(TRIAL, phase=TrialPhase.ENDED)).startswith("The trial was given up before a boot;")


@pytest.mark.parametrize("verdict", TrialVerdict)
def test_every_verdict_has_words_and_fits_the_schema(verdict: TrialVerdict) -> None:
    standing = Standing(trials=(TRIAL, ended(verdict)), boot_id="one", running=OLD.release, progress=FIGURES, notes=("a note",))
    text = render_standing(standing, Style(colour=True))
    assert "a note" in text
    assert "Earlier ones" in text
    assert say_result(LegResult(verdict=verdict))
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(render_trial_json(standing)))


def test_boots_of_a_plan_are_counted_and_the_next_is_named() -> None:
    legs = tuple(Leg(kernel=kernel, soak_s=7200, expect="no hang") for kernel in (OLD, NEW, OLD))
    plan = dataclasses.replace(TRIAL, legs=legs, wanted=Wanted(promote=False))
    assert first_line(plan) == "The next boot is of 6.1.0-55-amd64 (6.1.148-1, a saved copy) (boot 1 of 3), once."
    done = (dataclasses.replace(legs[0], result=LegResult(verdict=TrialVerdict.GOOD)), dataclasses.replace(legs[1], result=HUNG), legs[2])
    assert "(boot 3 of 3)" in first_line(dataclasses.replace(plan, legs=done))
    text = render_planned(plan, ("there is no hardware watchdog",), PLAIN)
    assert text.startswith("3 boots in turn of 6.1.0-55-amd64 (6.1.148-1, a saved copy) and 6.1.0-56-amd64 (6.1.153-1);")
    assert "  1. 6.1.0-55" in text
    assert "there is no hardware watchdog" in text
    assert "the default stays the old kernel" in text
    finished = dataclasses.replace(plan, phase=TrialPhase.ENDED, legs=done)
    assert first_line(finished).startswith("2 of 3 boots done, 1 of them hung;")


def test_commands_are_those_of_the_state() -> None:
    def commands(*trials: BootTrial, **more: object) -> list[str]:
        standing = dataclasses.replace(Standing(trials=trials, boot_id="one"), **more)  # type: ignore[arg-type]  # as given
        return list(json.loads(render_trial_json(standing))["commands"])

    assert commands(TRIAL) == ["systemctl reboot", "nicmedic trial abort"]
    assert commands(TRIAL, rebooting=True) == ["nicmedic trial abort"]
    later = ["systemctl status nicmedic-trial.service", "nicmedic trial resume", "nicmedic trial abort"]
    assert commands(TRIAL, boot_id="two") == later
    soaking = dataclasses.replace(TRIAL, phase=TrialPhase.SOAKING, soak_boot_id="one")
    assert commands(soaking, boot_id="two") == later
    assert "nicmedic trial stop --promote" in commands(soaking)
    assert commands(dataclasses.replace(soaking, phase=TrialPhase.PROMOTING)) == ["nicmedic trial resume", "nicmedic trial abort"]
    assert commands(dataclasses.replace(TRIAL, phase=TrialPhase.PREPARED)) == ["nicmedic trial start KERNEL", "nicmedic trial abort"]
    assert commands(dataclasses.replace(soaking, phase=TrialPhase.RETURNING)) == ["nicmedic trial abort"]
    assert commands(dataclasses.replace(soaking, phase=TrialPhase.RETURNING), on_trial=3) == ["nicmedic trial abort"]
    assert commands(ended(TrialVerdict.GOOD, pinned=False)) == ["nicmedic history", "nicmedic trial prepare"]
    assert "nicmedic blame" in commands(ended(TrialVerdict.HUNG))
    for running in "6.1.0-56-amd64", "6.1.0-55-amd64":  # replaced in place, the name is the same
        assert commands(ended(TrialVerdict.STOPPED), on_trial=3, running=running) == ["systemctl reboot", "nicmedic trial abort"]
    ended_on_old = dataclasses.replace(ended(TrialVerdict.GOOD), old=NEW)
    assert "systemctl reboot" not in commands(ended_on_old, on_trial=3)
    assert commands(TRIAL, held=0, boot_id="one") == ["systemctl reboot", "nicmedic trial abort"]
    assert commands(ended(TrialVerdict.HUNG), held=0) == ["nicmedic trial prepare", "nicmedic trial abort"]
    assert commands() == ["nicmedic trial prepare", "nicmedic trial start KERNEL"]
    assert commands(held=7) == ["nicmedic trial abort"]


def test_prepared_and_hooks_say_how_to_go_back() -> None:
    assert "nicmedic trial abort" in render_prepared(dataclasses.replace(TRIAL, legs=()), ("a copy of 120 MB was made",), PLAIN)
    installed = render_hooks(["/etc/apt/apt.conf.d/90nicmedic-trial"], PLAIN, installed=True)
    assert "nicmedic trial prepare --remove-hook" in installed
    assert render_hooks([], PLAIN, installed=False) == "No hook of nicmedic is there.\n"
    assert render_hooks(["/x"], PLAIN, installed=False) == "The hook is gone: /x\n"


def test_hostile_names_do_not_reach_the_terminal() -> None:
    evil = dataclasses.replace(NEW, release="6.1\x1b]0;x\x07", package="1\u202e2")
    result = dataclasses.replace(HUNG, reason="a\x1b[2J", hung="e\x9bth0", evidence="/x\x1b[1m")
    leg = Leg(kernel=evil, soak_s=1.0, expect="\x1b[3m", result=result)
    for phase in TrialPhase:
        trial = dataclasses.replace(TRIAL, phase=phase, old=evil, legs=(leg, dataclasses.replace(leg, result=None)), soak_boot_id="one")
        standing = Standing(trials=(trial, trial), boot_id="one", running=evil.release, notes=("\x1b[4m",), held=3, on_trial=3)
        texts = (
            render_standing(standing, PLAIN),
            render_standing(dataclasses.replace(standing, running="6.1"), PLAIN),
            render_planned(trial, ("\x1b[5m",), PLAIN),
            render_prepared(trial, ("\x1b[6m",), PLAIN),
            render_started(trial, ("\x1b[7m",), PLAIN),
            render_trial_json(standing),
        )
        assert not any(set(text) & set("\x1b\x07\x9b\u202e") for text in texts)


def test_many_earlier_ones_are_counted() -> None:
    standing = Standing(trials=(*(dataclasses.replace(ended(TrialVerdict.GOOD), id=number) for number in range(12)), TRIAL), boot_id="one")
    assert "2 older ones: nicmedic trial status --all" in render_standing(standing, PLAIN)
    assert "older ones" not in render_standing(standing, dataclasses.replace(PLAIN, more=True))
