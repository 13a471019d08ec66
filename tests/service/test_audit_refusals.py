"""Every question to the trail is one entry, whatever refused it, and whatever the caller typed in."""

import json
import secrets
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from allinone.embedded import ISSUER
from services.audit.recordable import CHOSEN, RESOURCES
from shared.web.accounts import Accounts
from tests.golden.openapi import path_of
from tests.harness.broker import Broker
from tests.harness.cases import at_once
from tests.harness.mongo import Mongo
from tests.harness.network import Network, running
from tests.harness.waiting import until

PLACES = {"seq": "0", "first": "0", "event_id": "evt_1", "name": "out_of_hours"}
WORDS = "Anna%20Smith%20of%20Elm%20Road"
SPOKEN = "Anna Smith of Elm Road"
SUBJECT, REFERRAL = f"sub_{'1a' * 16}", f"ref_{'2b' * 16}"
FILTERS = (
    *("referral_id", "subject_id", "agency", "recipient", "worker", "actor", "type"),
    *("ground", "outcome", "asked"),
)


def questions() -> list[tuple[str, str]]:
    """Method and path of every route that asks the trail something, from its API description."""
    paths = json.loads(path_of("audit").read_text())["paths"]
    return [
        (method.upper(), path)
        for path, methods in sorted(paths.items())
        for method, operation in methods.items()
        if operation["operationId"] in RESOURCES
    ]


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    async with running(broker, mongo, tmp_path_factory.mktemp("audit"), ["audit"]) as one:
        await one.sealed(1)
        yield one


class Person:
    """Somebody whose questions can be told from all others."""

    def __init__(self, network: Network, role: str) -> None:
        self.network, self.name = network, f"{role}_{secrets.token_hex(6)}"
        claims = {f"{role}_id": self.name} if role in ("worker", "agency") else {}
        token = network.issue(sub=self.name, role=role, **claims)
        self._headers = {"Authorization": f"Bearer {token}"}
        account = Accounts(network.keys.secret("auth_account", 32), ISSUER).of(self.name)
        self.actor = f"{role}:{self.name if claims else account}"

    async def ask(self, method: str, path: str, body: Any = None) -> httpx2.Response:
        url = self.network.modules["audit"].url + path
        options: dict[str, Any] = {} if method == "GET" else {"json": body or {}}
        return await self.network.http.request(method, url, headers=self._headers, **options)

    async def recorded(self, count: int = 1) -> list[dict[str, Any]]:
        """The entries of this person's questions, once they are there: `count` and no more."""
        entries = self.network.mongo_of("audit")["entries"]
        where = {"fields.keys": f"actor:{self.actor}"}

        async def enough() -> list[dict[str, Any]] | None:
            found = [json.loads(d["leaf"])["event"] async for d in entries.find(where)]
            return found if len(found) >= count else None

        events = await until(enough, deadline=20, what=f"{count} entries of {self.actor}")
        assert len(events or []) == count
        assert {e["type"] for e in events or []} == {"trail.queried"}
        return [e["data"] for e in events or []]


def at(path: str, **values: str) -> str:
    """A path with its parameters filled in."""
    for name in ("subject_id", "agency_id", "export_id", *PLACES):
        path = path.replace(f"{{{name}}}", values.get(name, PLACES.get(name, "x_1")))
    return path


async def test_a_question_of_somebody_who_may_not_ask_is_one_refused_entry(
    network: Network,
) -> None:
    async def check(method: str, path: str) -> None:
        person = Person(network, "worker")

        answer = await person.ask(method, at(path))

        assert answer.status_code == 403, answer.text
        (asked,) = await person.recorded()
        assert (asked["outcome"], asked["count"]) == ("refused", 0)

    await at_once(check, questions())


async def test_a_question_with_a_purpose_of_ones_own_is_one_refused_entry(network: Network) -> None:
    async def check(method: str, path: str, purpose: str) -> None:
        person = Person(network, "auditor")

        answer = await person.ask(method, f"{at(path)}?purpose={purpose}")

        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"] == "/query/purpose"
        (asked,) = await person.recorded()
        assert (asked["outcome"], asked["purpose"]) == ("refused", "unknown")

    purposes = ("Because%20I%20can", "jane_doe")
    await at_once(check, [(*one, purpose) for one in questions() for purpose in purposes])


TYPED: list[tuple[str, int, dict[str, str]]] = [
    (f"/v1/trail?referral_id={WORDS}", 422, {"referral_id": "malformed"}),
    (f"/v1/trail?referral_id={'x' * 101}", 422, {"referral_id": "too_long"}),
    (f"/v1/trail?subject_id={'x' * 7000}", 422, {"subject_id": "too_long"}),
    (f"/v1/trail?subject_id={SUBJECT}", 200, {"subject_id": SUBJECT}),
    (f"/v1/trail?subject_id={SUBJECT.upper()}", 200, {"subject_id": "unknown"}),
    ("/v1/trail?from=yesterday", 422, {"from": "malformed"}),
    (f"/v1/trail?limit=0&referral_id={REFERRAL}", 422, {"referral_id": REFERRAL}),
    ("/v1/trail?limit=0&agency=jane-doe", 422, {"agency": "unknown"}),
    ("/v1/trail?cursor=5&agency=jane-doe", 400, {"agency": "unknown"}),
    (f"/v1/trail?jane=doe&{WORDS}=1", 422, {"parameter": "unknown"}),
    ("/v1/trail?referral=ref_1", 422, {"parameter": "unknown"}),
    ("/v1/trail?from=2026-03-02&to=2026-03-03", 200, {"from": "2026-03-02", "to": "2026-03-03"}),
    ("/v1/trail?type=trail.queried&outcome=shared&ground=consent", 200,
     {"type": "trail.queried", "outcome": "shared", "ground": "consent"}),
    (f"/v1/trail/{WORDS}", 422, {"entry": "malformed"}),
    ("/v1/trail/0", 200, {"entry": "0"}),
    ("/v1/trail/9434765919", 404, {"entry": "unknown"}),
    ("/v1/trail/-7", 422, {"entry": "malformed"}),
    ("/v1/trail/%D9%A1", 422, {"entry": "malformed"}),
    (f"/v1/trail/events/{WORDS}", 404, {"event": "unknown"}),
    ("/v1/trail/events/jane", 404, {"event": "unknown"}),
    (f"/v1/trail/events/evt_{'0' * 32}", 404, {"event": f"evt_{'0' * 32}"}),
    (f"/v1/trail/events/{'x' * 60000}", 404, {"event": "unknown"}),
    (f"/v1/subjects/{WORDS}/disclosures", 200, {"subject_id": "unknown"}),
    (f"/v1/subjects/{'x' * 60000}/disclosures", 200, {"subject_id": "unknown"}),
    (f"/v1/trail/agencies/{'é' * 5000}/disclosures", 200, {"agency": "unknown"}),
    ("/v1/trail/agencies/jane-doe/disclosures", 200, {"agency": "unknown"}),
    (f"/v1/exports/{'x' * 60000}", 404, {"export": "unknown"}),
    ("/v1/trail/gaps?first=-1", 422, {"first": "malformed"}),
    ("/v1/trail/gaps?first=9434765919", 200, {"first": "unknown"}),
    (f"/v1/trail/reports/{WORDS}", 404, {"report": "unknown"}),
    ("/v1/trail/reports/jane", 404, {"report": "unknown"}),
    ("/v1/trail?to=2026-03-02T09:30:00%2B01:00&type=x", 422,
     {"to": "2026-03-02T08:30:00.000Z", "type": "unknown"}),
    *((f"/v1/trail?{name}=jane-doe", 422 if name in CHOSEN else 200, {name: "unknown"})
      for name in FILTERS),
]  # fmt: skip


async def test_whatever_was_typed_in_the_entry_is_stored_and_holds_none_of_it(
    network: Network,
) -> None:
    async def check(path: str, status: int, recorded: dict[str, str]) -> None:
        person = Person(network, "auditor")

        answer = await person.ask("GET", path)

        assert answer.status_code == status, answer.text[:300]
        (asked,) = await person.recorded()
        assert asked["filter"] == recorded
        assert asked["outcome"] == ("answered" if status in (200, 404) else "refused")
        assert SPOKEN not in json.dumps(asked)

    await at_once(check, TYPED)


@pytest.mark.parametrize(
    ("body", "status", "recorded"),
    [
        ({"referral_id": REFERRAL, "previous": 2**40}, 409, {"referral_id": REFERRAL}),
        ({"referral_id": SPOKEN}, 422, {}),
        ({SPOKEN: "x"}, 422, {}),
        ([REFERRAL], 422, {}),
    ],
)
async def test_an_export_refused_by_a_rule_or_for_its_form_is_one_refused_entry(
    network: Network, body: Any, status: int, recorded: dict[str, str]
) -> None:
    person = Person(network, "auditor")

    answer = await person.ask("POST", "/v1/exports", body)

    assert answer.status_code == status, answer.text
    (asked,) = await person.recorded()
    assert (asked["resource"], asked["outcome"], asked["filter"]) == ("export", "refused", recorded)


@pytest.mark.parametrize("name", [*CHOSEN, "agency", "recipient", "worker", "referral_id"])
async def test_an_export_of_what_the_trail_does_not_hold_is_not_there_and_keeps_no_word_of_it(
    network: Network, name: str
) -> None:
    person = Person(network, "auditor")

    answer = await person.ask("POST", "/v1/exports", {name: "jane-doe"})

    assert answer.status_code == (422 if name in CHOSEN else 404), answer.text
    (asked,) = await person.recorded()
    assert asked["filter"] == {name: "unknown"}
    assert await network.mongo_of("audit")["exports"].count_documents({}) == 0


async def test_an_agency_that_the_trail_holds_is_recorded_by_its_id(network: Network) -> None:
    first, second = Person(network, "agency"), Person(network, "auditor")
    await first.ask("GET", "/v1/trail?limit=0")
    await first.recorded()

    await second.ask("GET", f"/v1/trail?agency={first.name}&worker={first.name}")

    (asked,) = await second.recorded()
    assert asked["filter"] == {"agency": first.name, "worker": "unknown"}


async def test_what_somebody_else_wanted_to_take_away_is_told_with_the_refusal(
    network: Network,
) -> None:
    person = Person(network, "operator")

    answer = await person.ask("POST", "/v1/exports", {"subject_id": SUBJECT})

    assert answer.status_code == 403
    (asked,) = await person.recorded()
    assert asked["filter"] == {"subject_id": SUBJECT}


async def test_without_a_valid_token_nobody_has_asked(network: Network) -> None:
    before = await network.mongo_of("audit")["queries"].count_documents({})
    answer = await network.http.get(network.modules["audit"].url + "/v1/trail?limit=0")

    assert answer.status_code == 401
    assert await network.mongo_of("audit")["queries"].count_documents({}) == before
