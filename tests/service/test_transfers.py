"""A referral goes from Hub to Hub: proposed, answered within a clock, and theirs; with all services."""

import json
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, get_args

import httpx2
import pytest
import pytest_asyncio

from allinone import sample
from shared.clock import now
from shared.events.transfer import TransferRefusal
from shared.ids import new_id
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import PEOPLE, Network, a_referral, running
from tests.harness.waiting import until

SOUTH, OTHER = "hub_south", "hub_other"
MORE = {
    "second_south": {"sub": "mg|SECOND@south.example", "role": "hub_manager", "hub_id": SOUTH},
    "third_manager": {"sub": "mg_other", "role": "hub_manager", "hub_id": OTHER},
    "its_south": {"sub": "wk_south", "role": "worker", "worker_id": "wk_south"},
}
MOVES = {"to_hub_id": SOUTH, "reason": "moving_area", "area": "southby"}
STAYS = {"to_hub_id": SOUTH, "reason": "conflict_of_interest"}
AGREEMENT = {
    "purposes": ["safeguarding", "direct_work"],
    "categories": ["existence", "identity", "risk", "concerns"],
    "grounds": ["consent", "public_task"],
    "effective_from": "2026-01-01T00:00:00Z",
    "effective_to": "2028-12-31T00:00:00Z",
    "review_at": "2027-01-01T00:00:00Z",
}


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    PEOPLE.update(MORE)
    async with running(broker, mongo, tmp_path_factory.mktemp("transfers")) as started:
        await started.load_sample()
        for hub, area in ((SOUTH, "southby"), (OTHER, "otherby")):
            entry = {"name": f"{hub} (synthetic)", "areas": [area]}
            await done(started, "operator", "PUT", f"/v1/hubs/{hub}", entry)
        worker = {**sample.EVERY_WORKER, "worker_role": "hub_worker", "host_setting": "hub"}
        south = {**worker, "hub_id": SOUTH, "areas": ["southby"], "cap": 1000}
        await done(started, "operator", "PUT", "/v1/workers/wk_south", south)
        await started.quiet()
        yield started
    for person in [name for name in PEOPLE if name.startswith("its_") or name in MORE]:
        PEOPLE.pop(person)


async def send(
    network: Network, who: str, method: str, path: str, body: Any = None, **headers: str
) -> httpx2.Response:
    known = {"Idempotency-Key": new_id("key"), "If-Match": "*", **headers}
    return await network.ask(who, method, path, json=body, headers=known)


async def done(network: Network, who: str, method: str, path: str, body: Any = None) -> Any:
    answer = await send(network, who, method, path, body)
    assert answer.is_success, f"{who} {path}: {answer.text}"
    return answer.json() if answer.text else {}


async def case(network: Network, one: str) -> dict[str, Any]:
    found = await network.mongo_of("allocation")["allocations"].find_one({"_id": one})
    return dict(found or {})


async def a_case(network: Network, key: str, **changes: Any) -> tuple[str, str]:
    """A referral that a worker of the Hub has accepted, and who they are."""
    child = {"subject": {"name": f"Child {key}", "date_of_birth": "2012-05-17"}, **changes}
    one = str((await network.refer(key, **child)).raise_for_status().json()["id"])

    async def placed() -> str:
        return str((await case(network, one)).get("worker_id") or "")

    worker = await until(placed, deadline=30, what=f"a worker for {key}")
    PEOPLE[f"its_{worker}"] = {"sub": worker, "role": "worker", "worker_id": worker}
    if worker != sample.DUTY:
        await done(network, f"its_{worker}", "POST", f"/v1/allocations/{one}/acceptance")
    await network.quiet()
    return one, f"its_{worker}"


async def propose(network: Network, one: str, entry: dict[str, Any] = MOVES) -> Any:
    return await done(network, "manager", "POST", f"/v1/referrals/{one}/transfer", entry)


async def answer(network: Network, who: str, one: str, step: str, body: Any = None) -> Any:
    return await done(network, who, "POST", f"/v1/transfers/{one}/{step}", body)


async def status(network: Network, who: str, path: str) -> int:
    return (await network.ask(who, "GET", path)).status_code


async def told(network: Network, who: str, one: str) -> set[str]:
    """The kinds of what somebody was told about it."""
    await network.quiet()
    found, after = set(), ""
    while True:
        answer = await network.ask(who, "GET", f"/v1/notifications?limit=100{after}")
        page = answer.raise_for_status().json()["notifications"]
        found |= {note["kind"] for note in page if note["referral_id"] == one}
        if len(page) < 100:
            return found
        after = f"&after={page[-1]['id']}"


async def room(network: Network, worker: str) -> list[str]:
    found = await network.mongo_of("allocation")["workers"].find_one({"_id": worker})
    return [kept["referral_id"] for kept in (found or {})["cases"]]


async def test_a_case_goes_to_the_next_hub_and_the_one_before_reads_no_more(
    network: Network,
) -> None:
    one, worker = await a_case(network, "moves")
    record, its_case = f"/v1/referrals/{one}", f"/v1/allocations/{one}"
    before = (await network.ask("manager", "GET", record)).json()

    proposed = await propose(network, one)

    # Until it is accepted all is as it was, and the next Hub knows codes alone.
    assert (proposed["status"], proposed["moves"], proposed["area"]) == ("waiting", True, "southby")
    assert "transfer_proposed" in await told(network, "other_manager", one)
    assert "transfer_proposed" in await told(network, worker, one)
    for path in (record, its_case, f"{record}/history", f"{record}/sharing"):
        assert await status(network, "other_manager", path) == 404
        assert await status(network, "manager", path) == 200
    shown = (await network.ask("other_manager", "GET", f"/v1/transfers/{one}")).json()
    assert (shown["level"], shown["age_band"]) == (None, None)
    trail = f"/v1/trail?referral_id={one}"
    assert await status(network, "other_manager", trail) == 404
    own = (await network.ask("manager", "GET", f"/v1/transfers/{one}")).json()
    assert (own["level"], own["age_band"]) == ((await case(network, one))["level"], "13_to_15")
    assert await status(network, "third_manager", f"/v1/transfers/{one}") == 404

    await answer(network, "other_manager", one, "acceptance")

    assert await status(network, "manager", record) == 404  # at once
    await network.quiet()
    for who in ("manager", worker):
        for path in (record, its_case, f"{record}/history", f"{record}/goals", trail):
            assert await status(network, who, path) in (403, 404), f"{who} {path}"
    assert await status(network, "other_manager", trail) == 200
    now_ = await case(network, one)
    assert (now_["hub_id"], now_["worker_id"], now_["area"]) == (SOUTH, "wk_south", "southby")
    assert one not in await room(network, worker.removeprefix("its_"))
    assert one in await room(network, "wk_south")
    after = (await network.ask("other_manager", "GET", record)).json()
    assert after["status"] == "allocated"
    assert after["due_at"] > before["due_at"]
    assert now_["due_at"].isoformat()[:23] == after["due_at"][:23]
    assert "Child moves" in (await network.ask("its_south", "GET", record)).text
    quarter = f"{now():%Y}-Q{(now().month + 2) // 3}"
    for who, hub in (("manager", sample.HUB), ("other_manager", SOUTH)):
        assert await status(network, who, f"/v1/hubs/{hub}/numbers?quarter={quarter}") == 200
    assert "case_transferred" in await told(network, "manager", one)
    assert "case_no_longer_yours" in await told(network, worker, one)
    heard = await told(network, "school", one)
    assert heard >= {"referral_transferred", "referral_allocated"}
    again = await answer(network, "other_manager", one, "acceptance")
    assert again["status"] == "accepted"


async def test_a_referral_stays_where_it_is_unless_the_other_hub_takes_it(network: Network) -> None:
    one, worker = await a_case(network, "stays")
    stood = await case(network, one)
    for refusal in random.sample(get_args(TransferRefusal), 2):
        await propose(network, one, random.choice((MOVES, STAYS)))
        gone = await answer(network, "other_manager", one, "decline", {"reason": refusal})
        assert (gone["status"], gone["refusal"]) == ("declined", refusal)
    await propose(network, one)
    back = await answer(network, "manager", one, "withdrawal")
    assert back["status"] == "taken_back"
    late = await send(network, "other_manager", "POST", f"/v1/transfers/{one}/acceptance")
    assert (late.status_code, late.json()["code"]) == (409, "transfer_over")

    heard = {who: await told(network, who, one) for who in ("manager", "other_manager", worker)}

    for who, kinds in heard.items():
        assert "transfer_ended" in kinds, who
    assert "referral_transferred" not in await told(network, "school", one)
    assert await case(network, one) == stood
    assert await status(network, "manager", f"/v1/referrals/{one}") == 200
    assert await status(network, "other_manager", f"/v1/referrals/{one}") == 404
    assert await status(network, "other_manager", f"/v1/transfers/{one}") == 200


async def test_nobody_answers_and_the_next_one_is_told_until_somebody_does(
    network: Network,
) -> None:
    one, _ = await a_case(network, "late", urgency="immediate")
    limit = timedelta(hours=1)
    proposed = await propose(network, one)
    assert proposed["answer_by"] <= (now() + limit).isoformat()

    for who in ("manager", "operator", "other_manager"):
        assert "transfer_unanswered" not in await told(network, who, one)
    await ran_out(network, one)
    assert "transfer_unanswered" in await told(network, "manager", one)
    assert "transfer_unanswered" in await told(network, "other_manager", one)
    assert "transfer_unanswered" not in await told(network, "operator", one)
    await ran_out(network, one)
    assert "transfer_unanswered" in await told(network, "operator", one)

    listed = (await network.ask("operator", "GET", "/v1/transfers")).json()["transfers"]
    (mine,) = [each for each in listed if each["referral_id"] == one]
    assert (mine["reminders"], mine["status"]) == (2, "waiting")
    await answer(network, "other_manager", one, "acceptance")
    listed = (await network.ask("operator", "GET", "/v1/transfers")).json()["transfers"]
    assert one not in {each["referral_id"] for each in listed}


async def test_each_hub_lists_what_waits_from_it_and_to_it_page_by_page(network: Network) -> None:
    waits: dict[str, set[str]] = {SOUTH: set(), OTHER: set()}
    for number in range(7):
        one = (await network.refer(f"listed-{number}")).raise_for_status().json()["id"]
        await network.quiet()
        to = random.choice((SOUTH, OTHER))
        await propose(network, one, {"to_hub_id": to, "reason": "capacity"})
        if random.random() < 0.3:
            await answer(network, "manager", one, "withdrawal")
        else:
            waits[to].add(one)
    every = waits[SOUTH] | waits[OTHER]

    expected = {"manager": every, "operator": every}
    expected |= {"other_manager": waits[SOUTH], "third_manager": waits[OTHER]}
    for who, theirs in expected.items():
        shown, cursor = list[str](), ""
        while True:
            page = await network.ask(who, "GET", f"/v1/transfers?limit=2{cursor}")
            lines = page.raise_for_status().json()
            assert all(line["level"] is line["age_band"] is None for line in lines["transfers"])
            shown += [line["referral_id"] for line in lines["transfers"]]
            if lines["next"] is None:
                break
            cursor = f"&cursor={lines['next']}"
        assert len(shown) == len(set(shown))
        assert theirs <= set(shown), who
        assert not set(shown) & (every - theirs), who


async def ran_out(network: Network, one: str) -> None:
    """The time to answer is over, and that was seen to."""
    await network.quiet()
    referrals, past = network.mongo_of("referral")["referrals"], now() - timedelta(minutes=1)
    found = await referrals.find_one({"_id": one}) or {}
    late = {"transfer.answer_by": past, "transfer_due": past}
    await referrals.update_one({"_id": one}, {"$set": late})

    async def reminded() -> bool:
        kept = await referrals.find_one({"_id": one}) or {}
        return bool(kept["transfer"]["reminders"] > found["transfer"]["reminders"])

    await until(reminded, deadline=30, what="the clock of the answer")


async def test_what_is_not_of_its_areas_waits_for_the_managers_of_the_hub(network: Network) -> None:
    one, _ = await a_case(network, "outside")
    await propose(network, one, STAYS)
    await answer(network, "other_manager", one, "acceptance")
    await network.quiet()

    waits = await case(network, one)
    assert (waits["hub_id"], waits["status"], waits["area"]) == (SOUTH, "waiting", "northtown")
    path = f"/v1/referrals/{one}"
    whose = (await network.ask("other_manager", "GET", path)).json()["responsible"]
    assert whose == {"kind": "hub", "id": SOUTH}
    assert "case_waiting" in await told(network, "other_manager", one)
    order = {"worker_id": "wk_south", "reason": "continuity"}
    await done(network, "other_manager", "POST", f"/v1/allocations/{one}/assignment", order)
    await network.quiet()
    assert (await case(network, one))["worker_id"] == "wk_south"


async def arranges(network: Network, manager: str) -> str:
    """What somebody is told who moves staff of the south; empty where they may."""
    held = {"kind": "case", "held_on": str(now().date())}
    path = "/v1/workers/wk_south/supervisions"
    answer = await network.ask(manager, "POST", path, json=held)
    return "" if answer.is_success else str(answer.json()["code"])


async def test_whoever_is_unsafe_for_the_young_person_neither_sees_nor_takes_it(
    network: Network,
) -> None:
    one, _ = await a_case(network, "marked")
    await status(network, "second_south", "/v1/referrals")  # so that the account is known
    await network.quiet()
    mark = {"unsafe": True, "relation": "close_associate"}
    path = f"/v1/referrals/{one}"
    account = {**mark, "sub": MORE["second_south"]["sub"]}
    await done(network, "manager", "PUT", f"{path}/unsafe-accounts", account)
    await done(network, "manager", "PUT", f"{path}/unsafe-workers/wk_south", mark)
    await propose(network, one)
    await network.quiet()

    assert await status(network, "second_south", f"/v1/transfers/{one}") == 404
    listed = (await network.ask("second_south", "GET", "/v1/transfers")).json()["transfers"]
    assert one not in {each["referral_id"] for each in listed}
    assert "transfer_proposed" not in await told(network, "second_south", one)
    for step, body in (("acceptance", None), ("decline", {"reason": "no_capacity"})):
        refused = await send(network, "second_south", "POST", f"/v1/transfers/{one}/{step}", body)
        assert refused.status_code == 404, refused.text
    assert await arranges(network, "second_south") == "somebody_else"
    await done(network, "manager", "POST", f"/v1/transfers/{one}/withdrawal")
    await network.quiet()
    assert await arranges(network, "second_south") == ""
    await propose(network, one)
    await answer(network, "other_manager", one, "acceptance")
    await network.quiet()
    assert (await case(network, one))["worker_id"] is None
    assert one not in await room(network, "wk_south")


@pytest.mark.parametrize("ground", ["agreed", "nothing"])
async def test_what_the_other_hub_learns_before_it_says_yes_the_rules_of_sharing_decide(
    network: Network, ground: str
) -> None:
    one, _ = await a_case(network, f"learns-{ground}")
    if ground == "agreed":
        await an_agreement(network, "isa_hubs", sample.HUB, SOUTH)
        await a_yes(network, "manager", one)
    await propose(network, one)

    shown = (await network.ask("other_manager", "GET", f"/v1/transfers/{one}")).json()

    told_it = ("13_to_15", (await case(network, one))["level"])
    assert (shown["age_band"], shown["level"]) == (told_it if ground == "agreed" else (None, None))
    (look,) = [
        e["data"]
        for e in await looks(network, one)
        if e["data"]["viewer_id"].endswith(network.account("other_manager"))
    ]
    permitted = {v["category"] for v in look["verdicts"] if v["permitted"]}
    assert permitted == ({"identity", "risk"} if ground == "agreed" else set())


async def looks(network: Network, one: str) -> list[dict[str, Any]]:
    await network.quiet()
    return [e for e in await network.trail(one) if e["data"].get("part") == "transfer"]


async def an_agreement(network: Network, name: str, *parties: str) -> None:
    path = f"/v1/agreements/{name}"
    if await status(network, "operator", path) == 200:
        return
    await done(network, "operator", "PUT", path, {**AGREEMENT, "parties": parties})
    signs = {sample.HUB: "manager", SOUTH: "other_manager", sample.POLICE: "police"}
    for party in parties:
        await done(network, signs[party], "POST", f"{path}/signatures", {"version": 1})


async def a_yes(network: Network, who: str, one: str, **changes: Any) -> str:
    entry = {
        "status": "given",
        "given_by": "young_person",
        "categories": ["existence", "identity", "risk", "concerns"],
        "gillick_competent": True,
        "said_at": now().isoformat(),
        "valid_to": (now() + timedelta(days=90)).isoformat(),
        **changes,
    }
    made = await done(network, who, "POST", f"/v1/referrals/{one}/consents", entry)
    await network.quiet()
    return str(made["id"])


async def test_a_yes_is_kept_and_what_it_opens_is_decided_again_for_the_new_hub(
    network: Network,
) -> None:
    await an_agreement(network, "isa_south", SOUTH, sample.POLICE)
    for named in (False, True):
        one, _ = await a_case(network, f"consent-{named}")
        who = {"agency_ids": [sample.POLICE]} if named else {}
        yes = await a_yes(network, "manager", one, **who)
        preview = f"/v1/referrals/{one}/sharing/decision?agency_id={sample.POLICE}"

        async def of(who: str, preview: str = preview) -> tuple[bool, str | None]:
            found = (await network.ask(who, "GET", preview)).raise_for_status().json()
            (verdict,) = [v for v in found["verdicts"] if v["category"] == "risk"]
            return verdict["permitted"], verdict["reason"]

        assert await of("manager") == (True, None)
        assert await status(network, "police", f"/v1/referrals/{one}") == 200
        await propose(network, one)
        await answer(network, "other_manager", one, "acceptance")
        await network.quiet()
        kept = (await network.ask("other_manager", "GET", f"/v1/referrals/{one}/sharing")).json()
        assert yes in {consent["id"] for consent in kept["sharing"]["consents"]}
        if named:
            assert await of("other_manager") == (True, None)
            continue
        assert await of("other_manager") == (False, "consent_unconfirmed")
        assert await status(network, "police", f"/v1/referrals/{one}") == 404
        assert "consent_waits" in await told(network, "other_manager", one)
        assert "consent_waits" not in await told(network, "manager", one)
        confirm = f"/v1/referrals/{one}/consents/{yes}/confirmation"
        body = {"confirmed": True, "reason": "asked_young_person"}
        await done(network, "other_manager", "POST", confirm, body)
        assert await of("other_manager") == (True, None)


@pytest.mark.parametrize("reason", ["transferred", "moved_away"])
async def test_a_reference_is_free_again_once_the_referral_went_outside_the_network(
    network: Network, reason: str
) -> None:
    key = f"outward-{reason}"
    one, worker = await a_case(network, key)
    await done(network, worker, "POST", f"/v1/allocations/{one}/closure", {"reason": reason})
    await network.quiet()

    async def again(key: str) -> httpx2.Response:
        body = a_referral(agency_reference=f"outward-{reason}")
        return await send(
            network, "school", "POST", "/v1/referrals", body, **{"Idempotency-Key": key}
        )

    sent = await again(f"again-{reason}")
    if reason != "transferred":
        assert (sent.status_code, sent.json()["code"]) == (409, "agency_reference_used")
        return
    assert sent.status_code == 201, sent.text
    second = sent.json()["id"]
    assert second != one
    assert (await again(f"again-{reason}")).json()["id"] == second
    third = await again(f"third-{reason}")
    assert third.status_code == 409
    assert third.json()["referral"].endswith(second)
    stays = (await network.ask("school", "GET", f"/v1/referrals/{one}")).json()
    assert stays["status"] == "closed"


@pytest.mark.parametrize("point", ["transfer.after_case", "transfer.after_release"])
async def test_killing_allocation_while_a_case_goes_over(network: Network, point: str) -> None:
    one, worker = await a_case(network, point)
    await propose(network, one)
    process = await network.replace("allocation", FAULTS="1", FAULT=point)

    await answer(network, "other_manager", one, "acceptance")
    await until(lambda: not process.running, deadline=20, what=f"dying at {point}")
    await network.replace("allocation")

    await at_its_new_hub(network, one, worker)


async def at_its_new_hub(network: Network, one: str, worker: str) -> None:
    await network.quiet()

    async def placed() -> bool:
        stands = await case(network, one)
        return (stands["hub_id"], stands["worker_id"], stands["transfers"]) == (
            SOUTH,
            "wk_south",
            1,
        )

    await until(placed, deadline=20, what="it has its worker at the new Hub")
    await network.quiet()
    assert one not in await room(network, worker.removeprefix("its_"))
    assert (await room(network, "wk_south")).count(one) == 1
    kept = await network.mongo_of("referral")["referrals"].find_one({"_id": one}) or {}
    assert (kept["hub_id"], kept["worker_id"], kept["status"]) == (SOUTH, "wk_south", "allocated")


async def test_events_that_come_again_or_late_change_nothing(network: Network) -> None:
    one, worker = await a_case(network, "again")
    await propose(network, one)
    await answer(network, "other_manager", one, "acceptance")
    await at_its_new_hub(network, one, worker)
    stood = {
        name: await copies(network, name, one) for name in ("referral", "allocation", "notify")
    }
    events = [e for e in await network.trail(one) if not e["type"].startswith("record.")]
    random.shuffle(events)

    for event in events:
        if event["type"].startswith(("referral.", "allocation.")):
            await network.publish(json.dumps(event).encode(), types=[event["type"]])

    await at_its_new_hub(network, one, worker)
    for name, before in stood.items():
        assert await copies(network, name, one) == before, name


async def copies(network: Network, service: str, one: str) -> list[dict[str, Any]]:
    """What a service keeps of it, but for its outbox."""
    names = {"referral": "referrals", "allocation": "allocations", "notify": "known_cases"}
    keys = ("status", "hub_id", "worker_id", "holder_id", "area", "transfers", "round", "version")
    found = await network.mongo_of(service)[names[service]].find({"_id": one}).to_list()
    return [{key: each.get(key) for key in keys} for each in found]
