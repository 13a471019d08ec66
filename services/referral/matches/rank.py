"""Which referrals are compared first, where too many are alike. Pure.

Of each sending agency the most alike, and all agencies in turn: however many lookalikes one of
them sends, they crowd out nobody but its own.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain, zip_longest
from typing import NamedTuple, TypeVar

# Where no more are alike than this, all are compared.
FEW = 50
# Of one agency, and of all together, otherwise.
OF_ONE_AGENCY = 100
MOST = 1000
# Possible matches of one referral with those of one other agency: the others are like them.
NOTED = 20

T = TypeVar("T")


class Candidate(NamedTuple):
    """A referral that shares `shared` blocking keys with another."""

    referral_id: str
    agency_id: str
    shared: int


class Ranking:
    """The best candidates of each agency, of however many are added."""

    def __init__(self) -> None:
        self._best: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
        self._seen = 0

    def add(self, candidate: Candidate) -> None:
        """One more. Of those as alike as each other, whoever came first stays."""
        self._seen += 1
        heap = self._best[candidate.agency_id]
        entry = (candidate.shared, -self._seen, candidate.referral_id)
        (heapq.heappushpop if len(heap) >= OF_ONE_AGENCY else heapq.heappush)(heap, entry)

    def first(self) -> list[str]:
        """Whom to compare, the agencies in turn, the most alike first."""
        ordered = (
            [referral_id for _, _, referral_id in sorted(self._best[agency], reverse=True)]
            for agency in sorted(self._best)
        )
        return in_turn(list(ordered))[:MOST]


def in_turn(lists: Sequence[Sequence[T]]) -> list[T]:
    """The first of each, then the second of each, and so on."""
    missing = object()
    rounds = zip_longest(*lists, fillvalue=missing)
    return [one for one in chain.from_iterable(rounds) if one is not missing]  # type: ignore[misc]


def best_of_each(found: Iterable[tuple[str, int, T]]) -> list[T]:
    """Of each agency the possible matches with the highest scores; as they came, of equal ones."""
    by_agency: dict[str, list[tuple[int, T]]] = defaultdict(list)
    for agency_id, score, one in found:
        by_agency[agency_id].append((score, one))
    kept = (sorted(of, key=lambda each: -each[0])[:NOTED] for of in by_agency.values())
    return [one for of in kept for _, one in of]
