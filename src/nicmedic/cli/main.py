# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line's door: parse, run, print what went wrong, return the exit status. The only place that catches everything."""

import argparse
import signal
import sys
from collections.abc import Sequence

from nicmedic import __version__
from nicmedic.cli.blame import BLAME
from nicmedic.cli.check import CHECK
from nicmedic.cli.confirm import CONFIRM
from nicmedic.cli.declare import Argument, Command, Example, add_arguments
from nicmedic.cli.explain import EXPLAIN
from nicmedic.cli.history import HISTORY
from nicmedic.cli.incidents import INCIDENTS
from nicmedic.cli.install_service import INSTALL_SERVICE
from nicmedic.cli.keep import KEEP
from nicmedic.cli.kept import KEPT
from nicmedic.cli.knowledge import KNOWLEDGE
from nicmedic.cli.leftovers import take_up_leftovers
from nicmedic.cli.metrics import METRICS
from nicmedic.cli.plan import PLAN
from nicmedic.cli.prescribe import PRESCRIBE
from nicmedic.cli.release import RELEASE
from nicmedic.cli.report import REPORT
from nicmedic.cli.snapshot import SNAPSHOT
from nicmedic.cli.streams import mend_streams, turn_away, write_answer, write_complaint
from nicmedic.cli.transactions import TRANSACTIONS
from nicmedic.cli.treat import TREAT
from nicmedic.cli.trial import TRIAL
from nicmedic.cli.undo import UNDO
from nicmedic.cli.verify import VERIFY
from nicmedic.cli.watch import WATCH

__all__ = ["COMMANDS", "PROGRAM", "build_parser", "main"]

COMMANDS: tuple[Command, ...] = (
    CHECK,
    EXPLAIN,
    HISTORY,
    BLAME,
    REPORT,
    SNAPSHOT,
    PLAN,
    TREAT,
    CONFIRM,
    UNDO,
    TRANSACTIONS,
    KEEP,
    KEPT,
    VERIFY,
    RELEASE,
    TRIAL,
    WATCH,
    INCIDENTS,
    METRICS,
    PRESCRIBE,
    INSTALL_SERVICE,
    KNOWLEDGE,
)

PROGRAM = Command(
    name="nicmedic",
    summary="tell what network cards do, why one hung, what helps, and try it safely",
    description="""\
For the host whose network card goes silent: says what each card does now, saves the evidence before the next reboot takes it away, reads the kernel \
log, says which card hung, why that is so likely, and what others tried against it with what result, with the commands and their undo; and changes \
a card over the very connection that may be dying, so that whatever is not confirmed is undone.

Only treat, confirm, undo, keep, release, verify --repair, trial and install-service change the machine, and watch where its policy has it call \
treat; snapshot writes its one file, and so does report. A command of root also undoes what a crash has left behind of treat, and keep, kept, \
release and verify what it has left of keep and release.""",
    arguments=(
        Argument(("--version",), "print the version and end", version=f"nicmedic {__version__}"),
        Argument(("--debug",), "show a traceback also for expected errors; stands before the command", flag=True),
    ),
    examples=(
        Example("nicmedic check", "what this machine's network cards do now"),
        Example("nicmedic explain", "what this machine's kernel log says"),
        Example("nicmedic treat eth0 --remedy offload-off:tso", "switch off what may make it hang; confirm within two minutes"),
    ),
    exit_statuses=(
        (0, "nothing wrong was found"),
        (1, "findings"),
        (2, "the command line is wrong"),
        ("10-39", "it could not do its work, and changed nothing; docs/errors.md lists them"),
        ("40-49", "a change failed and was taken back"),
        ("50-59", "a change failed and the machine is CHANGED"),
        (130, "interrupted from the keyboard"),
        (141, "the reader of its output went away"),
    ),
    commands=COMMANDS,
)
_INTERNAL_ERROR = 10
"""Never 1: a script would take a crash for findings."""


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(prog=PROGRAM.name, allow_abbrev=False)
    add_arguments(parser, PROGRAM)
    return parser


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse; what argparse itself prints (help, version) is written out before it ends the program."""
    try:
        return build_parser().parse_args(arguments)
    except SystemExit:
        write_answer("")
        raise


def _is_interruption(error: BaseException) -> bool:
    """Python 3.11 tells an interruption while a class is made as a RuntimeError (Objects/typeobject.c, ``type_new_set_names``)."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, KeyboardInterrupt):
        cause = cause.__cause__
    return cause is not None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status (``docs/errors.md``)."""
    from nicmedic.model.errors import NicmedicError  # with --help it is not needed

    mend_streams()
    debug = False
    try:
        options = _parse(arguments)
        debug = options.debug
        take_up_leftovers(options.nicmedic_command)
        return int(options.run(options))
    except NicmedicError as error:
        from nicmedic.cli.output import print_error  # as above

        print_error(error, debug=debug)
        return error.code
    except BrokenPipeError:
        turn_away(sys.stdout)  # the reader has seen enough
        return 128 + signal.SIGPIPE
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except Exception as error:  # noqa: BLE001  # the last resort: a bug must not look like an answer
        if _is_interruption(error):
            return 128 + signal.SIGINT
        import traceback

        write_complaint(f"{traceback.format_exc()}nicmedic: this is a bug in nicmedic; please report it with the lines above.\n")
        return _INTERNAL_ERROR
