# SPDX-License-Identifier: GPL-2.0-or-later
"""Sends what waits in the outbox: in a child of the watcher, which may take its time and its memory, and is ended if it takes too much.

A target that does not take a letter gets none after it either until it is asked again: news arrive in their order, and a service that is down is
asked once a round, not once a letter. A command that ends with a status other than 0 has not taken it.
"""

import json
import os
import signal
import time
from collections.abc import Callable, Sequence
from types import FrameType

from nicmedic.host.outside import JOBS, forget_outside, is_confined, read_output, read_outside, wrap_outside
from nicmedic.host.watching.teller.outbox import Letter, Loan, Outbox, name_target
from nicmedic.model.errors import NicmedicError, StateError
from nicmedic.model.policy import Telling

__all__ = ["deliver_letters"]

Sender = Callable[[Letter, str], str]
"""Gets a letter and its text; returns why it was not taken, empty if it was."""
_COMMAND_S = 30.0
_MESSAGE_S = 60
_POLL_S = 0.1
_ASK_S = 10.0


def _run_outside(command: Sequence[str], given: str) -> tuple[int | None, str]:
    """By process 1, where we may do too little ourselves: a command is to work as it does when root types it."""
    from nicmedic.host.files import make_folder, write_file
    from nicmedic.host.run import run_limited

    name = f"command-{os.getpid()}-{time.monotonic_ns()}"
    path = f"{JOBS}/{name}.in"
    make_folder(JOBS)
    write_file(path, given)
    try:
        line = wrap_outside(name, command, description="nicmedic: tell", input_path=path, within_s=_COMMAND_S)
        status, said = run_limited(line, _ASK_S)
        if status != 0:
            return status or -signal.SIGKILL, said
        until = time.monotonic() + _COMMAND_S + _ASK_S
        while (status := read_outside(name)) is None and time.monotonic() < until:
            time.sleep(_POLL_S)
        return status, read_output(name).decode("utf-8", "replace")
    finally:
        forget_outside(name)
        os.unlink(path)  # noqa: PTH108  # strings throughout


def _send_to_command(command: Sequence[str], letter: Letter, text: str) -> str:
    from nicmedic.host.run import run_limited
    from nicmedic.report.escape import escape_terminal

    if not os.access(command[0], os.X_OK):
        return f"the command {escape_terminal(command[0])} is not there, or no program"
    given = json.dumps({**letter.document, "text": text}, ensure_ascii=True) + "\n"
    status, said = _run_outside(command, given) if is_confined() else run_limited(command, _COMMAND_S, given=given)
    if status == 0:
        return ""
    ended = f"no end within {_COMMAND_S:g} s" if status is None else f"status {status}"
    last = escape_terminal(" ".join(said.split()))[-200:]
    return f"the command {escape_terminal(command[0])}: {ended}" + (f": {last}" if last else "")


def _raise_late(_number: int, _frame: FrameType | None) -> None:
    raise TimeoutError


def _send_to_url(url: str, letter: Letter, text: str) -> str:
    from nicmedic.host.watching.teller.messages import name_service, send_message

    signal.signal(signal.SIGALRM, _raise_late)
    signal.alarm(_MESSAGE_S)
    try:
        if send_message(url, letter.title, text):
            return ""
    except TimeoutError:
        return f"{name_service(url)}: no answer within {_MESSAGE_S} s"
    except NicmedicError as error:
        return f"{error.message}: {error.hint}"
    except Exception as error:  # noqa: BLE001  # a plug-in of Apprise; what it says may hold the URL
        return f"{name_service(url)}: {type(error).__name__}"
    finally:
        signal.alarm(0)
    return f"{name_service(url)}: not taken"


def _list_senders(telling: Telling) -> dict[str, Sender]:
    senders: dict[str, Sender] = {}
    if telling.command:
        senders[name_target("command", telling.command)] = lambda letter, text: _send_to_command(telling.command, letter, text)
    for url in telling.urls:
        senders[name_target("url", url)] = lambda letter, text, url=url: _send_to_url(url, letter, text)  # type: ignore[misc]  # its default
    return senders


def _say_when(letter: Letter, target: str) -> str:
    """The text, with what somebody must know who gets it late or twice."""
    late = time.time() - letter.at_s
    when = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(letter.at_s))
    again = " (this may have been told before)" if letter.trying == target else ""
    return letter.text + (f"\nThat was at {when}; it could not be told before." if late > 2 * _MESSAGE_S else "") + again


def _send_written(letter: Letter, target: str, send: Sender) -> str:
    """One of the disk.

    Raises:
        StateError: it cannot be noted there; nothing of the disk is sent then, for it would be sent again and again.
    """
    text = _say_when(letter, target)
    letter.trying = target
    letter.save()
    complaint = send(letter, text)
    letter.trying = ""
    if not complaint:
        letter.targets.remove(target)
    letter.save()
    return complaint


def deliver_letters(folder: str, telling: Telling, loan: Loan, *, for_people: bool = True) -> list[str]:
    """Try each target, or only the command, with what is on disk and with what only memory holds; returns why some still wait."""
    senders = _list_senders(telling)
    outbox = Outbox(folder)
    letters = (*outbox.read(tuple(senders), time.time()), *loan.letters)
    loan.note_lost(outbox.lost)
    complaints, trouble = [], ""
    for target, send in senders.items():
        if not for_people and not target.startswith("command:"):
            continue
        for letter in [letter for letter in letters if target in letter.targets]:
            complaint = ""
            if letter in loan.letters:
                complaint = send(letter, _say_when(letter, target))
                if not complaint:
                    loan.note_sent(letter, target)
            elif not trouble:
                try:
                    complaint = _send_written(letter, target, send)
                except StateError as error:
                    trouble = error.message
            if complaint:
                complaints.append(complaint)
                break
    return [*complaints, *([trouble] if trouble else [])]
