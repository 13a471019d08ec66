"""Risk: what a policy makes of the coded concerns about one subject. Pure.

The default policy has the shape of the SERAF forms (sources in the policy file). Scored tools of
this kind are not validated (Brown and others 2018, doi 10.1080/10538712.2018.1510453): a score
supports judgement, never replaces it, and never lowers a response.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from services.allocation.risk.policy import (
    LEVELS,
    NEWEST_FIRST,
    Combination,
    Group,
    RecencyRules,
    RiskPolicy,
)
from shared.events.codes import Recency, RiskLevel, Urgency
from shared.events.referral import Concern
from shared.events.risk import Contribution


class Assessment(BaseModel):
    """What a score is made of: every contribution and combination, and the level they give."""

    model_config = ConfigDict(frozen=True)

    score: int
    level: RiskLevel
    contributions: tuple[Contribution, ...]
    combinations: tuple[str, ...] = ()
    agencies: int = 0
    policy_version: str
    assessed_at: datetime


def assess(concerns: Iterable[Concern], policy: RiskPolicy, at: datetime) -> Assessment:
    """The score and level of these concerns about one subject, as they stand at `at`.

    An indicator counts once per recency, whoever reports it and however often: significant ones
    that are current and were also there 6–12 months ago count for both (5 + 1 in the default).
    Concerns grow older: what was current seven months ago is of "6–12 months ago" now.
    """
    known = tuple(concerns)
    group_of = {code: group for group, codes in policy.indicators.items() for code in codes}
    seen: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for concern in known:
        group = group_of.get(concern.code)
        recency = recency_at(concern, policy.recency, at)
        points = policy.points[group].get(recency, 0) if group else 0
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
    held = [c for c in policy.combinations if _holds(c, known, policy.recency, at)]
    banded = [band.level for band in policy.bands if band.from_score <= score][-1]
    return Assessment(
        score=score,
        level=highest(banded, *(c.raises_to for c in held)),
        contributions=contributions,
        combinations=tuple(c.name for c in held),
        agencies=len({agency for c in contributions for agency in c.agencies}),
        policy_version=policy.version,
        assessed_at=at,
    )


def highest(*levels: RiskLevel) -> RiskLevel:
    """The highest of these levels."""
    return max(levels, key=LEVELS.index)


def response(level: RiskLevel, urgency: Urgency, policy: RiskPolicy) -> RiskLevel:
    """The level to respond to: urgency sets a floor, so nothing urgent is lowered by a score."""
    return highest(level, policy.floors[urgency])


def recency_at(concern: Concern, rules: RecencyRules, at: datetime) -> Recency:
    """How recent a reported concern is now. Time only ever makes it older."""
    days = (at - concern.reported_at) / timedelta(days=1)
    if concern.recency == "6_to_12_months":
        # Half a year or more before the report already.
        days += rules.recent_days
    by_age: Recency = (
        concern.recency
        if days <= rules.recent_days
        else "6_to_12_months"
        if days <= rules.year_days
        else "older"
    )
    return max(by_age, concern.recency, key=NEWEST_FIRST.index)


def _total(group: Group, by_points: dict[int, set[str]]) -> int:
    return sum(by_points) if group == "significant" else max(by_points)


def _holds(
    combination: Combination, concerns: Sequence[Concern], rules: RecencyRules, at: datetime
) -> bool:
    codes = {code for one in combination.all_of for code in one}
    relevant = [
        concern
        for concern in concerns
        if concern.code in codes and recency_at(concern, rules, at) in ("current", "last_6_months")
    ]
    window = timedelta(days=combination.within_days)
    return any(
        _met(combination, [c for c in relevant if timedelta() <= c.reported_at - start <= window])
        for start in {concern.reported_at for concern in relevant}
    )


def _met(combination: Combination, concerns: list[Concern]) -> bool:
    codes = {concern.code for concern in concerns}
    return all(codes & set(one) for one in combination.all_of) and (
        len({concern.agency_id for concern in concerns}) >= combination.agencies
    )
