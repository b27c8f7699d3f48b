# SPDX-License-Identifier: GPL-2.0-or-later
"""Read the kernel's ring buffer as it is now, without waiting for more (Documentation/ABI/testing/dev-kmsg, since Linux 3.5)."""

import errno
import os

__all__ = ["read_kmsg"]

_RECORD = 8192
"""One read gives one record; a shorter buffer makes the kernel answer EINVAL."""
_LARGEST = 64 << 20


def read_kmsg(path: str = "/dev/kmsg") -> bytes:
    """All records that the ring buffer holds, one a line with its dictionary below it.

    Raises:
        OSError: it cannot be opened or read; PermissionError for a user without the right.
    """
    pieces: list[bytes] = []
    size = 0
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        while size < _LARGEST:
            try:
                record = os.read(handle, _RECORD)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno == errno.EPIPE:
                    continue  # records were overwritten while they were read; go on with the oldest that is left
                raise
            if not record:
                break
            pieces.append(record)
            size += len(record)
    finally:
        os.close(handle)
    return b"".join(pieces)
