# SPDX-License-Identifier: GPL-2.0-or-later
"""Metrics as text, held against what prometheus_client reads of it; and incidents as numbers."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from nicmedic.model.incident import Action, ActionState, Incident, IncidentVerdict
from nicmedic.report.incident_tally import IncidentTally, sum_up
from nicmedic.report.metrics_text import FAMILIES, render_label, render_metrics

SRC = Path(__file__).parents[3] / "src"
NOW = 1795402800.0  # 2026-11-23T03:00:00Z


def build(number: int | None = 1, **fields: object) -> Incident:
    known: dict[str, object] = {
        "boot_id": "b", "interface": "eth0", "driver": "e1000e", "verdict": IncidentVerdict.NIC_HUNG, "reasons": ("it stands",),
        "began": "2026-11-23T02:59:50+00:00", "began_uptime_s": 100.0, "detected": "2026-11-23T02:59:51+00:00", "detected_uptime_s": 101.0,
    }  # fmt: skip
    return Incident(id=number, **{**known, **fields})  # type: ignore[arg-type]  # as named


def read(values: dict[str, float]) -> dict[str, float]:
    """What the library reads."""
    found = {}
    for family in text_string_to_metric_families(render_metrics(values)):
        for sample in family.samples:
            found[sample.name + "".join(f" {key}={value}" for key, value in sample.labels.items())] = sample.value
    return found


@given(name=st.text(st.characters(exclude_categories=["Cs"]), max_size=15), value=st.floats(allow_nan=False, allow_infinity=False))
def test_what_is_written_is_read_back(name: str, value: float) -> None:
    text = render_metrics({f"nicmedic_hung{{{render_label('interface', name)}}}": value})
    (family,) = text_string_to_metric_families(text)
    (sample,) = family.samples
    assert (sample.labels, sample.value) == ({"interface": name}, value)


def test_a_name_that_is_no_utf_8_breaks_nothing() -> None:
    assert read({f"nicmedic_hung{{{render_label('interface', chr(0xDCFF))}}}": 1}) == {"nicmedic_hung interface=\\udcff": 1}


def test_a_metric_that_nobody_declared_is_left_out() -> None:
    assert render_metrics({"nicmedic_typo": 1}) == ""


@pytest.mark.parametrize("name", FAMILIES)
def test_names_follow_the_conventions(name: str) -> None:
    kind, text = FAMILIES[name]
    assert kind in {"gauge", "counter"}
    assert (kind == "counter") == name.endswith("_total")
    assert text.endswith(".")


def test_every_name_that_the_watcher_uses_is_declared() -> None:
    used = set()
    for path in SRC.rglob("*.py"):
        if path.parent.name in {"watch", "teller"}:
            used |= set(re.findall(r"['\"](nicmedic_[a-z_]+?)[{'\"]", path.read_text("utf-8")))
    assert used - {"nicmedic_bug"} <= set(FAMILIES)


def test_an_open_incident_counts_up_to_now() -> None:
    tally = IncidentTally([build()])
    assert read(tally.read_values(NOW)) == {
        "nicmedic_hung interface=eth0": 1,
        "nicmedic_incident_open interface=eth0 verdict=nic_hung": 1,
        "nicmedic_incidents_total interface=eth0 driver=e1000e verdict=nic_hung": 1,
        "nicmedic_outage_seconds_total interface=eth0 driver=e1000e verdict=nic_hung": 10,
        "nicmedic_last_incident_timestamp_seconds interface=eth0": NOW - 10,
    }


def test_one_that_is_over_counts_once_however_often_it_is_told() -> None:
    tally = IncidentTally()
    action = Action(what="restore", state=ActionState.HELPED, began="2026-11-23T02:59:52+00:00")
    over = build(restored="2026-11-23T02:59:54+00:00", restored_uptime_s=103.5, ended="2026-11-23T02:59:55+00:00", actions=(action,))
    for incident in (build(None), build(), over, over):
        tally.note(incident)
    assert read(tally.read_values(NOW)) == {
        "nicmedic_actions_total interface=eth0 what=restore state=helped": 1,
        "nicmedic_incidents_total interface=eth0 driver=e1000e verdict=nic_hung": 1,
        "nicmedic_outage_seconds_total interface=eth0 driver=e1000e verdict=nic_hung": 3.5,
        "nicmedic_last_incident_timestamp_seconds interface=eth0": NOW - 10,
    }


def test_thousands_cost_no_memory() -> None:
    tally = IncidentTally(build(number, ended="2026-11-23T02:59:52+00:00") for number in range(1, 2001))
    values = tally.read_values(NOW)
    assert values['nicmedic_incidents_total{interface="eth0",driver="e1000e",verdict="nic_hung"}'] == 2000
    assert values['nicmedic_outage_seconds_total{interface="eth0",driver="e1000e",verdict="nic_hung"}'] == 4000
    assert len(tally._recent) == 64


def test_times_that_cannot_be_read_are_no_outage() -> None:
    values = IncidentTally([build(began="?", driver=None)]).read_values(NOW)
    assert values['nicmedic_outage_seconds_total{interface="eth0",driver="",verdict="nic_hung"}'] == 0
    assert not any("timestamp" in name for name in values)


def test_a_verdict_that_is_revised_moves() -> None:
    tally = IncidentTally([build()])
    tally.note(build(verdict=IncidentVerdict.UPSTREAM))
    assert [name for name in tally.read_values(NOW) if "incidents_total" in name] == [
        'nicmedic_incidents_total{interface="eth0",driver="e1000e",verdict="upstream"}'
    ]


def test_a_card_that_gets_another_name_while_it_hangs_has_one_incident() -> None:
    tally = IncidentTally([build(interface="eth1")])
    tally.note(build(None, bus_address="0000:03:00.0", interface="eth1", detected="2026-11-23T02:59:52+00:00"))
    tally.note(build(2, bus_address="0000:03:00.0", interface="eth0", detected="2026-11-23T02:59:52+00:00"))
    tally.note(build(interface="enp3s0"))
    assert sorted(name for name in tally.read_values(NOW) if "nicmedic_hung" in name) == [
        'nicmedic_hung{interface="enp3s0"}',
        'nicmedic_hung{interface="eth0"}',
    ]


def test_names_of_containers_have_an_end_and_cards_have_room() -> None:
    over = "2026-11-23T02:59:52+00:00"
    incidents = [build(number, ended=over, interface=f"veth{number}", bus_address=None) for number in range(1, 301)]
    incidents += [build(301, ended=over, interface="eth0", bus_address="0000:03:00.0")]
    for tally in (IncidentTally(incidents), IncidentTally(incidents[200:], sums=sum_up(incidents[:200]))):
        values = tally.read_values(NOW)
        totals = {name: value for name, value in values.items() if "incidents_total" in name}
        assert (len(totals), sum(totals.values())) == (102, 301)
        assert totals['nicmedic_incidents_total{interface="other",driver="e1000e",verdict="nic_hung"}'] == 200
        assert totals['nicmedic_incidents_total{interface="eth0",driver="e1000e",verdict="nic_hung"}'] == 1
        assert 'nicmedic_last_incident_timestamp_seconds{interface="other"}' in values


def test_older_ones_may_come_as_numbers() -> None:
    """Counters that went down when the watcher starts anew would look as if they had begun at 0, and hundreds of hangs had come since."""
    incidents = [build(number, ended="2026-11-23T02:59:52+00:00", interface=f"eth{number % 3}") for number in range(1, 301)]
    incidents += [build(301), build(302, interface="eth9")]
    split = IncidentTally(incidents[200:], sums=sum_up(incidents[:200]))
    assert split.read_values(NOW) == IncidentTally(incidents).read_values(NOW)
    assert "nicmedic_hung" not in render_metrics(sum_up(incidents))
