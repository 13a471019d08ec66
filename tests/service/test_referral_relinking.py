"""While referrals move from one young person to another, others go on recording: nothing is lost."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from pymongo import AsyncMongoClient

from services.referral.people.deciding import decide_same
from services.referral.people.relinking import decide, relink
from services.referral.sharing.rule import record_consent
from services.referral.store import Stores
from shared.clock import now
from shared.errors import NotFound, Outage, Refused
from shared.operating.runner import mongo as connect
from shared.storage.store import Database
from tests.harness.mongo import Mongo
from tests.harness.waiting import PATIENCE
from tests.harness.young_people import aged
from tests.service.test_referral_erasure import BY, Before, store_closed, stores_on
from tests.unit.test_subjects import consent

MOST_STEPS = 90
REFUSED = consent(status="refused", gillick_competent=None)


async def refuse(stores: Stores, referral_id: str, consent_id: str) -> None:
    """As a request does: one that finds the referral gone from there asks again."""
    for _ in range(9):
        referral, at = await stores.referrals.get(referral_id), now()
        try:
            await stores.subjects.change(
                referral.subject_id,
                lambda s: record_consent(s, referral_id, consent_id, REFUSED, at, by="agency:ag_1"),  # noqa: B023
                by=BY,
            )
            return
        except Outage:
            continue
    # Between two writes of a move that stands still here: the request answers 503, and says so.
    raise Outage("referral_moved")


async def told_twice(stores: Stores, one: str, other: str) -> None:
    """Joined, and parted again."""
    for decision in ("same_person", "different_people"):
        first, second = [await stores.referrals.get(i) for i in (one, other)]
        await decide(stores, first, second, decision, BY)


async def while_deciding(
    mongo: Mongo, database: str, step: int, decided: Callable[[Stores], Awaitable[None]], said: str
) -> Before:
    async def record() -> None:
        async with connect(mongo.url, PATIENCE) as client:
            await refuse(stores_on(client[database]), said, "con_meanwhile")

    before = Before(step, record)
    client: AsyncMongoClient[dict[str, object]] = AsyncMongoClient(
        mongo.url, tz_aware=True, event_listeners=[before]
    )
    async with client:
        await decided(stores_on(client[database]))
    return before


async def test_a_refusal_recorded_before_any_step_of_a_move_is_where_its_referral_is(
    database: Database, mongo: Mongo
) -> None:
    stores = stores_on(database)
    await stores.prepare()
    recorded = 0
    for step in range(1, MOST_STEPS):
        one, other = [await store_closed(stores, 100 * n + step) for n in (1, 2)]

        async def decided(on: Stores) -> None:
            await told_twice(on, one, other)  # noqa: B023

        before = await while_deciding(mongo, database.name, step, decided, one)

        subjects = {i: await stores.subjects.get(f"sub_{i[4:]}") for i in (one, other)}
        for referral_id, subject in subjects.items():
            assert subject.referral_ids == (referral_id,), (step, before.commands)
            assert (await stores.referrals.get(referral_id)).subject_id == subject.id
        if not before.happened:
            break
        if before.happened == [None]:
            recorded += 1
            said = [c.id for c in subjects[one].sharing.consents]
            assert said == ["con_meanwhile"], (step, before.commands)
            assert subjects[other].sharing.consents == ()
        else:
            assert [type(e) for e in before.happened] == [Outage], (step, before.commands)
    else:
        raise AssertionError("a move without an end")
    assert recorded > 20


@pytest.mark.parametrize("minutes", [0, 5])
async def test_a_referral_that_is_just_being_stored_is_waited_for_and_not_for_ever(
    database: Database, minutes: int
) -> None:
    stores = stores_on(database)
    await stores.prepare()
    one, other = [await store_closed(stores, n) for n in (1, 2)]
    linked = aged(at=now() - timedelta(minutes=minutes)).model_dump()
    await stores.subjects.collection.update_one({"_id": "sub_1"}, {"$set": {"facts.ref_9": linked}})
    first, second = [await stores.referrals.get(i) for i in (one, other)]

    await decide(stores, first, second, "same_person", BY)

    after = await stores.subjects.get("sub_1")
    if minutes == 0:
        assert set(after.moving) == {"ref_1", "ref_9"}, "the handler of the event goes on"
        with pytest.raises(NotFound):
            await relink(stores, "sub_1", BY)
    else:
        assert after.facts == {}
        assert set((await stores.subjects.get("sub_2")).facts) == {"ref_1", "ref_2", "ref_9"}


async def test_two_who_say_it_from_both_sides_at_once_make_one_young_person(
    database: Database, mongo: Mongo
) -> None:
    """The second, who read before the first wrote, decides before any command of the first, and
    carries it out before any later one."""
    stores = stores_on(database)
    await stores.prepare()
    number, crossed = 0, 0
    for decides in range(1, MOST_STEPS, 2):
        for carries_out in range(decides + 1, MOST_STEPS):
            number += 1
            one, other = [f"ref_{n}" for n in (1000 + number, 5000 + number)][:: (-1) ** number]
            for referral_id in (one, other):
                await store_closed(stores, int(referral_id[4:]))
            seen = await _from_both_sides(mongo, database, (one, other), (decides, carries_out))
            for referral_id in (one, other):  # the handler of either decision
                await relink(stores, _first(referral_id), BY)

            told = (decides, carries_out, seen[0].commands)
            there = {(await stores.referrals.get(i)).subject_id for i in (one, other)}
            subjects = [await stores.subjects.get(_first(i)) for i in (one, other)]
            assert len(there) == 1, told
            for subject in subjects:
                held = {one, other} if subject.id in there else set()
                assert (set(subject.facts), subject.moving) == (held, {}), told
            assert [e for s in seen for e in s.happened if e] == [], told
            crossed += seen[1].happened == [None]
            if not seen[1].happened:
                break
        if not seen[0].happened:
            break
    assert crossed > 20


def _first(referral_id: str) -> str:
    return f"sub_{referral_id[4:]}"


async def _from_both_sides(
    mongo: Mongo, database: Database, pair: tuple[str, str], steps: tuple[int, int]
) -> list[Before]:
    one, other = pair

    async def say() -> None:
        async with connect(mongo.url, PATIENCE) as client:
            with suppress(Refused):
                await stores_on(client[database.name]).subjects.change(
                    _first(other), lambda s: decide_same(s, other, one, _first(one)), by=BY
                )

    async def carry_out() -> None:
        async with connect(mongo.url, PATIENCE) as client:
            await relink(stores_on(client[database.name]), _first(other), BY)

    seen = [Before(step, act) for step, act in zip(steps, (say, carry_out), strict=True)]
    client: AsyncMongoClient[dict[str, object]] = AsyncMongoClient(
        mongo.url, tz_aware=True, event_listeners=seen
    )
    async with client:
        stores = stores_on(client[database.name])
        first, second = [await stores.referrals.get(i) for i in pair]
        await decide(stores, first, second, "same_person", BY)
    return seen
