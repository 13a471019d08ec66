"""Every cell of the table of access that can occur, asked of the real routes: who may gets an answer,
who may not gets the same, to the last header, as for something that is not there.

Each route is asked by one person for each role and each relation to its kind of thing, and for each
way to be marked as unsafe. The requests that are taken are those of
`tests/harness/refused_routes.py`; the reading routes are listed here. Who asks:
`tests/harness/matrix.py`.
"""

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from itertools import cycle
from statistics import median, quantiles
from typing import Any, get_args

import httpx2
import pytest_asyncio

from allinone import sample
from services.referral.lifecycle.route import Step
from shared.rules.access import roles_of
from shared.rules.access_table import TABLE
from shared.rules.relations import RELATIONS, ROLES, possible
from tests.golden.access import action_of, expected
from tests.golden.openapi import app_of, routes_of
from tests.harness.foreign import OPEN, Twins, places, set_up_foreign, twins, values
from tests.harness.matrix import EVERYBODY, MORE, UNSAFE, WHO, path_for, set_up
from tests.harness.network import Network, owner
from tests.harness.refusals import NO_ID, Request, good_request, operations
from tests.harness.refused_routes import AREA, HUB, ROUTES
from tests.harness.world import World, made_world

SERVICES = ("referral", "allocation", "notify", "audit")
READS = {
    "GET /v1/referrals/{referral_id}": "/v1/referrals/{open}",
    "GET /v1/referrals/{referral_id}/history": "/v1/referrals/{open}/history",
    "GET /v1/referrals/{referral_id}/sharing": "/v1/referrals/{open}/sharing",
    "GET /v1/referrals/{referral_id}/sharing/decision": (
        f"/v1/referrals/{{open}}/sharing/decision?agency_id={sample.POLICE}"
    ),
    "GET /v1/referrals/{referral_id}/goals": "/v1/referrals/{open}/goals",
    "GET /v1/referrals/{referral_id}/possible-matches": "/v1/referrals/{open}/possible-matches",
    "GET /v1/possible-matches": "/v1/possible-matches",
    "GET /v1/referrals/{referral_id}/match-decisions": "/v1/referrals/{open}/match-decisions",
    "GET /v1/referrals/{referral_id}/match-decisions/preview": (
        "/v1/referrals/{open}/match-decisions/preview"
        "?other_referral_id={same_one}&decision=different_people"
    ),
    "GET /v1/referrals/{referral_id}/participation": "/v1/referrals/{open}/participation",
    "GET /v1/advice": "/v1/advice",
    "GET /v1/advice/summary": f"/v1/advice/summary?hub_id={HUB}",
    "GET /v1/advice/{advice_id}": "/v1/advice/{advice}",
    "GET /v1/participation/summary": f"/v1/participation/summary?hub_id={HUB}",
    "GET /v1/participation/replies": "/v1/participation/replies",
    "GET /v1/intelligence": "/v1/intelligence",
    "GET /v1/intelligence/{report_id}": "/v1/intelligence/{report}",
    "GET /v1/intelligence/{report_id}/links": "/v1/intelligence/{report}/links",
    "GET /v1/referrals/{referral_id}/links": "/v1/referrals/{open}/links",
    "GET /v1/wall": "/v1/wall",
    "GET /v1/problem-profile": f"/v1/problem-profile?area={AREA}&quarter=2026-Q1",
    "GET /v1/drafts": "/v1/drafts",
    "GET /v1/drafts/{draft_id}": "/v1/drafts/{draft}",
    "GET /v1/stranded": "/v1/stranded",
    "GET /v1/stranded/{referral_id}": "/v1/stranded/{stranded}",
    "GET /v1/transfers": "/v1/transfers",
    "GET /v1/transfers/{referral_id}": "/v1/transfers/{taken_back}",
    "GET /v1/bars/metadata": "/v1/bars/metadata",
    "GET /v1/bars/responses/{referral_id}": "/v1/bars/responses/{open}",
    "GET /v1/areas": "/v1/areas",
    "GET /v1/areas/{code}": f"/v1/areas/{AREA}",
    "GET /v1/agencies": "/v1/agencies?kind_confirmed=false",
    "GET /v1/agencies/{agency_id}": f"/v1/agencies/{sample.HEALTH}",
    "GET /v1/agreements/{agreement_id}": "/v1/agreements/isa_east",
    "GET /v1/tracings/{tracing_id}": "/v1/tracings/{tracing}",
    "GET /v1/agreements": "/v1/agreements",
    "GET /v1/handover-plans": "/v1/handover-plans",
    "GET /v1/notifications/unread-first": "/v1/notifications/unread-first",
    "GET /v1/hubs/{hub_id}": f"/v1/hubs/{HUB}",
    "GET /v1/hubs": "/v1/hubs",
    "GET /v1/directory": "/v1/directory",
    "GET /v1/directory/hubs": "/v1/directory/hubs",
    "GET /v1/hubs/{hub_id}/directory-entry": f"/v1/hubs/{HUB}/directory-entry",
    "GET /v1/workers/{worker_id}/directory-entry": "/v1/workers/wk_full/directory-entry",
    "GET /v1/hubs/{hub_id}/rota": f"/v1/hubs/{HUB}/rota",
    "GET /v1/hubs/{hub_id}/rota/gaps": f"/v1/hubs/{HUB}/rota/gaps",
    "GET /v1/hubs/{hub_id}/numbers": f"/v1/hubs/{HUB}/numbers?quarter=2026-Q1",
    "GET /v1/workers/{worker_id}": "/v1/workers/wk_full",
    "GET /v1/workers/{worker_id}/leave-requests": "/v1/workers/wk_full/leave-requests",
    "GET /v1/leave-requests": "/v1/leave-requests",
    "GET /v1/allocations/{allocation_id}": "/v1/allocations/{open}",
    "GET /v1/allocations/{allocation_id}/explanation": "/v1/allocations/{open}/explanation",
    "GET /v1/allocations/{allocation_id}/risk": "/v1/allocations/{open}/risk",
    "GET /v1/handover-plans/{plan_id}": "/v1/handover-plans/{plan}",
    "GET /v1/subscriptions/{recipient_id}": f"/v1/subscriptions/{sample.SCHOOL}",
    "GET /v1/subscriptions/{recipient_id}/attempts": (
        f"/v1/subscriptions/{sample.SCHOOL}/attempts"
    ),
    "GET /v1/referrals": "/v1/referrals",
    "GET /v1/cases": "/v1/cases",
    "GET /v1/allocations": "/v1/allocations",
    "GET /v1/closed-cases": "/v1/closed-cases",
    "GET /v1/workers": "/v1/workers",
    "GET /v1/notifications": "/v1/notifications",
    "GET /v1/notifications/stream": "/v1/notifications/stream",
    "GET /v1/notifications/recipients": "/v1/notifications/recipients?referral_id={open}",
    "GET /v1/notifications/by-event": "/v1/notifications/by-event?referral_id={open}",
    "GET /v1/trail": "/v1/trail?referral_id={open}",
    "GET /v1/trail/{seq}": "/v1/trail/{seq}",
    "GET /v1/trail/events/{event_id}": "/v1/trail/events/{event}",
    "GET /v1/subjects/{subject_id}/disclosures": f"/v1/subjects/sub_{NO_ID}/disclosures",
    "GET /v1/subjects/{subject_id}/report": f"/v1/subjects/sub_{NO_ID}/report",
    "GET /v1/proofs/inclusion": "/v1/proofs/inclusion?seq=0",
    "GET /v1/proofs/consistency": "/v1/proofs/consistency?first=0&second=1",
    "GET /v1/trail/integrity": "/v1/trail/integrity",
    "GET /v1/trail/gaps": "/v1/trail/gaps",
    "GET /v1/trail/reports": "/v1/trail/reports",
    "GET /v1/trail/reports/{name}": "/v1/trail/reports/out_of_hours",
    "GET /v1/trail/agencies/{agency_id}/disclosures": (
        f"/v1/trail/agencies/{sample.SCHOOL}/disclosures"
    ),
    "GET /v1/keys": "/v1/keys",
    "GET /checkpoint": "/checkpoint",
    "GET /v1/cosignatures": "/v1/cosignatures",
    "GET /v1/dead-letters": "/v1/dead-letters",
    "GET /v1/dead-letters/{message_id}": "/v1/dead-letters/nothing",
    "GET /v1/checkpoints/{size}": "/v1/checkpoints/{size}",
    "GET /tile/{path:path}": "/tile/{tile}",
    "GET /v1/exports/{export_id}": "/v1/exports/{export}",
}
# What a path of ours names where nothing is there.
MISSING = {"seq": str(2**40), "size": str(2**40), "path": "0/999", "step": None, "name": "nothing"}
# In this world nothing is parked: `test_dead_letters` has an operator see, give back and discard.
NOTHING_PARKED = {
    "GET /v1/dead-letters/{message_id}",
    "POST /v1/dead-letters/{message_id}/discard",
    "POST /v1/dead-letters/{message_id}/replay",
}
# Headers that differ from answer to answer, whoever asks.
OWN_HEADERS = ("date", "ratelimit", "ratelimit-policy")


@dataclass(frozen=True)
class Cell:
    """One cell: who asks what, and what the table says. `nothing` is the path of nothing."""

    route: str
    relation: str
    role: str
    request: Request
    expected: str
    nothing: str


def cells(ids: dict[str, str]) -> Iterator[Cell]:
    """Every cell that can occur, and one without a token for every route. Who may not take a step is
    refused whichever it is, from any state."""
    steps = cycle(get_args(Step))
    for service in SERVICES:
        for route in routes_of(app_of(service)):
            name = f"{min(route.methods or ())} {route.path}"
            good, action = _good(name, service, ids), action_of(route) or ""
            yield Cell(name, "no token", "", replace(good, by="?no token"), "401", "")
            kind = TABLE[action].about
            for relation in RELATIONS:
                for person in WHO[kind].get(relation, ()):
                    role = EVERYBODY[person]["role"]
                    if possible(role, relation, kind):
                        path = path_for(kind, relation, person, good.path, ids)
                        if expected(action, role, relation) != "yes":
                            path = re.sub(r"/steps/\w+", f"/steps/{next(steps)}", path)
                        asked = replace(good, by=person, path=path)
                        answer = expected(action, role, relation)
                        nothing = _nothing(route.path, path)
                        yield Cell(name, relation, role, asked, answer, nothing)


def _good(name: str, service: str, ids: dict[str, str]) -> Request:
    if name in READS:
        path = READS[name].format_map(ids)
        return Request("read", service, "GET", path, None, frozenset({200}))
    return good_request(operations()[name], ROUTES[name], ids)


def _nothing(template: str, path: str) -> str:
    """The same path, of a thing that is not there."""
    pattern = re.sub(
        r"\\\{(\w+)(?::path)?\\\}", r"(?P<\1>.+?)", re.escape(template).replace("\\:", ":")
    )
    found = re.fullmatch(pattern, path.partition("?")[0])
    assert found, f"{path} is no {template}"
    for name, value in found.groupdict().items():
        ours = re.fullmatch(r"([a-z]+_)[0-9a-f]{32}", value)
        other = ours[1] + NO_ID if ours else MISSING.get(name, "nobody_here")
        if other is not None:
            start, end = found.span(name)
            return path[:start] + other + path[end:]
    return path


@pytest_asyncio.fixture(scope="module")
async def world(network: Network) -> AsyncIterator[World]:
    async with made_world(network, MORE) as made:
        await set_up(made)
        await set_up_foreign(made)
        await network.quiet()
        yield made


async def ask(world: World, request: Request) -> httpx2.Response:
    """The answer; of a stream that begins, its head."""
    if not request.path.endswith("/stream"):
        return await world.send(request)
    token = world.tokens.get(request.by or "", "none")
    url = world.network.modules[request.service].url + request.path
    async with world.http.stream(
        "GET", url, headers={"Authorization": f"Bearer {token}"}
    ) as answer:
        if not answer.is_success:
            await answer.aread()
        return answer


def told(answer: httpx2.Response) -> tuple[int, dict[str, Any], dict[str, str]]:
    """All that an answer tells: without the trace (`meta` of an OperationOutcome), the time, and how
    much may still be asked."""
    body = {k: v for k, v in answer.json().items() if k not in ("instance", "meta")}
    headers = {k: v for k, v in answer.headers.items() if k not in OWN_HEADERS}
    return answer.status_code, body, headers


async def faults(world: World, cell: Cell) -> list[str]:
    """What is wrong about the answer of one cell."""
    answer = await ask(world, cell.request)
    status = str(answer.status_code)
    label = f"{cell.route} by {cell.relation} ({cell.request.by})"
    if cell.expected == "yes":
        none = ("401", "403") if cell.route in NOTHING_PARKED else ("401", "403", "404")
        refused = status in none or answer.status_code >= 500
        return [f"{label}: {status}, not allowed: {answer.text[:200]}"] if refused else []
    if status != cell.expected:
        said = "" if answer.is_success else answer.text[:200]
        return [f"{label}: {status}, not {cell.expected}: {said}"]
    if status != "404":
        return []
    nothing = await ask(world, replace(cell.request, path=cell.nothing))
    same = told(answer) == told(nothing)
    return [] if same else [f"{label}: {told(answer)}, but {told(nothing)} of what is not there"]


async def test_every_cell_is_answered_as_the_table_says(world: World) -> None:
    slots, found = asyncio.Semaphore(6), list(cells(world.ids))

    async def one(cell: Cell) -> list[str]:
        async with slots:
            return await faults(world, cell)

    # Who may is asked last: what they do changes what there is.
    refused = [c for c in found if c.expected != "yes"]
    allowed = sorted((c for c in found if c.expected == "yes"), key=_turn)
    wrong = [fault for each in await asyncio.gather(*map(one, refused)) for fault in each]
    wrong += [fault for cell in allowed for fault in await one(cell)]
    marked = sum(c.relation == "unsafe" for c in found)
    print(
        f"{len(found)} cells of {len({c.route for c in found})} routes: {len(refused)} refused, "
        f"{marked} of them by a safety mark; {dict(Counter(c.relation for c in found))}"
    )

    assert not wrong, f"{len(wrong)} cells:\n" + "\n".join(sorted(wrong))


def paired(ids: dict[str, str]) -> Iterator[Twins]:
    """For each id of each route, the requests of those who may do this with something of theirs."""
    routes = {
        f"{min(r.methods or ())} {r.path}": (s, action_of(r) or "")
        for s in SERVICES
        for r in routes_of(app_of(s))
    }
    for route, part, name in places():
        service, action = routes[route]
        if (route, name) in OPEN:
            continue
        for person in ("school", "east_worker", "east_manager", "marked_auditor"):
            marked = person == "marked_auditor"
            if marked and service not in ("audit", "notify"):
                continue
            if EVERYBODY[person]["role"] in roles_of(action):
                asked = replace(_good(route, service, ids), by=person)
                if marked and name not in ("referral_id", "subject_id", "asked"):
                    continue  # of all else the trail is open to them
                yield twins(route, part, name, asked, values(ids, marked=marked))


async def test_what_is_somebody_elses_is_answered_as_what_is_not_there(world: World) -> None:
    """Ids anywhere: later in the path, in the query, in a header, in the body."""
    found, wrong = list(paired(world.ids)), []
    for pair in found:
        foreign, nothing = [await ask(world, r) for r in (pair.foreign, pair.nothing)]
        answers = [(a.status_code, _same(a, pair)) for a in (foreign, nothing)]
        if answers[0] != answers[1]:
            wrong.append(f"{pair.label}: {answers[0]}, but {answers[1]} of nothing")
    print(f"{len(found)} pairs of {len({p.label.partition(' by ')[0] for p in found})} ids")

    assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong)


def _same(answer: httpx2.Response, pair: Twins) -> str:
    """The body without the trace, the size of the trail, and what was asked for. What both requests
    have changed is not compared."""
    if answer.is_success and (pair.foreign.method != "GET" or answer.is_stream_consumed is False):
        return "done"
    body = answer.text
    for one in pair.ids:
        body = body.replace(one, "?")
    return re.sub(
        r'"(instance|size|checkpoint|complete_for|search_fields)":("[^"]*"|\d+|\{[^}]*\})', "", body
    )


TIMED = {
    "GET /v1/referrals/{open}": ("stranger", "other_worker", "manager", "health", "auditor"),
    "GET /v1/referrals/{open}/sharing": ("school", "manager"),
    "POST /v1/referrals/{open}/steps/withdrawal": ("stranger", "manager"),
    "GET /v1/stranded/{open}": ("operator",),
    "GET /v1/allocations/{open}": ("other_worker", "manager"),
    "POST /v1/allocations/{open}/closure": ("other_worker", "manager"),
    "POST /v1/notifications/{notification}/opened": ("police", "worker", "manager"),
    "GET /v1/trail?referral_id={open}": ("manager",),
}


async def test_what_is_somebody_elses_takes_as_long_as_what_is_not_there(world: World) -> None:
    ratios = {}
    for line, people in TIMED.items():
        method, _, path = line.partition(" ")
        for person in people:
            foreign = path.format_map(world.ids)
            nothing = re.sub(r"(ref|ntf)_[0-9a-f]{32}", rf"\1_{NO_ID}", foreign)
            service = owner(foreign)
            took = [
                await _took(world, service, method, (foreign, nothing), person) for _ in range(30)
            ]
            # A busy machine makes some slow: the quicker ones show the work.
            theirs, none = (quantiles(each)[0] for each in zip(*took, strict=True))
            ratios[f"{line} by {person}"] = round(theirs / none, 2)
    print(f"not yours / not there: {ratios}")

    assert 0.8 < median(ratios.values()) < 1.25
    assert {k: r for k, r in ratios.items() if not 0.4 < r < 2.5} == {}


async def _took(
    world: World, service: str, method: str, paths: tuple[str, str], person: str
) -> tuple[float, float]:
    content = b'{"reason": "moved_away"}' if method == "POST" else None
    if content and "notifications" in paths[0]:
        content = b"{}"
    headers = {"Content-Type": "application/json", "If-Match": "*"} if content else {}
    took = {}
    for path in random.sample(paths, 2):
        request = Request("", service, method, path, person, frozenset(), "", content, headers)
        began = time.perf_counter()
        answer = await world.send(request)
        took[path] = time.perf_counter() - began
        assert answer.status_code == 404, f"{method} {path} by {person}: {answer.text}"
    return took[paths[0]], took[paths[1]]


def _turn(cell: Cell) -> tuple[bool, bool]:
    """Reading first; then workers, for what others do may take the case from them."""
    return not cell.route.startswith("GET"), cell.relation != "worker_on_case"


def test_every_route_is_asked() -> None:
    names = {f"{min(r.methods or ())} {r.path}" for s in SERVICES for r in routes_of(app_of(s))}

    assert sorted(names - set(READS) - set(ROUTES)) == []
    assert sorted((set(READS) | set(ROUTES)) - names) == []


def test_every_relation_that_can_occur_has_a_person_who_asks() -> None:
    wanted = {
        (kind, relation, role)
        for kind in {row.about for row in TABLE.values()}
        for relation in RELATIONS
        for role in ROLES
        if possible(role, relation, kind)
    }
    asked = {
        (kind, relation, EVERYBODY[person]["role"])
        for kind, people in WHO.items()
        for relation, persons in people.items()
        for person in persons
    }

    assert sorted(wanted - asked) == []
    assert {EVERYBODY[person]["role"] for person in UNSAFE} == set(ROLES)
