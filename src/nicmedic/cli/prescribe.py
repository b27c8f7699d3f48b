# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic prescribe``: a remedy as one shell file, for a host on which nicmedic itself cannot run."""

import argparse
from typing import TYPE_CHECKING

from nicmedic.cli.declare import Argument, Command, Example, Offer

if TYPE_CHECKING:
    from nicmedic.model.host import Host
    from nicmedic.model.plan import Plan

__all__ = ["PRESCRIBE"]


def _read_host(source: str | None) -> "tuple[Host, str | None]":
    """The host, and its machine id if it is this one."""
    if source is not None:
        from nicmedic.host.saved import read_saved  # --help must not wait for these

        return read_saved(source).host, None
    from nicmedic.host.machine import HostMachine
    from nicmedic.host.owners import with_owners
    from nicmedic.host.sysfs import Folder

    return with_owners(HostMachine().read_host()), Folder("/").text("etc/machine-id")


def _refuse(plan: "Plan", name: str) -> None:
    """Whoever carries a file to another host must not find there that half of it is missing.

    Raises:
        RefusedError: something that was asked for is refused, or needs a boot.
    """
    from nicmedic.model.errors import RefusedError
    from nicmedic.remedy.script.words import quote_word

    look = f"nicmedic plan {quote_word(name)}   # what is possible, and why"
    if plan.refusals:
        reasons = "; ".join(f"{refusal.remedy}: {' '.join(refusal.reasons)}" for refusal in plan.refusals)
        told = any(refusal.may_be_told for refusal in plan.refusals)
        raise RefusedError(f"{name}: {reasons}", hint="go on all the same: --accept-losses" if told else look)
    boots = [change for change in plan.changes if change.boots]
    if boots:
        raise RefusedError(f"{name}: {boots[0].remedy} needs a boot, and a script cannot look whether it helped", hint=look)


def _run(arguments: argparse.Namespace) -> int:
    from nicmedic.cli.streams import write_answer, write_complaint
    from nicmedic.host.knowledge import read_knowledge
    from nicmedic.model.errors import UsageError
    from nicmedic.remedy.planning import build_plan
    from nicmedic.remedy.script import render_prescription
    from nicmedic.report.escape import quote_file_name

    if not arguments.remedy:
        look = f"nicmedic plan {arguments.interface}   # tells which are possible"
        raise UsageError("--remedy is missing: what shall be prescribed?", hint=look)
    host, machine_id = _read_host(arguments.source)
    plan = build_plan(
        host,
        arguments.interface,
        arguments.remedy,
        knowledge=read_knowledge(),
        accept_losses=arguments.accept_losses,
        machine_id=machine_id,
    )
    _refuse(plan, arguments.interface)
    text = render_prescription(plan)
    if arguments.output is None:
        write_answer(text)
        return 0
    from nicmedic.host.files import write_file
    from nicmedic.model.errors import StateError, UnwritableOutputError

    try:
        write_file(arguments.output, text, 0o755)
    except StateError as error:
        raise UnwritableOutputError(error.message, hint=error.hint) from error
    file = quote_file_name(arguments.output)
    write_complaint(
        f"nicmedic: written; nothing was changed. On {plan.hostname or 'the host'}, as root: sh {file} check, then sh {file} apply\n"
    )
    return 0


PRESCRIBE = Command(
    name="prescribe",
    summary="write a remedy as one shell file for a host on which nicmedic cannot run",
    description="""\
Writes one self-contained POSIX shell file for a host without a modern Python: an old Debian, OpenWrt, Home Assistant OS, a rescue console. It needs \
sh (dash, busybox or bash) and ip; it uses ethtool, or what is there in its place: mii-tool, or NetworkManager's nmcli, and says what it lacks.

The file does what treat does: it makes sure that it is on the right host and card, keeps what is set there at that moment, starts a dead-man's \
switch in a process of its own, changes, looks whether link and gateways still answer, and asks. Whoever does not answer in time gets \
the former state back; so does a host that is booted. Read it before you run it: without an argument it only tells what it would do.

Nothing is changed by writing it.""",
    arguments=(
        Argument(("interface",), "the card: its name, an alternative name, its alias or its bus address", "IF", offer=Offer.INTERFACES),
        Argument(
            ("--remedy",),
            "prescribe this remedy, such as offload-off:tso,gso or mtu:1400; may come several times",
            "ID[:ARG]",
            repeats=True,
        ),
        Argument(
            ("--from",),
            "for another host: a snapshot, a sosreport, or a folder with a copy of its files",
            "FILE|DIR",
            dest="source",
            offer=Offer.FILES,
        ),
        Argument(("--output", "-o"), "the file to write (default: standard output)", "FILE", offer=Offer.FILES),
        Argument(("--accept-losses",), "prescribe also what could not be put back wholly, or is known to be dangerous", flag=True),
    ),
    examples=(
        Example("nicmedic prescribe eth0 --remedy offload-off:tso -o eth0.sh", "a file to carry along"),
        Example("nicmedic prescribe eth0 --remedy link-advertise-100 --from snapshot.tar.gz -o eth0.sh", "for the host of a snapshot"),
        Example("nicmedic prescribe eth0 --remedy mtu:1400 | ssh root@gateway 'cat > /tmp/eth0.sh'", "onto a router"),
    ),
    exit_statuses=(
        (0, "the file is written"),
        (2, "the command line is wrong"),
        (11, "the snapshot cannot be read"),
        (20, "the file cannot be written; nothing is left behind"),
        (21, "what was named after --from is neither a snapshot nor a sosreport"),
        (22, "there is no such network card"),
        (23, "something that was asked for is refused"),
    ),
    run=_run,
)
