"""What `shared.messaging.bus` promises, held against both buses."""

import asyncio
import random
from dataclasses import replace
from functools import partial

import pytest

from shared.errors import NotFound, Outage, Poison
from shared.messaging.bus import MAX_ATTEMPTS, Bus, DeadLetter, Message, Unconfirmed
from tests.harness.buses import ONE, TWO, Ear, Trail, confirmed, fails, listen, publish, running
from tests.harness.things import CHANGED, MADE, message
from tests.harness.waiting import PATIENCE, until
from tests.service.conftest import MakeBus


async def parked(bus: Bus, *, count: int = 1) -> list[DeadLetter]:
    """The dead letters, once there are `count`."""

    async def enough() -> list[DeadLetter]:
        letters = await bus.dead_letters()
        return letters if len(letters) >= count else []

    return await until(enough, what=f"{count} parked messages")


async def test_a_confirmed_event_is_heard_by_every_queue_bound_to_it_and_by_no_other(
    make_bus: MakeBus,
) -> None:
    one, two = Ear(), Ear()
    bus = make_bus()
    listen(bus, one, two)
    for_both, for_one = message(MADE), message(CHANGED)

    async with running(bus):
        await publish(bus, for_both, for_one)
        await until(lambda: len(one.done) == 2 and len(two.done) == 1)

    assert set(one.ids) == {for_both.id, for_one.id}
    assert two.ids == [for_both.id]
    assert two.heard[0].body == for_both.body
    assert (two.heard[0].type, two.heard[0].stream) == (MADE, for_both.stream)


async def test_the_events_of_one_stream_are_handled_in_order(make_bus: MakeBus) -> None:
    async def dawdle(heard: Message) -> None:
        await asyncio.sleep(0.02 if heard.version % 3 == 0 else 0)

    ear = Ear(dawdle)
    bus = make_bus()
    listen(bus, ear)
    streams = [[message(stream=f"stream-{n}") for _ in range(15)] for n in range(4)]

    async with running(bus):
        # All at once, as the relay does: the order is that of the calls.
        everything = [m for together in zip(*streams, strict=True) for m in together]
        await asyncio.gather(*(bus.publish(m) for m in everything))
        await until(lambda: len(ear.done) == len(everything))

    for messages in streams:
        of_this = [id_ for id_ in ear.done if id_ in {m.id for m in messages}]
        assert of_this == [m.id for m in messages]


async def test_two_events_of_one_stream_are_never_handled_at_the_same_time(
    make_bus: MakeBus,
) -> None:
    inside = overlaps = 0

    async def occupy(_: Message) -> None:
        nonlocal inside, overlaps
        inside += 1
        overlaps += inside > 1
        await asyncio.sleep(0.01)
        inside -= 1

    ear = Ear(occupy)
    bus = make_bus()
    listen(bus, ear)

    async with running(bus):
        await asyncio.gather(*(bus.publish(message(stream="the-one")) for _ in range(20)))
        await until(lambda: len(ear.done) == 20)

    assert overlaps == 0


async def test_a_failing_event_is_tried_again_after_growing_delays_until_it_succeeds(
    make_bus: MakeBus,
) -> None:
    one, two = Ear(fails(3, RuntimeError())), Ear()
    bus = make_bus()
    listen(bus, one, two)
    event = message(MADE)

    async with running(bus):
        await publish(bus, event)
        await until(lambda: one.done == [event.id])
        letters = await bus.dead_letters()

    first, second, third = one.gaps
    assert 0.15 < first < second < third < 3
    assert [heard.attempt for heard in one.heard] == [0, 1, 2, 3]
    assert {heard.body for heard in one.heard} == {event.body}
    assert two.ids == [event.id], "a failure in one queue must not reach the others"
    assert letters == []


async def test_an_event_that_always_fails_is_parked_with_its_reason_and_nothing_of_its_content(
    make_bus: MakeBus,
) -> None:
    ear = Ear(fails(99, ValueError("Jane Doe, 12 Sesame Street")))
    bus = make_bus()
    listen(bus, ear)
    event = message()

    async with running(bus):
        await publish(bus, event)
        (letter,) = await parked(bus)

    assert len(ear.heard) == MAX_ATTEMPTS
    assert (letter.queue, letter.message_id, letter.type) == (ONE, event.id, CHANGED)
    assert (letter.reason, letter.attempts, letter.body) == ("ValueError", MAX_ATTEMPTS, event.body)
    assert letter.since is not None


async def test_what_comes_before_its_cause_is_tried_often_and_soon_and_uses_up_no_attempt(
    make_bus: MakeBus,
) -> None:
    late = random.randint(MAX_ATTEMPTS + 1, 3 * MAX_ATTEMPTS)
    ear = Ear(fails(late, NotFound()))
    bus = make_bus()
    listen(bus, ear)
    event = message()

    async with running(bus):
        await publish(bus, event)
        await until(lambda: ear.done == [event.id], deadline=30)
        letters = await bus.dead_letters()

    assert [heard.attempt for heard in ear.heard] == [0] * (late + 1)
    assert ear.gaps[0] < 0.15 * PATIENCE, "within milliseconds"
    assert sorted(ear.gaps)[late // 2] < 0.3 * PATIENCE, "later each time the first of the delays"
    assert letters == []


async def test_many_that_are_early_at_once_are_in_nobodys_way(make_bus: MakeBus) -> None:
    came = False

    async def needs_a_cause(heard: Message) -> None:
        if heard.version and not came:
            raise NotFound

    ear = Ear(needs_a_cause)
    bus = make_bus()
    listen(bus, ear)
    # More than are taken from the broker at once, of the stream of the others, too.
    early = [replace(message(stream="same"), version=1) for _ in range(100)]
    others = [replace(message(stream="same"), version=0) for _ in range(5)]

    async with running(bus):
        publishing = [asyncio.create_task(confirmed(bus, each)) for each in early]
        await until(lambda: len(set(ear.ids)) == len(early))
        await publish(bus, *others)
        await until(lambda: len(ear.done) == len(others))
        passed = list(ear.done)
        came = True
        await until(lambda: len(ear.done) == len(early) + len(others), deadline=30)
        await asyncio.gather(*publishing)

    assert passed == [each.id for each in others]
    assert {heard.attempt for heard in ear.heard} == {0}


async def test_a_cause_that_never_comes_does_not_hide_for_ever(
    make_bus: MakeBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.messaging.bus.MAX_EARLY", 3)
    ear = Ear(fails(99, NotFound()))
    bus = make_bus()
    listen(bus, ear)
    event = message()

    async with running(bus):
        await publish(bus, event)
        (letter,) = await parked(bus)

    assert len(ear.heard) == MAX_ATTEMPTS + 3
    assert (letter.message_id, letter.reason) == (event.id, "NotFound")


async def test_poison_is_parked_at_once_with_its_own_reason(make_bus: MakeBus) -> None:
    ear = Ear(fails(1, Poison("unknown_schema_version")))
    bus = make_bus()
    listen(bus, ear)
    event = message()

    async with running(bus):
        await publish(bus, event)
        (letter,) = await parked(bus)

    assert ear.ids == [event.id]
    assert (letter.reason, letter.attempts) == ("poison:unknown_schema_version", 1)


async def test_a_parked_event_is_not_in_the_way_of_the_others(make_bus: MakeBus) -> None:
    poisonous = message(stream="same")

    async def refuse(heard: Message) -> None:
        if heard.id == poisonous.id:
            raise Poison("invalid")

    ear = Ear(refuse)
    bus = make_bus()
    listen(bus, ear)
    good = [message(stream="same") for _ in range(5)]

    async with running(bus):
        await publish(bus, *good[:2], poisonous, *good[2:])
        await until(lambda: len(ear.done) == 5)
        letters = await parked(bus)

    assert ear.done == [m.id for m in good]
    assert [letter.message_id for letter in letters] == [poisonous.id]


async def test_a_retried_event_is_not_in_the_way_of_the_others(make_bus: MakeBus) -> None:
    unlucky = message(stream="same")

    async def stumble(heard: Message) -> None:
        if heard.id == unlucky.id and heard.attempt < 2:
            raise RuntimeError

    ear = Ear(stumble)
    bus = make_bus()
    listen(bus, ear)
    good = [message(stream="same") for _ in range(3)]

    async with running(bus):
        await asyncio.gather(confirmed(bus, unlucky), *(publish(bus, m) for m in good))
        await until(lambda: len(ear.done) == 4)

    assert ear.done == [*(m.id for m in good), unlucky.id]


async def test_a_queue_says_how_much_of_it_was_parked(make_bus: MakeBus) -> None:
    ear = Ear(fails(1, Poison("never")))
    bus = make_bus()
    listen(bus, ear)

    async def depths() -> dict[str, tuple[int, int]]:
        return {name: found for name, found in (await bus.depths()).items() if any(found)}

    async with running(bus):
        assert await depths() == {}
        await publish(bus, message(MADE))
        await parked(bus)
        await until(depths, what="the dead letter in the count")
        assert await depths() == {ONE: (0, 1)}


async def test_a_replayed_event_is_handled_and_no_longer_listed(make_bus: MakeBus) -> None:
    one, two = Ear(fails(1, Poison("invalid"))), Ear(fails(1, Poison("invalid")))
    bus = make_bus()
    listen(bus, one, two)
    event, other = message(MADE), message(CHANGED)

    async with running(bus):
        await publish(bus, event)
        await parked(bus, count=2)
        one.then = fails(1, Poison("still"))
        await publish(bus, other)
        await parked(bus, count=3)

        replayed = await bus.replay(event.id)

        await until(lambda: one.done == two.done == [event.id])

        async def only_the_other() -> bool:
            return [letter.message_id for letter in await bus.dead_letters()] == [other.id]

        await until(only_the_other, what="the replayed event being gone from the list")
        assert await bus.replay("evt_unknown") == 0
    assert replayed == 2


async def test_a_discarded_event_is_gone_from_every_queue_and_the_others_stay(
    make_bus: MakeBus,
) -> None:
    bus = make_bus()
    listen(bus, Ear(fails(2, Poison("invalid"))), Ear(fails(1, Poison("invalid"))))
    event, other = message(MADE), message(CHANGED)

    async with running(bus):
        await publish(bus, event)
        await parked(bus, count=2)
        await publish(bus, other)
        await parked(bus, count=3)
        counts = [await bus.discard(name) for name in (event.id, event.id, "evt_unknown")]
        left = await bus.dead_letters()

    assert counts == [2, 0, 0]
    assert [letter.message_id for letter in left] == [other.id]


async def test_a_replayed_event_that_fails_again_is_parked_again(make_bus: MakeBus) -> None:
    ear = Ear(fails(2, Poison("invalid")))
    bus = make_bus()
    listen(bus, ear)
    event = message()

    async with running(bus):
        await publish(bus, event)
        await parked(bus)
        await bus.replay(event.id)
        await until(lambda: len(ear.heard) == 2)

        (letter,) = await parked(bus)

    assert (letter.message_id, letter.reason) == (event.id, "poison:invalid")


async def test_an_outage_holds_the_event_and_uses_up_no_attempt(make_bus: MakeBus) -> None:
    away = False

    async def probe() -> None:
        if away:
            raise ConnectionError

    async def needs_the_store(_: Message) -> None:
        if away:
            raise Outage("store")

    ear = Ear(needs_the_store)
    bus = make_bus(probe)
    listen(bus, ear)
    event = message()

    async with running(bus):
        away = True
        publishing = asyncio.create_task(publish(bus, event))
        await until(lambda: ear.heard)
        tried = len(ear.heard)
        await asyncio.wait({publishing}, timeout=1)
        tried_while_away = len(ear.heard) - tried
        away = False
        await until(lambda: ear.done == [event.id])
        await asyncio.wait_for(publishing, 10 * PATIENCE)
        letters = await bus.dead_letters()

    assert tried_while_away == 0, "while the store is away nobody should try"
    assert {heard.attempt for heard in ear.heard} == {0}
    assert letters == []


async def test_an_outage_that_the_probe_does_not_see_is_waited_out_without_haste(
    make_bus: MakeBus,
) -> None:
    ear = Ear(fails(4, Outage("outbox_full")))
    bus = make_bus()
    listen(bus, ear)
    event = message()

    async with running(bus):
        await publish(bus, event)
        await until(lambda: ear.done == [event.id])

    assert {heard.attempt for heard in ear.heard} == {0}
    assert sum(ear.gaps) > 0.5
    assert ear.gaps == sorted(ear.gaps)


async def test_the_feed_sees_every_event_of_every_type_in_the_order_of_publishing(
    make_bus: MakeBus,
) -> None:
    async def slow_or_failing(heard: Message) -> None:
        if heard.version % 4 == 0 and heard.attempt == 0:
            raise RuntimeError
        await asyncio.sleep(0.02 * (heard.version % 3))

    trail = Trail(fails=1)
    bus = make_bus()
    listen(bus, Ear(slow_or_failing))
    bus.feed(trail.feed)
    events = [message(kind) for kind in (MADE, CHANGED, "thing.unheard") for _ in range(8)]

    async with running(bus):
        await asyncio.gather(*(publish(bus, event) for event in events))
        await until(lambda: len(set(trail.ids)) == len(events))

    assert list(dict.fromkeys(trail.ids)) == [event.id for event in events]
    assert trail.entries[0].message.body == events[0].body


def _holds(trail: Trail, count: int) -> bool:
    return len(trail.ids) >= count


async def test_after_a_restart_the_feed_continues_without_loss(make_bus: MakeBus) -> None:
    trail = Trail()
    events = [message() for _ in range(10)]

    for share, known in ((events[:5], 5), (events[5:], 10)):
        bus = make_bus()
        listen(bus)
        bus.feed(trail.feed)
        async with running(bus):
            await publish(bus, *share)
            await until(partial(_holds, trail, known))

    assert trail.ids == [event.id for event in events]


async def test_a_bus_that_does_not_run_confirms_nothing(make_bus: MakeBus) -> None:
    ear = Ear()
    bus = make_bus()
    listen(bus, ear)

    assert not bus.ready
    with pytest.raises(Unconfirmed):
        await bus.publish(message())
    async with running(bus):
        await publish(bus, message())
        await until(lambda: ear.done)
    assert not bus.ready
    with pytest.raises(Unconfirmed):
        await bus.publish(message())


async def test_a_restart_in_the_middle_of_handling_delivers_again(make_bus: MakeBus) -> None:
    async def never_done(_: Message) -> None:
        await asyncio.Event().wait()

    stuck, ear = Ear(never_done), Ear()
    event = message(MADE)
    first, second = make_bus(), make_bus()
    listen(first, stuck)
    listen(second, ear)

    async with running(first):
        publishing = asyncio.create_task(confirmed(first, event))
        await until(lambda: stuck.heard)
    was_confirmed = await asyncio.wait_for(publishing, 5 * PATIENCE)
    async with running(second):
        if not was_confirmed:  # then it is in its outbox still
            await publish(second, event)
        await until(lambda: ear.done)

    assert ear.done == [event.id]


async def test_both_queues_have_names_of_the_topology_in_the_list_of_parked_events(
    make_bus: MakeBus,
) -> None:
    bus = make_bus()
    listen(bus, Ear(fails(1, Poison("a"))), Ear(fails(1, Poison("b"))))

    async with running(bus):
        await publish(bus, message(MADE))
        letters = await parked(bus, count=2)
        limited = await bus.dead_letters(limit=1)

    assert {letter.queue: letter.reason for letter in letters} == {
        ONE: "poison:a",
        TWO: "poison:b",
    }
    assert len(limited) == 1
