"""What notify knows of other services' things: projections, newest version wins.

Every document is `{_id, version, …}` and is replaced by a newer version only, so events may come
twice, late or out of order. They hold identifiers, codes and decisions, as the events do.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pymongo.errors import DuplicateKeyError

from services.notify.domain.deciding import Answer, Case, KnownAgency, answer, left, wrong
from services.notify.domain.notification import Notification
from shared.errors import NotFound
from shared.events.notify import RetractionReason
from shared.sharing import Request, SharingState, Terms
from shared.store import Collection, Database, Document


class Known:
    """The projections. Reading never waits: what is not there yet raises `NotFound`."""

    def __init__(self, database: Database) -> None:
        self.cases: Collection = database["known_cases"]
        self.subjects: Collection = database["known_subjects"]
        self.agreements: Collection = database["known_agreements"]
        self.agencies: Collection = database["known_agencies"]
        self.hubs: Collection = database["known_hubs"]
        self.workers: Collection = database["known_workers"]

    async def prepare(self) -> None:
        """Create all indexes; safe to repeat."""
        await self.cases.create_index([("subject_id", 1)])
        await self.agreements.create_index([("terms.parties", 1)])
        await self.hubs.create_index([("areas", 1)])

    async def case(self, referral_id: str, seen: int = 0) -> Case:
        """A referral, known at least up to its version `seen`. Raises `NotFound`: wait for it."""
        found = await self.cases.find_one({"_id": referral_id})
        if found is None or "area" not in found or found.get("seen", 0) < seen:
            raise NotFound("case")
        return _case(found)

    async def has_case(self, worker_id: str, referral_id: str | None) -> bool:
        """Whether the case is with that worker."""
        found = await self.cases.find_one({"_id": referral_id})
        return found is not None and found.get("worker_id") == worker_id

    async def held_by_workers(self, subject_id: str) -> list[Case]:
        """The young person's cases that a worker has."""
        cursor = self.cases.find({"subject_id": subject_id, "area": {"$exists": True}})
        cases = [_case(found) async for found in cursor.sort([("_id", 1)])]
        return [case for case in cases if case.worker_id is not None and case.void is None]

    async def sharing(self, subject_id: str, version: int = 0) -> SharingState:
        """What is known about sharing, at least up to `version`. Raises `NotFound`: wait for it."""
        found = await self.subjects.find_one({"_id": subject_id})
        if (found or {}).get("version", 0) < version:
            raise NotFound("subject")
        return SharingState.model_validate(found["sharing"]) if found else SharingState()

    async def agency(self, agency_id: str) -> KnownAgency:
        """An agency; one that was never registered is active nowhere."""
        return (await self.agencies_of([agency_id]))[agency_id]

    async def agencies_of(self, agency_ids: Iterable[str]) -> "defaultdict[str, KnownAgency]":
        """Several agencies in one reading."""
        known: defaultdict[str, KnownAgency] = defaultdict(KnownAgency)
        async for found in self.agencies.find({"_id": {"$in": list(agency_ids)}}):
            known[found["_id"]] = KnownAgency.model_validate(found)
        return known

    async def agreements_of(self, *parties: str | None) -> list[Terms]:
        """Every agreement that names all of these."""
        cursor = self.agreements.find({"terms.parties": {"$all": list(parties)}})
        return [Terms.model_validate(found["terms"]) async for found in cursor]

    async def hub_for(self, area: str) -> str | None:
        """The Hub that serves an area; the same one every time where several do."""
        found = await self.hubs.find_one({"areas": area}, sort=[("_id", 1)])
        return None if found is None else str(found["_id"])

    async def hub_of(self, worker_id: str) -> str | None:
        """The Hub of an active worker."""
        found = await self.workers.find_one({"_id": worker_id, "active": True})
        return None if found is None else str(found["hub_id"])

    async def void(self, notification: Notification) -> RetractionReason | None:
        """Why nobody should have been told of it; None if nothing is wrong with its referral."""
        found = await self.cases.find_one({"_id": notification.referral_id})
        return wrong(found or {}, notification.subject_id)

    async def answer(self, notification: Notification, at: datetime) -> Answer:
        """May the agency be told, as things are known now?

        It is the young person's say whom the referral is about now, not when this was written.
        """
        case = await self.cases.find_one({"_id": notification.referral_id}) or {}
        state = await self.sharing(case.get("subject_id") or notification.subject_id or "")
        sharing = notification.ground == "sharing"
        agency = await self.agency(notification.recipient_id)
        request = Request(
            sharer=notification.hub_id,
            agency_id=notification.recipient_id,
            agency_kind=agency.kind,
            purpose=notification.purpose,
            categories=notification.categories or ("existence",),
        )
        return answer(
            sharing=sharing,
            request=request,
            state=state,
            agreements=(
                await self.agreements_of(notification.hub_id, notification.recipient_id)
                if sharing
                else ()
            ),
            void=sharing
            and (not agency.active or wrong(case, notification.subject_id) is not None),
            at=at,
        )


def _case(found: Document) -> Case:
    subject_id = found["subject_id"]
    standing = {"void": wrong(found, subject_id), "moving": left(found, subject_id)}
    return Case.model_validate({**found, **standing, "id": found["_id"]})


async def newest(
    collection: Collection, record_id: str, version: int, fields: Document, by: str = "version"
) -> None:
    """Keep `fields` if their version is newer than what is there; durable on return.

    Fields of other sources in the same document stay; `by` names the version of this source.
    """
    older: dict[str, Any] = {"$or": [{by: {"$lt": version}}, {by: {"$exists": False}}]}
    try:
        await collection.update_one(
            {"_id": record_id, **older}, {"$set": {**fields, by: version}}, upsert=True
        )
    except DuplicateKeyError:
        pass  # it is there, as new or newer; or another replica has just made it
    else:
        return
    # Made by another replica between our look and our write: now it is there, so no upsert.
    await collection.update_one({"_id": record_id, **older}, {"$set": {**fields, by: version}})
