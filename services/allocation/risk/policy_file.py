"""The risk policy as a file: versioned TOML, read when the service starts, or refused."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, get_args

from services.allocation.risk.policy import LEVELS, NEWEST_FIRST, Group, RiskPolicy
from shared.events.codes import INDICATORS, Urgency
from shared.events.indicators import UNSCORED_INDICATORS
from shared.operating.data_files import Fault, read_toml

# What a policy may name; it need not give all of them points.
KNOWN = INDICATORS | UNSCORED_INDICATORS


def load_policy(path: Path) -> RiskPolicy:
    """The policy that a file holds. Raises `DataFileFaults`, which name file and line."""
    return read_toml(
        path, RiskPolicy, _bands, _indicators, _points, _floors, _combinations, _recency
    )


def _table(raw: Any, name: str) -> dict[str, Any]:
    found = raw.get(name)
    return found if isinstance(found, dict) else {}


def _rows(raw: Any, name: str) -> list[dict[str, Any]]:
    found = raw.get(name)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _bands(raw: dict[str, Any]) -> Iterator[Fault]:
    rows = _rows(raw, "bands")
    starts: list[Any] = [row.get("from_score") for row in rows]
    levels = [row.get("level") for row in rows]
    if levels != list(LEVELS):
        pairs = enumerate(zip(levels, LEVELS, strict=False))
        wrong = next((number for number, (level, right) in pairs if level != right), 0)
        each = ", ".join(LEVELS)
        yield Fault(("bands", wrong), f"each level once, from low to high: {each}")
    if all(isinstance(start, int) for start in starts):
        if not starts or starts[0] != 0:
            yield Fault(("bands", 0, "from_score"), "the first starts at 0")
        for number in range(1, len(starts)):
            if starts[number] <= starts[number - 1]:
                yield Fault(("bands", number, "from_score"), "from_score must rise")


def _indicators(raw: dict[str, Any]) -> Iterator[Fault]:
    groups = _table(raw, "indicators")
    yield from _missing("indicators", get_args(Group), groups)
    seen: dict[str, str] = {}
    for group, codes in groups.items():
        for code in map(str, codes if isinstance(codes, list) else []):
            if code in seen:
                yield Fault(("indicators", group), f"{code} stands in {seen[code]} already", code)
            elif code not in KNOWN:
                yield Fault(("indicators", group), f"{code} is no indicator we know", code)
            seen.setdefault(code, group)


def _points(raw: dict[str, Any]) -> Iterator[Fault]:
    groups = _table(raw, "points")
    yield from _missing("points", get_args(Group), groups)
    for group, by_recency in groups.items():
        known = by_recency if isinstance(by_recency, dict) else {}
        values = [known.get(recency, 0) for recency in NEWEST_FIRST]
        if all(isinstance(v, int) for v in values) and values != sorted(values, reverse=True):
            yield Fault(("points", group), "something older counts more than something newer")


def _floors(raw: dict[str, Any]) -> Iterator[Fault]:
    floors = _table(raw, "floors")
    yield from _missing("floors", get_args(Urgency), floors)
    ranks = [LEVELS.index(floors[u]) for u in get_args(Urgency) if floors.get(u) in LEVELS]
    if ranks != sorted(ranks, reverse=True):
        yield Fault(("floors",), "a lesser urgency has a higher floor than a greater one")


def _combinations(raw: dict[str, Any]) -> Iterator[Fault]:
    names = set()
    for number, row in enumerate(_rows(raw, "combinations")):
        where, name = ("combinations", number), row.get("name")
        if name in names:
            yield Fault((*where, "name"), f"the name {name} is used twice")
        names.add(name)
        if row.get("raises_to") == LEVELS[0]:
            yield Fault((*where, "raises_to"), f"raises_to {LEVELS[0]} raises nothing")
        sets = row.get("all_of")
        for codes in sets if isinstance(sets, list) else []:
            for code in codes if isinstance(codes, list) else []:
                if code not in KNOWN:
                    yield Fault((*where, "all_of"), f"{code} is no indicator we know", str(code))


def _recency(raw: dict[str, Any]) -> Iterator[Fault]:
    rules = _table(raw, "recency")
    recent, year = rules.get("recent_days", 183), rules.get("year_days", 365)
    if isinstance(recent, int) and isinstance(year, int) and recent >= year:
        yield Fault(("recency", "recent_days"), "recent_days must be less than year_days")


def _missing(table: str, names: Iterable[str], found: dict[str, Any]) -> Iterator[Fault]:
    return (Fault((table, name), "missing") for name in names if name not in found)
