# SPDX-License-Identifier: GPL-2.0-or-later
"""Findings: what points away from the NIC first, and nothing claimed that the log does not show."""

import tomllib

import pytest

from nicmedic.app.explain import Request, explain
from nicmedic.knowledge.base import KnowledgeBase, KnowledgeFile
from nicmedic.model.explanation import Explanation
from nicmedic.model.finding import Blame, Confidence
from nicmedic.testing.answers import explain_bytes, explain_sample, shipped_knowledge
from nicmedic.testing.logs import FakeLogs
from nicmedic.testing.samples import SAMPLES

CORE = """
schema = "nicmedic.knowledge/1"
driver = "core"
[[signal]]
id = "watchdog"
kind = "tx_timeout"
where = "message"
literal = "NETDEV WATCHDOG"
pattern = 'NETDEV WATCHDOG: (?P<interface>[^\\s:()]+) \\((?P<driver>[^)]*)\\): transmit queue (?P<queue>\\d+) timed out'
means = "m"
[[signal]]
id = "smoke"
kind = "other"
where = "message"
literal = "smoke rises"
pattern = 'smoke rises'
means = "m"
"""
MYNIC = """
schema = "nicmedic.knowledge/1"
driver = "mynic"
[default]
blames = "device"
because = "they are like that"
remedies = ["reboot", "hardware"]
"""
LOG = """\
[    0.000000] Linux version 6.1.0-18-amd64 (x) #1 SMP Debian 6.1.76-1 (2024-02-01)
[  499.000000] smoke rises
[  500.000000] NETDEV WATCHDOG: eth0 (mynic): transmit queue 0 timed out
"""


def cause(name: str, blames: str, clauses: str) -> str:
    """A cause of mynic."""
    return f'[[cause]]\nid = "{name}"\ntitle = "{name}"\nblames = "{blames}"\nexplains = "x"\nremedies = ["eee-off"]\nfor = [{clauses}]\n'


def diagnose(*causes: str) -> Explanation:
    """The findings of the log above with causes of one's own."""
    texts = {"core": CORE, "mynic": MYNIC + "".join(causes)}
    base = KnowledgeBase([KnowledgeFile(name=name, path=name, data=tomllib.loads(text)) for name, text in texts.items()])
    answer = explain(FakeLogs({"x": LOG.encode()}), base, Request(names=("x",), fast=False))
    assert base.problems == ()
    return answer


SEEN = '{{ signal = "core/smoke", weight = {weight}, because = "smoke" }}'
IDENTITY = '{ kernel = ">=6.1", weight = 5.0, because = "that kernel" }'


@pytest.mark.parametrize(("weight", "confidence"), [(1.4, "low"), (1.5, "medium"), (2.9, "medium"), (3.0, "high")])
def test_confidence_is_the_sum_of_the_weights(weight: float, confidence: str) -> None:
    (finding,) = diagnose(cause("c", "driver", SEEN.format(weight=weight))).findings
    assert (finding.cause, finding.confidence) == ("mynic/c", Confidence(confidence))
    assert finding.reasons == ("smoke (line 2)",)


def test_of_two_causes_that_carry_alike_the_one_that_points_away_from_the_nic_is_told_first() -> None:
    heavier, lighter = cause("driver", "driver", SEEN.format(weight=2.5)), cause("host", "host", SEEN.format(weight=2.0))
    assert [finding.cause for finding in diagnose(heavier, lighter).findings] == ["mynic/host", "mynic/driver"]


def test_a_surer_cause_in_the_nic_still_comes_before_a_weaker_one_outside() -> None:
    findings = diagnose(cause("driver", "driver", SEEN.format(weight=3.0)), cause("host", "host", SEEN.format(weight=2.0))).findings
    assert [finding.cause for finding in findings] == ["mynic/driver", "mynic/host"]


def test_a_cause_that_is_only_possible_is_a_reason_and_no_finding() -> None:
    possible = '{ kernel = ">=6.1", weight = 1.0, because = "that kernel" }'
    (finding,) = diagnose(cause("maybe", "driver", possible)).findings
    assert finding.cause == "mynic/unexplained"
    assert finding.blames is Blame.DEVICE
    assert finding.confidence is Confidence.LOW
    assert finding.reasons == ("they are like that", "Possible with this NIC and kernel: maybe")
    assert "eee-off" in [remedy.id for remedy in finding.remedies]


def test_shipped_knowledge_never_finds_a_cause_by_what_the_nic_is_alone() -> None:
    """The lint holds each such clause at 1.0; this holds the answer to a bare watchdog line of every driver."""
    told = {}
    for name in sorted(shipped_knowledge().driver_names):
        log = f"[    0.000000] Linux version 6.1.0 (x) #1\n[  551.300000] NETDEV WATCHDOG: eth0 ({name}): transmit queue 0 timed out\n"
        told[name] = [finding.confidence for finding in explain_bytes(log.encode()).findings]
    assert all(told.values()), [name for name, findings in told.items() if not findings]
    assert {name: levels for name, levels in told.items() if Confidence.HIGH in levels} == {}


def test_a_driver_that_nobody_knows_is_told_as_such() -> None:
    (finding,) = explain_sample("unknown-driver").findings
    assert finding.blames is Blame.UNKNOWN
    assert finding.cause == "core/unexplained"
    assert finding.reasons == ("nicmedic has no knowledge of this driver",)
    assert finding.remedies


def test_each_nic_in_trouble_has_its_own_finding() -> None:
    assert sorted(str(finding.interface) for finding in explain_sample("four-ports").findings) == [f"ens1f{port}" for port in range(5)]


def test_an_adapter_that_speaks_under_two_names_is_not_two_nics_that_hang_together() -> None:
    log = """\
[38642.100000] r8152-cfgselector 4-1.1.3: Failed to read 4 bytes at 0xc010/0x0100 (-110)
[38642.633441] NETDEV WATCHDOG: eth1 (r8152): transmit queue 0 timed out 9108 ms
[38642.700000] r8152-cfgselector 2-2: reset SuperSpeed USB device number 2 using xhci_hcd
[38648.000000] r8152 2-2:1.0 eth1: NETDEV WATCHDOG: CPU: 7: transmit queue 0 timed out 16045 ms
"""
    assert "platform/cpu-starved" not in [finding.cause for finding in explain_bytes(log.encode()).findings]


def test_a_healthy_log_has_no_finding() -> None:
    assert explain_sample("healthy").findings == ()


def test_a_finding_without_a_nic_is_one_of_the_host() -> None:
    (finding,) = explain_sample("host-only").findings
    assert (finding.interface, finding.driver, finding.bus) == (None, None, None)
    assert finding.blames in {Blame.HOST, Blame.PLATFORM}


@pytest.mark.parametrize("name", [name for name in SAMPLES if name not in {"healthy", "empty", "no-log"}])
def test_every_finding_gives_reasons_and_remedies_with_reasons(name: str) -> None:
    for finding in explain_sample(name).findings:
        assert finding.reasons
        assert all(remedy.reasons for remedy in finding.remedies)


def test_what_is_not_known_comes_with_the_command_that_would_settle_it() -> None:
    commands = {unknown.command.partition("   #")[0] for unknown in explain_sample("many-boots").unknowns}
    assert "grep . /sys/class/net/eth0/queues/tx-*/tx_timeout" in commands
