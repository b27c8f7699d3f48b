# SPDX-License-Identifier: GPL-2.0-or-later
"""Blocks are the stream, whole and in order."""

import io

import pytest

from nicmedic.host.blocks import read_blocks


@pytest.mark.parametrize("size", [1, 7, 100, 1 << 20])
def test_blocks_together_are_the_stream(size: int) -> None:
    data = bytes(range(256)) * 3
    blocks = list(read_blocks(io.BytesIO(data), size))
    assert b"".join(blocks) == data
    assert all(0 < len(block) <= size for block in blocks)


def test_an_empty_stream_has_no_blocks() -> None:
    assert list(read_blocks(io.BytesIO(b""))) == []
