# SPDX-License-Identifier: GPL-2.0-or-later
"""The journal of all boots: the kernel's messages, what tells of a shutdown, and from when to when each boot is in it.

``journalctl --list-boots`` knows a boot's last entry, of whatever program: until then the journal was being
written, and would tell of a hang, if the kernel's messages are in it.
"""

import contextlib
import datetime
import os
import re
from collections.abc import Iterator, Sequence

from nicmedic.evidence.history.sighting import Sighting
from nicmedic.host.histories.places import Found, Place
from nicmedic.host.histories.reader import Reader
from nicmedic.host.run import find_program, stream_program
from nicmedic.model.errors import NicmedicError
from nicmedic.ports.histories import HistoryItem, LogChain, LogPart
from nicmedic.ports.logs import LogStream

__all__ = ["READER", "parse_boot_list"]

_FIELDS = "MESSAGE,PRIORITY,SYSLOG_IDENTIFIER,_TRANSPORT,_BOOT_ID,_HOSTNAME,_SOURCE_MONOTONIC_TIMESTAMP,_KERNEL_DEVICE"
_STOPPED = "d93fb3c9c24d451a97cea615ce59c00b"
"""SD_MESSAGE_JOURNAL_STOP (systemd, src/systemd/sd-messages.h)."""
_MATCH = ("_TRANSPORT=kernel", "+", "_PID=1", "UNIT=shutdown.target", "+", f"MESSAGE_ID={_STOPPED}")
_MOMENT = r"\w{3} (?P<%s>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC"
_BOOT = re.compile(rf"\s*-?\d+ +(?P<id>[0-9a-f]{{32}}) +{_MOMENT % 'first'}\s*(?:\u2014|-)?\s*{_MOMENT % 'last'}")


def parse_boot_list(text: str, source: str, journal: str) -> Iterator[Sighting]:
    """What ``journalctl --list-boots`` prints with TZ=UTC, of systemd 204 as of 257; ``journal``: the name of the log that it is of."""
    for order, line in enumerate(text.splitlines()):
        match = _BOOT.match(line)
        if match is None:
            continue
        try:
            first, last = (datetime.datetime.fromisoformat(f"{match[name]}+00:00").timestamp() for name in ("first", "last"))
        except ValueError:
            continue
        if first <= last:
            yield Sighting(
                source=source,
                order=order,
                lists=journal,
                boot_id=match["id"],
                seen=(first, last),
                exact_end=True,
                covers_moments=((first, last),),
            )


def _part(name: str, options: Sequence[str]) -> Iterator[LogPart | NicmedicError]:
    command = ("journalctl", "--quiet", "--no-pager", "--all", "--output=json", f"--output-fields={_FIELDS}", *options, *_MATCH)
    yield LogPart(stream=LogStream(name=name, blocks=stream_program(command), optional=True))


def _read(place: Place, files: Sequence[Found], _zone: datetime.tzinfo | None) -> Iterator[HistoryItem]:
    if not files or find_program("journalctl") is None:
        return
    options = () if place.live else tuple(f"--file={os.path.abspath(file.path)}" for file in files)  # noqa: PTH100  # as places.py
    name = "journal" if place.live else f"journal ({len(files)} files, {files[0].shown} first)"
    yield LogChain(name=name, parts=_part(name, options), tells_end=True, kernels_own=True)
    with contextlib.suppress(NicmedicError):  # an old systemd knows no --list-boots: then the kernel's lines have to do
        text = b"".join(stream_program(("journalctl", "--quiet", "--no-pager", "--list-boots", *options))).decode("utf-8", "replace")
        yield from parse_boot_list(text, f"{name}, list of boots", name)


READER = Reader("journal", re.compile(r"\.journal~?\Z"), _read)
