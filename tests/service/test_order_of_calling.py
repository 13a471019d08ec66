"""Who decided on a match and calls as an agency that gains, before or after: somebody else decides."""

from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import permutations, product

import pytest
import pytest_asyncio

from allinone import sample
from shared.clock import now
from tests.harness.mongo import Mongo
from tests.harness.waiting import until
from tests.harness.whole import Whole, whole
from tests.service.test_attack_person import a_case

MANAGES = {"role": "hub_manager", "hub_id": sample.HUB}
HOSTED = "wk_hosted_later"
CALLS_AS = {
    "police": {"role": "agency", "agency_id": sample.POLICE},
    "hosted worker": {"role": "worker", "worker_id": HOSTED},
}
DECISIONS = ("same_person", "different_people")
CASES = list(product(DECISIONS, CALLS_AS, permutations(("decides", "calls"))))


@pytest_asyncio.fixture(scope="module")
async def services(mongo: Mongo, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Whole]:
    async with whole(mongo.url, tmp_path_factory.mktemp("whole")) as made:
        room = {
            **sample.EVERY_WORKER,
            "worker_role": "hub_worker",
            "host_setting": "hub",
            "cap": 90,
        }
        host = {"host_setting": "police", "host_agency_id": sample.POLICE, "cap": 0}
        hosted = {**sample.EVERY_WORKER, "worker_role": "spoke_worker", **host}
        for worker_id, entry in {"wk_room": room, HOSTED: hosted}.items():
            answer = await made.ask("operator", "PUT", f"/v1/workers/{worker_id}", json=entry)
            answer.raise_for_status()
        yield made


class Two:
    """Two referrals: of one child there is a yes about the police, of the other a no or none. By a
    decision of somebody the police would read `gained`."""

    def __init__(self, services: Whole, key: str, decision: str) -> None:
        self.services, self.key, self.decision = services, key, decision
        self.one = self.two = ""

    async def made(self) -> "Two":
        self.one, self.two = [await a_case(self.services, f"{self.key} {n}") for n in "12"]
        await self.record(self.one, "given")
        if self.decision == "different_people":
            await self.record(self.two, "refused")
            assert (await self.decide("manager", "same_person"))[0] == 200
            await until(self.closed, deadline=20, what="the no counting for both")
        return self

    @property
    def gained(self) -> str:
        return self.two if self.decision == "same_person" else self.one

    async def record(self, referral_id: str, status: str) -> None:
        consent = {
            **{"agency_ids": [sample.POLICE], "given_by": "young_person", "status": status},
            **{"gillick_competent": True, "categories": ["existence", "concerns"]},
        }
        path, key = f"/v1/referrals/{referral_id}/consents", f"{self.key} {status}"
        headers = {"Idempotency-Key": key}
        answer = await self.services.ask("manager", "POST", path, json=consent, headers=headers)
        assert answer.status_code == 201, answer.text

    async def decide(
        self, who: str, decision: str, on: str | None = None
    ) -> tuple[int, str | None]:
        """What comes of a decision; it is made on `one`, or on that one of the two."""
        mine, other = (self.two, self.one) if on == self.two else (self.one, self.two)
        path = f"/v1/referrals/{mine}/match-decisions"
        body = {"other_referral_id": other, "ground": "records_compared", "reason": "Synthetic."}
        before = (await self.services.ask("manager", "GET", path)).json()
        if before and before[-1]["decision"] != decision:
            body["instead_of"] = before[-1]["id"]
        asked = {**body, "decision": decision}
        answer = await self.services.ask(who, "POST", path, json=asked)
        return answer.status_code, answer.json().get("code")

    async def seen_by(self, who: str) -> int:
        return (await self.services.ask(who, "GET", f"/v1/referrals/{self.gained}")).status_code

    async def closed(self) -> bool:
        return await self.seen_by("police") == 404

    async def opened(self) -> bool:
        return await self.seen_by("police") == 200

    async def waits_again(self) -> bool:
        """Whether the match waits for somebody else."""
        path = f"/v1/referrals/{self.one}/possible-matches"
        found = (await self.services.ask("manager", "GET", path)).json()
        return [m["decided_again"] for m in found if self.two in m["referral_ids"]] == [True]

    async def waits(self) -> bool:
        """The same, and whether the Hub was told of both referrals."""
        inbox = await self.services.ask("manager", "GET", "/v1/notifications?limit=100")
        told = {
            n["referral_id"] for n in inbox.json()["notifications"] if n["kind"] == "possible_match"
        }
        return await self.waits_again() and {self.one, self.two} <= told


@pytest.mark.parametrize("number", range(len(CASES)))
async def test_a_match_opens_nothing_to_where_who_decided_calls_before_or_after(
    services: Whole, number: int
) -> None:
    decision, side, order = CASES[number]
    key = f"{decision} {side} {order[0]}"
    decider, caller = f"{key} decides", f"{key} calls"
    services.tokens[decider] = services.token(sub=key, **MANAGES)
    services.tokens[caller] = services.token(sub=key, **CALLS_AS[side])
    two = await Two(services, key, decision).made()
    for step in order:
        if step == "calls":  # at once: before anybody has heard of it by an event
            assert await two.seen_by(caller) == 404
        elif step == order[0]:
            assert (await two.decide(decider, decision))[0] == 200
            await until(two.opened, deadline=20, what="what the decision opens, as far as is known")
        else:
            await until(lambda: known(services, key), deadline=20, what="it being known")
            assert await two.decide(decider, decision) == (409, "gains_by_it")

    await until(two.closed, deadline=20, what="the record being closed")
    if order[0] == "decides":
        await until(two.waits, deadline=20, what="somebody else of the Hub being asked")
        assert (await two.decide(decider, decision))[0] == 409
    assert (await two.decide("manager", decision))[0] == 200
    await until(two.opened, deadline=20, what="the police reading what somebody else decided")
    if side == "police":
        assert await two.seen_by(caller) == 200


@pytest.mark.parametrize("decision", DECISIONS)
@pytest.mark.parametrize("erased", ["one", "two"])
async def test_erasing_a_referral_hides_nobodys_decision(
    services: Whole, decision: str, erased: str
) -> None:
    """What it says of sharing goes on counting, so who decided on it does, too."""
    key = f"{decision} {erased} erased"
    decider, caller = f"{key} decides", f"{key} calls"
    services.tokens[decider] = services.token(sub=key, **MANAGES)
    services.tokens[caller] = services.token(sub=key, **CALLS_AS["police"])
    two = await Two(services, key, decision).made()
    assert (await two.decide(decider, decision))[0] == 200
    await until(two.opened, deadline=20, what="what the decision opens, as far as is known")
    await erase(services, decider, getattr(two, erased))

    await services.ask(caller, "GET", f"/v1/referrals/{two.gained}")

    await until(two.closed, deadline=20, what="the record being closed")
    await until(two.waits_again, deadline=20, what="the match waiting for somebody else")
    # The event of the erasure may come after the doubt, or twice.
    await services.app.state.referral.matches.forget(getattr(two, erased))
    assert await two.waits_again()
    left = two.two if erased == "one" else two.one
    assert (await two.decide(decider, decision, left))[0] == 409
    assert (await two.decide("manager", decision, left))[0] == 200
    await until(two.opened, deadline=20, what="the police reading what somebody else decided")


async def erase(services: Whole, who: str, referral_id: str) -> None:
    path, tag = f"/v1/referrals/{referral_id}", {"If-Match": "*"}
    for act, reason in (("steps/withdrawal", "other"), ("erasure", "right_to_erasure")):
        said = {"json": {"reason": reason}, "headers": tag}
        (await services.ask(who, "POST", f"{path}/{act}", **said)).raise_for_status()


async def supervision(services: Whole, who: str, worker_id: str) -> None:
    held = {"kind": "case", "held_on": str(now().date())}
    path = f"/v1/workers/{worker_id}/supervisions"
    (await services.ask(who, "POST", path, json=held)).raise_for_status()


async def leave(services: Whole, who: str, worker_id: str) -> None:
    """Asked for by somebody whose account is not theirs: what counts is whose yes it is."""
    path = f"/v1/workers/{worker_id}/leave-requests"
    services.tokens["asks"] = services.token(sub="asks", role="worker", worker_id=worker_id)
    days = {n: str(now().date() + timedelta(days=d)) for n, d in {"start": 30, "to": 33}.items()}
    asked = (await services.ask("asks", "POST", path, json=days)).json()
    (await services.ask(who, "POST", f"{path}/{asked['id']}/approval")).raise_for_status()


DEEDS = {"supervision": supervision, "leave": leave}
TOLD = {"supervision": "supervision_taken_back", "leave": "leave_requested"}


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("seen_by", ["allocation", "notify"])
async def test_what_somebody_did_for_a_worker_as_whom_they_call_later_is_taken_back(
    services: Whole, deed: str, seen_by: str
) -> None:
    """Each takes somebody else; in the other order it is refused (`test_two_people.py`)."""
    worker_id = f"wk_{deed}_{seen_by}"
    entry = {**sample.EVERY_WORKER, "worker_role": "hub_worker", "host_setting": "hub", "cap": 1}
    path = f"/v1/workers/{worker_id}"
    (await services.ask("operator", "PUT", path, json=entry)).raise_for_status()
    services.tokens["does"] = services.token(sub=worker_id, **MANAGES)
    services.tokens["is"] = services.token(sub=worker_id, role="worker", worker_id=worker_id)
    await DEEDS[deed](services, "does", worker_id)
    worker = await services.app.state.allocation.workers.get(worker_id)
    assert worker.leave or worker.supervised_on, "it counts, as far as is known"
    called = "/v1/allocations" if seen_by == "allocation" else "/v1/notifications"
    (await services.ask("is", "GET", called)).raise_for_status()

    async def taken_back() -> bool:
        worker = await services.app.state.allocation.workers.get(worker_id)
        waits = [r.status for r in worker.requests] == (["waiting"] if deed == "leave" else [])
        return waits and not worker.leave and not worker.supervised_on

    await until(taken_back, deadline=20, what="it counting no more")

    async def told() -> bool:
        inbox = await services.ask("manager", "GET", "/v1/notifications/unread-first?limit=100")
        return TOLD[deed] in {n["kind"] for n in inbox.json()["notifications"]}

    await until(told, deadline=20, what="the Hub's managers being told")
    if deed == "supervision":
        await supervision(services, "manager", worker_id)  # somebody else's counts
        worker = await services.app.state.allocation.workers.get(worker_id)
        assert worker.supervised_on


async def known(services: Whole, key: str) -> bool:
    account = services.app.state.tokens.accounts.of(key)
    return sample.POLICE in await services.app.state.referral.known.sides_of(account)
