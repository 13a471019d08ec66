"""Whatever is refused has changed nothing, in any service: every writing route, every refusal.

The requests are made from the committed OpenAPI documents and the table of
`tests/harness/refused_routes.py`. Each has a trace of its own, so that an entry of the trail tells
which request it comes from.
"""

import asyncio
import json
import os
import random
import re
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest_asyncio

from tests.harness.full import as_they_are, full
from tests.harness.network import Network
from tests.harness.refusals import (
    Request,
    Stored,
    code_of,
    everything,
    good_request,
    operations,
    refused_requests,
)
from tests.harness.refused_routes import ROUTES
from tests.harness.things import MADE
from tests.harness.world import World, made_world

OPERATIONS = operations()
NAMES = sorted(set(ROUTES) & set(OPERATIONS))
SEED = int(os.environ["SEED"])
AT_ONCE = 8
# Where the trail itself is kept, and how far it was looked through: it grows by the entries, which
# are compared one by one.
THE_LOG = {("audit", name) for name in ("entries", "checkpoints", "tiles", "state", "completeness")}
# Counts of a moment, which the store deletes by itself.
PASSING = {("notify", "quotas")}


# The record is erased first, which makes room in it; what follows its event's handler finishes.
IN_STEPS = {"POST /v1/referrals/{referral_id}/erasure"}

Answer = tuple[Request, str, httpx2.Response]
# The services that keep nothing but what they are told; the trail has its own comparison.
TOLD = ("referral", "allocation", "notify")


@pytest_asyncio.fixture(scope="module")
async def world(network: Network) -> AsyncIterator[World]:
    async with made_world(network) as made:
        yield made


@dataclass
class Refused:
    """All refusals by route, the databases before and after them, and the entries that came in
    between."""

    answers: dict[str, list[Answer]]
    before: Stored
    after: Stored
    entries: list[dict[str, Any]]

    def of(self, trace: str) -> list[dict[str, Any]]:
        return [e for e in self.entries if trace in (e.get("traceparent") or "")]


@pytest_asyncio.fixture(scope="module")
async def refused(world: World) -> Refused:
    """Every request that must be refused has been, and nothing is on its way any more."""
    await world.network.quiet()
    before = await everything(world.network)
    chance = random.Random(SEED)
    answers = {name: await _refuse(world, name, chance) for name in NAMES}
    await world.network.quiet()
    after = await everything(world.network)
    new = [after[key] for key in set(after) - set(before) if key[:2] == ("audit", "entries")]
    return Refused(answers, before, after, [json.loads(e["leaf"])["event"] for e in new])


async def _refuse(world: World, name: str, chance: random.Random) -> list[Answer]:
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(request: Request) -> Answer:
        async with slots:
            answer = await world.send(request)
        # All that follows from it is in the trace that its answer names; of a body that is too
        # large nothing does.
        found = re.search(r"urn:trace:([0-9a-f]{32})", answer.text)
        return request, found[1] if found else secrets.token_hex(16), answer

    made = refused_requests(OPERATIONS[name], ROUTES[name], world.ids, chance)
    return list(await asyncio.gather(*(one(request) for request in made)))


def test_every_writing_route_has_a_row() -> None:
    assert sorted(ROUTES) == sorted(OPERATIONS)


async def test_every_faulty_request_is_refused(refused: Refused) -> None:
    wrong = [
        f"{name}, {request.label}: {answer.status_code} for {sorted(request.statuses)}:"
        f" {answer.text[:300]}"
        for name, answers in refused.answers.items()
        for request, _, answer in answers
        if answer.status_code not in request.statuses
        or (request.code and code_of(answer) != request.code)
    ]

    assert not wrong, f"seed {SEED}:\n" + "\n".join(wrong)


async def test_a_refusal_leaves_nothing_but_its_entry(refused: Refused) -> None:
    wrong = []
    for name, answers in refused.answers.items():
        for request, trace, _ in answers:
            types = [entry["type"] for entry in refused.of(trace)]
            expected = [[request.entry]] if request.entry else [[]]
            if types not in (expected if request.certain else [*expected, []]):
                wrong.append(f"{name}, {request.label}: {types}, not {expected}")

    assert not wrong, f"seed {SEED}:\n" + "\n".join(wrong)


async def test_all_refusals_together_have_changed_nothing(refused: Refused) -> None:
    before, after = refused.before, refused.after
    traces = {trace for each in refused.answers.values() for _, trace, _ in each}
    strange = [
        e["type"]
        for e in refused.entries
        if e["type"] != MADE and (e.get("traceparent") or "--").split("-")[1] not in traces
    ]
    written = {e["subject"] for e in refused.entries}
    log = {key for key in (*before, *after) if key[:2] in THE_LOG | PASSING}
    changed = [k for k in before if k not in log and after.get(k) != before[k]]
    entries = [k for k in before if k[1] == "entries" and after.get(k) != before[k]]
    added = [k for k in set(after) - set(before) - log if k[2] not in written]

    assert (strange, changed, entries, added) == ([], [], [], []), f"seed {SEED}"


async def test_without_their_fault_the_requests_are_taken(refused: Refused, world: World) -> None:
    """So it was the fault that was refused, and nothing else about them."""
    wrong = []
    before = await everything(world.network, *TOLD)
    for name in ROUTES:
        if ROUTES[name].taken and name in OPERATIONS:
            answer = await world.send(good_request(OPERATIONS[name], ROUTES[name], world.ids))
            if answer.status_code not in (200, 201, 204):
                wrong.append(f"{name}: {answer.status_code} {answer.text[:300]}")

    assert not wrong, "\n".join(wrong)
    after = await everything(world.network, *TOLD)
    assert {key[0] for key in after if after[key] != before.get(key)} == set(TOLD)


async def test_a_record_that_is_full_says_so_and_stays_as_it_is(world: World) -> None:
    """The last one here: what finds room is done."""
    await world.network.quiet()
    names = random.Random(SEED).sample(NAMES, min(len(NAMES), int(os.environ.get("FULL", "8"))))
    wrong, said = list[str](), Counter[str]()
    for name in names:
        request = good_request(OPERATIONS[name], ROUTES[name], world.ids)
        ids = set(request.path.partition("?")[0].split("/")) - {""}
        async with full(world.network, ids) as before:
            answer = await world.send(request)
            now = await as_they_are(world.network, before)
        refused = answer.status_code == 409 and code_of(answer) == "record_full"
        said[f"{name}: {'full' if refused else answer.status_code}"] += 1
        changed = now != before and name not in IN_STEPS
        if answer.status_code >= 500 or (refused and changed):
            wrong.append(f"{name}: {answer.status_code} {answer.text[:200]}")

    assert not wrong, f"seed {SEED}, {dict(said)}:\n" + "\n".join(wrong)
