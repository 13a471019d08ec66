"""A network with something in every state that a rule or a question of access asks for."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2

from allinone import sample
from tests.harness.network import IDLE, Network, owner
from tests.harness.refusals import Request
from tests.harness.refused_routes import (
    ADVICE,
    AGREEMENT,
    ANY_TAG,
    AREA,
    BASIS,
    CASES,
    CONSENT,
    GOAL,
    HUB,
    HUB_ENTRY,
    LEAVES,
    ORGANISATION,
    PERSONS,
    PROPOSED,
    REPORT,
    ROTA,
    SUBSCRIPTION,
    TRANSFER,
    UNANSWERED,
    WORKER,
    leave,
    referral_of,
)
from tests.harness.waiting import until


@dataclass
class World:
    """The network, with something in every state that a rule asks for."""

    network: Network
    ids: dict[str, str]
    http: httpx2.AsyncClient
    tokens: dict[str, str]

    async def send(self, request: Request) -> httpx2.Response:
        """Send it as it is."""
        headers = dict(request.headers)
        if request.by == "?nonsense":
            headers["Authorization"] = "Bearer nonsense"
        elif request.by != "?no token":
            headers["Authorization"] = f"Bearer {self.tokens[request.by or '']}"
        url = self.network.modules[request.service].url + request.path
        return await self.http.request(
            request.method, url, content=request.content, headers=headers
        )

    async def do(self, by: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Something that must succeed; its document."""
        url = self.network.modules[owner(path)].url
        headers |= {"Authorization": f"Bearer {self.tokens[by]}"}
        answer = await self.http.request(method, url + path, json=body, headers=headers)
        assert answer.status_code in (200, 201), f"{method} {path}: {answer.text}"
        return answer.json()


@asynccontextmanager
async def made_world(
    network: Network, more: Mapping[str, Mapping[str, str]] | None = None
) -> AsyncIterator[World]:
    """The world on a network, for the persons of the table and `more`."""
    persons = {**PERSONS, **(more or {})}
    tokens = {name: network.issue(**claims) for name, claims in persons.items()}
    async with httpx2.AsyncClient(timeout=30, trust_env=False, limits=IDLE) as http:
        ids = {case: referral_of(case) for case in CASES} | {"unanswered": UNANSWERED}
        made = World(network, ids, http, tokens)
        await _register(made)
        await asyncio.gather(*(_refer(made, case) for case in CASES))
        for case in ("stranded", "placeable"):
            (await network.refer(case, area="nowhere")).raise_for_status()
            ids[case] = referral_of(case)
        await _move_on(made)
        await _greet(made)
        await network.quiet()
        yield made


async def _greet(world: World) -> None:
    """Everybody has asked each service once: to be seen for the first time is an event."""
    for path in ("/v1/referrals", "/v1/hubs", "/v1/notifications", "/v1/trail"):
        url = world.network.modules[owner(path)].url + path
        headers = [
            {"Authorization": f"Bearer {token}"}
            for name, token in world.tokens.items()
            if not name.startswith("?")
        ]
        await asyncio.gather(*(world.http.get(url, headers=each) for each in headers))


async def _register(world: World) -> None:
    do = world.do
    await do("operator", "PUT", f"/v1/hubs/{HUB}", {**HUB_ENTRY, "debrief_from": "none_apparent"})
    await do("operator", "PUT", "/v1/hubs/hub_south", {**HUB_ENTRY, "areas": ["southby"]})
    await do("operator", "PUT", f"/v1/areas/{AREA}", {"name": "East By"})
    workers: dict[str, dict[str, Any]] = {
        "wk_east": {"cap": 1000},
        "wk_east_two": {"cap": 1000, "areas": ["farther"]},
        "wk_full": {"cap": 0},
        "wk_leaver": {"areas": ["farther"]},
        "wk_gone": {"areas": ["farther"], "active": False},
    }
    for worker, changes in workers.items():
        await do("operator", "PUT", f"/v1/workers/{worker}", {**WORKER, **changes})
    await do("east_manager", "PUT", f"/v1/hubs/{HUB}/rota", ROTA, **ANY_TAG)
    for agreement in ("isa_east", "isa_end", "isa_signed", "isa_over"):
        await do("operator", "PUT", f"/v1/agreements/{agreement}", AGREEMENT)
    await do("operator", "POST", "/v1/agreements/isa_over/end")
    await do("operator", "PUT", "/v1/agencies/ag_anonymous", {"name": "Anyone", "kind": "9"})
    unanswered = {**ORGANISATION, "agency_reference": "unanswered"}
    key = {"Idempotency-Key": "unanswered"}
    await do("anonymous", "POST", "/v1/referrals", unanswered, **key)
    await do("school", "PUT", f"/v1/subscriptions/{sample.SCHOOL}", SUBSCRIPTION)
    await do("police", "PUT", f"/v1/subscriptions/{sample.POLICE}", {"active": False})


async def _refer(world: World, case: str) -> None:
    child = {"name": f"Child {case}", "date_of_birth": "2012-05-17"}
    answer = await world.network.refer(case, area=AREA, urgency="same_day", subject=child)
    assert answer.status_code == 201, answer.text
    path = f"/v1/referrals/{world.ids[case]}"

    async def allocated() -> bool:
        stored = await world.do("school", "GET", path)
        return bool(stored["status"] == "allocated")

    await until(allocated, deadline=30, what=f"the allocation of {case}")


async def _move_on(world: World) -> None:
    do, ids = world.do, world.ids

    async def case(name: str, step: str, body: Any = None, by: str = "east_worker") -> None:
        await do(by, "POST", f"/v1/allocations/{ids[name]}/{step}", body, **ANY_TAG)

    for name in ("accepted", "started", "held", "reviewed", "closed", "closable"):
        await case(name, "acceptance")
    for name in ("started", "held", "reviewed"):
        await case(name, "start")
    for name in ("held", "reviewed"):
        await case(name, "hold", {"reason": "health"})
    await case("closed", "closure", {"reason": "moved_away"})
    beyond = {"worker_id": "wk_east_two", "reason": "continuity", "exceed_hard_cap": True}
    await case("exceeded", "assignment", beyond, "east_manager")
    for name in ("ended", "erased"):
        path = f"/v1/referrals/{ids[name]}"
        await do("school", "POST", f"{path}/steps/withdrawal", {"reason": "moved_away"}, **ANY_TAG)
    unsafe = f"/v1/referrals/{ids['unsafe']}/unsafe-workers/wk_east"
    mark = {"unsafe": True, "relation": "close_associate"}
    await do("east_manager", "PUT", unsafe, mark)
    erasure = f"/v1/referrals/{ids['erased']}/erasure"
    await do("east_manager", "POST", erasure, {"reason": "right_to_erasure"}, **ANY_TAG)
    bases = f"/v1/referrals/{ids['open']}/bases"
    based = await do("east_manager", "POST", bases, BASIS, **{"Idempotency-Key": "basis"})
    consents = f"/v1/referrals/{ids['open']}/consents"
    said = {**CONSENT, "status": "given"}
    claimed = await do("school", "POST", consents, said, **{"Idempotency-Key": "said"})
    ids["claim"] = claimed["id"]
    heard = await do("east_manager", "POST", consents, said, **{"Idempotency-Key": "heard"})
    ids["heard"] = heard["id"]
    ids["basis"] = based["bases"][0]["id"]
    goals = f"/v1/referrals/{ids['open']}/goals"
    for name in ("goal", "ended_goal", "closable_goal"):
        key = {"Idempotency-Key": name, **ANY_TAG}
        ids[name] = (await do("east_worker", "POST", goals, GOAL, **key))["id"]
    invitations = f"/v1/referrals/{ids['open']}/invitations"
    key = {"Idempotency-Key": "invitation"}
    await do("east_worker", "POST", invitations, {"moment": "start"}, **key)
    for name in ("advice", "closable_advice", "closed_advice"):
        question = {**ADVICE, "text": f"Synthetic {name}."}
        key = {"Idempotency-Key": name}
        ids[name] = (await do("school", "POST", "/v1/advice", question, **key))["id"]
    given = {"outcome": "advice_given"}
    await do("school", "POST", f"/v1/advice/{ids['closed_advice']}/closure", given)
    done = {"done": "Synthetic words of a Hub."}
    await do("east_manager", "PUT", "/v1/participation/replies/feel_safe", done)
    ended = {"outcome": "not_pursued"}
    await do("east_worker", "POST", f"{goals}/{ids['ended_goal']}/closure", ended, **ANY_TAG)
    for name, worker in (("plan", "wk_east"), ("empty_plan", "wk_full")):
        asked = {"worker_id": worker, "reason": "worker_leaves"}
        ids[name] = (await do("east_manager", "POST", "/v1/handover-plans", asked))["id"]
    path = "/v1/workers/wk_full/leave-requests"
    for number, name in enumerate(LEAVES):
        asked = leave(40 * number)
        ids[name] = (await do("full_worker", "POST", path, asked))["id"]
    await do("full_worker", "POST", f"{path}/{ids['left']}/withdrawal")
    elsewhere = "/v1/workers/wk_east/leave-requests"
    ids["foreign_leave"] = (await do("east_worker", "POST", elsewhere, leave(0)))["id"]
    no = {"reason": "too_many_away"}
    await do("east_manager", "POST", f"{path}/{ids['refused_leave']}/decline", no)
    for name in PROPOSED:
        await do("east_manager", "POST", f"/v1/referrals/{ids[name]}/transfer", TRANSFER, **ANY_TAG)
    gone = {"reason": "wrong_service"}
    await do("other_manager", "POST", f"/v1/transfers/{ids['over']}/decline", gone, **ANY_TAG)
    traced = {"referral_id": ids["open"], "purpose": "complaint"}
    ids["tracing"] = (await do("second_auditor", "POST", "/v1/tracings", traced))["id"]
    for name in ("draft", "discarded_draft"):
        kept = {"answers": {"narrative": "Synthetic words."}}
        ids[name] = (await do("school", "POST", "/v1/drafts", kept))["id"]
    for name in ("report", "taken_back_report", "reviewed_report", "ended_report"):
        named = {**REPORT, "referral_id": ids["open"]}
        key = {"Idempotency-Key": name}
        ids[name] = (await do("school", "POST", "/v1/intelligence", named, **key))["id"]
    await world.network.quiet()
    links = world.network.mongo_of("referral")["link_nodes"]
    for name, kind in (("possible", "name"), ("certain", "vehicle")):
        found = await links.find_one({"kind": kind, "strength": name}) or {}
        ids[f"{name}_link"] = found["_id"]
    path = f"/v1/intelligence/{ids['ended_report']}/withdrawal"
    await do("school", "POST", path, {"reason": "entered_in_error"}, **ANY_TAG)
    inbox = await do("school", "GET", "/v1/notifications?wait=20")
    ids["notification"] = inbox["notifications"][0]["id"]
