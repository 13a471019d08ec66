"""The projections in the store, and the questions that are asked of them."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from services.notify.projections.cases import Case, CaseState, evolve
from services.notify.projections.collection import Projection
from services.notify.projections.directory import (
    Agency,
    Agreement,
    Hub,
    Subject,
    Worker,
    evolve_agency,
    evolve_agreement,
    evolve_hub,
    evolve_subject,
    evolve_worker,
)
from shared.errors import NotFound
from shared.events.codes import Instruction
from shared.events.notify import RecipientKind
from shared.rules.parents import instructions
from shared.rules.safety import names_of
from shared.rules.sharing import Terms
from shared.storage.store import Database


class Hidden(NamedTuple):
    """What somebody is told nothing of: for these young people they are marked as unsafe."""

    subjects: frozenset[str] = frozenset()
    referrals: frozenset[str] = frozenset()

    def where(self) -> dict[str, Any]:
        """What is left, as a query on notifications; nothing where nothing is hidden."""
        if not self.subjects:
            return {}
        named = [
            {"subject_id": {"$in": sorted(self.subjects)}},
            {"referral_id": {"$in": sorted(self.referrals)}},
        ]
        return {"$and": [{"$nor": named}]}


class Projections:
    """All of them. Reading never waits: what has not arrived yet raises `NotFound`."""

    def __init__(self, database: Database) -> None:
        self.cases = Projection(database["known_cases"], CaseState, evolve)
        self.subjects = Projection(database["known_subjects"], Subject, evolve_subject)
        self.agreements = Projection(database["known_agreements"], Agreement, evolve_agreement)
        self.agencies = Projection(database["known_agencies"], Agency, evolve_agency)
        self.hubs = Projection(database["known_hubs"], Hub, evolve_hub)
        self.workers = Projection(database["known_workers"], Worker, evolve_worker)

    async def prepare(self) -> None:
        """Create all indexes; safe to repeat."""
        await self.cases.collection.create_index([("subject_id", 1)])
        for field in ("unsafe_names", "sharing.unsafe_agencies"):
            await self.subjects.collection.create_index([(field, 1)])
        await self.agreements.collection.create_index([("terms.parties", 1)])
        await self.hubs.collection.create_index([("areas", 1)])

    async def has_case(self, worker_id: str, referral_id: str | None) -> bool:
        """Whether the case is with that worker."""
        return (await self.cases.get(referral_id or "")).worker_id == worker_id

    async def hub_now(self, referral_id: str | None, hub_id: str | None) -> str | None:
        """Who answers for what was told for this Hub: the one that has taken the referral over since."""
        case = await self.cases.get(referral_id or "")
        return case.hub_id if case.transfers else hub_id

    async def has_one_of(self, hub_id: str | None, referral_ids: Collection[str]) -> bool:
        """Whether one of these referrals is with the Hub."""
        where = {"_id": {"$in": sorted(referral_ids)}, "hub_id": hub_id}
        return await self.cases.collection.find_one(where, {"_id": 1}) is not None

    async def held_by_workers(self, subject_id: str) -> list[Case]:
        """The young person's cases that a worker has, or holds while they wait."""
        cursor = self.cases.collection.find({"subject_id": subject_id}).sort([("_id", 1)])
        found = [self.cases.read(each).case(each["_id"]) async for each in cursor]
        had = [case for case in found if case and (case.worker_id or case.holder_id)]
        return [case for case in had if not case.retraction_reason]

    async def subject(self, subject_id: str, version: int = 0) -> Subject:
        """What is known about sharing and about who is unsafe, at least up to `version`. Raises
        `NotFound`: wait for it."""
        subject = await self.subjects.get(subject_id)
        if subject.version < version:
            raise NotFound("subject")
        return subject

    async def cases_of(self, referral_ids: Collection[str]) -> defaultdict[str, CaseState]:
        """Several cases in one reading; the empty one where nothing is known."""
        found: defaultdict[str, CaseState] = defaultdict(CaseState)
        async for each in self.cases.collection.find({"_id": {"$in": sorted(referral_ids)}}):
            found[each["_id"]] = self.cases.read(each)
        return found

    async def instructions(self, subject_ids: Iterable[str]) -> dict[str, tuple[Instruction, ...]]:
        """What binds whoever has to do with each young person, as it stands now: in one reading."""
        if not (wanted := sorted({one for one in subject_ids if one})):
            return {}
        found = self.subjects.collection.find({"_id": {"$in": wanted}}, {"unsafe_names": 1})
        return {str(d["_id"]): instructions(d.get("unsafe_names") or ()) async for d in found}

    async def is_unsafe(self, kind: RecipientKind, recipient_id: str, subject: Subject) -> bool:
        """Whether an agency, or a worker with the agency that hosts them, is marked for this young
        person. A Hub's inbox is read by several people: each of them is asked about by itself."""
        if not subject.unsafe or kind not in ("agency", "worker"):
            return False
        if kind == "agency":
            return f"agency:{recipient_id}" in subject.unsafe
        return not (await self.names_of_worker(recipient_id)).isdisjoint(subject.unsafe)

    async def has_left(self, kind: RecipientKind, recipient_id: str) -> bool:
        """Whether a recipient may read and be told nothing more: an agency or a worker that was
        registered and is not active, a Hub that nobody registered."""
        if kind == "hub":
            return (await self.hubs.get(recipient_id)).version == 0
        if kind == "agency":
            return (await self.agencies.get(recipient_id)).gone
        return kind == "worker" and (await self.workers.get(recipient_id)).gone

    async def names_of_worker(self, worker_id: str) -> frozenset[str]:
        """A worker, and the agency that hosts them."""
        host = (await self.workers.get(worker_id)).host_agency_id
        return names_of(worker_id=worker_id, host_agency_id=host)

    async def hidden_from(self, names: Collection[str]) -> Hidden:
        """The young people for whom somebody of these names is marked, and the referrals about them."""
        agencies = [name.removeprefix("agency:") for name in names if name.startswith("agency:")]
        marked = [
            {"unsafe_names": {"$in": sorted(names)}},
            {"sharing.unsafe_agencies": {"$in": sorted(agencies)}},
        ]
        found = self.subjects.collection.find({"$or": marked}, {"_id": 1})
        subjects = [str(each["_id"]) async for each in found]
        if not subjects:
            return Hidden()
        about = self.cases.collection.find({"subject_id": {"$in": subjects}}, {"_id": 1})
        return Hidden(frozenset(subjects), frozenset([str(each["_id"]) async for each in about]))

    async def agencies_of(self, agency_ids: Iterable[str]) -> defaultdict[str, Agency]:
        """Several agencies in one reading; one that was never registered is active nowhere."""
        found: defaultdict[str, Agency] = defaultdict(Agency)
        wanted = sorted(set(agency_ids))
        async for each in self.agencies.collection.find({"_id": {"$in": wanted}}):
            found[each["_id"]] = self.agencies.read(each)
        return found

    async def agreements_of(self, *parties: str | None) -> list[Terms]:
        """Every agreement that names all of these."""
        cursor = self.agreements.collection.find({"terms.parties": {"$all": list(parties)}})
        found = [self.agreements.read(each).terms async for each in cursor]
        return [terms for terms in found if terms is not None]

    async def hub_for(self, area: str) -> str | None:
        """The Hub that serves an area; the same one every time where several do."""
        found = await self.hubs.collection.find_one({"areas": area}, sort=[("_id", 1)])
        return None if found is None else str(found["_id"])

    async def hub_of(self, worker_id: str) -> str | None:
        """The Hub of an active worker."""
        worker = await self.workers.get(worker_id)
        return worker.hub_id if worker.active else None
