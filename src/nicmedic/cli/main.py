# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line's door: parse, run, print what went wrong, return the exit status. The only place that catches everything."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence

from nicmedic import __version__
from nicmedic.cli.declare import Command, add_arguments
from nicmedic.cli.explain import EXPLAIN
from nicmedic.cli.knowledge import KNOWLEDGE

__all__ = ["COMMANDS", "build_parser", "main"]

COMMANDS: tuple[Command, ...] = (EXPLAIN, KNOWLEDGE)

PROGRAM = Command(
    name="nicmedic",
    summary="for the host whose network card goes silent",
    description="nicmedic: for the host whose network card goes silent.",
    commands=COMMANDS,
)


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(prog="nicmedic", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"nicmedic {__version__}")
    parser.add_argument("--debug", action="store_true", help="show a traceback also for expected errors")
    add_arguments(parser, PROGRAM)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status (``docs/errors.md``)."""
    from nicmedic.model.errors import NicmedicError  # with --help it is not needed

    options = build_parser().parse_args(arguments)
    try:
        status = int(options.run(options))
        sys.stdout.flush()
    except NicmedicError as error:
        if options.debug:
            raise
        from nicmedic.cli.output import print_error  # as above

        print_error(error)
        return error.code
    except BrokenPipeError:
        # The reader has seen enough. Python would complain once more at exit, so standard output is turned away first.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return status
