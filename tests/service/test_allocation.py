"""Allocation as its users meet it: over HTTP and events, on a real store."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pymongo import AsyncMongoClient

from services.allocation.caseload.capacity import reserve
from services.allocation.caseload.worker import CAPACITY_DUE, SUPERVISION_DUE, Case
from services.allocation.handlers import handlers
from services.allocation.records import ANSWER_DUE, ESCALATE_DUE, REVIEW_DUE
from services.allocation.risk.subject import REASSESS_DUE, first_seen
from services.allocation.timers import run_timers
from shared.clock import now
from shared.ids import derived_id
from shared.messaging.bus import Message
from shared.origin import Origin
from tests.conftest import SEED
from tests.harness.mongo import Mongo, drop
from tests.harness.room import HUB, Room, a_referral, an_agency, opened
from tests.harness.waiting import stopped, until

SERIOUS = ("missing_episodes", "older_partner", "images_shared", "trafficking_concern")


@pytest_asyncio.fixture
async def room(
    client: "AsyncMongoClient[Any]", mongo: Mongo, prefix: str, tmp_path: Path
) -> AsyncIterator[Room]:
    database = f"test_{prefix.strip('.')}"
    async with opened(client, mongo.url, database, tmp_path) as started:
        await started.hub()
        yield started
    await drop(client, database)


async def test_a_decline_goes_to_the_next_and_after_the_last_to_the_hub_manager(room: Room) -> None:
    for number in range(4):
        await room.worker(f"wk_{number}")
    referral = await room.refer("declined")
    asked = []

    for _ in range(3):
        offer = await room.stands(referral, "offered")
        asked.append(str(offer.worker_id))
        path = f"/v1/allocations/{referral}/decline"
        answer = await room.ask(asked[-1], "POST", path, json={"reason": "no_capacity"})
        again = await room.ask(asked[-1], "POST", path, json={"reason": "no_capacity"})
        assert (answer.status_code, again.status_code) == (200, 200)

    waits = await room.stands(referral, "waiting")
    assert len(set(asked)) == 3, "nobody is asked twice"
    assert waits.with_manager
    assert (await room.told("allocation.escalated"))[0]["data"]["reason"] == "offers_exhausted"
    await room.caseloads(wk_0=0, wk_1=0, wk_2=0, wk_3=0)


async def test_a_case_goes_from_the_offer_to_its_end_and_makes_room_for_the_next(
    room: Room,
) -> None:
    await room.worker("wk_one", cap=7)  # room for 5 within the soft cap
    first = await room.refer("first", *SERIOUS)
    mild = await room.refer("mild")
    urgent = await room.refer("urgent", urgency="same_day")
    await room.stands(first, "offered", "wk_one")
    await room.stands(urgent, "waiting")

    for step in ("acceptance", "start"):
        assert (await room.ask("wk_one", "POST", f"/v1/allocations/{first}/{step}")).is_success
    end = {
        "reason": "completed",
        "outcomes": [{"goal": "safety_plan", "outcome": "partially_achieved"}],
    }
    closed = await room.ask("wk_one", "POST", f"/v1/allocations/{first}/closure", json=end)
    again = await room.ask("wk_one", "POST", f"/v1/allocations/{first}/closure", json=end)

    told = {"goal": "safety_plan", "outcome": "partially_achieved", "goal_id": None}
    assert closed.json()["outcomes"] == [told]
    assert again.status_code == 200
    assert closed.json()["debrief"] == "offered"
    debrief = f"/v1/allocations/{first}/debrief"
    said = await room.ask("wk_one", "POST", debrief, json={"outcome": "held", "content": "x"})
    held = await room.ask("wk_one", "POST", debrief, json={"outcome": "held"})
    assert (said.status_code, held.json()["debrief"]) == (422, "held")
    # The more serious of the two that waited is served first, then the other.
    await room.stands(urgent, "offered", "wk_one")
    await room.stands(mild, "offered", "wk_one")
    made = [e["data"]["referral_id"] for e in await room.told("allocation.made", 3)]
    assert made == [first, urgent, mild]


async def test_immediate_goes_to_the_duty_manager_at_once_over_the_soft_cap(room: Room) -> None:
    await room.ask(
        "operator",
        "PUT",
        f"/v1/hubs/{HUB}",
        json={"name": "North Hub", "areas": ["northtown"], "duty_worker_id": "wk_duty"},
        headers={"If-Match": '"v1"'},
    )
    await room.worker("wk_duty", worker_role="hub_manager", cap=5)

    first = await room.refer("one", urgency="immediate")
    second = await room.refer("two", urgency="immediate")

    has_it = await room.stands(first, "accepted", "wk_duty")
    assert set(has_it.flags) == {"duty_manager", "over_soft_cap"}
    waits = await room.stands(second, "waiting")
    assert waits.holder_id == "wk_duty"
    reasons = [e["data"]["reason"] for e in await room.told("allocation.escalated")]
    assert reasons == ["immediate_without_worker"]


async def test_a_new_worker_and_the_end_of_a_leave_take_who_waits(room: Room) -> None:
    waits = await room.refer("waits", *SERIOUS)
    small = await room.refer("small")
    await room.stands(waits, "waiting")

    await room.worker("wk_new", cap=7)
    await room.stands(waits, "offered", "wk_new")
    await room.worker("wk_away", leave=[{"start": "2020-01-01", "to": "2199-01-01"}])
    assert (await room.stands(small, "waiting")).worker_id is None

    # The leave is over; the clock of that day fires.
    await room.stores.workers.collection.update_one(
        {"_id": "wk_away"}, {"$set": {"leave": [{"start": "2020-01-01", "to": "2020-01-02"}]}}
    )
    await room.run_out(room.stores.workers, "wk_away", CAPACITY_DUE, "capacity_at")

    await room.stands(small, "offered", "wk_away")


async def test_each_timer_fires_once_however_many_look_after_it(room: Room) -> None:
    await room.worker("wk_one", cap=1)
    offered = await room.refer("offered")
    waits = await room.refer("waits")
    await room.stands(offered, "waiting")  # a cap of 1 leaves no room within the soft cap
    stores, subject = room.stores, derived_id("sub", "waits")
    # Leases of no length: whatever one loop has claimed, the others claim too.
    others = [asyncio.create_task(run_timers(stores, lease=0)) for _ in range(3)]

    await room.run_out(stores.allocations, waits, REVIEW_DUE, "review_at")
    await room.run_out(stores.allocations, waits, ESCALATE_DUE, "escalate_at")
    await room.run_out(stores.subjects, subject, REASSESS_DUE, "reassess_at")
    await room.run_out(stores.workers, "wk_one", CAPACITY_DUE, "capacity_at")

    await room.told("allocation.escalated", 2)
    await room.told("risk.reassessment_due")
    await room.told("worker.capacity_changed")
    await until(lambda: _all_published(room))
    counted = [e["type"] for e in room.events]
    assert counted.count("allocation.escalated") == 2
    assert counted.count("risk.reassessment_due") == 1
    assert counted.count("worker.capacity_changed") == 1
    await stopped(*others, what="a loop of timers")


async def test_an_offer_without_an_answer_goes_to_the_next(room: Room) -> None:
    await room.worker("wk_one")
    referral = await room.refer("lapsing")
    await room.stands(referral, "offered", "wk_one")
    await room.worker("wk_two")

    await room.run_out(room.stores.allocations, referral, ANSWER_DUE, "answer_by")

    await room.stands(referral, "offered", "wk_two")
    await room.caseloads(wk_one=0, wk_two=1)


async def test_overdue_supervision_is_flagged_and_closes_the_gate_for_high_risk(room: Room) -> None:
    await room.worker("wk_one")
    await room.stores.workers.collection.update_one(
        {"_id": "wk_one"}, {"$set": {"registered_on": "2020-01-01"}}
    )
    await room.run_out(room.stores.workers, "wk_one", SUPERVISION_DUE, "supervision_at")

    serious, mild = await room.refer("serious", *SERIOUS), await room.refer("mild")

    flagged = (await room.told("worker.supervision_overdue"))[0]["data"]
    assert (flagged["hub_id"], flagged["kinds"]) == (HUB, ["case"])
    await room.stands(serious, "waiting")
    assert (await room.stands(mild, "offered")).flags == ("supervision_overdue",)
    noted = await room.ask(
        "manager",
        "POST",
        "/v1/workers/wk_one/supervisions",
        json={"kind": "case", "held_on": "2026-01-01"},
    )
    assert noted.json()["supervision_due_on"] == {"case": "2026-02-01"}


async def test_a_manager_reassigns_and_two_may_pass_a_hard_cap(room: Room) -> None:
    await room.worker("wk_one")
    referral = await room.refer("moved", *SERIOUS)
    await room.stands(referral, "offered", "wk_one")
    await room.worker("wk_two", cap=3)
    path = f"/v1/allocations/{referral}"
    order = {"worker_id": "wk_two", "reason": "young_persons_wish"}

    async def tag() -> dict[str, str]:
        return {"If-Match": (await room.ask("manager", "GET", path)).headers["ETag"]}

    unasked = await room.ask("manager", "POST", f"{path}/assignment", json=order)
    full = await room.ask("manager", "POST", f"{path}/assignment", json=order, headers=await tag())
    assert (unasked.status_code, full.status_code) == (428, 409)
    assert full.json()["code"] == "no_capacity"
    await room.stands(referral, "offered", "wk_one")

    beyond = {**order, "exceed_hard_cap": True}
    asked = await room.ask(
        "manager", "POST", f"{path}/assignment", json=beyond, headers=await tag()
    )
    assert (asked.status_code, asked.json()["worker_id"]) == (200, "wk_one")
    for same in ("manager", "Manager", "MANAGER"):
        alone = await room.ask(same, "POST", f"{path}/assignment/confirmation")
        assert alone.json()["code"] == "second_person_needed"
    for nobody, status in (("twofold", 401), ("wk_two", 403)):
        alone = await room.ask(nobody, "POST", f"{path}/assignment/confirmation")
        assert alone.status_code == status
    confirmed = await room.ask("second", "POST", f"{path}/assignment/confirmation")

    assert confirmed.json()["worker_id"] == "wk_two"
    assert "over_hard_cap" in confirmed.json()["flags"]
    await room.caseloads(wk_one=0, wk_two=5)
    (handed,) = await room.told("allocation.handed_over")
    assert handed["data"]["from_worker_id"] == "wk_one"


async def test_a_worker_leaves_and_the_plan_moves_their_cases_only_when_confirmed(
    room: Room,
) -> None:
    await room.worker("wk_leaves")
    referrals = [await room.refer(f"case {n}", *SERIOUS) for n in range(3)]
    for referral in referrals:
        await room.stands(referral, "offered", "wk_leaves")
    await room.worker("wk_stays", cap=13)  # 10 within the soft cap: two cases of 5

    entry = {"worker_id": "wk_leaves", "reason": "worker_leaves"}
    plan = await room.ask("manager", "POST", "/v1/handover-plans", json=entry)
    body = plan.json()
    assert plan.status_code == 201
    assert {move["referral_id"] for move in body["moves"]} == set(referrals)
    assert len(body["without_receiver"]) == 1
    await room.caseloads(wk_leaves=15, wk_stays=0)

    path = plan.headers["Location"]
    confirm = {"headers": {"If-Match": plan.headers["ETag"]}}
    strange = await room.ask("stranger", "POST", f"{path}/confirmation", **confirm)
    assert strange.status_code == 404
    (await room.ask("manager", "POST", f"{path}/confirmation", **confirm)).raise_for_status()

    (applied,) = await room.told("handover_plan.applied")
    assert (applied["data"]["moved"], applied["data"]["moves"]) == (2, 3)
    await room.caseloads(wk_leaves=5, wk_stays=10)
    (told,) = await room.told("allocation.escalated")
    assert told["data"]["reason"] == "handover_without_receiver"
    assert told["data"]["referral_id"] in body["without_receiver"]


async def test_concerns_of_three_agencies_escalate_and_raise_the_open_case(room: Room) -> None:
    await room.worker("wk_one")
    first = await room.refer("one", "drug_use", subject="sub_one", agency_id="ag_school")
    await room.refer("two", "drug_use", subject="sub_one", agency_id="ag_health")
    await room.refer("three", "staying_out_late", subject="sub_one", agency_id="ag_police")

    (escalated,) = await room.told("risk.escalated")
    assert (escalated["data"]["from_level"], escalated["data"]["level"]) == (
        "none_apparent",
        "mild",
    )
    await room.told("allocation.relevelled")
    risk = await room.ask("manager", "GET", f"/v1/allocations/{first}/risk")
    assert (risk.json()["score"], risk.json()["level"]) == (2, "mild")
    assert "not validated" in risk.json()["warning"]


async def test_one_agency_repeating_itself_does_not_escalate(room: Room) -> None:
    for number in range(3):
        await room.refer(f"same {number}", "drug_use", subject="sub_one")

    assert len(await room.told("risk.assessed", 3)) == 3
    assert [e for e in room.events if e["type"] == "risk.escalated"] == []


async def test_a_practitioner_judges_in_either_direction_with_a_coded_reason(room: Room) -> None:
    await room.worker("wk_one")
    referral = await room.refer("judged", *SERIOUS)
    await room.stands(referral, "offered", "wk_one")
    path = f"/v1/allocations/{referral}/judgement"

    free = await room.ask("wk_one", "POST", path, json={"level": "mild", "reason": "gut feeling"})
    judged = await room.ask(
        "wk_one", "POST", path, json={"level": "mild", "reason": "protective_factors"}
    )

    assert free.status_code == 422
    assert (judged.json()["level"], judged.json()["scored_level"]) == ("mild", "significant")
    (told,) = await room.told("risk.judged")
    assert told["data"]["by"] == "worker:wk_one"
    (relevelled,) = await room.told("allocation.relevelled")
    assert relevelled["data"]["level"] == "mild"


async def test_a_worker_who_knows_the_young_person_is_preferred_and_it_is_explained(
    room: Room,
) -> None:
    await room.worker("wk_knows", cap=10)
    before = await room.refer("before", subject="sub_one")
    await room.stands(before, "offered", "wk_knows")
    await room.worker("wk_free", cap=100)

    referral = await room.refer("after", subject="sub_one")
    path = f"/v1/allocations/{referral}"
    explained = (await room.ask("manager", "GET", f"{path}/explanation")).json()
    replayed = (await room.ask("manager", "POST", f"{path}/replay")).json()
    strange = await room.ask("stranger", "GET", f"{path}/explanation")

    (decided,) = explained["decisions"]
    assert decided["worker_id"] == "wk_knows"
    assert "has worked with the young person before (500)" in decided["sentences"][0]
    assert decided["sentences"][1].startswith("wk_free could have taken it")
    assert decided["decision"]["hub"]["revision"] == 1
    assert replayed == {"same": True, "decisions": ["same"]}
    assert strange.status_code == 404


async def test_a_decision_altered_in_the_store_does_not_replay_as_the_same(room: Room) -> None:
    await room.worker("wk_one")
    referral = await room.refer("altered")
    stands = await room.stands(referral, "offered", "wk_one")

    (decision_id,) = stands.decisions
    # Consistent in itself: without the id nobody could tell.
    altered = {"$set": {"workers.0.experience_months": 99}}
    await room.stores.decisions.update_one({"_id": decision_id}, altered)
    replayed = await room.ask("manager", "POST", f"/v1/allocations/{referral}/replay")

    assert replayed.json() == {"same": False, "decisions": ["different"]}


async def test_a_withdrawn_referral_frees_its_worker_and_a_reopened_one_finds_one(
    room: Room,
) -> None:
    await room.worker("wk_one")
    referral = await room.refer("withdrawn")
    await room.stands(referral, "offered", "wk_one")

    await room.status(referral, "withdrawn", "allocated", version=3)
    await room.status(referral, "withdrawn", "allocated", version=3)
    await room.stands(referral, "closed")
    await room.caseloads(wk_one=0)
    await room.status(referral, "received", "withdrawn", version=4)
    await room.stands(referral, "offered", "wk_one")
    await room.status(referral, "withdrawn", "allocated", version=3)  # late

    await room.stands(referral, "offered", "wk_one")
    await room.caseloads(wk_one=1)


@pytest.mark.parametrize("crowd", [12, 45])
async def test_every_worker_of_the_area_is_explained_or_counted(room: Room, crowd: int) -> None:
    """Whoever it is that the young person avoids, or who is away or full, has the gate that closed."""
    dice = random.Random(SEED + crowd)
    avoiding = set()
    for number in range(crowd):
        setting = dice.choice(["police", "police", "hub", "school"])
        worker_id = f"wk_{number:02d}"
        await room.worker(worker_id, host_setting=setting, cap=dice.choice([0, 20, 40]))
        avoiding |= {worker_id} if setting == "police" else set()

    referral = await room.refer("explained", settings_avoided=["police"])
    await room.stands(referral, "offered")
    path = f"/v1/allocations/{referral}/explanation"
    (decided,) = (await room.ask("manager", "GET", path)).json()["decisions"]

    candidates = {c["worker_id"]: c["gates"] for c in decided["decision"]["candidates"]}
    said = " ".join(decided["sentences"])
    assert len(candidates) + decided["decision"]["beyond"] == crowd
    assert (decided["decision"]["beyond"] > 0) == (crowd > 40)
    assert all(worker_id in said for worker_id in candidates)
    closed = {w for w, gates in candidates.items() if not _passed(gates, "setting_not_avoided")}
    assert closed == avoiding & set(candidates)
    assert closed


def _passed(gates: list[dict[str, Any]], name: str) -> bool:
    return all(gate["passed"] for gate in gates if gate["gate"] == name)


async def test_an_amendment_that_rules_out_the_worker_tells_the_manager(room: Room) -> None:
    await room.worker("wk_one", host_setting="police")
    referral = await room.refer("amended", "drug_use")
    await room.stands(referral, "offered", "wk_one")

    await room.amend("amended", *SERIOUS, version=2, settings_avoided=["police"])

    escalated = await room.told("allocation.escalated", 2)
    assert {e["data"]["reason"] for e in escalated} == {"no_longer_fits", "risk_rose"}
    assert (await room.told("risk.escalated"))[0]["data"]["level"] == "significant"
    amended = await room.stands(referral, "offered", "wk_one")
    assert amended.settings_avoided == ("police",)


async def test_an_amendment_counts_that_comes_after_a_later_change_of_status(room: Room) -> None:
    await room.worker("wk_police", host_setting="police")
    referral = await room.refer("late")
    await room.stands(referral, "offered", "wk_police")

    await room.status(referral, "withdrawn", "allocated", version=3)
    await room.status(referral, "received", "withdrawn", version=4)
    await room.amend("late", version=2, settings_avoided=["police"], urgency="immediate")

    await _risen(room, referral, "significant")
    assert (await room.stores.allocations.get(referral)).settings_avoided == ("police",)


async def test_a_referral_relinked_to_another_young_person_counts_with_theirs(room: Room) -> None:
    await room.worker("wk_one", cap=100)
    first = await room.refer("first", *SERIOUS[:2], subject="sub_one", agency_id="ag_one")
    mistaken = await room.refer("mistaken", *SERIOUS[2:], subject="sub_two", agency_id="ag_two")
    for referral in (first, mistaken):
        before = await room.stands(referral, "offered", "wk_one")
        assert before.level != "significant"

    await room.amend("mistaken", *SERIOUS[2:], version=2, subject="sub_one", agency_id="ag_two")

    risen = await room.told("risk.escalated")
    assert risen[-1]["data"]["subject_id"] == "sub_one"
    for referral in (first, mistaken):
        await _risen(room, referral, "significant")
    after = await room.stands(mistaken, "offered", "wk_one")
    assert after.subject_id == "sub_one"
    await room.refer("third", subject="sub_one")
    others = await room.stores.others("sub_one", "")
    assert {first, mistaken} < set(others.referrals())


async def _risen(room: Room, referral_id: str, level: str) -> None:
    async def there() -> bool:
        return (await room.stores.allocations.get(referral_id)).level == level

    await until(there, deadline=10, what=f"{referral_id} being {level}")


async def test_an_urgency_that_rises_raises_the_level_to_its_floor(room: Room) -> None:
    await room.worker("wk_one", cap=100)
    referral = await room.refer("calm", urgency="ten_working_days")
    calm = await room.stands(referral, "offered", "wk_one")

    await room.amend("calm", version=2, urgency="immediate")

    pressing = await room.stands(referral, "offered", "wk_one")
    floors = room.stores.policy.floors
    assert (calm.level, pressing.level) == (floors["ten_working_days"], floors["immediate"])
    assert calm.level != pressing.level


async def test_the_language_of_the_young_person_is_matched(room: Room) -> None:
    await room.worker("wk_speaks", cap=20, languages=["pl"])
    await room.worker("wk_other", cap=20)

    for number in range(3):
        referral = await room.refer(f"pl{number}", languages=("pl",))
        await room.stands(referral, "offered", "wk_speaks")


async def test_entries_change_only_for_who_has_read_them(room: Room) -> None:
    made = await room.put_worker(NEW)
    same = await room.put_worker(NEW)
    blind = await room.put_worker(NEW, cap=30)
    changed = await room.put_worker(NEW, tag=made.headers["ETag"], cap=30)
    stale = await room.put_worker(NEW, tag=made.headers["ETag"], cap=40)
    strange = await room.put_worker(NEW, by="stranger", tag='"v2"')

    codes = [a.status_code for a in (made, same, blind, changed, stale, strange)]
    assert codes == [200, 200, 428, 200, 412, 404]
    await room.refer("raises the version, not the revision")
    later = await room.put_worker(NEW, tag=changed.headers["ETag"], cap=50)
    assert later.status_code == 200


async def test_the_policy_of_the_hub_reaches_workers_and_frees_who_waits(room: Room) -> None:
    await room.worker("wk_one", cap=None)
    await room.ask(
        "operator",
        "PUT",
        f"/v1/hubs/{HUB}",
        json={"name": "North Hub", "areas": ["northtown"], "caps": {"hub_worker": 0}},
        headers={"If-Match": '"v1"'},
    )
    await room.told("worker.capacity_changed")
    referral = await room.refer("waits")
    await room.stands(referral, "waiting")

    again = {"name": "North Hub", "areas": ["northtown"], "caps": {"hub_worker": 9}}
    path = f"/v1/hubs/{HUB}"
    await room.ask("manager", "PUT", path, json=again, headers={"If-Match": '"v2"'})

    await room.stands(referral, "offered", "wk_one")


async def test_pages_of_workers_and_of_the_queue_follow_on_each_other(room: Room) -> None:
    for number in range(5):
        await room.worker(f"wk_{number}", cap=0)
    referrals = [
        await room.refer(f"q{n}", urgency=urgency)
        for n, urgency in enumerate(["ten_working_days", "same_day", "one_working_day"] * 2)
    ]

    async def pages(path: str, key: str) -> list[str]:
        ids: list[str] = []
        cursor: str | None = None
        while True:
            query = f"{path}&cursor={cursor}" if cursor else path
            page = (await room.ask("manager", "GET", query)).json()
            ids += [one["id"] for one in page[key]]
            cursor = page["next"]
            if cursor is None:
                return ids

    assert await pages("/v1/workers?limit=2", "workers") == [f"wk_{n}" for n in range(5)]
    line = await pages("/v1/allocations?status=waiting&limit=2", "allocations")
    assert line == [referrals[n] for n in (1, 4, 2, 5, 0, 3)]
    assert (await room.ask("school", "GET", "/v1/workers")).status_code == 403


async def entries(room: Room) -> list[tuple[str, int]]:
    """Which workers there are, and the revision of each one's entry."""
    return [(one.id, one.revision) for one in await room.stores.workers.find({}, sort=[("_id", 1)])]


NEW = f"wk_{'0a' * 16}"
ENTRY = {
    "hub_id": HUB,
    "worker_role": "hub_worker",
    "areas": ["northtown"],
    "host_setting": "hub",
}


@pytest.mark.parametrize("by_list", [False, True])
@pytest.mark.parametrize(
    ("worker_id", "changes", "field", "code"),
    [
        *(
            (one, {}, "", "worker_id_invalid")
            for one in ("wk_jane_doe", "jane-doe", f"{NEW}0", NEW[:-1], NEW[3:], f"isa{NEW[2:]}")
        ),
        # As what is not there: of another Hub.
        ("wk_elsewhere", {}, "", "worker_id_invalid"),
        (NEW, {"host_agency_id": "jane-doe"}, "host_agency_id", "agency_unknown"),
        ("wk_there", {"host_agency_id": "jane-doe"}, "host_agency_id", "agency_unknown"),
        (NEW, {"areas": ["northtown", "jane-doe"]}, "areas", "area_not_of_hub"),
        ("wk_there", {"areas": ["jane-doe"]}, "areas", "area_not_of_hub"),
    ],
)
async def test_a_manager_makes_up_no_name_of_a_worker_their_host_or_their_areas(
    room: Room, by_list: bool, worker_id: str, changes: dict[str, Any], field: str, code: str
) -> None:
    await room.worker("wk_there")
    elsewhere = {"hub_id": "hub_south", "areas": ["southtown"]}
    await room.worker("wk_elsewhere", **elsewhere)
    before = await entries(room)
    entry = {**ENTRY, **changes}

    if by_list:
        cells = {
            **entry,
            "worker_id": worker_id,
            "areas": " ".join(entry["areas"]),
            "revision": "1",
        }
        text = ",".join(cells) + "\n" + ",".join(str(cell) for cell in cells.values())
        report = await room.ask("manager", "POST", "/v1/workers/import", content=text)
        assert report.json()["lines"][0]["faults"] == [f"{field or 'worker_id'}: {code}"]
    else:
        tag = {"If-Match": "*"}
        answer = await room.ask(
            "manager", "PUT", f"/v1/workers/{worker_id}", json=entry, headers=tag
        )
        assert (answer.status_code, code in answer.text) == (422, True), answer.text

    assert await entries(room) == before


async def test_a_manager_registers_a_worker_with_a_registered_host_and_keeps_what_an_operator_named(
    room: Room,
) -> None:
    await room.bus.publish(Message.of(an_agency("ag_police").body()))
    named: dict[str, Any] = {"areas": ["named_by_operator"], "host_agency_id": "ag_named"}
    await room.worker("wk_named", **named)

    new = await room.put_worker(NEW, host_agency_id="ag_police")
    kept = await room.put_worker("wk_named", '"v1"', **{**named, "cap": 3})

    assert (new.status_code, kept.status_code) == (200, 200), new.text + kept.text


async def test_a_list_of_workers_is_imported_line_by_line(room: Room) -> None:
    await room.worker("wk_there", leave=[{"start": "2026-01-01"}])
    text = (
        "worker_id,hub_id,worker_role,areas,host_setting,cap,revision\n"
        f"{NEW},hub_north,hub_worker,northtown,hub,20,\n"
        "wk_b,hub_south,hub_worker,northtown,hub,20,\n"
        "wk_there,hub_north,hub_worker,northtown,hub,30,\n"
        "wk_c,hub_north,teacher,northtown,hub,20,\n"
    )

    async def send(body: str) -> Any:
        kind = {"Content-Type": "text/csv"}
        path = "/v1/workers/import"
        return (await room.ask("manager", "POST", path, content=body, headers=kind)).json()

    report = await send(text)
    again = await send(text.replace("hub,30,", "hub,30,1"))

    assert [(line["line"], line["result"], line["faults"]) for line in report["lines"]] == [
        (2, "created", []),
        (3, "refused", ["hub_id: not_yours"]),
        (4, "refused", ["revision: needed_to_change"]),
        (5, "refused", ["worker_role: literal_error"]),
    ]
    assert [line["result"] for line in again["lines"]][:3] == ["unchanged", "refused", "changed"]
    kept = await room.a_worker("wk_there")
    assert (kept.cap, len(kept.leave)) == (30, 1), "what a list can't say stays"


async def test_numbers_of_a_quarter_are_for_whom_they_concern_and_stay_as_first_counted(
    room: Room,
) -> None:
    """Twelve referrals about one girl, and twelve entered in error, are no twenty-four girls; and what
    is reopened, or found to be in error, after a quarter was counted changes nothing of it."""
    path, then = f"/v1/hubs/{HUB}/numbers?quarter=", datetime(2025, 11, 3, 12, tzinfo=UTC)
    ended = {"status": "closed", "closed_at": then, "closure": "moved_away", "hub_id": HUB}
    rows = [
        {
            **ended,
            "_id": f"ref_{kind}{n}",
            "received_at": then,
            "assessment": {"level": "mild"},
            "subject_id": "sub_girl" if kind == "girl" else f"sub_{kind}{n}",
            "referral_status": "entered_in_error" if kind == "error" else None,
            "reach": {"gender": "male" if kind == "boy" else "female"},
        }
        for kind in ("girl", "boy", "error")
        for n in range(12)
    ]
    stored = room.stores.allocations.collection
    await stored.insert_many(rows)

    past = await room.ask("manager", "GET", f"{path}2025-Q4")
    await stored.update_many({}, {"$set": {"closed_at": None, "closure": None}})
    again = await room.ask("manager", "GET", f"{path}2025-Q4")
    lines = await room.ask("manager", "GET", f"{path}2025-Q4&format=csv")
    future = await room.ask("manager", "GET", f"{path}2999-Q1")
    year, month = now().year, now().month
    present = await room.ask("manager", "GET", f"{path}{year}-Q{(month + 2) // 3}")
    strange = await room.ask("stranger", "GET", f"{path}2025-Q4")
    await stored.delete_many({"_id": {"$in": [row["_id"] for row in rows]}})

    assert past.json()["received_by_level"] == {"cells": {"mild": 25}, "total": 25}
    assert past.json()["closed_by_reason"] == {"cells": {"moved_away": 25}, "total": 25}
    assert past.json()["reach"]["gender"] == {"cells": {}, "total": None}
    assert (past.json(), past.json()["provisional"]) == (again.json(), False)
    assert lines.headers["content-type"] == "text/csv; charset=utf-8"
    assert "closed_by_reason,moved_away,25\r\n" in lines.text
    assert (future.status_code, future.json()["code"]) == (400, "quarter_not_begun")
    assert present.json()["provisional"] is True
    assert present.json()["now"] is not None
    assert strange.status_code == 404


async def test_the_same_event_many_times_at_once_gives_one_worker(room: Room) -> None:
    for number in range(3):
        await room.worker(f"wk_{number}")
    table = {h.type: h.handle for h in handlers(room.stores)["allocation.referrals"]}
    handle = table["referral.received"]

    await asyncio.gather(*(handle(a_referral("many")) for _ in range(8)))

    allocation = await room.stands(derived_id("ref", "many"), "offered")
    holders = await room.stores.holders(allocation.id)
    assert [(h.id, h.caseload) for h in holders] == [(allocation.worker_id, 1)]


async def test_what_a_crash_left_reserved_is_finished_when_the_event_comes_again(
    room: Room,
) -> None:
    await room.worker("wk_busy", cap=10)
    await room.worker("wk_free", cap=100)
    referral = await _reported(room, "crashed")
    await _reserved(room, "wk_busy", referral, at_round=1)

    await room.refer("crashed")

    await room.stands(referral, "offered", "wk_busy")
    await room.caseloads(wk_busy=1, wk_free=0)


async def test_what_a_crash_left_with_someone_who_may_not_take_it_is_given_back(
    room: Room,
) -> None:
    await room.worker("wk_police", host_setting="police")
    referral = await _reported(room, "stray")
    await _reserved(room, "wk_police", referral, at_round=1)

    await room.refer("stray", settings_avoided=["police"])

    await room.stands(referral, "waiting")
    await room.caseloads(wk_police=0)


async def test_a_reservation_that_came_too_late_is_given_back(room: Room) -> None:
    await room.worker("wk_has_it")
    referral = await room.refer("taken")
    await room.stands(referral, "offered", "wk_has_it")
    await room.worker("wk_late")

    # As if a twin had reserved for the same round, and died before it saw that it was too late.
    await _reserved(room, "wk_late", referral, at_round=1)

    await room.caseloads(wk_has_it=1, wk_late=0)


async def test_a_reservation_for_a_waiting_case_is_finished_by_whoever_hears_of_it(
    room: Room,
) -> None:
    referral = await room.refer("pulled")
    waits = await room.stands(referral, "waiting")
    await room.worker("wk_full", cap=0)
    await room.stores.workers.collection.update_one(
        {"_id": "wk_full"}, {"$set": {"cap": 20, "own_cap": 20}}
    )

    # As if a process had died right after reserving; nothing else would look at this case again.
    await _reserved(room, "wk_full", referral, at_round=waits.round + 1)

    await room.stands(referral, "offered", "wk_full")
    await room.caseloads(wk_full=1)


async def _reported(room: Room, key: str) -> str:
    """The subject of that referral is stored, as it is before anything is reserved."""
    event = a_referral(key)
    subject, assessed = first_seen(event, room.stores.policy, now())
    by = Origin.of_event("allocation", event)
    await room.stores.subjects.add(subject, assessed, by=by)
    return event.subject


async def _reserved(room: Room, worker_id: str, referral_id: str, at_round: int) -> None:
    await room.stores.workers.change(
        worker_id,
        lambda w: reserve(
            w, Case(referral_id=referral_id, weight=1, round=at_round), limit="soft", at=now()
        ),
        by=Origin.of_service("allocation"),
    )


async def _all_published(room: Room) -> bool:
    stores = room.stores
    for store in (stores.allocations, stores.workers, stores.subjects):
        if await store.collection.find_one({"outbox_due": {"$exists": True}}):
            return False
    return True
