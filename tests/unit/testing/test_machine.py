# SPDX-License-Identifier: GPL-2.0-or-later
"""The machine and the clock in memory."""

import datetime

import pytest

from nicmedic.model.counters import Counters
from nicmedic.model.host import Host
from nicmedic.ports.clock import Clock
from nicmedic.ports.machine import Machine
from nicmedic.testing.clock import FakeClock
from nicmedic.testing.machine import FakeMachine


def test_each_look_sees_the_next_counters_and_the_last_ones_stay() -> None:
    looks = [[Counters(interface="eth0", monotonic_s=1.0, tx_packets=1)], [Counters(interface="eth0", monotonic_s=2.0, tx_packets=2)]]
    fake = FakeMachine(Host(hostname="srv4"), looks)
    machine: Machine = fake
    assert machine.read_host().hostname == "srv4"
    assert [machine.read_counters(["eth0"])[0].tx_packets for _ in range(3)] == [1, 2, 2]
    assert machine.read_counters(["eth9"])[0].ifindex is None
    assert FakeMachine(Host()).read_counters(["eth0"])[0].tx_packets is None
    assert fake.calls == ["read_host", *["read_counters"] * 4]


def test_the_call_that_was_named_fails() -> None:
    machine = FakeMachine(Host(), fail_at=1)
    machine.read_host()
    with pytest.raises(OSError, match="failed as asked"):
        machine.read_counters(["eth0"])
    with pytest.raises(ZeroDivisionError):
        FakeMachine(Host(), fail_at=0, error=ZeroDivisionError()).read_host()


def test_waiting_moves_the_clock_and_takes_no_time() -> None:
    fake = FakeClock()
    clock: Clock = fake
    before, mono = clock.read_now(), clock.read_monotonic_s()
    clock.wait_s(90.0)
    assert clock.read_now() - before == datetime.timedelta(seconds=90)
    assert clock.read_monotonic_s() - mono == pytest.approx(90)
    assert fake.waits == [90.0]
