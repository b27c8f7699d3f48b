# SPDX-License-Identifier: GPL-2.0-or-later
"""``python -m lab``: a shell in a machine, the harvest of kernel output, the soak of the watcher, what is missing."""

import argparse
import sys

from lab import nics
from lab.errors import LabError

__all__ = ["main"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lab", description="Virtual machines with real kernels and real drivers.")
    commands = parser.add_subparsers(dest="command", required=True)
    shell = commands.add_parser("shell", help="a shell in a machine, with `break` and `mend` to type")
    shell.add_argument("nic", nargs="?", default="e1000e", help=f"{', '.join(nic.name for nic in nics.ALL)} (e1000e if none is named)")
    shell.add_argument(
        "--kernel", default="", help="as uname -r says it, for example 6.1.0-50-amd64; Debian's present one if none is named"
    )
    harvest = commands.add_parser("harvest", help="record the kernel's own output of each card and fault as cases")
    harvest.add_argument("--only", default="", help="cards, faults and kernels whose names hold this")
    soak = commands.add_parser("soak", help="all that is no hang, before nicmedic watch: a table of what it said")
    soak.add_argument("--minutes", type=float, default=2, help="of each scenario (default: 2)")
    soak.add_argument("--only", default="", help="scenarios whose names hold this")
    commands.add_parser("missing", help="print the Debian packages that the lab lacks here, one a line")
    return parser


def main() -> int:
    """Carry out one command; return the exit status."""
    arguments = _parser().parse_args()
    try:
        return _run(arguments)
    except LabError as error:
        print(f"lab: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"     type: {error.hint}", file=sys.stderr)
        return 2


def _run(arguments: argparse.Namespace) -> int:
    from lab import needs

    if arguments.command == "missing":
        print(*needs.missing_packages(), sep="\n")
        return 0
    if arguments.command == "shell":
        nic = nics.find(arguments.nic)
        needs.check()
        from lab import shell

        return shell.run(nic, kernel=arguments.kernel)
    needs.check()
    if arguments.command == "soak":
        from lab import soak

        return soak.run(arguments.minutes, arguments.only)
    from lab import harvest

    return harvest.run(only=arguments.only)


if __name__ == "__main__":
    sys.exit(main())
