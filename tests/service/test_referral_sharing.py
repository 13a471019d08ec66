"""Reading a referral: each caller sees exactly what is permitted now, and every look is recorded."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from pymongo import AsyncMongoClient

from allinone import sample
from shared.clock import now
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import PEOPLE, Network, a_referral, running
from tests.harness.waiting import until

ROUNDS = 50
CONSENT = {
    "status": "given",
    "categories": ["existence", "concerns"],
    "given_by": "young_person",
    "gillick_competent": True,
}
WITHDRAWN = {**CONSENT, "status": "withdrawn", "gillick_competent": None}


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    services = ["referral", "allocation", "audit"]
    async with running(broker, mongo, tmp_path_factory.mktemp("sharing"), services) as started:
        await started.load_sample()
        yield started


async def allocated(network: Network, key: str, **changes: Any) -> str:
    """A referral, about a young person of its own, that wk_hub_one works on."""
    subject = {"name": f"Sample Child {key}", "date_of_birth": "2012-05-17"}
    posted = await network.refer(key, **{"subject": subject, **changes})
    assert posted.status_code == 201, posted.text
    referral_id = str(posted.json()["id"])

    async def is_allocated() -> bool:
        answer = await network.ask("school", "GET", f"/v1/referrals/{referral_id}")
        return bool(answer.json()["status"] == "allocated")

    await until(is_allocated, deadline=20, what="the allocation")
    return referral_id


def ago(hours: float) -> str:
    return (now() - timedelta(hours=hours)).isoformat()


async def read(network: Network, person: str, referral_id: str) -> httpx2.Response:
    return await network.ask(person, "GET", f"/v1/referrals/{referral_id}")


async def say(network: Network, person: str, referral_id: str, key: str, entry: Any) -> None:
    path = f"/v1/referrals/{referral_id}/consents"
    headers = {"Idempotency-Key": key}
    answer = await network.ask(person, "POST", path, json=entry, headers=headers)
    assert answer.status_code == 201, answer.text


async def events(network: Network, referral_id: str, *types: str) -> list[dict[str, Any]]:
    return [e for e in await network.trail(referral_id) if e["type"] in types]


async def test_a_partner_sees_what_is_permitted_now_and_why_not_the_rest(network: Network) -> None:
    referral_id = await allocated(network, "partner")

    before = await read(network, "police", referral_id)
    await say(network, "school", referral_id, "yes", CONSENT)
    during = await read(network, "police", referral_id)
    await say(network, "worker", referral_id, "no", WITHDRAWN)
    after = await read(network, "police", referral_id)
    late = []
    for said in (None, ago(48)):  # an outage, a batch: what was said before comes after
        await say(network, "school", referral_id, f"late {said}", {**CONSENT, "said_at": said})
        late.append((await read(network, "police", referral_id)).status_code)

    assert (before.status_code, during.status_code, after.status_code) == (404, 200, 404)
    assert late == [404, 404]
    seen = during.json()
    assert set(seen["categories"]) == {"existence", "concerns"}
    assert seen["viewed_as"] == "agency"
    reasons = {w["category"]: w["reason"] for w in seen["withheld"]}
    assert reasons["identity"] == "no_ground"
    assert "Sample Child" not in during.text
    assert seen["subject_id"] is None


async def test_the_consent_of_one_boy_opens_nothing_of_another_who_is_named_alike(
    network: Network,
) -> None:
    alike = {"name": "Alike Sampleton", "date_of_birth": "2012-05-17"}
    numbers = ("9434765919", "9434765870")
    one, other = [
        await allocated(network, f"alike-{n}", subject={**alike, "nhs_number": number})
        for n, number in enumerate(numbers)
    ]

    await say(network, "school", one, "alike", CONSENT)

    assert (await read(network, "police", one)).status_code == 200
    assert (await read(network, "police", other)).status_code == 404


async def test_a_refused_agency_opens_nothing_to_itself_until_the_hub_has_confirmed_it(
    network: Network,
) -> None:
    referral_id = await allocated(network, "gain")
    no = {**CONSENT, "status": "refused", "said_at": ago(2)}
    await say(network, "worker", referral_id, "no", no)
    subject = {"name": "Sample Child gain", "date_of_birth": "2012-05-17"}
    yes = {**CONSENT, "agency_ids": [sample.POLICE], "said_at": ago(1)}
    document = a_referral(agency_reference="own", subject=subject, consents=[yes])
    posted = await network.ask(
        "police", "POST", "/v1/referrals", json=document, headers={"Idempotency-Key": "own"}
    )
    path = f"/v1/referrals/{referral_id}"

    claimed = await read(network, "police", referral_id)
    decision = await network.ask(
        "worker", "GET", f"{path}/sharing/decision?agency_id={sample.POLICE}"
    )
    sharing = (await network.ask("worker", "GET", f"{path}/sharing")).json()["sharing"]
    (claim,) = [c for c in sharing["consents"] if c["status"] == "given"]
    at = f"{path}/consents/{claim['id']}/confirmation"
    confirmed = {"confirmed": True, "reason": "asked_young_person"}
    by_school = await network.ask("school", "POST", at, json=confirmed)
    by_police = await network.ask("police", "POST", at, json=confirmed)
    unfit = await network.ask("worker", "POST", at, json={**confirmed, "reason": "not_said"})
    by_worker = await network.ask("worker", "POST", at, json=confirmed)
    after = await read(network, "police", referral_id)

    assert posted.status_code == 201, posted.text
    assert claimed.status_code == 404
    reasons = {v["category"]: v["reason"] for v in decision.json()["verdicts"]}
    assert reasons["concerns"] == "consent_unconfirmed"
    assert claim["recorded_by"] == f"agency:{sample.POLICE}"
    assert (by_school.status_code, by_police.status_code) == (404, 404)
    assert (unfit.status_code, by_worker.status_code) == (422, 200), by_worker.text
    assert set(after.json()["categories"]) == {"existence", "concerns"}


async def test_a_consent_to_who_is_not_there_is_refused_by_name_and_a_referral_is_warned(
    network: Network,
) -> None:
    yes = {**CONSENT, "agency_ids": ["ag_typo", sample.POLICE], "agency_kinds": ["polise"]}
    referral_id = await allocated(network, "typo", consents=[yes])
    again = await network.refer(
        "typo", subject={"name": "Sample Child typo", "date_of_birth": "2012-05-17"}, consents=[yes]
    )
    path = f"/v1/referrals/{referral_id}"

    said = await network.ask(
        "school", "POST", f"{path}/consents", json=yes, headers={"Idempotency-Key": "typo"}
    )
    sharing = (await network.ask("worker", "GET", f"{path}/sharing")).json()["sharing"]

    assert again.json()["unknown_recipients"] == ["ag_typo", "polise"]
    assert said.status_code == 422
    assert "ag_typo" in said.text
    assert "polise" in said.text
    (kept,) = sharing["consents"]
    assert (kept["agency_ids"], kept["agency_kinds"]) == ([sample.POLICE], [])


async def test_every_look_and_every_refusal_is_in_the_trail(network: Network) -> None:
    referral_id = await allocated(network, "looks")
    await say(network, "school", referral_id, "yes", CONSENT)
    await read(network, "police", referral_id)
    await read(network, "stranger", referral_id)

    async def both() -> bool:
        refusals = await events(network, referral_id, "record.refused")
        views = await events(network, referral_id, "record.viewed")
        partners = [v for v in views if v["data"]["viewer_kind"] == "agency"]
        return bool(refusals and partners)

    await until(both, deadline=15, what="the looks in the trail")
    (refusal,) = await events(network, referral_id, "record.refused")
    views = await events(network, referral_id, "record.viewed")
    (view,) = [v["data"] for v in views if v["data"]["viewer_kind"] == "agency"]
    assert refusal["data"]["viewer_id"] == "ag_elsewhere"
    permitted = {v["category"] for v in view["verdicts"] if v["permitted"]}
    assert permitted == {"existence", "concerns"}
    grounds = {v["ground"] for v in view["verdicts"] if v["permitted"]}
    assert grounds == {"consent"}
    assert {v["agreement_id"] for v in view["verdicts"] if v["permitted"]} == {"isa_northtown"}


async def test_the_worker_sees_all_the_work_needs(network: Network) -> None:
    referral_id = await allocated(network, "worker-reads")

    seen = (await read(network, "worker", referral_id)).json()

    assert seen["viewed_as"] == "worker"
    assert seen["categories"]["identity"]["identity"]["name"] == "Sample Child worker-reads"
    (piece,) = seen["categories"]["narrative"]["narrative"]
    assert (piece["by"], piece["text"]) == (f"agency:{sample.SCHOOL}", "Synthetic text.")
    assert seen["categories"]["submission"]["referrer"]["name"] == "Sample Referrer"
    assert seen["advice"] is not None  # nobody recorded a discussion


async def test_a_basis_shares_without_consent_until_it_is_ended(network: Network) -> None:
    referral_id = await allocated(network, "basis")
    path = f"/v1/referrals/{referral_id}/bases"
    entry = {
        "basis": "public_task",
        "condition": "safeguarding",
        "agency_ids": [sample.POLICE],
        "categories": ["existence", "risk"],
        "reason": "Synthetic reason.",
        "necessity": "Synthetic necessity.",
        "review_at": "2027-01-01T00:00:00Z",
        "subject_told": False,
    }
    headers = {"Idempotency-Key": "basis"}

    by_school = await network.ask("school", "POST", path, json=entry, headers=headers)
    made = await network.ask("worker", "POST", path, json=entry, headers=headers)
    repeated = await network.ask("worker", "POST", path, json=entry, headers=headers)
    seen = await read(network, "police", referral_id)
    preview = await network.ask(
        "manager",
        "GET",
        f"/v1/referrals/{referral_id}/sharing/decision?agency_id={sample.POLICE}",
    )
    basis_id = made.json()["bases"][0]["id"]
    recorded = await network.ask("worker", "GET", f"/v1/referrals/{referral_id}/sharing")
    await network.ask("worker", "POST", f"{path}/{basis_id}/end")
    after = await read(network, "police", referral_id)

    assert by_school.status_code == 404
    assert "Synthetic necessity." in recorded.json()["reasons"].values()
    assert len(repeated.json()["bases"]) == 1
    assert set(seen.json()["categories"]) == {"existence", "risk"}
    permitted = {v["category"] for v in preview.json()["verdicts"] if v["permitted"]}
    assert permitted == {"existence", "risk"}
    assert after.status_code == 404


async def test_an_unsafe_agency_sees_nothing_even_as_the_referrer(network: Network) -> None:
    referral_id = await allocated(network, "unsafe")
    await say(network, "school", referral_id, "yes", CONSENT)
    base = f"/v1/referrals/{referral_id}/unsafe-agencies"
    for agency in (sample.SCHOOL, sample.POLICE):
        await network.ask(
            "manager",
            "PUT",
            f"{base}/{agency}",
            json={"unsafe": True, "relation": "close_associate"},
        )

    school = await read(network, "school", referral_id)
    police = await read(network, "police", referral_id)
    says = await network.ask(
        "school",
        "POST",
        f"/v1/referrals/{referral_id}/consents",
        json=CONSENT,
        headers={"Idempotency-Key": "again"},
    )

    assert (school.status_code, police.status_code, says.status_code) == (404, 404, 404)
    listed = await network.ask("school", "GET", "/v1/referrals?limit=100")
    assert referral_id not in {r["id"] for r in listed.json()["referrals"]}


async def test_a_repeated_request_is_answered_as_the_first_was_whatever_has_come_since(
    network: Network,
) -> None:
    subject = {"name": "Sample Child repeat", "date_of_birth": "2012-05-17"}
    first = await network.refer("repeat", subject=subject)
    referral_id = await allocated(network, "repeat")
    await network.ask(
        "manager",
        "PUT",
        f"/v1/referrals/{referral_id}/unsafe-agencies/{sample.SCHOOL}",
        json={"unsafe": True, "relation": "close_associate"},
    )

    again = await network.refer("repeat", subject=subject)

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["status"] == "received"
    assert again.json() == first.json()
    assert again.headers["etag"] == first.headers["etag"]


async def test_no_read_after_the_withdrawal_was_answered_shows_the_category(
    network: Network,
) -> None:
    referral_id = await allocated(network, "race")
    shown_in_time = 0

    for number in range(ROUNDS):
        await say(network, "worker", referral_id, f"yes-{number}", CONSENT)
        early = asyncio.create_task(read(network, "police", referral_id))
        await asyncio.gather(
            say(network, "school", referral_id, f"no-{number}", WITHDRAWN),
            read(network, "police", referral_id),
        )
        late = await read(network, "police", referral_id)  # starts after the answer
        assert late.status_code == 404, f"round {number} showed it after the withdrawal"
        shown_in_time += (await early).status_code == 200

    print(f"{shown_in_time} of {ROUNDS} early reads were shown")
    assert shown_in_time  # else nothing was withdrawn from anyone


async def test_a_look_that_cannot_be_recorded_is_not_given(network: Network) -> None:
    referral_id = await allocated(network, "unrecorded")
    async with AsyncMongoClient[dict[str, Any]](network.mongo.url) as client:
        looks = client[network.database("referral")]["looks"]
        # From now on a second look at any one referral can't be stored.
        stored = await looks.find_one({"referral_id": referral_id})
        assert stored is not None
        await looks.delete_many({})
        await looks.insert_one(stored)
        await looks.create_index([("referral_id", 1)], unique=True, name="sabotage")
        try:
            worker = await read(network, "worker", referral_id)
            stranger = await read(network, "stranger", referral_id)
        finally:
            await looks.drop_index("sabotage")

    assert (worker.status_code, stranger.status_code) == (503, 503)
    assert "Sample Child" not in worker.text


UNMARK = {"unsafe": False, "relation": "household_member"}
REFERRER, WORKER, MANAGER = "school", "worker", "manager"
ROUTES: list[tuple[str, str, Any, set[str]]] = [
    ("GET", "", None, {REFERRER, WORKER, MANAGER}),
    ("GET", "/history", None, {REFERRER, WORKER, MANAGER}),
    ("GET", "/sharing", None, {WORKER, MANAGER}),
    ("GET", f"/sharing/decision?agency_id={sample.POLICE}", None, {WORKER, MANAGER}),
    ("GET", "/possible-matches", None, {MANAGER}),
    ("POST", "/consents", CONSENT, {REFERRER, WORKER, MANAGER}),
    ("PUT", f"/unsafe-agencies/{sample.HEALTH}", UNMARK, {WORKER, MANAGER}),
    ("PUT", "/unsafe-workers/wk_spoke_one", UNMARK, {WORKER, MANAGER}),
    ("PUT", "/service-agreement", {"agreed": "agreed"}, {REFERRER, WORKER, MANAGER}),
    ("POST", "/discussion", {"discussed": True}, {REFERRER, WORKER, MANAGER}),
    ("POST", "/amendments", {"narrative": "n"}, {REFERRER, WORKER, MANAGER}),
    ("POST", "/steps/screening", {}, {REFERRER, WORKER, MANAGER}),  # 409 for the referrer
    ("POST", "/steps/reopening", {"reason": "other"}, {REFERRER, WORKER, MANAGER}),
    ("POST", "/erasure", {"reason": "right_to_erasure"}, {MANAGER}),
]


@pytest.mark.parametrize(("method", "path", "body", "allowed"), ROUTES)
async def test_every_route_is_there_only_for_those_it_is_for(
    network: Network, method: str, path: str, body: Any, allowed: set[str]
) -> None:
    referral_id = await allocated(network, f"route-{method}-{path}")
    for person in PEOPLE:
        # "*" always matches, so a 404 is not hidden behind a stale tag.
        headers = {"Idempotency-Key": person, "If-Match": "*"}
        answer = await network.ask(
            person, method, f"/v1/referrals/{referral_id}{path}", json=body, headers=headers
        )
        if person in allowed:
            assert answer.status_code in (200, 201, 409), (person, answer.text)
        else:
            assert answer.status_code == 404, (person, answer.text)


async def test_a_basis_of_another_young_person_is_not_there(network: Network) -> None:
    mine, theirs = (
        await allocated(network, "nested-1"),
        await allocated(
            network, "nested-2", subject={"name": "Other Child", "date_of_birth": "2011-01-01"}
        ),
    )
    entry = {
        "basis": "public_task",
        "agency_ids": [sample.POLICE],
        "categories": ["existence"],
        "reason": "Synthetic.",
        "necessity": "Synthetic.",
        "review_at": "2027-01-01T00:00:00Z",
        "subject_told": True,
    }
    made = await network.ask(
        "worker",
        "POST",
        f"/v1/referrals/{theirs}/bases",
        json=entry,
        headers={"Idempotency-Key": "nested"},
    )
    basis_id = made.json()["bases"][0]["id"]

    crossed = await network.ask("worker", "POST", f"/v1/referrals/{mine}/bases/{basis_id}/end")
    straight = await network.ask("worker", "POST", f"/v1/referrals/{theirs}/bases/{basis_id}/end")

    assert (crossed.status_code, straight.status_code) == (404, 200)


async def _mark(network: Network, referral_id: str, path: str, **entry: Any) -> httpx2.Response:
    body = {"unsafe": True, "relation": "alleged_perpetrator", **entry}
    return await network.ask("manager", "PUT", f"/v1/referrals/{referral_id}/{path}", json=body)


async def test_a_mark_on_somebody_unknown_is_refused_and_changes_nothing(network: Network) -> None:
    referral_id = await allocated(network, "unknown-marks")
    answers = {
        "agency_unknown": await _mark(network, referral_id, "unsafe-agencies/ag_nobody"),
        "worker_unknown": await _mark(network, referral_id, "unsafe-workers/wk_nobody"),
        "account_unknown": await _mark(
            network, referral_id, "unsafe-accounts", sub="x|NOBODY@example.org"
        ),
    }

    assert {code: a.json()["code"] for code, a in answers.items()} == {c: c for c in answers}
    assert {a.status_code for a in answers.values()} == {409}
    known = await network.ask("manager", "GET", f"/v1/referrals/{referral_id}/sharing")
    assert known.json()["unsafe_persons"] == []
    assert known.json()["sharing"]["unsafe_agencies"] == []


@pytest.mark.parametrize("sub", ["auth0|MG-42@Example.org", "x" * 255, "~ a b !"])
async def test_an_account_is_marked_whatever_its_subject_looks_like(
    network: Network, sub: str
) -> None:
    referral_id = await allocated(network, f"odd-{sub[:2].strip('~ ') or 'tilde'}")
    token = network.issue(sub=sub, role="hub_manager", hub_id=sample.HUB)
    headers = {"Authorization": f"Bearer {token}"}
    path = f"/v1/referrals/{referral_id}"
    before = await network.ask("manager", "GET", path, headers=headers)

    marked = await _mark(network, referral_id, "unsafe-accounts", sub=sub)

    after = await network.ask("manager", "GET", path, headers=headers)
    listed = await network.ask("manager", "GET", "/v1/referrals?limit=100", headers=headers)
    other = await network.ask("manager", "GET", path)
    assert (before.status_code, marked.status_code, after.status_code) == (200, 200, 404)
    assert referral_id not in listed.text
    assert other.status_code == 200


async def test_who_records_a_consent_is_told_of_that_record_only(network: Network) -> None:
    referral_id = await allocated(network, "told-only")
    path = f"/v1/referrals/{referral_id}"
    mark = {"unsafe": True, "relation": "alleged_perpetrator"}
    marked = await network.ask(
        "worker", "PUT", f"{path}/unsafe-agencies/{sample.POLICE}", json=mark
    )
    said = {"status": "refused", "categories": ["existence"], "given_by": "young_person"}

    await say(network, "worker", referral_id, "first", said)
    answer = await network.ask(
        "school", "POST", f"{path}/consents", json=said, headers={"Idempotency-Key": "second"}
    )

    assert marked.status_code == 200, marked.text
    told = answer.json()
    assert answer.status_code == 201, answer.text
    assert set(told) == {
        *("id", "recorded_at", "status", "agency_ids", "agency_kinds"),
        *("categories", "given_by", "gillick_competent", "said_at", "valid_to", "warnings"),
    }
    assert told["status"] == "refused"
    assert sample.POLICE not in answer.text


ADDED = {
    "subject": {"name": "HUBS Sampleton", "address": "HUBS Row", "nhs_number": "9434765803"},
    "safe_contact": {"code_word": "HUBS word"},
    "settings_avoided": ["health"],
    "indicators": [{"code": "HUBS code", "recency": "older"}],
    "narrative": "HUBS text.",
    "own_words": "HUBS words.",
    "discussion": {"discussed": True, "wishes": "HUBS wishes."},
}


async def amended(network: Network, person: str, referral_id: str, body: Any) -> None:
    path, headers = f"/v1/referrals/{referral_id}/amendments", {"If-Match": "*"}
    answer = await network.ask(person, "POST", path, json=body, headers=headers)
    assert answer.status_code == 200, answer.text


async def test_a_referrer_sees_what_it_wrote_and_not_what_the_hub_added(network: Network) -> None:
    referral_id = await allocated(
        network, "added", subject={"name": "Own Sampleton", "address": "Own Row"}
    )
    await amended(network, "worker", referral_id, ADDED)
    await amended(network, "school", referral_id, {"subject": {"school": "Own School"}})

    mine, whole = [await read(network, p, referral_id) for p in ("school", "worker")]
    history = await network.ask("school", "GET", f"/v1/referrals/{referral_id}/history")

    for seen in (mine, history):
        assert "HUBS" not in seen.text
        assert "9434765803" not in seen.text
    shown, all_of_it = mine.json()["categories"], whole.json()["categories"]
    assert shown["identity"]["identity"]["name"] == "Own Sampleton"
    assert shown["contact"]["address"] == {"address": "Own Row"}
    assert shown["contact"]["settings_avoided"] == ["police"]
    assert shown["education"]["education"] == {"school": "Own School"}
    assert all_of_it["identity"]["identity"]["name"] == "HUBS Sampleton"
    assert all_of_it["education"]["education"] == {"school": "Own School"}
    written = whole.json()["written"]
    assert written["/identity/identity/name"]["by"] == "worker:wk_hub_one"
    assert written["/education/education/school"]["by"] == f"agency:{sample.SCHOOL}"
    assert [p["by"] for p in all_of_it["narrative"]["narrative"]] == [
        f"agency:{sample.SCHOOL}",
        "worker:wk_hub_one",
    ]


async def test_a_referrer_is_shown_of_the_hubs_writing_what_a_ground_permits(
    network: Network,
) -> None:
    referral_id = await allocated(network, "granted")
    await amended(network, "worker", referral_id, ADDED)
    before = await read(network, "school", referral_id)
    await say(network, "worker", referral_id, "granted", CONSENT)

    seen = await read(network, "school", referral_id)

    assert "HUBS" not in before.text
    pieces = seen.json()["categories"]["concerns"]["raw_indicators"]
    assert [(p["by"], p["text"]) for p in pieces[1:]] == [("worker", "HUBS code")]
    assert seen.text.count("HUBS") == 1
    await network.quiet()
    (*_, look) = await events(network, referral_id, "record.viewed")
    assert [v["category"] for v in look["data"]["verdicts"]] == ["existence", "concerns"]


async def test_earlier_values_are_read_by_the_hub_and_each_read_is_recorded(
    network: Network,
) -> None:
    referral_id = await allocated(network, "history")
    await amended(network, "worker", referral_id, {"subject": {"address": "First Row"}})
    await amended(network, "school", referral_id, {"subject": {"address": None}})
    path = f"/v1/referrals/{referral_id}/history"

    answers = {p: await network.ask(p, "GET", path) for p in ("worker", "manager", "school")}
    partner = await network.ask("police", "GET", path)

    entries = {p: a.json()["entries"] for p, a in answers.items()}
    assert entries["worker"] == entries["manager"]
    assert [e["by"].partition(":")[0] for e in entries["worker"]] == ["agency", "worker", "agency"]
    assert [e["amended"] for e in entries["worker"]] == [[], ["subject"], ["subject"]]
    addresses = [e["categories"].get("contact", {}).get("address") for e in entries["worker"][1:]]
    assert addresses == [{"address": "First Row"}, {"address": None}]
    assert entries["school"] == [entries["worker"][0], entries["worker"][2]]
    assert partner.status_code == 404
    await network.quiet()
    found = await events(network, referral_id, "record.viewed", "record.refused")
    looks = [e["data"] for e in found if e["data"].get("earlier") or "action" in e["data"]]
    assert [look.get("viewer_kind") for look in looks] == [
        *("worker", "hub_manager", "referrer", "agency")
    ]
    assert looks[-1]["action"] == "view_history"


@pytest.mark.parametrize("confirmed", [True, False])
async def test_parents_who_are_not_told_read_nothing_and_every_view_says_so(
    network: Network, monkeypatch: pytest.MonkeyPatch, confirmed: bool
) -> None:
    """Nor those who say of themselves that they are a school."""
    name = "notold" if confirmed else "notold-unconfirmed"
    agency_id = f"ag_{name}"
    parents = {"sub": agency_id, "role": "agency", "agency_id": agency_id}
    monkeypatch.setitem(PEOPLE, "parents", parents)
    entry: dict[str, Any] = {
        "name": "Sample Parents",
        "kind": "1a" if confirmed else "2a",
        "areas": [],
    }
    who = "operator" if confirmed else "parents"
    made = await network.ask(who, "PUT", f"/v1/agencies/{agency_id}", json=entry)
    subject = {"name": f"Sample Child {name}", "date_of_birth": "2012-05-17"}
    document = a_referral(agency_reference=f"of {name}", subject=subject)
    sent = await network.ask(
        "parents", "POST", "/v1/referrals", json=document, headers={"Idempotency-Key": name}
    )
    theirs = str(sent.json()["id"])
    before = await read(network, "parents", theirs)

    of_school = await allocated(network, name, tell_parents="no")
    path = f"/v1/referrals/{of_school}"
    shown = await read(network, "parents", theirs)
    listed = await network.ask("parents", "GET", "/v1/referrals")
    seen = {who: (await read(network, who, of_school)).json() for who in ("school", "worker")}
    yes = {"tell_parents": "yes", "said_at": ago(-0.01)}
    undo = await network.ask("parents", "PUT", f"/v1/referrals/{theirs}/tell-parents", json=yes)
    unsure = await network.ask(
        "school", "PUT", f"{path}/tell-parents", json={"tell_parents": "yes"}
    )
    decided = {"tell_parents": "yes", "reason": "court_order"}
    by_school = await network.ask("school", "PUT", f"{path}/tell-parents", json=decided)
    by_worker = await network.ask("worker", "PUT", f"{path}/tell-parents", json=decided)
    after = await read(network, "parents", theirs)

    assert made.status_code in (200, 201), made.text
    assert sent.status_code == 201, sent.text
    assert (before.status_code, shown.status_code, undo.status_code) == (200, 404, 404)
    assert listed.json()["referrals"] == []
    assert {one: told["instructions"] for one, told in seen.items()} == {
        "school": ["do_not_tell_parents"],
        "worker": ["do_not_tell_parents"],
    }
    assert unsure.json() == {
        "instructions": ["do_not_tell_parents"],
        "warnings": ["said_at_unknown"],
    }
    assert (by_school.status_code, by_school.json()["code"]) == (409, "hub_decides")
    assert by_worker.json()["instructions"] == []
    assert after.status_code == 200


async def test_a_no_to_who_is_not_there_yet_is_no_word_in_the_trail_and_holds_once_they_are(
    network: Network,
) -> None:
    """Everyone may know but two agencies that nobody registered; one of them comes later."""
    yes = {**CONSENT, "said_at": ago(2)}
    noes = ["ag_elsewhere", "ag_jane_doe"]
    no = {**CONSENT, "status": "refused", "agency_ids": noes, "said_at": ago(1)}
    referral_id = await allocated(network, "not-yet", consents=[yes, no])
    path, agreement = "/v1/agencies/ag_elsewhere", "/v1/agreements/isa_elsewhere"
    entry = {"name": "Elsewhere (synthetic)", "kind": "6"}
    (terms,) = [said for at, said in sample.ENTRIES if at.startswith("/v1/agreements")]
    terms = {**terms, "parties": ["ag_elsewhere", sample.HUB]}
    for at, whole in ((path, entry), (agreement, terms)):
        (await network.ask("operator", "PUT", at, json=whole)).raise_for_status()
    for party in ("stranger", "manager"):
        at = f"{agreement}/signatures"
        (await network.ask(party, "POST", at, json={"version": 1})).raise_for_status()
    path = f"/v1/referrals/{referral_id}"
    confirmed = {"confirmed": True, "reason": "asked_young_person"}
    sharing = (await network.ask("worker", "GET", f"{path}/sharing")).json()["sharing"]
    (given,) = [c["id"] for c in sharing["consents"] if c["status"] == "given"]
    at = f"{path}/consents/{given}/confirmation"
    (await network.ask("worker", "POST", at, json=confirmed)).raise_for_status()

    decision = await network.ask("worker", "GET", f"{path}/sharing/decision?agency_id=ag_elsewhere")

    await network.quiet()
    said = await network.ask("auditor", "GET", "/v1/trail?type=consent.recorded&limit=500")
    assert "agn_" in said.text
    assert not [name for name in noes if name in said.text]
    assert {v["reason"] for v in decision.json()["verdicts"]} >= {"consent_refused"}
    assert (await read(network, "stranger", referral_id)).status_code == 404
    assert (await read(network, "police", referral_id)).status_code == 200
