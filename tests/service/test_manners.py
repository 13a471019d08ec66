"""What HTTP promises, on every route of the description: HEAD, 304, 405, 415, unknown parameters."""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest_asyncio

from shared.rules.access import roles_of
from tests.golden.access import action_of
from tests.golden.openapi import SERVICES, app_of, routes_of
from tests.harness.mongo import Mongo
from tests.harness.refusals import code_of
from tests.harness.whole import Whole, whole
from tests.service.test_extremes import path_of
from tests.service.test_heads_of_routes import ROLES

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
FOREIGN = (None, "text/plain", "application/xml", "multipart/form-data; boundary=x", "a", "*/*")
STREAM = "/v1/notifications/stream"
# Answers that say when they were made, or in which every question is an entry, are never the same.
MOMENTS = frozenset(
    {
        "/v1/trail",
        "/v1/trail/gaps",
        "/v1/trail/integrity",
        "/v1/trail/agencies/{agency_id}/disclosures",
        "/v1/subjects/{subject_id}/disclosures",
    }
)


@dataclass(frozen=True)
class Operation:
    """One operation of the description, with who may do it at all."""

    method: str
    template: str
    person: str
    said: dict[str, Any]

    def path(self, made: Whole) -> str:
        return path_of(self.template, made.ids)

    def has(self, path: str) -> bool:
        """Whether it is an operation of this address, as others may be beside it."""
        parts = re.split(r"\{(\w+)\}", self.template)
        names = {"path": ".+"}
        shapes = [names.get(p, "[^/]+") if n % 2 else re.escape(p) for n, p in enumerate(parts)]
        return re.fullmatch("".join(shapes), path) is not None

    @property
    def parameters(self) -> list[str]:
        return sorted(p["name"] for p in self.said.get("parameters", ()) if p["in"] == "query")

    @property
    def needed(self) -> str:
        """What a question needs, as a query."""
        asked = [p for p in self.said.get("parameters", ()) if p["in"] == "query"]
        return "&".join(f"{p['name']}=1" for p in asked if p.get("required"))


def operations() -> Iterator[Operation]:
    for service in SERVICES:
        app = app_of(service)
        paths = app.openapi()["paths"]
        for route in routes_of(app):
            method, action = min(route.methods or ()), action_of(route)
            template = route.path.replace(":path}", "}")
            role = min(roles_of(action)) if action else "agency"
            yield Operation(method, template, ROLES[role], paths[template][method.lower()])


@pytest_asyncio.fixture(scope="module")
async def made(mongo: Mongo, tmp_path_factory: Any) -> AsyncIterator[Whole]:
    async with whole(mongo.url, tmp_path_factory.mktemp("manners")) as one:
        yield one


async def test_an_unknown_parameter_is_refused_and_the_known_ones_are_named(made: Whole) -> None:
    wrong, count = [], 0
    for one in operations():
        headers, body = {"Idempotency-Key": "manners", "If-Match": "*"}, None
        if media := next(iter(one.said.get("requestBody", {}).get("content", ())), None):
            headers["Content-Type"], body = media, b"{}"
        path = f"{one.path(made)}?{one.needed}&Sample%20Child=1"
        answer = await made.ask(one.person, one.method, path, headers=headers, content=body)
        count += 1
        told = answer.json()
        named = ", ".join(one.parameters) or "none"
        expected = 400 if "/bars/" in one.template else 422  # a bad request, in the words of FHIR
        if answer.status_code != expected or f"Only: {named}." not in answer.text:
            wrong.append(f"{one.method} {one.template} by {one.person}: {told}")
        assert "Sample" not in answer.text

    assert count > 100
    assert not wrong, "\n".join(wrong)


async def test_a_method_that_an_address_has_not_is_told_all_that_it_has(made: Whole) -> None:
    every = list(operations())
    for path in {one.path(made) for one in every}:
        methods = {one.method for one in every if one.has(path)}
        expected = methods | ({"HEAD"} if "GET" in methods else set())
        for method in set(METHODS) - methods:
            answer = await made.ask("manager", method, path)
            allowed = answer.headers.get("Allow", "")
            assert answer.status_code == 405, (method, path)
            assert set(allowed.split(", ")) == expected, (method, path, allowed)
            assert code_of(answer) == "method_not_allowed"


async def test_a_body_of_a_foreign_kind_is_refused_and_the_right_kinds_are_named(
    made: Whole,
) -> None:
    count = 0
    for one in operations():
        taken = list(one.said.get("requestBody", {}).get("content", ()))
        if not taken:
            continue
        count += 1
        for kind in set(FOREIGN) - set(taken):
            headers = {"Content-Type": kind} if kind else {}
            headers |= {"Idempotency-Key": "foreign", "If-Match": "*"}
            answer = await made.ask(
                one.person, one.method, one.path(made), headers=headers, content=b"{}"
            )
            assert answer.status_code == 415, (one.method, one.template, kind, answer.text)
            assert code_of(answer) == "unsupported_media_type"
            assert sorted(answer.headers["Accept"].split(", ")) == sorted(taken)
            assert all(each in answer.text for each in taken)
        for kind in [*taken, f"{taken[0]}; charset=utf-8", taken[0].upper()]:
            answer = await made.ask(
                one.person,
                one.method,
                one.path(made),
                headers={"Content-Type": kind},
                content=b"[]",
            )
            assert answer.status_code != 415, (one.method, one.template, kind)
    assert count > 40


async def test_head_is_what_get_is_without_the_body(made: Whole) -> None:
    for one in [each for each in operations() if each.method == "GET"]:
        if one.template == STREAM:
            continue
        path = f"{one.path(made)}?{one.needed}"
        refused = await made.ask("stranger", "HEAD", path)
        assert refused.status_code == (await made.ask("stranger", "GET", path)).status_code
        assert refused.content == b""
        got = await made.ask(one.person, "GET", path)
        head = await made.ask(one.person, "HEAD", path)
        assert head.status_code == got.status_code, one.template
        assert head.content == b""
        assert head.headers.get("content-type") == got.headers.get("content-type"), one.template
        assert bool(head.headers.get("etag")) == bool(got.headers.get("etag")), one.template
    stream = await made.ask("school", "HEAD", STREAM)
    assert (stream.status_code, stream.content) == (200, b"")
    assert stream.headers["content-type"].startswith("text/event-stream")


async def test_who_has_the_answer_already_is_told_that_it_is_still_so(made: Whole) -> None:
    same: list[str] = []
    others: list[str] = []
    moving: list[str] = []
    for one in [each for each in operations() if each.method == "GET"]:
        path = f"{one.path(made)}?{one.needed}"
        if one.template == STREAM or (got := await made.ask(one.person, "GET", path)).is_error:
            others.append(one.template)
        elif "etag" in got.headers:
            told = same if await still_so(made, one.person, path) else moving
            told.append(one.template)
    print(f"{len(same)} conditional; moving: {moving}; others: {others}")

    assert len(same) > 35
    assert set(moving) <= MOMENTS


async def still_so(made: Whole, person: str, path: str) -> bool:
    """Whether it is told with 304; where it is not, what is shown has changed meanwhile."""
    for known in (None, '"x", W/{}', "*"):
        for _ in range(5):
            got = await made.ask(person, "GET", path)
            tag = got.headers["etag"]
            assert re.fullmatch(r'"(v[^".]+\.)?[0-9a-f]{20}"', tag), (path, tag)
            asked = {"If-None-Match": known.format(tag) if known else tag}
            again = await made.ask(person, "GET", path, headers=asked)
            if again.status_code == 304:
                break
            assert (again.status_code, again.content != got.content) == (200, True), path
        else:
            return False
        assert again.content == b""
        assert "content-type" not in again.headers
        assert again.headers["etag"] == tag or known == "*"
    fresh = await made.ask(person, "GET", path, headers={"If-None-Match": '"x"'})
    assert fresh.status_code == 200, path
    return True


async def test_what_is_shown_anew_has_another_tag_and_304_is_a_look(made: Whole) -> None:
    path = f"/v1/referrals/{made.ids['referral_id']}"
    looks = made.app.state.referral.access_records.collection
    before = await looks.count_documents({})
    first = await made.ask("school", "GET", path)
    known = {"If-None-Match": first.headers["etag"]}
    assert (await made.ask("school", "GET", path, headers=known)).status_code == 304
    assert await looks.count_documents({}) == before + 2

    by_manager = await made.ask("manager", "GET", path, headers=known)
    amended = await made.ask(
        "school",
        "POST",
        f"{path}/amendments",
        json={"narrative": "Synthetic: more."},
        headers={"If-Match": first.headers["etag"]},
    )
    after = await made.ask("school", "GET", path, headers=known)

    assert by_manager.status_code == 200
    assert by_manager.headers["etag"] != first.headers["etag"]
    assert amended.status_code == 200, amended.text
    assert after.status_code == 200
    stale = await made.ask(
        "school",
        "POST",
        f"{path}/amendments",
        json={"narrative": "x"},
        headers={"If-Match": known["If-None-Match"]},
    )
    assert stale.status_code == 412


async def test_who_may_not_is_refused_whatever_they_say_they_know(made: Whole) -> None:
    path = f"/v1/referrals/{made.ids['referral_id']}"
    for known in ("*", '"x"'):
        answer = await made.ask("stranger", "GET", path, headers={"If-None-Match": known})
        assert answer.status_code == 404
