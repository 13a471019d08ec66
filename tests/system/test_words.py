"""What a caller makes up is kept nowhere: a word in every place of a request to every route, by
everybody; then a search of the trail, of all stores and of the logs."""

import asyncio
import contextlib
import io
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from pymongo import AsyncMongoClient

from shared.operating.telemetry import set_up
from tests.conftest import SEED
from tests.harness.mongo import Mongo
from tests.harness.network import PEOPLE, a_referral
from tests.harness.waiting import until
from tests.harness.whole import DATABASES, Whole, whole
from tests.harness.words import ROLES, Sent, Words, operations, requests_to

AT_ONCE = 16
TRAIL = "hub_audit.entries"


class Callers:
    """Everybody's token; its subject is a word as well, and so is the id of a contradicting one.

    An id of the right shape in its own place is no caller's word: the issuer gave it.
    """

    def __init__(self, network: Whole, words: Words) -> None:
        self.tokens = {}
        for role in ROLES:
            first = words.next
            claims = {**PEOPLE[role], "sub": words.spoken()}
            self.tokens[role] = network.token(**claims)
            words.send(Sent(role, "GET", "/v1/referrals", "/v1/referrals"), first)
            for name in {"agency_id", "worker_id", "hub_id"} - {"hub_id"} & set(claims):
                for word in (words.spoken,) if name in claims else (words.spoken, words.coded):
                    first = words.next
                    twofold = network.token(**{**claims, name: word()})
                    bearer = {"authorization": f"Bearer {twofold}"}
                    request = Sent(role, "GET", "/v1/referrals", "/v1/referrals", headers=bearer)
                    words.send(request, first)


async def answered(network: Whole, callers: Callers, request: Sent) -> int:
    """The status of the answer; 200 for a stream, which does not end by itself."""
    headers = {"authorization": f"Bearer {callers.tokens[request.by]}", **request.headers}
    url = f"{request.path}?{request.query}"
    sending = network.http.request(request.method, url, headers=headers, content=request.content)
    if not request.path.endswith("/stream"):
        return (await sending).status_code
    with contextlib.suppress(TimeoutError):
        return (await asyncio.wait_for(sending, 0.3)).status_code
    return 200


async def send_all(network: Whole, callers: Callers, words: Words) -> list[int]:
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(request: Sent) -> int:
        async with slots:
            return await answered(network, callers, request)

    return list(await asyncio.gather(*(one(request) for request in words.requests)))


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
    else:
        yield value.decode("latin-1") if isinstance(value, bytes) else str(value)


# An entry of a register has the names that its registrar gives, and they are what the trail tells
# of: an agency is an organisation, and a worker's id is theirs at work (docs/security.md).
REGISTERS = ("/v1/agencies/", "/v1/areas", "/v1/agreements/", "/v1/hubs/", "/v1/workers")


def kept(request: Sent, status: int, place: str) -> bool:
    """Whether it was taken, and what stood there is to be kept where it was sent: a name in an
    entry, say. An event takes none along."""
    if not request.kept or request.method == "GET" or status >= 300:
        return False
    registered = request.template.startswith(REGISTERS)
    return place != TRAIL or registered


@contextlib.contextmanager
def logging() -> Iterator[io.StringIO]:
    """All that is logged, as a service logs it."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        set_up("words", "DEBUG")
    try:
        yield said
    finally:
        structlog.reset_defaults()


async def test_no_word_of_a_caller_is_in_the_trail_in_a_store_or_in_a_log(
    mongo: Mongo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("LIMIT_CLIENT", "LIMIT_ADDRESS", "LIMIT_FAILED_TOKENS"):
        monkeypatch.setenv(limit, "100000/minute")
    words = Words(SEED)
    with logging() as log:
        async with whole(mongo.url, tmp_path) as network:
            callers = Callers(network, words)
            for template, method, described in operations():
                requests_to(words, template, method, described, network.ids)
            statuses = await send_all(network, callers, words)
            posted = await network.ask(
                "school", "POST", "/v1/referrals", json=a_referral(agency_reference="last"),
                headers={"Idempotency-Key": "last"},
            )  # fmt: skip
            places = await searched(mongo.url, posted.json()["id"])
    places["log"] = log.getvalue()

    told = Counter(status // 100 for status in statuses)
    print(f"{len(words.requests)} requests: {dict(told)}")
    wrong = [
        f"{place}: {statuses[at]} {words.requests[at].label}"
        for place, text in places.items()
        for at in words.found_in(text)
        if not kept(words.requests[at], statuses[at], place)
    ]
    assert not wrong, f"seed {SEED}: {len(wrong)}\n" + "\n".join(sorted(wrong)[:60])
    # The search looked at something.
    assert "record.refused" in places["hub_audit.entries"]
    assert "token.refused" in places["log"]
    assert told[2] > 100
    assert told[4] > 1000
    bodies = Counter(
        request.template
        for request, status in zip(words.requests, statuses, strict=True)
        if kept(request, status, "") and request.method in ("POST", "PUT")
    )
    assert len(bodies) > 10, bodies
    assert bodies["/v1/referrals"] > 10, "accepted with a word in each place"
    assert 500 not in statuses


async def searched(address: str, last: str) -> dict[str, str]:
    """All that the stores hold, once refusals are in the trail. What still waits in an outbox is in
    a store as well."""
    async with AsyncMongoClient[dict[str, Any]](address) as client:
        entries = client["hub_audit"]["entries"]

        async def told() -> bool:
            kinds = ("record.refused", "trail.queried")
            keys = [[f"type:{kind}"] for kind in kinds]
            # What was published before the last request is there when that is.
            keys.append([f"referral_id:{last}", "type:referral.received"])
            found = [await entries.find_one({"fields.keys": {"$all": each}}) for each in keys]
            return all(found)

        await until(told, deadline=60, what="all of it in the trail")
        return {
            name: "\n".join([text async for each in collection.find() for text in texts(each)])
            async for name, collection in collections(client)
        }


async def collections(client: "AsyncMongoClient[dict[str, Any]]") -> AsyncIterator[tuple[str, Any]]:
    for database in DATABASES:
        for name in await client[database].list_collection_names():
            yield f"{database}.{name}", client[database][name]
