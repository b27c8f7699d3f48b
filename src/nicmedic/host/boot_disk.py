# SPDX-License-Identifier: GPL-2.0-or-later
"""What GRUB will find on the disk: it reads file systems without their journals, so a sync alone does not show it what was written.

ext4 writes its journal to where things belong when asked to (``EXT4_IOC_CHECKPOINT``, commit 351a0a3fbc35 "ext4: add ioctl EXT4_IOC_CHECKPOINT",
Linux 5.14). XFS cannot be asked, short of freezing it, which nicmedic never does: it has done so after some seconds without writes, or when it is
unmounted.
"""

import contextlib
import errno
import fcntl
import os
import struct

__all__ = ["can_checkpoint", "settle_folder", "write_over"]

_CHECKPOINT = 0x4004662B
"""``_IOW('f', 43, __u32)`` (fs/ext4/ext4.h; include/uapi/linux/ext4.h)."""
_DRY_RUN = 4
_NO_JOURNAL = errno.ENODEV


def _ask_checkpoint(folder: str, flags: int) -> int:
    """Error number of the call; 0: done."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.ioctl(handle, _CHECKPOINT, struct.pack("I", flags))
    except OSError as error:
        return error.errno or errno.EIO
    finally:
        os.close(handle)
    return 0


def can_checkpoint(folder: str) -> bool:
    """Whether what is written in this folder can be brought to where GRUB reads it; a file system without a journal needs nothing."""
    try:
        return _ask_checkpoint(folder, _DRY_RUN) in {0, _NO_JOURNAL}
    except OSError:
        return False


def settle_folder(folder: str) -> None:
    """What was written in this folder is on disk, and, where that can be asked for, where GRUB reads it.

    Raises:
        OSError: it cannot be synced.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    with contextlib.suppress(OSError):  # it is synced; told by can_checkpoint() before
        _ask_checkpoint(folder, 0)


def write_over(path: str, data: bytes) -> None:
    """Write a file over itself, as long as it is: its blocks stay where they are on disk.

    Raises:
        OSError: it cannot be written, or has another length.
    """
    handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if os.fstat(handle).st_size != len(data):
            raise OSError(None, f"it is not {len(data)} bytes long")
        done = 0
        while done < len(data):
            done += os.pwrite(handle, data[done:], done)
        os.fsync(handle)
        if os.pread(handle, len(data) + 1, 0) != data:
            raise OSError(None, "somebody else wrote it this moment")
    finally:
        os.close(handle)
