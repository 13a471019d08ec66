"""GET and HEAD as they are answered, whatever the application does."""

import asyncio
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from shared.web.conditional import answer_get, answer_head, bodiless, tag_of

HEADERS = [(b"Content-Type", b"application/json"), (b"Content-Length", b"2"), (b"ETag", b'"v3"')]


async def asked(how: Any, app: Any, **headers: str) -> tuple[list[Message], Scope]:
    """What is sent, and what the scope has then."""
    sent: list[Message] = []
    named = [(k.replace("_", "-").lower().encode(), v.encode()) for k, v in headers.items()]
    scope: Scope = {"type": "http", "method": "HEAD", "headers": named}

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    await asyncio.wait_for(how(app, scope, receive, send), 5)
    return sent, scope


async def head(app: Any, scope: Scope, receive: Receive, send: Send) -> None:
    """As the edge has it."""
    await answer_head(app, scope, receive, bodiless(scope, send))


async def whole(scope: Scope, receive: Receive, send: Send) -> None:
    scope["route"] = "the route"
    assert scope["method"] in ("GET", "HEAD")
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": b"{}"})


async def endless(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS[:1]})
    while True:
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        await asyncio.sleep(0)


async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    raise RuntimeError("broken")


async def test_a_get_has_a_tag_of_the_record_and_of_what_is_shown() -> None:
    sent, _ = await asked(answer_get, whole)

    assert sent[1]["body"] == b"{}"
    tag = dict(sent[0]["headers"])[b"etag"]
    assert tag == tag_of(b'"v3"', b"{}") != tag_of(b'"v3"', b"[]")
    assert tag.startswith(b'"v3.')


async def test_what_is_known_already_is_not_sent_again() -> None:
    tag = tag_of(b'"v3"', b"{}").decode()

    sent, _ = await asked(answer_get, whole, if_none_match=f'"x", W/{tag}')

    assert (sent[0]["status"], sent[1]["body"]) == (304, b"")
    assert [name for name, _ in sent[0]["headers"]] == [b"etag"]


async def test_a_head_has_everything_but_the_body_and_the_log_knows_its_route() -> None:
    sent, scope = await asked(head, whole)

    assert dict(sent[0]["headers"])[b"content-length"] == b"2"
    assert [m["body"] for m in sent[1:]] == [b""]
    assert (scope["route"], scope["method"]) == ("the route", "HEAD")


async def test_a_head_of_a_stream_ends() -> None:
    sent, _ = await asked(head, endless)

    assert [message.get("body") for message in sent] == [None, b""]


@pytest.mark.parametrize("how", [answer_get, head])
async def test_an_application_that_breaks_has_answered_nothing(how: Any) -> None:
    with pytest.raises(RuntimeError):
        await asked(how, broken)


@pytest.mark.parametrize("own", [None, b'W/"a"', b'"other"'])
def test_without_a_version_the_tag_is_of_what_is_shown_alone(own: bytes | None) -> None:
    assert tag_of(own, b"{}") == tag_of(None, b"{}")
