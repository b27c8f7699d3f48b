# SPDX-License-Identifier: GPL-2.0-or-later
"""The time zone in which a host writes its logs."""

import contextlib
import datetime
import os
import zoneinfo

__all__ = ["read_zone"]


def read_zone(root: str) -> datetime.tzinfo | None:
    """Of the host whose files stand below ``root`` (empty: this machine); None: nothing there tells.

    Without ``/etc/localtime`` a machine is in UTC (localtime(5)); a copy of its files may just lack it.
    """
    path = f"{root}/etc/localtime"
    with contextlib.suppress(OSError, ValueError, zoneinfo.ZoneInfoNotFoundError):
        _, found, name = os.readlink(path).partition("zoneinfo/")  # noqa: PTH115  # names are bytes of a user's choosing
        if found:
            return zoneinfo.ZoneInfo(name)
    with contextlib.suppress(OSError, ValueError), open(path, "rb") as file:  # noqa: PTH123  # names are bytes of a user's choosing
        return zoneinfo.ZoneInfo.from_file(file)
    with (
        contextlib.suppress(OSError, ValueError, zoneinfo.ZoneInfoNotFoundError),
        open(f"{root}/etc/timezone", encoding="ascii") as file,  # noqa: PTH123  # names are bytes of a user's choosing
    ):
        return zoneinfo.ZoneInfo(file.read(256).strip())
    return datetime.UTC if not root else None
