# SPDX-License-Identifier: GPL-2.0-or-later
"""One event that several logs tell is one; events of different boots and hosts are never one, however alike."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pytest

from nicmedic.app.explain import Request, explain
from nicmedic.host.knowledge import read_knowledge
from nicmedic.model.errors import NicmedicError
from nicmedic.model.explanation import Explanation
from nicmedic.ports.logs import LogStream

KNOWLEDGE = read_knowledge()
HANG = "NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out"
BANNER = "Linux version 6.1.0-13-amd64 (x@y) #1 SMP Debian 6.1.55-1 (2023-09-29)"


@dataclass(frozen=True)
class Logs:
    texts: tuple[str, ...]

    def open_logs(self, names: Iterable[str]) -> Iterator[LogStream | NicmedicError]:
        for name, text in zip(names, self.texts, strict=True):
            yield LogStream(name=name, blocks=iter([text.encode()]))

    def open_own_log(self, since: str | None) -> Iterator[LogStream | NicmedicError]:
        raise AssertionError(since)

    def open_boot_log(self) -> Iterator[LogStream | NicmedicError]:
        raise AssertionError


def tell(*texts: str) -> Explanation:
    names = tuple(f"log{number}" for number in range(len(texts)))
    return explain(Logs(texts), KNOWLEDGE, Request(names=names, fast=False))


def copies(explanation: Explanation) -> list[int | None]:
    return [event.same_as for event in explanation.events]


def dmesg(uptime_s: float = 551.326415) -> str:
    return f"[{uptime_s - 1:12.6f}] loop: module loaded\n[{uptime_s:12.6f}] {HANG}\n"


def syslog(when: str = "Apr  1 12:00:00", host: str = "nas1", uptime_s: float = 551.326415) -> str:
    return f"{when} {host} kernel: [{uptime_s:12.6f}] {HANG}\n"


def journal(boot: str, realtime_s: int = 1_743_501_600, uptime_s: float = 551.326415, host: str = "nas1") -> str:
    monotonic = round(uptime_s * 1e6)
    return (
        f'{{"__REALTIME_TIMESTAMP":"{realtime_s * 1_000_000}","__MONOTONIC_TIMESTAMP":"{monotonic}","_SOURCE_MONOTONIC_TIMESTAMP":"{monotonic}",'
        f'"_BOOT_ID":"{boot * 32}","_HOSTNAME":"{host}","_TRANSPORT":"kernel","MESSAGE":"{HANG}"}}\n'
    )


def test_dmesg_syslog_and_journal_of_one_boot_tell_one_event_of_one_boot() -> None:
    explanation = tell(dmesg(), syslog(), journal("a"))
    assert copies(explanation) == [None, 0, 0]
    (boot,) = explanation.boots
    assert (boot.host, boot.boot_id) == ("nas1", "a" * 32)
    assert [event.boot for event in explanation.events] == [0, 0, 0]
    assert len(explanation.hangs) == 1


def test_a_dmesg_that_was_appended_twice_tells_its_event_once() -> None:
    assert copies(tell(dmesg() + dmesg())) == [None, 0]


def test_other_stamps_are_other_events() -> None:
    assert copies(tell(dmesg(551.326415), dmesg(551.328415))) == [None, None]


def test_the_same_stamp_in_two_boots_by_id_is_two_events() -> None:
    explanation = tell(journal("a") + journal("b", 1_743_501_600 + 86_400))
    assert copies(explanation) == [None, None]
    assert [event.boot for event in explanation.events] == [0, 1]


def test_the_same_stamp_ten_minutes_later_in_one_file_is_another_boot() -> None:
    """A loop of hangs and reboots: the host hangs as fast each time."""
    explanation = tell(syslog("Apr  1 12:00:00") + f"Apr  1 12:01:00 nas1 kernel: [    0.000000] {BANNER}\n" + syslog("Apr  1 12:10:00"))
    assert copies(explanation) == [None, None]
    assert len(explanation.boots) == 2


def test_a_link_that_comes_up_at_the_same_moment_of_many_boots_joins_none() -> None:
    up = "r8169 0000:02:00.0 eth0: Link is Up - 1Gbps/Full - flow control rx/tx"
    text = "".join(
        f"Apr {day:2d} 12:00:00 nas1 kernel: [    0.000000] {BANNER}\nApr {day:2d} 12:00:05 nas1 kernel: [    5.123000] {up}\n"
        for day in range(1, 29)
    )
    explanation = tell(text)
    assert len(explanation.boots) == 28
    assert set(copies(explanation)) == {None}


@pytest.mark.parametrize(("second", "same"), [("nas2", None), ("nas1.example.org", 0), ("192.168.1.5", 0), ("NAS1", 0)])
def test_hosts_with_different_names_share_no_event(second: str, same: int | None) -> None:
    """A netconsole receiver may know a host by its address only."""
    assert copies(tell(syslog(host="nas1"), syslog(host=second))) == [None, same]


@pytest.mark.parametrize(
    ("when", "same"), [("Apr  1 10:00:00", 0), ("Apr  1 12:00:01", 0), ("Apr  1 11:07:00", None), ("Apr  5 12:00:00", None)]
)
def test_two_files_may_be_in_different_zones_but_not_on_different_days(when: str, same: int | None) -> None:
    assert copies(tell(syslog("Apr  1 12:00:00"), syslog(when))) == [None, same]


def test_new_year_lies_between_two_lines_of_one_moment() -> None:
    assert copies(tell(syslog("Dec 31 23:59:59"), syslog("Jan  1 00:00:00"))) == [None, 0]
