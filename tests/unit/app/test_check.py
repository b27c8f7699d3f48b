# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole of ``check`` against a machine in memory: looks, logs, verdict, text and JSON."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import jsonschema
import pytest

from nicmedic.app.check import check, check_saved
from nicmedic.app.snapshot import take_snapshot
from nicmedic.model.archive import Written
from nicmedic.model.checkup import Checkup, Verdict
from nicmedic.model.counters import Counters, Looks, QueueCounters
from nicmedic.model.errors import NoSuchInterfaceError
from nicmedic.model.host import Host, SerialConsole, Virtualization, WaysIn
from nicmedic.model.nic import Bus, Nic
from nicmedic.model.note import Lack, Note
from nicmedic.model.ownership import Manager, Ownership
from nicmedic.model.pcie import Pcie, PciFunction
from nicmedic.model.queue import Bql, Qdisc, TxQueue
from nicmedic.model.stack import Upper, VirtualLink
from nicmedic.report.check_json import render_check_json
from nicmedic.report.check_text import render_check_text
from nicmedic.report.snapshot_text import render_snapshot_text
from nicmedic.report.style import Style
from nicmedic.testing.answers import shipped_knowledge
from nicmedic.testing.clock import FakeClock
from nicmedic.testing.logs import FakeLogs
from nicmedic.testing.machine import FakeMachine
from nicmedic.testing.samples import SAMPLES

SCHEMA = json.loads((Path(__file__).parents[3] / "docs/schema/check-1.json").read_text(encoding="utf-8"))
QUIET = b"[    0.000000] Linux version 6.1.0-18-amd64 (b@e) (gcc) #1 SMP Debian 6.1.76-1 (2024-02-01)\n"


def nic(name: str = "eth0", index: int = 2, **fields: object) -> Nic:
    known: dict[str, object] = {
        "interface": name,
        "ifindex": index,
        "driver": "r8169",
        "bus": Bus.PCI,
        "bus_address": "0000:02:00.0",
        "flags": ("UP", "LOWER_UP"),
        "carrier": True,
        "tx_queues": (TxQueue(index=0, tx_timeout=0, bql=Bql(inflight=0, limit=3000)),),
        "qdiscs": (Qdisc(kind="fq_codel", parent="root", queue=0),),
        "statistics": {"tx_packets": 100, "rx_packets": 100},
    }
    return Nic(**{**known, **fields})  # type: ignore[arg-type]  # names are those of the fields


def host(*nics: Nic, **fields: object) -> Host:
    known: dict[str, object] = {
        "nics": nics or (nic(),),
        "kernel_release": "6.1.0-18-amd64",
        "kernel_package": "6.1.76-1",
        "uptime_s": 1000.0,
    }
    return Host(**{**known, **fields})  # type: ignore[arg-type]  # as above


def look(at_s: float, name: str = "eth0", index: int = 2, inflight: int = 0, **fields: object) -> Counters:
    queues = (QueueCounters(index=0, tx_timeout=0, inflight=inflight, packets=0, backlog_bytes=0, qlen=0),)
    known: dict[str, object] = {"carrier": True, "carrier_changes": 1, "tx_packets": 100, "rx_packets": 100, "queues": queues}
    return Counters(**{"interface": name, "monotonic_s": at_s, "ifindex": index, **known, **fields})  # type: ignore[arg-type]  # as above


def run(
    found: Host, looks: Sequence[Sequence[Counters]], log: bytes | None = QUIET, name: str | None = None, wait_s: float = 1.0
) -> tuple[Checkup, FakeMachine, FakeClock]:
    machine, clock = FakeMachine(found, looks), FakeClock()
    checkup = check(machine, FakeLogs({}, own=log), clock, shipped_knowledge(), lambda one: one, name=name, wait_s=wait_s)
    return checkup, machine, clock


def text(checkup: Checkup, width: int = 100) -> str:
    return render_check_text(checkup, Style(width=width))


def complaints(checkup: Checkup) -> list[str]:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(json.loads(render_check_json(checkup)))]


HUNG = [[look(0, inflight=196)], [look(1, inflight=196)], [look(1.2, inflight=196)]]
IDLE = [[look(0)], [look(1)]]


def test_a_card_that_hangs_is_told_in_the_first_line_and_confirmed_by_a_third_look() -> None:
    checkup, machine, clock = run(host(), HUNG)
    assert text(checkup).startswith("eth0 (r8169) hangs now: 196 bytes of queue 0 are in flight")
    assert machine.calls == ["read_host", "read_counters", "read_counters", "read_counters", "read_host"]
    assert sum(clock.waits) < 2
    assert checkup.has_findings
    assert complaints(checkup) == []


def test_an_idle_card_takes_two_looks_and_no_third() -> None:
    checkup, machine, _ = run(host(), IDLE)
    assert text(checkup).startswith("Nothing wrong is seen: eth0 is healthy.\n")
    assert machine.calls == ["read_host", "read_counters", "read_counters"]
    assert not checkup.has_findings
    assert complaints(checkup) == []


def test_without_a_wait_there_is_no_look() -> None:
    checkup, machine, clock = run(host(), [], wait_s=0)
    assert (machine.calls, clock.waits) == (["read_host"], [])
    assert checkup.seconds_between_looks is None
    assert checkup.verdicts[0].verdict is Verdict.HEALTHY


def test_a_suspicion_that_the_third_look_clears() -> None:
    checkup, machine, _ = run(host(), [[look(0, inflight=196)], [look(1, inflight=196)], [look(1.2)]])
    assert checkup.verdicts[0].verdict is Verdict.HEALTHY
    assert machine.calls.count("read_host") == 1


def test_the_log_of_this_boot_tells_of_earlier_hangs_and_of_the_chip() -> None:
    device = PciFunction(address="0000:02:00.0", command=6, aspm_enabled=("L1",))
    checkup, _, _ = run(host(nic(pcie=Pcie(device=device))), IDLE, SAMPLES["debian-12-r8169"])
    (found,) = checkup.verdicts
    assert found.verdict is Verdict.WAS_HUNG
    assert [risk.cause for risk in found.risks] == ["r8169/aspm"]
    assert found.risks[0].reasons[0].text == "ASPM L1 is on"
    assert "nicmedic explain --interface eth0" in text(checkup)
    assert complaints(checkup) == []


@pytest.mark.parametrize(
    ("release", "package", "aspm", "risks"),
    [
        ("6.4.3-1-amd64", "6.4.3-1", ("L1",), ["r8169/aspm"]),
        ("6.4.3-1-amd64", "6.4.3-1", (), []),  # the setting is not there
        ("6.4.3-1-amd64", "6.4.3-1", None, []),  # nor known: asked for instead
        ("6.4.11-1-amd64", "6.4.11-1", ("L1",), []),  # repaired
        ("5.4.0-150-generic", "#167-Ubuntu", (), []),  # who knows which fixes are in
    ],
)
def test_a_risk_needs_the_kernel_and_the_setting(release: str, package: str, aspm: tuple[str, ...] | None, risks: list[str]) -> None:
    device = PciFunction(address="0000:02:00.0", command=6, aspm_enabled=aspm)
    found = host(nic(pcie=Pcie(device=device)), kernel_release=release, kernel_package=package)
    (verdict,) = run(found, IDLE)[0].verdicts
    assert [risk.cause for risk in verdict.risks if risk.cause == "r8169/aspm"] == risks
    assert (aspm is None) == any("PCIe link sleeps" in item.text for item in verdict.settle)


def test_a_virtual_machine_alone_is_no_risk() -> None:
    found = host(nic(driver="e1000"), virtualization=Virtualization(kind="kvm-guest", found_by="cpuinfo"))
    assert run(found, IDLE)[0].verdicts[0].risks == ()


def test_who_may_not_read_the_log_is_told_so_and_what_root_would_see() -> None:
    note = Note(what="pcie.device.aspm_enabled", why=Lack.REFUSED)
    checkup, _, _ = run(host(nic(notes=(note,)), is_root=False), IDLE, None)
    assert "this user may not read the kernel log" in checkup.notes
    assert "root would also see: pcie.device.aspm_enabled" in checkup.notes


def test_an_unknown_card_is_refused_with_those_that_there_are() -> None:
    many = host(*(nic(f"eth{number}", number) for number in range(20)))
    with pytest.raises(NoSuchInterfaceError, match=r"nosuch: there is no such network card; there are eth0, .* and 8 more"):
        run(many, [], name="nosuch")
    with pytest.raises(NoSuchInterfaceError, match="this host has none at all"):
        run(dataclasses.replace(host(), nics=()), [], name="eth0")
    bridged = host(nic(uppers=(Upper(interface="vmbr0", kind="bridge", below="eth0"),)), links=(VirtualLink(interface="vmbr0"),))
    with pytest.raises(NoSuchInterfaceError, match="vmbr0: is no network card; it stands on eth0"):
        run(bridged, [], name="vmbr0")


@pytest.mark.parametrize("name", ["eth0", "0000:02:00.0", "lan"])
def test_a_card_may_be_named_in_three_ways(name: str) -> None:
    checkup, _, _ = run(host(nic(altnames=("lan",)), nic("eth1", 3, bus_address="0000:03:00.0")), IDLE, name=name)
    assert [one.interface for one in checkup.verdicts] == ["eth0"]


def test_a_card_that_vanishes_midway() -> None:
    checkup, _, _ = run(host(), [[look(0)], [Counters(interface="eth0", monotonic_s=1.0)]])
    assert checkup.verdicts[0].verdict is Verdict.UNKNOWN
    assert "vanished" in text(checkup)
    assert complaints(checkup) == []


def test_two_hundred_cards_with_odd_names() -> None:
    names = [f"e\x1b[2J{number}\udcff\u202e;reboot" for number in range(200)]
    cards = [nic(name, number + 2) for number, name in enumerate(names)]
    looks = [[look(at, name, number + 2, inflight=196) for number, name in enumerate(names)] for at in (0, 1, 1.2)]
    checkup, _, _ = run(host(*cards), looks)
    told = text(checkup)
    assert "199 more cards to look at" in told
    assert "\x1b" not in told
    assert "\u202e" not in told
    assert told.encode("utf-8")
    assert "nicmedic explain --interface IFACE" in told
    assert complaints(checkup) == []


@pytest.mark.parametrize("width", [40, 60, 120])
def test_it_fits_narrow_terminals(width: int) -> None:
    checkup, _, _ = run(host(nic(manager=Ownership(manager=Manager.NONE, reason="nobody"))), HUNG)
    wide = [line for line in text(checkup, width).splitlines() if len(line) > width and "nicmedic" not in line]
    assert [line for line in wide if len(line.split()) > 3] == []


def test_a_host_without_cards() -> None:
    checkup, _, _ = run(dataclasses.replace(host(), nics=()), [])
    assert text(checkup).startswith("This host has no network card that")
    assert not checkup.has_findings


def test_cards_that_cannot_be_listed_are_no_clean_bill() -> None:
    note = Note(what="nics", why=Lack.ABSENT, detail="/sys/class/net/: No such file or directory")
    unlisted = dataclasses.replace(host(), nics=(), notes=(note,))
    checkup, _, _ = run(unlisted, [])
    assert checkup.has_findings
    assert text(checkup).startswith("Which network cards this host has cannot be read: /sys/class/net/: No such file")
    assert "mount -t sysfs" in text(checkup)
    with pytest.raises(NoSuchInterfaceError, match="which there are cannot be read"):
        run(unlisted, [], name="eth0")


def test_where_no_card_is_left_the_log_tells_of_the_one_that_was_lost() -> None:
    checkup, _, _ = run(dataclasses.replace(host(), nics=()), [], SAMPLES["debian-12-r8169"])
    assert checkup.has_findings
    assert text(checkup).startswith("This host has no network card any more. The log of this boot tells of ")
    assert json.loads(render_check_json(checkup))["lost"][0]["source"].startswith("kernel log: line ")
    assert complaints(checkup) == []
    assert run(host(), IDLE, SAMPLES["debian-12-r8169"])[0].lost == ()


def test_while_networking_is_locked_nothing_is_offered_that_would_freeze_the_terminal() -> None:
    stuck = Note(what="netlink", why=Lack.STUCK, detail="no answer for 2 s")
    checkup, _, _ = run(host(nic(carrier=None, qdiscs=None), notes=(stuck,)), IDLE)
    told = text(checkup, 300)
    assert told.startswith("eth0 (r8169) cannot be judged: something holds the lock of all networking (RTNL)")
    assert "were not asked: no answer for 2 s" in told
    commands = [line.split()[0] for line in told.split("What to type next\n", 1)[1].splitlines()]
    assert [word for word in commands if word in {"ip", "ethtool", "ping", "tcpdump"}] == []
    assert {"nicmedic", "reboot"} <= set(commands)
    off, _, _ = run(host(nic(flags=(), carrier=None), notes=(stuck,)), IDLE)
    assert off.has_findings
    assert text(off).startswith("Something holds the lock of all networking")


def test_the_other_ways_in_are_told() -> None:
    ways = WaysIn(interfaces=("eth0",), bmc=("/dev/ipmi0",), serial=(SerialConsole(device="ttyS0", console=True, login=True),))
    assert "ways into it: eth0, management controller (/dev/ipmi0), serial line ttyS0 with a login\n" in text(
        run(host(ways_in=ways), IDLE)[0]
    )
    assert "ways into it: eth0, and no other that is seen\n" in text(run(host(ways_in=WaysIn(interfaces=("eth0",))), IDLE)[0])


def test_a_saved_host_is_judged_by_the_looks_that_were_saved() -> None:
    looks = Looks(by_name={"eth0": tuple(one[0] for one in HUNG)})
    logs = FakeLogs({"s.tar.gz": SAMPLES["debian-12-r8169"]})
    checkup = check_saved(host(), looks, logs, shipped_knowledge(), path="s.tar.gz")
    assert checkup.verdicts[0].verdict is Verdict.HUNG
    assert any("hung" in reason.text and "in this boot" in reason.text for reason in checkup.verdicts[0].reasons)


class FakeArchives:
    """Keeps what it was given."""

    def find_folder(self, path: str) -> str | None:
        return path if path in {".", "/mnt/usb/"} else None

    def write_archive(self, path: str, host: Host, looks: Looks, **given: object) -> Written:
        self.host, self.looks, self.given = host, looks, given
        return Written(path=path, bytes=2_500_000, members=3, missing=(("/proc/modules", "No such file"),), map_path="x.map")


def test_a_snapshot_holds_the_looks_and_is_named_after_host_and_time() -> None:
    archives = FakeArchives()
    found = host(hostname="srv 4/ö")
    written = take_snapshot(FakeMachine(found, HUNG), FakeClock(), archives, lambda one: one)
    assert written.path == "nicmedic-srv_4_-20250101-000000.tar.gz"
    assert [one.monotonic_s for one in archives.looks.by_name["eth0"]] == [0, 1, 1.2]
    told = render_snapshot_text(written, Style())
    assert told.startswith("nicmedic-srv_4_-20250101-000000.tar.gz: 2.5 MB, 3 files, on disk\n")
    assert "/proc/modules: No such file" in told
    assert "x.map: what was replaced by what" in told
    scrubbed = take_snapshot(FakeMachine(found, IDLE), FakeClock(), archives, lambda one: one, scrub=True)
    assert scrubbed.path == "nicmedic-host-20250101-000000.tar.gz", "its name is the first thing that would give the host away"
    inside = take_snapshot(FakeMachine(found, IDLE), FakeClock(), archives, lambda one: one, path="/mnt/usb/")
    assert inside.path == "/mnt/usb/nicmedic-srv_4_-20250101-000000.tar.gz"
    lost = render_snapshot_text(dataclasses.replace(written, is_in_memory=True), Style())
    assert "3 files, in memory only: copy it away before a reboot\n" in lost
