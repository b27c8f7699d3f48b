# SPDX-License-Identifier: GPL-2.0-or-later
"""One contract for logs in memory and on the machine, so that the fake cannot lie; and what the job does when a read fails."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from nicmedic.app.explain import Request, explain
from nicmedic.host.logs import HostLogs
from nicmedic.model.errors import NicmedicError, UnreadableInputError
from nicmedic.ports.logs import LogSource, LogStream
from nicmedic.testing.answers import shipped_knowledge
from nicmedic.testing.logs import FakeLogs
from nicmedic.testing.samples import SAMPLES

Maker = Callable[[Mapping[str, bytes]], tuple[LogSource, Callable[[str], str]]]
"""Makes a source of logs, and tells by which name each is opened."""
LONG = SAMPLES["debian-12-r8169"] * 50


@pytest.fixture(params=["fake", "real"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Maker:
    """Both sides of the contract."""

    def real(logs: Mapping[str, bytes]) -> tuple[LogSource, Callable[[str], str]]:
        for name, data in logs.items():
            (tmp_path / name).write_bytes(data)
        return HostLogs(), lambda name: str(tmp_path / name)

    return real if request.param == "real" else lambda logs: (FakeLogs(logs, block_size=1000), lambda name: name)


def content(stream: LogStream | NicmedicError) -> bytes:
    """All bytes of a stream, which must come in blocks that are not empty."""
    assert isinstance(stream, LogStream), stream
    blocks = list(stream.blocks)
    assert all(blocks)
    return b"".join(blocks)


def test_a_log_is_given_whole_under_the_name_it_was_asked_by(make: Maker) -> None:
    source, name = make({"kern.log": LONG})
    given = [(item.name, item.optional, content(item)) for item in source.open_logs([name("kern.log")]) if isinstance(item, LogStream)]
    assert given == [(name("kern.log"), False, LONG)]


def test_a_log_is_to_be_read_before_the_next_is_asked_for(make: Maker) -> None:
    source, name = make({"a": LONG, "b": LONG})
    first, _ = source.open_logs([name("a"), name("b")])
    with pytest.raises(ValueError, match="closed file"):
        content(first)


def test_logs_come_in_the_order_asked_for(make: Maker) -> None:
    source, name = make({"b": b"second\n", "a": b"first\n"})
    assert [content(stream) for stream in source.open_logs([name("a"), name("b")])] == [b"first\n", b"second\n"]


def test_a_missing_log_is_an_error_in_its_place_and_the_others_still_come(make: Maker) -> None:
    source, name = make({"a": b"first\n", "c": b"third\n"})
    seen = [content(item) if isinstance(item, LogStream) else item for item in source.open_logs(map(name, ("a", "b", "c")))]
    assert seen[0] == b"first\n"
    assert isinstance(seen[1], UnreadableInputError)
    assert name("b") in seen[1].message
    assert seen[1].hint
    assert seen[2] == b"third\n"


def test_an_empty_log_is_a_stream_without_a_block(make: Maker) -> None:
    source, name = make({"empty": b""})
    assert [content(stream) for stream in source.open_logs([name("empty")])] == [b""]


def test_nothing_asked_for_is_nothing_given(make: Maker) -> None:
    source, _ = make({})
    assert list(source.open_logs([])) == []


@pytest.mark.parametrize("error", [None, OSError(5, "Input/output error")])
def test_whichever_read_fails_the_rest_is_explained_and_the_failure_is_told(error: Exception | None) -> None:
    logs = {"a.log": SAMPLES["debian-12-r8169"], "b.log": SAMPLES["proxmox-e1000e"]}
    request = Request(names=tuple(logs), fast=False)
    whole = FakeLogs(logs, block_size=100)
    explain(whole, shipped_knowledge(), request)
    assert whole.reads > 4
    for number in range(whole.reads):
        answer = explain(FakeLogs(logs, block_size=100, fail_at=number, error=error), shipped_knowledge(), request)
        told = [problem for problem in answer.errors if isinstance(problem, UnreadableInputError)]
        assert len(told) == 1, number
        assert answer.findings, number  # the other log is still there


def test_the_machines_own_log_is_read_when_no_log_is_named() -> None:
    answer = explain(FakeLogs({}, own=SAMPLES["unknown-driver"]), shipped_knowledge(), Request(fast=False))
    assert [source.name for source in answer.sources] == ["journal of this machine"]
    assert answer.findings


def test_a_user_without_the_right_is_told_so() -> None:
    answer = explain(FakeLogs({}), shipped_knowledge(), Request(fast=False))
    assert [error.slug for error in answer.errors] == ["no-kernel-log-access"]
    assert answer.findings == ()
