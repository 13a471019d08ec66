"""Two children taken for one, by all four services, and apart again with all that followed."""

import asyncio
from datetime import timedelta
from typing import Any

from allinone import sample
from shared.clock import now
from tests.harness.network import Network, a_referral
from tests.harness.waiting import until

ANY_TAG = {"If-Match": "*"}
PARTNER = sample.POLICE
CONCERN = "sexually_transmitted_infection"


async def do(network: Network, by: str, method: str, path: str, body: Any = None, **h: str) -> Any:
    """Something that must succeed; its document."""
    answer = await network.ask(by, method, path, json=body, headers={**ANY_TAG, **h})
    assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
    return answer.json()


async def refer(network: Network, by: str, key: str, name: str, **changes: Any) -> str:
    subject = {"name": name, "date_of_birth": "2012-05-17"}
    document = a_referral(**{"agency_reference": key, "subject": subject, **changes})
    made = await do(network, by, "POST", "/v1/referrals", document, **{"Idempotency-Key": key})
    return str(made["id"])


async def case(network: Network, referral_id: str) -> Any:
    """The allocation, once a worker has it."""

    async def placed() -> Any:
        answer = await network.ask("manager", "GET", f"/v1/allocations/{referral_id}")
        return answer.json() if answer.is_success and answer.json()["worker_id"] else None

    return await until(placed, deadline=20, what=f"a worker for {referral_id}")


async def decide(network: Network, one: str, other: str, decision: str) -> None:
    body = {"other_referral_id": other, "decision": decision, "ground": "records_compared"}
    body["reason"] = "Synthetic reason."
    await do(network, "manager", "POST", f"/v1/referrals/{one}/match-decisions", body)


async def answers(network: Network, by: str, path: str, status: int) -> None:
    async def answered() -> bool:
        return (await network.ask(by, "GET", path)).status_code == status

    await until(answered, deadline=20, what=f"{status} of {path} for {by}")


async def inbox(network: Network, person: str, referral_id: str) -> list[Any]:
    page = await do(network, person, "GET", "/v1/notifications?limit=100")
    return [n for n in page["notifications"] if n["referral_id"] == referral_id]


async def consent(network: Network, referral_id: str, key: str) -> str:
    said = {
        "status": "given",
        "agency_ids": [PARTNER],
        "categories": ["existence", "concerns"],
        "given_by": "young_person",
        "gillick_competent": True,
        "said_at": (now() - timedelta(minutes=5)).isoformat(),
    }
    path = f"/v1/referrals/{referral_id}/consents"
    made = await do(network, "manager", "POST", path, said, **{"Idempotency-Key": key})
    return str(made["id"])


async def subject_of(network: Network, referral_id: str) -> str:
    stored = await network.mongo_of("referral")["referrals"].find_one({"_id": referral_id})
    assert stored is not None
    return str(stored["subject_id"])


async def risk(network: Network, referral_id: str) -> Any:
    found = await do(network, "manager", "GET", f"/v1/allocations/{referral_id}/risk")
    return found["score"], found["level"]


async def test_what_was_joined_by_mistake_is_apart_again_everywhere(network: Network) -> None:
    wanted = {"kinds": ["concern_in_your_area"], "areas": ["northtown"]}
    await do(network, "police", "PUT", f"/v1/subscriptions/{PARTNER}", wanted)
    one = await refer(network, "school", "apart-1", "Alpha Sampleton")
    reported = [{"code": CONCERN, "recency": "current"}]
    other = await refer(network, "health", "apart-2", "Bravo Otherham", indicators=reported)
    await asyncio.gather(case(network, one), case(network, other))
    await assign(network, other, "wk_spoke_two")
    yes = await consent(network, one, "apart-yes")
    await network.quiet()
    before = {r: (await risk(network, r), await subject_of(network, r)) for r in (one, other)}
    await answers(network, "police", f"/v1/referrals/{one}", 200)
    await answers(network, "police", f"/v1/referrals/{other}", 404)

    await decide(network, one, other, "same_person")
    await answers(network, "police", f"/v1/referrals/{other}", 200)
    later = await refer(network, "health", "apart-3", "Bravo Otherham", indicators=reported)
    placed = await case(network, later)
    await network.quiet()
    joined = await risk(network, one)
    assert joined == await risk(network, other)
    assert joined[0] > max(before[r][0][0] for r in (one, other))
    assert placed["worker_id"] == (await case(network, one))["worker_id"] == "wk_hub_one"
    told = [n for r in (one, other) for n in await inbox(network, "manager", r)]
    assert ("case_escalated", "two_workers") in [(n["kind"], n["detail"]) for n in told]
    heard = [n["kind"] for n in await inbox(network, "police", later)]
    assert heard == ["concern_in_your_area"], "the yes of one was taken for the other's"
    mark = {"unsafe": True, "relation": "close_associate"}
    await do(network, "manager", "PUT", f"/v1/referrals/{one}/unsafe-workers/wk_spoke_two", mark)
    await network.quiet()
    assert (await case(network, other))["worker_id"] != "wk_spoke_two"

    await decide(network, one, other, "different_people")
    await answers(network, "police", f"/v1/referrals/{other}", 404)
    await network.quiet()
    after = {r: (await risk(network, r), await subject_of(network, r)) for r in (one, other)}
    assert after == before
    assert await subject_of(network, later) == before[other][1]
    await answers(network, "police", f"/v1/referrals/{one}", 200)
    await answers(network, "police", f"/v1/referrals/{later}", 404)
    assert "retraction" in [n["kind"] for n in await inbox(network, "police", later)]
    await assign(network, other, "wk_spoke_two")
    refused = await assigned(network, one, "wk_spoke_two")
    assert refused.status_code == 409, refused.text

    trail = await network.trail(one) + await network.trail(other)
    manager = f"hub_manager:{network.account('manager')}"
    decided = [e for e in trail if e["type"] == "subject.match_decided"]
    assert {(e["data"]["decision"], e["actor"]) for e in decided} == {
        ("same_person", manager),
        ("different_people", manager),
    }
    moves = [e["data"] for e in trail if e["type"] == "subject.relinked"]
    there, back = before[one][1], before[other][1]
    assert {(m["from_subject_id"], m["to_subject_id"]) for m in moves} == {
        (there, back),
        (back, there),
    }
    assert "notification.retracted" in await network.steps(later)
    path = f"/v1/subjects/{back}/disclosures"
    lines = (await do(network, "auditor", "GET", path))["disclosures"]
    wrong = {
        (line["kind"], line["referral_id"])
        for line in lines
        if PARTNER in line["recipients"] and yes in line["ground_ids"]
    }
    assert {("viewed", other), ("shared", later)} <= wrong


async def assigned(network: Network, referral_id: str, worker_id: str) -> Any:
    body = {"worker_id": worker_id, "reason": "continuity"}
    path = f"/v1/allocations/{referral_id}/assignment"
    return await network.ask("manager", "POST", path, json=body, headers=ANY_TAG)


async def assign(network: Network, referral_id: str, worker_id: str) -> None:
    answer = await assigned(network, referral_id, worker_id)
    assert answer.is_success, answer.text


async def test_three_agencies_at_once_make_one_worker_and_take_capacity_once(
    network: Network,
) -> None:
    async def load() -> int:
        path = "/v1/workers"
        workers = (await do(network, "manager", "GET", path))["workers"]
        return sum(int(w["caseload"]) for w in workers)

    loaded = await load()
    agencies = ("school", "health", "police")
    ids = await asyncio.gather(
        *(refer(network, by, f"once-{by}", "Charlie Atonce") for by in agencies)
    )
    cases = [await case(network, i) for i in ids]
    await network.quiet()

    assert len({c["worker_id"] for c in cases}) == 1
    taken = await load() - loaded
    alone = await refer(network, "school", "alone", "Delta Byhimself")
    await case(network, alone)
    await network.quiet()
    assert taken == await load() - loaded - taken > 0


async def test_a_consent_that_never_counted_is_taken_back_from_who_heard_on_it(
    network: Network,
) -> None:
    wanted = {"kinds": ["concern_in_your_area"], "areas": ["northtown"]}
    await do(network, "police", "PUT", f"/v1/subscriptions/{PARTNER}", wanted)
    first = await refer(network, "school", "mistake-1", "Echo Mistaken")
    await case(network, first)
    yes = await consent(network, first, "mistake-yes")
    await network.quiet()
    later = await refer(network, "health", "mistake-2", "Echo Mistaken")
    await case(network, later)
    await network.quiet()
    await answers(network, "police", f"/v1/referrals/{later}", 200)
    assert [n["kind"] for n in await inbox(network, "police", later)] == ["concern_in_your_area"]

    path = f"/v1/referrals/{first}/consents/{yes}/invalidation"
    await do(network, "manager", "POST", path, {"reason": "wrong_person"})
    await answers(network, "police", f"/v1/referrals/{later}", 404)
    await network.quiet()

    assert "retraction" in [n["kind"] for n in await inbox(network, "police", later)]
    (ended,) = [e for e in await network.trail(first) if e["type"] == "consent.invalidated"]
    assert ended["actor"] == f"hub_manager:{network.account('manager')}"
    assert "notification.retracted" in await network.steps(later)
