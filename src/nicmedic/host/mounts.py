# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether what is written into a folder is there after a boot, by what is mounted there (proc(5), ``/proc/self/mountinfo``).

A real line: ``98 29 0:44 / /etc rw - overlay overlay rw,lowerdir=/etc,upperdir=/run/upper,workdir=/run/work``.
"""

import os
import re
from collections.abc import Iterator, Sequence

from nicmedic.host.timed_reader import read_bounded

__all__ = ["find_fleeting"]

_FLEETING = frozenset({"tmpfs", "ramfs", "rootfs"})
_LARGEST = 1 << 20
_DEEPEST = 4
"""An overlay may lie over another."""
_UPPER = re.compile(r"(?:\A|,)upperdir=((?:\\,|[^,])*)")
_ESCAPED = re.compile(r"\\([0-7]{3})")


def _unescape(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), text).replace("\\,", ",")


def _list_mounts(lines: Sequence[str], folder: str, root: str) -> Iterator[tuple[str, str]]:
    """Kind and options of what has the folder, if it is mounted below the root."""
    device = os.stat(folder).st_dev  # noqa: PTH116  # strings throughout
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in lines:
        head, _, tail = line.partition(" - ")
        there, of_system = head.split(" "), tail.split(" ")
        if len(there) > 4 and len(of_system) > 2 and there[2] == number and (not root or _unescape(there[4]).startswith(f"{root}/")):
            yield of_system[0], of_system[2]


def find_fleeting(folder: str, root: str = "") -> str | None:
    """What empties the folder at a boot, as ``tmpfs``; None: nothing that is known.

    Args:
        folder: that is there; its name as this process sees it.
        root: what stands for the root of a host; what is mounted there or above is not the host's. Empty: of this machine.

    Raises:
        OSError: it cannot be looked at.
    """
    lines = read_bounded("/proc/self/mountinfo", _LARGEST).decode("utf-8", "surrogateescape").splitlines()
    for _ in range(_DEEPEST):
        upper = None
        for kind, options in _list_mounts(lines, folder, root and os.path.realpath(root)):
            if kind in _FLEETING:
                return kind
            if kind == "overlay" and (found := _UPPER.search(options)):
                upper = _unescape(found[1])
        if upper is None or not os.path.isdir(upper):  # noqa: PTH112  # strings throughout; it may have been mounted by an initramfs
            return None
        folder, root = upper, ""
    return None
