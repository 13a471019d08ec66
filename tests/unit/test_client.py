"""The agencies' client has every operation that an agency may use, as the API describes them."""

import ast
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hub_and_spoke_client import Client, Problem
from hub_and_spoke_client.connection import is_safe
from hub_and_spoke_client.tokens import SignedTokens

from tests.golden import client


def test_its_methods_are_those_of_the_api() -> None:
    committed, made = (ast.parse(t) for t in (client.MODULE.read_text("utf-8"), client.module()))

    assert ast.dump(committed) == ast.dump(made), "run `make client`"


@pytest.fixture
def moved() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """An address from which everything is sent on to another one, and what was asked at that one."""
    asked: list[tuple[str, str]] = []

    class Elsewhere(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            asked.append((self.command, self.headers.get("Authorization", "")))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        do_GET = do_POST = do_PUT = do_DELETE = _answer

        def log_message(self, *_: object) -> None:
            """Nothing."""

    class Moved(Elsewhere):
        def _move(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status = int(self.path.partition("=")[2] or 302)
            self.send_response(status)
            self.send_header("Location", f"http://localhost:{there.server_port}{self.path}")
            self.end_headers()

        do_GET = do_POST = do_PUT = do_DELETE = _move

    there = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    here = ThreadingHTTPServer(("127.0.0.1", 0), Moved)
    threads = [threading.Thread(target=each.serve_forever, args=(0.01,)) for each in (there, here)]
    for thread in threads:
        thread.start()
    yield f"http://127.0.0.1:{here.server_port}", asked
    for each in (there, here):
        each.shutdown()
        each.server_close()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_nobody_elsewhere_is_told_a_token_and_nothing_is_taken_for_sent(
    moved: tuple[str, list[tuple[str, str]]], method: str, status: int
) -> None:
    address, asked = moved
    body = {"narrative": "Synthetic."} if method in ("POST", "PUT") else None

    with pytest.raises(Problem) as refused:
        Client(address, lambda: "token").send(method, "/v1/x", query={"s": status}, body=body)

    assert (refused.value.status, asked) == (status, [])


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("https://network.example", True),
        ("http://127.0.0.1:8080", True),
        ("http://localhost:8080", True),
        ("http://network.example", False),
        ("http://127.0.0.1.elsewhere.example", False),
        ("http://localhost@elsewhere.example", False),
        ("http://localhost.elsewhere.example", False),
        ("ftp://localhost", False),
        ("file:///etc/hosts", False),
    ],
)
def test_a_token_goes_over_tls_or_stays_on_this_machine(address: str, safe: bool) -> None:
    assert is_safe(address) == safe
    if not safe:
        with pytest.raises(ValueError, match="https://"):
            Client(address, lambda: "token")
        with pytest.raises(ValueError, match="https://"):
            SignedTokens(address, "agency", "key.pem")
