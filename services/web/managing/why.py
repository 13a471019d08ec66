"""Why a worker has a case and why not each other, as tables to read. Pure: it shows what was decided."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.web.words import label

WORKER_ID = re.compile(r"\bwk_[A-Za-z0-9_-]+")
CODE = re.compile(r"\b(?!wk_)[a-z0-9]+(?:_[a-z0-9]+)+\b")
# What it means that a gate held somebody back.
HELD_BACK = {
    "active": "no longer in post",
    "not_on_leave": "on leave",
    "role_may_take_level": "may not take this level in their role",
    "qualified": "lacks the qualification or experience for this level",
    "area": "does not work in this area",
    "setting_not_avoided": "sits where the young person will not go",
    "supervision_in_date": "supervision is overdue",
    "no_conflict": "has a conflict of interest",
    "safe_for_young_person": "is marked as unsafe for the young person",
    "not_declined": "was asked before and did not take it",
    "within_cap": "no room within the soft cap",
}


@dataclass(frozen=True)
class Row:
    """One candidate: each gate with whether it let them pass, each term with its points."""

    worker_id: str
    name: str
    chosen: bool
    gates: Mapping[str, bool]
    terms: Mapping[str, int]

    @property
    def passed(self) -> bool:
        """Whether every gate let them pass."""
        return all(self.gates.values())

    @property
    def score(self) -> int:
        """All points."""
        return sum(self.terms.values())


@dataclass(frozen=True)
class Decided:
    """One decision: what is said of it, and its candidates, the chosen one first."""

    at: str
    kind: str
    sentences: list[str]
    rows: list[Row]

    @property
    def gates(self) -> list[str]:
        """The gates in their order, each once."""
        return list(dict.fromkeys(gate for row in self.rows for gate in row.gates))

    @property
    def terms(self) -> list[str]:
        """The terms in their order, each once."""
        return list(dict.fromkeys(term for row in self.rows for term in row.terms))

    @property
    def most(self) -> int:
        """The most points that anybody had."""
        return max((row.score for row in self.rows), default=0)


def held_back(candidate: Mapping[str, Any]) -> list[str]:
    """Why this candidate of a decision could not have it."""
    held = (gate["gate"] for gate in candidate["gates"] if not gate["passed"])
    return [HELD_BACK.get(gate, label(gate)) for gate in held]


def decided(explained: Mapping[str, Any], names: Mapping[str, str]) -> list[Decided]:
    """All decisions of an explanation, the newest first."""
    return [_decided(each, names) for each in reversed(explained["decisions"])]


def called(text: str, names: Mapping[str, str]) -> str:
    """The text with words in the place of codes, and workers' names in that of their ids."""
    worded = CODE.sub(lambda found: label(found[0]).lower(), text)
    return WORKER_ID.sub(lambda found: names.get(found[0], found[0]), worded)


def _decided(each: Mapping[str, Any], names: Mapping[str, str]) -> Decided:
    chosen = each["worker_id"]
    rows = [
        Row(
            worker_id=one["worker_id"],
            name=names.get(one["worker_id"], one["worker_id"]),
            chosen=one["worker_id"] == chosen,
            gates={gate["gate"]: gate["passed"] for gate in one["gates"]},
            terms=one["terms"],
        )
        for one in each["decision"]["candidates"]
    ]
    said = [called(sentence, names) for sentence in each["sentences"]]
    return Decided(each["at"], each["kind"], said, sorted(rows, key=lambda row: not row.chosen))
