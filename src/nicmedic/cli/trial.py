# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic trial``: boot a new kernel once, watch it under traffic, and keep it or come back, with nobody there."""

import argparse
import re
import sys
from typing import TYPE_CHECKING, Final

from nicmedic.cli.declare import Argument, Command, Example

if TYPE_CHECKING:
    from nicmedic.app.boot_trial.edges import Told, TrialEdges
    from nicmedic.model.boot_trial import Traffic, Wanted

__all__ = ["TRIAL", "parse_traffic"]

_SHORTEST_SOAK_S, _LONGEST_SOAK_S = 10.0, 14 * 86_400.0
_LONGEST_REACH_S = 86_400.0
_LONGEST_H, _MOST_BOOTS = 336.0, 41
"""``blame`` plans at most 20 rounds of two boots, and one more."""
_RATE: Final = re.compile(r"(?P<count>\d{1,6}(?:\.\d{1,3})?)(?P<unit>[kMG]?)(?:bit)?", re.ASCII)
_UNITS: Final = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}
_FASTEST: Final = 10**12
_HOST: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:_%-]{0,254}", re.ASCII)


def parse_traffic(text: str | None) -> "Traffic":
    """What ``--traffic`` says: ``100M``, ``100M@192.0.2.7``, ``@192.0.2.7``.

    Raises:
        UsageError: it is none of these.
    """
    from nicmedic.model.boot_trial import Traffic  # --help must not wait for these
    from nicmedic.model.errors import UsageError

    if text is None:
        return Traffic()
    rate, at, host = text.partition("@")
    match = _RATE.fullmatch(rate)
    bits = round(float(match["count"]) * _UNITS[match["unit"]]) if match else 0
    if (rate and not 0 < bits <= _FASTEST) or (at and not _HOST.fullmatch(host)) or not (rate or at):
        raise UsageError(f"--traffic {text!r}: no rate, and no rate with a host", hint="--traffic 100M@192.0.2.7   # or: 100M, @192.0.2.7")
    return Traffic(rate_bit_s=bits, host=host or None)


def _build_wanted(arguments: argparse.Namespace) -> "Wanted":
    from nicmedic.cli.duration import parse_duration
    from nicmedic.model.boot_trial import Wanted

    return Wanted(
        soak_s=parse_duration("--soak", getattr(arguments, "soak", None) or "30m", _SHORTEST_SOAK_S, _LONGEST_SOAK_S),
        reach_s=parse_duration("--reach", arguments.reach or "5m", _SHORTEST_SOAK_S, _LONGEST_REACH_S),
        patience_s=parse_duration("--patience", arguments.patience or "1h", 0.0, _LONGEST_SOAK_S),
        traffic=parse_traffic(arguments.traffic),
        probes=tuple(arguments.probe or ()),
        promote=not getattr(arguments, "no_promote", False),
    )


def _prepare_edges(what: str) -> "TrialEdges":
    """As root only."""
    from nicmedic.cli.edges import demand_root

    demand_root(what)
    from nicmedic.cli.trial_edges import build_trial_edges

    return build_trial_edges()


def _ask(question: str, *, agreed: bool) -> None:
    """Raises where nobody agrees."""
    from nicmedic.cli.edges import has_terminal
    from nicmedic.cli.streams import write_answer
    from nicmedic.model.errors import NotAgreedError

    if agreed:
        return
    if not has_terminal():
        raise NotAgreedError("it would reboot this host, and nobody is here to be asked", hint="the same with --yes")
    write_answer(f"\n{question} Type yes: ")
    if sys.stdin.readline().strip().lower() != "yes":
        raise NotAgreedError("nobody said yes")


def _show_standing(edges: "TrialEdges", notes: tuple[str, ...] = ()) -> None:
    import dataclasses

    from nicmedic.app.boot_trial.standing import read_standing
    from nicmedic.cli.output import read_style
    from nicmedic.cli.streams import write_answer
    from nicmedic.report.trial_text import render_standing

    standing = read_standing(edges)
    write_answer(render_standing(dataclasses.replace(standing, notes=(*notes, *standing.notes)), read_style()))


def _start_planned(edges: "TrialEdges", planned: "Told", arguments: argparse.Namespace, question: str) -> None:
    """Show it, ask, and do it."""
    from nicmedic.app.boot_trial.start import start
    from nicmedic.cli.output import read_style
    from nicmedic.cli.streams import write_answer
    from nicmedic.host.trial_units import read_watchdog
    from nicmedic.report.trial_text import render_planned, render_started

    shown = (*planned.notes, read_watchdog().told)
    write_answer(render_planned(planned.trial, shown, read_style()))
    if arguments.dry_run:
        write_answer("nothing was changed\n")
        return
    _ask(question, agreed=arguments.yes or (arguments.no_reboot and len(planned.trial.legs) == 1))
    started = start(edges, planned, reboot=not arguments.no_reboot)
    news = tuple(note for note in started.notes if note not in shown)
    write_answer("\n")
    if arguments.no_reboot:
        _show_standing(edges, news)
    else:
        write_answer(render_started(started.trial, news, read_style()))


def _run_start(arguments: argparse.Namespace) -> int:
    wanted = _build_wanted(arguments)
    edges = _prepare_edges("boot a kernel on trial")
    from nicmedic.app.boot_trial.start import plan_start

    planned = plan_start(edges, arguments.kernel, wanted)
    _start_planned(edges, planned, arguments, "Reboot this host to that kernel now?")
    return 0


def _read_plan(arguments: argparse.Namespace) -> tuple[float, int]:
    """Hours and boots of A/B/A."""
    from nicmedic.model.errors import UsageError

    hours, boots = arguments.hours or "2", arguments.boots or "3"
    try:
        hours_h = float(hours)
    except ValueError:
        hours_h = 0.0
    if not 1 / 60 <= hours_h <= _LONGEST_H:
        raise UsageError(f"--hours {hours!r}: no number of hours up to {_LONGEST_H:g}", hint="--hours 12")
    if not (boots.isascii() and boots.isdecimal() and len(boots) < 4 and 3 <= int(boots) <= _MOST_BOOTS):
        raise UsageError(f"--boots {boots!r}: no number from 3 to {_MOST_BOOTS}", hint="--boots 3   # old, new, old")
    return hours_h, int(boots)


def _run_aba(arguments: argparse.Namespace) -> int:
    hours, boots = _read_plan(arguments)
    wanted = _build_wanted(arguments)
    edges = _prepare_edges("boot kernels in turn")
    from nicmedic.app.boot_trial.start import plan_aba
    from nicmedic.report.words import say_count

    planned = plan_aba(edges, arguments.old, arguments.new, hours=hours, boots=boots, wanted=wanted)
    first = "After the next reboot, reboot this host by itself" if arguments.no_reboot else "Reboot this host now"
    _start_planned(edges, planned, arguments, f"{first}, {say_count(boots, 'time')} in all, and once more to end on the old one?")
    return 0


def _is_hook_silent(manager: str) -> bool:
    """Whether a package manager that calls is about something else than kernels."""
    from nicmedic.model.errors import UsageError
    from nicmedic.persist.package_hooks import find_kernel_packages

    if manager not in {"apt", "dnf"}:
        raise UsageError(f"--hook {manager}: it is apt or dnf", hint="nicmedic trial prepare --install-hook")
    return manager == "apt" and not find_kernel_packages(sys.stdin.buffer.read().decode("utf-8", "replace"))


def _run_hooked(manager: str) -> int:
    """In the middle of an upgrade: a few words on standard error, for dnf takes the other for orders."""
    if _is_hook_silent(manager):
        return 0
    edges = _prepare_edges("prepare for a kernel")
    from nicmedic.app.boot_trial.prepare import prepare
    from nicmedic.cli.streams import write_complaint
    from nicmedic.report.escape import escape_terminal
    from nicmedic.report.trial_text import name_kernel

    told = prepare(edges, copy=True)
    kept = escape_terminal(name_kernel(told.trial.old))
    write_complaint(f"nicmedic: every reboot is of {kept} until you say otherwise: nicmedic trial start KERNEL, or nicmedic trial abort\n")
    return 0


def _run_hooks(*, install: bool) -> int:
    from nicmedic.cli.output import read_style
    from nicmedic.cli.streams import write_answer
    from nicmedic.host.package_hooks import HostPackageHooks
    from nicmedic.report.trial_text import render_hooks

    if install:
        edges = _prepare_edges("install a hook")
        from nicmedic.app.boot_trial.edges import read_safe_menu

        read_safe_menu(edges)  # a hook that can only refuse is none
        paths = HostPackageHooks().install()
    else:
        from nicmedic.cli.edges import demand_root

        demand_root("remove a hook")
        paths = HostPackageHooks().remove()
    write_answer(render_hooks(paths, read_style(), installed=install))
    return 0


def _run_prepare(arguments: argparse.Namespace) -> int:
    from nicmedic.model.errors import UsageError

    chosen = [name for name in ("hook", "install_hook", "remove_hook") if getattr(arguments, name)]
    if len(chosen) > 1 or (chosen and arguments.no_copy):
        raise UsageError("--hook, --install-hook, --remove-hook and --no-copy: one of them", hint="nicmedic trial prepare --help")
    if arguments.hook:
        return _run_hooked(arguments.hook)
    if arguments.install_hook or arguments.remove_hook:
        return _run_hooks(install=arguments.install_hook)
    edges = _prepare_edges("prepare for a kernel")
    from nicmedic.app.boot_trial.prepare import prepare
    from nicmedic.cli.output import read_style
    from nicmedic.cli.streams import write_answer
    from nicmedic.report.trial_text import render_prepared

    told = prepare(edges, copy=not arguments.no_copy)
    write_answer(render_prepared(told.trial, told.notes, read_style()))
    return 0


def _run_status(arguments: argparse.Namespace) -> int:
    edges = _prepare_edges("read how a kernel on trial stands")
    import dataclasses

    from nicmedic.app.boot_trial.standing import read_standing
    from nicmedic.cli.output import read_style
    from nicmedic.cli.streams import write_answer, write_complaint
    from nicmedic.host.trial_folder import HostTrials
    from nicmedic.report.trial_json import render_trial_json
    from nicmedic.report.trial_text import render_standing

    damaged = HostTrials().list_damaged()
    for each in damaged:
        write_complaint(f"nicmedic: {each}\n")
    standing = read_standing(edges)
    if arguments.json:
        standing = dataclasses.replace(standing, notes=(*standing.notes, *(each.replace("\n", ": ") for each in damaged)))
    write_answer(render_trial_json(standing) + "\n" if arguments.json else render_standing(standing, read_style(more=arguments.all)))
    return 0


def _run_stop(arguments: argparse.Namespace) -> int:
    edges = _prepare_edges("stop a trial")
    from nicmedic.app.boot_trial.giving_up import stop

    _show_standing(edges, stop(edges, promote=arguments.promote).notes)
    return 0


def _run_abort(arguments: argparse.Namespace) -> int:
    edges = _prepare_edges("give up a trial")
    from nicmedic.app.boot_trial.giving_up import abort, plan_abort, take_out
    from nicmedic.cli.output import read_style
    from nicmedic.cli.streams import write_answer

    planned = plan_abort(edges)
    if planned.reboots:
        write_answer("".join(read_style().wrap(note) + "\n" for note in planned.notes))
        _ask("Reboot this host now?", agreed=arguments.yes)
    notes = take_out(edges) if planned.trial is None else abort(edges, planned).notes
    _show_standing(edges, notes)
    return 0


def _run_resume(arguments: argparse.Namespace) -> int:
    del arguments
    edges = _prepare_edges("go on with a trial")
    from nicmedic.app.boot_trial.resume import resume
    from nicmedic.cli.streams import write_answer
    from nicmedic.report.escape import escape_terminal

    write_answer(f"{escape_terminal(resume(edges).said)}\n")
    return 0


_TRAFFIC = Argument(
    ("--traffic",),
    "only time counts in which each card carries so many bits a second in each direction; with a host, echo requests to it make them",
    "RATE[@HOST]",
)
_PROBE = Argument(
    ("--probe",), "must answer now, and with that kernel too, as treat takes it; may come several times", "PROBE", repeats=True
)
_REACH = Argument(("--reach",), "within this what answers now must be reached after the boot (default: 5m)", "TIME")
_PATIENCE = Argument(("--patience",), "so much longer than the soak it may take until enough traffic has flowed (default: 1h)", "TIME")
_YES = Argument(("--yes",), "do not ask", flag=True)
_NO_REBOOT = Argument(("--no-reboot",), "do not reboot now: the next boot, whoever asks for it, is the one", flag=True)
_DRY_RUN = Argument(("--dry-run",), "only show what would be done", flag=True)
_REFUSED = (
    (23, "refused, with every reason: it could not be made safe here, or nothing is seen to carry traffic; nothing was changed"),
    (24, "only root may"),
    (25, "a trial is under way, or somebody else is at it"),
    (27, "the boot loader or the records cannot be read; nothing was changed"),
)
_FAILED = (
    (46, "it failed on the way, and the boot loader is as it was"),
    (50, "and taking it back failed too: what is left to do is told"),
)
_STARTED = (
    (0, "shown, or the reboot was asked for"),
    (2, "the command line is wrong"),
    *_REFUSED,
    (32, "nobody said yes"),
    *_FAILED,
)

_PREPARE = Command(
    name="prepare",
    summary="before an upgrade: save the running kernel, and have every reboot end on it",
    description="""\
Copies image, initrd and modules of the running kernel, since a point release overwrites them in place, and has the boot loader boot this kernel by \
default, whatever an upgrade installs. Whether a kernel can be booted just once is tried here too; where that would not be safe it is refused, with \
the reason and what you can do by hand, and nothing is changed.

With --install-hook apt, and dnf5 with its actions plugin, call it before each upgrade that touches a kernel. It cannot stop them.""",
    arguments=(
        Argument(("--no-copy",), "make no copy: the kernel's files will not be overwritten", flag=True),
        Argument(("--install-hook",), "have apt and dnf5 call this before each upgrade of a kernel", flag=True),
        Argument(("--remove-hook",), "take that away again", flag=True),
        Argument(("--hook",), "what such a hook calls: apt or dnf, whose list of packages is read from standard input", "MANAGER"),
    ),
    examples=(
        Example("nicmedic trial prepare", "now the upgrade may come, and a reboot changes nothing"),
        Example("nicmedic trial prepare --install-hook", "never forget it"),
    ),
    exit_statuses=((0, "prepared"), (2, "the command line is wrong"), *_REFUSED, *_FAILED),
    run=_run_prepare,
)
_START = Command(
    name="start",
    summary="boot a kernel once, watch it, and promote it or come back",
    description="""\
Reboots to KERNEL once. GRUB clears the word that asks for it before it starts that kernel; from then on a panic, a hang of the machine, a reset \
and a power cut all end on the old one, and so does everything before. After the boot a service looks whether what answered before answers again, \
watches each card for a hang, and counts the time in which traffic flowed. After --soak of that it makes the kernel the default. If a card hangs and \
the watcher's policy does not allow to cure it, or what answered does not any more, it keeps the evidence and reboots to the old kernel.

It shows the plan and asks before it reboots. KERNEL is a release as uname -r tells it, the version of its package, or the path of its image, and \
has to be in the boot loader's menu.""",
    arguments=(
        Argument(("kernel",), "which one: its release, the version of its package, or the path of its image", "KERNEL"),
        Argument(("--soak",), "so long must it hold under traffic (default: 30m)", "TIME"),
        _TRAFFIC,
        _PROBE,
        _REACH,
        _PATIENCE,
        Argument(("--no-promote",), "even if it holds the old one stays the default", flag=True),
        _NO_REBOOT,
        _DRY_RUN,
        _YES,
    ),
    examples=(
        Example("nicmedic trial start 6.1.0-56-amd64 --dry-run", "what would be done?"),
        Example(
            "nicmedic trial start 6.1.0-56-amd64 --soak 2h --traffic 100M@192.0.2.7", "with traffic that the kernel used to hang under"
        ),
        Example("nicmedic trial start 6.1.153-1 --probe tcp:192.0.2.7:22 --yes", "it must reach that too; nobody is asked"),
    ),
    exit_statuses=_STARTED,
    run=_run_start,
)
_STATUS = Command(
    name="status",
    summary="how it stands: what runs, what a reset boots, how earlier trials ended",
    description="Says in its first line how it stands and what a reset boots; then each boot with its verdict, and what may be typed now.",
    arguments=(
        Argument(("--all",), "name all earlier trials", flag=True),
        Argument(("--json",), "print one JSON document, schema nicmedic.trial/1", flag=True),
    ),
    examples=(Example("nicmedic trial status", "how far is the soak?"),),
    exit_statuses=((0, "told"), (2, "the command line is wrong"), (24, "only root may"), (27, "the records cannot be read")),
    run=_run_status,
)
_STOP = Command(
    name="stop",
    summary="end the watch, and stay on the kernel that runs",
    description="""\
Ends a soak that goes on. Nothing reboots. The default stays the old kernel; with --promote the kernel that runs is the default from now on.""",
    arguments=(Argument(("--promote",), "make the kernel that runs the default", flag=True),),
    examples=(Example("nicmedic trial stop --promote", "you have seen enough"),),
    exit_statuses=(
        (0, "stopped"),
        (2, "the command line is wrong"),
        (23, "no soak goes on"),
        (24, "only root may"),
        (25, "somebody else is at it"),
        (27, "it cannot be written down; the soak goes on"),
        (34, "no kernel was put on trial here"),
        (50, "it has ended, and could not be made the default"),
    ),
    run=_run_stop,
)
_ABORT = Command(
    name="abort",
    summary="give it up: back to the old kernel, or nothing of nicmedic in the boot loader",
    description="""\
On the kernel on trial: goes back to the old one now, by a reboot, asked first. Elsewhere: takes all of nicmedic out of the boot loader and the \
services, so that the boot loader has its own default again, and says what the next reboot boots.""",
    arguments=(_YES,),
    examples=(Example("nicmedic trial abort", "after a hang: let the boot loader have its own default again"),),
    exit_statuses=(
        (0, "given up, or the reboot was asked for"),
        (2, "the command line is wrong"),
        (24, "only root may"),
        (25, "somebody else is at it, or it has changed since it was asked"),
        (27, "it cannot be written down, or the reboot not be asked for"),
        (32, "nobody said yes"),
        (34, "no kernel was put on trial here"),
        (50, "something of nicmedic is left in the boot loader; what to do is told"),
    ),
    run=_run_abort,
)
_ABA = Command(
    name="aba",
    summary="boot two kernels in turn, old, new, old, as blame proposes",
    description="""\
Carries out the plan that nicmedic blame prints: boots OLD, NEW, OLD and so on, each of them once and with everything else ending on OLD, and soaks \
each for --hours or until a card hangs, which ends that boot as data and goes on with the next. Never more boots than were shown and agreed to, and \
one more in the end where that has to go back to OLD. Nothing is promoted; the outcome goes to nicmedic history, and nicmedic blame counts it.""",
    arguments=(
        Argument(("old",), "kernel that is not suspected; everything ends on it, so it has to run now, or to be prepared", "OLD"),
        Argument(("new",), "kernel that is suspected", "NEW"),
        Argument(("--hours",), "of each boot, unless it hangs sooner (default: 2)", "H"),
        Argument(("--boots",), "how many in all, at most (default: 3)", "N"),
        _TRAFFIC,
        _PROBE,
        _REACH,
        _PATIENCE,
        _NO_REBOOT,
        _DRY_RUN,
        _YES,
    ),
    examples=(Example("nicmedic trial aba 6.1.0-55-amd64 6.1.0-56-amd64 --hours 12 --boots 3", "is it the kernel?"),),
    exit_statuses=_STARTED,
    run=_run_aba,
)
_RESUME = Command(
    name="resume",
    summary="go on after a boot; what the service of a trial calls",
    description="""\
Does what is to be done about a trial in this boot: soaks, explains a boot that did not come about or ended without a word, promotes, or goes back. \
The service nicmedic-trial.service calls it after each boot, as long as a trial is under way; given by hand it does the same.""",
    examples=(Example("nicmedic trial resume", "the service was killed"),),
    exit_statuses=(
        (0, "done, or there was nothing to do"),
        (24, "only root may"),
        (25, "somebody else is at it"),
        (27, "something cannot be read or written; given again it goes on"),
    ),
    run=_run_resume,
)

TRIAL = Command(
    name="trial",
    summary="boot a new kernel once, watch it, and come back by itself if it hangs",
    description="""\
For the upgrade on a host that has no spare: the new kernel is booted once, watched under traffic for as long as you say, and becomes the default \
only if no card hung and everything that answered before still answers. Until then every reset, panic and power cut ends on the old kernel. Where \
that cannot be made safe (GRUB cannot write to its disk, another boot loader) it is refused before anything is changed. docs/trial.md tells how it \
falls back, and what it does not protect from.""",
    examples=(
        Example("nicmedic trial prepare", "before the upgrade"),
        Example("nicmedic trial start 6.1.0-56-amd64 --soak 2h", "after it"),
        Example("nicmedic trial status", "how far is it?"),
    ),
    commands=(_PREPARE, _START, _STATUS, _STOP, _ABORT, _ABA, _RESUME),
)
