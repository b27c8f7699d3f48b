# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic watch``: see the hang before the kernel does, keep the evidence, bring the host back."""

import argparse
import os
import sys
from typing import NoReturn

from nicmedic.cli.declare import Argument, Command, Example, Offer

__all__ = ["WATCH"]

_POLICY = "/etc/nicmedic/policy.toml"


def _find_faults(acts: bool) -> tuple[str, ...]:  # noqa: FBT001  # as app.watch.self_test calls it
    """Whether incidents can be written down; and where something is to be treated, whether treat could."""
    from nicmedic.host.files import append_line, make_folder, remove_tree
    from nicmedic.host.transactions import find_transactions_folder
    from nicmedic.model.errors import NicmedicError
    from nicmedic.store import HostIncidents

    faults = []
    store = HostIncidents()
    folder = os.path.dirname(store.path)  # noqa: PTH120  # strings throughout
    probe = f"{folder}/.self-test-{os.getpid()}"
    try:
        make_folder(probe)
        append_line(f"{probe}/line", "x" * 65536)
        if os.path.exists(store.path):  # noqa: PTH110  # strings throughout
            store.list_incidents(newest=1)
    except NicmedicError as error:
        faults.append(f"incidents could not be written down: {error.message}")
    finally:
        store.close()
        remove_tree(probe)
    if acts:
        faults += _find_treat_faults(find_transactions_folder())
    return tuple(faults)


def _find_treat_faults(folder: str) -> list[str]:
    """Why ``treat`` could not act: its tools, and a shell for its switch."""
    from nicmedic.host.files import make_folder
    from nicmedic.host.tools import find_tools
    from nicmedic.model.errors import NicmedicError

    faults = []
    tools = find_tools(frozenset({"ip", "sh"}))
    faults += [f"{tool} is not installed, and treat needs it" for tool in ("ip", "sh") if tool not in tools]
    try:
        make_folder(folder)
    except NicmedicError as error:
        faults.append(f"treat could not keep its undo: {error.message}")
    return faults


def _run_self_test(path: str, *, as_json: bool) -> int:
    from nicmedic.app.watch.self_test import try_senses
    from nicmedic.cli.output import read_style
    from nicmedic.cli.streams import write_answer
    from nicmedic.host.clock import HostClock
    from nicmedic.host.policy_file import read_policy_file
    from nicmedic.host.watching.senses import HostSenses
    from nicmedic.report.self_test_json import render_self_test_json
    from nicmedic.report.self_test_text import render_self_test

    policy, found = read_policy_file(path)
    with HostSenses(virtual=policy.watch_virtual) as senses:
        test = try_senses(senses, HostClock(), policy, path=path, found=found, find_faults=_find_faults)
    style = read_style()
    write_answer(render_self_test_json(test) + "\n" if as_json else render_self_test(test, style))
    return 1 if test.faults else 0


def _sum_up_older() -> dict[str, float]:
    """What incidents before the newest add to counters: a counter that fell when the watcher starts anew would look like new hangs to Prometheus."""
    from nicmedic.cli.resident import NEWEST
    from nicmedic.model.errors import NicmedicError
    from nicmedic.report.incident_tally import sum_up
    from nicmedic.store import HostIncidents

    store = HostIncidents(read_only=True)
    try:
        return sum_up(store.list_incidents()[:-NEWEST] if store.exists() else ())
    except NicmedicError:
        return {}  # the resident part tells it
    finally:
        store.close()


def _become_resident(path: str) -> NoReturn:
    from nicmedic.cli.resident import build_resident_line, keep_sums
    from nicmedic.host.outside import is_confined
    from nicmedic.host.policy_file import read_policy_file
    from nicmedic.host.run import become_program
    from nicmedic.host.service import find_program_line
    from nicmedic.host.sysfs import Folder
    from nicmedic.host.system import read_kernel

    if not is_confined():  # a service goes on and observes
        read_policy_file(path)  # its errors are told here
    line = build_resident_line(path, read_kernel(Folder("/"))["kernel_package"], find_program_line(), keep_sums(_sum_up_older()))
    sys.stdout.flush()
    sys.stderr.flush()
    become_program(line)


def _run(arguments: argparse.Namespace) -> int:
    from nicmedic.cli.edges import demand_root
    from nicmedic.model.errors import UsageError

    demand_root("watch")
    if arguments.json and not arguments.once:
        raise UsageError("--json: only the self-test prints it", hint="nicmedic watch --once --json ; nicmedic incidents --json")
    if arguments.keep is not None:
        from nicmedic.cli.keep_evidence import keep

        keep(arguments.keep)
        return 0
    path = os.path.abspath(arguments.policy or _POLICY)  # noqa: PTH100  # strings throughout
    if arguments.once:
        return _run_self_test(path, as_json=arguments.json)
    _become_resident(path)


WATCH = Command(
    name="watch",
    summary="watch all cards: see a hang at once, keep the evidence, restore traffic",
    description="""\
Stays in memory and looks at each card a few times a second: what it was given and has not sent, its counters, its carrier, the kernel log. When \
something stands still it finds out where the fault is: the card or its driver, the link, the gateway, a host without processor time, the \
administrator; and where that cannot be told, it says so. Each incident is on disk, with what led to it, before anything is done about it.

What may be done says the policy, /etc/nicmedic/policy.toml; without that file nothing is: incidents are written down and told. It is read again on \
SIGHUP, and one that makes no sense leaves the old one in force. Cards are only changed by nicmedic treat, in a process of its own, through its \
transaction.

nicmedic install-service runs it at each boot. nicmedic incidents shows what it saw. One watcher a host.""",
    arguments=(
        Argument(("--once",), "only test: what would be watched, and what could not be seen or done", flag=True),
        Argument(("--policy",), f"the policy (default: {_POLICY})", "FILE", offer=Offer.FILES),
        Argument(("--json",), "with --once: print one JSON document, schema nicmedic.watch/1", flag=True),
        Argument(
            ("--keep",),
            "what a watcher starts beside itself: add a picture of the host to incident WHAT, or with boot note what this boot is like",
            "WHAT",
        ),
    ),
    examples=(
        Example("nicmedic watch --once", "would it work on this host?"),
        Example("nicmedic watch", "in the foreground, until Ctrl-C"),
        Example("nicmedic watch --policy ./policy.toml", "by another policy"),
    ),
    exit_statuses=(
        (0, "it was told to end; or with --once: nothing stands against it"),
        (1, "with --once: it could not do its work here"),
        (2, "the command line is wrong"),
        (11, "the policy cannot be read"),
        (16, "the policy makes no sense"),
        (24, "only root may"),
        (25, "another watcher runs"),
        (27, "a folder cannot be written"),
    ),
    run=_run,
)
