"""The risk policy as values: points, bands, floors and combinations. `policy_file` reads it. Pure."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared.events.codes import Recency, RiskLevel, Urgency

LEVELS: tuple[RiskLevel, ...] = ("none_apparent", "mild", "moderate", "significant")
Group = Literal["vulnerability", "moderate", "significant"]
Line = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Points = Annotated[int, Field(ge=0, le=100)]
NEWEST_FIRST: tuple[Recency, ...] = ("current", "last_6_months", "6_to_12_months", "older")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Band(_Part):
    """From this score on, this level."""

    from_score: Annotated[int, Field(ge=0)]
    level: RiskLevel


class Combination(_Part):
    """Concerns that together raise the level, whatever their points.

    It holds when, among the recent concerns with any of these codes that were reported within
    `within_days` of each other, each set of `all_of` is met and `agencies` different ones report.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,60}$")]
    all_of: Annotated[tuple[tuple[str, ...], ...], Field(min_length=1, max_length=10)]
    agencies: Annotated[int, Field(ge=1, le=20)] = 1
    within_days: Annotated[int, Field(ge=1, le=366)] = 183
    raises_to: RiskLevel
    why: Line


class RecencyRules(_Part):
    """In days: until when a report still is "past six months", and until when it is of the year."""

    recent_days: Annotated[int, Field(ge=1, le=366)] = 183
    year_days: Annotated[int, Field(ge=2, le=1000)] = 365


class RiskPolicy(_Part):
    """One version of the policy. Points per group and recency, bands from low to high, floors."""

    version: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,60}$")]
    sources: Annotated[tuple[Line, ...], Field(min_length=1)]
    warning: Line
    reassess_after_days: Annotated[int, Field(ge=1, le=366)]
    remind_every_days: Annotated[int, Field(ge=1, le=92)] = 7
    recency: RecencyRules = RecencyRules()
    indicators: dict[Group, tuple[str, ...]]
    points: dict[Group, dict[Recency, Points]]
    bands: tuple[Band, ...]
    floors: dict[Urgency, RiskLevel]
    combinations: tuple[Combination, ...] = ()
