# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic metrics``: with and without incidents, and what the watcher said last."""

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from nicmedic.cli.main import main
from nicmedic.host.watching import teller
from nicmedic.model.incident import Incident, IncidentVerdict
from nicmedic.store import HostIncidents


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NICMEDIC_STATE", str(tmp_path))
    monkeypatch.setattr(teller, "METRICS_FILE", str(tmp_path / "metrics.prom"))
    return tmp_path


def add(boot_id: str, verdict: IncidentVerdict) -> None:
    incident = Incident(
        boot_id=boot_id, interface="nic9", driver="e1000e", verdict=verdict, reasons=(), began="2026-11-23T02:59:50+00:00",
        began_uptime_s=1.0, detected="2026-11-23T02:59:51+00:00", detected_uptime_s=2.0,
    )  # fmt: skip
    HostIncidents().add_incident(incident, ())


def read(text: str) -> dict[str, float]:
    samples = [
        sample for family in text_string_to_metric_families(text) for sample in family.samples if sample.labels.get("interface") == "nic9"
    ]
    return {f"{sample.name} {sample.labels.get('verdict', '')}".strip(): sample.value for sample in samples}


def test_nothing_kept_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics"]) == 0
    assert capsys.readouterr().out.startswith("# HELP nicmedic_build_info ")


def test_an_incident_of_this_boot_is_open_and_one_of_another_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    add(Path("/proc/sys/kernel/random/boot_id").read_text().strip(), IncidentVerdict.NIC_HUNG)
    add("another", IncidentVerdict.LINK)
    assert main(["metrics"]) == 0
    values = read(capsys.readouterr().out)
    assert values["nicmedic_hung"] == 1
    assert values["nicmedic_incident_open nic_hung"] == 1
    assert "nicmedic_incident_open link" not in values
    assert values["nicmedic_incidents_total link"] == values["nicmedic_outage_seconds_total link"] == 1
    assert values["nicmedic_outage_seconds_total nic_hung"] > 1


def test_what_the_watcher_said_last_is_told_too(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (state / "metrics.prom").write_text(
        'nicmedic_watch_cards 2\nnicmedic_watch_cards x\nnicmedic_hung{interface="gone"} 1\nnicmedic_watch_typo 1\n'
    )
    assert main(["metrics"]) == 0
    told = capsys.readouterr().out
    assert "\nnicmedic_watch_cards 2\n" in told
    assert "gone" not in told
    assert "typo" not in told


def test_a_file_is_written_whole_and_for_others_to_read(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", "-o", str(state / "nicmedic.prom")]) == 0
    assert capsys.readouterr().out == ""
    assert (state / "nicmedic.prom").read_text().startswith("# HELP ")
    assert (state / "nicmedic.prom").stat().st_mode & 0o777 == 0o644
    assert main(["metrics", "-o", "/nonexistent/nicmedic.prom"]) == 20
