# SPDX-License-Identifier: GPL-2.0-or-later
"""Folders with a number for a name, each made whole under another name first: transactions, and what is kept over boots."""

import os

from nicmedic.host.files import remove_tree, tell_state
from nicmedic.host.processes import is_running, name_process

__all__ = ["list_names", "list_numbers", "name_new_folder", "read_small_file"]

_MOST_BYTES = 16 << 20
_NEW = ".new-"


def read_small_file(path: str, most: int = _MOST_BYTES) -> bytes | None:
    """At most so many bytes of a file; None: there is none.

    Raises:
        StateError: it cannot be read.
    """
    with tell_state(path):
        try:
            with open(path, "rb") as file:  # noqa: PTH123  # strings throughout
                return file.read(most)
        except FileNotFoundError:
            return None


def list_names(folder: str) -> list[str]:
    """All that is in it; nothing if it is not there.

    Raises:
        StateError: it cannot be read.
    """
    with tell_state(folder):
        try:
            return os.listdir(folder)  # noqa: PTH208  # strings throughout
        except FileNotFoundError:
            return []


def list_numbers(folder: str) -> list[int]:
    """The numbers in it, ascending. A half-written one whose maker runs no more, and that therefore changed nothing, is swept away.

    Raises:
        StateError: it cannot be read.
    """
    names = list_names(folder)
    for name in names:
        if name.startswith(_NEW) and not is_running(name.removeprefix(_NEW).replace("-", " ")):
            remove_tree(f"{folder}/{name}")
    return sorted(int(name) for name in names if name.isdecimal())


def name_new_folder(folder: str) -> str:
    """Where this process makes one before it gets its number."""
    return f"{folder}/{_NEW}{name_process().replace(' ', '-')}"
