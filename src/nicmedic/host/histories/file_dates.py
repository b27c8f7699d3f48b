# SPDX-License-Identifier: GPL-2.0-or-later
"""What dpkg has installed now, and since when by the dates of its lists: a weak witness for kernels whose log is gone.

``/var/lib/dpkg/info/PACKAGE.list`` is written when the package is unpacked; the versions stand in ``/var/lib/dpkg/status``.
"""

import datetime
import os
import re
from collections.abc import Iterator, Sequence

from nicmedic.evidence.history.changes import FILE_DATES, is_kernel_or_xen
from nicmedic.evidence.history.sighting import render_moment
from nicmedic.host.histories.places import Found, Place
from nicmedic.host.histories.reader import LARGEST, Reader
from nicmedic.host.raw_files import read_expanded
from nicmedic.model.history import PackageChange
from nicmedic.ports.histories import HistoryItem

__all__ = ["READER", "parse_status"]

_FIELD = re.compile(r"(?P<key>Package|Status|Version|Architecture): (?P<value>.*)\Z")


def parse_status(text: str) -> Iterator[tuple[str, str, str]]:
    """Name, version and architecture of the kernels that are installed."""
    for paragraph in text.split("\n\n"):
        if not paragraph.startswith("Package: "):
            continue
        fields = {match["key"]: match["value"].strip() for line in paragraph.splitlines() if (match := _FIELD.match(line))}
        if fields.get("Status", "").endswith(" installed") and is_kernel_or_xen(fields["Package"]) and "Version" in fields:
            yield fields["Package"], fields["Version"], fields.get("Architecture", "")


def _read(place: Place, _files: Sequence[Found], _zone: datetime.tzinfo | None) -> Iterator[HistoryItem]:
    if place.root is None:
        return
    folder = f"{place.root}/var/lib/dpkg"
    try:
        text = read_expanded(f"{folder}/status", LARGEST).decode("utf-8", "replace")
    except OSError:
        return  # no Debian, or no copy of it
    for package, version, architecture in parse_status(text):
        for name in (package, f"{package}:{architecture}"):
            try:
                written = os.stat(f"{folder}/info/{name}.list").st_mtime  # noqa: PTH116  # as places.py
            except (OSError, ValueError):
                continue
            time = render_moment(written)
            if time is not None:
                yield PackageChange(time=time, package=package, after=version, source=FILE_DATES)
            break


READER = Reader("file dates", None, _read, looks=True)
