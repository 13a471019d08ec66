"""Risk: a versioned policy and what it makes of coded concerns. Pure.

The policy has the shape of the SERAF forms (sources in the policy file). Scored tools of this
kind are not validated (Brown and others 2018, doi 10.1080/10538712.2018.1510453): a score
supports judgement, never replaces it, and never lowers a response.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator

from shared.events.allocation import Contribution
from shared.events.codes import Recency, RiskLevel, Urgency
from shared.events.referral import Concern

LEVELS: tuple[RiskLevel, ...] = ("none_apparent", "mild", "moderate", "significant")
Group = Literal["vulnerability", "moderate", "significant"]


class Band(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    from_score: int
    level: RiskLevel


class RiskPolicy(BaseModel):
    """One version of the policy. Points per group and recency, bands from low to high, floors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str
    sources: tuple[str, ...]
    warning: str
    indicators: dict[Group, tuple[str, ...]]
    points: dict[Group, dict[Recency, int]]
    bands: tuple[Band, ...]
    floors: dict[Urgency, RiskLevel]

    @model_validator(mode="after")
    def _sound(self) -> Self:
        starts = [band.from_score for band in self.bands]
        if not starts or starts[0] != 0 or starts != sorted(set(starts)):
            raise ValueError("bands must start at 0 and rise")
        listed = [code for codes in self.indicators.values() for code in codes]
        if len(listed) != len(set(listed)):
            raise ValueError("an indicator may stand in one group only")
        return self


class Assessment(BaseModel):
    """Score and level, the floor that urgency sets, and what each indicator added."""

    model_config = ConfigDict(frozen=True)

    score: int
    level: RiskLevel
    floor: RiskLevel
    contributions: tuple[Contribution, ...]
    policy_version: str


def assess(concerns: Iterable[Concern], urgency: Urgency, policy: RiskPolicy) -> Assessment:
    """The level of these concerns about one subject.

    An indicator counts once per recency, whoever reports it and however often: significant ones
    that are current and were also there 6–12 months ago count for both (5 + 1 in the default).
    """
    group_of = {code: group for group, codes in policy.indicators.items() for code in codes}
    seen: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for concern in concerns:
        group = group_of.get(concern.code)
        points = policy.points[group].get(concern.recency, 0) if group else 0
        if points:
            # Keyed by points: "current" and "last 6 months" are one and the same finding.
            seen[concern.code][points].add(concern.agency_id)
    contributions = tuple(
        Contribution(
            code=code,
            points=_total(group_of[code], by_points),
            agencies=tuple(sorted(set().union(*by_points.values()))),
        )
        for code, by_points in sorted(seen.items())
    )
    score = sum(c.points for c in contributions)
    floor = policy.floors[urgency]
    level = [band.level for band in policy.bands if band.from_score <= score][-1]
    return Assessment(
        score=score,
        level=max(level, floor, key=LEVELS.index),
        floor=floor,
        contributions=contributions,
        policy_version=policy.version,
    )


def _total(group: Group, by_points: dict[int, set[str]]) -> int:
    return sum(by_points) if group == "significant" else max(by_points)
