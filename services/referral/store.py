"""What the referral service keeps: its collections, their indexes, its reading queries."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from services.referral.advice.rule import ANSWER_DUE, Advice
from services.referral.advice.rule import DESTRUCTION_DUE as GONE_DUE
from services.referral.agencies.rule import AGREEMENT_DUE, Agency, Agreement
from services.referral.areas.register import Register
from services.referral.areas.rule import Area
from services.referral.drafts.drafts import Drafts
from services.referral.hubs.directory import Directory
from services.referral.intake.reservation import References
from services.referral.intelligence.link import Link
from services.referral.intelligence.profiles import Profiles
from services.referral.intelligence.report import Report
from services.referral.intelligence.reports import Reports
from services.referral.matches.entries import Matches
from services.referral.participation.kept import Voices
from services.referral.people.age import BIRTHDAY_DUE
from services.referral.people.index import People
from services.referral.records import RESPONSE_DUE, TRANSFER_DUE, AccessRecord, Referral
from services.referral.retention.policy import policy
from services.referral.sharing.known import Known
from services.referral.sharing.subject import Subject
from services.referral.tracings.rule import Tracing
from services.referral.vault import Vault
from shared.operating.runner import Platform
from shared.rules.sharing import Terms
from shared.storage.store import Document, Store
from shared.web.cursors import behind, cursor_of


@dataclass(frozen=True)
class Stores:
    """The stores of this service, as routes and handlers use them."""

    referrals: Store[Referral]
    subjects: Store[Subject]
    agencies: Store[Agency]
    agreements: Store[Agreement]
    access_records: Store[AccessRecord]
    tracings: Store[Tracing]
    hubs: Directory
    register: Register
    people: People
    references: References
    known: Known
    matches: Matches
    drafts: Drafts
    voices: Voices
    reports: Reports
    advice: Store[Advice]
    profiles: Profiles
    vault: Vault

    @classmethod
    def on(cls, platform: Platform, vault: Vault) -> "Stores":
        """On this service's own database."""
        database, relay = platform.database, platform.relay
        hubs = Directory(database["known_hubs"])
        return cls(
            referrals=Store(database["referrals"], Referral, relay),
            subjects=Store(database["subjects"], Subject, relay),
            agencies=Store(database["agencies"], Agency, relay),
            agreements=Store(database["agreements"], Agreement, relay),
            # The collection keeps its first name: what is stored there must still be published.
            access_records=Store(database["looks"], AccessRecord, relay),
            tracings=Store(database["tracings"], Tracing, relay),
            hubs=hubs,
            register=Register(Store(database["known_areas"], Area, relay), hubs),
            people=People(database["people"]),
            references=References(database["references"]),
            known=Known(database),
            matches=Matches(database["possible_matches"]),
            drafts=Drafts(database["drafts"], vault, timedelta(days=policy().drafts_days)),
            voices=Voices(database, relay, vault, timedelta(days=policy().participation_days)),
            advice=Store(database["advice"], Advice, relay),
            reports=Reports(
                Store(database["reports"], Report, relay),
                Store(database["link_nodes"], Link, relay),
            ),
            profiles=Profiles(database["published_profiles"]),
            vault=vault,
        )

    async def prepare(self) -> None:
        """Create all indexes; safe to repeat."""
        await self.vault.prepare()
        await self.people.prepare()
        await self.references.prepare()
        await self.known.prepare()
        await self.matches.prepare()
        await self.drafts.prepare()
        await self.voices.prepare()
        await self.reports.prepare()
        await self.advice.prepare(
            *([(name, 1), ("asked_at", -1)] for name in ("agency_id", "hub_id")),
            timers=[ANSWER_DUE, GONE_DUE],
        )
        await self.referrals.prepare(
            *([(name, 1), ("received_at", -1)] for name in ("agency_id", "hub_id", "worker_id")),
            *([(name, 1), ("stands_since", 1)] for name in ("agency_id", "hub_id")),
            [("holder_id", 1)],
            [("status", 1)],
            timers=[RESPONSE_DUE, TRANSFER_DUE],
        )
        await self.referrals.collection.create_index(
            [("agency_id", 1), ("reference_hash", 1)], unique=True
        )
        await self.referrals.collection.create_index("blocks")
        for side in ("from_hub_id", "to_hub_id"):
            await self.referrals.collection.create_index(f"transfer.{side}", sparse=True)
        await self.referrals.collection.create_index("area_hash", sparse=True)
        await self.register.areas.prepare()
        await self.subjects.prepare([("unsafe", 1)], [("speakers", 1)], timers=[BIRTHDAY_DUE])
        await self.agencies.prepare([("claimed_kind", 1)])
        await self.agreements.prepare(
            [("terms.parties", 1), ("terms.effective_to", 1), ("_id", 1)],
            [("terms.effective_to", 1), ("_id", 1)],
            timers=[AGREEMENT_DUE],
        )
        await self.access_records.prepare([("referral_id", 1)])
        await self.tracings.prepare()

    async def terms_between(self, agency_id: str, sharer: str | None) -> list[Terms]:
        """The agreements that both are parties to; none without a sharer, which takes as long."""
        where = {"terms.parties": {"$all": [agency_id, sharer or ""]}}
        return [agreement.terms for agreement in await self.agreements.find(where)]

    async def unsafe_for(self, names: Collection[str]) -> list[str]:
        """The young people of whom nobody with one of these names hears anything."""
        marked = {"unsafe": {"$in": sorted(names)}}
        cursor = self.subjects.collection.find(marked, {"_id": 1})
        return sorted([str(found["_id"]) async for found in cursor])

    async def unsafe_referrals_for(self, names: Collection[str]) -> list[str]:
        """The referrals about those young people."""
        marked = {"unsafe": {"$in": sorted(names)}}
        found = await self.subjects.find(marked)
        return sorted({one for subject in found for one in subject.referral_ids})

    async def spoken_of_by(self, account: str) -> list[str]:
        """The young people about whom this account has recorded or decided something."""
        cursor = self.subjects.collection.find({"speakers": account}, {"_id": 1})
        return sorted([str(found["_id"]) async for found in cursor])

    async def page(
        self, where: Document, cursor: str | None, limit: int
    ) -> tuple[list[Referral], str | None]:
        """Referrals newest first, and the cursor of the next page. Raises `BadRequest`."""
        if cursor:
            where = {"$and": [where, behind(cursor, "received_at", newest_first=True)]}
        sort = [("received_at", -1), ("_id", -1)]
        found = await self.referrals.find(where, sort=sort, limit=limit)
        more = len(found) == limit
        return found, cursor_of(found[-1].received_at, found[-1].id) if more else None

    async def changes(
        self, where: Document, cursor: str | None, limit: int
    ) -> tuple[list[Referral], str | None]:
        """Referrals in the order in which they last changed, and the cursor of the next page. One that
        changes while somebody pages comes again, further back. Raises `BadRequest`."""
        if cursor:
            where = {"$and": [where, behind(cursor, "stands_since", newest_first=False)]}
        sort = [("stands_since", 1), ("_id", 1)]
        found = await self.referrals.find(where, sort=sort, limit=limit)
        if len(found) < limit:
            return found, None
        last = found[-1]
        return found, cursor_of(last.stands_since or last.received_at, last.id)
