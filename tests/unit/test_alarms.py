"""Every alarm has its section in the runbook and is about metrics that the runbook names."""

import re
from pathlib import Path
from typing import Any

import yaml

from tests.harness.scraping import holds

RUNBOOK = Path("docs/runbook.md").read_text("utf-8")
NAMED = set(re.findall(r"^\| `((?:hub|http)_\w+)` \|", RUNBOOK, re.MULTILINE))


def rules() -> list[dict[str, Any]]:
    files = sorted(Path("deploy/alarms").glob("*.yaml"))
    groups = [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"]]


def test_every_alarm_has_its_section_and_every_section_its_alarm() -> None:
    alarms = RUNBOOK.partition("\n## Alarms\n")[2].partition("\n## ")[0]
    sections = set(re.findall(r"^### (\w+)$", alarms, re.MULTILINE))

    assert sections == {rule["alert"] for rule in rules()}
    for rule in rules():
        assert rule["annotations"]["runbook"] == f"docs/runbook.md#{rule['alert'].lower()}"
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in ("page", "ticket")


def test_every_alarm_is_about_metrics_that_the_runbook_names() -> None:
    for rule in rules():
        metrics = set(re.findall(r"\bhub_\w+", rule["expr"]))
        assert metrics, rule["alert"]
        assert metrics <= NAMED, rule["alert"]


def test_every_condition_has_a_form_that_is_tried() -> None:
    """What the tests take for the condition is what Prometheus would: so few forms can be read."""
    for rule in rules():
        assert holds(rule["expr"], [], []) == ("absent(" in rule["expr"]), rule["alert"]
