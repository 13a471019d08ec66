"""What a young person adds after an answer got lost is told, too."""

import json
import re
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from services.web.app import build
from shared.errors import Mismatch
from tests.unit.test_web_front import ADDRESS, settings_with, token

ISSUER = "https://issuer.example"
METADATA = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
}
SELF = {"web_self_client_id": "young-people", "web_self_client_secret": SecretStr("synthetic")}


class Network:
    """An issuer, and an API that stores what comes, whose first answer gets lost."""

    def __init__(self) -> None:
        self.stored: dict[str, dict[str, Any]] = {}
        self.refuses = dict[str, httpx2.Response]()

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if (said := self.refuses.get(request.url.path)) is not None:
            return said
        if request.url.host == "issuer.example":
            given = {"access_token": token(), "token_type": "Bearer", "expires_in": 600}
            asked = request.url.path.endswith("openid-configuration")
            return httpx2.Response(200, json=METADATA if asked else given)
        key, sent = request.headers["Idempotency-Key"], json.loads(request.content)
        first = not self.stored
        if self.stored.setdefault(key, sent) != sent:
            return httpx2.Response(422, json={"code": Mismatch.code})
        if first:
            return httpx2.Response(503, json={"code": "not_ready"})
        receipt = {"id": f"ref_{key[-32:]}", "due_at": "2026-11-28T10:00:00Z"}
        return httpx2.Response(201, json=receipt)


FOR_GOOD = {
    "the client is gone": ("/token", httpx2.Response(401, json={"error": "invalid_client"})),
    "its token is no one's": ("/v1/referrals", httpx2.Response(401, json={})),
    "it may not send": ("/v1/referrals", httpx2.Response(403, json={"code": "forbidden"})),
    "the agency has left": (
        "/v1/referrals",
        httpx2.Response(409, json={"code": "agency_inactive"}),
    ),
}
FOR_NOW = {
    "the issuer is busy": (
        "/token",
        httpx2.Response(400, json={"error": "temporarily_unavailable"}),
    ),
    "the issuer is away": ("/token", httpx2.Response(502)),
    "the API is away": ("/v1/referrals", httpx2.Response(503, json={})),
    "too many send": ("/v1/referrals", httpx2.Response(429, json={"code": "too_many_requests"})),
}


@pytest.mark.parametrize("why", [*FOR_GOOD, *FOR_NOW])
def test_nobody_is_told_to_press_again_where_that_can_never_help(why: str) -> None:
    network = Network()
    where, answer = (FOR_GOOD | FOR_NOW)[why]
    network.refuses[where] = answer
    app = build(settings_with(**SELF), httpx2.MockTransport(network))
    with TestClient(app, base_url=ADDRESS, follow_redirects=False) as client:
        key = re.findall(r'name="key" value="([^"]+)"', client.get("/for-you/ask").text)[0]
        wrote = {"key": key, "words": "Synthetic.", "urgency": "now", "area": "northtown"}
        said = client.post("/for-you/ask", data=wrote)

    assert said.status_code == 503
    assert ("pressing the button again will not help" in said.text) == (why in FOR_GOOD)
    assert ("wait a minute and press the button" in said.text) == (why in FOR_NOW)
    assert "Synthetic." in said.text
    assert "0800 1111" in said.text


def test_what_is_added_after_an_answer_got_lost_reaches_somebody() -> None:
    network = Network()
    app = build(settings_with(**SELF), httpx2.MockTransport(network))
    with TestClient(app, base_url=ADDRESS, follow_redirects=False) as client:
        key = re.findall(r'name="key" value="([^"]+)"', client.get("/for-you/ask").text)[0]
        wrote = {"key": key, "words": "Synthetic.", "urgency": "now", "area": "northtown"}
        lost = client.post("/for-you/ask", data=wrote)
        assert lost.status_code == 503
        kept = re.findall(r'name="key" value="([^"]+)"', lost.text)[0]
        added = {**wrote, "key": kept, "never": "Do not call my home."}

        answers = [client.post("/for-you/ask", data=said).status_code for said in (added, wrote)]

    assert answers == [200, 200]
    never = [each.get("safe_contact", {}).get("never_contact") for each in network.stored.values()]
    assert never == [None, ["Do not call my home."]]
