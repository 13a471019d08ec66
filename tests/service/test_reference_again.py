"""An agency's reference is one open referral's: it is free again, taken again, and never two have it."""

import asyncio
import json
import random
from collections.abc import Awaitable
from typing import Any

import pytest
import pytest_asyncio

from services.referral.access import Viewer
from services.referral.acting import Asker
from services.referral.intake.command import intake
from services.referral.intake.lines import take_line, taking
from services.referral.intake.request import ReceiveReferral
from services.referral.lifecycle.reopening import reopen
from services.referral.lifecycle.states import Move, move
from services.referral.records import Referral, gave_up_reference
from services.referral.retention.command import Plan, carry_out
from services.referral.store import Stores
from services.referral.vault import Vault
from shared.clock import now
from shared.errors import Outage, Refused
from shared.ids import new_id
from shared.messaging.relay import Relay
from shared.operating.runner import Platform
from shared.origin import Origin
from shared.storage.store import Database
from shared.web.etags import Match
from shared.web.tokens import Caller
from tests.conftest import SEED
from tests.harness.network import a_referral
from tests.service.conftest import SilentBus

SCHOOL = Asker(Caller("usr_1", "agency", agency_id="ag_1"), Viewer("agency", "ag_1"))
BY = Origin("agency:ag_1", "agency")
ANY = Match(frozenset({"*"}))
NOTHING: dict[str, tuple[str, ...]] = dict.fromkeys(
    ("unfinished", "half_erased", "access_records"), ()
)
SENT = a_referral(urgency="ten_working_days")


class School:
    """One agency, and all that it does under one reference."""

    def __init__(self, stores: Stores) -> None:
        self.stores = stores

    async def line(self, **changes: Any) -> tuple[int, str | None]:
        raw = json.dumps({**SENT, **changes}).encode()
        told = await take_line(
            self.stores, SCHOOL.caller, 1, raw, taking(self.stores, SCHOOL.caller)
        )
        return told.status, told.id

    async def single(self) -> str | None:
        """Under a new key. Returns its id, or None where it is refused."""
        document = ReceiveReferral.model_validate(SENT)
        try:
            return (await intake(self.stores, document, SCHOOL.caller, new_id("key"))).id
        except (Refused, Outage):
            return None

    async def goes_outside(self, referral_id: str) -> None:
        given = Move("close", outcome="transferred")
        await self.stores.referrals.change(
            referral_id, lambda r: move(r, given, "hub", now()), by=BY
        )

    async def erased(self, referral_id: str) -> None:
        ended = Move("withdraw", "no_longer_needed")
        found = await self.stores.referrals.get(referral_id)
        if found.status == "received":
            await self.stores.referrals.change(
                referral_id, lambda r: move(r, ended, "referrer", now()), by=BY
            )
        await carry_out(self.stores, Plan(erase=(referral_id,), **NOTHING))

    async def reopened(self, referral_id: str) -> bool:
        given = Move("reopen", "new_information")
        try:
            await reopen(
                *(self.stores, SCHOOL, referral_id, ANY),
                lambda r, _: move(r, given, "referrer", now()),
            )
        except (Refused, Outage):
            return False
        return True

    async def all(self) -> list[Referral]:
        return await self.stores.referrals.find({})

    async def having_it(self) -> list[str]:
        return [each.id for each in await self.all() if not gave_up_reference(each)]


@pytest_asyncio.fixture
async def school(database: Database) -> School:
    vault = Vault(database, [bytes(96)], bytes(32))
    stores = Stores.on(Platform(database, Relay("referral", SilentBus())), vault)
    await stores.prepare()
    return School(stores)


@pytest.mark.parametrize("freed", ["goes_outside", "erased"])
async def test_a_line_is_the_same_referral_until_its_reference_is_free_and_a_new_one_then(
    school: School, freed: str
) -> None:
    made: list[str | None] = []
    for _ in range(3):
        first, again = await school.line(), await school.line()
        assert first == again
        assert first[0] == 201
        assert await school.single() is None
        assert await school.line(narrative="In other words.") == (422, None)
        made.append(first[1])
        await getattr(school, freed)(first[1])

    worse = await school.line(narrative="She is back, and it is worse.", urgency="immediate")
    assert worse[0] == 201
    assert len({*made, worse[1]}) == 4
    assert await school.having_it() == [worse[1]]


@pytest.mark.parametrize("freed", ["goes_outside", "erased"])
async def test_a_free_reference_is_taken_by_a_request_of_its_own(
    school: School, freed: str
) -> None:
    for _ in range(3):
        sent = await school.single()
        assert sent is not None
        status, other = await school.line()
        assert (status, other) == (409, sent)
        await getattr(school, freed)(sent)


async def test_what_is_refused_for_its_reference_has_changed_nothing(
    school: School, database: Database
) -> None:
    first = await school.single()
    assert first is not None
    await school.erased(first)
    second = await school.single()
    assert second is not None
    before = await everything(database)

    assert await school.single() is None
    assert (await school.line())[0] == 409

    assert await everything(database) == before


async def everything(database: Database) -> dict[str, list[Any]]:
    names = sorted(await database.list_collection_names())
    return {name: sorted([repr(each) async for each in database[name].find({})]) for name in names}


async def test_a_reopened_referral_has_its_reference_again_unless_another_one_has_it(
    school: School,
) -> None:
    _, first = await school.line()
    assert first is not None
    for _ in range(3):
        await school.goes_outside(first)
        assert await school.reopened(first)
        assert await school.line() == (201, first)
        assert await school.single() is None
    await school.goes_outside(first)
    second = await school.single()
    assert second is not None

    assert not await school.reopened(first)

    assert await school.having_it() == [second]
    assert (await school.stores.referrals.get(first)).status == "closed"


async def test_whatever_is_done_at_once_never_two_have_one_reference(school: School) -> None:
    dice = random.Random(SEED)
    for _ in range(25):
        having, stored = await school.having_it(), await school.all()
        assert len(having) <= 1, f"seed {SEED}"
        gone = [r.id for r in stored if gave_up_reference(r) and r.erased_at is None]
        if having and dice.random() < 0.7:
            await getattr(school, dice.choice(["goes_outside", "erased"]))(having[0])
            continue
        todo: list[Awaitable[Any]] = [school.line(), school.single()]
        todo += [school.reopened(one) for one in gone[-2:]]
        dice.shuffle(todo)
        await asyncio.gather(*todo[: dice.randint(1, len(todo))])
        for each in todo:
            each.close()  # type: ignore[attr-defined]  # those that were not done
