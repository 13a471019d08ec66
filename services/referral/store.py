"""What the referral service keeps: its collections, their indexes, its reading queries."""

from collections.abc import Sequence
from dataclasses import dataclass

from pymongo.errors import DuplicateKeyError

from services.referral.domain import Agency, Agreement, Referral, SubjectDetails, is_nhs_number
from services.referral.vault import Vault
from shared.ids import new_id
from shared.runner import Platform
from shared.store import Collection, Store


class Subjects:
    """From keyed hashes of who someone is to a random id. Removing the hashes cuts the thread."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def find_or_add(self, hashes: Sequence[str]) -> str:
        """The subject any of these hashes is known under, else a new one.

        Two requests at once agree: the insert that came second takes the id of the first. A crash
        after the insert leaves a subject without a referral, which the retry finds.
        """
        known = await self._collection.find_one({"_id": {"$in": list(hashes)}})
        subject_id = str(known["subject_id"]) if known else new_id("sub")
        for number, value in enumerate(hashes):
            try:
                await self._collection.insert_one({"_id": value, "subject_id": subject_id})
            except DuplicateKeyError:
                if number == 0 and known is None:
                    first = await self._collection.find_one({"_id": value})
                    subject_id = str(first["subject_id"]) if first else subject_id
        return subject_id


@dataclass(frozen=True)
class Desk:
    """The stores of this service, as routes and handlers use them."""

    referrals: Store[Referral]
    agencies: Store[Agency]
    agreements: Store[Agreement]
    subjects: Subjects
    vault: Vault

    @classmethod
    def on(cls, platform: Platform, vault: Vault) -> "Desk":
        """On this service's own database."""
        database, relay = platform.database, platform.relay
        return cls(
            referrals=Store(database["referrals"], Referral, relay),
            agencies=Store(database["agencies"], Agency, relay),
            agreements=Store(database["agreements"], Agreement, relay),
            subjects=Subjects(database["subjects"]),
            vault=vault,
        )

    async def prepare(self) -> None:
        """Create all indexes; safe to repeat."""
        await self.vault.prepare()
        await self.referrals.prepare([("agency_id", 1), ("received_at", -1)])
        await self.referrals.collection.create_index(
            [("agency_id", 1), ("reference_hash", 1)], unique=True
        )
        await self.agencies.prepare()
        await self.agreements.prepare()

    def subject_hashes(self, subject: SubjectDetails) -> list[str]:
        """The keyed hashes this person is found by: NHS number if valid, name with date of birth."""
        hashes = []
        if subject.nhs_number and is_nhs_number(subject.nhs_number):
            digits = subject.nhs_number.replace(" ", "").replace("-", "")
            hashes.append(self.vault.fingerprint("nhs_number", digits))
        if subject.date_of_birth:
            born = subject.date_of_birth.isoformat()
            hashes.append(self.vault.fingerprint("name_and_birth", subject.name, born))
        return hashes or [self.vault.fingerprint("nobody", new_id("one"))]
