# SPDX-License-Identifier: GPL-2.0-or-later
"""The host is read as ip, tc and ethtool show it: this machine itself, and network namespaces full of odd things."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nicmedic.host.machine import HostMachine
from nicmedic.host.rtnl_guard import RtnlGuard
from nicmedic.model.host import Host
from nicmedic.model.note import Lack
from nicmedic.model.plain import from_plain
from tests.agreement import ask_tools, disagreements

SHOW = """
import json, sys
from nicmedic.host.machine import HostMachine
from nicmedic.model.plain import to_plain
print(json.dumps(to_plain(HostMachine().read_host())))
"""


def need(*programs: str) -> None:
    """Skip where a program is missing."""
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"needs {program}: apt-get install iproute2 ethtool pciutils util-linux")


def run(command: str, namespace: str = "") -> str:
    """What a command prints, also if it fails."""
    prefix = ["ip", "netns", "exec", namespace] if namespace else []
    done = subprocess.run([*prefix, "sh", "-c", command], capture_output=True, check=False, timeout=60)
    return os.fsdecode(done.stdout)


def read_in(namespace: str) -> Host:
    """A namespace as nicmedic sees it: ``ip netns exec`` gives it a /sys of its own."""
    done = subprocess.run(["ip", "netns", "exec", namespace, sys.executable, "-c", SHOW], capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return from_plain(Host, json.loads(done.stdout))


@pytest.fixture
def net() -> Iterator[str]:
    """A network namespace of its own, gone afterwards."""
    need("ip", "tc", "ethtool")
    name = f"readhost-{os.getpid()}-{time.monotonic_ns() % 10**6}"
    subprocess.run(["ip", "netns", "add", name], check=True, timeout=20)
    yield name
    subprocess.run(["ip", "netns", "delete", name], check=False, timeout=20)


def test_this_machine_agrees_with_the_tools() -> None:
    need("ip", "tc", "ethtool", "lspci")
    machine = HostMachine()
    before = machine.read_host()
    tools = ask_tools(run, [nic.interface for nic in before.nics])
    assert disagreements(before, tools, machine.read_host()) == []


def test_links_addresses_routes_and_rules_of_a_namespace_agree_with_ip(net: str) -> None:
    script = """
        echo 0 >/proc/sys/net/ipv6/conf/default/dad_transmits
        ip link set lo up
        ip link add v0 type veth peer name v1
        ip link property add dev v0 altname a-name-that-is-longer-than-fifteen
        ip link set v0 alias 'the "uplink"; x' up
        ip link set v1 up mtu 1400
        ip link add m0 link v0 type macvlan mode bridge
        ip link add b0 type bridge && ip link set v1 master b0 && ip link set b0 up
        ip address add 192.0.2.1/24 dev v0 broadcast + label v0:x
        ip address add 198.51.100.1 peer 198.51.100.2/32 dev v0 valid_lft 5000 preferred_lft 4000
        ip -6 address add 2001:db8::1/64 dev v0 nodad noprefixroute
        ip route add default via 192.0.2.254 dev v0 metric 50
        ip route add 10.1.0.0/16 via 192.0.2.3 table 77 mtu 1300
        ip route add 10.2.0.0/16 nexthop via 192.0.2.4 weight 3 nexthop via 192.0.2.5
        ip route add blackhole 10.3.0.0/16
        ip -6 route add 2001:db8:1::/48 via fe80::1 dev v0
        ip rule add from 192.0.2.1 fwmark 7 table 77 priority 100
        ip neighbour add 192.0.2.9 lladdr 02:00:00:00:00:09 nud permanent dev v0
        sleep 2
    """
    run(script, net)
    before = read_in(net)
    tools = ask_tools(lambda command: run(command, net), [])
    after = read_in(net)
    assert disagreements(before, tools, after) == []
    assert not after.nics
    v0 = next(link for link in after.links if link.interface == "v0")
    assert v0.kind == "veth"
    assert any(route.metrics == {"mtu": 1300} and route.table == 77 for route in after.routes or ())


def test_names_of_any_bytes_are_read(net: str) -> None:
    names = [b'v"x;y$(z)', b"v\xff\xfe", "nä-中".encode(), b"-x", b"v\x01\x1b[2J", b"a.b@d"]
    for number, name in enumerate(names):
        veth: list[str | bytes] = [
            "ip",
            "netns",
            "exec",
            net,
            "ip",
            "link",
            "add",
            "name",
            name,
            "type",
            "veth",
            "peer",
            "name",
            f"peer{number}",
        ]
        subprocess.run(veth, check=True, timeout=20)
    host = read_in(net)
    assert {os.fsencode(link.interface) for link in host.links} >= set(names)
    assert not [note for note in host.notes if note.why is not Lack.ABSENT]


def test_two_hundred_links_are_read_in_a_moment(net: str) -> None:
    batch = "".join(f"link add a{number} type veth peer name b{number}\n" for number in range(100))
    subprocess.run(["ip", "netns", "exec", net, "ip", "-batch", "-"], input=batch.encode(), check=True, timeout=60)
    began = time.monotonic()
    assert len(read_in(net).links) >= 200
    assert time.monotonic() - began < 10


def test_links_that_come_and_go_meanwhile_raise_nothing(net: str) -> None:
    ended = threading.Event()

    def stir() -> None:
        while not ended.is_set():
            run("ip link add w0 type veth peer name w1; ip link set w0 name w2; ip link set w2 name w0; ip link delete w0", net)

    thread = threading.Thread(target=stir)
    thread.start()
    try:
        for _ in range(5):
            assert any(link.interface == "lo" for link in read_in(net).links)
    finally:
        ended.set()
        thread.join(30)


def test_an_ordinary_user_is_told_what_root_would_add() -> None:
    need("setpriv")
    if not HostMachine().read_host().nics:
        pytest.skip("needs a network card")
    prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    done = subprocess.run([*prefix, sys.executable, "-c", SHOW], capture_output=True, check=False, timeout=60)
    if b"Permission denied" in done.stderr or b"No module named" in done.stderr:
        pytest.skip("an ordinary user may not read this tree")
    assert done.returncode == 0, done.stderr.decode()
    host = from_plain(Host, json.loads(done.stdout))
    assert host.is_root is False
    assert host.routes
    nic = host.nics[0]
    assert nic.features
    assert {note.what for note in nic.notes if note.root_would_help} >= {"wol"}


def test_a_lock_that_is_held_is_asked_for_once_until_it_is_given_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    held, asked = tmp_path / "held", tmp_path / "asked"
    held.touch()

    def ask(_names: object, write_end: int) -> None:
        with asked.open("a") as file:
            file.write("once\n")
        while held.exists():
            time.sleep(0.05)
        os.write(write_end, b".")

    def find_stuck(host: Host) -> list[Lack]:
        return [note.why for note in host.notes if note.what == "netlink"]

    monkeypatch.setattr("nicmedic.host.rtnl_guard._ask", ask)
    monkeypatch.setattr(os, "kill", lambda _child, _number: None)  # as if it slept in the kernel
    machine = HostMachine()
    for host in (machine.read_host(), machine.read_host()):
        assert find_stuck(host) == [Lack.STUCK]
    assert all(one.backlog_bytes is None for one in machine.read_counters([nic.interface for nic in machine.read_host().nics]))
    assert asked.read_text() == "once\n"
    held.unlink()
    time.sleep(0.5)
    assert find_stuck(machine.read_host()) == [], "what a driver held for a while is no reason never to ask again"


def test_who_had_no_time_to_ask_is_ended_and_it_is_asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    children = Path(f"/proc/self/task/{threading.get_native_id()}/children")
    before = set(children.read_text("ascii").split())
    guard = RtnlGuard()
    with monkeypatch.context() as slow:
        slow.setattr("nicmedic.host.rtnl_guard._ask", lambda *_: time.sleep(60))
        slow.setattr("nicmedic.host.rtnl_guard.PATIENCE_S", 0.1)
        assert guard.is_stuck(["lo"]) is True
    time.sleep(0.5)
    assert guard.is_stuck(["lo"]) is False
    assert set(children.read_text("ascii").split()) <= before


def test_without_the_library_sysfs_and_the_driver_still_tell() -> None:
    script = "import sys; sys.modules['pyroute2'] = None" + SHOW
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, timeout=60)
    host = from_plain(Host, json.loads(done.stdout))
    assert [note.what for note in host.notes] == ["netlink"]
    assert host.routes is None
    for nic in host.nics:
        assert nic.ifindex is not None
        assert nic.mtu
        assert nic.features
        assert (nic.addresses, nic.uppers) == (None, None)


def test_the_second_look_needs_no_library_and_counts_on() -> None:
    script = (
        "import sys; from nicmedic.host.machine import HostMachine; "
        "print([one.ifindex for one in HostMachine().read_counters(['lo'])], 'pyroute2' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, timeout=60, text=True)
    assert done.stdout == "[1] False\n"
    machine = HostMachine()
    for nic in machine.read_host().nics:
        first, second = (machine.read_counters([nic.interface])[0] for _ in range(2))
        assert first.ifindex == second.ifindex == nic.ifindex
        assert first.tx_packets is not None
        assert second.tx_packets is not None
        assert first.tx_packets <= second.tx_packets
        assert second.monotonic_s > first.monotonic_s
        assert len(first.queues) == len(nic.tx_queues or ())


def test_a_whole_look_with_all_imports_takes_less_than_the_time_a_person_notices() -> None:
    script = "import time; from nicmedic.host.machine import HostMachine; HostMachine().read_host(); print(time.process_time())"
    best = min(float(subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, timeout=60).stdout) for _ in range(3))
    assert best < 0.7


def test_where_no_child_can_be_started_the_kernel_is_not_asked_and_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refuse)
    host = HostMachine().read_host()
    assert [note.detail for note in host.notes if note.what == "netlink" and "Resource temporarily unavailable" in note.detail]
    assert host.nics


def test_a_kernel_that_answers_is_not_called_stuck_and_no_child_is_left() -> None:
    children = Path(f"/proc/self/task/{threading.get_native_id()}/children")
    before = set(children.read_text("ascii").split())  # other tests may have left theirs
    assert RtnlGuard().is_stuck(["lo", "nothing"]) is False
    assert set(children.read_text("ascii").split()) <= before
