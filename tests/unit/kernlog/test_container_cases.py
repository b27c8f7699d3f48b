# SPDX-License-Identifier: GPL-2.0-or-later
"""Every container and every damage, as data: ``tests/cases/containers/<case>/`` holds ``input.*`` and ``expected.json``.

A new case needs no Python. In ``expected.json``: ``container`` (or a list of them, the most frequent first), ``boots``, ``events``; a field that is
not there is null (``count`` 1, ``boot`` 0, the kind must be told). ``error`` is the slug of the complaint about a source that gives nothing.
``written`` is the day of the file, where a year depends on it. ``about`` is for people.
The same inputs also go through every compression and encoding, and must tell the same.
"""

import bz2
import gzip
import json
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest
import zstandard

from nicmedic.app.explain import Request, explain
from nicmedic.host.knowledge import read_knowledge
from nicmedic.host.logs import HostLogs
from nicmedic.kernlog.decode import find_encoding
from nicmedic.model.errors import NicmedicError
from nicmedic.model.event import Event
from nicmedic.model.explanation import Explanation
from nicmedic.ports.logs import LogStream

CASES = sorted((Path(__file__).parents[2] / "cases" / "containers").iterdir())
EVENT_FIELDS = ("kind", "line", "interface", "driver", "bus", "queue", "stall_ms", "uptime_s", "time", "local_time", "same_as")
BOOT_FIELDS = ("started", "host", "boot_id", "kernel_release", "kernel_package", "distro", "virtualization")
KNOWLEDGE = read_knowledge()


def name(case: Path) -> str:
    """The test's id."""
    return case.name


@dataclass(frozen=True)
class OneLog:
    """A log that stands in memory."""

    data: bytes
    written: tuple[int, int, int] | None

    def open_logs(self, names: Iterable[str]) -> Iterator[LogStream | NicmedicError]:
        for each in names:
            yield LogStream(name=each, blocks=iter([self.data]), written=self.written)

    def open_own_log(self, since: str | None) -> Iterator[LogStream | NicmedicError]:
        raise AssertionError(since)

    def open_boot_log(self) -> Iterator[LogStream | NicmedicError]:
        raise AssertionError


def read_input(case: Path) -> tuple[str, bytes]:
    (path,) = case.glob("input.*")
    return path.name, path.read_bytes()


def read_expected(case: Path) -> Mapping[str, object]:
    expected: Mapping[str, object] = json.loads((case / "expected.json").read_text(encoding="utf-8"))
    unknown = set(expected) - {"about", "written", "error", "container", "boots", "events"}
    assert not unknown, f"{case.name}/expected.json: what does {unknown} mean?"
    return expected


def describe_event(event: Event) -> dict[str, object]:
    described = {field: getattr(event, field) for field in EVENT_FIELDS} | {"boot": event.boot, "count": 1 + event.repeated}
    return {field: value for field, value in described.items() if value is not None}


def describe(explanation: Explanation) -> dict[str, object]:
    """What a reading gave, in the words of ``expected.json``."""
    boots = [{field: value for field in BOOT_FIELDS if (value := getattr(boot, field)) is not None} for boot in explanation.boots]
    return {
        "containers": [list(source.containers) for source in explanation.sources],
        "errors": [error.slug for error in explanation.errors],
        "boots": boots,
        "events": [describe_event(event) for event in explanation.events],
    }


def describe_expected(expected: Mapping[str, object]) -> dict[str, object]:
    """The same, with what goes without saying put in."""
    events = expected["events"]
    assert isinstance(events, list)
    return {
        "errors": [expected["error"]] if "error" in expected else [],
        "boots": expected["boots"],
        "events": [{"boot": 0, "count": 1} | event for event in events],
    }


def explain_bytes(data: bytes, expected: Mapping[str, object]) -> Explanation:
    written = expected.get("written")
    day = (int(written[0]), int(written[1]), int(written[2])) if isinstance(written, list) else None
    return explain(OneLog(data, day), KNOWLEDGE, Request(names=("log",), fast=False))


@pytest.mark.parametrize("case", CASES, ids=name)
def test_a_container_gives_back_what_it_holds_and_nothing_more(case: Path) -> None:
    expected = read_expected(case)
    found = describe(explain_bytes(read_input(case)[1], expected))
    containers = found.pop("containers")
    assert found == describe_expected(expected)
    container = expected["container"]
    assert isinstance(containers, list)
    if "error" in expected:
        assert containers == []
    elif isinstance(container, list):
        assert set(containers[0]) == set(container)
    else:
        assert containers[0][0] == container


def to_tar(data: bytes) -> bytes:
    target = BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        member = tarfile.TarInfo("sosreport-nas1/var/log/kern.log")
        member.size, member.mtime = len(data), 1_743_588_000
        archive.addfile(member, BytesIO(data))
    return target.getvalue()


def to_zip(data: bytes) -> bytes:
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("diagnostics/logs/syslog.txt", data)
    return target.getvalue()


def to_xz(data: bytes) -> bytes:
    return lzma.compress(data, preset=0)  # the others ask for 90 MB


def to_bzip2(data: bytes) -> bytes:
    return bz2.compress(data, 1)


def in_two(compress: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Two compressed files after each other, as ``cat a.gz b.gz`` makes them."""
    return lambda data: compress(data[: len(data) // 2]) + compress(data[len(data) // 2 :])


PACKINGS: Mapping[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "gzip-members": in_two(gzip.compress),
    "xz": to_xz,
    "xz-members": in_two(to_xz),
    "xz-without-check": lambda data: lzma.compress(data, check=lzma.CHECK_NONE, preset=0),
    "bzip2": to_bzip2,
    "bzip2-members": in_two(to_bzip2),
    "zstd": lambda data: zstandard.ZstdCompressor().compress(data),
    "zstd-members": in_two(lambda data: zstandard.ZstdCompressor().compress(data)),
    "zstd-no-size": lambda data: zstandard.ZstdCompressor(write_content_size=False, write_checksum=True).compress(data),
    "gzip-twice": lambda data: gzip.compress(gzip.compress(data)),
    "tar": to_tar,
    "tar-gzip": lambda data: gzip.compress(to_tar(data)),
    "tar-xz": lambda data: to_xz(to_tar(data)),
    "tar-with-a-gzip-inside": lambda data: to_tar(gzip.compress(data)),
    "zip": to_zip,
}


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_packed_log_tells_what_the_plain_one_tells(packing: str, tmp_path: Path) -> None:
    """Every case goes through two packings, every packing gets 20 and more."""
    for case in CASES[list(PACKINGS).index(packing) % 8 :: 8]:
        expected = read_expected(case)
        if "error" in expected and ("tar" in packing or packing == "zip"):
            continue  # nobody named the file inside the archive, so nobody hears of it
        path = tmp_path / case.name  # a name that tells nothing of what is in the file
        path.write_bytes(PACKINGS[packing](read_input(case)[1]))
        found = describe(explain(HostLogs(), KNOWLEDGE, Request(names=(str(path),), fast=False)))
        del found["containers"]
        assert found == describe_expected(expected), case.name


def is_plain_text(data: bytes) -> bool:
    if find_encoding(data) != ("utf-8", 0) or b"MESSAGE\n" in data:
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


ENCODINGS: Mapping[str, Callable[[str], bytes]] = {
    "utf-8-with-mark": lambda text: text.encode("utf-8-sig"),
    "utf-16-le": lambda text: b"\xff\xfe" + text.encode("utf-16-le"),
    "utf-16-be": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "crlf": lambda text: text.replace("\r\n", "\n").replace("\n", "\r\n").encode(),
    "no-line-feed-at-the-end": lambda text: text.rstrip("\n").encode(),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_encoding_of_a_log_tells_what_the_plain_one_tells(encoding: str) -> None:
    tried = 0
    for case in CASES:
        data = read_input(case)[1]
        if not is_plain_text(data):
            continue
        tried += 1
        expected = read_expected(case)
        found = describe(explain_bytes(ENCODINGS[encoding](data.decode()), expected))
        del found["containers"]
        assert found == describe_expected(expected), case.name
    assert tried > len(CASES) // 2
