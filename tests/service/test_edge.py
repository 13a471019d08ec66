"""What stands before the routes, over real HTTP: limits, slow senders, lies about bodies, headers."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from allinone import sample
from tests.harness.mongo import Mongo
from tests.harness.network import a_referral
from tests.harness.unlimited import UNLIMITED
from tests.harness.waiting import PATIENCE, until
from tests.harness.whole import Whole, served

SUBSCRIPTION = f"/v1/subscriptions/{sample.SCHOOL}"
LIMITED = {
    "LIMIT_FAILED_TOKENS": "30/hour",
    "LIMIT_MAIL_CODES": "10/hour",
    "LIMIT_MAILS": "5/day",
    "LIMIT_MAILBOX": "5/day",
    "LIMIT_CHALLENGES": "20/hour",
    "LIMIT_STREAMS": "10",
    "LIMIT_OPEN": "25",
    "LIMIT_BODY_SECONDS": "1",
    "LIMIT_HEAD_SECONDS": "1",
    "API_DESCRIPTION": "false",
    "TRUSTED_PROXIES": "127.0.0.2, 10.0.0.0/8",
}


@pytest_asyncio.fixture(scope="module")
async def edge(mongo: Mongo, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Whole]:
    folder = tmp_path_factory.mktemp("edge")
    async with served(mongo.url, folder, **{**UNLIMITED, **LIMITED}) as made:
        yield made


async def test_too_many_bad_tokens_of_an_address_are_429_and_a_good_one_is_still_served(
    edge: Whole,
) -> None:
    path = "/v1/notifications"
    tokens = ["nonsense", "a.b.c", edge.tokens["school"][:-2] + "xx", "-"]

    async def bad(number: int) -> int:
        # Nobody believes this: it does not come from a proxy we trust.
        headers = {"X-Forwarded-For": f"192.0.2.{number % 250}", "X-Real-IP": "192.0.2.1"}
        headers |= {"Authorization": f"Bearer {tokens[number % 4]}"}
        return (await edge.http.get(path, headers=headers)).status_code

    statuses = [await bad(number) for number in range(300)]
    good = await edge.ask("school", "GET", path)

    assert statuses == [401] * 30 + [429] * 270
    assert good.status_code == 200


async def test_of_200_guesses_of_a_code_ten_are_looked_at(edge: Whole) -> None:
    await edge.ask("health", "PUT", _of("health"), json={"email": "a@health.example"})
    path = f"{_of('health')}/confirmation"

    answers = [
        await edge.ask("health", "POST", path, json={"code": "AAAAAAAAAA"}) for _ in range(200)
    ]

    assert [a.status_code for a in answers] == [409] * 10 + [429] * 190
    assert int(answers[-1].headers["retry-after"]) > 0
    assert answers[-1].json()["limit"] == "mail_codes"


def _of(person: str) -> str:
    return f"/v1/subscriptions/{getattr(sample, person.upper())}"


async def test_of_twelve_addresses_that_nobody_confirmed_five_are_taken(edge: Whole) -> None:
    statuses = [
        (
            await edge.ask("school", "PUT", SUBSCRIPTION, json={"email": f"a{n}@school.example"})
        ).status_code
        for n in range(12)
    ]
    again = await edge.ask("school", "PUT", SUBSCRIPTION, json={"email": "a4@school.example"})

    assert statuses == [200] * 5 + [429] * 7
    assert again.status_code == 200, "nothing is mailed for what is there already"


async def test_an_address_that_nobody_confirmed_is_not_mailed_at_each_change_of_something_else(
    edge: Whole,
) -> None:
    mine = {"role": "agency", "agency_id": "ag_restless", "sub": "ag_restless"}
    headers = {"Authorization": f"Bearer {edge.token(**mine)}"}
    statuses = []
    for number in range(12):
        entry = {"email": "restless@school.example", "areas": [f"area{number}"]}
        answer = await edge.http.put("/v1/subscriptions/ag_restless", headers=headers, json=entry)
        statuses.append(answer.status_code)

    assert statuses == [200] * 5 + [429] * 7


async def test_one_mailbox_is_not_filled_by_many(edge: Whole) -> None:
    claims = [{"sub": f"ag_{n}", "role": "agency", "agency_id": f"ag_many_{n}"} for n in range(8)]
    statuses = []
    for one in claims:
        headers = {"Authorization": f"Bearer {edge.token(**one)}"}
        path = f"/v1/subscriptions/{one['agency_id']}"
        entry = {"email": "Victim@elsewhere.example"}
        statuses.append((await edge.http.put(path, headers=headers, json=entry)).status_code)

    assert statuses == [200] * 5 + [429] * 3


async def test_a_webhooks_secret_is_told_once(edge: Whole) -> None:
    mine = {"role": "agency", "agency_id": "ag_secretive", "sub": "ag_secretive"}
    headers = {"Authorization": f"Bearer {edge.token(**mine)}"}
    path = "/v1/subscriptions/ag_secretive"

    async def told(method: str, rest: str = "", **entry: Any) -> str | None:
        answer = await edge.http.request(method, path + rest, headers=headers, json=entry or None)
        assert answer.status_code == 200, answer.text
        secret: str | None = answer.json()["secret"]
        return secret

    hook, other = "http://127.0.0.1:9/hook", "http://127.0.0.1:9/other"
    before = await told("PUT", active=False)
    first = await told("PUT", url=hook, active=False)
    later = [
        await told("PUT", url=hook, active=False),
        await told("PUT", url=other, active=False),
        await told("GET"),
        await told("PUT", active=False),
        await told("PUT", url=hook, active=False),
    ]
    new = await told("POST", "/secret")
    again = [await told("POST", "/secret"), await told("GET")]

    assert before is None
    assert first is not None
    assert new is not None
    assert first.startswith("whsec_")
    assert new.startswith("whsec_")
    assert first != new
    assert {*later, *again} == {None}


async def test_a_webhook_that_nobody_could_call_is_refused_and_leaves_the_one_there_is(
    edge: Whole,
) -> None:
    mine = {"role": "agency", "agency_id": "ag_mistyping", "sub": "ag_mistyping"}
    headers = {"Authorization": f"Bearer {edge.token(**mine)}"}
    path, hook = "/v1/subscriptions/ag_mistyping", "http://127.0.0.1:9/hook"

    async def put(url: str) -> httpx2.Response:
        entry = {"url": url, "active": False}
        return await edge.http.put(path, headers=headers, json=entry)

    assert (await put(hook)).status_code == 200
    for url in (
        "https://",
        "http://:80",
        "http://a b",
        "http://u:p@a",
        "http://a:99999",
        "http://a#b",
    ):
        refused = await put(url)
        told = refused.json()

        assert refused.status_code == 422, (url, refused.text)
        assert told["errors"][0]["pointer"] == "/url", told
        assert url not in refused.text
    assert (await edge.http.get(path, headers=headers)).json()["url"] == hook


async def test_200_streams_of_one_agency_are_ten_and_slow_nobody_down(edge: Whole) -> None:
    headers = {"Authorization": f"Bearer {edge.tokens['school']}"}
    path = f"{edge.url}/v1/notifications/stream"
    limits = httpx2.Limits(max_connections=None)
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx2.AsyncClient(trust_env=False, limits=limits))
        opened = [
            await stack.enter_async_context(http.stream("GET", path, headers=headers))
            for _ in range(200)
        ]
        statuses = [answer.status_code for answer in opened]
        started = time.monotonic()
        other = await edge.ask("police", "GET", "/v1/notifications?wait=0")
        took = time.monotonic() - started
        waiting = await edge.ask("school", "GET", "/v1/notifications?wait=20")
        # It is no stream: what must be sent in haste passes.
        posted = await edge.ask(
            "school", "POST", "/v1/referrals", json=a_referral(),
            headers={"Idempotency-Key": "while streaming"},
        )  # fmt: skip

    assert statuses == [200] * 10 + [429] * 190
    assert (other.status_code, waiting.status_code) == (200, 429)
    assert waiting.json()["limit"] == "streams"
    assert posted.status_code < 500
    assert posted.status_code != 429
    assert took < PATIENCE

    async def room_again() -> bool:
        return (await edge.ask("school", "GET", "/v1/notifications")).status_code == 200

    await until(room_again, deadline=10, what="room for a stream")


async def test_of_thirty_webhooks_that_must_be_proved_twenty_are_taken(edge: Whole) -> None:
    mine = {"role": "agency", "agency_id": "ag_changing", "sub": "ag_changing"}
    headers = {"Authorization": f"Bearer {edge.token(**mine)}"}
    answers = [
        await edge.http.put(
            "/v1/subscriptions/ag_changing",
            headers=headers,
            json={"url": f"http://127.0.0.1:9/{n}"},
        )
        for n in range(30)
    ]

    assert [a.status_code for a in answers] == [200] * 20 + [429] * 10
    assert answers[-1].json()["limit"] == "challenges"


async def test_an_unknown_cursor_is_404_for_a_stream_as_for_a_page(edge: Whole) -> None:
    unknown = "ntf_" + "0" * 32
    page = await edge.ask("school", "GET", f"/v1/notifications?after={unknown}")
    headers = {"Last-Event-ID": unknown}
    streamed = await edge.ask("school", "GET", "/v1/notifications/stream", headers=headers)

    assert [(a.status_code, a.json()["code"]) for a in (page, streamed)] == [(404, "not_found")] * 2


async def test_senders_of_slow_bodies_are_answered_408_in_time(edge: Whole) -> None:
    head = (
        f"POST /v1/referrals HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {edge.tokens['school']}\r\n"
        "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
    )

    async def drip() -> bytes:
        # Only for a while: who still sends when the answer comes may not get to read it.
        return await _raw(edge, head.encode(), drip=b" ", every=0.05, times=3)

    started = time.monotonic()
    answers = await asyncio.gather(*(drip() for _ in range(150)))

    assert {answer.split(b"\r\n")[0] for answer in answers} == {b"HTTP/1.1 408 Request Timeout"}
    assert all(b"application/problem+json" in a and b"no-store" in a for a in answers)
    assert time.monotonic() - started < 15 * PATIENCE


HEADS = {
    "nothing at all": b"",
    "half a request line": b"GET /v1/notif",
    "a header that never ends": b"GET /livez HTTP/1.1\r\nHost: x\r\nX: ",
    "a second head on a kept connection": b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /li",
}


@pytest.mark.parametrize("name", HEADS)
async def test_senders_of_slow_heads_are_cut_off(edge: Whole, name: str) -> None:
    answer = await _raw(edge, HEADS[name], drip=b"a" if HEADS[name] else b"", every=0.2)

    assert answer == b"" or answer.startswith(b"HTTP/1.1 200")


async def _raw(
    edge: Whole, sent: bytes, *, drip: bytes = b"", every: float = 0.0, times: int = 100
) -> bytes:
    """What comes back until the other side closes, while one byte after the other is sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
    writer.write(sent)

    async def dripping() -> None:
        for _ in range(times if drip else 0):
            await asyncio.sleep(every)
            writer.write(drip)
            await writer.drain()

    task = asyncio.create_task(dripping())
    try:
        async with asyncio.timeout(20):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        task.cancel()
        await asyncio.wait({task})
        writer.close()


LIES: dict[str, tuple[bytes, bytes]] = {
    "more than any body": (b"Content-Length: 99999999999\r\n\r\n", b"413"),
    "a length of 400 digits": (b"Content-Length: " + b"9" * 400 + b"\r\n\r\n", b"4"),
    "a length below nought": (b"Content-Length: -1\r\n\r\n", b"400"),
    "a length that is no number": (b"Content-Length: 1e3\r\n\r\n", b"400"),
    "two lengths": (b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}", b"400"),
    "less than is sent": (b"Content-Length: 1\r\n\r\n{}", b"400"),
    "chunks that are none": (b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n", b"400"),
    "a chunk below nought": (b"Transfer-Encoding: chunked\r\n\r\n-1\r\n{}\r\n", b"400"),
    "a chunk without end": (b"Transfer-Encoding: chunked\r\n\r\n" + b"F" * 400 + b"\r\n", b"4"),
    "chunks of too much": (
        b"Transfer-Encoding: chunked\r\n\r\n" + b"40000\r\n" + b" " * 0x40000 + b"\r\n" * 1
        + (b"40000\r\n" + b" " * 0x40000 + b"\r\n") * 4 + b"0\r\n\r\n", b"413",
    ),
    "chunks without end": (
        b"Transfer-Encoding: chunked\r\n\r\n" + (b"100\r\n" + b" " * 256 + b"\r\n") * 4, b"408",
    ),
    "good chunks of no JSON": (b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n\r\n", b"400"),
    "another encoding": (b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", b"4"),
    "gzip that is none": (b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", b"4"),
    "a header of 100,000 bytes": (b"X: " + b"a" * 100_000 + b"\r\n\r\n", b"4"),
    "a header with a NUL": (b"X: a\x00b\r\n\r\n", b"4"),
    "an end before the body": (b"Content-Length: 10\r\n\r\n{", b"408"),
}  # fmt: skip


@pytest.mark.parametrize("name", LIES)
async def test_a_lie_about_a_body_is_refused_and_serves_nobody_worse(
    edge: Whole, name: str
) -> None:
    rest, status = LIES[name]
    head = (
        f"POST /v1/referrals HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {edge.tokens['school']}\r\n"
        "Content-Type: application/json\r\nIdempotency-Key: lie\r\nConnection: close\r\n"
    )

    answer = await _raw(edge, head.encode() + rest)

    assert answer == b"" or answer.split(b" ")[1].startswith(status), answer[:300]
    assert (await edge.http.get("/livez")).status_code == 200


@pytest.mark.parametrize(
    ("person", "method", "path", "status"),
    [
        ("school", "GET", "/v1/notifications", 200),
        ("school", "GET", "/v1/nothing", 404),
        ("school", "DELETE", "/v1/notifications", 405),
        ("auditor", "GET", "/v1/notifications", 403),
        ("school", "GET", "/v1/notifications?limit=x", 422),
        ("school", "PUT", SUBSCRIPTION, 422),
        ("auditor", "GET", "/v1/trail", 200),
        ("auditor", "GET", "/v1/keys", 200),
        ("auditor", "GET", "/openapi.json", 404),
        ("auditor", "GET", "/livez", 200),
    ],
)
async def test_no_answer_is_kept_or_guessed_at(
    edge: Whole, person: str, method: str, path: str, status: int
) -> None:
    answer = await edge.ask(person, method, path)

    assert answer.status_code == status
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_only_a_trusted_proxy_says_who_somebody_is(
    mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> None:
    chosen = {"LIMIT_FAILED_TOKENS": "2/hour", "TRUSTED_PROXIES": "127.0.0.1"}
    folder = tmp_path_factory.mktemp("proxied")
    async with served(mongo.url, folder, **{**UNLIMITED, **chosen}) as behind:

        async def bad(*forwarded: str) -> int:
            headers = [("X-Forwarded-For", one) for one in forwarded]
            return (await behind.http.get("/v1/notifications", headers=headers)).status_code

        one = [await bad("192.0.2.1") for _ in range(3)]
        another = await bad("192.0.2.2")
        # The proxy adds to what it was sent: the last one counts, the first can be made up.
        lied = [await bad(f"198.51.100.{n}, 192.0.2.3") for n in range(3)]

    assert one == [401, 401, 429]
    assert another == 401
    assert lied == [401, 401, 429]


async def test_a_client_who_asks_too_often_is_told_when_to_come_again_and_whom_to_phone(
    mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> None:
    chosen = {"LIMIT_CLIENT": "5/hour", "LIMIT_ADDRESS": "12/hour"}
    folder = tmp_path_factory.mktemp("limited")
    async with served(mongo.url, folder, **{**UNLIMITED, **chosen}) as limited:
        first = [await limited.ask("school", "GET", "/v1/notifications") for _ in range(6)]
        others = [await limited.ask("police", "GET", "/v1/notifications") for _ in range(7)]
        health = await limited.http.get("/livez")

    assert [a.status_code for a in first] == [200] * 5 + [429]
    assert [a.status_code for a in others] == [200] * 5 + [429, 429]
    told: Any = first[-1].json()
    assert told["code"] == "too_many_requests"
    assert "phone" in told["detail"]
    assert told["limit"] == "client"
    assert others[-1].json()["limit"] == "address"
    assert int(first[-1].headers["retry-after"]) > 0
    assert first[0].headers["ratelimit-policy"] == '"client";q=5;w=3600'
    assert first[0].headers["ratelimit"].startswith('"client";r=4;t=')
    assert health.status_code == 200
