# SPDX-License-Identifier: GPL-2.0-or-later
"""Each key of a clause holds when docs/knowledge.md says so, and never when the log does not tell."""

from typing import Any

import pytest

from nicmedic.diagnosis.evidence import BootView, NicCase
from nicmedic.diagnosis.weigh import holds, weigh_cause
from nicmedic.kernlog.events import Fact
from nicmedic.knowledge.values import Cause, Clause
from nicmedic.model.boot import Boot
from nicmedic.model.event import Duplex, Event, EventKind
from nicmedic.model.finding import Blame, Hang


def event(signal: str = "core/watchdog", **changes: object) -> Event:
    """A time-out of eth0, 500 s after boot, unless told otherwise."""
    values: dict[str, Any] = {
        "kind": EventKind.TX_TIMEOUT, "signal": signal, "hang": True, "interface": "eth0", "driver": "r8169", "bus": None, "queue": 0,
        "stall_ms": None, "uptime_s": 500.0, "time": None, "local_time": None, "boot": 0, "source": "x", "line": 10, "text": "…",
    }  # fmt: skip
    return Event(**{**values, **changes})


def fact(signal: str, **values: str) -> Fact:
    """A fact of eth0's driver."""
    return Fact(signal=signal, boot=0, driver="r8169", interface="eth0", bus=None, values=tuple(values.items()), line=5, uptime_s=2.0)


def boot(**changes: object) -> Boot:
    """A Debian 12 boot on bare metal."""
    values: dict[str, Any] = {
        "index": 0, "host": None, "kernel_release": "6.1.0-18-amd64", "kernel_package": "6.1.76-1", "distro": None, "virtualization": None,
        "hardware": None, "boot_id": None, "first_time": None, "last_time": None, "first_uptime_s": 0.0, "last_uptime_s": 600.0, "started": "first",
    }  # fmt: skip
    return Boot(**{**values, **changes})


def hang(number: int = 0) -> Hang:
    """A hang of eth0."""
    return Hang(
        interface="eth0", driver="r8169", boot=0, events=(number,), began_uptime_s=None, stall_ms=None, queues=(0,), messages=1, warn_once=False
    )  # fmt: skip


def view(**changes: object) -> BootView:
    """One boot with one time-out and nothing else."""
    trouble = event()
    values: dict[str, Any] = {"boot": boot(), "events": [trouble], "facts": [], "hangs": [hang()], "troubles": [trouble]}
    return BootView(**{**values, **changes})


CASE = NicCase(host=None, driver="r8169", interface="eth0", bus=None, views=[], hangs=[])
LINK_UP = event("core/link-up", kind=EventKind.LINK_UP, hang=False, uptime_s=490.0, line=8, duplex=Duplex.HALF, speed_mbps=100)
STALL = event("platform/rcu-stall", kind=EventKind.CPU_STALL, driver=None, interface=None, uptime_s=480.0, line=7)
OTHER_NIC = event(interface="eth1", driver="igb")

# key, its value, a view in which it holds, a view in which it does not
KEYS: list[tuple[Clause, BootView, BootView]] = [
    (Clause(signal=("platform/rcu-stall",)), view(events=[STALL, event()]), view()),
    (Clause(no_signal=("platform/rcu-stall",)), view(), view(events=[STALL, event()])),
    (Clause(kernel=">=6.1,<6.2"), view(), view(boot=boot(kernel_package="6.4.1", kernel_release="6.4.1"))),
    (Clause(release=r"-rc\d"), view(boot=boot(kernel_release="6.2.0-rc3+")), view()),
    (Clause(chip="8168H"), view(facts=[fact("r8169/chip", chip="RTL8168h/8111h")]), view(facts=[fact("r8169/chip", chip="RTL8125B")])),
    (Clause(virtualization=("xen-dom0",)), view(boot=boot(virtualization="xen-dom0")), view()),
    (Clause(hardware="poweredge"), view(boot=boot(hardware="Dell PowerEdge R510")), view()),
    (Clause(uptime_max_s=600.0), view(), view(troubles=[event(uptime_s=601.0)])),
    (Clause(after_link_up_max_s=15.0), view(last_link=LINK_UP), view()),
    (Clause(stall_ms_min=5000), view(troubles=[event(stall_ms=5000)]), view(troubles=[event(stall_ms=4999)])),
    (Clause(stall_ms_max=5000), view(troubles=[event(stall_ms=5000)]), view(troubles=[event(stall_ms=5001)])),
    (Clause(hangs_min=2), view(hangs=[hang(0), hang(1)]), view()),
    (Clause(drivers_min=2), view(together=[OTHER_NIC]), view()),
    (Clause(interfaces_min=2), view(together=[event(interface="eth1")]), view(together=[OTHER_NIC])),
    (Clause(duplex="half"), view(last_link=LINK_UP), view()),
    (Clause(speed_max_mbps=100), view(last_link=LINK_UP), view(last_link=event(speed_mbps=1000))),
    (Clause(dump="all_ones"), view(troubles=[event(dump=frozenset({"all_ones"}))]), view()),
    (Clause(process="swapper"), view(troubles=[event(process="swapper/0")]), view(troubles=[event(process="kworker/1:2")])),
    (Clause(kind="cpu_stall"), view(events=[STALL, event()]), view()),
]


def key_of(clause: Clause) -> str:
    """The one key that a clause has."""
    (key,) = (name for name in Clause.__dataclass_fields__ if name not in {"weight", "because"} and getattr(clause, name) is not None)
    return key


@pytest.mark.parametrize(("clause", "yes", "no"), KEYS, ids=[key_of(clause) for clause, *_ in KEYS])
def test_a_condition_holds_where_it_is_shown_and_nowhere_else(clause: Clause, yes: BootView, no: BootView) -> None:
    assert holds(clause, "r8169", yes, CASE)[0]
    assert not holds(clause, "r8169", no, CASE)[0]


def test_every_condition_has_a_case_here() -> None:
    with_a_signal = {"within_s", "count_min"}  # have tests of their own below
    assert {key_of(clause) for clause, *_ in KEYS} | with_a_signal | {"weight", "because"} == set(Clause.__dataclass_fields__)


@pytest.mark.parametrize("clause", [clause for clause, *_ in KEYS if clause.no_signal is None], ids=key_of)
def test_what_the_log_does_not_tell_never_holds(clause: Clause) -> None:
    silent = BootView(boot=None, troubles=[event(uptime_s=None)])
    assert not holds(clause, "r8169", silent, CASE)[0]


def test_a_signal_is_near_in_time_before_and_after_the_hang() -> None:
    clause = Clause(signal=("platform/rcu-stall",), within_s=30.0)
    for uptime, near in ((469.0, False), (470.0, True), (530.0, True), (531.0, False)):
        seen = view(events=[event("platform/rcu-stall", uptime_s=uptime), event()])
        assert holds(clause, "r8169", seen, CASE)[0] is near, uptime


def test_without_times_nearness_is_judged_by_lines() -> None:
    clause = Clause(signal=("platform/rcu-stall",), within_s=2.0)
    trouble = event(uptime_s=None, line=100)
    for line, near in ((89, False), (90, True), (110, True), (111, False)):
        seen = view(events=[event("platform/rcu-stall", uptime_s=None, line=line), trouble], troubles=[trouble])
        assert holds(clause, "r8169", seen, CASE)[0] is near, line


def test_repeated_messages_count_and_the_place_of_the_first_is_told() -> None:
    clause = Clause(signal=("watchdog-two",), count_min=3)
    seen = view(events=[event("r8169/watchdog-two", repeated=1, line=4), event("r8169/watchdog-two", line=9)])
    assert holds(clause, "r8169", seen, CASE) == (True, "line 4, 3 times")
    assert not holds(Clause(signal=("watchdog-two",), count_min=4), "r8169", seen, CASE)[0]


def test_all_conditions_of_a_clause_must_hold() -> None:
    seen = view(events=[STALL, event()])
    assert holds(Clause(signal=("platform/rcu-stall",), kernel=">=6.1"), "r8169", seen, CASE)[0]
    assert not holds(Clause(signal=("platform/rcu-stall",), kernel="<6.1"), "r8169", seen, CASE)[0]


def test_weights_add_up_and_reasons_name_their_line() -> None:
    cause = Cause(
        file="r8169", id="c", title="T", blames=Blame.DRIVER, base=0.5,
        speaks_for=(Clause(signal=("platform/rcu-stall",), weight=2.0, because="a stall"), Clause(kernel=">=7", weight=9.0, because="no")),
        speaks_against=(Clause(kernel=">=6.1", weight=1.0, because="a new kernel"),),
        remedies=(), explains="", settle=(), sources=(),
    )  # fmt: skip
    weighed = weigh_cause(cause, view(events=[STALL, event()]), CASE)
    assert weighed.points == pytest.approx(1.5)
    assert weighed.reasons == ("a stall (line 7)",)
    assert weighed.against == ("a new kernel",)
    assert weighed.seen


def test_what_the_nic_is_makes_a_cause_possible_but_not_seen() -> None:
    clauses = (Clause(kernel=">=6", weight=1.0, because="k"), Clause(chip="8168", weight=1.0, because="c"))
    cause = Cause(
        file="r8169", id="c", title="T", blames=Blame.DRIVER, base=0.0, speaks_for=clauses, speaks_against=(),
        remedies=(), explains="", settle=(), sources=(),
    )  # fmt: skip
    weighed = weigh_cause(cause, view(facts=[fact("r8169/chip", chip="RTL8168h")]), CASE)
    assert weighed.points == pytest.approx(2.0)
    assert not weighed.seen
