"""The risk policy: a versioned TOML file, read whole or refused with every fault it has. Pure."""

import tomllib
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from shared.events.codes import INDICATORS, Recency, RiskLevel, Urgency

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


class PolicyFaults(Exception):
    """A policy file that can't be used, with every fault at once, each as `where: what`."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def load_policy(text: str) -> RiskPolicy:
    """The policy a TOML text holds. Raises `PolicyFaults`."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyFaults([f"not TOML: {error}"]) from None
    faults: list[str] = []
    policy = None
    try:
        policy = RiskPolicy.model_validate(raw)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
    # These look at the raw text, so that a misspelt field doesn't hide what else is wrong.
    for check in (_bands, _indicators, _points, _floors, _combinations, _recency):
        faults += check(raw)
    if faults or policy is None:
        raise PolicyFaults(faults)
    return policy


def _table(raw: Any, name: str) -> dict[str, Any]:
    found = raw.get(name)
    return found if isinstance(found, dict) else {}


def _rows(raw: Any, name: str) -> list[dict[str, Any]]:
    found = raw.get(name)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _bands(raw: dict[str, Any]) -> list[str]:
    rows = _rows(raw, "bands")
    starts: list[Any] = [row.get("from_score") for row in rows]
    levels = [row.get("level") for row in rows]
    faults = []
    if levels != list(LEVELS):
        faults.append(f"bands: each level once, from low to high: {', '.join(LEVELS)}")
    if all(isinstance(start, int) for start in starts):
        if not starts or starts[0] != 0:
            faults.append("bands: the first starts at 0")
        if starts != sorted(set(starts)):
            faults.append("bands: from_score must rise")
    return faults


def _indicators(raw: dict[str, Any]) -> list[str]:
    groups = _table(raw, "indicators")
    faults = [f"indicators.{g}: missing" for g in get_args(Group) if g not in groups]
    seen: dict[str, str] = {}
    for group, codes in groups.items():
        for code in codes if isinstance(codes, list) else []:
            if code in seen:
                faults.append(f"indicators.{group}: {code} stands in {seen[code]} already")
            elif code not in INDICATORS:
                faults.append(f"indicators.{group}: {code} is no indicator we know")
            seen.setdefault(str(code), group)
    return faults


def _points(raw: dict[str, Any]) -> list[str]:
    groups = _table(raw, "points")
    faults = [f"points.{g}: missing" for g in get_args(Group) if g not in groups]
    for group, by_recency in groups.items():
        known = by_recency if isinstance(by_recency, dict) else {}
        values = [known.get(recency, 0) for recency in NEWEST_FIRST]
        if all(isinstance(v, int) for v in values) and values != sorted(values, reverse=True):
            faults.append(f"points.{group}: something older counts more than something newer")
    return faults


def _floors(raw: dict[str, Any]) -> list[str]:
    floors = _table(raw, "floors")
    faults = [f"floors.{u}: missing" for u in get_args(Urgency) if u not in floors]
    ranks = [LEVELS.index(floors[u]) for u in get_args(Urgency) if floors.get(u) in LEVELS]
    if ranks != sorted(ranks, reverse=True):
        faults.append("floors: a lesser urgency has a higher floor than a greater one")
    return faults


def _combinations(raw: dict[str, Any]) -> list[str]:
    faults, names = [], set()
    for row in _rows(raw, "combinations"):
        name = row.get("name")
        if name in names:
            faults.append(f"combinations.{name}: this name is used twice")
        names.add(name)
        if row.get("raises_to") == LEVELS[0]:
            faults.append(f"combinations.{name}: raises_to {LEVELS[0]} raises nothing")
        sets = row.get("all_of")
        for codes in sets if isinstance(sets, list) else []:
            for code in codes if isinstance(codes, list) else []:
                if code not in INDICATORS:
                    faults.append(f"combinations.{name}: {code} is no indicator we know")
    return faults


def _recency(raw: dict[str, Any]) -> list[str]:
    rules = _table(raw, "recency")
    recent, year = rules.get("recent_days", 183), rules.get("year_days", 365)
    if isinstance(recent, int) and isinstance(year, int) and recent >= year:
        return ["recency: recent_days must be less than year_days"]
    return []
