"""Lists that a day needs: each shows what is its reader's, in one stable order, page by page, and
nothing else. What there is is made at random, by the seed that the run prints; what a list should
show is worked out from what was made."""

import random
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from allinone import sample
from shared.clock import now
from tests.golden.openapi import app_of, routes_of
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import PEOPLE, SERVICES, Network, running
from tests.harness.waiting import until

MARKED = {"sub": "mg_marked", "role": "hub_manager", "hub_id": sample.HUB}
PARTIES = {
    **{"school": sample.SCHOOL, "police": sample.POLICE, "health": sample.HEALTH},
    **{"manager": sample.HUB, "other_manager": "hub_south"},
}


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    PEOPLE["marked"] = MARKED
    async with running(broker, mongo, tmp_path_factory.mktemp("lists")) as started:
        south = {"name": "South", "areas": ["southby"]}
        (await started.ask("operator", "PUT", "/v1/hubs/hub_south", json=south)).raise_for_status()
        await started.load_sample()
        for path in ("/v1/referrals", "/v1/allocations"):
            (await started.ask("marked", "GET", path)).raise_for_status()
        await started.quiet()
        yield started
    PEOPLE.pop("marked")


async def do(network: Network, who: str, method: str, path: str, body: Any = None) -> Any:
    headers = {"If-Match": "*"} if method == "POST" else {}
    answer = await network.ask(who, method, path, json=body, headers=headers)
    assert answer.is_success, f"{method} {path}: {answer.text}"
    return answer.json()


async def pages(network: Network, who: str, path: str, of: str, **asked: Any) -> list[Any]:
    """All lines of a list, read in pages of a size of chance."""
    found: list[Any] = []
    limit, cursor = random.randint(1, 7), None
    for _ in range(200):
        more = {"limit": limit, **asked, **({"cursor": cursor} if cursor else {})}
        answer = await network.ask(who, "GET", path, params=more)
        assert answer.is_success, answer.text
        page = answer.json()
        assert len(page[of]) <= limit
        found += page[of]
        cursor = page["next"]
        if cursor is None:
            return found
    raise AssertionError(f"{path} has no end")


def newest_first(lines: list[dict[str, Any]], at: str) -> list[dict[str, Any]]:
    """By the moment, not by its text: a whole second is written without a fraction."""
    return sorted(lines, key=lambda n: (datetime.fromisoformat(n[at]), n["id"]), reverse=True)


async def test_agreements_are_listed_to_their_parties_the_first_to_end_first(
    network: Network,
) -> None:
    made: dict[str, dict[str, Any]] = {}
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(24):
        # Some end at the same moment: their order must be one.
        ends = start + timedelta(days=400 + random.choice((0, 30, 60, random.randint(1, 900))))
        review = start + timedelta(days=random.randint(1, 400))
        parties = random.sample(sorted(PARTIES.values()), random.randint(2, 4))
        entry = {
            **{"parties": parties, "purposes": ["safeguarding"], "categories": ["existence"]},
            **{"grounds": ["consent"], "effective_from": start.isoformat()},
            **{"effective_to": ends.isoformat(), "review_at": review.isoformat()},
        }
        one = f"isa_{number:02}"
        await do(network, "operator", "PUT", f"/v1/agreements/{one}", entry)
        made[one] = {"parties": parties, "ends": ends, "review": review}
    for one in random.sample(sorted(made), 6):
        await do(network, "operator", "POST", f"/v1/agreements/{one}/end")
        del made[one]
    theirs = await pages(network, "operator", "/v1/agreements", "agreements")
    before = {one["id"] for one in theirs} - set(made)
    soon = start + timedelta(days=random.randint(100, 900))

    for who in (*PARTIES, "operator"):
        for asked in ({}, {"ending_before": soon.isoformat()}):
            shown = await pages(network, who, "/v1/agreements", "agreements", **asked)
            expected = sorted(
                (agreement["ends"], one)
                for one, agreement in made.items()
                if who == "operator" or PARTIES[who] in agreement["parties"]
                if not asked or min(agreement["ends"], agreement["review"]) < soon
            )
            ids = [line["id"] for line in shown if line["id"] not in before]
            assert ids == [one for _, one in expected], (who, asked)
    assert before == {"isa_northtown"}


async def test_without_supervision_is_who_is_so_now(network: Network) -> None:
    today = now().date()
    late: set[str] = set()
    hub_of: dict[str, str] = {}
    for number in range(14):
        worker, hub = f"wk_s{number:02}", random.choice((sample.HUB, "hub_south"))
        entry = {
            **{"hub_id": hub, "worker_role": "hub_worker", "areas": ["somewhere"]},
            "host_setting": "hub",
        }
        await do(network, "operator", "PUT", f"/v1/workers/{worker}", entry)
        hub_of[worker] = hub
        for days in random.choice(((), (400,), (400, 1), (1,))):
            held = {"kind": "case", "held_on": (today - timedelta(days=days)).isoformat()}
            by = "manager" if hub == sample.HUB else "other_manager"
            await do(network, by, "POST", f"/v1/workers/{worker}/supervisions", held)
            late = late | {worker} if days == 400 else late - {worker}
    leaver = random.choice(sorted(late) or ["wk_s00"])
    gone = await network.ask(
        "operator", "DELETE", f"/v1/workers/{leaver}", headers={"If-Match": "*"}
    )
    assert gone.is_success
    late -= {leaver}

    hubs: dict[str, str | None] = {"manager": sample.HUB, "other_manager": "hub_south"}
    for who, of_hub in {**hubs, "operator": None}.items():
        shown = await pages(network, who, "/v1/workers", "workers", overdue_only=True)
        expected = sorted(worker for worker in late if of_hub in (None, hub_of[worker]))
        assert [line["id"] for line in shown if line["id"] in hub_of] == expected, who
        assert all(line["supervision_overdue"] for line in shown)


async def test_what_was_stored_before_overdue_was_noted_is_listed(network: Network) -> None:
    worker = {"hub_id": "hub_south", "worker_role": "hub_worker", "areas": ["somewhere"]}
    await do(network, "operator", "PUT", "/v1/workers/wk_old", {**worker, "host_setting": "hub"})
    held = {"kind": "case", "held_on": "2025-01-01"}
    await do(network, "other_manager", "POST", "/v1/workers/wk_old/supervisions", held)
    workers = network.mongo_of("allocation")["workers"]
    await workers.update_one({"_id": "wk_old"}, {"$unset": {"overdue_from": ""}})
    await network.replace("allocation")

    shown = await pages(network, "other_manager", "/v1/workers", "workers", overdue_only=True)

    assert "wk_old" in [line["id"] for line in shown]


async def a_case(network: Network, key: str) -> str:
    sent = await network.refer(key, subject={"name": f"Child {key}", "date_of_birth": "2012-05-17"})
    one = str(sent.raise_for_status().json()["id"])

    async def placed() -> bool:
        case = await network.ask("manager", "GET", f"/v1/allocations/{one}")
        return bool(case.is_success and case.json()["worker_id"])

    await until(placed, deadline=30, what=f"a worker for {key}")
    return one


async def test_plans_are_listed_to_the_managers_of_the_hub_who_may_read_them(
    network: Network,
) -> None:
    case = await a_case(network, "planned")
    worker = (await do(network, "manager", "GET", f"/v1/allocations/{case}"))["worker_id"]
    made = []
    for one in [worker, *random.choices((worker, "wk_nobody_here", "wk_s00"), k=9)]:
        asked = {"worker_id": one, "reason": "worker_leaves"}
        answer = await network.ask("manager", "POST", "/v1/handover-plans", json=asked)
        if answer.is_success:
            made.append(answer.json())
    made.reverse()
    mark = {"unsafe": True, "relation": "close_associate", "sub": MARKED["sub"]}
    await do(network, "manager", "PUT", f"/v1/referrals/{case}/unsafe-accounts", mark)
    await network.quiet()

    shown = await pages(network, "manager", "/v1/handover-plans", "plans")
    assert [(p["id"], p["moves"]) for p in shown] == [(p["id"], len(p["moves"])) for p in made]
    for_marked = await pages(network, "marked", "/v1/handover-plans", "plans")
    assert [p["id"] for p in for_marked] == [
        p["id"] for p in made if case not in [move["referral_id"] for move in p["moves"]]
    ]
    assert len(for_marked) < len(made)
    assert await pages(network, "other_manager", "/v1/handover-plans", "plans") == []
    applied = await pages(network, "manager", "/v1/handover-plans", "plans", status="applied")
    assert applied == []


async def test_a_worker_lists_the_own_open_cases_by_name_and_each_look_is_an_entry(
    network: Network,
) -> None:
    referrals = network.mongo_of("referral")["referrals"]
    names: dict[str, str] = {}
    for number in range(14):
        known_as = random.choice((None, f"Nick {number}"))
        subject = {"name": f"Child Case {number}", "known_as": known_as}
        key = f"case{number}"
        sent = await network.refer(key, subject={**subject, "date_of_birth": "2012-05-17"})
        one = str(sent.raise_for_status().json()["id"])
        names[one] = str(known_as or subject["name"])
    await network.quiet()
    corrected = random.choice(sorted(names))
    path = f"/v1/referrals/{corrected}/amendments"
    await do(network, "school", "POST", path, {"subject": {"known_as": "Corrected"}})
    names[corrected] = "Corrected"
    ended = random.choice(sorted(set(names) - {corrected}))
    gone = {"reason": "moved_away"}
    await do(network, "school", "POST", f"/v1/referrals/{ended}/steps/withdrawal", gone)
    await network.quiet()
    stored = [r async for r in referrals.find({"_id": {"$in": sorted(names)}})]
    mine: dict[str, set[str]] = {}
    for referral in stored:
        has = referral["worker_id"] or referral["holder_id"]
        if has and referral["_id"] != ended:
            mine.setdefault(has, set()).add(referral["_id"])
    # As in the moment between a mark and its event.
    marked = random.choice(sorted(one for ids in mine.values() for one in ids))
    whose = next(worker for worker, ids in mine.items() if marked in ids)
    about = next(r["subject_id"] for r in stored if r["_id"] == marked)
    await network.mongo_of("referral")["subjects"].update_one(
        {"_id": about}, {"$set": {"unsafe": [f"worker:{whose}"]}}
    )
    hidden = {r["_id"] for r in stored if r["subject_id"] == about}

    looks = 0
    for worker, ids in mine.items():
        PEOPLE["its"] = {"sub": worker, "role": "worker", "worker_id": worker}
        shown = await pages(network, "its", "/v1/cases", "cases")
        seen = {line["id"]: line["display_name"] for line in shown if line["id"] in names}
        expected = ids - (hidden if worker == whose else set())
        assert seen == {one: names[one] for one in expected}, worker
        newest = newest_first(shown, "received_at")
        assert shown == newest
        looks += len(expected)
    PEOPLE.pop("its")
    assert looks
    for who in ("school", "manager", "auditor", "operator"):
        assert (await network.ask(who, "GET", "/v1/cases")).status_code == 403, who
    await network.quiet()
    said = []
    for one in names:
        asked = {"referral_id": one, "limit": 200}
        trail = await network.ask("auditor", "GET", "/v1/trail", params=asked)
        said += [e["says"] for e in trail.json()["entries"] if "viewed the name of" in e["says"]]
    assert len(said) == looks


async def test_a_worker_lists_what_ended_with_them_for_a_time(network: Network) -> None:
    stored = network.mongo_of("allocation")["allocations"]
    expected: dict[str, set[str]] = {}
    cases: set[str] = set()
    for number in range(12):
        one = await a_case(network, f"ended{number}")
        cases.add(one)
        worker = (await do(network, "manager", "GET", f"/v1/allocations/{one}"))["worker_id"]
        PEOPLE["its"] = {"sub": worker, "role": "worker", "worker_id": worker}
        await do(network, "its", "POST", f"/v1/allocations/{one}/acceptance")
        case, steps = f"/v1/allocations/{one}", f"/v1/referrals/{one}/steps"
        fate = random.choice(("open", "closed", "withdrawn", "long ago", "reopened", "in error"))
        if fate in ("closed", "long ago"):
            reason = {"reason": random.choice(("moved_away", "turned_18"))}
            await do(network, "its", "POST", f"{case}/closure", reason)
        elif fate != "open":
            await network.quiet()
            step = "entered-in-error" if fate == "in error" else "withdrawal"
            gone = {"reason": "raised_in_error"}
            await do(network, "school", "POST", f"{steps}/{step}", gone)
            await network.quiet()
        if fate == "long ago":
            await network.quiet()  # or what is under way writes over it
            days = random.randint(90, 400)
            long_ago = now() - timedelta(days=days)
            await stored.update_one({"_id": one}, {"$set": {"closed_at": long_ago}})
        if fate == "reopened":
            again = {"reason": "new_information"}
            await do(network, "school", "POST", f"{steps}/reopening", again)
        if fate in ("closed", "withdrawn"):
            expected.setdefault(worker, set()).add(one)
        else:
            expected.setdefault(worker, set())
    await network.quiet()
    ended = sorted(one for ids in expected.values() for one in ids)
    hidden = random.choice(ended) if ended else ""
    whose = next((worker for worker, ids in expected.items() if hidden in ids), None)
    if whose:
        # Marked after the end: not in the list any more.
        mark = {"unsafe": True, "relation": "close_associate"}
        path = f"/v1/referrals/{hidden}/unsafe-workers/{whose}"
        await do(network, "manager", "PUT", path, mark)
        await network.quiet()
        expected[whose].discard(hidden)

    for worker, ids in expected.items():
        PEOPLE["its"] = {"sub": worker, "role": "worker", "worker_id": worker}
        shown = await pages(network, "its", "/v1/closed-cases", "cases")
        made = [line for line in shown if line["id"] in cases]
        assert {line["id"] for line in made} == ids, worker
        assert len(shown) == len({line["id"] for line in shown})
        assert shown == newest_first(shown, "closed_at")
    PEOPLE.pop("its")
    for who in ("school", "manager", "auditor", "operator"):
        assert (await network.ask(who, "GET", "/v1/closed-cases")).status_code == 403, who


async def test_the_name_of_a_worker_is_where_their_cases_are_shown_and_in_no_event(
    network: Network,
) -> None:
    case = await a_case(network, "with a name")
    before = await do(network, "manager", "GET", f"/v1/allocations/{case}")
    worker = before["worker_id"]
    stored = await do(network, "manager", "GET", f"/v1/workers/{worker}")
    name = f"Zqxworker {random.random()}"
    headers = {"If-Match": "*"}
    put = await network.ask(
        "manager",
        "PUT",
        f"/v1/workers/{worker}",
        json={**stored["entry"], "name": name},
        headers=headers,
    )
    assert put.is_success, put.text
    await network.quiet()

    lines = await pages(network, "manager", "/v1/allocations", "allocations")
    assert before["worker_name"] is None
    assert {o["worker_name"] for o in lines if o["worker_id"] == worker} == {name}
    assert {o["worker_name"] for o in lines if o["worker_id"] != worker} <= {None}
    workers = await pages(network, "manager", "/v1/workers", "workers")
    assert [w["id"] for w in workers if w["entry"]["name"] == name] == [worker]
    for service in SERVICES:
        database = network.mongo_of(service)
        for collection in await database.list_collection_names():
            async for document in database[collection].find({}):
                said = name in repr(document)
                assert said == (collection == "workers" and document["_id"] == worker)


async def test_cases_are_found_by_what_they_wait_for(network: Network) -> None:
    stored = network.mongo_of("allocation")["allocations"]
    made = [await a_case(network, f"found{number}") for number in range(12)]
    await network.quiet()
    for one in made:
        worker = (await do(network, "manager", "GET", f"/v1/allocations/{one}"))["worker_id"]
        PEOPLE["its"] = {"sub": worker, "role": "worker", "worker_id": worker}
        for step in ("acceptance", "start")[: random.randint(0, 2)]:
            await do(network, "its", "POST", f"/v1/allocations/{one}/{step}")
        # As if it had been there for so long, or nobody had a worker; the timers don't run for that.
        status = random.choice((None, None, "waiting", "on_hold", "accepted"))
        times = ("answer_by", "review_at", "overdue_since")
        past = {t: now() - timedelta(days=1) for t in times if random.random() < 0.3}
        changes = {**past, **({"status": status} if status else {})}
        if changes:
            await stored.update_one({"_id": one}, {"$set": changes})
    PEOPLE.pop("its")
    wanted: dict[str, Callable[[Any], bool]] = {
        "waiting": lambda line: line["status"] in ("seeking", "waiting"),
        "unaccepted": lambda line: line["status"] in ("offered", "handed_over"),
        "overdue": lambda line: line["next_step"] is not None and line["next_step"]["overdue"],
    }

    everything = await pages(network, "manager", "/v1/allocations", "allocations")
    assert {one["id"] for one in everything} >= set(made)
    for only, is_so in wanted.items():
        shown = await pages(network, "manager", "/v1/allocations", "allocations", only=only)
        assert [one["id"] for one in shown] == [o["id"] for o in everything if is_so(o)], only
        assert (
            await pages(network, "other_manager", "/v1/allocations", "allocations", only=only) == []
        )
        both = {"only": only, "status": "waiting"}
        both_shown = await pages(network, "manager", "/v1/allocations", "allocations", **both)
        assert both_shown == [one for one in shown if one["status"] == "waiting"]
    worker = everything[0]["worker_id"] or sample.HUB
    theirs = [o for o in everything if o["worker_id"] == worker or o["holder_id"] == worker]
    PEOPLE["its"] = {"sub": worker, "role": "worker", "worker_id": worker}
    shown = await pages(network, "its", "/v1/allocations", "allocations", only="overdue")
    assert [o["id"] for o in shown] == [o["id"] for o in theirs if wanted["overdue"](o)]
    PEOPLE.pop("its")


async def whole_inbox(network: Network) -> list[Any]:
    """The school's inbox, oldest first."""
    found: list[Any] = []
    while True:
        after = f"&after={found[-1]['id']}" if found else ""
        page = await do(network, "school", "GET", f"/v1/notifications?limit=100{after}")
        if not page["notifications"]:
            return found
        found += page["notifications"]


async def test_the_inbox_has_first_what_nobody_has_opened(network: Network) -> None:
    for number in range(5):
        await a_case(network, f"told{number}")
    await network.quiet()
    everything = await whole_inbox(network)
    for one in random.sample(everything, len(everything) // 2):
        await do(network, "school", "POST", f"/v1/notifications/{one['id']}/opened")
    stands = await whole_inbox(network)
    newest = newest_first(stands, "created_at")

    shown = await pages(network, "school", "/v1/notifications/unread-first", "notifications")

    expected = sorted(newest, key=lambda n: n["opened_at"] is not None)
    assert [n["id"] for n in shown] == [n["id"] for n in expected]
    assert {n["opened_at"] is None for n in shown} == {True, False}
    assert all(n["sentence"] and n["link"] == f"/v1/referrals/{n['referral_id']}" for n in shown)
    for bad in ("unread.x", "neither", "read.", "unread"):
        answer = await network.ask(
            "school", "GET", "/v1/notifications/unread-first", params={"cursor": bad}
        )
        assert (answer.status_code, answer.json()["code"]) == (400, "cursor_invalid"), bad


def lists() -> list[str]:
    """The path of every list but the trail's, which records each question first:
    tests/service/test_audit_http.py, tests/service/test_audit_costs.py."""
    found = [
        route.path
        for service in SERVICES
        if service != "audit"
        for route in routes_of(app_of(service))
        if "GET" in (route.methods or ()) and "{" not in route.path
        if {"cursor", "after"} & {field.alias for field in route.dependant.query_params}
    ]
    assert len(found) > 10
    return found


async def calls_of(network: Network, who: str, path: str, **asked: Any) -> tuple[int, int]:
    """How many lines that page has, and how many calls of the store it costs: the fewest of some
    tries, for the timers and relays of all services ask beside it."""
    store = network.mongo_of("referral").client.admin
    fewest, lines = 10_000, 0
    for _ in range(8):
        before = (await store.command("serverStatus"))["opcounters"]
        answer = await network.ask(who, "GET", path, params=asked)
        after = (await store.command("serverStatus"))["opcounters"]
        if answer.status_code != 200:
            return 0, 0
        lines = max(len(v) for v in answer.json().values() if isinstance(v, list))
        writes_and_reads = ("insert", "query", "update", "delete", "getmore")
        fewest = min(fewest, sum(after[name] - before[name] for name in writes_and_reads))
    return lines, fewest


async def test_a_page_costs_as_many_calls_of_the_store_however_long_it_is(
    network: Network,
) -> None:
    for number in range(12):
        child = {"name": f"Child Page {number}", "date_of_birth": f"20{10 + number % 5}-02-03"}
        (await network.refer(f"page{number}", subject=child)).raise_for_status()
    await network.quiet()
    costs: dict[str, str] = {}
    for path in lists():
        for who in ("school", "worker", "manager", "operator"):
            short, one = await calls_of(network, who, path, limit=1)
            long, many = await calls_of(network, who, path, limit=50)
            if short and long >= 10:
                costs[f"{path} of {who}"] = f"{one} for {short}, {many} for {long}"
                # A call for each line would be as many more as there are lines. What is in the
                # background asks the more, the longer a slow store takes for a page.
                assert many - one < (long - short) / 2, costs
    print("\n".join(f"{path}: {cost}" for path, cost in sorted(costs.items())))
    assert len(costs) >= 10, costs


async def test_every_list_refuses_a_filter_that_it_has_not(network: Network) -> None:
    for path in lists():
        for who in ("school", "worker", "manager", "auditor", "operator"):
            answers = [
                (await network.ask(who, "GET", path, params=p)).status_code
                for p in ({}, {"Sample Child": "x"})
            ]
            assert answers in ([200, 422], [403, 403]), (path, who, answers)
