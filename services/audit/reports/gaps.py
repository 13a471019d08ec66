"""Aggregates whose versions are not contiguous: what a producer sent and the trail never got. Pure.

The trail can't prove that a producer emitted everything. It can show that the numbered events of
one aggregate arrived without a hole, or where the hole is, and when it closed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Gap:
    """Version `missing` of an aggregate had not arrived when `opened_at` did; `closed_at`: then it did."""

    source: str
    subject: str
    missing: int
    opened_at: int
    closed_at: int | None


@dataclass
class _Seen:
    highest: int = 0
    open: dict[int, int] = field(default_factory=dict)


class GapFinder:
    """Feed it entries in the order of the trail. Remembers one number per aggregate."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], _Seen] = {}
        self._closed: list[Gap] = []

    def add(self, seq: int, event: Mapping[str, Any]) -> None:
        """The next entry."""
        version = event.get("version")
        if not isinstance(version, int) or str(event.get("id", "")).startswith("trail:"):
            return  # a stranger's event has no version to be missing; the trail's own have one
        key = (str(event.get("source")), str(event.get("subject")))
        seen = self._seen.setdefault(key, _Seen())
        if version > seen.highest:
            for missing in range(seen.highest + 1, min(version, seen.highest + 1001)):
                seen.open[missing] = seq
            seen.highest = version
        elif (opened_at := seen.open.pop(version, None)) is not None:
            self._closed.append(Gap(*key, version, opened_at, seq))

    def gaps(self) -> list[Gap]:
        """Open ones first, then those that closed, each in the order they opened."""
        still = [
            Gap(*key, missing, opened_at, None)
            for key, seen in self._seen.items()
            for missing, opened_at in seen.open.items()
        ]
        return sorted(still, key=_order) + sorted(self._closed, key=_order)


def gaps_of(entries: Iterable[tuple[int, Mapping[str, Any]]]) -> list[Gap]:
    """The gaps in these entries, given as (seq, event) in order."""
    finder = GapFinder()
    for seq, event in entries:
        finder.add(seq, event)
    return finder.gaps()


def _order(gap: Gap) -> tuple[int, int]:
    return gap.opened_at, gap.missing
