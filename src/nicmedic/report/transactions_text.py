# SPDX-License-Identifier: GPL-2.0-or-later
"""Transactions for a person: the first line says what became of the machine, the next ones what to type."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from nicmedic.model.durations import say_duration
from nicmedic.model.plan import Change
from nicmedic.model.transaction import ProbeResult, State, Transaction, Word, find_state
from nicmedic.remedy.ladder import name_change
from nicmedic.remedy.script.words import render_step
from nicmedic.report.escape import escape_terminal
from nicmedic.report.style import Style
from nicmedic.report.words import say_count

__all__ = ["render_decided", "render_left", "render_recovered", "render_stage", "render_transaction", "render_transactions"]

_STAGES = {
    "probing": "running the probes",
    "preparing": "writing plan, evidence and undo script",
    "armed": "the dead-man's switch is armed",
    "applying": "changing",
    "reading": "reading it again",
    "holding": "the probes must pass",
    "undoing": "undoing",
}
_UNTIL_BOOT = "it lasts until the next boot"


def render_stage(stage: str, detail: str) -> str:
    """One line of progress."""
    told = _STAGES.get(stage, stage)
    return f"nicmedic: {told}: {escape_terminal(detail)}" if detail else f"nicmedic: {told}"


def _names(transaction: Transaction) -> str:
    """Its remedies; where it took them away for a trial, that it did."""
    names = escape_terminal(", ".join(name_change(change) for change in transaction.plan.changes))
    return names if transaction.plan.lifts is None else f"the lift of {names}"


def _interface(transaction: Transaction) -> str:
    return escape_terminal(transaction.plan.nic.interface)


def _became(transaction: Transaction, state: State, left_s: float | None, *, past: bool = False) -> str:
    """What became of the machine, in a clause. Nothing of an earlier boot (``past``) is in force."""
    if past and state is State.CONFIRMED:
        return f"is as after the boot: {_names(transaction)} was confirmed, and ended with it"
    if past and state is State.UNDO_FAILED:
        return "is as after the boot: undoing had failed, and what was left ended with it"
    if state is State.WAITING:
        if left_s is None or left_s <= 0:
            return "is changed, and is being undone now"
        return f"is changed, and is undone in {say_duration(left_s)} unless you confirm"
    if state is State.CONFIRMED:
        return f"is changed: {_names(transaction)} is confirmed; {_UNTIL_BOOT}"
    if state is State.UNDO_FAILED:
        return "is CHANGED: undoing failed"
    return {
        State.PREPARING: "is not changed yet",
        State.APPLYING: "is being changed",
        State.UNDOING: "is being undone",
        State.UNDONE: "is as it was before: undone",
        State.REBOOTED: "is as after the boot, which ended all changes: rebooted",
        State.ABANDONED: "was not changed: abandoned",
    }[state]


def _type_next(transaction: Transaction, state: State, *, past: bool = False) -> Iterator[str]:
    number = transaction.id
    if past:
        return
    if state is State.WAITING:
        yield f"  nicmedic confirm {number}               # keep it"
        yield f"  nicmedic undo {number}                  # take it back now"
        yield f"  nicmedic confirm {number} --extend 5m   # decide later"
    elif state is State.CONFIRMED:
        yield f"  nicmedic undo {number}   # take it back"
    elif state is State.UNDO_FAILED:
        yield f"  nicmedic undo {number}   # try it again"
        yield f"  cat {transaction.folder}/failed   # what is left to type"


def _render_results(results: Sequence[ProbeResult], style: Style) -> Iterator[str]:
    for result in results:
        yield style.wrap(f"{result.state:<8} {result.probe}{': ' if result.detail else ''}{result.detail}", first="  ", rest=" " * 11)


def render_decided(
    transaction: Transaction,
    state: State,
    style: Style,
    *,
    left_s: float | None = None,
    results: Sequence[ProbeResult] = (),
    detail: str = "",
    warnings: Sequence[str] = (),
) -> str:
    """A transaction right after something was done to it.

    Args:
        transaction: as it is now.
        state: where it stands.
        style: of the terminal.
        left_s: until the switch undoes.
        results: of the last round of probes.
        detail: a sentence beside the first line: what the probes or the proof said.
        warnings: what went wrong and did not matter.
    """
    paint = ("bold", "green") if state in {State.CONFIRMED, State.UNDONE} else ("bold", "yellow")
    first = f"{_interface(transaction)} {_became(transaction, state, left_s)} (transaction {transaction.id})"
    lines = [style.line(first, *paint, rest="  ")]
    lines += [style.wrap(detail, first="  ")] if detail else []
    lines += [style.wrap(f"did not matter: {warning}", first="  ") for warning in warnings]
    lines += _render_results(results, style)
    commands = list(_type_next(transaction, state))
    return "\n".join([*lines, *(["", style.title("What to type"), *commands] if commands else []), ""])


def render_left(left_s: float) -> str:
    """The line of the countdown."""
    return f"{say_duration(max(0.0, left_s))} left, then it is undone. Type keep, undo, or extend 5m (Ctrl-C undoes it now): "


def _find_first_line(known: Sequence[Transaction], left: Mapping[int, float | None], past: Collection[int]) -> str:
    opened = [transaction for transaction in known if find_state(transaction).is_open]
    if opened:
        told = (f"{one.id}: {_interface(one)} {_became(one, find_state(one), left.get(one.id))}" for one in opened)
        return f"{say_count(len(opened), 'transaction')} open: " + "; ".join(told)
    if not known:
        return "no transactions: nicmedic has changed nothing here"
    last = known[-1]
    return (
        f"no transaction is open; the last one, {last.id}: {_interface(last)} {_became(last, find_state(last), None, past=last.id in past)}"
    )


def render_transactions(known: Sequence[Transaction], left: Mapping[int, float | None], style: Style, *, past: Collection[int] = ()) -> str:
    """All of them, newest first.

    Args:
        known: oldest first.
        left: seconds until the switch undoes, by number.
        style: of the terminal.
        past: numbers of those of an earlier boot, of which nothing is in force.
    """
    lines = [style.line(_find_first_line(known, left, past), "bold", rest="  ")]
    if known:
        lines.append("")
    for transaction in reversed(known):
        when = transaction.entries[0].time if transaction.entries else "(unknown)"
        state = find_state(transaction)
        ended = " (ended with the boot)" if transaction.id in past and state in {State.CONFIRMED, State.UNDO_FAILED} else ""
        told = f"{transaction.id:>3}  {when:<25}  {_interface(transaction):<10}  {state:<11}  {_names(transaction)}{ended}"
        lines.append(style.line(told, first="  ", rest=" " * 7))
    for transaction in known:
        if find_state(transaction).is_open:
            lines += _type_next(transaction, find_state(transaction))
    return "\n".join([*lines, ""])


def _render_change(change: Change, interface: str, style: Style) -> Iterator[str]:
    yield style.wrap(f"{name_change(change)}: {change.title}", first="  ", rest="    ")
    for title, steps in (("done", change.steps), ("undo", change.undo)):
        yield from (f"    {title}: {escape_terminal(render_step(step, interface))}" for step in steps)


def render_transaction(transaction: Transaction, left_s: float | None, style: Style, *, past: bool = False) -> str:
    """One of them, with all that happened; ``past``: in an earlier boot."""
    state, interface = find_state(transaction), transaction.plan.nic.interface
    became = _became(transaction, state, left_s, past=past)
    lines = [style.line(f"{_interface(transaction)} {became} (transaction {transaction.id})", "bold", rest="  ")]
    lines += [*_type_next(transaction, state, past=past), "", style.title("Changes")]
    for change in transaction.plan.changes:
        lines += _render_change(change, interface, style)
    if transaction.before:
        lines += ["", style.title("Probes before"), *_render_results(transaction.before, style)]
    lines += ["", style.title("Journal")]
    for entry in transaction.entries:
        lines.append(style.wrap(f"{entry.time}  {entry.word:<11}  {entry.detail}", first="  ", rest=" " * 42))
    return "\n".join([*lines, "", f"  {escape_terminal(transaction.folder)}", ""])


def render_recovered(transaction: Transaction, word: Word, reason: str, failed: Sequence[str]) -> str:
    """One that was left behind, in a line or two."""
    became = {
        Word.REBOOTED: "is as after the boot",
        Word.UNDONE: "is as it was before: undone",
        Word.UNDO_FAILED: "is CHANGED: undoing failed",
    }[word]
    line = f"nicmedic: {_interface(transaction)} {became} (transaction {transaction.id}): {escape_terminal(reason)}\n"
    return line + "".join(f"          {escape_terminal(command)}\n" for command in failed)
