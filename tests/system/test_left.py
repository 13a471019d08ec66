"""Who has left reads and does nothing in any service: every route, before, while and after."""

import json
from collections.abc import AsyncIterator

import httpx2
import pytest
import pytest_asyncio

from allinone import sample
from allinone.embedded import ISSUER
from shared.rules.access import roles_of
from shared.rules.access_table import TABLE, Action
from shared.web.accounts import Accounts
from tests.golden.access import action_of
from tests.golden.openapi import app_of, routes_of
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import PEOPLE, Network, owner, running
from tests.harness.refusals import code_of, operations
from tests.harness.waiting import until

PLACES = {"hub_id": sample.HUB, "agency_id": sample.SCHOOL, "step": "screening", "size": "1"}
PLACES |= {"seq": "0", "name": "out_of_hours", "path": "0/000", "agreement_id": "isa_none"}
PLACES |= {"code": "northtown"}
PLACES |= {"recipient_id": sample.SCHOOL, "event_id": "evt_" + 32 * "0"}
PLACES |= {"notification_id": "ntf_" + 32 * "0", "plan_id": "plan_" + 32 * "0"}
PLACES |= {"export_id": "exp_" + 32 * "0", "subject_id": "sub_" + 32 * "0"}
PLACES |= {"basis_id": "bas_" + 32 * "0", "consent_id": "con_" + 32 * "0"}
PLACES |= {"goal_id": "goal_" + 32 * "0", "tracing_id": "trc_" + 32 * "0"}
PLACES |= {"theme": "share_less", "advice_id": "adv_" + 32 * "0"}
PLACES |= {"request_id": "lv_" + 32 * "0", "draft_id": "drf_" + 32 * "0"}
PLACES |= {"message_id": "evt_" + 32 * "0"}
PLACES |= {"report_id": "rep_" + 32 * "0", "link_id": "lnk_" + 32 * "0"}
LEFT = {
    "inactive referrer": PEOPLE["school"],
    "inactive partner": PEOPLE["police"],
    "removed worker with the case": {"sub": "wk", "role": "worker", "worker_id": "?"},
    "removed other worker": {"sub": "wk_2", "role": "worker", "worker_id": "??"},
    "manager of no Hub": {"sub": "mg_none", "role": "hub_manager", "hub_id": "hub_nowhere"},
}
ROUTES = [
    (min(route.methods or ()), route.path, service, action)
    for service in ("referral", "allocation", "notify", "audit")
    for route in routes_of(app_of(service))
    if (action := action_of(route))
]
OWN = {
    "agency": ("/v1/referrals/{id}", "/v1/referrals", "/v1/notifications", "/v1/trail"),
    "worker": ("/v1/referrals", "/v1/allocations", "/v1/notifications", "/v1/keys"),
}


def kind_for(method: str, path: str) -> str:
    """The kind of body that this route takes."""
    found = (o.media_type for o in operations().values() if o.method == method and o.matches(path))
    return next(found, None) or "application/json"


class Story:
    """A referral with its worker, and who leaves."""

    def __init__(self, network: Network, referral_id: str, on_case: str) -> None:
        self.network, self.id, self.on_case = network, referral_id, on_case
        self.other = next(one for one in sample.WORKERS if one != on_case)

    async def ask(self, who: str, method: str, path: str) -> tuple[int, str]:
        ids = {"?": self.on_case, "??": self.other}
        claims = {k: ids.get(v, v) for k, v in LEFT[who].items()}
        url = self.network.modules[owner(path)].url + path
        headers = {"Authorization": f"Bearer {self.network.issue(**claims)}"}
        headers |= {"Idempotency-Key": "left", "If-Match": '"v1"'}
        sent = None if method == "GET" else b"{}"
        headers |= {"Content-Type": kind_for(method, path)} if sent else {}
        async with (
            httpx2.AsyncClient(trust_env=False) as http,
            http.stream(method, url, headers=headers, content=sent) as answer,
        ):
            if answer.status_code == 200:
                return 200, ""  # a stream has no end
            await answer.aread()
            return answer.status_code, code_of(answer)

    async def enter(self, *, active: bool) -> None:
        """Both agencies and both workers are active, or not."""
        for path in [f"/v1/agencies/{one}" for one in (sample.SCHOOL, sample.POLICE)]:
            entry = {**dict(sample.ENTRIES)[path], "active": active}
            tag = {"If-Match": (await self.network.ask("operator", "GET", path)).headers["etag"]}
            answer = await self.network.ask("operator", "PUT", path, json=entry, headers=tag)
            answer.raise_for_status()
        for one in (self.on_case, self.other):
            path = f"/v1/workers/{one}"
            before = await self.network.ask("operator", "GET", path)
            entry = sample.document(path, dict(sample.ENTRIES)[path])
            tag = {"If-Match": before.headers["etag"]}
            answer = await (
                self.network.ask("operator", "PUT", path, json=entry, headers=tag)
                if active
                else self.network.ask("operator", "DELETE", path, headers=tag)
            )
            answer.raise_for_status()

    async def unrecorded(self, who: str) -> set[Action]:
        """Of what this person may do while they have not left: the actions whose refusal is no entry
        of the trail. Questions to the trail are told by how many there are."""
        claims = LEFT[who]
        role = claims["role"]
        ids = {"?": self.on_case, "??": self.other}
        own = claims.get("agency_id") or ids.get(claims.get("worker_id", ""))
        own = own or Accounts(self.network.keys.secret("auth_account", 32), ISSUER).of(
            claims["sub"]
        )
        entries = self.network.mongo_of("audit")["entries"]
        where = {"fields.keys": {"$all": [f"actor:{role}:{own}", "outcome:refused"]}}
        await self.network.quiet()
        found = [json.loads(d["leaf"])["event"] async for d in entries.find(where)]
        refused = {e["data"]["action"] for e in found if e["type"] == "access.refused"}
        asked = [e for e in found if e["type"] == "trail.queried"]
        told = [(s, a) for _, _, s, a in ROUTES if expected(a, role)[0] != 403]
        questions = [action for service, action in told if service == "audit"]
        missing = {action for service, action in told if service != "audit"} - refused
        return missing | (set(questions) if len(asked) < len(questions) else set())

    async def own(self, expected: int) -> None:
        """Everybody's own things answer so, soon."""
        for who, claims in LEFT.items():
            for path in OWN.get(claims["role"], ()):
                asked = path.format(id=self.id)
                if who == "inactive partner" and "{id}" in path:
                    continue

                async def so(who: str = who, asked: str = asked) -> bool:
                    return (await self.ask(who, "GET", asked))[0] == expected

                await until(so, deadline=30, what=f"{expected} of {asked} to {who}")


@pytest_asyncio.fixture
async def story(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Story]:
    async with running(broker, mongo, tmp_path_factory.mktemp("left")) as network:
        await network.load_sample()
        sent = await network.refer("left")
        sent.raise_for_status()
        referral_id = sent.json()["id"]

        async def placed() -> str | None:
            answer = await network.ask("manager", "GET", f"/v1/allocations/{referral_id}")
            return answer.json().get("worker_id") if answer.is_success else None

        on_case = await until(placed, deadline=30, what="a worker")
        yield Story(network, referral_id, str(on_case))


def expected(action: Action, role: str) -> tuple[int, str]:
    if role not in roles_of(action) and not TABLE[action].hidden:
        return 403, "forbidden"
    return (409, "agency_inactive") if action == "send" else (404, "not_found")


async def test_who_has_left_finds_nothing_on_any_route_until_they_are_back(story: Story) -> None:
    await story.own(200)
    await story.enter(active=False)
    await story.own(404)
    places = {**PLACES, "referral_id": story.id, "allocation_id": story.id}
    places["worker_id"] = story.on_case
    wrong, cells = [], 0
    for method, template, _, action in ROUTES:
        for who, claims in LEFT.items():
            cells += 1
            path = template.replace("{path:path}", "0/000").format(**places)
            told = await story.ask(who, method, path)
            if told != expected(action, claims["role"]):
                wrong.append(f"{method} {template} by {who}: {told}")
    print(f"{cells} cells of {len(ROUTES)} routes")
    assert cells > 300
    assert not wrong, "\n".join(wrong)
    for who in LEFT:
        assert await story.unrecorded(who) == set(), who

    moved = await story.network.ask(
        "manager", "POST", f"/v1/allocations/{story.id}/assignment",
        json={"worker_id": next(w for w in sample.WORKERS if w not in (story.on_case, story.other)),
              "reason": "worker_left"},
    )  # fmt: skip
    assert moved.status_code not in (403, 404), moved.text

    await story.enter(active=True)
    await story.own(200)
