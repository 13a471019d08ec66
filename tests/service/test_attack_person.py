"""One person with several names or sides: nothing is given to them, or opened, under another."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from allinone import sample
from shared.operating.runner import mongo as connected
from tests.harness.mongo import Mongo
from tests.harness.network import a_referral
from tests.harness.waiting import until
from tests.harness.whole import Whole, whole

MARK: dict[str, Any] = {"unsafe": True, "relation": "alleged_perpetrator"}
ANY = {"If-Match": "*"}
OF_THE_AGENCY = {f"worker:wk_{one}" for one in ("nowhere", "at_police", "late", "clerk")}


@pytest_asyncio.fixture(scope="module")
async def services(mongo: Mongo, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Whole]:
    async with whole(mongo.url, tmp_path_factory.mktemp("whole")) as made:
        yield made


async def a_case(services: Whole, key: str) -> str:
    """A referral that some worker has."""
    subject = {"name": f"Child of {key}", "date_of_birth": "2011-02-03"}
    document = a_referral(agency_reference=key, subject=subject, settings_avoided=[])
    headers = {"Idempotency-Key": key}
    answer = await services.ask("school", "POST", "/v1/referrals", json=document, headers=headers)
    referral_id = str(answer.json()["id"])

    async def placed() -> bool:
        found = await services.ask("manager", "GET", f"/v1/allocations/{referral_id}")
        return found.is_success and bool(found.json()["worker_id"])

    await until(placed, deadline=20, what="a worker")
    return referral_id


async def a_worker(services: Whole, worker_id: str, sub: str, **changes: Any) -> None:
    """A worker of the Hub, as whom this person has called."""
    entry = {**sample.EVERY_WORKER, "worker_role": "hub_worker", "host_setting": "hub", **changes}
    path = f"/v1/workers/{worker_id}"
    (await services.ask("operator", "PUT", path, json=entry)).raise_for_status()
    services.tokens[worker_id] = services.token(sub=sub, role="worker", worker_id=worker_id)
    (await services.ask(worker_id, "GET", "/v1/referrals")).raise_for_status()


async def order(services: Whole, referral_id: str, worker_id: str) -> tuple[int, str | None]:
    answer = await services.ask(
        *("manager", "POST", f"/v1/allocations/{referral_id}/assignment"),
        json={"worker_id": worker_id, "reason": "workload"},
        headers=ANY,
    )
    return answer.status_code, answer.json().get("code")


async def test_who_is_marked_as_one_worker_gets_no_case_as_another(services: Whole) -> None:
    """One account has called as three workers, another one as the last of them and as a fourth; only
    the first worker is marked."""
    names = {"wk_first": "one", "wk_second": "one", "wk_third": "one", "wk_fourth": "two"}
    for worker_id, sub in names.items():
        await a_worker(services, worker_id, sub, cap=20)
    services.tokens["two"] = services.token(sub="two", role="worker", worker_id="wk_third")
    (await services.ask("two", "GET", "/v1/referrals")).raise_for_status()
    referral_id = await a_case(services, "several")
    path = f"/v1/referrals/{referral_id}"

    async def marked() -> bool:  # once the service has heard of the worker
        to = f"{path}/unsafe-workers/wk_first"
        return (await services.ask("manager", "PUT", to, json=MARK)).is_success

    await until(marked, deadline=20, what="the mark")

    async def refused() -> bool:
        found = [await order(services, referral_id, worker_id) for worker_id in names]
        return found == [(409, "worker_unsafe")] * len(names)

    sharing = (await services.ask("manager", "GET", f"{path}/sharing")).json()
    workers = {name for name in sharing["unsafe_persons"] if name.startswith("worker:")}
    assert workers == {f"worker:{worker_id}" for worker_id in names}
    await until(refused, deadline=20, what="nobody ordering it to any of their names")
    lifted = {**MARK, "unsafe": False}
    to = f"{path}/unsafe-workers/wk_second"
    (await services.ask("manager", "PUT", to, json=lifted)).raise_for_status()
    after = (await services.ask("manager", "GET", f"{path}/sharing")).json()
    assert after["unsafe_persons"] == []


async def test_a_hosted_worker_opens_no_record_to_their_host_by_their_own_decision(
    services: Whole,
) -> None:
    host = sample.POLICE
    await a_worker(services, "wk_hosted", "hosted", host_setting="police", host_agency_id=host)
    await a_worker(services, "wk_elsewhere", "hosted", cap=20)  # the same person
    referral_id = await a_case(services, "hosted")
    await order(services, referral_id, "wk_hosted")
    path = f"/v1/referrals/{referral_id}"

    async def theirs() -> bool:
        return (await services.ask("wk_hosted", "GET", path)).is_success

    await until(theirs, deadline=20, what="the case being theirs")
    basis = {
        **{"basis": "public_task", "condition": "safeguarding", "categories": ["existence"]},
        **{"reason": "Synthetic.", "necessity": "Synthetic.", "subject_told": True},
        "review_at": "2027-01-01T00:00:00Z",
    }

    async def decide(who: str, *agencies: str) -> int:
        headers = {"Idempotency-Key": f"{who} {agencies}"}
        body = {**basis, "agency_ids": agencies}
        answer = await services.ask(who, "POST", f"{path}/bases", json=body, headers=headers)
        assert answer.status_code == 201 or answer.json()["code"] == "gains_by_it", answer.text
        return answer.status_code

    assert await decide("wk_hosted", host) == 409
    assert await decide("wk_hosted", sample.HEALTH, host) == 409
    assert (await services.ask("police", "GET", path)).status_code == 404
    assert await decide("wk_hosted", sample.HEALTH) == 201
    await order(services, referral_id, "wk_elsewhere")

    async def theirs_again() -> bool:
        return (await services.ask("wk_elsewhere", "GET", path)).is_success

    await until(theirs_again, deadline=20, what="the case being theirs under the other name")
    assert await decide("wk_elsewhere", host) == 409
    assert await decide("manager", host) == 201
    assert (await services.ask("police", "GET", path)).status_code == 200


async def test_nobody_undoes_a_no_about_an_agency_for_which_they_have_called(
    services: Whole,
) -> None:
    """One account with the tokens of an agency and of the Hub; a no about the agency stands."""
    sides = {
        "police": {"role": "agency", "agency_id": sample.POLICE},
        "manager": {"role": "hub_manager", "hub_id": sample.HUB},
    }
    referral_id = await a_case(services, "undone")
    path = f"/v1/referrals/{referral_id}"
    for side, claims in sides.items():
        services.tokens[f"both as {side}"] = services.token(sub="both", **claims)
        await services.ask(f"both as {side}", "GET", path)
    said = {
        **{"agency_ids": [sample.POLICE], "given_by": "young_person", "gillick_competent": True},
        **{"categories": ["existence", "concerns"]},
    }

    async def record(status: str) -> str:
        answer = await services.ask(
            *("manager", "POST", f"{path}/consents"),
            json={**said, "status": status},
            headers={"Idempotency-Key": status},
        )
        assert answer.status_code == 201, answer.text
        return f"{path}/consents/{answer.json()['id']}/invalidation"

    await record("given")
    assert (await services.ask("police", "GET", path)).status_code == 200
    no = await record("refused")
    assert (await services.ask("police", "GET", path)).status_code == 404

    mistake = {"reason": "wrong_person"}
    undone = await services.ask("both as manager", "POST", no, json=mistake)
    seen = (await services.ask("police", "GET", path)).status_code

    assert (undone.status_code, undone.json().get("code"), seen) == (409, "gains_by_it", 404)
    assert (await services.ask("manager", "POST", no, json=mistake)).is_success


async def test_who_calls_for_a_marked_agency_has_no_case_under_another_name(
    services: Whole,
) -> None:
    """An agency is marked; one account has called for it, as a manager, and as a worker who sits
    nowhere and as one who sits with it."""
    for side, claims in {
        "police": {"role": "agency", "agency_id": sample.POLICE},
        "manager": {"role": "hub_manager", "hub_id": sample.HUB},
    }.items():
        services.tokens[f"officer as {side}"] = services.token(sub="officer", **claims)
        await services.ask(f"officer as {side}", "GET", "/v1/referrals")
    await a_worker(services, "wk_nowhere", "officer", cap=20)
    at_police = {"host_setting": "police", "host_agency_id": sample.POLICE}
    await a_worker(services, "wk_at_police", "officer", **at_police)
    referral_id = await a_case(services, "agency marked")
    path = f"/v1/referrals/{referral_id}"
    to = f"{path}/unsafe-agencies/{sample.POLICE}"
    (await services.ask("manager", "PUT", to, json=MARK)).raise_for_status()

    reads = (await services.ask("officer as manager", "GET", path)).status_code
    assert reads == 404

    async def refused() -> bool:  # once allocation has heard of it
        return await order(services, referral_id, "wk_nowhere") == (409, "worker_unsafe")

    await until(refused, deadline=20, what="the worker being refused")
    # Another name of the same person, seen only now, is one more; and the lifting reaches all.
    await a_worker(services, "wk_late", "officer", cap=20)
    await until(unsafe_are(services, path, "wk_nowhere", "wk_at_police", "wk_late"), deadline=20)
    (await services.ask("manager", "PUT", to, json={**MARK, "unsafe": False})).raise_for_status()
    await until(unsafe_are(services, path), deadline=20)
    assert (await services.ask("officer as manager", "GET", path)).status_code == 200


async def test_who_is_marked_themselves_stays_so_when_the_mark_of_their_agency_is_lifted(
    services: Whole,
) -> None:
    services.tokens["clerk"] = services.token(sub="clerk", role="agency", agency_id=sample.POLICE)
    await services.ask("clerk", "GET", "/v1/referrals")
    await a_worker(services, "wk_clerk", "clerk", cap=20)
    referral_id = await a_case(services, "marked twice")
    path = f"/v1/referrals/{referral_id}"
    agency, worker = (
        f"{path}/unsafe-agencies/{sample.POLICE}",
        f"{path}/unsafe-workers/wk_clerk",
    )
    for to in random.sample((agency, worker), 2):

        async def marked(to: str = to) -> bool:  # once the service has heard of the worker
            return (await services.ask("manager", "PUT", to, json=MARK)).is_success

        await until(marked, deadline=20, what="the mark")

    lift = {**MARK, "unsafe": False}
    (await services.ask("manager", "PUT", agency, json=lift)).raise_for_status()
    await until(unsafe_are(services, path, "wk_clerk"), deadline=20)
    (await services.ask("manager", "PUT", worker, json=lift)).raise_for_status()
    await until(unsafe_are(services, path), deadline=20)


def unsafe_are(services: Whole, path: str, *workers: str) -> Callable[[], Awaitable[bool]]:
    """Whether of those who belong to the agency in these tests just these workers are marked."""

    async def they_are() -> bool:
        sharing = (await services.ask("manager", "GET", f"{path}/sharing")).json()
        found = {one for one in sharing["unsafe_persons"] if one.startswith("worker:")}
        return found & OF_THE_AGENCY == {f"worker:{one}" for one in workers}

    return they_are


async def test_the_trail_blames_the_marked_one_of_two_auditors(services: Whole) -> None:
    """Of two who trace, the other confirms or asks again: the refusal is about who is marked."""
    for who in ("auditor_clear", "auditor_marked"):
        services.tokens[who] = services.token(sub=who, role="auditor")
        (await services.ask(who, "GET", "/v1/trail?limit=1")).raise_for_status()
    referral_id = await a_case(services, "traced")
    mark = {**MARK, "sub": "auditor_marked"}
    to = f"/v1/referrals/{referral_id}/unsafe-accounts"

    async def is_marked() -> bool:  # once the service has heard of the account
        return (await services.ask("manager", "PUT", to, json=mark)).is_success

    await until(is_marked, deadline=20, what="the mark")
    wanted = {"agency_id": sample.SCHOOL, "agency_reference": "traced"}
    asked = await services.ask(
        "auditor_marked", "POST", "/v1/tracings", json={**wanted, "purpose": "complaint"}
    )
    path = f"/v1/tracings/{asked.json()['id']}"
    told = await services.ask("auditor_clear", "POST", f"{path}/confirmation", json=wanted)
    assert (told.status_code, told.json()["traced"]) == (200, None)

    async def refused() -> list[dict[str, Any]]:
        query = f"/v1/trail?limit=100&type=record.refused&referral_id={referral_id}"
        answer = await services.ask("auditor_clear", "GET", query)
        return [entry["leaf"]["event"]["data"] for entry in answer.json()["entries"]]

    found = await until(refused, deadline=20, what="the refusal in the trail")
    marked_account = asked.json()["asked_by"].partition(":")[2]
    assert {(one["viewer_id"], one["reason"]) for one in found} == {
        (marked_account, "recipient_unsafe")
    }


@pytest.mark.parametrize(
    ("decision", "held"),
    [("same_person", "held"), ("same_person", "just come"), ("different_people", "held")],
)
async def test_nobody_joins_or_parts_two_where_an_agency_they_call_for_would_be_shown_more(
    services: Whole, mongo: Mongo, decision: str, held: str
) -> None:
    """Of one child there is a yes about the agency; of the other there is none, or a no. The other's
    referral is with the Hub, or no word of that has come yet of either."""
    for side, claims in {
        "police": {"role": "agency", "agency_id": sample.POLICE},
        "manager": {"role": "hub_manager", "hub_id": sample.HUB},
    }.items():
        services.tokens[f"twice as {side}"] = services.token(sub="twice", **claims)
        (await services.ask(f"twice as {side}", "GET", "/v1/referrals")).raise_for_status()
    one, two = [await a_case(services, f"{decision} {held} {number}") for number in (1, 2)]
    path = f"/v1/referrals/{one}"
    decided = {
        **{"other_referral_id": two, "ground": "records_compared"},
        **{"reason": "Synthetic."},
    }

    async def decide(who: str, what: str) -> tuple[int, str | None]:
        body = {**decided, "decision": what}
        if what == "different_people":
            found = await services.ask(who, "GET", f"{path}/match-decisions")
            body["instead_of"] = found.json()[-1]["id"]
        answer = await services.ask(who, "POST", f"{path}/match-decisions", json=body)
        return answer.status_code, answer.json().get("code")

    async def record(referral_id: str, status: str) -> None:
        consent = {
            **{"agency_ids": [sample.POLICE], "given_by": "young_person", "status": status},
            **{"gillick_competent": True, "categories": ["existence", "concerns"]},
        }
        answer = await services.ask(
            *("manager", "POST", f"/v1/referrals/{referral_id}/consents"),
            json=consent,
            headers={"Idempotency-Key": f"{decision} {held} {status}"},
        )
        assert answer.status_code == 201, answer.text

    await record(one, "given")
    if decision == "different_people":
        await record(two, "refused")
        assert (await decide("manager", "same_person"))[0] in (200, 201)
        assert (await services.ask("police", "GET", path)).status_code == 404

    async with connected(mongo.url) as client:
        referrals, both = client["hub_referral"]["referrals"], {"_id": {"$in": [one, two]}}
        if held == "just come":
            await referrals.update_many(both, {"$set": {"hub_id": None}})
        assert await decide("twice as manager", decision) == (409, "gains_by_it")
        await referrals.update_many(both, {"$set": {"hub_id": sample.HUB}})
    assert (await decide("manager", decision))[0] in (200, 201)
    shown = [f"/v1/referrals/{each}" for each in (one, two)]

    async def opened() -> bool:  # referrals move to one young person one by one
        return 200 in [(await services.ask("police", "GET", each)).status_code for each in shown]

    await until(opened, deadline=20, what="the police reading one of the two")
