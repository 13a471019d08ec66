"""Who could be given a case by hand, and what it would do to each caseload. Pure. Who may have it, the
allocation service decides when it is sent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.web.managing.loads import Load, load_of, name_of
from services.web.managing.why import HELD_BACK, held_back


@dataclass(frozen=True)
class Candidate:
    """A worker in post. `against` is None where the last decision did not look at them; `away` and
    `late` are as it is now."""

    worker_id: str
    name: str
    role: str
    away: bool
    late: bool
    against: list[str] | None
    load: Load

    @property
    def easiest(self) -> tuple[bool, int, str]:
        """Those against whom least speaks first."""
        speaks = len(self.against) if self.against is not None else len(HELD_BACK)
        state = ("within", "above", "over").index(self.load.state)
        return (self.away, state + speaks, self.worker_id)


def candidates(
    workers: Sequence[Mapping[str, Any]], decision: Mapping[str, Any] | None, weight: int, has: str
) -> list[Candidate]:
    """All workers but who has the case already, with what a case of that weight would make of each
    load: another case of the same young person adds only what it is heavier."""
    judged = {each["worker_id"]: each for each in (decision or {}).get("candidates", ())}
    known = {each["worker_id"]: each for each in (decision or {}).get("workers", ())}
    found = [
        Candidate(
            worker_id=worker["id"],
            name=name_of(worker),
            role=worker["entry"]["worker_role"],
            away=not worker["available"],
            late=bool(worker["supervision_overdue"]),
            against=held_back(judged[worker["id"]]) if worker["id"] in judged else None,
            load=load_of(worker, _more(known.get(worker["id"]), weight)),
        )
        for worker in workers
        if worker["entry"]["active"] and worker["id"] != has
    ]
    return sorted(found, key=lambda each: each.easiest)


def _more(known: Mapping[str, Any] | None, weight: int) -> int:
    return max(0, weight - int((known or {}).get("same_child", 0)))
