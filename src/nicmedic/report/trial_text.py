# SPDX-License-Identifier: GPL-2.0-or-later
"""A kernel on trial for a person: the first line says how it stands and what the next reboot boots, then each boot, then what to type."""

from collections.abc import Iterator, Sequence

from nicmedic.model.boot_trial import (
    BootTrial,
    KernelChoice,
    Leg,
    LegResult,
    SoakFigures,
    Standing,
    TrialPhase,
    TrialVerdict,
    find_deadline_s,
    is_held,
    list_left,
)
from nicmedic.model.durations import say_duration
from nicmedic.report.escape import escape_terminal
from nicmedic.report.style import Style
from nicmedic.report.words import join_names, say_count

__all__ = [
    "list_commands",
    "name_kernel",
    "render_hooks",
    "render_planned",
    "render_prepared",
    "render_standing",
    "render_started",
    "say_bytes",
    "say_result",
    "summarize_standing",
]

_VERDICTS = {
    TrialVerdict.GOOD: "soaked without a hang",
    TrialVerdict.HUNG: "HUNG",
    TrialVerdict.UNREACHED: "did not reach what answered before",
    TrialVerdict.CRASHED: "ended without a word (crash, reset or power cut)",
    TrialVerdict.NOT_BOOTED: "was not booted",
    TrialVerdict.STOPPED: "was stopped",
    TrialVerdict.TOO_QUIET: "did not carry the traffic that was wanted, so nothing is shown",
}
_PAINT = {
    TrialVerdict.GOOD: ("bold", "green"),
    TrialVerdict.HUNG: ("bold", "red"),
    TrialVerdict.UNREACHED: ("bold", "red"),
    TrialVerdict.CRASHED: ("bold", "red"),
}
_UNSURE = ("bold", "yellow")
_OLDER = 10


def name_kernel(kernel: KernelChoice) -> str:
    """Its release, the version of its package, and whether it is a copy."""
    told = ", ".join([*([kernel.package] if kernel.package else []), *(["a saved copy"] if kernel.saved else [])])
    return f"{kernel.release} ({told})" if told else kernel.release


def say_bytes(count: int) -> str:
    """With three digits.

    >>> say_bytes(0), say_bytes(999), say_bytes(4_250_000_000)
    ('0 B', '999 B', '4.25 GB')
    """
    size, units = float(count), ["B", "kB", "MB", "GB"]
    while size >= 999.5 and len(units) > 1:
        size /= 1000
        units.pop(0)
    return f"{size:.3g} {units[0]}" if size < 999.5 else f"{size:.0f} {units[0]}"


def _say_traffic(figures: SoakFigures) -> str:
    return f"{say_bytes(figures.rx_bytes)} received, {say_bytes(figures.tx_bytes)} sent"


def _say_figures(figures: SoakFigures) -> str:
    cured = f", {say_count(figures.cured, 'hang')} cured by the watcher" if figures.cured else ""
    return f"soaked {say_duration(figures.soaked_s)} of {say_duration(figures.watched_s)} watched, {_say_traffic(figures)}{cured}"


def say_result(result: LegResult) -> str:
    """How one boot went, without the kernel's name."""
    hung = f" ({result.hung})" if result.verdict is TrialVerdict.HUNG and result.hung and result.hung not in result.reason else ""
    reason = f": {result.reason}" if result.reason else ""
    figures = f"; {_say_figures(result.figures)}" if result.figures.watched_s else ""
    return f"{_VERDICTS[result.verdict]}{hung}{reason}{figures}"


def _find_last(trial: BootTrial) -> Leg | None:
    """The last boot that ended."""
    return next((leg for leg in reversed(trial.legs) if leg.result is not None), None)


def _say_place(trial: BootTrial, leg: Leg) -> str:
    """Which boot of several."""
    return f" (boot {trial.legs.index(leg) + 1} of {len(trial.legs)})" if len(trial.legs) > 1 else ""


def _is_of_this_boot(standing: Standing, trial: BootTrial) -> bool:
    """Whether the boot that runs is that in which its phase was written."""
    written = trial.armed_boot_id if trial.phase is TrialPhase.ARMED else trial.soak_boot_id
    return standing.boot_id is None or written == standing.boot_id


def _is_loose(standing: Standing, trial: BootTrial) -> bool:
    """Whether the boot loader has nothing, or something else, of what the record says that it has."""
    return is_held(trial) and standing.held is not None and standing.held != trial.id


def _is_not_asked(standing: Standing, trial: BootTrial) -> bool:
    """Whether somebody has taken away the word that asks for its next boot."""
    armed = trial.phase is TrialPhase.ARMED and trial.asked and _is_of_this_boot(standing, trial)
    return armed and standing.held == trial.id and standing.armed != trial.id


def _is_left_running(standing: Standing, trial: BootTrial) -> bool:
    """Whether its kernel runs yet, and is not what a reset ends on. ``uname -r`` may be that of the old one, which was replaced in place."""
    last = _find_last(trial)
    here = trial.phase is TrialPhase.ENDED and trial.pinned and standing.on_trial == trial.id
    return here and last is not None and last.kernel != trial.old


def _find_live_line(standing: Standing, trial: BootTrial) -> tuple[str, tuple[str, ...]]:
    """Something is still to happen."""
    left, old = list_left(trial), name_kernel(trial.old)
    leg = left[0] if left else None
    new = "the kernel on trial" if leg is None else f"{name_kernel(leg.kernel)}{_say_place(trial, leg)}"
    if trial.phase is TrialPhase.PROMOTING:
        return f"{new} soaked without a hang and is being made the default.", _UNSURE
    if not _is_of_this_boot(standing, trial):
        if trial.phase is TrialPhase.ARMED and standing.on_trial == trial.id:
            return f"{new} runs, and its service has not begun to watch it yet. Every reset ends on {old}.", _UNSURE
        was = {TrialPhase.ARMED: f"{new} was to be booted", TrialPhase.SOAKING: f"{new} was on trial in an earlier boot"}
        told = was.get(trial.phase, f"The host was to reboot to {old}")
        return f"{told}; the service that looks after that has not told yet how it went. Every reset ends on {old}.", _UNSURE
    if _is_not_asked(standing, trial):
        return f"{new} was asked for, and GRUB's variable says so no more: the next boot is of {old}.", ("bold", "red")
    if trial.phase is TrialPhase.ARMED:
        other = "" if leg is not None and leg.kernel == trial.old else f"; every other one is of {old}"
        comes = ", and the reboot was asked for" if standing.rebooting else ""
        return f"The next boot is of {new}, once{comes}{other}.", _UNSURE
    if trial.phase is TrialPhase.SOAKING:
        done = standing.progress or SoakFigures()
        wanted = "" if leg is None else f" of {say_duration(leg.soak_s)}"
        told = f"soaked {say_duration(done.soaked_s)}{wanted}, {_say_traffic(done)}"
        return f"{new} is on trial: {told}. Every reset ends on {old}.", _UNSURE
    return f"The host is about to reboot to {old}.", _UNSURE


def _find_ended_line(standing: Standing, trial: BootTrial) -> tuple[str, tuple[str, ...]]:
    last, old = _find_last(trial), name_kernel(trial.old)
    pinned = f"the default is {old}" if trial.pinned else "the boot loader has its own default again"
    if last is None or last.result is None:
        return f"The trial was given up before a boot; {pinned}.", _UNSURE
    here = "" if standing.running is None else f"{standing.running} runs, and "
    if trial.promoted and len(trial.legs) > 1:
        pinned = f"{name_kernel(last.kernel)} is the default now"
    if len(trial.legs) > 1:
        done = [leg for leg in trial.legs if leg.result is not None]
        hung = sum(leg.result is not None and leg.result.verdict is TrialVerdict.HUNG for leg in done)
        told = f"{len(done)} of {say_count(len(trial.legs), 'boot')} done, {hung} of them hung"
        return f"{told}; {here}{pinned}.", ("bold", "red") if hung else _UNSURE if len(done) < len(trial.legs) else ("bold",)
    new, paint = name_kernel(last.kernel), _PAINT.get(last.result.verdict, _UNSURE)
    if trial.promoted:
        return f"{new} {say_result(last.result)}. It is the default now.", paint
    return f"{new} {say_result(last.result)}. Now {here}{pinned}.", paint


def _find_bare_line(standing: Standing) -> tuple[str, tuple[str, ...]]:
    """There is no record."""
    if standing.held or standing.on_trial or standing.armed:
        number = standing.on_trial or standing.held or standing.armed
        what = "runs" if standing.on_trial else "is in the boot loader"
        return f"A kernel of trial {number} {what}, and no record of it can be read.", ("bold", "red")
    if standing.held is None:
        return "No kernel is on trial; what is in the boot loader cannot be told.", _UNSURE
    return "No kernel is on trial, and nothing of nicmedic is in the boot loader.", ("bold",)


def summarize_standing(standing: Standing) -> tuple[str, tuple[str, ...]]:
    """The first line, and how it is painted."""
    if not standing.trials:
        return _find_bare_line(standing)
    trial = standing.trials[-1]
    if _is_loose(standing, trial):
        says = f"trial {standing.held} is what stands there" if standing.held else "nothing of nicmedic stands there any more"
        return f"Every reset was to end on {name_kernel(trial.old)}, but somebody has changed the boot loader: {says}.", ("bold", "red")
    if trial.phase.is_live:
        return _find_live_line(standing, trial)
    if trial.phase is TrialPhase.ENDED:
        return _find_ended_line(standing, trial)
    pinned = (
        f"every reboot is of {name_kernel(trial.old)}, whatever is installed" if trial.pinned else "the boot loader has its own default"
    )
    return f"Prepared: {pinned}. Nothing is on trial.", ("bold", "green")


_PREPARE = ("nicmedic trial prepare", "before an upgrade: save this kernel, and have every reboot end on it")
_START = ("nicmedic trial start KERNEL", "boot that kernel once, watch it, and come back by itself")
_ABORT = ("nicmedic trial abort", "nothing of nicmedic in the boot loader any more")
_SERVICE = ("systemctl status nicmedic-trial.service", "is it at work?")
_RESUME = ("nicmedic trial resume", "what that service does, by hand")


def _list_live_commands(standing: Standing, trial: BootTrial) -> Iterator[tuple[str, str]]:
    """Something is still to happen."""
    here = _is_of_this_boot(standing, trial)
    if trial.phase is TrialPhase.PROMOTING:
        yield _RESUME
        yield "nicmedic trial abort", "give that up: the boot loader has its own default again"
    elif not here:
        yield _SERVICE
        yield _RESUME
        yield _ABORT
    elif trial.phase is TrialPhase.ARMED and not _find_last(trial):
        if not standing.rebooting and not _is_not_asked(standing, trial):
            yield "systemctl reboot", "try it"
        yield "nicmedic trial abort", "do not try it: nothing of nicmedic in the boot loader any more"
    elif trial.phase is TrialPhase.SOAKING:
        yield _SERVICE
        yield "nicmedic trial abort", f"back to {trial.old.release} now, by a reboot"
        yield "nicmedic trial stop", "end the watch; nothing reboots, the default stays the old kernel"
        yield "nicmedic trial stop --promote", "the same, and make this kernel the default"
    elif standing.on_trial == trial.id:
        yield "nicmedic trial abort", f"to {trial.old.release} instead, or ask for that reboot again"
    else:
        yield _ABORT


def list_commands(standing: Standing) -> Iterator[tuple[str, str]]:
    """What may be typed now, each with its purpose."""
    trial = standing.trials[-1] if standing.trials else None
    if trial is None:
        if standing.held or standing.on_trial or standing.armed:
            yield _ABORT
            return
        yield _PREPARE
        yield _START
    elif trial.phase.is_live:
        yield from _list_live_commands(standing, trial)
    elif _is_loose(standing, trial):
        yield "nicmedic trial prepare", "have every reboot end on the kernel that runs"
        yield _ABORT
    elif trial.phase is TrialPhase.PREPARED:
        yield _START
        yield _ABORT
    elif trial.pinned:
        if _is_left_running(standing, trial):
            yield "systemctl reboot", f"back to {trial.old.release}"
        yield "nicmedic trial abort", "let the boot loader have its own default again"
        if not _is_left_running(standing, trial):
            yield "nicmedic trial start KERNEL", "another one"
        if any(leg.result is not None and leg.result.verdict is TrialVerdict.HUNG for leg in trial.legs):
            yield "nicmedic blame", "what this shows of the kernel"
    else:
        yield "nicmedic history", "all boots, with this one"
        yield _PREPARE


def _render_commands(standing: Standing, style: Style) -> Iterator[str]:
    commands = list(list_commands(standing))
    if commands:
        width = max(len(command) for command, _ in commands)
        yield style.title("What to type")
        yield from (f"  {command:<{width}}   # {escape_terminal(purpose)}" for command, purpose in commands)


def _render_leg(trial: BootTrial, number: int, style: Style) -> Iterator[str]:
    leg = trial.legs[number]
    first = f"  {number + 1}. "
    if leg.result is None:
        expect = f"; expected: {leg.expect}" if leg.expect else ""
        yield style.wrap(f"{name_kernel(leg.kernel)}: to be soaked {say_duration(leg.soak_s)}{expect}", first=first)
        return
    when = " to ".join(moment for moment in (leg.result.began, leg.result.ended) if moment)
    yield style.wrap(f"{name_kernel(leg.kernel)} {say_result(leg.result)}{f'; {when}' if when else ''}", first=first)
    if leg.result.evidence is not None:
        yield style.wrap(leg.result.evidence, first="     ")


def _say_wanted(trial: BootTrial) -> Iterator[str]:
    wanted = trial.wanted
    yield (
        f"it must reach what answers now within {say_duration(wanted.reach_s)}, and soak for the time told above within "
        f"{say_duration(wanted.patience_s)} more"
    )
    if wanted.traffic.rate_bit_s:
        made = f", made by echo requests to {wanted.traffic.host}" if wanted.traffic.host else "; it is waited for, none is made"
        yield f"only time counts in which each card carries {wanted.traffic.rate_bit_s / 1e6:g} Mbit/s in each direction{made}"
    elif wanted.traffic.host:
        yield f"echo requests go to {wanted.traffic.host}"
    yield f"whatever has not ended {say_duration(find_deadline_s(trial))} after its boot began ends by a reboot"
    yield "good: it becomes the default" if wanted.promote else "good: the default stays the old kernel all the same"


def _render_cards(trial: BootTrial, style: Style) -> Iterator[str]:
    for card in trial.cards:
        probes = join_names([result.probe for result in card.before]) if card.before else "no probe"
        driver = f" ({card.nic.driver})" if card.nic.driver else ""
        yield style.wrap(f"{card.interface}{driver}: {probes}", first="  ", rest="    ")


def _render_notes(notes: Sequence[str], style: Style) -> Iterator[str]:
    yield from (style.wrap(note, first="  - ", rest="    ") for note in notes)


def _render_older(trials: Sequence[BootTrial], style: Style) -> Iterator[str]:
    shown = list(reversed(trials)) if style.more else list(reversed(trials))[:_OLDER]
    for trial in shown:
        last = _find_last(trial)
        told = "prepared" if last is None or last.result is None else f"{name_kernel(last.kernel)} {_VERDICTS[last.result.verdict]}"
        yield style.line(f"{trial.id:>3}  {trial.made_at}  {told}{', promoted' if trial.promoted else ''}", first="  ", rest=" " * 9)
    if len(shown) < len(trials):
        yield f"  {len(trials) - len(shown)} older ones: nicmedic trial status --all"


def render_standing(standing: Standing, style: Style) -> str:
    """How it stands now; ends with a line feed."""
    text, paint = summarize_standing(standing)
    parts = [[style.line(text, *paint, rest="  ")]]
    if standing.trials:
        trial = standing.trials[-1]
        if trial.legs:
            parts.append([style.title("Boots"), *(line for number in range(len(trial.legs)) for line in _render_leg(trial, number, style))])
            asked = "What was asked of it" if trial.phase is TrialPhase.ENDED else "What is asked of it"
            parts.append([style.title(asked), *_render_notes(list(_say_wanted(trial)), style)])
        if trial.cards:
            parts.append([style.title("Cards, and what answered before"), *_render_cards(trial, style)])
        if len(standing.trials) > 1:
            parts.append([style.title("Earlier ones"), *_render_older(standing.trials[:-1], style)])
    if standing.notes:
        parts.append([style.title("To be known"), *_render_notes(standing.notes, style)])
    parts.append(list(_render_commands(standing, style)))
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def render_planned(trial: BootTrial, notes: Sequence[str], style: Style) -> str:
    """What would be done, before anybody says yes."""
    new, old = join_names(list(dict.fromkeys(name_kernel(leg.kernel) for leg in trial.legs))), name_kernel(trial.old)
    if len(trial.legs) > 1:
        text = f"{say_count(len(trial.legs), 'boot')} in turn of {new}; whatever happens in between, and in the end, it is {old}."
    else:
        text = f"{new} is to be booted once and watched; every reset on the way ends on {old}."
    parts = [
        [style.line(text, "bold", rest="  ")],
        [style.title("Boots"), *(line for number in range(len(trial.legs)) for line in _render_leg(trial, number, style))],
        [style.title("What is asked of it"), *_render_notes(list(_say_wanted(trial)), style)],
        [style.title("Cards, and what answers now"), *_render_cards(trial, style)] if trial.cards else [],
        [style.title("To be known"), *_render_notes(notes, style)] if notes else [],
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def render_prepared(trial: BootTrial, notes: Sequence[str], style: Style) -> str:
    """After ``prepare``."""
    first = style.line(
        f"Prepared: every reboot is of {name_kernel(trial.old)} from now on, whatever is installed.", "bold", "green", rest="  "
    )
    commands = [
        "  nicmedic trial start KERNEL   # after the upgrade: boot the new kernel once, watch it, and come back by itself",
        "  nicmedic trial abort          # nothing of nicmedic in the boot loader any more",
    ]
    parts = [[first, *_render_notes(notes, style)], [style.title("What to type"), *commands]]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _say_leaving(trial: BootTrial) -> tuple[str, str]:
    """What comes now, and what is to be thought of a host that does not answer."""
    new, old, most = name_kernel(trial.legs[0].kernel), name_kernel(trial.old), say_duration(find_deadline_s(trial))
    reset = f"If it does not answer then, it stands still altogether: whoever resets it finds {old}."
    if len(trial.legs) > 1:
        now = f"This host reboots now, and {say_count(len(trial.legs), 'time')} in all; whatever happens in between, and in the end, it is {old}."
        return now, f"Each of these boots is over {most} after it began. {reset}"
    now = f"This host reboots now, to {new}, once; every other boot is of {old}."
    return now, f"At the latest {most} after that boot began {new} has held, or this host has rebooted by itself. {reset}"


def render_started(trial: BootTrial, notes: Sequence[str], style: Style) -> str:
    """After ``start``, while the reboot comes: whoever reads it is about to lose the host, so nothing of it is read any more."""
    now, then = _say_leaving(trial)
    lines = [style.line(now, *_UNSURE, rest="  "), style.wrap(then, rest="  "), *_render_notes(notes, style)]
    return "\n".join([*lines, "", "  nicmedic trial status   # after the reboot: how far is the soak, and what became of it?", ""])


def render_hooks(paths: Sequence[str], style: Style, *, installed: bool) -> str:
    """After ``prepare --install-hook`` and ``--remove-hook``."""
    if not paths:
        return style.line("No hook of nicmedic is there.", "bold") + "\n"
    what = "Before each upgrade of a kernel the running one is prepared from now on" if installed else "The hook is gone"
    commands = [f"  cat {path}" for path in paths] if installed else []
    undo = ["  nicmedic trial prepare --remove-hook   # take it away again"] if installed else []
    return "\n".join([style.line(f"{what}: {join_names(list(paths))}", "bold", "green", rest="  "), *commands, *undo, ""])
