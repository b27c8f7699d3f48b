# SPDX-License-Identifier: GPL-2.0-or-later
"""More queues than files may be open: what can be seen is seen, something is left for everything else, and what is not seen is counted."""

import os
import resource
from pathlib import Path

import pytest

from nicmedic.host.timed_reader import MOST_DESCRIPTORS
from nicmedic.host.watching import samples
from nicmedic.host.watching.samples import CardReader, NetDev

QUEUES = 200
ROOM = 100


def count_open() -> int:
    """Descriptors of this process."""
    return len(list(Path("/proc/self/fd").iterdir()))


def test_more_queues_than_files_may_be_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of virtual interfaces the kernel shows no bytes in flight since Linux 6.9, so these are files."""
    for card in ("q0", "q1"):
        for number in range(QUEUES):
            queue = tmp_path / card / f"queues/tx-{number}"
            (queue / "byte_queue_limits").mkdir(parents=True)
            (queue / "byte_queue_limits/inflight").write_text("42\n")
            (queue / "tx_timeout").write_text("7\n")
        (tmp_path / card / "flags").write_text("0x1003\n")
        (tmp_path / card / "operstate").write_text("up\n")
    monkeypatch.setattr(samples, "NET", str(tmp_path).lstrip("/"))
    free = os.open(os.devnull, os.O_RDONLY)
    os.close(free)
    monkeypatch.setattr(samples, "MOST_DESCRIPTORS", free + ROOM + samples._RESERVE)
    before = count_open()
    net_dev = NetDev()
    first, second = CardReader("q0", net_dev), CardReader("q1", net_dev)
    assert 0 < QUEUES - first.unread <= ROOM
    assert second.unread == QUEUES
    for reader in (first, second):
        sample = reader.read(None)
        assert len(sample.queues) == QUEUES
        assert [queue.inflight for queue in sample.queues].count(None) == reader.unread
        assert {queue.tx_timeout for queue in sample.queues} == {7}
    assert count_open() <= before + ROOM + 8
    for reader in (first, second):
        reader.close()
    net_dev.close()
    assert count_open() == before


def test_where_few_files_may_be_open_a_reserve_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _what: (1024, 4096))
    assert samples._find_bound() == 1024 - samples._RESERVE
    monkeypatch.setattr(resource, "getrlimit", lambda _what: (1 << 20, 1 << 20))
    assert samples._find_bound() == MOST_DESCRIPTORS - samples._RESERVE
