# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic install-service``: look after each boot for what the one before has left open."""

import argparse

from nicmedic.cli.declare import Argument, Command, Example

__all__ = ["INSTALL_SERVICE"]

_PATH = "/etc/systemd/system/nicmedic-recover.service"


def _run(arguments: argparse.Namespace) -> int:
    from nicmedic.cli.edges import demand_root

    if not arguments.dry_run:
        demand_root("install a service")
    from nicmedic.cli.streams import write_answer
    from nicmedic.host.service import UNIT_NAME, find_program_line, install_unit, is_systemd, remove_unit, render_unit
    from nicmedic.model.errors import MissingToolError

    if not is_systemd():
        line = f"@reboot {' '.join(find_program_line())} transactions --recover"
        raise MissingToolError(
            "systemd is not process 1 here, so there is no service to install; nothing was changed",
            hint=f"(crontab -l 2>/dev/null; echo '{line}') | crontab -   # or the same in rc.local",
        )
    if arguments.remove:
        commands = f"  systemctl disable {UNIT_NAME}\n  rm {_PATH}\n  systemctl daemon-reload\n"
        if arguments.dry_run:
            write_answer(f"nothing was changed; this would be done:\n{commands}")
        else:
            write_answer("removed; this was done:\n" + commands if remove_unit() else f"nothing to remove: there is no {_PATH}\n")
        return 0
    shown = f"  {_PATH}:\n\n{render_unit()}\n  systemctl daemon-reload\n  systemctl enable {UNIT_NAME}\n"
    if arguments.dry_run:
        write_answer(f"nothing was changed; this would be written and done:\n{shown}")
        return 0
    install_unit()
    write_answer(f"installed; nicmedic install-service --remove takes it away. This was written and done:\n{shown}")
    return 0


INSTALL_SERVICE = Command(
    name="install-service",
    summary="look after each boot for changes that the boot before has left open",
    description="""\
Writes and enables a unit of systemd that runs nicmedic transactions --recover once after each boot: a transaction that a crash or a power cut has \
interrupted is marked as ended by the boot. Without the unit the next command of root does the same. The network does not wait for it.

What is written and done is shown. Without systemd the line for cron is shown instead, and the status is 15.""",
    arguments=(
        Argument(("--remove",), "take it away again", flag=True),
        Argument(("--dry-run",), "only show what would be written and done", flag=True),
    ),
    examples=(
        Example("nicmedic install-service --dry-run", "what it would write"),
        Example("nicmedic install-service --remove", "as if it had never been"),
    ),
    exit_statuses=(
        (0, "installed, removed, or shown"),
        (2, "the command line is wrong"),
        (15, "there is no systemd here; nothing was changed"),
        (24, "only root may"),
        (27, "the file cannot be written, or systemctl failed"),
    ),
    run=_run,
)
