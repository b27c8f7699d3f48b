# SPDX-License-Identifier: GPL-2.0-or-later
"""The alert rules and the dashboard of examples/monitoring: of metrics that exist, and understood by Prometheus where that is installed."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import yaml

from nicmedic.report.metrics_text import FAMILIES

FOLDER = Path(__file__).parents[2] / "examples" / "monitoring"
PROMTOOL = shutil.which("promtool")
"""Of Debian's package prometheus, which starts a server when it is installed: nobody should have to for a test."""


def load(name: str) -> dict[str, object]:
    return cast("dict[str, object]", yaml.safe_load((FOLDER / name).read_text("utf-8")))


def list_alerts() -> list[dict[str, object]]:
    groups = cast("list[dict[str, list[dict[str, object]]]]", load("nicmedic.rules.yml")["groups"])
    return [rule for group in groups for rule in group["rules"]]


def list_panels() -> list[dict[str, object]]:
    return cast("list[dict[str, object]]", json.loads((FOLDER / "grafana-dashboard.json").read_text("utf-8"))["panels"])


def list_expressions() -> Iterator[str]:
    """Of the dashboard, as Grafana would ask them."""
    for panel in list_panels():
        for target in cast("list[dict[str, str]]", panel["targets"]):
            yield target["expr"].replace("$instance", ".+")


def find_metrics(text: str) -> set[str]:
    return set(re.findall(r"\bnicmedic_[a-z_]+", text))


def run(*arguments: str) -> None:
    done = subprocess.run([str(PROMTOOL), *arguments], capture_output=True, text=True, check=False, cwd=FOLDER)
    assert done.returncode == 0, done.stdout + done.stderr


def test_alerts_speak_of_metrics_that_exist() -> None:
    for alert in list_alerts():
        used = find_metrics(str(alert["expr"]))
        assert used
        assert used <= set(FAMILIES), alert["alert"]
        assert {"summary", "description"} == set(cast("dict[str, str]", alert["annotations"]))


def test_each_alert_is_tried_and_fires_in_a_test() -> None:
    tests = cast("list[dict[str, list[dict[str, object]]]]", load("nicmedic.rules.test.yml")["tests"])
    fired = {case["alertname"] for test in tests for case in test["alert_rule_test"] if case["exp_alerts"]}
    assert fired == {alert["alert"] for alert in list_alerts()}


def test_prometheus_understands_the_rules_and_they_do_what_they_say() -> None:
    if PROMTOOL is not None:
        run("check", "rules", "nicmedic.rules.yml")
        run("test", "rules", "nicmedic.rules.test.yml")


def test_the_dashboard_asks_for_metrics_that_exist(tmp_path: Path) -> None:
    expressions = list(list_expressions())
    assert len(expressions) >= len(list_panels()) > 5
    assert set().union(*map(find_metrics, expressions)) <= set(FAMILIES)
    if PROMTOOL is not None:
        rules = [{"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(expressions)]
        (tmp_path / "panels.yml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
        run("check", "rules", str(tmp_path / "panels.yml"))


def test_panels_do_not_lie_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in list_panels():
        place = cast("dict[str, int]", panel["gridPos"])
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert not taken & cells
        taken |= cells
        assert max(x for x, _ in cells) < 24
