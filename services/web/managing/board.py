"""What the board shows, and in which order. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.vocabularies import vocabularies

# The most pressing first.
RANKED = {
    "holds": "Held back for safety",
    "overdue": "Overdue",
    "unaccepted": "Not accepted yet",
    "waiting": "Waiting for a worker",
    "gaps": "Nobody on duty",
    "leave": "Leave asked for",
    "transfers": "Transfers to answer",
    "matches": "Possible matches",
    "supervision": "Supervision overdue",
    "plans": "Hand-over plans to confirm",
    "agreements": "Agreements to renew or review",
}
# Of which there should be none at all.
WRONG = ("holds", "overdue", "gaps")
SHOWN = 12
LATEST = "9999"


@dataclass(frozen=True)
class Section:
    """One list of the board. `beyond`: there are more than were asked for."""

    name: str
    title: str
    items: Sequence[Mapping[str, Any]]
    beyond: bool

    @property
    def count(self) -> str:
        """How many, as far as was asked."""
        return f"{len(self.items)}{' or more' if self.beyond else ''}"

    @property
    def is_wrong(self) -> bool:
        """Whether something is so that should not be."""
        return bool(self.items) and self.name in WRONG

    @property
    def shown(self) -> Sequence[Mapping[str, Any]]:
        """As many as a page bears."""
        return self.items[:SHOWN]


def sections(found: Mapping[str, tuple[Sequence[Mapping[str, Any]], bool]]) -> list[Section]:
    """All lists: first those of what should not be, then those with something in them."""
    made = [Section(name, title, *found[name]) for name, title in RANKED.items()]
    return sorted(made, key=lambda section: (not section.is_wrong, not section.items))


def most_urgent_first(cases: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """By urgency, then by what is due first."""
    return sorted(cases, key=lambda case: (_rank(case["urgency"]), _due(case)))


def soonest_first(cases: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """By what their next step is due."""
    return sorted(cases, key=_due)


def by_urgency(cases: Sequence[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """How many there are of each urgency, the most urgent first."""
    counted = Counter(str(case["urgency"]) for case in cases)
    return sorted(counted.items(), key=lambda each: _rank(each[0]))


def _rank(urgency: str) -> int:
    codes = [each.code for each in vocabularies()["urgency"].codes]
    return codes.index(urgency) if urgency in codes else len(codes)


def _due(case: Mapping[str, Any]) -> str:
    step = case["next_step"] or {}
    return str(step.get("by") or case["due_at"] or LATEST)
