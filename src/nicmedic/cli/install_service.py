# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic install-service``: watch from now on, and look after each boot for what the one before has left open."""

import argparse
from typing import TYPE_CHECKING

from nicmedic.cli.declare import Argument, Command, Example

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nicmedic.host.service import Unit

__all__ = ["INSTALL_SERVICE"]


def _find_metrics_folder() -> str | None:
    """Where the policy wants its metrics: the unit must be allowed to write there.

    Raises:
        PolicyError: it makes no sense: better told now than by a service that ends at once.
        UnreadableInputError: it cannot be read.
    """
    import os.path

    from nicmedic.host.policy_file import read_policy_file

    path = read_policy_file()[0].telling.metrics_file
    return None if path is None else os.path.dirname(path)  # noqa: PTH120  # strings throughout


def _show_units(units: "Sequence[Unit]") -> str:
    from nicmedic.host.service import list_commands

    files = "\n".join(f"  {unit.path}:\n\n{unit.text}" for unit in units)
    return f"{files}\n{_show_commands(list_commands(units))}"


def _show_commands(commands: "Sequence[Sequence[str]]") -> str:
    import shlex

    return "".join(f"  {shlex.join(command)}\n" for command in commands)


def _remove(*, dry_run: bool) -> None:
    from nicmedic.cli.streams import write_answer
    from nicmedic.host.service import list_installed, list_removal, remove_units

    names = list_installed()
    commands = _show_commands(list_removal(names))
    if not names:
        write_answer("nothing to remove: no unit of nicmedic is installed\n")
    elif dry_run:
        write_answer(f"nothing was changed; this would be done:\n{commands}")
    else:
        remove_units(names)
        write_answer(f"removed; incidents and transactions stay. This was done:\n{commands}")


def _run(arguments: argparse.Namespace) -> int:
    from nicmedic.cli.edges import demand_root

    if not arguments.dry_run:
        demand_root("install a service")
    from nicmedic.cli.streams import write_answer
    from nicmedic.host.service import find_program_line, install_units, is_systemd, plan_units
    from nicmedic.model.errors import MissingToolError

    if not is_systemd():
        line = f"@reboot {' '.join(find_program_line())}"
        recover, watch = f"{line} transactions --recover", f"{line} watch"
        wanted = recover if arguments.no_watch else f"{recover}; echo '{watch}'"
        raise MissingToolError(
            "systemd is not process 1 here, so there is no service to install; nothing was changed",
            hint=f"(crontab -l 2>/dev/null; echo '{wanted}') | crontab -   # or the same in rc.local",
        )
    if arguments.remove:
        _remove(dry_run=arguments.dry_run)
        return 0
    units = plan_units(watch=not arguments.no_watch, metrics_folder=None if arguments.no_watch else _find_metrics_folder())
    shown = _show_units(units)
    if arguments.dry_run:
        write_answer(f"nothing was changed; this would be written and done:\n{shown}")
        return 0
    install_units(units)
    write_answer(f"installed; nicmedic install-service --remove takes it away. This was written and done:\n{shown}")
    return 0


INSTALL_SERVICE = Command(
    name="install-service",
    summary="watch from now on; end after each boot what the one before left open",
    description="""\
Writes two units of systemd. nicmedic-watch.service runs nicmedic watch from now on and after each boot: it is started at once, may hardly do \
anything but look, and acts only as far as /etc/nicmedic/policy.toml says; without that file it observes. nicmedic-recover.service runs nicmedic \
transactions --recover once after each boot: a transaction that a crash or a power cut has interrupted is marked as ended by the boot. The network \
waits for neither.

What is written and done is shown; if it fails, all is as it was. Given again it writes the units anew and starts the watcher again: do that after \
metrics_file of the policy has changed its folder. Without systemd the lines for cron are shown instead, and the status is 15.""",
    arguments=(
        Argument(("--no-watch",), "only what looks after each boot; a watcher that is installed stays as it is", flag=True),
        Argument(("--remove",), "take both away again; incidents and transactions stay", flag=True),
        Argument(("--dry-run",), "only show what would be written and done", flag=True),
    ),
    examples=(
        Example("nicmedic install-service --dry-run", "what it would write"),
        Example("nicmedic install-service", "watch from now on"),
        Example("nicmedic install-service --remove", "as if it had never been"),
    ),
    exit_statuses=(
        (0, "installed, removed, or shown"),
        (2, "the command line is wrong"),
        (11, "the policy cannot be read"),
        (15, "there is no systemd here; nothing was changed"),
        (16, "the policy makes no sense"),
        (24, "only root may"),
        (27, "a file cannot be written, or systemctl failed; all is as it was"),
    ),
    run=_run,
)
