"""What auditors, Hub managers and agencies may ask the trail over HTTP, and that asking is recorded."""

import base64
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from allinone import sample
from services.audit.log.checkpoints import open_checkpoint
from services.audit.log.notes import VerifierKey
from services.audit.log.tree import extends, includes, leaf_hash, root_of
from services.audit.verify.signed import keys_of
from shared.rules.calendars import LONDON
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import PEOPLE, Network, running
from tests.harness.trails import body, program, verify
from tests.harness.waiting import until

FIRST = 1  # entry 0 is that of the signing key
COUNT = 13 + FIRST


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    """The audit service alone, with the events of a small story in its trail."""
    async with running(broker, mongo, tmp_path_factory.mktemp("audit"), ["audit"]) as one:
        await one.sealed(FIRST)
        await one.publish(*story())
        await one.sealed(COUNT)
        yield one


def story() -> list[bytes]:
    """A referral to one Hub with a notification and a view, and one elsewhere."""
    subject: dict[str, Any] = {"subject_id": "sub_1", "referral_id": "ref_1"}
    other: dict[str, Any] = {
        "subject_id": "sub_2",
        "referral_id": "ref_2",
        "agency_id": sample.POLICE,
    }
    service: dict[str, Any] = {"actor": "service:x", "actorrole": "service"}
    school, police = sample.SCHOOL, sample.POLICE
    verdicts = [
        {"category": "existence", "permitted": True, "ground": "consent", "agreement_id": "agr_1"},
        {"category": "health", "permitted": False, "reason": "no_ground"},
    ]
    unsafe = [{"category": "existence", "permitted": False, "reason": "recipient_unsafe"}]
    return [
        body(1, **subject, agency_id=school, urgency="immediate"),
        body(2, type="risk.assessed", **subject, level="significant", score=17, **service),
        body(3, type="allocation.made", **subject, agency_id=school, hub_id=sample.HUB,
             worker_id="wk_1", **service),
        body(4, type="notification.created", **subject, agency_id=None, recipient_kind="agency",
             recipient_id=police, kind="referral_allocated", ground="consent", **service),
        body(5, type="notification.withheld", **subject, agency_id=None, recipient_kind="agency",
             recipient_id="ag_unsafe", verdicts=unsafe, **service),
        body(6, type="record.viewed", **subject, agency_id=None, viewer_kind="agency",
             viewer_id=police, purpose="safeguarding",
             verdicts=verdicts, actor=f"agency:{police}"),
        body(7, type="record.refused", **subject, agency_id=None, viewer_kind="worker",
             viewer_id="wk_9", reason="not_theirs", actor="worker:wk_9", actorrole="worker"),
        body(8, **other, urgency="same_day", actor=f"agency:{police}"),
        body(9, type="allocation.made", **other, hub_id="hub_other", worker_id="wk_2", **service),
        body(10, type="sharing.safety_marked", **subject, marked_kind="agency",
             marked_id="ag_unsafe", unsafe=True),
        body(11, subject="agg", version=1, type="agency.amended"),
        body(12, subject="agg", version=3, type="agency.amended"),
        body(14, subject=sample.HUB, type="hub.registered", hub_id=sample.HUB, **service),
    ]  # fmt: skip


async def get(network: Network, person: str, path: str, **headers: str) -> httpx2.Response:
    return await network.ask(person, "GET", path, headers=headers)


async def entries(network: Network, person: str, query: str) -> list[dict[str, Any]]:
    answer = await get(network, person, f"/v1/trail?{query}")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["entries"])


async def asked_for(network: Network, purpose: str, count: int) -> list[dict[str, Any]]:
    """The questions of a purpose, once there are `count`, read from the store: asking the trail for
    them would add to them."""
    collection = network.mongo_of("audit")["entries"]

    async def enough() -> list[dict[str, Any]] | None:
        cursor = collection.find({"fields.keys": "type:trail.queried"}).sort("seq", 1)
        events = [json.loads(d["leaf"])["event"] async for d in cursor]
        found = [e for e in events if e["data"]["purpose"] == purpose]
        return found if len(found) >= count else None

    return list(await until(enough, deadline=20, what=f"{count} questions in the trail") or [])


async def test_the_trail_of_a_referral_reads_like_a_story(network: Network) -> None:
    told = [e["says"] for e in await entries(network, "auditor", "referral_id=ref_1")]

    assert told[0] == f"{sample.SCHOOL} referred ref_1, urgency immediate."
    assert told[2].startswith(f"ref_1 was allocated to wk_1 of {sample.HUB},")
    assert told[5] == (
        f"agency {sample.POLICE} viewed existence of ref_1, for safeguarding. Not shown: health."
    )
    assert told[6] == "worker wk_9 was refused ref_1 (action 1): not theirs."


@pytest.mark.parametrize(
    ("query", "seqs"),
    [
        ("referral_id=ref_2", [7, 8]),
        ("subject_id=sub_1&type=record.viewed", [5]),
        (f"recipient={sample.POLICE}", [3, 5]),
        ("worker=wk_9", [6]),
        ("ground=consent", [3, 5]),
        ("outcome=withheld", [4]),
        ("outcome=refused", [6]),
        ("agency=ag_unsafe", [4, 9]),
        ("actor=worker:wk_9", [6]),
        ("referral_id=ref_1&to=2020-01-01T00:00:00Z", []),
        ("referral_id=ref_2&from=2020-01-01T00:00:00Z", [7, 8]),
    ],
)
async def test_every_filter_finds_what_it_says(
    network: Network, query: str, seqs: list[int]
) -> None:
    found = [e["seq"] for e in await entries(network, "auditor", query)]

    # Of the story: what other tests ask for, and are refused, is in the trail too.
    assert [seq for seq in found if seq < COUNT] == [FIRST + n for n in seqs]


async def test_pages_stay_within_the_trail_they_began_with(network: Network) -> None:
    first = (await get(network, "auditor", "/v1/trail?limit=5")).json()
    await network.sealed(first["size"] + 1)  # our own question was appended meanwhile
    pages = [first]
    while pages[-1]["next"]:
        path = f"/v1/trail?limit=5&cursor={pages[-1]['next']}"
        pages.append((await get(network, "auditor", path)).json())

    assert {page["size"] for page in pages} == {first["size"]}
    seqs = [e["seq"] for page in pages for e in page["entries"]]
    assert seqs == list(range(first["size"]))
    for bad in ("x", "5", "99999999.0", "5.-1"):
        assert (await get(network, "auditor", f"/v1/trail?cursor={bad}")).status_code in (400, 404)


async def test_ndjson_gives_a_line_for_each_entry(network: Network) -> None:
    path = "/v1/trail?referral_id=ref_1&limit=3"
    answer = await get(network, "auditor", path, Accept="application/x-ndjson")

    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["seq"] for line in lines] == [1, 2, 3]
    assert answer.headers["trail-next"].endswith(".4")
    size = answer.headers["trail-size"]
    assert f"the first {size} entries" in answer.headers["trail-complete-for"]


async def test_one_entry_by_its_place_or_event_with_its_exact_bytes(network: Network) -> None:
    by_seq = (await get(network, "auditor", "/v1/trail/3")).json()
    by_event = (await get(network, "auditor", f"/v1/trail/events/evt_{3:032d}")).json()

    sealed = ("size", "complete_for")  # our own first question may be sealed meanwhile
    assert [v for k, v in by_seq.items() if k not in sealed] == [
        v for k, v in by_event.items() if k not in sealed
    ]
    assert leaf_hash(by_seq["raw"].encode()).hex() == by_seq["leaf_hash"]
    assert json.loads(by_seq["raw"]) == by_seq["leaf"]
    assert by_seq["complete_for"].startswith("This entry whole, and no other. The trail has ")
    for nowhere in ("/v1/trail/99999999", "/v1/trail/events/none"):
        assert (await get(network, "auditor", nowhere)).status_code == 404


async def test_proofs_and_tiles_are_for_any_token_and_hold(network: Network) -> None:
    old = await network.sealed(COUNT)
    await entries(network, "auditor", "asked=ref_nobody")
    new = await network.sealed(int(old.split("\n")[1]) + 1)
    keys = (await get(network, "police", "/v1/keys")).json()
    trusted = keys_of([keys["keys"][0]["verifier_key"]], [])
    first, second = (open_checkpoint(note.encode(), trusted) for note in (old, new))

    inclusion = (
        await get(network, "police", f"/v1/proofs/inclusion?seq=5&size={first.size}")
    ).json()
    path = [base64.b64decode(value) for value in inclusion["hashes"]]
    assert includes(5, first.size, bytes.fromhex(inclusion["leaf_hash"]), path, first.root)
    sizes = f"first={first.size}&second={second.size}"
    grown = (await get(network, "worker", f"/v1/proofs/consistency?{sizes}")).json()
    hashes = [base64.b64decode(value) for value in grown["hashes"]]
    assert extends(first.size, second.size, first.root, second.root, hashes)
    tile = await get(network, "operator", f"/tile/0/000.p/{first.size}")
    assert (
        root_of([tile.content[at : at + 32] for at in range(0, len(tile.content), 32)])
        == first.root
    )
    exact = await get(network, "school", f"/v1/checkpoints/{first.size}")
    assert exact.text == old


@pytest.mark.parametrize(
    "path",
    [
        "/tile/0/000",
        "/tile/0/000.p/0",
        "/tile/64/000",
        "/tile/0/x001",
        "/tile/entries/000.p/2",
        "/tile/%FF",
        "/v1/proofs/inclusion?seq=999999",
        "/v1/proofs/inclusion?seq=0&size=999999",
        "/v1/proofs/consistency?first=0&second=99999999",
        "/v1/checkpoints/9999999",
        "/v1/trail/agencies/x",
    ],
)
async def test_what_is_not_there_is_not_found_and_never_a_fault_of_ours(
    network: Network, path: str
) -> None:
    assert (await get(network, "auditor", path)).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/v1/proofs/inclusion?seq=-1",
        "/v1/proofs/inclusion?seq=x",
        "/v1/proofs/consistency?first=1",
        "/v1/trail?limit=0",
        "/v1/trail?referral_id=a%20name",
        "/v1/trail?from=yesterday",
        "/v1/trail?purpose=Because%20I%20can",
        "/v1/trail/x",
    ],
)
async def test_what_is_malformed_is_refused_as_malformed(network: Network, path: str) -> None:
    assert (await get(network, "auditor", path)).status_code == 422


async def test_a_hub_manager_sees_their_own_hubs_referrals_one_at_a_time(network: Network) -> None:
    assert len(await entries(network, "manager", "referral_id=ref_1")) == 8
    for refused in ("", "subject_id=sub_1"):
        answer = await get(network, "manager", f"/v1/trail?{refused}")
        assert answer.status_code == 403, refused
    for refused in ("referral_id=ref_2", "referral_id=ref_none"):
        answer = await get(network, "manager", f"/v1/trail?{refused}")
        assert answer.status_code == 404, refused
    assert (await get(network, "manager", "/v1/trail/3")).status_code == 200
    assert (await get(network, "manager", "/v1/trail/8")).status_code == 404


async def test_an_agency_sees_what_concerns_it_in_words_and_never_a_leaf(network: Network) -> None:
    seen = await entries(network, "school", "")
    answer = await get(network, "school", "/v1/trail")

    assert [e["seq"] for e in seen if e["seq"] < COUNT] == [1, 3]
    assert all(e["leaf"] is None and e["raw"] is None for e in seen)
    assert "sub_1" not in answer.text
    assert "wk_1" not in answer.text
    assert [e["says"] for e in seen][1] == "ref_1 was allocated."
    for place, status in ((1, 200), (2, 404), (8, 404), (0, 404)):
        answer = await get(network, "school", f"/v1/trail/{place}")
        assert answer.status_code == status
        assert "sub_" not in answer.text


async def test_nobody_is_told_that_they_were_found_unsafe_or_what_was_withheld(
    network: Network,
) -> None:
    told = await entries(network, "police", "")

    assert {e["type"] for e in told} <= {
        "referral.received",
        "allocation.made",
        "notification.created",
        "record.viewed",
    }


async def test_workers_and_operators_read_no_entries(network: Network) -> None:
    for person in ("worker", "operator"):
        for path in (
            "/v1/trail",
            "/v1/trail/1",
            "/v1/trail/gaps",
            "/v1/subjects/sub_1/disclosures",
        ):
            assert (await get(network, person, path)).status_code == 403


async def test_whose_account_it_is_is_told_and_recorded_without_the_subject(
    network: Network,
) -> None:
    sub = PEOPLE["manager"]["sub"]
    path = "/v1/trail/accounts?purpose=operations"
    told = await network.ask("auditor", "POST", path, json={"sub": sub.upper()})
    faulty = [{"sub": f"{sub}é"}, {"sub": sub, sub: 1}, {"sub": ""}, {"sub": [sub]}, {}]
    refused = [await network.ask("auditor", "POST", path, json=entry) for entry in faulty]
    refused.append(await network.ask("school", "POST", path, json={"sub": sub}))

    assert told.json() == {"account": network.account("manager")}
    assert [r.status_code for r in refused] == [422] * len(faulty) + [403]
    found = await asked_for(network, "operations", 1 + len(refused))
    assert [e["data"]["filter"] for e in found if e["data"]["outcome"] == "answered"] == [
        {"account": network.account("manager")}
    ]
    assert sub not in json.dumps(found)


async def test_every_question_is_exactly_one_entry_refusals_too(network: Network) -> None:
    await get(network, "auditor", "/v1/trail?referral_id=ref_1&limit=2&purpose=complaint")
    await get(network, "worker", "/v1/trail?referral_id=ref_1&purpose=complaint")
    await get(network, "auditor", "/v1/trail/99999999?purpose=complaint")
    await get(network, "school", "/checkpoint?purpose=complaint")
    await get(network, "school", "/v1/proofs/inclusion?seq=0&purpose=complaint")
    found = await asked_for(network, "complaint", 3)
    sealed = await network.sealed(COUNT)
    await entries(network, "auditor", "asked=ref_nobody")
    await network.sealed(int(sealed.split("\n")[1]) + 1)

    assert len(await asked_for(network, "complaint", 3)) == 3  # nothing about them followed
    by = {(e["actor"], e["data"]["resource"]): e["data"] for e in found}
    auditor = f"auditor:{network.account('auditor')}"
    asked = by[auditor, "entries"]
    assert asked["purpose"] == "complaint"
    assert (asked["outcome"], asked["count"]) == ("answered", 2)
    assert asked["filter"] == {"referral_id": "ref_1"}
    assert by["worker:wk_hub_one", "entries"]["outcome"] == "refused"
    assert by[auditor, "entry"]["count"] == 0
    who = await entries(network, "auditor", "asked=ref_1&actor=worker:wk_hub_one")
    assert all(e["says"].endswith("and was refused.") for e in who)
    assert who


async def test_the_accounting_says_who_shared_what_with_whom_and_why(network: Network) -> None:
    answer = await get(network, "auditor", "/v1/subjects/sub_1/disclosures?purpose=access_request")
    lines = {line["seq"] - FIRST: line for line in answer.json()["disclosures"]}

    assert lines[3]["kind"] == "shared"
    assert (lines[3]["recipients"], lines[3]["grounds"]) == ([sample.POLICE], ["consent"])
    assert lines[4]["kind"] == "withheld"
    assert (lines[4]["recipients"], lines[4]["withheld"]) == (
        ["ag_unsafe"],
        ["existence: recipient_unsafe"],
    )
    assert lines[5]["kind"] == "viewed"
    assert lines[5]["categories"] == ["existence"]
    assert lines[5]["withheld"] == ["health: no_ground"]
    assert lines[5]["agreements"] == ["agr_1"]
    assert lines[6]["kind"] == "refused"
    assert 7 not in lines
    assert any(line["kind"] == "asked" for line in lines.values())
    agency = await get(network, "auditor", f"/v1/trail/agencies/{sample.POLICE}/disclosures")
    assert {line["seq"] - FIRST for line in agency.json()["disclosures"]} >= {3, 5, 7}


async def test_gaps_show_what_never_arrived_and_what_came_late(network: Network) -> None:
    gaps = (await get(network, "auditor", "/v1/trail/gaps")).json()["gaps"]

    assert [(g["subject"], g["missing"], g["closed_at"]) for g in gaps] == [("agg", 2, None)]
    await network.publish(body(13, subject="agg", version=2, type="agency.amended"))

    async def closed() -> bool:
        answer = await get(network, "auditor", "/v1/trail/gaps")
        return [g["closed_at"] for g in answer.json()["gaps"]] != [None]

    await until(closed, deadline=20, what="the gap closing")


async def test_the_self_check_says_that_all_is_well(network: Network) -> None:
    async def passed() -> bool:
        found = (await get(network, "operator", "/v1/trail/integrity")).json()
        return bool(found["finished"] and found["sound"] and found["finished"]["checked"] >= COUNT)

    await until(passed, deadline=40, what="a pass of the self-check")
    assert (await get(network, "school", "/v1/trail/integrity")).status_code == 403


async def test_an_export_verifies_elsewhere_whole_and_filtered(
    network: Network, tmp_path: Path
) -> None:
    old = await network.sealed(COUNT)
    kept, keys = tmp_path / "kept", tmp_path / "keys.json"
    kept.write_text(old)
    keys.write_text((await get(network, "auditor", "/v1/keys")).text)
    size = int(old.split("\n")[1])

    full = await fetched(network, tmp_path / "full.tar", {})
    some = await fetched(network, tmp_path / "some.tar", {"referral_id": "ref_1", "previous": size})
    whole = verify("export", full, "--keys", keys, "--kept", kept)
    part = verify("export", some, "--keys", keys, "--kept", kept)

    assert whole.code == 0, whole.said
    assert part.code == 0, part.said
    assert "8 of 8 entries in the export are in the trail" in part.said
    assert f"only added to the {size} entries sealed by the checkpoint you kept" in part.said
    assert verify("gaps", some, "--keys", keys).code == 2
    assert verify("gaps", full, "--keys", keys).code in (0, 2)
    refused = await network.ask("manager", "POST", "/v1/exports", json={})
    assert refused.status_code == 403
    gone = await get(network, "auditor", "/v1/exports/exp_none")
    assert gone.status_code == 404


async def fetched(network: Network, path: Path, wanted: dict[str, Any]) -> Path:
    asked = await network.ask("auditor", "POST", "/v1/exports?purpose=inspection", json=wanted)
    assert asked.status_code == 201, asked.text
    assert f"the first {asked.json()['size']} entries" in asked.json()["complete_for"]
    answer = await get(network, "auditor", asked.headers["location"])
    assert answer.status_code == 200
    path.write_bytes(answer.content)  # noqa: ASYNC240 - small
    return path


async def test_a_partner_agency_watches_with_the_one_file_and_nothing_of_ours(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.audit.verify.onefile import one_file

    file, keep = tmp_path / "verify_trail.py", tmp_path / "kept"
    file.write_text(one_file())
    key = (await get(network, "police", "/v1/keys")).json()["keys"][0]["verifier_key"]
    monkeypatch.setenv("TRAIL_TOKEN", network.token("police"))
    url = network.modules["audit"].url
    watch = ("watch", url, "--key", key, "--keep", keep, "--once")

    first = await program(*watch, file=file)
    await entries(network, "auditor", "asked=ref_nobody")
    await network.sealed(int(keep.read_text().split("\n")[1]) + 1)
    second = await program(*watch, file=file)

    assert (first.code, second.code) == (0, 0), first.said + second.said
    assert "extends the one of" in second.said
    assert "two checkpoints were compared, no entry was read" in second.said
    stranger = VerifierKey("hub-and-spoke/trail", bytes(32))
    other = await program(*watch[:2], "--key", str(stranger), *watch[4:], file=file)
    assert other.code == 2
    assert (await program("watch", file=file)).code == 2


async def test_the_rules_of_the_curiosity_reports_are_told_and_they_find(network: Network) -> None:
    rules = (await get(network, "auditor", "/v1/trail/reports")).json()
    assert {r["name"] for r in rules} == {
        "viewed_without_allocation",
        "repeated_refusals",
        "bulk_reading",
        "out_of_hours",
        "overrides_never_reviewed",
    }
    for rule in rules:
        answer = await get(network, "auditor", f"/v1/trail/reports/{rule['name']}")
        assert answer.json()["rule"] == rule["rule"]
    assert (await get(network, "auditor", "/v1/trail/reports/none")).status_code == 404
    assert (await get(network, "manager", "/v1/trail/reports")).status_code == 403


@pytest.mark.parametrize(
    ("query", "pointer", "allowed"),
    [
        ("type=referral.recieved", "/query/type", "referral.received"),
        ("outcome=approved", "/query/outcome", "withheld"),
        ("ground=agreement", "/query/ground", "consent"),
        ("refferal_id=ref_1", "/query", "referral_id"),
    ],
)
async def test_a_slip_in_a_question_is_refused_with_what_there_is_not_answered_with_nothing(
    network: Network, query: str, pointer: str, allowed: str
) -> None:
    answer = await network.ask("auditor", "GET", f"/v1/trail?{query}")

    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert fault["pointer"] == pointer
    assert allowed in fault["message"]


async def test_to_a_day_includes_it_and_the_answer_says_what_it_is_complete_for(
    network: Network,
) -> None:
    newest = (await get(network, "auditor", "/v1/trail?limit=500")).json()
    at = datetime.fromisoformat(newest["entries"][0]["recorded_at"]).astimezone(LONDON).date()
    before = at - timedelta(days=1)

    with_it = (await get(network, "auditor", f"/v1/trail?from={at}&to={at}&limit=1")).json()
    without = (await get(network, "auditor", f"/v1/trail?to={before}")).json()

    assert [entry["seq"] for entry in with_it["entries"]] == [0]
    assert without["entries"] == []
    assert "Europe/London" in with_it["complete_for"]
    assert f"the first {with_it['size']} entries" in with_it["complete_for"]
    for path in ("/v1/trail/gaps", "/v1/subjects/sub_1/disclosures"):
        said = (await get(network, "auditor", path)).json()
        assert f"the first {said['size']} entries" in said["complete_for"]
