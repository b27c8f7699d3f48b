# SPDX-License-Identifier: GPL-2.0-or-later
"""What a crash or a boot left open, looked for at the start of every command that root gives. Costs two listings of folders.

Transactions, and kept remedies that were half written or half released. The latter start programs that take minutes (an initramfs for each kernel),
so only commands that are about them end them, and none does while a transaction is open: whoever confirms has two minutes.

Imported at every start, so it imports nothing of ours until something is open.
"""

import os

__all__ = ["has_leftovers", "has_open_kept", "recover_leftovers", "take_up_leftovers"]

_ENDED = (b"undone", b"rebooted", b"abandoned")
_LASTING = (b"confirmed", b"undo-failed")
"""What these words tell of the card holds until the next boot."""
_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_TAIL = 1024
_HALF = (b"writing", b"releasing")
_OF_KEPT = frozenset({"keep", "kept", "release", "verify"})


def _find_folder(name: str) -> str:
    """As ``host/transactions.py`` and ``host/kept_folder.py`` have it."""
    return f"{os.environ.get('NICMEDIC_STATE') or '/var/lib/nicmedic'}/{name}"


def _is_of_earlier_boot(boot_id: bytes) -> bool:
    with open(_BOOT_ID, "rb") as file:  # noqa: PTH123  # at every start
        return file.read(64).strip() != boot_id


def _is_open(folder: str) -> bool:
    """Also what is told to last, though the machine was booted since."""
    try:
        with open(f"{folder}/journal", "rb") as file:  # noqa: PTH123  # at every start
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            words = file.read().splitlines()[-1].split(b" ", 4)
        if words[3] in _ENDED:
            return False
        lasts = words[3] in _LASTING or (words[3] != b"undoing" and os.readlink(f"{folder}/decided") == "confirmed")  # noqa: PTH115  # at every start
        return not lasts or _is_of_earlier_boot(words[2])
    except FileNotFoundError:
        return True
    except (OSError, IndexError):
        return True


def has_leftovers() -> bool:
    """Whether something is open, or half-written. Whether it was left behind, ``app/recover.py`` finds out."""
    try:
        with os.scandir(_find_folder("transactions")) as entries:
            return any(entry.name.startswith(".new-") or (entry.name.isdecimal() and _is_open(entry.path)) for entry in entries)
    except OSError:
        return False


def _is_half_kept(folder: str) -> bool:
    """By the state, which ``kept.json`` begins with."""
    try:
        with open(f"{folder}/kept.json", "rb") as file:  # noqa: PTH123  # at every start
            head = file.read(64)
    except OSError:
        return False
    return any(b'"state": "' + state + b'"' in head for state in _HALF)


def has_open_kept() -> bool:
    """Whether a kept remedy is half written or half released; perhaps by somebody who is at it now."""
    try:
        with os.scandir(_find_folder("kept")) as entries:
            return any(entry.name.startswith(".new-") or (entry.name.isdecimal() and _is_half_kept(entry.path)) for entry in entries)
    except OSError:
        return False


def _is_any_open() -> bool:
    """Whether a transaction still is, now that those which were left behind are ended."""
    from nicmedic.host.transactions import HostTransactions
    from nicmedic.model.transaction import find_state

    return any(find_state(one).is_open for one in HostTransactions().list_transactions())


def _tell_kept() -> None:
    from nicmedic.cli.streams import write_complaint

    told = "something is half kept or half released, perhaps by somebody who is at it now; when no transaction is open, this ends it:"
    write_complaint(f"nicmedic: {told} nicmedic kept\n")


def _recover_kept() -> bool:
    from nicmedic.app.keep.recover import recover_kept
    from nicmedic.cli.keep_edges import build_keep_edges
    from nicmedic.cli.streams import write_complaint
    from nicmedic.report.keep_text import render_recovered_kept

    found = recover_kept(build_keep_edges())
    for one in found:
        write_complaint(render_recovered_kept(one.kept, one.trouble, one.left))
    return any(one.trouble for one in found)


def recover_leftovers(*, with_kept: bool = True) -> bool:
    """End what was left behind, and tell it; True: something could not be undone.

    Args:
        with_kept: also what was half kept or half released, unless a transaction is open; else it is only told.

    Raises:
        StateError: the transactions, or what is kept, cannot be read.
    """
    failed = _recover_transactions()
    if not has_open_kept():
        return failed
    if not with_kept or _is_any_open():
        _tell_kept()
        return failed
    return _recover_kept() or failed


def _recover_transactions() -> bool:
    from nicmedic.app.recover import recover_transactions
    from nicmedic.cli.streams import write_complaint
    from nicmedic.host.hands import HostHands
    from nicmedic.host.switch import HostSwitch
    from nicmedic.host.transactions import HostTransactions
    from nicmedic.model.transaction import Word
    from nicmedic.report.transactions_text import render_recovered

    store = HostTransactions()
    for error in store.list_damaged():
        write_complaint(f"nicmedic: {error.message}\n          {error.hint}\n")
    found = recover_transactions(store, HostSwitch(), HostHands())
    for one in found:
        write_complaint(render_recovered(one.transaction, one.word, one.reason, one.failed))
    return any(one.word is Word.UNDO_FAILED for one in found)


def take_up_leftovers(command: str) -> None:
    """Before any command: what goes wrong here is told, and stops nothing."""
    if os.geteuid() != 0 or not (has_leftovers() or has_open_kept()):
        return
    from nicmedic.cli.output import print_error
    from nicmedic.model.errors import NicmedicError

    try:
        recover_leftovers(with_kept=command in _OF_KEPT)
    except NicmedicError as error:
        print_error(error)
