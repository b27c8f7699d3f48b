# SPDX-License-Identifier: GPL-2.0-or-later
"""Where everything is that nicmedic keeps: transactions, what is kept over boots, incidents."""

from nicmedic.model.errors import UsageError

__all__ = ["find_state_folder"]

_USUAL = "/var/lib/nicmedic"


def find_state_folder(named: str | None) -> str:
    """The folder.

    Args:
        named: value of the environment's NICMEDIC_STATE; None or empty: the usual one.

    Raises:
        UsageError: it is no whole path; services and undo scripts run in another folder than who set it.

    >>> find_state_folder(None), find_state_folder("/run/nicmedic-state")
    ('/var/lib/nicmedic', '/run/nicmedic-state')
    """
    folder = named or _USUAL
    if not folder.startswith("/"):
        raise UsageError(f"NICMEDIC_STATE={folder}: not a whole path, which begins with /", hint=f"export NICMEDIC_STATE={_USUAL}")
    return folder
