# SPDX-License-Identifier: GPL-2.0-or-later
"""Echo requests between two network namespaces: both directions carry the rate that is demanded, and a link that was away carries it again."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or shutil.which("ip") is None, reason="needs root and ip")
RUN = """
import json, sys, time
from nicmedic.host.trial_traffic import HostTraffic
from nicmedic.model.boot_trial import Traffic
from nicmedic.model.plan import Identity
asked = json.load(sys.stdin)
def read(name):
    with open(f"/sys/class/net/{asked['card']}/statistics/{name}_bytes") as file:
        return int(file.read())
maker = HostTraffic()
maker.begin(Identity(interface=asked["card"]), Traffic(rate_bit_s=asked["rate"], host=asked["host"]))
time.sleep(asked["wait_s"])
before, began = (read("rx"), read("tx")), time.monotonic()
time.sleep(2.0)
after, took_s = (read("rx"), read("tx")), time.monotonic() - began
maker.end()
time.sleep(0.3)
quiet = read("tx")
time.sleep(0.3)
print(json.dumps({"rates": [8 * (b - a) / took_s for a, b in zip(before, after)], "left": read("tx") - quiet}))
"""


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=20)


@pytest.fixture
def here() -> Iterator[str]:
    """A host with card0 on a bridge, and another behind it, 10.9.0.2 and fd09::2; the host's own addresses are those of the bridge."""
    names = [f"traffic-{os.getpid()}-{time.monotonic_ns() % 10**6}-{end}" for end in "ab"]
    host, other = names
    try:
        for name in names:
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        ip("-n", host, "link", "add", "card0", "type", "veth", "peer", "name", "far0", "netns", other)
        ip("-n", host, "link", "add", "br0", "type", "bridge")
        ip("-n", host, "link", "set", "card0", "master", "br0", "up")
        ip("-n", host, "link", "set", "br0", "up")
        ip("-n", other, "link", "set", "far0", "up")
        for name, link, last in ((host, "br0", 1), (other, "far0", 2)):
            ip("-n", name, "address", "add", f"10.9.0.{last}/24", "dev", link)
            ip("-n", name, "address", "add", f"fd09::{last}/64", "dev", link, "nodad")
        yield host
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True, timeout=20)


def begin(where: str, **asked: object) -> "subprocess.Popen[str]":
    """The maker, in that namespace, with a sysfs of its own."""
    command = ["ip", "netns", "exec", where, sys.executable, "-c", RUN]
    started = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert started.stdin is not None
    started.stdin.write(json.dumps({"card": "card0", "wait_s": 1.5, **asked}))
    started.stdin.close()
    started.stdin = None
    return started


def finish(started: "subprocess.Popen[str]") -> tuple[list[float], int]:
    """Bits a second received and sent, and bytes sent after the end."""
    said, _ = started.communicate(timeout=60)
    assert started.returncode == 0
    document = json.loads(said)
    return document["rates"], document["left"]


@pytest.mark.parametrize(("host", "rate"), [("10.9.0.2", 5_000_000), ("fd09::2", 5_000_000), ("10.9.0.2", 60_000_000)])
def test_both_directions_carry_the_rate_and_then_nothing(here: str, host: str, rate: int) -> None:
    rates, left = finish(begin(here, host=host, rate=rate))
    assert all(rate <= one <= 1.6 * rate for one in rates), rates
    assert left < 1400, "neighbours say a word now and then"


def test_a_link_that_was_away_carries_it_again(here: str) -> None:
    ip("-n", here, "link", "set", "br0", "down")
    started = begin(here, host="10.9.0.2", rate=5_000_000, wait_s=5.0)
    time.sleep(1.5)
    ip("-n", here, "link", "set", "br0", "up")
    rates, _ = finish(started)
    assert min(rates) >= 5_000_000


def test_nobody_there_is_no_traffic_and_no_mistake(here: str) -> None:
    rates, _ = finish(begin(here, host="192.0.2.1", rate=5_000_000, wait_s=0.5))
    assert max(rates) < 100_000
