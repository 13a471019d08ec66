"""A referral is erased while somebody amends it: before each step the amendment takes, in turn."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from datetime import date

import pytest
from pymongo import AsyncMongoClient
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from services.referral.access import Viewer
from services.referral.acting import Asker
from services.referral.corrections.command import amend_referral, discuss
from services.referral.corrections.request import AmendReferral, SubjectPatch
from services.referral.documents import DiscussionEntry, SubjectDetails
from services.referral.intake.facts import about_subject
from services.referral.people.links import new_subject
from services.referral.records import Referral
from services.referral.retention.erasure import erase_referral
from services.referral.store import Stores
from services.referral.vault import Erased, Vault
from shared.errors import Refused
from shared.messaging.relay import Relay
from shared.operating.runner import Platform
from shared.operating.runner import mongo as connect
from shared.origin import Origin
from shared.storage.store import Database
from shared.web.etags import Match
from shared.web.tokens import Caller
from tests.harness.mongo import Mongo
from tests.harness.waiting import PATIENCE
from tests.harness.young_people import aged
from tests.service.conftest import SilentBus
from tests.unit.test_referral_rules import taken_in

SCHOOL = Asker(Caller("usr_1", "agency", agency_id="ag_1"), Viewer("agency", "ag_1"))
MANAGER = Asker(
    Caller("usr_2", "hub_manager", hub_id="hub_1"), Viewer("hub_manager", "usr_2", hub_id="hub_1")
)
ANY = Match(frozenset({"*"}))
BY = Origin("agency:ag_1", "agency")
MOST_STEPS = 20
Correction = Callable[[Stores, str], Awaitable[Referral]]


def stores_on(database: Database) -> Stores:
    vault = Vault(database, [bytes(96)], bytes(32))
    return Stores.on(Platform(database, Relay("referral", SilentBus())), vault)


class Before(CommandListener):
    """Lets something happen, to its end, just before a client's command of this number is sent."""

    def __init__(self, number: int, act: Callable[[], Awaitable[object]]) -> None:
        self.commands: list[str] = []
        self.happened: list[BaseException | None] = []
        self._number, self._act = number, act

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name == "endSessions":
            return  # the client is closed
        self.commands.append(event.command_name)
        if len(self.commands) == self._number:
            # In a thread with a loop of its own: this client stands still meanwhile.
            elsewhere = threading.Thread(target=self._there)
            elsewhere.start()
            elsewhere.join()

    def _there(self) -> None:
        try:
            asyncio.run(self._awaited())
            self.happened.append(None)
        except BaseException as error:
            self.happened.append(error)

    async def _awaited(self) -> None:
        await self._act()

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Nothing to do."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Nothing to do."""


async def store_closed(stores: Stores, number: int) -> str:
    """A closed referral with a narrative. Returns its id."""
    referral_id, subject_id = f"ref_{number}", f"sub_{number}"
    await stores.vault.make_key(referral_id)
    details = SubjectDetails(name="Wrong Sampleton", date_of_birth=date(2012, 5, 17))
    texts = {**about_subject(details), "narrative": "Synthetic text."}
    sealed = await stores.vault.seal(referral_id, texts)
    referral, event = taken_in()
    changes = {"id": referral_id, "subject_id": subject_id, "reference_hash": referral_id}
    closed = referral.but(**changes, status="closed", hub_id="hub_1", sealed=sealed)
    subject, linked = new_subject(subject_id, referral_id, aged())
    await stores.subjects.add(subject, linked, by=BY)
    await stores.referrals.add(closed, event, by=BY)
    return referral_id


async def amend(stores: Stores, referral_id: str) -> Referral:
    amendment = AmendReferral(narrative="More synthetic text.")
    return await amend_referral(stores, SCHOOL, referral_id, amendment, ANY)


async def correct(stores: Stores, referral_id: str) -> Referral:
    amendment = AmendReferral(subject=SubjectPatch(name="Right Sampleton"))
    return await amend_referral(stores, SCHOOL, referral_id, amendment, ANY)


async def note_discussion(stores: Stores, referral_id: str) -> Referral:
    entry = DiscussionEntry(discussed=True, what="Synthetic talk.")
    return await discuss(stores, SCHOOL, referral_id, entry, ANY)


async def amended_while_erased(
    mongo: Mongo, database: str, referral_id: str, step: int, correct: Correction
) -> tuple[bool, Before]:
    """Whether the amendment was taken, though the referral is erased before its step."""

    async def erase() -> None:
        async with connect(mongo.url, PATIENCE) as client:
            there = stores_on(client[database])
            await erase_referral(there, MANAGER, referral_id, "right_to_erasure", ANY)

    before = Before(step, erase)
    client: AsyncMongoClient[dict[str, object]] = AsyncMongoClient(
        mongo.url, tz_aware=True, event_listeners=[before]
    )
    async with client:
        try:
            await correct(stores_on(client[database]), referral_id)
        except (Erased, Refused):
            return False, before
        return True, before


@pytest.mark.parametrize("correcting", [amend, note_discussion])
async def test_what_is_erased_before_any_step_of_a_correction_stays_erased(
    database: Database, mongo: Mongo, correcting: Correction
) -> None:
    stores = stores_on(database)
    await stores.prepare()
    for step in range(1, MOST_STEPS):
        referral_id = await store_closed(stores, step)

        amended, before = await amended_while_erased(
            mongo, database.name, referral_id, step, correcting
        )

        if not before.happened:  # it took fewer steps than that
            assert amended
            assert before.commands[-1] == "update"
            break
        assert (amended, before.happened) == (False, [None]), (step, before.commands)
        left = await stores.referrals.get(referral_id)
        assert (left.sealed, left.amendments, left.blocks) == ({}, (), ()), step
        assert left.erased_at is not None
        assert referral_id not in [key async for key, _ in stores.vault.all_keys()]
    else:
        raise AssertionError("an amendment without an end")
    assert step > len(["read it", "read its subject", "read the key", "read it again", "replace"])


async def test_who_is_erased_at_any_step_of_a_correction_is_found_by_nothing(
    database: Database, mongo: Mongo
) -> None:
    stores = stores_on(database)
    await stores.prepare()
    corrected = []
    for step in range(1, 2 * MOST_STEPS):
        referral_id = await store_closed(stores, step)

        amended, before = await amended_while_erased(
            mongo, database.name, referral_id, step, correct
        )

        if not before.happened:  # it took fewer steps than that
            break
        corrected.append(amended)
        left = await stores.referrals.get(referral_id)
        assert (before.happened, left.sealed, left.blocks) == ([None], {}, ()), step
        found = await database["people"].find({"subject_id": left.subject_id}).to_list()
        assert found == [], (step, amended, before.commands)
    else:
        raise AssertionError("an amendment without an end")
    assert set(corrected) == {False, True}
