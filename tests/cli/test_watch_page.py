# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/watch.md and examples/policy.toml say what the program does."""

import dataclasses
import re
from pathlib import Path

from nicmedic.model.policy import Mode, NicPolicy, Policy
from nicmedic.remedy.policy import parse_policy
from nicmedic.remedy.policy.keys import MATCH_KEYS, NIC_KEYS, TELLING_KEYS, TOP_KEYS
from nicmedic.report.metrics_text import FAMILIES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/watch.md").read_text("utf-8")
EXAMPLE = (ROOT / "examples/policy.toml").read_text("utf-8")
KEYS = {*NIC_KEYS, *MATCH_KEYS, *TELLING_KEYS, *TOP_KEYS}


def test_each_metric_stands_there_as_it_is_told() -> None:
    told = dict(re.findall(r"^\| `(nicmedic_\w+)` \| [^|]* \| (.*) \|$", PAGE, re.MULTILINE))
    assert told == {name: text for name, (_, text) in FAMILIES.items()}


def test_each_key_of_the_policy_stands_there() -> None:
    told = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
    assert told >= KEYS
    usual = NicPolicy()
    assert f"| `cool_down` | {usual.cool_down_s:g} s |" in PAGE
    assert f"| `quiet_after_boot` | {usual.quiet_after_boot_s:g} s |" in PAGE
    assert f"| `attempts_per_hour` | {usual.attempts_per_hour} |" in PAGE
    assert f"| `evidence_bytes` | {Policy().evidence_bytes >> 20} MiB |" in PAGE
    assert all(f'`"{mode}"`' in PAGE for mode in Mode)


def test_the_example_is_a_policy() -> None:
    policy = parse_policy(EXAMPLE)
    assert policy.default == NicPolicy()
    assert [nic.mode for _, nic in policy.nics] == [Mode.RESTORE_AND_PREVENT, Mode.RESTORE, Mode.IGNORE]


def test_what_is_commented_out_of_the_example_would_be_one_too() -> None:
    whole = re.sub(r"^# (\w+ = )", r"\1", EXAMPLE, flags=re.MULTILINE)
    policy = parse_policy(whole)
    assert all(dataclasses.asdict(policy.telling).values())
    assert policy.watch_virtual
    assert set(re.findall(r"^(\w+) = ", whole, re.MULTILINE)) == KEYS - {"accept_losses", "permanent_address"}
