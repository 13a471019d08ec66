"""What a search finds is what matches, whichever way it is found; and a page costs what it shows, however
much the filter matches."""

import random
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import pytest_asyncio
from pymongo import AsyncMongoClient
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent
from pymongo.monitoring import CommandSucceededEvent as Succeeded

from services.audit.log.finding import LOOK, SELDOM
from services.audit.search.fields import BUT, RAREST, search_from
from services.audit.search.held import is_found
from tests.golden.trail_fields import found_by
from tests.harness.mongo import Mongo
from tests.harness.trails import OneTrail, body, writer

COUNT, LATE = 8 * LOOK, 7 * LOOK
PAGE = 20


class Questions(CommandListener):
    """The filters with which entries were asked for."""

    def __init__(self) -> None:
        self.asked: list[Mapping[str, Any]] = []
        self.read: list[set[str]] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name == "find" and event.command["find"] == "entries":
            self.asked.append(event.command["filter"])
            self.read.append(set(event.command.get("projection", {"leaf": 1})))

    def succeeded(self, _: Succeeded) -> None:
        """Nothing to note."""

    def failed(self, _: CommandFailedEvent) -> None:
        """Nothing to note."""


def event(number: int) -> bytes:
    """All from one agency; every third is a look; one worker comes late, one young person seldom."""
    data: dict[str, Any] = {"subject_id": f"sub_{number % (COUNT // 4)}"}
    if number % 3 == 0:
        data |= {"type": "record.viewed", "viewer_kind": "referrer"}
    if number >= LATE:
        data |= {"actor": "worker:wk_late", "actorrole": "worker"}
    return body(number, **data)


@pytest_asyncio.fixture(scope="module")
async def found(mongo: Mongo) -> AsyncIterator[tuple[OneTrail, Questions]]:
    """A trail of its own, and what it asks of its store."""
    questions = Questions()
    async with AsyncMongoClient[dict[str, Any]](
        mongo.url, tz_aware=True, event_listeners=[questions]
    ) as client:
        trail = writer(client["finding"])
        await trail.parts.prepare()
        for start in range(0, COUNT, 256):
            await trail.append(*(event(n) for n in range(start, start + 256)))
        yield trail, questions


FILTERS: tuple[dict[str, Any], ...] = (
    {},
    {"agency": "ag_school"},
    {"type": "record.viewed"},
    {"type": ["record.viewed", "referral.received"]},
    {"type": "referral.received", "agency": "ag_school"},
    {"worker": "wk_late"},
    {"worker": "wk_late", "type": "record.viewed"},
    {"subject_id": "sub_7"},
    {"subject_id": "sub_7", "type": "referral.received", "agency": "ag_school"},
    {"subject_id": "sub_none"},
    {BUT: frozenset({"type:record.viewed"})},
    {"agency": "ag_school", BUT: frozenset({"worker:wk_late"})},
    {"subject_id": "sub_9", BUT: frozenset({"type:record.viewed"})},
)


@pytest.mark.parametrize("where", FILTERS, ids=str)
async def test_a_page_is_the_first_that_match_wherever_they_are(
    found: tuple[OneTrail, Questions], where: dict[str, Any]
) -> None:
    trail, _ = found
    keys = [search_from(d["leaf"])["keys"] async for d in trail.parts.trail.scan({}, COUNT)]
    matching = [seq for seq in range(COUNT) if is_found(keys[seq], where)]
    pick = random.Random(str(where))
    pages = [(0, COUNT, COUNT), (0, COUNT, 1), (LATE, COUNT, PAGE), (5, 5, PAGE)]
    pages += [
        (pick.randrange(COUNT), pick.randrange(COUNT), pick.randrange(1, 80)) for _ in range(12)
    ]

    for start, size, limit in pages:
        documents = await trail.parts.trail.find(where, start=start, size=size, limit=limit)
        wanted = [seq for seq in matching if start <= seq < size][:limit]
        assert [document["seq"] for document in documents] == wanted, (start, size, limit)
    assert [d["seq"] async for d in trail.parts.trail.scan(where, COUNT)] == matching


@pytest.mark.parametrize(
    "referral", ["subject_id:sub_7", "agency:ag_school", "referral_id:ref_none"]
)
async def test_whose_a_referral_is_takes_one_question_and_reads_no_entry_whether_there_is_one(
    found: tuple[OneTrail, Questions], referral: str
) -> None:
    trail, questions = found
    keys = [search_from(d["leaf"])["keys"] async for d in trail.parts.trail.scan({}, COUNT)]
    questions.read.clear()

    told = await trail.parts.trail.keys_of(referral, LATE)

    assert told == [frozenset(one) for one in keys[:LATE] if referral in one]
    assert questions.read == [{"fields.keys", "seq"}]


async def asked_for(found: tuple[OneTrail, Questions], start: int, **where: Any) -> list[Any]:
    """What one page of a filter asks of the store."""
    trail, questions = found
    questions.asked.clear()
    documents = await trail.parts.trail.find(where, start=start, size=COUNT, limit=PAGE)
    assert documents
    return list(questions.asked)


@pytest.mark.parametrize("start", [0, COUNT // 2])
async def test_a_page_of_what_matches_much_looks_at_few_places_only(
    found: tuple[OneTrail, Questions], start: int
) -> None:
    """However large the trail and however many match: the index on places bounds what is read."""
    for where in ({"agency": "ag_school"}, {"agency": "ag_school", "type": "record.viewed"}):
        (one,) = await asked_for(found, start, **where)

        assert one["seq"] == {"$gte": start, "$lt": start + LOOK}


async def test_what_matches_little_is_looked_up_by_the_rarest_thing_alone(
    found: tuple[OneTrail, Questions],
) -> None:
    """Anything beside it, and the embedded stores would read every entry instead of the index."""
    first, second = await asked_for(
        found, 1, subject_id="sub_7", agency="ag_school", type="referral.received"
    )

    assert first["seq"]["$lt"] - first["seq"]["$gte"] == LOOK
    assert second["fields.keys"] == {"$in": ["subject_id:sub_7"]}


async def test_among_the_last_entries_what_matches_little_is_looked_for_there(
    found: tuple[OneTrail, Questions],
) -> None:
    """As the trail does for new tallies every twenty seconds: all that ever were are not read again."""
    trail, questions = found
    questions.asked.clear()

    assert (
        await trail.parts.trail.find(
            {"type": "trail.tallied"}, start=COUNT - 2 * LOOK, size=COUNT, limit=PAGE
        )
        == []
    )
    assert all(one["seq"]["$gte"] >= COUNT - 2 * LOOK for one in questions.asked)
    assert not any("$in" in one["fields.keys"] for one in questions.asked)


async def test_what_is_known_is_found_among_the_newest_without_reading_all_that_have_it(
    found: tuple[OneTrail, Questions],
) -> None:
    trail, questions = found
    questions.asked.clear()

    assert await trail.parts.trail.holds(["recipient:ag_school", "agency:ag_school"])
    assert [one["seq"] for one in questions.asked] == [{"$gte": COUNT - LOOK}]
    assert await trail.parts.trail.holds([f"referral_id:ref_{LOOK}"]), "an older one as well"
    assert not await trail.parts.trail.holds(["agency:ag_none"])


def test_whatever_can_be_asked_for_has_its_place_among_the_rarest() -> None:
    names = {key.partition(":")[0] for keys in found_by().values() for key in keys}

    assert names == set(RAREST)
    assert SELDOM * 4 <= LOOK, "a window tells much from little by more than three"
