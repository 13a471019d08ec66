"""Alarms name what the trail exports; the age of what is not sealed is that of the oldest."""

import re
from pathlib import Path

import yaml

from services.audit.log.unsealed import MOST, Unsealed

RULES = yaml.safe_load(Path("deploy/alarms/trail.yaml").read_text("utf-8"))["groups"][0]["rules"]
GAUGES = "".join(
    Path(f"services/audit/{of}/gauges.py").read_text("utf-8") for of in ("log", "witnesses")
)


def test_every_alarm_is_about_a_metric_that_there_is_and_says_what_to_do() -> None:
    made = {name.replace(".", "_") for name in re.findall(r"\"(hub\.trail\.[a-z_]+)\"", GAUGES)}
    for rule in RULES:
        (named,) = re.findall(r"hub_trail_[a-z_]+", rule["expr"])
        assert re.sub(r"_(seconds|total)$", "", named) in made, rule["alert"]
        assert rule["annotations"]["action"]


def test_the_age_is_that_of_the_oldest_entry_that_is_not_sealed() -> None:
    now = [0.0]
    unsealed = Unsealed(lambda: now[0])
    assert unsealed.seconds() == 0
    for at, size in ((1.0, 3), (2.0, 5), (3.0, 5), (4.0, 9)):
        now[0] = at
        unsealed.grown(size)
    ages = []
    for size in (2, 3, 4, 5, 9):
        unsealed.sealed(size)
        ages.append(unsealed.seconds())

    assert ages == [3.0, 2.0, 2.0, 0.0, 0.0]


def test_what_is_never_sealed_takes_no_memory_without_end() -> None:
    now = [0.0]
    unsealed = Unsealed(lambda: now[0])
    for size in range(1, MOST + 100):
        unsealed.grown(size)
    now[0] = 7.0

    assert unsealed.seconds() == 7.0
    assert len(unsealed._waiting) == MOST
