# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic release``: a kept remedy goes, and its files are what they were."""

import argparse
import sys
from typing import TYPE_CHECKING

from nicmedic.cli.confirm import read_number
from nicmedic.cli.declare import Argument, Command, Example

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nicmedic.app.keep.edges import KeepEdges
    from nicmedic.app.keep.release import Released

__all__ = ["RELEASE"]

_SHORTEST_SOAK_S, _LONGEST_SOAK_S = 10, 7 * 86_400


_MAY_HANG = (
    "nicmedic: without it the card may hang again, and this connection with it; then the remedy is set again and traffic restored, "
    "as treat --ladder restore does it\n"
)


def _restore(interface: str) -> object:
    """Traffic, as ``treat --ladder restore`` does it."""
    from nicmedic.app.treat import Wishes
    from nicmedic.cli.edges import build_host_edges
    from nicmedic.cli.ladder import climb_ladder
    from nicmedic.model.plan import Ladder

    return climb_ladder(
        argparse.Namespace(interface=interface, accept_losses=False, hold=None), build_host_edges(), Wishes(), Ladder.RESTORE
    )


def _try_without(
    probes: "Sequence[str]", edges: "KeepEdges", number: int, trial_s: float, show: "Callable[[Released], None]"
) -> "Released":
    """Raises where the card hangs without it, or where that cannot be found out."""
    from nicmedic.app.keep.edges import find_kept
    from nicmedic.app.keep.trial import Trial, try_without
    from nicmedic.cli.edges import build_host_edges
    from nicmedic.cli.streams import write_complaint
    from nicmedic.host.sysfs import Folder
    from nicmedic.model.durations import say_duration

    kept = find_kept(edges.store, number)
    host_edges = build_host_edges()
    machine_id = Folder("/").text("etc/machine-id")
    trial = Trial(soak_s=trial_s, probes=tuple(probes), machine_id=machine_id, restore=_restore, show=show)
    write_complaint(_MAY_HANG)
    lifted = try_without(host_edges, edges, kept, host_edges.machine.read_host(), trial)
    told = f"{say_duration(lifted.soak_s)} without a hang (transaction {lifted.finished.transaction.id})"
    write_complaint(f"nicmedic: {told}; it is released\n")
    return lifted.released


def _show(released: "Released", *, planned: bool) -> None:
    from nicmedic.cli.output import read_width, use_colour
    from nicmedic.cli.streams import write_answer
    from nicmedic.report.keep_text import render_released
    from nicmedic.report.style import Style

    style = Style(width=read_width(), colour=use_colour(sys.stdout))
    write_answer(render_released(released.kept, released.edits, released.notes, style, planned=planned))


def _show_json(released: "Released", *, dry_run: bool) -> None:
    from nicmedic.cli.streams import write_answer
    from nicmedic.report.keep_json import render_kept_json

    write_answer(render_kept_json([released.kept], {}, edits=released.edits, notes=released.notes, dry_run=dry_run) + "\n")


def _run(arguments: argparse.Namespace) -> int:
    from nicmedic.cli.edges import demand_root

    demand_root("release a remedy")
    from nicmedic.app.keep.release import plan_release, release
    from nicmedic.cli.duration import parse_duration
    from nicmedic.cli.keep_edges import build_keep_edges
    from nicmedic.cli.streams import write_answer
    from nicmedic.model.errors import UsageError

    if not arguments.trial and (arguments.soak or arguments.probe):
        raise UsageError("--soak and --probe are of a trial", hint=f"nicmedic release {arguments.number} --trial")
    if arguments.trial and arguments.dry_run:
        raise UsageError(
            "--trial changes the card, and --dry-run nothing: either, not both", hint=f"nicmedic release {arguments.number} --dry-run"
        )
    if arguments.trial and arguments.accept_stale_boot:
        raise UsageError(
            "--accept-stale-boot ends a release that is stuck, and --trial begins one: either, not both",
            hint=f"nicmedic release {arguments.number} --accept-stale-boot",
        )
    soak_s = parse_duration("--soak", arguments.soak or "30m", _SHORTEST_SOAK_S, _LONGEST_SOAK_S)
    number, edges = read_number(arguments.number, "a kept remedy", "kept"), build_keep_edges()
    assert number is not None  # noqa: S101  # the parser wants one
    if arguments.dry_run:
        planned = plan_release(edges, number)
        if arguments.json:
            _show_json(planned, dry_run=True)
        else:
            _show(planned, planned=True)
            write_answer("nothing was changed\n")
        return 0

    def show(planned: "Released") -> None:
        if not arguments.json:
            _show(planned, planned=True)

    if arguments.trial:
        plan_release(edges, number)  # what stands against it is told before the card is touched
        released = _try_without(arguments.probe or (), edges, number, soak_s, show)
    else:
        released = release(edges, number, show, accept_stale=arguments.accept_stale_boot)
    if arguments.json:
        _show_json(released, dry_run=False)
    else:
        write_answer("\n")
        _show(released, planned=False)
    return 0


RELEASE = Command(
    name="release",
    summary="keep a remedy no more: its files are what they were",
    description="""\
Puts every file back that nicmedic keep has written: to the byte where nobody edited it since, else only the lines of nicmedic go. Where these lines \
themselves were edited nothing is written, and they are named. With the last kept remedy the unit that looks after each boot goes too.

A program that makes what the boot loader starts (update-grub, update-initramfs, kernel-install, proxmox-boot-tool) may fail, and go on failing. \
Then it stays kept or half released, and each further command about kept remedies tries again. Mend what the program complains of; where that cannot \
be, in a rescue system for one, --accept-stale-boot ends the release with the files as they were: until the program that is named succeeds, the host \
may boot as if the remedy were kept.

With --trial the card shows first whether it still needs the remedy: what was set before it is set again under the dead-man's switch, as treat does \
it, and the card is watched for a hang until it has carried traffic for as long as --soak says. If it hangs, or anything interrupts that, the remedy \
is in force again and stays kept, and where traffic does not come back with it, it is restored as treat --ladder restore does it; if it holds, the \
files are released. Where no probe shows that traffic flows there is no trial: name one that answers with --probe.""",
    arguments=(
        Argument(("number",), "of the kept remedy; nicmedic kept lists them", "N"),
        Argument(("--trial",), "lift it on the running card first, and release it only if the card does not hang", flag=True),
        Argument(("--soak",), "with --trial: so long must the card hold without it (default: 30m)", "TIME"),
        Argument(("--probe",), "with --trial: probe also, as treat takes it; may come several times", "PROBE", repeats=True),
        Argument(
            ("--accept-stale-boot",), "release it though update-grub or its like fails: the next boot may be as if it were kept", flag=True
        ),
        Argument(("--dry-run",), "only show what would be written", flag=True),
        Argument(("--json",), "print one JSON document, schema nicmedic.kept/1", flag=True),
    ),
    examples=(
        Example("nicmedic release 1 --trial --soak 6h", "the kernel is a new one: is it still needed?"),
        Example("nicmedic release 1", "its files as they were, now"),
    ),
    exit_statuses=(
        (0, "released, or shown"),
        (2, "the command line is wrong"),
        (11, "a configuration file cannot be read"),
        ("22-27", "it was refused or could not be begun; nothing was changed"),
        (31, "nothing is kept under that number"),
        (40, "it could not be lifted; it is in force, and kept"),
        (41, "without it the card hangs; it is in force again, and kept"),
        (42, "the trial was interrupted; it is in force again, and kept"),
        (45, "releasing failed; it is kept as before, and after a trial in force again"),
        (50, "and undoing that failed too, or traffic does not flow after a trial: CHANGED, and what is left to do is told"),
    ),
    run=_run,
)
