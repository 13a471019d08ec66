"""A report on one young person over HTTP: its lines, its form, its bound, and that the verifier, as one
file in an empty folder, proves it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from services.audit.court.gathering import gather, lines_of
from services.audit.log.store import Signed
from services.audit.verify.onefile import one_file
from shared.errors import Refused
from shared.storage.store import Database
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import Network, running
from tests.harness.trails import Verdict, a_trail, body, program
from tests.harness.waiting import until

FIRST = 1  # entry 0 is that of the signing key
SUBJECT, OTHER = f"sub_{'1' * 32}", f"sub_{'2' * 32}"
REPORT = f"/v1/subjects/{SUBJECT}/report"
VERDICTS = [
    {"category": "existence", "permitted": True, "ground": "consent", "agreement_id": "agr_1"},
    {"category": "health", "permitted": False, "reason": "no_ground"},
]


def story() -> list[bytes]:
    """Two young people; a referral that was about one of them, then about the other."""
    about: dict[str, Any] = {"subject_id": SUBJECT, "referral_id": "ref_1"}
    moved: dict[str, Any] = {"subject_id": OTHER, "referral_id": "ref_1"}
    view: dict[str, Any] = {
        "viewer_kind": "agency",
        "viewer_id": "ag_police",
        "purpose": "safeguarding",
    }
    view |= {"type": "record.viewed", "verdicts": VERDICTS, "actor": "agency:ag_police"}
    return [
        body(1, **about),
        body(2, type="risk.assessed", **about),
        body(3, **about, **view),
        body(4, **moved, **{**view, "viewer_id": "ag_health", "actor": "agency:ag_health"}),
        body(5, subject_id=OTHER, referral_id="ref_2"),
    ]  # fmt: skip


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    """The audit service alone, with the story in its trail."""
    async with running(broker, mongo, tmp_path_factory.mktemp("report"), ["audit"]) as one:
        await one.sealed(FIRST)
        await one.publish(*story())
        await one.sealed(FIRST + len(story()))
        yield one


async def judged(network: Network, folder: Path, raw: bytes) -> Verdict:
    """What the one file says of it, in a folder with nothing but keys."""
    keys = await network.ask("police", "GET", "/v1/keys")
    (folder / "keys.json").write_bytes(keys.content)
    (folder / "verify_trail.py").write_text(one_file(), "utf-8")
    (folder / "report").write_bytes(raw)
    arguments = ("report", folder / "report", "--keys", folder / "keys.json")
    return await program(*arguments, file=folder / "verify_trail.py")


@pytest.mark.parametrize(
    ("asked", "accept", "media"),
    [
        ("", "*/*", "text/html"),
        ("", "text/csv", "text/csv"),
        ("&format=csv", "text/html", "text/csv"),
        ("&format=html", "text/csv", "text/html"),
    ],
)
async def test_a_report_says_who_learnt_what_and_verifies(
    network: Network, tmp_path: Path, asked: str, accept: str, media: str
) -> None:
    path = f"{REPORT}?purpose=court_order{asked}"
    answer = await network.ask("auditor", "GET", path, headers={"Accept": accept})
    said = await judged(network, tmp_path, answer.content)

    assert answer.headers["content-type"].startswith(media)
    assert "attachment" in answer.headers["content-disposition"]
    assert (said.code, said.said[:9]) == (0, "verified:"), said
    assert "viewed existence of ref_1, for safeguarding. Not shown: health." in answer.text
    assert "verify_trail.py report FILE" in answer.text
    for away in ("ag_health", "ref_2", OTHER):
        assert away not in answer.text, "of another young person"


async def test_a_changed_sentence_of_a_report_is_tampering(
    network: Network, tmp_path: Path
) -> None:
    for form in ("html", "csv"):
        raw = (await network.ask("auditor", "GET", f"{REPORT}?format={form}")).content
        said = await judged(network, tmp_path, raw.replace(b"Not shown: health", b"Shown: health"))

        assert (said.code, said.said[:9]) == (1, "TAMPERED:"), said


async def test_a_page_may_run_and_load_nothing(network: Network) -> None:
    headers = (await network.ask("auditor", "GET", REPORT)).headers

    assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


async def test_a_report_is_an_entry_with_its_purpose_and_refusals_are(network: Network) -> None:
    one = await network.ask("auditor", "GET", f"{REPORT}?purpose=court_order&to=2020-01-01")
    who = ("worker", "manager", "school", "operator")
    refused = [await network.ask(each, "GET", f"{REPORT}?purpose=court_order") for each in who]
    odd = await network.ask("auditor", "GET", f"{REPORT}?purpose=court_order&format=jane")

    assert (one.status_code, odd.status_code) == (200, 422)
    assert [each.status_code for each in refused] == [403] * len(who)
    collection = network.mongo_of("audit")["entries"]

    async def told() -> list[dict[str, Any]] | None:
        found = collection.find({"fields.keys": f"asked:{SUBJECT}"}).sort("seq", 1)
        events = [json.loads(each["leaf"])["event"]["data"] async for each in found]
        mine = [e for e in events if e["purpose"] == "court_order" and len(e["filter"]) < 5]
        return mine if sum(e["outcome"] == "refused" for e in mine) > len(who) else None

    events = list(await until(told, deadline=20, what="the questions in the trail") or [])
    assert {e["resource"] for e in events} == {"subject_report"}
    assert "jane" not in json.dumps(events)


async def test_of_nobody_a_report_says_so_without_the_callers_words(
    network: Network, tmp_path: Path
) -> None:
    answer = await network.ask("auditor", "GET", "/v1/subjects/Jane%20Doe/report")

    assert answer.status_code == 200
    assert "Jane" not in answer.text + str(answer.headers)
    assert "the trail holds no such entry" in answer.text
    assert (await judged(network, tmp_path, answer.content)).code == 0


async def test_days_bound_a_report_and_it_says_which(network: Network) -> None:
    before = await network.ask("auditor", "GET", f"{REPORT}?to=2020-01-01&format=csv")
    since = await network.ask("auditor", "GET", f"{REPORT}?from=2020-07-01&format=csv")

    assert "\r\n1," not in before.text
    assert "\r\n1," in since.text
    assert "2020-06-30T23:00:00.000Z" in since.text, "the day begins in London"
    assert "Europe/London" in since.text


async def test_a_report_is_bounded_and_says_how_to_ask_for_less(database: Database) -> None:
    async with a_trail(database) as trail:
        parts = [body(n, subject_id=SUBJECT, referral_id="ref_1") for n in range(30)]
        await trail.append(*parts)
        await trail.sign()
        asked = (trail.parts.trail, SUBJECT, ["ref_1"], dict[str, str](), 30, frozenset[str]())

        assert len((await gather(*asked, most=30)).places) == 30
        with pytest.raises(Refused, match="too_many_lines") as refused:
            await gather(*asked, most=29)
        assert "`from` and `to`" in refused.value.message


async def test_an_edited_entry_is_told_by_whoever_verifies(
    network: Network, tmp_path: Path
) -> None:
    entries = network.mongo_of("audit")["entries"]
    found = await entries.find_one({"seq": FIRST + 2})
    assert found is not None
    edited = bytes(found["leaf"]).replace(b"agency:ag_police", b"agency:ag_school")
    await entries.update_one({"seq": FIRST + 2}, {"$set": {"leaf": edited}})
    try:
        raw = (await network.ask("auditor", "GET", REPORT)).content
    finally:
        await entries.update_one({"seq": FIRST + 2}, {"$set": {"leaf": found["leaf"]}})
    said = await judged(network, tmp_path, raw)

    assert (said.code, f"entry {FIRST + 2} is not what was sealed" in said.said) == (1, True), said


async def test_a_line_whose_entry_is_gone_ends_the_report(database: Database) -> None:
    async with a_trail(database, 3) as trail:
        newest = await trail.parts.trail.newest()
        assert isinstance(newest, Signed)
        await trail.parts.trail.entries.delete_one({"seq": 1})
        with pytest.raises(Exception, match="entry_missing"):
            [one async for one in lines_of(trail.parts.trail, [0, 1], newest)]
