# SPDX-License-Identifier: GPL-2.0-or-later
"""Read a stream in blocks.

Not for lines, and not for opening or unpacking: whoever calls has the stream, of a file, a pipe or an unpacker.
"""

from collections.abc import Iterator
from typing import BinaryIO

__all__ = ["BLOCK_BYTES", "read_blocks"]

BLOCK_BYTES = 1 << 20
"""Measured from 64 KB to 4 MB: 1.3 GB of cached file take 0.07 to 0.10 s, least from 256 KB to 1 MB; fewer blocks cost threads less."""


def read_blocks(stream: BinaryIO, size: int = BLOCK_BYTES) -> Iterator[bytes]:
    """Give a stream's bytes up to its end.

    A buffer that is used again (``readinto``) was not faster: the next step needs ``bytes``, and making them copies.

    Args:
        stream: a binary stream, best without a buffer of its own (``open(path, "rb", buffering=0)``).
        size: bytes a block at most; a pipe may give less.

    Yields:
        Blocks that are not empty.
    """
    while block := stream.read(size):
        yield block
