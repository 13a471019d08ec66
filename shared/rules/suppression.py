"""Small numbers: what may be published of counts of young people. Pure. Nothing else publishes any.

Counts under ten are withheld, and with them at least one more, so that the total of another table
never gives the one away (secondary suppression; guidebook.ukllc.ac.uk, ONS). Everything is rounded
to fives, so that subtracting one table from another leaves several answers open. Callers offer
fixed filters that do not overlap; rounding is the second lock.
A category that is missing has nobody, fewer than ten, or is withheld to protect another.
"""

from collections.abc import Mapping, Sequence
from statistics import median

from pydantic import BaseModel

THRESHOLD = 10
BASE = 5


class Table(BaseModel):
    """Published counts. `total` is None when anything is withheld."""

    cells: dict[str, int]
    total: int | None


class Typical(BaseModel):
    """A median in whole hours over at least ten cases, and over how many (rounded); or nothing."""

    median_hours: int | None
    cases: int | None


def publish(counts: Mapping[str, int]) -> Table:
    """What may be seen of these counts."""
    present = {name: count for name, count in counts.items() if count > 0}
    total = sum(present.values())
    if total < THRESHOLD:
        return Table(cells={}, total=None)
    withheld = {name for name, count in present.items() if count < THRESHOLD}
    # By name, not by size: whoever knows that the smallest was taken learns how small it is.
    by_name = sorted(present.keys() - withheld)
    # One alone would follow from the total, and so would several that are few together.
    while withheld and by_name and _too_few(present, withheld):
        withheld.add(by_name.pop(0))
    cells = {name: _rounded(present[name]) for name in sorted(present.keys() - withheld)}
    # The total is the sum of what is seen, and only where all is: rounded by itself it would narrow
    # the cells down, to a single answer in the worst case.
    return Table(cells=cells, total=None if withheld else sum(cells.values()))


def typical(hours: Sequence[float]) -> Typical:
    """The median of these durations."""
    if len(hours) < THRESHOLD:
        return Typical(median_hours=None, cases=None)
    return Typical(median_hours=round(median(hours)), cases=_rounded(len(hours)))


def percent(part: int, whole: int) -> int | None:
    """A share in whole fives, downwards; None where the whole is under ten."""
    return 100 * part // whole // BASE * BASE if whole >= THRESHOLD else None


def _too_few(present: Mapping[str, int], withheld: set[str]) -> bool:
    return len(withheld) < 2 or sum(present[name] for name in withheld) < THRESHOLD


def _rounded(count: int) -> int:
    return (count + BASE // 2) // BASE * BASE
