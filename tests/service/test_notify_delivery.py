"""Deliveries to well-behaved, slow, hostile and absent endpoints: real HTTP, a real store."""

import asyncio
import time
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from standardwebhooks import Webhook

from services.notify.delivery.dispatcher import AT_ONCE_FAILING, PER_RECIPIENT
from services.notify.delivery.outcomes import UNREACHABLE
from services.notify.delivery.webhook import Caller
from services.notify.subscriptions.subscription import rotate
from shared.clock import now
from shared.storage.store import Database
from tests.harness.hostile import WAYS, Hostile
from tests.harness.processes import free_port
from tests.harness.receiver import receiving, receiving_as
from tests.harness.waiting import PATIENCE, until
from tests.service.notifying import (
    HUB,
    OPERATOR,
    POLICE,
    SCALE,
    Hands,
    Told,
    consent,
    dispatching,
    referral,
    settled,
    stores_on,
)


@pytest_asyncio.fixture
async def told(database: Database) -> Told:
    """With a clock that the test moves."""
    clock = Hands()
    stores = stores_on(database, clock)
    await stores.prepare()
    return Told(stores, clock)


async def partner(told: Told, url: str, agency_id: str = POLICE, **changes: Any) -> None:
    """One partner agency with a webhook, and consent to tell it."""
    await told.network(agency_id)
    await told.subscribed(agency_id, url=url, **changes)
    await told.says(consent())


async def reach(told: Told, *referral_ids: str) -> None:
    for referral_id in referral_ids:
        await told.happens("referral.received", referral_id, **referral(referral_id))


async def test_hanging_and_hostile_endpoints_do_not_hold_up_anyone_else(database: Database) -> None:
    told = Told(stores_on(database, now), Hands())
    await told.stores.prepare()
    hostile = [f"{way}-{number}" for way in WAYS for number in range(3)]
    well = [f"well-{number}" for number in range(10)]
    await told.network(*hostile, *well)
    await told.says(consent())
    caller = Caller(development=True, timeout=120)  # nothing that hangs ends by itself in this test
    async with receiving_as(Hostile) as receiver, caller.ready():
        for name in hostile:
            await told.subscribed(name, url=receiver.at(name))
        await reach(told, *(f"ref_{number}" for number in range(3)))  # these are due first
        for name in well:
            await told.subscribed(name, url=receiver.at(name))
        await reach(told, *(f"ref_w{number}" for number in range(3)))
        started = time.monotonic()

        async with dispatching(told.stores, caller):
            await until(lambda: len(receiver.heard("well")) == 30, deadline=60, what="the others")
            print(f"30 deliveries beside 15 hostile endpoints: {time.monotonic() - started:.1f} s")
            still_hanging = receiver.hanging.copy()
            await settled(told, recipient_id={"$in": well})
            receiver.release.set()

    assert sum(still_hanging.values()) > 0, "they hung all the while"
    assert max(receiver.most_hanging.values()) == PER_RECIPIENT == 2
    assert Counter(receiver.heard("well")) == dict.fromkeys(well, 3), "none doubled"
    whole = 10 * 1024 * 1024 * len(receiver.heard("endless"))
    assert receiver.sent < 0.7 * whole, "an endless answer is not read to its end"
    codes = {row["code"] for row in await told.rows(step="ended")}
    assert {"delivered", "http_500", "http_307"} <= codes


@pytest.mark.parametrize(("failing", "at_once"), [(2, 2 * PER_RECIPIENT), (12, AT_ONCE_FAILING)])
async def test_those_that_fail_share_a_narrow_lane_and_the_others_have_theirs(
    database: Database, failing: int, at_once: int
) -> None:
    told = Told(stores_on(database, now), Hands())
    await told.stores.prepare()
    hanging = [f"silent-{number}" for number in range(failing)]
    well = [f"well-{number}" for number in range(4)]
    await told.network(*hanging, *well)
    await told.says(consent())
    caller = Caller(development=True, timeout=120)
    async with receiving_as(Hostile) as receiver, caller.ready():
        for name in (*hanging, *well):
            await told.subscribed(name, url=receiver.at(name))
        for name in hanging:  # it is time to try them again
            an_hour_ago = now() - timedelta(hours=1)
            await told.stores.endpoints.failed(f"agency:{name}", UNREACHABLE, an_hour_ago)
        await reach(told, *(f"ref_{number}" for number in range(3)))

        async with dispatching(told.stores, caller):
            await until(lambda: len(receiver.heard("well")) == 12, deadline=60, what="the others")
            await until(lambda: receiver.hanging.total() >= at_once, what="the lane being full")
            await settled(told, recipient_id={"$in": well})
            under_way, most = receiver.hanging.total(), max(receiver.most_hanging.values())
            receiver.release.set()

    assert under_way == at_once
    assert most <= PER_RECIPIENT


async def test_a_redirect_is_a_failure_and_is_not_followed(told: Told) -> None:
    caller = Caller(development=True)
    async with receiving_as(Hostile) as receiver, caller.ready():
        await partner(told, receiver.at("elsewhere"))
        await reach(told, "ref_1")
        await told.send_due(caller)

    (began, ended) = await told.rows()
    assert (ended["result"], ended["code"]) == ("temporary", "http_307")
    assert ended["at"] - began["at"] < timedelta(seconds=5 * PATIENCE)


async def test_what_waited_for_an_endpoint_that_was_down_arrives_once_it_is_back(
    told: Told,
) -> None:
    port = free_port()
    caller = Caller(development=True)
    async with caller.ready():
        await partner(told, f"http://127.0.0.1:{port}/hook")
        await reach(told, "ref_1", "ref_2", "ref_3")
        for _ in range(12):  # an hour
            await told.send_due(caller)
            told.clock.forward(minutes=5)
        tried = len(await told.rows(step="began"))
        async with receiving(port=port) as receiver:
            told.clock.forward(minutes=10)
            await told.send_due(caller)
            told.clock.forward(seconds=told.stores.lease)
            await told.send_due(caller)

    ids = [call.headers["webhook-id"] for call in receiver.calls]
    assert len(ids) == len(set(ids)) == 3
    assert {n.status for n in await told.all(recipient_id=POLICE)} == {"delivered"}
    assert tried < 30, "while it was down it was slowed, not hammered by each of the three"
    results = Counter(row["result"] for row in await told.rows(step="ended"))
    assert results == {"temporary": tried, "delivered": 3}


@pytest.mark.parametrize("way", ["silent", "headers_only"])
async def test_whether_one_that_hangs_has_got_it_nobody_knows(told: Told, way: str) -> None:
    caller = Caller(development=True, timeout=0.3)
    async with receiving_as(Hostile) as receiver, caller.ready():
        await partner(told, receiver.at(way))
        await reach(told, "ref_1")
        await told.send_due(caller)
        await told.says(consent("withdrawn", recorded_at=told.clock()))
        await told.looked_again()
        receiver.release.set()

    (_, ended) = await told.rows()
    # With the headers came the status: that one is known to have failed.
    known = {"silent": ("unknown", "timeout"), "headers_only": ("temporary", "http_500")}
    assert (ended["result"], ended["code"]) == known[way]
    first = await told.one(recipient_id=POLICE, kind="concern_in_your_area")
    assert first.status == {"silent": "retracted", "headers_only": "withheld"}[way]
    assert len(await told.all(kind="retraction")) == (way == "silent")


async def test_a_replica_that_stops_lets_a_call_under_way_end(told: Told) -> None:
    caller = Caller(development=True)
    async with receiving_as(Hostile) as receiver, caller.ready():
        await partner(told, receiver.at("silent"))
        await reach(told, "ref_1")

        async with dispatching(told.stores, caller, grace=8):
            await until(lambda: receiver.hanging.total() == 1, what="the call")
            asyncio.get_running_loop().call_later(0.3, receiver.release.set)

    assert [(r["step"], r.get("code")) for r in await told.rows()] == [
        ("began", None),
        ("ended", "http_500"),
    ]


async def test_a_second_attempt_has_the_same_id_and_its_own_row(told: Told) -> None:
    caller = Caller(development=True)
    async with receiving() as receiver, caller.ready():
        receiver.answers = [500]
        await partner(told, receiver.url)
        await reach(told, "ref_1")
        await told.send_due(caller)
        told.clock.forward(seconds=30)
        await told.send_due(caller)

    assert len({call.headers["webhook-id"] for call in receiver.calls}) == 1
    rows = [(r["number"], r["step"], r.get("code")) for r in await told.rows()]
    assert rows == [
        (1, "began", None),
        (1, "ended", "http_500"),
        (2, "began", None),
        (2, "ended", "delivered"),
    ]


async def test_when_every_attempt_has_failed_a_person_at_the_hub_is_asked_to_phone(
    told: Told,
) -> None:
    caller = Caller(development=True)
    async with receiving() as receiver, caller.ready():
        receiver.answers = [500] * 99
        await partner(told, receiver.url)
        await reach(told, "ref_1")
        for _ in range(40):
            await told.send_due(caller)
            told.clock.forward(hours=1)

    failed = await told.one(recipient_id=POLICE)
    task = await told.one(kind="phone_them")
    assert failed.status == "failed"
    assert (task.recipient, task.about_id, task.action) == (f"hub:{HUB}", failed.id, "phone")
    types = [e["type"] for e in await told.events(failed.id)]
    assert types == ["notification.created", "notification.failed"]
    attempts = len(await told.rows(step="began"))
    assert attempts == len(receiver.calls) == 8
    receiver.answers = []


async def test_an_endpoint_that_fails_is_never_disabled(told: Told) -> None:
    caller = Caller(development=True)
    async with receiving() as receiver, caller.ready():
        receiver.answers = [500] * 20
        await partner(told, receiver.url)
        for number in range(10):
            await reach(told, f"ref_{number}")
            await told.send_due(caller)
            told.clock.forward(minutes=11)
        receiver.answers = []
        await reach(told, "ref_last")
        told.clock.forward(minutes=11)
        await told.send_due(caller)

    last = await told.one(referral_id="ref_last", recipient_id=POLICE)
    assert last.status == "delivered"


async def test_operators_hear_of_a_failing_endpoint_at_most_once_a_day(told: Told) -> None:
    caller = Caller(development=True)
    async with receiving() as receiver, caller.ready():
        receiver.answers = [500] * 999
        await partner(told, receiver.url)
        for number in range(5):
            await reach(told, f"ref_{number}")
            await told.send_due(caller)
            told.clock.forward(hours=3)
        in_half_a_day = await told.all(kind="endpoint_failing")
        for number in range(5, 11):
            await reach(told, f"ref_{number}")
            await told.send_due(caller)
            told.clock.forward(hours=3)

    assert [n.recipient for n in in_half_a_day] == ["operator:operator"]
    assert len(await told.all(kind="endpoint_failing")) == 2


async def test_gone_is_for_good_and_somebody_phones_at_once(told: Told) -> None:
    caller = Caller(development=True)
    async with receiving() as receiver, caller.ready():
        receiver.answers = [410]
        await partner(told, receiver.url)
        await reach(told, "ref_1")
        await told.send_due(caller)

    assert (await told.one(recipient_id=POLICE)).status == "failed"
    assert (await told.one(kind="phone_them")).recipient == f"hub:{HUB}"
    assert (await told.one(kind="endpoint_failing")).recipient == "operator:operator"


async def test_an_endpoint_that_asks_for_time_is_given_it(told: Told) -> None:
    class Busy(Hostile):
        async def answer(self, request: Any) -> Any:
            response = await super().answer(request)
            response.headers["Retry-After"] = "1200"
            return response

    caller = Caller(development=True)
    async with receiving_as(Busy) as receiver, caller.ready():
        receiver.answers = [429]
        await partner(told, receiver.url)
        await reach(told, "ref_1", "ref_2")
        await told.send_due(caller)
        told.clock.forward(minutes=19)
        await told.send_due(caller)
        early = len(receiver.calls)
        told.clock.forward(minutes=2)
        await told.send_due(caller)
        told.clock.forward(minutes=2)
        await told.send_due(caller)

    assert early == 1, "the other one waits as well: it is the same endpoint"
    assert len(receiver.calls) == 3
    assert {n.status for n in await told.all(recipient_id=POLICE)} == {"delivered"}


async def test_nothing_is_sent_before_the_endpoint_has_answered_its_challenge(told: Told) -> None:
    caller = Caller(development=True)
    async with receiving() as receiver, caller.ready():
        await partner(told, receiver.url, verify=False)
        await reach(told, "ref_1")
        await told.send_due(caller)
        before = len(receiver.calls)
        await told.ask(caller, POLICE)
        told.clock.forward(minutes=2)
        await told.send_due(caller)

    assert before == 0
    assert len(receiver.challenges) == len(receiver.calls) == 1
    assert await told.stores.subscriptions.of("agency", POLICE) is not None
    secret = told.stores.secrets.of(await told.stores.subscriptions.get(f"agency:{POLICE}"))
    assert Webhook(secret)  # the challenge is signed as everything else is
    assert "webhook-signature" in receiver.challenges[0].headers


@pytest.mark.parametrize("way", ["broken", "deaf"])
async def test_an_endpoint_that_does_not_say_our_word_is_not_used_and_is_asked_again(
    told: Told, way: str
) -> None:
    class Deaf(Hostile):
        async def handle(self, request: Any) -> Any:
            self.calls.append(await _call(request))
            status = 500 if way == "broken" else 200
            from aiohttp import web

            return web.json_response({"challenge": "something else"}, status=status)

    caller = Caller(development=True)
    async with receiving_as(Deaf) as receiver, caller.ready():
        await partner(told, receiver.url, verify=False)
        await told.ask(caller, POLICE)
        await reach(told, "ref_1")
        await told.send_due(caller)

    subscription = await told.stores.subscriptions.of("agency", POLICE)
    assert subscription is not None
    assert not subscription.url_verified
    assert len(receiver.calls) == 1, "the challenge, and nothing else"
    told.clock.forward(minutes=1)
    assert await told.stores.subscriptions.claim("verify_due", 1) is not None


async def _call(request: Any) -> Any:
    from tests.harness.receiver import Call

    return Call(dict(request.headers), await request.read(), request.path)


async def test_while_a_secret_is_rotated_both_verify_and_then_only_the_new_one(told: Told) -> None:
    caller = Caller(development=True)
    async with receiving() as receiver, caller.ready():
        told.clock.at = now()  # the verifier compares with the real time
        await partner(told, receiver.url)
        old = told.stores.secrets.of(await told.stores.subscriptions.get(f"agency:{POLICE}"))
        stored = await told.stores.subscriptions.change(
            f"agency:{POLICE}", lambda s: rotate(s, told.clock()), by=OPERATOR
        )
        new = told.stores.secrets.of(stored)
        await reach(told, "ref_1")
        await told.send_due(caller)
        (call,) = receiver.calls
        assert Webhook(old).verify(call.body, call.headers)
        assert Webhook(new).verify(call.body, call.headers)

    assert old != new
    assert stored.generations(told.clock() + timedelta(hours=25)) == (2,)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/hook",
        *("https://127.0.0.1:{port}/hook", "https://localhost:{port}/hook"),
        *("https://[::1]:{port}/hook", "https://[::ffff:127.0.0.1]:{port}/hook"),
        *("https://0.0.0.0:{port}/hook", "https://169.254.169.254/latest/meta-data/"),
        *("https://10.0.0.1/hook", "https://2130706433:{port}/hook"),
    ],
)
async def test_outside_development_nothing_of_our_own_network_is_called(url: str) -> None:
    caller = Caller(development=False, timeout=5)
    async with receiving() as receiver, caller.ready():
        port = receiver.url.rpartition(":")[2].partition("/")[0]
        outcome = await caller.call(url.format(port=port), ["whsec_a2V5"], "ntf_1", b"{}", now())

    assert (outcome.result, outcome.code) == ("permanent", "address_not_allowed")
    assert receiver.calls == []


async def test_a_withdrawal_retracts_what_is_under_way_and_withholds_what_waits_behind_it(
    database: Database,
) -> None:
    told = Told(stores_on(database, now, lease=5.0), Hands())
    await told.stores.prepare()
    caller = Caller(development=True, timeout=60)
    async with receiving_as(Held) as receiver, caller.ready():
        await partner(told, receiver.url)
        await reach(told, *(f"ref_{number}" for number in range(PER_RECIPIENT + 2)))
        concerns = {"kind": "concern_in_your_area"}
        async with dispatching(told.stores, caller, grace=8):
            await until(lambda: len(receiver.calls) == PER_RECIPIENT, what="two being under way")
            await told.says(consent("withdrawn", recorded_at=now()))
            await told.looked_again()
            before_they_end = [n.status for n in await told.all(**concerns)]
            receiver.release.set()
            await _over(told, concerns)
            await settled(told)

    # Nobody can say yet what the two will have come to; the two behind them are over at once.
    assert Counter(before_they_end) == {"pending": PER_RECIPIENT, "withheld": 2}
    first = {call.headers["webhook-id"] for call in receiver.calls[:PER_RECIPIENT]}
    assert {n.id for n in await told.all(**concerns, status="retracted")} == first
    assert len(await told.all(**concerns, status="withheld")) == 2
    later = {call.headers["webhook-id"] for call in receiver.calls[PER_RECIPIENT:]}
    notices = await told.all(kind="retraction")
    assert {n.about_id for n in notices} == first
    assert {n.id for n in notices} == later, "and nothing else was called after"


class Held(Hostile):
    """Answers as it should, but only once it is released."""

    async def answer(self, request: Any) -> Any:
        await self.release.wait()
        return await super().answer(request)


async def test_consent_withdrawn_while_many_wait_stops_each_and_reaches_those_told_before(
    database: Database,
) -> None:
    told = Told(stores_on(database, now, lease=5.0), Hands())
    await told.stores.prepare()
    each = max(4, int(20 * SCALE))
    agencies = [f"ag_{number}" for number in range(25)]
    await told.network(*agencies)
    await told.says(consent())
    caller = Caller(development=True)
    async with receiving() as receiver, caller.ready():
        for name in agencies:
            await told.subscribed(name, url=receiver.at(name))
        await reach(told, "ref_before")
        async with dispatching(told.stores, caller):
            await settled(told, referral_id="ref_before")
        await reach(told, *(f"ref_{number}" for number in range(each)))
        partners = {"kind": "concern_in_your_area", "referral_id": {"$ne": "ref_before"}}
        assert len(await told.all(**partners, status="pending")) == 25 * each

        async with dispatching(told.stores, caller):
            await until(lambda: len(receiver.calls) > 35, what="some of them under way")
            await told.says(consent("withdrawn", recorded_at=now()))
            handled = now()
            await _over(told, partners)
            await told.looked_again()
            await settled(told, deadline=300)

    concern = [c for c in receiver.calls if b"concern_in_your_area" in c.body]
    assert len(concern) < 25 + 25 * each / 2, "most of them were still waiting"
    called = {call.headers["webhook-id"] for call in concern}
    after = await told.all(**partners)
    rows = await told.rows(step="began", at={"$gt": handled})
    late = {(row["notification_id"], row["number"]) for row in rows}
    ended = await told.rows(step="ended", notification_id={"$in": [n.id for n in after]})
    codes = {r["code"] for r in ended if (r["notification_id"], r["number"]) in late}
    assert codes <= {"withheld"}, "no attempt that began after it came to a call"
    assert {n.id for n in after if n.status == "retracted"} == called & {n.id for n in after}
    assert {n.status for n in after if n.id not in called} == {"withheld"}, "each of the others"
    notices = await told.all(kind="retraction")
    was_told = await told.all(kind="concern_in_your_area", status="retracted")
    assert {n.about_id for n in notices} == {n.id for n in was_told}
    assert {n.status for n in notices} == {"delivered"}
    assert {n.status for n in await told.all(referral_id="ref_before", recipient_id="ag_1")} == {
        "retracted",
        "delivered",
    }


async def _over(told: Told, where: dict[str, Any]) -> int:
    async def none_left() -> int:
        await told.looked_again()
        live = {**where, "status": {"$nin": ["withheld", "retracted"]}}
        left = await told.stores.notifications.collection.count_documents(live)
        return 0 if left else 1

    return await until(none_left, deadline=300, what="every one of them being decided on")


async def test_one_event_to_many_endpoints_survives_the_death_of_a_replica(
    database: Database,
) -> None:
    told = Told(stores_on(database, now, lease=3.0), Hands())
    await told.stores.prepare()
    many = int(1000 * SCALE)
    agencies = [f"ag_{number:04}" for number in range(many)]
    await told.network(*agencies)
    await told.says(consent())
    caller, second = Caller(development=True), Caller(development=True)
    async with receiving() as receiver, caller.ready(), second.ready():
        for start in range(0, many, 20):
            names = agencies[start : start + 20]
            await asyncio.gather(*(told.subscribed(n, url=receiver.at(n)) for n in names))
        started = time.monotonic()
        await reach(told, "ref_1")
        made = time.monotonic()
        async with dispatching(told.stores, caller):
            await until(lambda: len(receiver.calls) > 0.4 * many, deadline=120, what="half of them")
        # The first replica is gone, with some claimed and some under way; another one takes over.
        async with dispatching(told.stores, second):
            found = await settled(told, deadline=300, kind="concern_in_your_area")
        print(f"made in {made - started:.1f} s, sent in {time.monotonic() - made:.1f} s")

    assert len(found) == many
    assert {n.status for n in found} == {"delivered"}
    ids = Counter(call.headers["webhook-id"] for call in receiver.calls)
    assert set(ids) == {n.id for n in found}
    assert sum(ids.values()) - many <= 100, "twice is only what was under way as the replica died"
