"""A policy file is read whole, or refused with every fault it has."""

import re
from pathlib import Path

import pytest

from services.allocation.app import DEFAULT_POLICY
from services.allocation.risk.policy_file import load_policy
from shared.operating.data_files import DataFileFaults

TEXT = DEFAULT_POLICY.read_text("utf-8")
THIRD = re.findall(r"from_score = (\d+)", TEXT)[2]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "policy.toml"


def faults_of(file: Path, text: str) -> list[str]:
    """The faults of a policy file, each without the folder: `policy.toml:line: where: what`."""
    file.write_text(text, "utf-8")
    with pytest.raises(DataFileFaults) as raised:
        load_policy(file)
    return [fault.removeprefix(f"{file.parent}/") for fault in raised.value.faults]


def line_of(text: str, part: str) -> int:
    (number,) = [n for n, line in enumerate(text.splitlines(), start=1) if part in line]
    return number


def test_the_default_names_its_sources_and_says_that_scored_tools_are_not_validated() -> None:
    policy = load_policy(DEFAULT_POLICY)

    assert "not validated" in policy.warning
    assert policy.sources
    assert policy.reassess_after_days <= 92, "SERAF: at least every three months"


def test_all_faults_are_reported_at_once_each_with_its_line(file: Path) -> None:
    text = TEXT.replace('"despair"', '"dispair"', 1).replace("from_score = 0", "from_score = 1 ")
    text = text.replace('immediate = "significant"', "", 1).replace("warning =", "warnings =")
    text = text.replace("agencies = 3", "agencies = 0").replace("[floors]", "[floors] # by urgency")

    found = faults_of(file, text)

    assert found == [
        "policy.toml:1: warning: Field required",
        f"policy.toml:{line_of(text, 'warnings =')}: warnings: Extra inputs are not permitted",
        f"policy.toml:{line_of(text, 'dispair')}: indicators.moderate: dispair is no indicator we know",
        f"policy.toml:{line_of(text, 'from_score = 1 ')}: bands.0.from_score: the first starts at 0",
        f"policy.toml:{line_of(text, '[floors]')}: floors.immediate: missing",
        f"policy.toml:{line_of(text, 'agencies = 0')}: combinations.1.agencies: "
        "Input should be greater than or equal to 1",
    ]


@pytest.mark.parametrize(
    ("change", "to", "fault"),
    [
        ('level = "mild"', 'level = "moderate"', "bands.1: each level once"),
        (f"from_score = {THIRD}", "from_score = 1", "bands.2.from_score: from_score must rise"),
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
def test_a_faulty_policy_is_refused(file: Path, change: str, to: str, fault: str) -> None:
    assert change in TEXT

    found = faults_of(file, TEXT.replace(change, to, 1))

    assert any(fault in one for one in found), found


def test_something_that_is_no_policy_at_all_is_refused_without_a_crash(file: Path) -> None:
    for text in ("", "bands = 3", "[points]\nmoderate = 1", 'combinations = ["x"]', "floors = []"):
        assert faults_of(file, text)


def test_every_combination_says_why() -> None:
    assert all(len(c.why) > 20 for c in load_policy(DEFAULT_POLICY).combinations)
    assert not re.search(r"https?://", TEXT)
