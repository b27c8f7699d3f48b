# SPDX-License-Identifier: GPL-2.0-or-later
"""``release --trial`` on a card that is one end of a cable between namespaces: it holds and is released, or traffic dies and does not come back."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.host.test_treat import NICMEDIC, Host, make_host

KEEP = """
from nicmedic.app.keep.wishes import build_wishes
from nicmedic.host.kept_folder import HostKept
from nicmedic.host.transactions import HostTransactions
from nicmedic.model.keeping import Kept, KeptState, MadeFor, OnDrift
(one,) = HostTransactions().list_transactions()
HostKept().create_kept(Kept(id=1, nic=one.plan.nic, wishes=build_wishes(one.plan), placements=(), made_for=MadeFor(), on_drift=OnDrift.ALARM,
    kept_at="2026-01-01T00:00:00+00:00", state=KeptState.KEPT, transaction=1))
"""
PARTNER = """
until [ $(cat /sys/devices/virtual/net/card0/mtu) = 1500 ]; do sleep 0.05; done
sleep 12
ip -n far link set switch0 down
"""
pytestmark = pytest.mark.host


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with make_host(tmp_path) as made:
        assert made.treat("--remedy", "mtu:1400", "--confirm", "probes", "--hold", "1s").returncode == 0
        made.room.run(sys.executable, "-c", KEEP, env=made.environment)
        yield made


def release(host: Host, soak: str) -> subprocess.CompletedProcess[str]:
    return host.room.run(*NICMEDIC, "release", "1", "--trial", "--soak", soak, check=False, within_s=300, env=host.environment)


def test_what_holds_is_released_and_cannot_be_kept_turned_round(host: Host) -> None:
    done = release(host, "10s")
    assert done.returncode == 0, done.stderr
    assert "without a hang (transaction 2); it is released" in done.stderr
    assert "mtu 1500" in host.look()
    assert host.nicmedic("kept").stdout == "nothing is kept; 1 remedy released\n"
    assert "the lift of mtu:1400 is confirmed" in host.nicmedic("transactions").stdout
    again = host.nicmedic("keep")
    assert (again.returncode, "transaction 2 on card0 is the trial that lifted what was kept under number 1" in again.stderr) == (28, True)


def test_traffic_that_does_not_come_back_is_said_first(host: Host) -> None:
    partner = host.room.start("sh", "-c", PARTNER)
    done = release(host, "60s")
    partner.communicate(timeout=60)
    told = done.stderr
    assert done.returncode == 50, told
    assert "nicmedic: CHANGED: card0: without it the card hangs: " in told
    assert "the remedy is in force again, and 1 stays kept, but traffic is NOT seen to flow: " in told
    assert "nicmedic treat card0 --ladder restore" in told
    assert "mtu 1400" in host.look()
    assert host.nicmedic("kept").stdout.startswith("1 remedy kept\n")
