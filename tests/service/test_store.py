"""The one way to write: state and events together, each change once, nothing in silence."""

import asyncio
import json
import random
import traceback
from datetime import UTC, datetime, timedelta
from typing import NoReturn

import pytest
import pytest_asyncio
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from pydantic import ValidationError
from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from shared.clock import now
from shared.errors import AlreadyThere, NotFound, Outage, RecordFull, Refused
from shared.messaging.bus import Message
from shared.messaging.relay import Relay
from shared.origin import Origin
from shared.storage.claims import AHEAD
from shared.storage.records import Change, New, changed, unchanged
from shared.storage.store import MAX_OUTBOX, Database, Document, Store
from tests.harness.mongo import Mongo
from tests.harness.things import (
    CHANGED,
    SOMEONE,
    AboutThing,
    Thing,
    ThingChanged,
    ThingMade,
    counted,
)
from tests.service.conftest import SilentBus

AT = datetime(2026, 3, 29, 1, 30, 0, 123_000, tzinfo=UTC)


@pytest_asyncio.fixture
async def things(database: Database) -> Store[Thing]:
    """A store whose relay does not run: events stay in their outboxes."""
    made = Store(database["things"], Thing, Relay("test", SilentBus()), clock=lambda: AT)
    await made.prepare()
    return made


async def stored(things: Store[Thing], record_id: str = "thing_1") -> Document:
    """The document itself."""
    document = await things.collection.find_one({"_id": record_id})
    assert document is not None
    return document


def events(document: Document) -> list[Document]:
    """The events of its outbox."""
    return [json.loads(entry["body"]) for entry in document["outbox"]]


async def test_a_new_record_and_its_event_are_one_document(things: Store[Thing]) -> None:
    added = await things.add(Thing(id="thing_1", count=7), ThingMade(count=7), by=SOMEONE)

    document = await stored(things)
    (event,) = events(document)
    assert added == await things.get("thing_1")
    assert (document["count"], document["version"]) == (7, 1)
    assert "id" not in document, "the id is `_id`, once"
    assert event["type"] == "thing.made"
    assert event["dataschema"] == "urn:hub-and-spoke:thing.made:1"
    assert (event["subject"], event["version"], event["data"]) == ("thing_1", 1, {"count": 7})
    assert (event["source"], event["actor"], event["actorrole"]) == (
        "/services/test",
        "worker:wk_1",
        "worker",
    )
    assert document["outbox_due"] > AT


async def test_a_change_and_its_event_are_one_document(things: Store[Thing]) -> None:
    await things.add(Thing(id="thing_1"), ThingMade(), by=SOMEONE)

    after = await things.change("thing_1", counted, by=SOMEONE)

    document = await stored(things)
    assert (after.count, after.version) == (1, 2)
    assert (document["count"], document["version"]) == (1, 2)
    assert [(e["type"], e["version"]) for e in events(document)] == [
        ("thing.made", 1),
        (CHANGED, 2),
    ]


async def test_the_version_counts_events_without_gaps_also_when_a_change_has_two(
    things: Store[Thing],
) -> None:
    def twice(thing: Thing) -> Change[Thing]:
        return changed(thing, ThingChanged(count=1), ThingChanged(count=2), count=2)

    await things.add(Thing(id="thing_1"), ThingMade(), ThingChanged(), by=SOMEONE)
    await things.change("thing_1", twice, by=SOMEONE)
    after = await things.change("thing_1", counted, by=SOMEONE)

    document = await stored(things)
    assert after.version == document["version"] == 5
    assert [e["version"] for e in events(document)] == [1, 2, 3, 4, 5]
    assert len({e["id"] for e in events(document)}) == 5


async def test_concurrent_changes_all_take_effect_exactly_once(things: Store[Thing]) -> None:
    await things.add(Thing(id="thing_1"), ThingMade(), by=SOMEONE)

    results = await asyncio.gather(
        *(things.change("thing_1", counted, by=SOMEONE) for _ in range(20))
    )

    document = await stored(things)
    assert document["count"] == 20
    assert sorted(thing.count for thing in results) == list(range(1, 21))
    assert sorted(thing.version for thing in results) == list(range(2, 22))
    assert [e["version"] for e in events(document)] == list(range(1, 22))
    assert [e["data"]["count"] for e in events(document)] == list(range(21))


async def test_a_rule_that_says_no_writes_nothing(things: Store[Thing]) -> None:
    def refuse(_: Thing) -> NoReturn:
        raise Refused("not_now", "Not now.")

    await things.add(Thing(id="thing_1"), ThingMade(), by=SOMEONE)
    before = await stored(things)

    with pytest.raises(Refused, match="not_now"):
        await things.change("thing_1", refuse, by=SOMEONE)

    assert await stored(things) == before


async def test_a_rule_that_changes_nothing_writes_nothing(things: Store[Thing]) -> None:
    await things.add(Thing(id="thing_1"), ThingMade(), by=SOMEONE)
    sent = {"$set": {"outbox": []}, "$unset": {"outbox_due": ""}}
    await things.collection.update_one({"_id": "thing_1"}, sent)
    before = await stored(things)

    after = await things.change("thing_1", unchanged, by=SOMEONE)

    assert after.version == 1
    assert await stored(things) == before


async def test_a_record_without_an_event_is_refused(things: Store[Thing]) -> None:
    with pytest.raises(ValueError, match="invisible"):
        await things.add(Thing(id="thing_1"), by=SOMEONE)
    with pytest.raises(ValueError, match="invisible"):
        changed(Thing(id="thing_1"), count=1)

    assert await things.collection.count_documents({}) == 0


async def test_an_id_is_given_once(things: Store[Thing]) -> None:
    await things.add(Thing(id="thing_1", count=1), ThingMade(), by=SOMEONE)

    with pytest.raises(AlreadyThere):
        await things.add(Thing(id="thing_1", count=2), ThingMade(), by=SOMEONE)

    document = await stored(things)
    assert (document["count"], len(document["outbox"])) == (1, 1)


async def test_a_unique_key_is_given_once_and_no_error_quotes_it(things: Store[Thing]) -> None:
    name = "Jane Doe"

    def rename(thing: Thing) -> Change[Thing]:
        return changed(thing, ThingChanged(), name=name)

    await things.collection.create_index("name", unique=True)
    await things.add(Thing(id="thing_1", name=name), ThingMade(), by=SOMEONE)
    await things.add(Thing(id="thing_2", name="other"), ThingMade(), by=SOMEONE)

    with pytest.raises(AlreadyThere) as adding:
        await things.add(Thing(id="thing_3", name=name), ThingMade(), by=SOMEONE)
    with pytest.raises(AlreadyThere) as changing:
        await things.change("thing_2", rename, by=SOMEONE)

    assert await things.collection.count_documents({}) == 2
    assert (await things.get("thing_2")).version == 1
    for error in (adding.value, changing.value):
        assert error.__cause__ is None
        assert error.__context__ is None, "a careless logger prints that too"
        assert "Jane" not in "".join(traceback.format_exception(error))


def new(*numbers: int, name: str = "thing") -> list[New[Thing]]:
    """New things, each with an event and a timer."""
    return [
        New(Thing(id=f"thing_{n}", name=name, count=n), (ThingMade(count=n),), {"ring_due": AT})
        for n in numbers
    ]


async def test_many_new_records_are_stored_as_each_alone_would_be(things: Store[Thing]) -> None:
    there = await things.add_many(new(1, 2), by=SOMEONE)
    (alone,) = new(3)
    await things.add(alone.record, *alone.events, by=SOMEONE, due=alone.due)

    documents = [await stored(things, f"thing_{n}") for n in (1, 2, 3)]
    assert there == set()
    assert len({frozenset(document) for document in documents}) == 1
    for n, document in enumerate(documents, start=1):
        (event,) = events(document)
        assert (document["count"], document["version"], document["ring_due"]) == (n, 1, AT)
        assert (event["subject"], event["version"], event["data"]) == (
            f"thing_{n}",
            1,
            {"count": n},
        )


@pytest.mark.parametrize("seed", range(8))
async def test_of_many_records_those_that_are_there_stay_and_are_named(
    things: Store[Thing], seed: int
) -> None:
    chance = random.Random(seed)
    before = {n for n in range(12) if chance.random() < 0.5}
    wanted = sorted(range(12), key=lambda _: chance.random())
    assert await things.add_many(new(*before, name="first"), by=SOMEONE) == set()

    there = await things.add_many(new(*wanted, name="second"), by=SOMEONE)

    assert there == {f"thing_{n}" for n in before}
    for n in wanted:
        document = await stored(things, f"thing_{n}")
        assert document["name"] == ("first" if n in before else "second")
        assert len(events(document)) == 1


class Inserts(CommandListener):
    """The insert commands of a client: whether each was to be carried out in order."""

    def __init__(self) -> None:
        self.ordered: list[bool] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name == "insert":
            self.ordered.append(event.command.get("ordered", True))

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Nothing to note."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Nothing to note."""


async def test_many_records_are_stored_in_their_order(mongo: Mongo, database: Database) -> None:
    """So a crash of the store leaves the beginning: never one without those before it."""
    inserts = Inserts()
    async with AsyncMongoClient[Document](mongo.url, event_listeners=[inserts]) as client:
        things = Store(client[database.name]["things"], Thing, Relay("test", SilentBus()))
        await things.add_many(new(2), by=SOMEONE)
        assert await things.add_many(new(3, 2, 1), by=SOMEONE) == {"thing_2"}

    assert inserts.ordered == [True, True, True]


async def test_of_many_records_only_the_stored_ones_are_published(
    database: Database, silent: SilentBus
) -> None:
    relay = Relay("test", silent, lease=60)  # the poller would come much too late
    things = Store(database["things"], Thing, relay)
    await Store(database["things"], Thing, Relay("test", SilentBus(), lease=60)).add_many(
        new(2), by=SOMEONE
    )

    running = asyncio.create_task(relay.run())
    await things.add_many(new(1, 2, 3), by=SOMEONE)
    first, second = [await asyncio.wait_for(silent.published.get(), 5) for _ in range(2)]
    running.cancel()
    await asyncio.wait({running})

    assert {first.subject, second.subject} == {"thing_1", "thing_3"}
    assert silent.published.empty()


async def test_a_unique_key_is_given_once_also_among_many(things: Store[Thing]) -> None:
    await things.collection.create_index("name", unique=True)
    await things.add_many(new(1, name="Jane Doe"), by=SOMEONE)

    with pytest.raises(AlreadyThere) as adding:
        await things.add_many(
            [*new(1, name="Jane Doe"), *new(2, name="Jane Doe"), *new(3)], by=SOMEONE
        )

    assert {t.id for t in await things.find({})} == {"thing_1", "thing_3"}
    assert "Jane" not in "".join(traceback.format_exception(adding.value))


async def test_what_else_the_store_refuses_of_many_is_raised_and_quotes_nothing(
    things: Store[Thing],
) -> None:
    much = "Jane Doe" * (17 * 1024 * 1024 // 8)  # MongoDB's documents end at 16 MiB

    with pytest.raises(PyMongoError) as adding:
        await things.add_many([*new(1), *new(2, name=much)], by=SOMEONE)

    assert "Jane" not in "".join(traceback.format_exception(adding.value))


async def test_many_records_without_an_event_are_refused_and_none_of_many_is_nothing(
    things: Store[Thing],
) -> None:
    with pytest.raises(ValueError, match="invisible"):
        await things.add_many([*new(1), New(Thing(id="thing_2"), ())], by=SOMEONE)

    assert await things.add_many([], by=SOMEONE) == set()
    assert await things.collection.count_documents({}) == 0


async def test_a_field_that_a_record_does_not_have_is_refused() -> None:
    thing = Thing(id="thing_1")

    with pytest.raises(ValidationError, match="stauts"):
        thing.but(stauts="open")
    with pytest.raises(ValidationError, match="stauts"):
        changed(thing, ThingChanged(), stauts="open")


async def test_what_is_not_there_is_not_found(things: Store[Thing]) -> None:
    with pytest.raises(NotFound):
        await things.get("thing_1")
    with pytest.raises(NotFound):
        await things.change("thing_1", counted, by=SOMEONE)

    assert await things.collection.count_documents({}) == 0, "a change never creates"


async def test_find_sorts_limits_and_leaves_the_rest(things: Store[Thing]) -> None:
    for number in (2, 1, 3):
        record = Thing(id=f"thing_{number}", name="wanted", count=number)
        await things.add(record, ThingMade(), by=SOMEONE)
    await things.add(Thing(id="thing_4"), ThingMade(), by=SOMEONE)

    found = await things.find({"name": "wanted"}, sort=[("count", -1)], limit=2)

    assert [thing.id for thing in found] == ["thing_3", "thing_2"]


async def test_a_full_outbox_refuses_the_change_as_an_outage(things: Store[Thing]) -> None:
    await things.add(Thing(id="thing_1"), ThingMade(), by=SOMEONE)
    entry = (await stored(things))["outbox"][0]
    almost = [entry] * (MAX_OUTBOX - 1)
    await things.collection.update_one({"_id": "thing_1"}, {"$set": {"outbox": almost}})

    await things.change("thing_1", counted, by=SOMEONE)
    with pytest.raises(Outage, match="outbox_full"):
        await things.change("thing_1", counted, by=SOMEONE)

    document = await stored(things)
    assert (document["count"], len(document["outbox"])) == (1, MAX_OUTBOX)


@pytest.mark.parametrize(("there", "new"), [(0, 17_500_000), (16_770_000, 10_000)])
async def test_a_record_that_has_grown_to_its_bound_says_so_and_stays_as_it_was(
    things: Store[Thing], there: int, new: int
) -> None:
    """The driver refuses what is too large by itself, the server what makes a document so."""
    await things.add(Thing(id="thing_1"), ThingMade(), by=SOMEONE)
    grown = {"$set": {"of_another_release": "z" * there}}
    await things.collection.update_one({"_id": "thing_1"}, grown)
    before, large = await stored(things), "x" * new

    def rule(thing: Thing) -> Change[Thing]:
        return changed(thing, ThingChanged(), name=large)

    with pytest.raises(RecordFull) as refusal:
        await things.change("thing_1", rule, by=SOMEONE)
    assert refusal.value.__context__ is None, "nothing of the record is quoted"
    assert await stored(things) == before
    with pytest.raises(RecordFull):
        await things.add(Thing(id="thing_2", name="x" * 17_000_000), ThingMade(), by=SOMEONE)


@pytest.mark.parametrize("where", ["outbox", "sent"])
async def test_a_record_that_is_full_of_events_is_an_outage_and_has_room_once_they_are_gone(
    things: Store[Thing], where: str
) -> None:
    await things.add(Thing(id="thing_1"), ThingMade(), by=SOMEONE)
    entry = (await stored(things))["outbox"][0]
    waiting = [{**entry, "body": "x" * 64_000}] * 261
    await things.collection.update_one({"_id": "thing_1"}, {"$set": {where: waiting}})
    large = "y" * 70_000

    def rule(thing: Thing) -> Change[Thing]:
        return changed(thing, ThingChanged(), name=large)

    with pytest.raises(Outage, match="outbox_full"):
        await things.change("thing_1", rule, by=SOMEONE)
    await things.collection.update_one({"_id": "thing_1"}, {"$set": {where: []}})
    assert (await things.change("thing_1", rule, by=SOMEONE)).name == large


async def test_who_has_just_read_a_record_does_not_read_it_again_and_loses_no_race(
    things: Store[Thing],
) -> None:
    seen = await things.add(Thing(id="thing_1"), ThingMade(), by=SOMEONE)
    decided_on: list[int] = []

    def rule(thing: Thing) -> Change[Thing]:
        decided_on.append(thing.version)
        return counted(thing)

    await things.change("thing_1", rule, by=SOMEONE, seen=seen)
    after = await things.change("thing_1", rule, by=SOMEONE, seen=seen)

    assert (after.count, after.version) == (2, 3)
    assert decided_on == [1, 1, 2], "what was seen was no longer true the second time"


async def test_a_full_outbox_is_left_alone_by_who_has_not_read_it(things: Store[Thing]) -> None:
    seen = await things.add(Thing(id="thing_1"), ThingMade(), by=SOMEONE)
    entry = (await stored(things))["outbox"][0]
    full = {"$set": {"outbox": [entry] * MAX_OUTBOX}}
    await things.collection.update_one({"_id": "thing_1"}, full)

    with pytest.raises(Outage, match="outbox_full"):
        await things.change("thing_1", counted, by=SOMEONE, seen=seen)

    assert len((await stored(things))["outbox"]) == MAX_OUTBOX


async def test_what_the_outbox_holds_is_to_the_byte_what_the_bus_gets(
    database: Database, silent: SilentBus
) -> None:
    relay = Relay("test", silent)
    things = Store(database["things"], Thing, relay)
    await things.add(Thing(id="thing_1"), ThingMade(), by=SOMEONE)
    body = (await stored(things))["outbox"][0]["body"]

    running = asyncio.create_task(relay.run())
    published: Message = await asyncio.wait_for(silent.published.get(), 5)
    running.cancel()
    await asyncio.wait({running})

    assert published.body == body.encode()
    assert (published.id, published.subject, published.version) == (
        json.loads(body)["id"],
        "thing_1",
        1,
    )


async def test_an_event_tells_the_trace_it_was_written_in(things: Store[Thing]) -> None:
    tracer = TracerProvider().get_tracer("test")

    with tracer.start_as_current_span("write") as span:
        await things.add(Thing(id="thing_1"), ThingMade(), by=SOMEONE)
    await things.add(Thing(id="thing_2"), ThingMade(), by=SOMEONE)

    (traced,), (untraced,) = events(await stored(things)), events(await stored(things, "thing_2"))
    context = span.get_span_context()
    assert traced["traceparent"].split("-")[1:3] == [
        trace.format_trace_id(context.trace_id),
        trace.format_span_id(context.span_id),
    ]
    assert "traceparent" not in untraced


async def test_an_event_tells_what_caused_it_and_which_referral_it_belongs_to(
    things: Store[Thing],
) -> None:
    class ThingLinked(AboutThing):
        referral_id: str

    ThingLinked.event_type = "thing.linked"
    by = Origin("service:x", "service", causation_id="evt_0", correlation_id="ref_of_origin")

    await things.add(
        Thing(id="thing_1"), ThingMade(), ThingLinked(referral_id="ref_of_data"), by=by
    )
    await things.add(Thing(id="thing_2"), ThingMade(), by=SOMEONE)

    of_origin, of_data = events(await stored(things))
    (of_itself,) = events(await stored(things, "thing_2"))
    assert (of_origin["correlationid"], of_origin["causationid"]) == ("ref_of_origin", "evt_0")
    assert of_data["correlationid"] == "ref_of_data"
    assert of_itself["correlationid"] == "thing_2"
    assert "causationid" not in of_itself


async def test_a_time_comes_back_as_it_was(things: Store[Thing]) -> None:
    at = now()

    added = await things.add(Thing(id="thing_1", seen_at=at), ThingMade(), by=SOMEONE)

    read = await things.get("thing_1")
    assert read == added
    assert read.seen_at == at
    assert read.seen_at.tzinfo is not None


async def test_a_field_of_a_newer_release_does_not_stop_an_older_one(
    things: Store[Thing],
) -> None:
    await things.add(Thing(id="thing_1"), ThingMade(), by=SOMEONE)
    await things.collection.update_one({"_id": "thing_1"}, {"$set": {"colour": "red"}})

    after = await things.change("thing_1", counted, by=SOMEONE)

    assert after.count == 1
    assert (await stored(things))["colour"] == "red", "and it must not lose it"


async def test_a_stored_field_that_a_record_does_not_have_is_named_once(
    things: Store[Thing], capsys: pytest.CaptureFixture[str]
) -> None:
    await things.add_many(new(1, 2), by=SOMEONE)  # with an outbox and a timer: no such fields
    await things.get("thing_1")
    silent = capsys.readouterr()
    await things.collection.update_many({}, {"$set": {"colour_7": "Jane Doe"}})

    await things.find({})
    await things.get("thing_1")

    told = "".join(capsys.readouterr())
    assert "unknown" not in "".join(silent)
    assert told.count("colour_7") == 1
    assert "Jane" not in told


async def test_a_caller_that_goes_away_leaves_a_whole_change_or_none(things: Store[Thing]) -> None:
    await things.add(Thing(id="thing_1"), ThingMade(), by=SOMEONE)
    decided = asyncio.Event()

    def count_and_tell(thing: Thing) -> Change[Thing]:
        decided.set()
        return counted(thing)

    caller = asyncio.create_task(things.change("thing_1", count_and_tell, by=SOMEONE))
    await decided.wait()
    caller.cancel()
    await asyncio.wait({caller})

    after = await things.change("thing_1", counted, by=SOMEONE)
    document = await stored(things)
    assert after.version == document["version"] == len(document["outbox"])


async def test_preparing_twice_changes_nothing(things: Store[Thing]) -> None:
    await things.prepare([("name", 1)])
    before = await things.collection.index_information()

    await things.prepare([("name", 1)])

    assert await things.collection.index_information() == before
    assert before["outbox_due_1"]["sparse"], "it holds only records where the clock runs"


async def test_of_many_that_are_due_every_one_is_claimed_once_however_many_ask(
    database: Database,
) -> None:
    clock = {"ring_due": AT}
    replicas = [
        Store(database["things"], Thing, Relay("test", SilentBus()), clock=lambda: AT)
        for _ in range(3)
    ]
    await replicas[0].prepare(timers=["ring_due"])
    for number in range(3 * AHEAD):
        await replicas[0].add(Thing(id=f"t_{number:02}"), ThingMade(), by=SOMEONE, due=clock)

    async def all_of(things: Store[Thing]) -> list[str]:
        found = []
        while thing := await things.claim("ring_due", 60):
            found.append(thing.id)
        return found

    claimed = [name for names in await asyncio.gather(*map(all_of, replicas)) for name in names]

    assert sorted(claimed) == [f"t_{number:02}" for number in range(3 * AHEAD)]


async def test_what_was_seen_to_be_due_is_not_claimed_when_it_no_longer_is(
    things: Store[Thing],
) -> None:
    for number in range(4):
        due = AT - timedelta(minutes=4 - number)
        await things.add(Thing(id=f"t_{number}"), ThingMade(), by=SOMEONE, due={"ring_due": due})
    first = await things.claim("ring_due", 60)

    await things.postpone("t_1", "ring_due", AT + timedelta(minutes=1))
    second = await things.claim("ring_due", 60)
    only_named = await things.claim("ring_due", 60, {"name": "another"})
    last = await things.claim("ring_due", 60)

    assert [thing and thing.id for thing in (first, second, last)] == ["t_0", "t_2", "t_3"]
    assert only_named is None
    assert await things.claim("ring_due", 60) is None


class Alarm(Thing):
    """A thing that rings at the time it was seen."""

    def timers(self) -> dict[str, datetime | None]:
        return {"ring_due": self.seen_at}


@pytest.mark.parametrize("how", ["add", "add_many"])
async def test_a_timer_is_stored_with_the_field_it_follows_from(
    database: Database, how: str
) -> None:
    alarms = Store(database["alarms"], Alarm, Relay("test", SilentBus()), clock=lambda: AT)
    await alarms.prepare(timers=["ring_due"])
    alarm = Alarm(id="a_1", seen_at=AT)
    if how == "add":
        await alarms.add(alarm, ThingMade(), by=SOMEONE)
    else:
        await alarms.add_many([New(alarm, (ThingMade(),))], by=SOMEONE)

    claimed = await alarms.claim("ring_due", lease=60)
    assert claimed is not None
    await alarms.change("a_1", lambda a: changed(a, ThingChanged(), name="x"), by=SOMEONE)
    assert await alarms.claim("ring_due", lease=60) is None, "the claim outlasts a change beside it"

    again = AT - timedelta(seconds=1)
    await alarms.change("a_1", lambda a: changed(a, ThingChanged(), seen_at=again), by=SOMEONE)
    assert await alarms.claim("ring_due", lease=60) is not None, "the field moved the timer"

    await alarms.change("a_1", lambda a: changed(a, ThingChanged(), seen_at=None), by=SOMEONE)
    assert "ring_due" not in (await database["alarms"].find_one({"_id": "a_1"}) or {})


async def test_a_record_stored_by_an_earlier_release_keeps_its_timer(database: Database) -> None:
    alarms = Store(database["alarms"], Alarm, Relay("test", SilentBus()), clock=lambda: AT)
    await alarms.add(Alarm(id="a_1", seen_at=AT + timedelta(days=1)), ThingMade(), by=SOMEONE)
    early = {"$set": {"ring_due": AT}}  # set beside the field, and not to the same time
    await database["alarms"].update_one({"_id": "a_1"}, early)

    claimed = await alarms.claim("ring_due", lease=60)

    assert claimed is not None
    await alarms.change("a_1", lambda a: changed(a, ThingChanged(), seen_at=None), by=SOMEONE)
    assert "ring_due" not in (await database["alarms"].find_one({"_id": "a_1"}) or {})
