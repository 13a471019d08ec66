"""One referral goes through all four services, each its own process."""

import asyncio
from collections import Counter

from standardwebhooks import Webhook

from allinone import sample
from tests.harness.network import STORY, Network, a_referral
from tests.harness.receiver import receiving
from tests.harness.waiting import until


async def test_a_referral_ends_in_the_trail_in_one_trace_that_its_caller_did_not_choose(
    network: Network,
) -> None:
    forged = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = await network.ask(
        "school",
        "POST",
        "/v1/referrals",
        json=a_referral(agency_reference="trace"),
        headers={
            "Idempotency-Key": "trace",
            "traceparent": f"00-{forged}-00f067aa0ba902b7-01",
            "tracestate": "jane=doe",
            "baggage": "jane=doe",
        },
    )

    assert answer.status_code == 201
    referral_id = answer.json()["id"]
    events = await network.told(referral_id, STORY)
    assert await network.steps(referral_id) == STORY
    (trace_id,) = {e["traceparent"].split("-")[1] for e in events}
    assert trace_id != forged
    assert [e["type"] for e in events][:2] == ["subject.linked", "referral.received"]
    told = [e["data"] for e in events if e["type"] == "notification.created"]
    assert Counter((n["recipient_id"], n["kind"]) for n in told) == {
        (sample.SCHOOL, "referral_received"): 1,
        (sample.SCHOOL, "referral_allocated"): 1,
        ("wk_hub_one", "case_allocated_to_you"): 1,
        (sample.HUB, "case_for_oversight"): 1,
    }


async def test_everyone_sees_their_side_of_it(network: Network) -> None:
    posted = await network.refer("sides")
    referral_id = posted.json()["id"]
    await network.told(referral_id, STORY)

    status = await network.ask("school", "GET", posted.headers["Location"])
    allocation = await network.ask("manager", "GET", f"/v1/allocations/{referral_id}")
    inbox = await network.ask("worker", "GET", "/v1/notifications")

    assert status.json()["status"] == "allocated"
    assert status.json()["subject_id"] is None
    assert allocation.json()["worker_id"] == "wk_hub_one"
    mine = [n for n in inbox.json()["notifications"] if n["referral_id"] == referral_id]
    assert [n["kind"] for n in mine] == ["case_allocated_to_you"]


async def test_another_agency_does_not_learn_that_it_exists(network: Network) -> None:
    posted = await network.refer("hidden")

    theirs = await network.ask("police", "GET", posted.headers["Location"])
    nothing = await network.ask("police", "GET", "/v1/referrals/ref_" + "0" * 32)

    assert theirs.status_code == nothing.status_code == 404
    assert _without_instance(theirs.json()) == _without_instance(nothing.json())


async def test_two_identical_requests_at_once_and_one_later_give_one_referral(
    network: Network,
) -> None:
    answers = await asyncio.gather(*(network.refer("twice") for _ in range(8)))
    later = await network.refer("twice")

    assert {a.status_code for a in (*answers, later)} == {201}
    assert len({a.json()["id"] for a in (*answers, later)}) == 1
    referral_id = later.json()["id"]
    await network.told(referral_id, STORY)
    await network.quiet()
    assert await network.steps(referral_id) == STORY


async def test_the_webhook_is_signed_as_standard_webhooks_ask(network: Network) -> None:
    async with receiving() as receiver:
        receiver.answers = [500]
        path = f"/v1/subscriptions/{sample.SCHOOL}"
        subscribed = await network.ask("school", "PUT", path, json={"url": receiver.url})
        posted = await network.refer("webhook")
        referral_id = posted.json()["id"]

        # The first call is refused with 500, so one notification comes again after its backoff.
        story = STORY + Counter({"notification.delivered": 2})
        await network.told(referral_id, story)
        off = {"url": receiver.url, "active": False}
        await network.ask("school", "PUT", path, json=off)

    verifier = Webhook(subscribed.json()["secret"])
    bodies = [verifier.verify(call.body, call.headers) for call in receiver.calls]
    assert {b["referral_id"] for b in bodies} == {referral_id}
    assert len(receiver.calls) == 3
    assert len({call.headers["webhook-id"] for call in receiver.calls}) == 2
    assert "Sample" not in "".join(call.body.decode() for call in receiver.calls)


async def test_opening_a_notification_is_recorded_once(network: Network) -> None:
    posted = await network.refer("opened")
    referral_id = posted.json()["id"]
    await network.told(referral_id, STORY)
    inbox = (await network.ask("worker", "GET", "/v1/notifications")).json()["notifications"]
    (mine,) = [n["id"] for n in inbox if n["referral_id"] == referral_id]

    first = await network.ask("worker", "POST", f"/v1/notifications/{mine}/opened")
    again = await network.ask("worker", "POST", f"/v1/notifications/{mine}/opened")
    other = await network.ask("school", "POST", f"/v1/notifications/{mine}/opened")

    assert first.json()["status"] == again.json()["status"] == "opened"
    assert first.json()["opened_at"] == again.json()["opened_at"]
    assert other.status_code == 404
    await network.told(referral_id, STORY + Counter({"notification.opened": 1}))


async def test_a_referral_for_an_area_without_a_hub_waits_and_says_so(network: Network) -> None:
    posted = await network.refer("nowhere", area="elsewhere")
    referral_id = posted.json()["id"]

    async def waiting() -> bool:
        answer = await network.ask("school", "GET", f"/v1/referrals/{referral_id}")
        return bool(answer.json()["status"] == "waiting")

    await until(waiting, deadline=20)
    story = Counter({"allocation.waiting": 1, "notification.created": 2})
    events = await network.told(referral_id, story)
    (waits,) = [e["data"] for e in events if e["type"] == "allocation.waiting"]
    assert waits["reason"] == "no_hub_for_area"


def _without_instance(problem: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in problem.items() if name != "instance"}


async def test_a_case_goes_all_the_way_and_the_referrer_sees_it(network: Network) -> None:
    posted = await network.refer("whole-way")
    referral_id = posted.json()["id"]
    await network.told(referral_id, STORY)
    path, star = f"/v1/allocations/{referral_id}", {"If-Match": "*"}

    for step, body in (
        ("acceptance", None),
        ("start", None),
        (
            "closure",
            {"reason": "completed", "outcomes": [{"goal": "safety", "outcome": "achieved"}]},
        ),
    ):
        answer = await network.ask("worker", "POST", f"{path}/{step}", json=body, headers=star)
        assert answer.status_code == 200, (step, answer.text)

    async def closed() -> bool:
        seen = await network.ask("school", "GET", posted.headers["Location"])
        return bool(seen.json()["status"] == "closed")

    await until(closed, deadline=20, what="the end reaching the referrer")
    seen = await network.ask("school", "GET", posted.headers["Location"])
    assert seen.json()["categories"]["outcome"]["outcome"] == "goals_achieved"
    await network.quiet()
    assert Counter(await heard(network, "school", referral_id)) == {
        ("referral_received", None): 1,
        ("referral_allocated", None): 1,
        ("referral_accepted", None): 1,
        ("referral_started", None): 1,
        ("referral_closed", "goals_achieved"): 1,
    }
    by_the_worker = await heard(network, "worker", referral_id)
    assert by_the_worker == [("case_allocated_to_you", None)], "they have closed it themselves"


async def heard(network: Network, person: str, referral_id: str) -> list[tuple[str, str | None]]:
    """Kind and detail of what a person's inbox says of a referral."""
    answer = await network.ask(person, "GET", "/v1/notifications?limit=100")
    found = answer.json()["notifications"]
    return [(n["kind"], n["detail"]) for n in found if n["referral_id"] == referral_id]


async def test_a_withdrawn_referral_frees_its_worker_and_a_reopened_one_gets_one_again(
    network: Network,
) -> None:
    posted = await network.refer("withdrawn")
    referral_id, star = posted.json()["id"], {"If-Match": "*"}
    await network.told(referral_id, STORY)
    steps = f"/v1/referrals/{referral_id}/steps"

    async def worker() -> str | None:
        seen = await network.ask("manager", "GET", f"/v1/allocations/{referral_id}")
        return str(seen.json()["worker_id"]) if seen.json().get("worker_id") else None

    assert await worker() == "wk_hub_one"
    body = {"reason": "no_longer_needed"}
    done = await network.ask("school", "POST", f"{steps}/withdrawal", json=body, headers=star)
    assert done.status_code == 200, done.text
    released = Counter({"allocation.closed": 1, "worker.caseload_changed": 2})
    await network.told(referral_id, STORY + released - Counter({"worker.caseload_changed": 1}))
    await network.quiet()
    assert ("case_no_longer_yours", None) in await heard(network, "worker", referral_id)
    body = {"reason": "new_information"}
    await network.ask("school", "POST", f"{steps}/reopening", json=body, headers=star)

    await until(worker, deadline=20, what="a worker again")

    async def allocated() -> bool:
        seen = await network.ask("school", "GET", f"/v1/referrals/{referral_id}")
        return bool(seen.json()["status"] == "allocated")

    await until(allocated, deadline=20, what="the referrer seeing it")


async def test_an_anonymous_account_is_told_nothing_back(network: Network) -> None:
    entry = {"name": "Anonymous", "kind": "9", "areas": []}
    await network.ask("operator", "PUT", "/v1/agencies/ag_elsewhere", json=entry)
    await network.quiet()
    document = a_referral(agency_reference="anonymous")
    del document["referrer"]

    posted = await network.ask(
        "stranger",
        "POST",
        "/v1/referrals",
        json=document,
        headers={"Idempotency-Key": "anonymous"},
    )
    told = STORY - Counter({"notification.created": 2})
    events = await network.told(posted.json()["id"], told)
    await network.quiet()

    inbox = await network.ask("stranger", "GET", "/v1/notifications")
    assert inbox.json()["notifications"] == []
    kinds = [e["data"]["recipient_kind"] for e in events if e["type"] == "notification.created"]
    assert "agency" not in kinds
