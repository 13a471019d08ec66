"""A policy file is read whole, or refused with every fault it has."""

import re

import pytest

from services.allocation.app import DEFAULT_POLICY
from services.allocation.domain.policy import PolicyFaults, load_policy

TEXT = DEFAULT_POLICY.read_text("utf-8")


def faults_of(text: str) -> list[str]:
    with pytest.raises(PolicyFaults) as raised:
        load_policy(text)
    return raised.value.faults


def test_the_default_names_its_sources_and_says_that_scored_tools_are_not_validated() -> None:
    policy = load_policy(TEXT)

    assert "not validated" in policy.warning
    assert policy.sources
    assert policy.reassess_after_days <= 92, "SERAF: at least every three months"


def test_all_faults_are_reported_at_once() -> None:
    text = TEXT.replace('"despair"', '"dispair"', 1).replace("from_score = 0", "from_score = 1")
    text = text.replace('immediate = "significant"', "", 1).replace("warning =", "warnings =")

    found = faults_of(text)

    for fault in (
        "warning: Field required",
        "warnings: Extra inputs are not permitted",
        "bands: the first starts at 0",
        "indicators.moderate: dispair is no indicator we know",
        "floors.immediate: missing",
    ):
        assert fault in found


@pytest.mark.parametrize(
    ("change", "to", "fault"),
    [
        ('level = "mild"', 'level = "moderate"', "bands: each level once"),
        ("from_score = 11", "from_score = 5", "bands: from_score must rise"),
        ('"no_positive_adult",', '"no_positive_adult", "drug_use",', "drug_use stands in"),
        ("6_to_12_months = 1\nolder = 1", "6_to_12_months = 1\nolder = 2", "something older"),
        ('same_day = "moderate"', 'same_day = "none_apparent"', "floors: a lesser urgency"),
        ('name = "three_agencies"', 'name = "missing_and_sexual_health"', "used twice"),
        ('raises_to = "mild"', 'raises_to = "none_apparent"', "raises nothing"),
        ("recent_days = 183", "recent_days = 365", "recent_days must be less"),
        ("version =", "version", "not TOML"),
        ("agencies = 3", "agencies = 0", "combinations.1.agencies"),
    ],
)
def test_a_faulty_policy_is_refused(change: str, to: str, fault: str) -> None:
    assert change in TEXT

    found = faults_of(TEXT.replace(change, to, 1))

    assert any(fault in one for one in found), found


def test_something_that_is_no_policy_at_all_is_refused_without_a_crash() -> None:
    for text in ("", "bands = 3", "[points]\nmoderate = 1", 'combinations = ["x"]', "floors = []"):
        assert faults_of(text)


def test_every_combination_says_why() -> None:
    assert all(len(c.why) > 20 for c in load_policy(TEXT).combinations)
    assert not re.search(r"https?://", TEXT)
