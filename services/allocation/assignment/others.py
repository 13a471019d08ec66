"""The other cases of a young person, as far as they matter to one of them. Pure."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, Self

from services.allocation.records import HELD, OPEN

# What is read of each of them.
FIELDS = (
    "worker_id",
    "workers_before",
    "refusals.worker_id",
    "status",
    "hub_id",
    "area",
    "weight",
    "with_manager",
    "allocated_at",
)
_LATEST = datetime.max.replace(tzinfo=UTC)


class Other(NamedTuple):
    """Another case of the young person."""

    referral_id: str
    status: str
    hub_id: str | None
    area: str
    weight: int
    with_manager: bool
    worker_id: str | None
    workers_before: tuple[str, ...]
    refused: frozenset[str]
    allocated_at: datetime | None

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """One as it is stored."""
        return cls(
            referral_id=found["_id"],
            status=found["status"],
            hub_id=found.get("hub_id"),
            area=found["area"],
            weight=found.get("weight", 1),
            with_manager=found.get("with_manager", False),
            worker_id=found.get("worker_id"),
            workers_before=tuple(found.get("workers_before", ())),
            refused=frozenset(refusal["worker_id"] for refusal in found.get("refusals", ())),
            allocated_at=found.get("allocated_at"),
        )

    @property
    def waits(self) -> bool:
        """Whether the rules look for its worker; not where that is with the Hub manager."""
        return self.status in ("seeking", "waiting") and not self.with_manager


class Others(NamedTuple):
    """All of them, open or closed."""

    cases: tuple[Other, ...] = ()

    @classmethod
    def of(cls, found: Iterable[Mapping[str, Any]]) -> Self:
        return cls(tuple(sorted(Other.of(each) for each in found)))

    def referrals(self) -> tuple[str, ...]:
        """Their ids."""
        return tuple(case.referral_id for case in self.cases)

    def known_to(self) -> tuple[str, ...]:
        """Who has worked with the young person, and did not refuse to."""
        workers: set[str] = set()
        for case in self.cases:
            had = {*case.workers_before, case.worker_id} - case.refused
            workers |= {worker for worker in had if worker}
        return tuple(sorted(workers))

    def declined_by(self) -> set[str]:
        """Who was asked for one that is still open, and did not take it."""
        return {worker for case in self.cases if case.status in OPEN for worker in case.refused}

    def with_workers(self, hub_id: str | None) -> tuple[str, ...]:
        """Who has one that is open, of this Hub; who was given theirs first comes first."""
        held = [c for c in self.cases if c.status in HELD and c.hub_id == hub_id]
        held.sort(key=lambda c: (c.allocated_at or _LATEST, c.referral_id))
        return tuple(dict.fromkeys(c.worker_id for c in held if c.worker_id))

    def waiting(self, hub_id: str | None, area: str) -> tuple[Other, ...]:
        """Those that wait for the rules to find their worker in this area of the Hub."""
        return tuple(c for c in self.cases if c.waits and (c.hub_id, c.area) == (hub_id, area))


ALONE = Others()
