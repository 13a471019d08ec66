"""Many referrals at once; lists; steps with If-Match; duplicates, matches, erasure, keys."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from pymongo import AsyncMongoClient

from allinone import sample
from shared.ids import derived_id, keyed_id
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import PEPPER, Network, a_referral, running, sent_by
from tests.harness.tags import record_of
from tests.harness.waiting import until
from tests.harness.young_people import COMPARED

NDJSON = {"Content-Type": "application/x-ndjson"}


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    services = ["referral", "audit"]
    async with running(broker, mongo, tmp_path_factory.mktemp("batch"), services) as started:
        await started.load_referral_sample()
        yield started


async def send(network: Network, *lines: Any) -> list[dict[str, Any]]:
    body = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    answer = await network.ask(
        "school", "POST", "/v1/referrals/batch", content=body.encode(), headers=NDJSON
    )
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_one_bad_line_never_loses_the_others(network: Network) -> None:
    good = [a_referral(agency_reference=f"batch-{n}") for n in range(3)]
    bad = a_referral(agency_reference="batch-bad", urgency="MARKER", narrative=7)

    results = await send(network, good[0], "{not json", good[1], "", bad, good[2], good[0])

    assert [(r["line"], r["status"]) for r in results] == [
        (1, 201),
        (2, 400),
        (3, 201),
        (5, 422),
        (6, 201),
        (7, 201),
    ]
    assert results[0]["id"] == results[5]["id"]
    assert results[3]["errors"][0]["pointer"] == "/narrative"
    assert "MARKER" not in json.dumps(results)


async def test_sending_a_batch_again_doubles_nothing(network: Network) -> None:
    lines = [a_referral(agency_reference=f"again-{n}") for n in range(5)]

    first, second = await send(network, *lines), await send(network, *reversed(lines))
    changed = await send(network, {**lines[0], "urgency": "same_day"})

    assert {r["id"] for r in first} == {r["id"] for r in second}
    guessed = {derived_id("ref", sample.SCHOOL, f"batch/again-{n}") for n in range(5)}
    guessed |= {sent_by(sample.SCHOOL, f"batch/again-{n}") for n in range(5)}
    assert guessed.isdisjoint(r["id"] for r in first), "a reference can be tried out on its id"
    assert (changed[0]["status"], changed[0]["code"]) == (422, "idempotency_key_reused")


async def test_nobody_works_out_an_id_from_what_it_was_sent_with(network: Network) -> None:
    key = {"Idempotency-Key": "key-1"}
    posted = await network.ask("school", "POST", "/v1/referrals", json=a_referral(), headers=key)
    referral_id = posted.json()["id"]
    said: dict[str, Any] = {"status": "refused", "categories": ["existence"]}
    said |= {"given_by": "young_person", "gillick_competent": True}
    path = f"/v1/referrals/{referral_id}/consents"
    answer = await network.ask("school", "POST", path, json=said, headers=key)

    assert answer.status_code == 201, answer.text
    assert referral_id == sent_by(sample.SCHOOL, "key-1")
    assert referral_id != derived_id("ref", sample.SCHOOL, "key-1")
    actor = f"agency:{sample.SCHOOL}"
    assert answer.json()["id"] != derived_id("con", referral_id, actor, "key-1")
    assert answer.json()["id"] == keyed_id(PEPPER, "con", referral_id, actor, "key-1")


async def test_too_many_lines_are_refused_whole(network: Network) -> None:
    answer = await network.ask(
        "school", "POST", "/v1/referrals/batch", content=b"{}\n" * 1001, headers=NDJSON
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "too_many_lines")


async def test_the_list_pages_through_ones_own_and_no_others(network: Network) -> None:
    await send(network, *(a_referral(agency_reference=f"page-{n}") for n in range(7)))
    seen: list[str] = []
    cursor = ""
    while True:
        page = await network.ask("school", "GET", f"/v1/referrals?limit=4{cursor}")
        seen += [r["id"] for r in page.json()["referrals"]]
        if page.json()["next"] is None:
            break
        cursor = f"&cursor={page.json()['next']}"

    theirs = await network.ask("police", "GET", "/v1/referrals")
    none = await network.ask("school", "GET", "/v1/referrals?status=closed")
    forged = await network.ask("police", "GET", f"/v1/referrals?cursor={cursor[8:]}")
    broken = await network.ask("school", "GET", "/v1/referrals?cursor=x")

    assert len(seen) == len(set(seen)) >= 7
    assert theirs.json()["referrals"] == none.json()["referrals"] == []
    assert forged.json()["referrals"] == []
    assert (broken.status_code, broken.json()["code"]) == (400, "cursor_invalid")


async def test_a_change_needs_the_tag_of_what_was_read(network: Network) -> None:
    posted = await network.refer("tags")
    path = posted.headers["Location"] + "/steps/withdrawal"
    body = {"reason": "moved_away"}

    without = await network.ask("school", "POST", path, json=body)
    stale = await network.ask("school", "POST", path, json=body, headers={"If-Match": '"v9"'})
    right = {"If-Match": posted.headers["ETag"]}
    done = await network.ask("school", "POST", path, json=body, headers=right)
    again = await network.ask("school", "POST", path, json=body, headers=right)
    no_reason = await network.ask("school", "POST", path, json={}, headers={"If-Match": "*"})

    codes = [a.status_code for a in (without, stale, done, again, no_reason)]
    assert codes == [428, 412, 200, 200, 422]
    assert done.json()["status"] == "withdrawn"
    assert no_reason.json()["errors"][0]["pointer"] == "/reason"


async def test_reading_changes_no_tag(network: Network) -> None:
    posted = await network.refer("read-tag")

    first = await network.ask("school", "GET", posted.headers["Location"])
    second = await network.ask("school", "GET", posted.headers["Location"])

    assert first.headers["ETag"] == second.headers["ETag"]
    assert record_of(first.headers["ETag"]) == posted.headers["ETag"]


async def test_an_amendment_is_kept_beside_what_was_sent(network: Network) -> None:
    posted = await network.refer("amend")
    path, tag = posted.headers["Location"], {"If-Match": posted.headers["ETag"]}

    amended = await network.ask(
        "school",
        "POST",
        f"{path}/amendments",
        json={"narrative": "More synthetic text.", "urgency": "immediate"},
        headers=tag,
    )
    seen = await network.ask("school", "GET", path)

    assert amended.status_code == 200
    pieces = seen.json()["categories"]["narrative"]["narrative"]
    assert [p["text"] for p in pieces] == ["Synthetic text.", "More synthetic text."]
    assert {p["by"] for p in pieces} == {f"agency:{sample.SCHOOL}"}


DETAILS = {
    "name": "Whole Sampleton",
    "date_of_birth": "2011-02-03",
    "nhs_number": "9434765811",
    "address": "1 Sample Row",
    "school": "Sample School",
    "gender": "female",
}


async def amend(network: Network, person: str, path: str, tag: str = "*", **body: Any) -> Any:
    headers = {"If-Match": tag}
    return await network.ask(person, "POST", f"{path}/amendments", json=body, headers=headers)


async def details(network: Network, path: str) -> dict[str, Any]:
    seen = (await network.ask("school", "GET", path)).json()["categories"]
    parts = (("identity", "identity"), ("contact", "address"), ("education", "education"))
    found = {k: v for c, n in (*parts, ("health", "health")) for k, v in seen[c][n].items()}
    return {name: found[name] for name in DETAILS}


async def test_an_amendment_changes_what_it_names_and_leaves_the_rest(network: Network) -> None:
    path = (await network.refer("merge", subject=DETAILS)).headers["Location"]

    named = await amend(network, "school", path, subject={"name": "Corrected Sampleton"})
    kept = await details(network, path)
    removed = await amend(network, "school", path, subject={"nhs_number": None})
    nameless = await amend(network, "school", path, subject={"name": None, "address": "2 Row"})

    assert (named.status_code, removed.status_code) == (200, 200), (named.text, removed.text)
    assert kept == {**DETAILS, "name": "Corrected Sampleton"}
    assert nameless.status_code == 422
    (fault,) = nameless.json()["errors"]
    assert (fault["pointer"], fault["code"]) == ("/subject/name", "not_removable")
    assert fault["message"]
    assert await details(network, path) == {**kept, "nhs_number": None}


async def test_amendments_at_once_lose_none_of_each_others_fields(network: Network) -> None:
    posted = await network.refer("at-once", subject={"name": "Before Sampleton"})
    path, tag = posted.headers["Location"], posted.headers["ETag"]
    bodies: list[dict[str, Any]] = [{"subject": {name: value}} for name, value in DETAILS.items()]
    bodies += [{"safe_contact": {"hours": "evenings"}}, {"safe_contact": {"details": "by aunt"}}]
    bodies += [{"indicators": [{"code": code, "recency": "older"}]} for code in ("by", "lake")]

    answers = await asyncio.gather(*(amend(network, "school", path, **b) for b in bodies))
    tagged = await amend(network, "school", path, tag, subject={"school": "Stale"})

    assert {a.status_code for a in answers} == {200}
    assert tagged.status_code == 412
    assert await details(network, path) == DETAILS
    seen = (await network.ask("school", "GET", path)).json()["categories"]
    contact = seen["contact"]["safe_contact"]
    assert (contact["hours"], contact["details"]) == ("evenings", "by aunt")
    assert {p["text"] for p in seen["concerns"]["raw_indicators"]} >= {"by", "lake"}


async def test_self_and_anonymous_accounts_refer_without_a_way_back(network: Network) -> None:
    entry = {"name": "Anonymous", "kind": "9", "areas": []}
    await network.ask("operator", "PUT", "/v1/agencies/ag_elsewhere", json=entry)
    document = a_referral(agency_reference="anonymous")
    del document["referrer"]
    headers = {"Idempotency-Key": "anonymous"}

    posted = await network.ask("stranger", "POST", "/v1/referrals", json=document, headers=headers)
    read = await network.ask("stranger", "GET", posted.headers["Location"])
    listed = await network.ask("stranger", "GET", "/v1/referrals")
    by_school = await network.ask(
        "school", "POST", "/v1/referrals", json=document, headers={"Idempotency-Key": "nameless"}
    )

    assert posted.status_code == 201
    assert (read.status_code, listed.json()["referrals"]) == (404, [])
    assert "referrer_unknown" not in posted.json()["warnings"]
    assert by_school.status_code == 201
    assert "referrer_unknown" in by_school.json()["warnings"]


async def subject_of(network: Network, referral_id: str) -> str:
    seen = await network.ask("manager", "GET", f"/v1/referrals/{referral_id}")
    return str(seen.json()["subject_id"])


async def test_the_same_person_is_linked_and_a_near_match_is_for_a_person_to_decide(
    network: Network,
) -> None:
    def about(name: str, born: str) -> dict[str, Any]:
        return {"subject": {"name": name, "date_of_birth": born}}

    ids = [
        str((await network.refer(f"match-{n}", **about(*who))).json()["id"])
        for n, who in enumerate(
            [
                ("Synthia Sampleton", "2011-03-04"),
                ("synthia  SAMPLETON", "2011-03-04"),
                ("Cynthia Sampleton", "2011-04-03"),
            ]
        )
    ]
    subjects = [await subject_of(network, i) for i in ids]
    path = f"/v1/referrals/{ids[2]}"

    async def offered() -> list[dict[str, Any]]:
        answer = await network.ask("manager", "GET", f"{path}/possible-matches")
        found: list[dict[str, Any]] = answer.json()
        return found if len(found) == 2 else []

    found = await until(offered, deadline=15, what="the near matches")
    decision = {
        "other_referral_id": ids[0],
        "decision": "same_person",
        **COMPARED,
    }
    decided = await network.ask("manager", "POST", f"{path}/match-decisions", json=decision)
    again = await network.ask("manager", "POST", f"{path}/match-decisions", json=decision)

    async def flagged() -> list[dict[str, Any]]:
        return await in_trail(network, "referral.match_suspected", ids[2])

    (told,) = await until(flagged, deadline=15, what="the Hub being told of the near match")
    assert set(told["data"]["other_referral_ids"]) == set(ids[:2])
    assert not await in_trail(network, "referral.match_suspected", ids[1]), "linked already"
    assert subjects[0] == subjects[1] != subjects[2]
    assert {i for f in found for i in f["referral_ids"]} == set(ids)
    assert "Sampleton" not in json.dumps(found)
    assert found[0]["agrees"]["date_of_birth"] == "day_month_swapped"
    assert (decided.status_code, again.status_code) == (200, 200)
    assert await subject_of(network, ids[2]) == subjects[0]
    third = await network.refer("match-9", **about("Cynthia Sampleton", "2011-04-03"))
    assert await subject_of(network, third.json()["id"]) == subjects[0]


async def test_erasing_destroys_what_was_personal_and_keeps_the_coded_record(
    network: Network,
) -> None:
    posted = await network.refer(
        "erase", subject={"name": "Erased Child", "date_of_birth": "2010-01-01"}
    )
    path, star = posted.headers["Location"], {"If-Match": "*"}
    body = {"reason": "right_to_erasure"}

    early = await network.ask("manager", "POST", f"{path}/erasure", json=body, headers=star)
    withdrawal = {"reason": "other"}
    await network.ask("manager", "POST", f"{path}/steps/withdrawal", json=withdrawal, headers=star)
    done = await network.ask("manager", "POST", f"{path}/erasure", json=body, headers=star)
    seen = await network.ask("manager", "GET", path)

    assert (early.status_code, early.json()["code"]) == (409, "still_open")
    assert done.status_code == 200, done.text
    assert "Erased Child" not in seen.text
    assert seen.json()["erased_at"] is not None
    assert seen.json()["categories"]["concerns"]["concerns"][0]["code"] == "missing_episodes"
    async with AsyncMongoClient[dict[str, Any]](network.mongo.url) as client:
        database = client[network.database("referral")]
        key = await database["vault"].find_one({"keyAltNames": posted.json()["id"]})
        assert key is None
        assert await database["blocks"].find_one({"referral_id": posted.json()["id"]}) is None

    async def told() -> bool:
        types = {e["type"] for e in await network.trail(posted.json()["id"])}
        return {"referral.received", "referral.erased"} <= types

    await until(told, deadline=15, what="the erasure in the trail")


async def keeping(network: Network, *words: str, **env: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.referral.retention", *words),
        env={**os.environ, **network.environment("referral"), **env},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return output.decode()


async def test_the_master_key_is_rotated_by_one_command_while_the_service_works(
    network: Network,
) -> None:
    posted = await network.refer("rotate")
    old = network.environment("referral")["REFERRAL_MASTER_KEY"]
    new = network.keys.secret("referral_master_next", 96)
    both = {"REFERRAL_MASTER_KEY": new, "REFERRAL_MASTER_KEY_PREVIOUS": old}

    wrapped = await keeping(network, "rotate", **both)
    none_left = await keeping(network, "rotate", **both)
    await network.replace("referral", REFERRAL_MASTER_KEY=new)
    seen = await network.ask("school", "GET", posted.headers["Location"])

    assert int(wrapped.split()[0]) > 0
    assert none_left.startswith("0 ")
    (piece,) = seen.json()["categories"]["narrative"]["narrative"]
    assert piece["text"] == "Synthetic text."
    await keeping(network, "rotate", REFERRAL_MASTER_KEY=old, REFERRAL_MASTER_KEY_PREVIOUS=new)
    await network.replace("referral")


async def test_retention_shows_first_and_destroys_only_when_told(network: Network) -> None:
    posted = await network.refer("old")
    referral_id = posted.json()["id"]
    body = {"reason": "other"}
    await network.ask(
        "school",
        "POST",
        f"/v1/referrals/{referral_id}/steps/withdrawal",
        json=body,
        headers={"If-Match": "*"},
    )
    async with AsyncMongoClient[dict[str, Any]](network.mongo.url) as client:
        referrals = client[network.database("referral")]["referrals"]
        stored = await referrals.find_one({"_id": referral_id})
        assert stored is not None
        long_ago = stored["changed_at"].replace(year=stored["changed_at"].year - 76)
        await referrals.update_one({"_id": referral_id}, {"$set": {"changed_at": long_ago}})
        looks = client[network.database("referral")]["looks"]
        look = {"referral_id": referral_id, "viewer_id": "v", "at": long_ago, "outbox": []}
        for name in ("look_told", "look_untold"):
            await looks.insert_one({**look, "_id": name, "version": 1})
        # Nobody publishes it while this test looks.
        later = {"outbox_due": long_ago.replace(year=2999)}
        await looks.update_one({"_id": "look_untold"}, {"$set": later})

    shown = await keeping(network, "plan")
    before = await network.ask("school", "GET", posted.headers["Location"])
    await keeping(network, "apply")
    after = await network.ask("school", "GET", posted.headers["Location"])

    async with AsyncMongoClient[dict[str, Any]](network.mongo.url) as client:
        looks = client[network.database("referral")]["looks"]
        kept = await looks.distinct("_id")
        await looks.delete_one({"_id": "look_untold"})  # or nothing here were ever quiet again
    assert f"erase  {referral_id}" in shown
    assert "access_records  look_told" in shown
    assert "look_told" not in kept
    assert "look_untold" in kept, "the trail has not heard of it yet"
    assert "Synthetic text." in before.text
    assert "Synthetic text." not in after.text
    assert after.status_code == httpx2.codes.OK


async def in_trail(network: Network, event_type: str, record_id: str) -> list[dict[str, Any]]:
    page = await network.ask("auditor", "GET", f"/v1/trail?type={event_type}&limit=500")
    found = [entry["leaf"]["event"] for entry in page.json()["entries"]]
    return [event for event in found if event["subject"] == record_id]


async def set_back(network: Network, collection: str, record_id: str, **fields: Any) -> None:
    """What the passing of time would do."""
    async with AsyncMongoClient[dict[str, Any]](network.mongo.url) as client:
        records = client[network.database("referral")][collection]
        await records.update_one({"_id": record_id}, {"$set": fields})


PAST = datetime(2026, 1, 5, 9, tzinfo=UTC)


async def test_a_missed_response_clock_is_told_once_and_closes_nothing(network: Network) -> None:
    posted = await network.refer("late", urgency="five_working_days")
    referral_id = posted.json()["id"]

    await set_back(network, "referrals", referral_id, due_at=PAST, response_due=PAST)
    await until(lambda: in_trail(network, "referral.overdue", referral_id), deadline=15)
    await set_back(network, "referrals", referral_id, response_due=PAST)  # as if fired twice
    await network.quiet()

    assert len(await in_trail(network, "referral.overdue", referral_id)) == 1
    seen = await network.ask("school", "GET", posted.headers["Location"])
    assert (seen.json()["status"], seen.json()["overdue"]) == ("received", True)


async def test_an_agreement_lapses_by_itself_and_is_told_once(network: Network) -> None:
    await set_back(
        network,
        "agreements",
        "isa_northtown",
        agreement_due=PAST,
        **{"terms.effective_to": PAST, "terms.effective_from": PAST - timedelta(days=9)},
    )

    await until(lambda: in_trail(network, "agreement.lapsed", "isa_northtown"), deadline=15)
    await network.quiet()

    (told,) = await in_trail(network, "agreement.lapsed", "isa_northtown")
    assert told["data"]["terms"]["id"] == "isa_northtown"


async def test_a_birthday_changes_who_decides(network: Network) -> None:
    born = f"{datetime.now(UTC).year - 16}-01-02"
    posted = await network.refer("birthday", subject={"name": "Turning", "date_of_birth": born})
    subject_id = await subject_of(network, posted.json()["id"])

    age = f"facts.{posted.json()['id']}.age"
    before = {f"{age}.reached": {"13_to_15": PAST}, f"{age}.check_at": PAST}
    await set_back(network, "subjects", subject_id, birthday_due=PAST, **before)
    await until(lambda: in_trail(network, "subject.turning_18", subject_id), deadline=15)

    (turned,) = await in_trail(network, "subject.turning_18", subject_id)
    assert turned["data"]["stage"] == "turned_16"
    assert turned["data"]["sharing"]["age_band"] == "16_to_17"
