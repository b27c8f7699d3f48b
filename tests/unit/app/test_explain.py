# SPDX-License-Identifier: GPL-2.0-or-later
"""The main job on logs in memory: whose words count, what is one hang, and what stays bounded."""

import datetime
from collections.abc import Mapping

import pytest

from nicmedic.app.explain import Request, explain
from nicmedic.host.knowledge import read_knowledge
from nicmedic.model.event import EventKind
from nicmedic.model.explanation import Explanation
from nicmedic.testing.logs import FakeLogs

WATCHDOG = "NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out"
KNOWLEDGE = read_knowledge()


def explain_texts(logs: Mapping[str, str], **request: object) -> Explanation:
    """Explain some logs, in their order."""
    source = FakeLogs({name: text.encode() for name, text in logs.items()})
    return explain(source, KNOWLEDGE, Request(names=tuple(logs), **request))  # type: ignore[arg-type]  # the request's own fields


@pytest.mark.parametrize(
    "line",
    [
        f"Apr  1 12:00:00 nas1 myapp[12]: received [  551.326415] {WATCHDOG}",
        f"Apr  1 12:00:00 nas1 myapp[12]: hi\rApr  1 12:00:01 nas1 kernel: {WATCHDOG}",
        f"<30>1 2025-04-01T12:00:00Z nas1 myapp 12 - - got [  551.326415] {WATCHDOG}",
        f"[  551.326415] systemd[1]: {WATCHDOG}",
        f"Apr  1 12:00:00 nas1 audit[7]: msg='{WATCHDOG}'",
    ],
)
def test_what_a_process_wrote_is_no_event_wherever_it_looks_like_the_kernel(line: str) -> None:
    answer = explain_texts({"log": f"Apr  1 12:00:00 nas1 kernel: [    1.000000] usb 1-1: new device\n{line}\n"})
    assert [event.text for event in answer.events] == []


def test_a_process_cannot_name_the_kernel() -> None:
    banner = "sshd[12]: x [    0.000000] Linux version 6.6.6-evil (x) #1 Debian 6.6.6-1"
    answer = explain_texts({"log": f"Apr  1 12:00:00 nas1 kernel: {WATCHDOG}\nApr  1 12:00:01 nas1 {banner}\n"})
    assert [boot.kernel_release for boot in answer.boots] == [None]


def test_one_hang_in_three_files_without_kernel_stamps_is_one_hang_of_one_boot() -> None:
    text = f"Apr  1 12:00:07 nas1 kernel: {WATCHDOG}\nApr  1 12:00:08 nas1 kernel: r8169 0000:02:00.0 eth0: rtl_rxtx_empty_cond == 0\n"
    answer = explain_texts({"kern.log": text, "syslog": text, "messages": text})
    assert len(answer.boots) == 1
    assert len(answer.hangs) == 1
    assert sum(event.same_as is None for event in answer.events if event.kind is EventKind.TX_TIMEOUT) == 1


def test_boots_of_two_kernels_are_two_though_the_link_came_up_at_the_same_microsecond() -> None:
    def log(release: str, hang_s: float) -> str:
        lines = (f"[    0.000000] Linux version {release} (x) #1", "[    5.000000] r8169 0000:02:00.0 eth0: Link is Up - 1Gbps/Full")
        return "\n".join((*lines, f"[  {hang_s}] {WATCHDOG}", ""))

    answer = explain_texts({"one": log("6.1.0-18-amd64", 551.000001), "two": log("6.12.9-amd64", 900.000001)})
    assert [boot.kernel_release for boot in answer.boots] == ["6.1.0-18-amd64", "6.12.9-amd64"]
    assert [hang.boot for hang in answer.hangs] == [0, 1]


def test_cards_of_two_hosts_with_one_name_are_two_cards() -> None:
    answer = explain_texts({"log": f"Apr  1 12:00:00 web1 kernel: {WATCHDOG}\nApr  1 12:30:00 db1 kernel: {WATCHDOG}\n"})
    assert {finding.host for finding in answer.findings} == {"web1", "db1"}


def test_thousands_of_interface_names_are_told_up_to_a_limit() -> None:
    lines = "".join(f"[{number:5d}.000000] NETDEV WATCHDOG: eth{number} (r8169): transmit queue 0 timed out\n" for number in range(3000))
    answer = explain_texts({"log": lines})
    assert len(answer.events) == 3000
    assert len(answer.findings) <= 4 * 64


def test_boots_are_told_apart_up_to_a_limit_and_a_note_says_so() -> None:
    turns = (f"[ 1000.{number:06d}] {WATCHDOG}\n[    1.000000] usb 1-1: new high-speed USB device number 2\n" for number in range(3000))
    answer = explain_texts({"log": "".join(turns)})
    assert len(answer.boots) == 2000
    assert any("more than 2000 boots" in note for note in answer.notes)


def test_since_leaves_out_only_what_is_older_in_every_zone() -> None:
    since = datetime.datetime(2025, 4, 1, 12, 0, tzinfo=datetime.UTC)
    lines = (
        "".join(f"2025-04-01T{hour}:00:00 nas1 kernel: {WATCHDOG}\n" for hour in ("00", "11", "13"))
        + f"2025-03-31T12:00:00 nas1 kernel: {WATCHDOG}\n"
    )
    answer = explain_texts({"log": lines}, since=since)
    assert [event.local_time for event in answer.events] == ["2025-04-01T00:00:00", "2025-04-01T11:00:00", "2025-04-01T13:00:00"]


def test_an_interface_that_no_message_names_is_told_with_those_that_are_named() -> None:
    answer = explain_texts({"log": f"[  551.326415] {WATCHDOG}\n"}, interface="eth9")
    assert answer.findings == ()
    assert any("eth9" in note and "eth0" in note for note in answer.notes)


def test_a_read_that_fails_leaves_what_came_before_and_the_other_logs() -> None:
    source = FakeLogs({"one": f"[  551.326415] {WATCHDOG}\n".encode(), "two": b"x" * 10}, fail_at=1)
    answer = explain(source, KNOWLEDGE, Request(names=("one", "two")))
    assert [event.source for event in answer.events] == ["one"]
    assert len(answer.errors) >= 1
