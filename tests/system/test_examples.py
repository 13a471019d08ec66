"""Each example of the API description is sent as it stands there, and answered as it says.

`make examples` writes them anew, from the requests of `tests/harness/refused_routes.py` and of the table
of access.
"""

import os
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from typing import Any

import httpx2
import pytest_asyncio

from shared.web.description import examples
from tests.golden.examples import INSTEAD, Example, Names, answered, asked, write
from tests.golden.openapi import SERVICES
from tests.harness.foreign import set_up_foreign
from tests.harness.matrix import MORE, set_up
from tests.harness.network import Network
from tests.harness.refusals import Request, good_request, operations
from tests.harness.refused_routes import ROUTES
from tests.harness.world import World, made_world
from tests.system.test_access_matrix import READS, cells

WRITE = os.environ.get("WRITE_EXAMPLES") == "1"
LINES = ("application/x-ndjson",)
STREAM = "GET /v1/notifications/stream"


@pytest_asyncio.fixture(scope="module")
async def world(network: Network) -> AsyncIterator[World]:
    async with made_world(network, MORE) as made:
        await set_up(made)
        await set_up_foreign(made)
        await network.quiet()
        yield made


def requests(world: World) -> Iterator[tuple[str, Request]]:
    """Each operation with a request that is taken: those that only read first."""
    seen = set[str]()
    for cell in cells(world.ids):
        if cell.route in READS and cell.expected == "yes" and cell.route not in seen:
            seen.add(cell.route)
            yield cell.route, cell.request
    for name, row in ROUTES.items():
        if name in operations():
            made = replace(row, body=INSTEAD.get(name, row.body))
            yield name, good_request(operations()[name], made, world.ids)


def described(name: str) -> str:
    """As the description names its path."""
    return name.replace(":path}", "}")


async def test_every_example_is_answered_as_it_says(world: World) -> None:
    found: dict[str, dict[str, Example]] = defaultdict(dict)
    wrong = []
    for name, request in requests(world):
        body = INSTEAD.get(name, ROUTES[name].body) if name in ROUTES else None
        names = Names()
        sent = asked(name, request.path, body, names)
        answer = await send(world, name, request)
        made = {**sent, **told(name, answer, names)}
        found[request.service][described(name)] = made
        if WRITE:
            continue
        example = examples().get(described(name), {})
        if difference := differs(example, made):
            wrong.append(f"{name} by {request.by}: {difference}")
    if WRITE:
        write(found)

    assert set(found) == set(SERVICES)
    assert not wrong, "run `make examples`, and look at what changed:\n" + "\n".join(wrong)


async def send(world: World, name: str, request: Request) -> httpx2.Response:
    """The answer; of the stream, its head."""
    if name != STREAM:
        return await world.send(request)
    url = world.network.modules[request.service].url + request.path
    headers = {"Authorization": f"Bearer {world.tokens[request.by or '']}"}
    return await world.http.head(url, headers=headers)


def told(name: str, answer: httpx2.Response, names: Names) -> Example:
    """How it was answered; of a file only that it was."""
    media = answer.headers.get("content-type", "").partition(";")[0]
    said: object = None
    if media == "application/json" or media.endswith("+json"):
        said = answered(answer.json(), names)
    elif (media.startswith("text/") or media in LINES) and name != STREAM:
        said = answered(answer.text, names)
    return {"status": answer.status_code, "media": media, "answer": said}


def differs(example: Mapping[str, Any], made: Example) -> str:
    """What the description says otherwise: a word of the request, the status, a member of the answer."""
    for part in ("path", "body", "status", "media"):
        if example.get(part) != made[part] and not (part == "path" and moves(made)):
            return f"{part}: {made[part]!r}, not {example.get(part)!r}"
    one, other = made["answer"], example.get("answer")
    if isinstance(one, dict) and isinstance(other, dict):
        more = set(one) ^ set(other)
        return f"members of the answer: {sorted(more)}" if more else ""
    return "" if type(one) is type(other) else f"answer: {one!r:.200}"


def moves(made: Example) -> bool:
    """A place in the trail is another one in each run."""
    return str(made["path"]).startswith(
        ("/v1/trail/", "/v1/checkpoints/", "/tile/", "/v1/exports/")
    )
