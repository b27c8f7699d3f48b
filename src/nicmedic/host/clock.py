# SPDX-License-Identifier: GPL-2.0-or-later
"""The present moment; everything else takes it as an argument."""

import datetime

__all__ = ["read_now"]


def read_now() -> datetime.datetime:
    """Now, aware, in this machine's zone."""
    return datetime.datetime.now().astimezone()
