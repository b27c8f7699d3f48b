# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic confirm``: a change may stay, or has more time."""

import argparse

from nicmedic.cli.declare import Argument, Command, Example

__all__ = ["CONFIRM", "NUMBER", "read_number"]

_LONGEST_S = 86_400
NUMBER = Argument(("number",), "of the transaction; none: the only one that is open", "N", "?")


def read_number(text: str | None, of: str = "a transaction", lists: str = "transactions") -> int | None:
    """A number that was typed.

    Args:
        text: as it was typed.
        of: of what it is.
        lists: the command that lists these.

    Raises:
        UsageError: it is no number.
    """
    from nicmedic.model.errors import UsageError  # --help must not wait for it

    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise UsageError(f"{text!r} is no number of {of}", hint=f"nicmedic {lists}   # all of them")
    return int(text)


def _run(arguments: argparse.Namespace) -> int:
    from nicmedic.cli.edges import build_host_edges, demand_root

    demand_root("confirm a change")
    from nicmedic.app.decide import confirm_transaction, extend_transaction
    from nicmedic.cli.countdown import show_decided
    from nicmedic.cli.duration import parse_duration

    number, edges = read_number(arguments.number), build_host_edges()
    if arguments.extend is not None:
        decided = extend_transaction(edges, number, int(parse_duration("--extend", arguments.extend, 1, _LONGEST_S)))
    else:
        decided = confirm_transaction(edges, number, out_of_band=arguments.out_of_band)
    show_decided(decided)
    return 0


CONFIRM = Command(
    name="confirm",
    summary="let a change of treat stay, or give it more time",
    description="""\
Says that a change may stay; until then the dead-man's switch undoes it when its time is over. Any login of root may confirm, but the confirmation \
has to prove that the card works: the session must come over the treated card, and a few bytes written to its terminal must be acknowledged by the \
other end. Who comes another way, by a console or another card, says --out-of-band.""",
    arguments=(
        NUMBER,
        Argument(("--extend",), "confirm nothing, but undo only so much later", "TIME"),
        Argument(("--out-of-band",), "do without the proof that this session comes over the card", flag=True),
    ),
    examples=(
        Example("nicmedic confirm", "the change stays until the next boot"),
        Example("nicmedic confirm --extend 5m", "five minutes more to decide"),
        Example("nicmedic confirm 3 --out-of-band", "from a console, when you have seen that the card works"),
    ),
    exit_statuses=(
        (0, "confirmed, or extended"),
        (2, "the command line is wrong"),
        (24, "only root may"),
        (25, "it is still being carried out"),
        (28, "no such transaction, or it waits for nobody"),
        (29, "it is not proven that this session comes over the card; the switch still runs"),
        (42, "too late: it was undone"),
        (50, "too late, and undoing failed: the card is CHANGED"),
    ),
    run=_run,
)
