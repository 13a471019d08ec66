"""What auditors, Hub managers and agencies may ask the trail over HTTP, and that asking is recorded."""

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from services import sample
from services.audit.domain.checkpoints import open_checkpoint
from services.audit.domain.notes import VerifierKey
from services.audit.domain.tree import extends, includes, leaf_hash, root_of
from services.audit.verify.sources import keys_of
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import Network, running
from tests.harness.trails import body, program, verify
from tests.harness.waiting import until

COUNT = 12


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    """The audit service alone, with the events of a small story in its trail."""
    async with running(broker, mongo, tmp_path_factory.mktemp("audit"), ["audit"]) as one:
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
    return [
        body(1, **subject, agency_id=school, urgency="immediate"),
        body(2, type="risk.assessed", **subject, level="significant", score=17, **service),
        body(3, type="allocation.made", **subject, agency_id=school, hub_id=sample.HUB,
             worker_id="wk_1", **service),
        body(4, type="notification.created", **subject, agency_id=None, recipient_kind="agency",
             recipient_id=police, kind="referral_allocated", ground="consent", **service),
        body(5, type="notification.withheld", **subject, agency_id=None, recipient_kind="agency",
             recipient_id="ag_unsafe", reasons=["recipient_unsafe"], **service),
        body(6, type="record.viewed", **subject, agency_id=None, viewer_kind="agency",
             viewer_id=police, purpose="safeguarding", verdicts=verdicts, actor=f"agency:{police}"),
        body(7, type="record.refused", **subject, agency_id=None, viewer_kind="worker",
             viewer_id="wk_9", reason="not_theirs", actor="worker:wk_9", actorrole="worker"),
        body(8, **other, urgency="same_day", actor=f"agency:{police}"),
        body(9, type="allocation.made", **other, hub_id="hub_other", worker_id="wk_2", **service),
        body(10, type="sharing.safety_marked", **subject, agency_id="ag_unsafe", unsafe=True),
        body(11, subject="agg", version=1, type="agency.amended"),
        body(12, subject="agg", version=3, type="agency.amended"),
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
        cursor = collection.find({"fields.type": "trail.queried"}).sort("seq", 1)
        events = [json.loads(d["leaf"])["event"] async for d in cursor]
        found = [e for e in events if e["data"]["purpose"] == purpose]
        return found if len(found) >= count else None

    return list(await until(enough, deadline=20, what=f"{count} questions in the trail") or [])


async def test_the_trail_of_a_referral_reads_like_a_story(network: Network) -> None:
    told = [e["says"] for e in await entries(network, "auditor", "referral_id=ref_1")]

    assert told[0] == f"{sample.SCHOOL} referred ref_1, urgency immediate."
    assert told[2] == f"ref_1 was allocated to wk_1 of {sample.HUB}."
    assert told[5] == (
        f"agency {sample.POLICE} viewed existence about ref_1, for safeguarding. Not shown: health."
    )
    assert told[6] == "worker wk_9 was refused sight of ref_1: not_theirs."


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
        ("agency=ag_unsafe", [9]),
        ("actor=worker:wk_9", [6]),
        ("referral_id=ref_1&to=2020-01-01T00:00:00Z", []),
        ("referral_id=ref_2&from=2020-01-01T00:00:00Z", [7, 8]),
    ],
)
async def test_every_filter_finds_what_it_says(
    network: Network, query: str, seqs: list[int]
) -> None:
    assert [e["seq"] for e in await entries(network, "auditor", query)] == seqs


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
    assert [line["seq"] for line in lines] == [0, 1, 2]
    assert answer.headers["trail-next"].endswith(".3")


async def test_one_entry_by_its_place_or_event_with_its_exact_bytes(network: Network) -> None:
    by_seq = (await get(network, "auditor", "/v1/trail/2")).json()
    by_event = (await get(network, "auditor", f"/v1/trail/events/evt_{3:032d}")).json()

    assert by_seq == by_event
    assert leaf_hash(by_seq["raw"].encode()).hex() == by_seq["leaf_hash"]
    assert json.loads(by_seq["raw"]) == by_seq["leaf"]
    for nowhere in ("/v1/trail/99999999", "/v1/trail/events/none"):
        assert (await get(network, "auditor", nowhere)).status_code == 404


async def test_proofs_and_tiles_are_for_any_token_and_hold(network: Network) -> None:
    old = await network.sealed(COUNT)
    await entries(network, "auditor", "type=none")
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
    for refused in ("referral_id=ref_2", "", "subject_id=sub_1", "referral_id=ref_none"):
        answer = await get(network, "manager", f"/v1/trail?{refused}")
        assert answer.status_code == 403, refused
    assert (await get(network, "manager", "/v1/trail/2")).status_code == 200
    assert (await get(network, "manager", "/v1/trail/7")).status_code == 403


async def test_an_agency_sees_what_concerns_it_in_words_and_never_a_leaf(network: Network) -> None:
    seen = await entries(network, "school", "")
    answer = await get(network, "school", "/v1/trail")

    assert [e["seq"] for e in seen if e["seq"] < COUNT] == [0, 2, 10, 11][:2]
    assert all(e["leaf"] is None and e["raw"] is None for e in seen)
    assert "sub_1" not in answer.text
    assert "wk_1" not in answer.text
    assert [e["says"] for e in seen][1] == "ref_1 was allocated."
    for place, status in ((0, 200), (1, 404), (7, 404)):
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


async def test_every_question_is_exactly_one_entry_refusals_too(network: Network) -> None:
    await get(network, "auditor", "/v1/trail?referral_id=ref_1&limit=2&purpose=complaint")
    await get(network, "worker", "/v1/trail?referral_id=ref_1&purpose=complaint")
    await get(network, "auditor", "/v1/trail/99999999?purpose=complaint")
    await get(network, "school", "/checkpoint?purpose=complaint")
    await get(network, "school", "/v1/proofs/inclusion?seq=0&purpose=complaint")
    found = await asked_for(network, "complaint", 3)
    sealed = await network.sealed(COUNT)
    await entries(network, "auditor", "type=none")
    await network.sealed(int(sealed.split("\n")[1]) + 1)

    assert len(await asked_for(network, "complaint", 3)) == 3  # nothing about them followed
    by = {(e["actor"], e["data"]["resource"]): e["data"] for e in found}
    asked = by["auditor:auditor_one", "entries"]
    assert asked["purpose"] == "complaint"
    assert (asked["outcome"], asked["count"]) == ("answered", 2)
    assert asked["filter"] == {"referral_id": "ref_1"}
    assert by["worker:wk_hub_one", "entries"]["outcome"] == "refused"
    assert by["auditor:auditor_one", "entry"]["count"] == 0
    who = await entries(network, "auditor", "asked=ref_1&actor=worker:wk_hub_one")
    assert all(e["says"].endswith("and was refused.") for e in who)
    assert who


async def test_the_accounting_says_who_shared_what_with_whom_and_why(network: Network) -> None:
    answer = await get(network, "auditor", "/v1/subjects/sub_1/disclosures?purpose=access_request")
    lines = {line["seq"]: line for line in answer.json()["disclosures"]}

    assert lines[3]["kind"] == "shared"
    assert (lines[3]["recipients"], lines[3]["grounds"]) == ([sample.POLICE], ["consent"])
    assert lines[4]["kind"] == "withheld"
    assert (lines[4]["recipients"], lines[4]["withheld"]) == (["ag_unsafe"], ["recipient_unsafe"])
    assert lines[5]["kind"] == "viewed"
    assert lines[5]["categories"] == ["existence"]
    assert lines[5]["withheld"] == ["health: no_ground"]
    assert lines[5]["agreements"] == ["agr_1"]
    assert lines[6]["kind"] == "refused"
    assert 7 not in lines
    assert any(line["kind"] == "asked" for line in lines.values())
    agency = await get(network, "auditor", f"/v1/trail/agencies/{sample.POLICE}/disclosures")
    assert {line["seq"] for line in agency.json()["disclosures"]} >= {3, 5, 7}


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

    await until(passed, deadline=20, what="a pass of the self-check")
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
    assert "8 entries are in the trail" in part.said
    assert f"only added to the {size} you had sealed" in part.said
    gaps = verify("gaps", some)
    assert gaps.code in (0, 2)
    refused = await network.ask("manager", "POST", "/v1/exports", json={})
    assert refused.status_code == 403
    gone = await get(network, "auditor", "/v1/exports/exp_none")
    assert gone.status_code == 404


async def fetched(network: Network, path: Path, wanted: dict[str, Any]) -> Path:
    asked = await network.ask("auditor", "POST", "/v1/exports?purpose=inspection", json=wanted)
    assert asked.status_code == 201, asked.text
    answer = await get(network, "auditor", asked.headers["location"])
    assert answer.status_code == 200
    path.write_bytes(answer.content)  # noqa: ASYNC240 - small
    return path


async def test_a_partner_agency_watches_with_the_one_file_and_nothing_of_ours(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.audit.onefile import one_file

    file, keep = tmp_path / "verify_trail.py", tmp_path / "kept"
    file.write_text(one_file())
    key = (await get(network, "police", "/v1/keys")).json()["keys"][0]["verifier_key"]
    monkeypatch.setenv("TRAIL_TOKEN", network.token("police"))
    url = network.modules["audit"].url
    watch = ("watch", url, "--key", key, "--keep", keep, "--once")

    first = await program(*watch, file=file)
    await entries(network, "auditor", "type=none")
    await network.sealed(int(keep.read_text().split("\n")[1]) + 1)
    second = await program(*watch, file=file)

    assert (first.code, second.code) == (0, 0), first.said + second.said
    assert "everything sealed before is still there" in second.said
    stranger = VerifierKey("hub-and-spoke/trail", bytes(32))
    other = await program(*watch[:2], "--key", str(stranger), *watch[4:], file=file)
    assert other.code == 2
    assert (await program("watch", file=file)).code == 3


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
