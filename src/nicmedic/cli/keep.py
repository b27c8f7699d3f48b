# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic keep``: have a remedy in force after every boot."""

import argparse
import sys
from typing import TYPE_CHECKING

from nicmedic.cli.declare import Argument, Command, Example, Offer

if TYPE_CHECKING:
    from nicmedic.app.keep.edges import KeepEdges
    from nicmedic.app.keep.keep import Request, Written
    from nicmedic.model.host import Host
    from nicmedic.model.keeping import OnDrift
    from nicmedic.report.style import Style

__all__ = ["KEEP"]


def _read_on_drift(text: str | None) -> "OnDrift":
    """What the check after a boot shall do.

    Raises:
        UsageError: neither alarm nor repair.
    """
    from nicmedic.model.errors import UsageError
    from nicmedic.model.keeping import OnDrift

    try:
        return OnDrift(text or OnDrift.ALARM)
    except ValueError:
        raise UsageError(f"--on-drift {text}: it is alarm or repair", hint="--on-drift repair") from None


def _request_tried(what: str | None, host: "Host", on_drift: "OnDrift") -> "Request":
    """What a transaction has shown to hold."""
    import dataclasses

    from nicmedic.app.keep.keep import Request
    from nicmedic.app.keep.wishes import build_wishes, choose_transaction
    from nicmedic.host.kept_programs import survey_place
    from nicmedic.host.transactions import HostTransactions
    from nicmedic.model.errors import NoSuchInterfaceError, UsageError
    from nicmedic.model.same_card import find_card, name_chip

    if what is not None and not (what.isascii() and what.isdecimal() and len(what) < 10):
        raise UsageError(
            f"{what}: the number of a transaction is wanted here; with the name of a card --remedy says what shall be kept",
            hint=f"nicmedic keep {what} --remedy offload-off:tso   # for example; nicmedic transactions lists what was tried",
        )
    transaction = choose_transaction(HostTransactions().list_transactions(), None if what is None else int(what))
    nic = find_card(host.nics, transaction.plan.nic)
    if nic is None:
        message = f"{transaction.plan.nic.interface}: the card of transaction {transaction.id} is not there; nothing was changed"
        raise NoSuchInterfaceError(message, hint="nicmedic check")
    identity = dataclasses.replace(transaction.plan.nic, interface=nic.interface, chip=name_chip(nic))
    return Request(
        host=host,
        nic=nic,
        identity=identity,
        wishes=build_wishes(transaction.plan),
        survey=lambda number: survey_place(nic, identity, number),
        on_drift=on_drift,
        transaction=transaction.id,
        tried=transaction.plan,
    )


def _request_untried(what: str | None, wanted: list[str], host: "Host", on_drift: "OnDrift") -> "Request":
    """Remedies by their names."""
    from nicmedic.app.keep.keep import Request
    from nicmedic.app.keep.wishes import build_wishes, list_risks, split_boot_wishes
    from nicmedic.cli.keep_edges import plan_remedies
    from nicmedic.host.kept_programs import survey_place
    from nicmedic.model.errors import UsageError
    from nicmedic.model.same_card import find_card

    if what is None:
        raise UsageError("--remedy: for which card?", hint=f"nicmedic keep IF --remedy {wanted[0]}   # nicmedic check lists the cards")
    plan, of_boots = split_boot_wishes(plan_remedies(host, what, wanted), host)
    nic = find_card(host.nics, plan.nic)
    assert nic is not None  # noqa: S101  # it was just planned for
    return Request(
        host=host,
        nic=nic,
        identity=plan.nic,
        wishes=build_wishes(plan, of_boots),
        survey=lambda number: survey_place(nic, plan.nic, number),
        on_drift=on_drift,
        risks=list_risks(plan),
    )


def _style() -> "Style":
    from nicmedic.cli.output import read_width, use_colour
    from nicmedic.report.style import Style

    return Style(width=read_width(), colour=use_colour(sys.stdout))


def _show_plan(written: "Written") -> None:
    from nicmedic.cli.streams import write_answer
    from nicmedic.report.keep_text import render_written

    write_answer(render_written(written.kept, (), _style(), planned=True))


def _show_json(written: "Written", *, dry_run: bool) -> None:
    from nicmedic.cli.streams import write_answer
    from nicmedic.report.keep_json import render_kept_json

    edits = [edit for placement in written.kept.placements for edit in placement.edits]
    write_answer(render_kept_json([written.kept], {}, edits=edits, notes=written.notes, dry_run=dry_run) + "\n")


def _keep(arguments: argparse.Namespace, edges: "KeepEdges", request: "Request") -> None:
    from nicmedic.app.keep.keep import keep, plan_keeping
    from nicmedic.cli.streams import write_answer
    from nicmedic.report.keep_text import render_notes, render_written

    if arguments.dry_run:
        written = plan_keeping(edges, request, edges.store.find_next_number())
        if arguments.json:
            _show_json(written, dry_run=True)
            return
        _show_plan(written)
        write_answer(render_notes(written.notes, _style()) + "nothing was changed\n")
        return
    written = keep(edges, request, (lambda _written: None) if arguments.json else _show_plan)
    if arguments.json:
        _show_json(written, dry_run=False)
    else:
        write_answer("\n" + render_written(written.kept, written.notes, _style(), planned=False))


def _run(arguments: argparse.Namespace) -> int:
    from nicmedic.cli.edges import demand_root

    demand_root("keep a remedy")
    from nicmedic.cli.keep_edges import build_keep_edges
    from nicmedic.host.machine import HostMachine

    on_drift = _read_on_drift(arguments.on_drift)
    host = HostMachine().read_host()
    if arguments.remedy:
        request = _request_untried(arguments.what, arguments.remedy, host, on_drift)
    else:
        request = _request_tried(arguments.what, host, on_drift)
    _keep(arguments, build_keep_edges(), request)
    return 0


KEEP = Command(
    name="keep",
    summary="have a remedy that held in force after every boot",
    description="""\
Writes what a confirmed transaction has set into the files of whoever configures the card: ifupdown, ifupdown2, NetworkManager, netplan, systemd's \
.link files, ifcfg, and where none of them has a word for a setting, a rule of udev, the kernel's command line, or a unit. Without a number it is \
the newest transaction that was confirmed; with --remedy it is a remedy by its name, which was not tried on this host then.

The change of each file is shown before anything is written. All files are written or none, also when power fails; nothing but lines between two \
comments of nicmedic is changed in a file of somebody else. What is on the card now stays as it is.

After each boot nicmedic verify looks whether it is in force. What is kept is tied to the kernel that it was made for: with another one check and \
verify say so, and nicmedic release --trial tells whether it is still needed.""",
    arguments=(
        Argument(
            ("what",),
            "number of a transaction (none: the newest that was confirmed), or with --remedy the card",
            "N|IF",
            "?",
            offer=Offer.INTERFACES,
        ),
        Argument(("--remedy",), "keep this remedy, such as offload-off:tso or mtu:1400; may come several times", "ID[:ARG]", repeats=True),
        Argument(("--on-drift",), "when it is not in force after a boot: alarm (the default) or repair", "WHAT"),
        Argument(("--dry-run",), "only show what would be written", flag=True),
        Argument(("--json",), "print one JSON document, schema nicmedic.kept/1", flag=True),
    ),
    examples=(
        Example("nicmedic keep --dry-run", "which file would say it?"),
        Example("nicmedic keep", "what nicmedic confirm has let stay until the next boot stays for good"),
        Example("nicmedic keep 3 --on-drift repair", "that of transaction 3, set again where a boot brings something else"),
        Example("nicmedic keep eth0 --remedy link-advertise-100", "a remedy that was tried elsewhere"),
    ),
    exit_statuses=(
        (0, "kept, or shown"),
        (2, "the command line is wrong"),
        (11, "a configuration file cannot be read"),
        ("22-28", "it was refused or could not be begun; nothing was changed"),
        (45, "it failed, and every file is as it was"),
        (50, "it failed, and putting it back did too: files are CHANGED, and what is left to do is told"),
    ),
    run=_run,
)
