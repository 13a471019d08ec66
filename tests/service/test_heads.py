"""Heads that two readers may take for different requests, and methods that nobody uses: one answer
to one request, never a 500, and nothing of what hides in a body is answered. Over real sockets."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.service.test_connections import Clients, Server, serving

HIDDEN = b"GET /endless HTTP/1.1\r\nHost: hidden\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def lines(*more: bytes, body: bytes = b"") -> bytes:
    return b"".join(each + b"\r\n" for each in more) + b"\r\n" + body


# What follows a request line and a token; and the statuses that may answer it.
HEADS: dict[str, tuple[bytes, set[bytes]]] = {
    "two ways to say how long": (
        lines(b"Content-Length: 5", CHUNKED[:-2], body=b"0\r\n\r\n" + HIDDEN), {b"400"},
    ),
    "a length, then another": (
        lines(b"Content-Length: 0", b"Content-Length: 40", body=HIDDEN), {b"400"},
    ),
    "the same length twice": (
        lines(b"Content-Length: 2", b"Content-Length: 2", body=b"{}"), {b"400", b"200"},
    ),
    "a list of lengths": (lines(b"Content-Length: 0, 40", body=HIDDEN), {b"400"}),
    "a length with a plus": (lines(b"Content-Length: +40", body=HIDDEN), {b"400"}),
    "a length in hexadecimal": (lines(b"Content-Length: 0x28", body=HIDDEN), {b"400"}),
    "a length after a space": (lines(b"Content-Length : 40", body=HIDDEN), {b"400"}),
    "a length behind a tab": (lines(b"X: a", b"\tContent-Length: 40", body=b""), {b"400", b"200"}),
    "an encoding nobody knows": (lines(b"Transfer-Encoding: xchunked", body=HIDDEN), {b"400", b"501"}),
    "chunked behind a tab": (
        lines(b"Transfer-Encoding:\tchunked", b"Content-Length: 3", body=b"0\r\n\r\n"), {b"400"},
    ),
    "chunked, and nothing": (lines(b"Transfer-Encoding: chunked, identity", body=HIDDEN), {b"400", b"501"}),
    "chunked twice": (lines(CHUNKED[:-2], CHUNKED[:-2], body=b"0\r\n\r\n" + HIDDEN), {b"400", b"501"}),
    "a field without a name": (lines(b": chunked", body=b""), {b"400"}),
    "a line without a colon": (lines(b"chunked", body=b""), {b"400"}),
    "a NUL in a name": (lines(b"X\x00: a", body=b""), {b"400"}),
    "a bare line end in a value": (lines(b"X: a\nHidden: b", body=b""), {b"400", b"200"}),
    "two hosts": (lines(b"Host: other", body=b""), {b"400"}),
    "two types": (lines(b"Content-Type: a/b", b"Content-Type: application/json", body=b""), {b"400"}),
    "two keys": (lines(b"Idempotency-Key: a", b"Idempotency-Key: b", body=b""), {b"400"}),
    "two places in a stream": (lines(b"Last-Event-ID: a", b"Last-Event-ID: b", body=b""), {b"400"}),
    "two encodings": (lines(b"Content-Encoding: a", b"content-encoding: b", body=b""), {b"400"}),
    "two tokens": (lines(b"Authorization: Bearer x", b"Content-Length: 2", body=b"{}"), {b"401"}),
    "a chunk with an extension": (
        lines(CHUNKED[:-2], body=b"2;a=\"\r\n\"\r\n{}\r\n0\r\n\r\n"), {b"200", b"400"},
    ),
    "a trailer that would be a head": (
        lines(CHUNKED[:-2], body=b"0\r\nIf-Match: x\r\n\r\n"), {b"200", b"400"},
    ),
    "an upgrade": (
        lines(b"Connection: Upgrade", b"Upgrade: h2c", b"HTTP2-Settings: AAMA"), {b"200", b"400"},
    ),
    "an unknown expectation": (lines(b"Expect: the-unexpected", body=b""), {b"200", b"400", b"417"}),
    "a range of ranges": (lines(b"Range: bytes=" + b"0-," * 2000 + b"0-"), {b"200", b"400", b"431"}),
    "a thousand fields": (lines(*(b"X%d: a" % n for n in range(1000))), {b"200", b"400", b"431"}),
}  # fmt: skip
LINES = {
    "HTTP 0.9": b"GET /endless\r\n",
    "HTTP 2": b"PRI * HTTP/2.0\r\n",
    "a version of its own": b"POST /thing HTTP/9.9\r\n",
    "a method in small letters": b"post /thing HTTP/1.1\r\n",
    "a method nobody has": b"BREW /thing HTTP/1.1\r\n",
    "TRACE": b"TRACE /thing HTTP/1.1\r\n",
    "CONNECT": b"CONNECT thing:443 HTTP/1.1\r\n",
    "OPTIONS of all": b"OPTIONS * HTTP/1.1\r\n",
    "OPTIONS": b"OPTIONS /thing HTTP/1.1\r\n",
    "HEAD of data": b"HEAD /endless HTTP/1.1\r\n",
    "PUT where there is none": b"PUT /thing HTTP/1.1\r\n",
    "a whole address": b"POST http://other.example/thing HTTP/1.1\r\n",
    "a tab for a space": b"POST\t/thing\tHTTP/1.1\r\n",
    "a path that climbs": b"POST /../../thing HTTP/1.1\r\n",
    "a path with a NUL": b"POST /thi%00ng HTTP/1.1\r\n",
    "a path in bytes": b"POST /\xff\xfe HTTP/1.1\r\n",
    "a fragment": b"POST /thing#a HTTP/1.1\r\n",
    "a bare line end": b"POST /thing HTTP/1.1\nHost: x\n",
}


def heads(server: Server) -> Iterator[tuple[str, bytes, set[bytes]]]:
    """Each with the statuses that may answer it."""
    head = server.head("agency").split(b"\r\n")
    token = next(line for line in head if line.startswith(b"Authorization"))
    known = b"\r\n".join([b"POST /thing HTTP/1.1", b"Host: x", token, b""])
    for name, (rest, statuses) in HEADS.items():
        yield name, known + rest, statuses
    refused = {b"400", b"404", b"405", b"505", b"501", b"200"}
    for name, line in LINES.items():
        yield name, line + lines(b"Host: x", token), refused


async def all_answers(sent: bytes, server: Server) -> bytes:
    """Everything that comes back in a second, or until the connection ends."""
    async with Clients() as clients:
        client = await clients.open(server.port)
        client.writer.write(sent)
        found = b""
        try:
            async with asyncio.timeout(1):
                while len(found) < 200_000 and (part := await client.reader.read(65536)):
                    found += part
        except (TimeoutError, ConnectionError):
            pass
        return found


async def test_a_strange_head_has_one_answer_and_hides_no_second_request(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong: list[str] = []
    async with serving(tmp_path_factory, monkeypatch) as server:
        cases = list(heads(server))
        found = await asyncio.gather(*(all_answers(sent, server) for _, sent, _ in cases))
        well = await all_answers(
            b"POST /thing" + server.head("agency", length=0).removeprefix(b"POST /thing"), server
        )  # fmt: skip
    for (name, _, statuses), answer in zip(cases, found, strict=True):
        status = answer[9:12]
        if answer and (status not in statuses or answer.count(b"HTTP/1.1 ") > 1):
            wrong.append(f"{name}: {answer[:120]!r}")
        if answer and status == b"200" and name.startswith("HEAD"):
            wrong.append(f"{name}: {answer[:120]!r}")

    assert not wrong, "\n".join(wrong)
    assert well.startswith(b"HTTP/1.1 200")
    assert len(cases) > 40
