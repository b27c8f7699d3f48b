# SPDX-License-Identifier: GPL-2.0-or-later
"""All readers of history; a file goes to the first whose pattern its name fits, so the kernel logs, which take any, come last."""

from nicmedic.host.histories import (
    apt,
    dnf,
    dpkg,
    file_dates,
    journal,
    kernel_logs,
    last_text,
    pacman,
    rpm,
    running,
    trials,
    wtmp,
    wtmpdb,
    yum,
    zypp,
)

__all__ = ["READERS"]

READERS = (
    running.READER,
    trials.READER,
    wtmp.READER,
    wtmpdb.READER,
    last_text.READER,
    dpkg.READER,
    apt.READER,
    dnf.READER,
    yum.READER,
    rpm.READER,
    zypp.READER,
    pacman.READER,
    file_dates.READER,
    journal.READER,
    kernel_logs.READER,
)
