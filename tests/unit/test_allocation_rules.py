"""Risk and choice in the allocation service."""

import random
import tomllib
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from services.allocation.app import DEFAULT_POLICY
from services.allocation.domain.choice import choose
from services.allocation.domain.records import Hub, Worker, release, reserve
from services.allocation.domain.risk import RiskPolicy, assess
from shared.errors import Refused
from shared.events import referral
from shared.events.codes import INDICATORS, Recency

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
POLICY = RiskPolicy.model_validate(tomllib.loads(DEFAULT_POLICY.read_text("utf-8")))


def concern(code: str, recency: Recency = "current", agency_id: str = "ag_1") -> referral.Concern:
    return referral.Concern(code=code, recency=recency, agency_id=agency_id, reported_at=AT)


def a_worker(worker_id: str = "wk_1", **changes: Any) -> Worker:
    fields: dict[str, Any] = {
        "id": worker_id,
        "hub_id": "hub_1",
        "worker_role": "hub_worker",
        "areas": ("north",),
        "host_setting": "hub",
        "cap": 10,
        "active": True,
    }
    return Worker(**{**fields, **changes})


def received(**changes: Any) -> referral.ReferralReceived:
    fields: dict[str, Any] = {
        "referral_id": "ref_1",
        "subject_id": "sub_1",
        "agency_id": "ag_1",
        "urgency": "five_working_days",
        "received_at": AT,
        "due_at": AT,
        "age_band": "13_to_15",
        "area": "north",
        "concerns": (),
        "settings_avoided": (),
    }
    return referral.ReferralReceived(**{**fields, **changes})


HUB = Hub(
    id="hub_1",
    name="H",
    areas=("north",),
    spoke_ceiling="mild",
    weights={"none_apparent": 1, "mild": 2, "moderate": 3, "significant": 5},
)


def test_the_default_policy_says_that_it_is_not_validated_and_knows_every_indicator() -> None:
    assert "not validated" in POLICY.warning
    assert {code for codes in POLICY.indicators.values() for code in codes} == INDICATORS


@pytest.mark.parametrize(
    ("recencies", "points"),
    [
        (["current"], 5),
        (["last_6_months"], 5),
        (["current", "last_6_months"], 5),
        (["6_to_12_months"], 1),
        (["current", "6_to_12_months"], 6),
        (["older"], 0),
    ],
)
def test_a_significant_indicator_counts_by_when_it_was(
    recencies: list[Recency], points: int
) -> None:
    concerns = [concern("missing_episodes", recency) for recency in recencies]

    assert assess(concerns, "ten_working_days", POLICY).score == points


def test_reposting_a_concern_adds_nothing_and_every_agency_is_named() -> None:
    concerns = [concern("drug_use", agency_id=f"ag_{n}") for n in (2, 1, 1)]

    result = assess(concerns, "ten_working_days", POLICY)

    assert result.score == 1
    assert result.contributions[0].agencies == ("ag_1", "ag_2")


def test_urgency_sets_a_floor_that_no_score_lowers() -> None:
    assert assess([], "immediate", POLICY).level == "significant"
    assert assess([], "ten_working_days", POLICY).level == "none_apparent"


def test_the_bands_begin_where_the_forms_say() -> None:
    significant = sorted(POLICY.indicators["significant"])
    levels = {
        n: assess([concern(c) for c in significant[:n]], "ten_working_days", POLICY).level
        for n in (1, 2, 3, 4)
    }

    assert levels == {1: "none_apparent", 2: "mild", 3: "moderate", 4: "significant"}


def test_a_policy_with_a_hole_is_refused() -> None:
    fields = POLICY.model_dump()

    with pytest.raises(ValidationError, match="bands"):
        RiskPolicy.model_validate({**fields, "bands": [{"from_score": 3, "level": "mild"}]})


@pytest.mark.parametrize(
    ("changes", "gate"),
    [
        ({"active": False}, "active"),
        ({"worker_role": "spoke_worker"}, "role_may_take_level"),
        ({"areas": ("south",)}, "area"),
        ({"host_setting": "police"}, "setting_not_avoided"),
        ({"cap": 2}, "within_cap"),
    ],
)
def test_each_gate_keeps_a_worker_out(changes: dict[str, Any], gate: str) -> None:
    (candidate,) = choose(
        received(settings_avoided=("police",)), "moderate", HUB, [a_worker(**changes)]
    )

    assert not candidate.passed
    assert [g.gate for g in candidate.gates if not g.passed] == [gate]


def test_the_choice_does_not_depend_on_the_order_of_workers() -> None:
    workers = [a_worker(f"wk_{n}") for n in range(20)]
    shuffled = random.Random(7).sample(workers, len(workers))

    assert choose(received(), "mild", HUB, workers) == choose(received(), "mild", HUB, shuffled)


def test_more_free_capacity_comes_first() -> None:
    busy = reserve(a_worker("wk_busy"), "ref_0", 5).after

    first, second = choose(received(), "mild", HUB, [busy, a_worker("wk_free")])

    assert (first.worker_id, second.worker_id) == ("wk_free", "wk_busy")


def test_a_reservation_holds_the_cap_and_happens_once() -> None:
    worker = reserve(a_worker(cap=5), "ref_1", 3).after

    assert reserve(worker, "ref_1", 3).events == ()
    with pytest.raises(Refused):
        reserve(worker, "ref_2", 3)
    assert release(worker, "ref_1").after.caseload == 0
    assert release(worker, "ref_2").events == ()
