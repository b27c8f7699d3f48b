# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel logs as files: kern.log, messages, syslog, dmesg and their like, each with its rotations as one log, oldest first."""

import datetime
import re
from collections.abc import Iterator, Sequence

from nicmedic.host.histories.places import Found, Place, rotation
from nicmedic.host.histories.reader import Reader
from nicmedic.host.logs import HostLogs, is_log_name
from nicmedic.model.errors import NicmedicError
from nicmedic.ports.histories import HistoryItem, LogChain, LogPart

__all__ = ["READER"]

_NOT_ONE = re.compile(r"(?:^|/)(?:boot\.log|guest-[^/]*\.log|xl-dmesg[^/]*|crash\.txt)")
"""Logs of other machines, and of programs only."""


def _parts(files: Sequence[Found]) -> Iterator[LogPart | NicmedicError]:
    before: int | None = None
    for file in files:
        _, age = rotation(file.name)
        follows = before is None or age - before == 1 or age < -(10**6)
        before = age
        for stream in HostLogs().open_logs([file.path]):
            if isinstance(stream, NicmedicError):
                yield stream
            else:
                stream.name = file.shown
                stream.optional = True
                yield LogPart(stream=stream, follows=follows)


def _read(place: Place, files: Sequence[Found], zone: datetime.tzinfo | None) -> Iterator[HistoryItem]:
    chains: dict[str, list[Found]] = {}
    for file in files:
        if place.root is None or (is_log_name(file.name) and not _NOT_ONE.search(file.name)):
            chains.setdefault(rotation(file.name)[0], []).append(file)
    for chain in chains.values():
        name = chain[-1].shown if len(chain) == 1 else f"{chain[-1].shown} and {len(chain) - 1} rotated"
        yield LogChain(name=name, parts=_parts(chain), zone=zone)


READER = Reader("kernel logs", re.compile(""), _read)
"""Takes what no other reader takes."""
