"""Whoever is marked as unsafe for a young person finds nothing of them in the trail."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from allinone import sample
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import Network, running
from tests.harness.trails import body
from tests.harness.waiting import until

FIRST = 1  # entry 0 is that of the signing key
MATCHES = ("referral.match_suspected", "referral.match_noted")
SERVICE: dict[str, Any] = {"actor": "service:x", "actorrole": "service"}


def marking(number: int, subject_id: str, version: int, *names: str, **data: Any) -> bytes:
    """A mark on the first of these names, after which all of them are marked."""
    kind, _, one = (names or ("agency:ag_x",))[0].partition(":")
    return body(
        number,
        **{
            "type": "sharing.safety_marked",
            "subject": subject_id,
            "version": version,
            "subject_id": subject_id,
            "referral_ids": [data["referral_id"]],
            "sharing": {},
            "unsafe_names": list(names),
            "marked_kind": kind,
            "marked_id": one,
            "unsafe": bool(names),
            **data,
        },
    )


def story(manager: str, auditor: str) -> list[bytes]:
    """Three referrals of the school to one Hub. It is unsafe for the first young person, and, as
    the first turned out to be the third, for that one; the second mark was lifted again, and its
    older event came late."""
    told: list[bytes] = []
    for number in (1, 2, 3):
        about: dict[str, Any] = {"subject_id": f"sub_{number}", "referral_id": f"ref_{number}"}
        told.append(body(10 * number, **about, agency_id=sample.SCHOOL))
        data: dict[str, Any] = {
            **about,
            "agency_id": sample.SCHOOL,
            "hub_id": sample.HUB,
            **SERVICE,
        }
        told.append(body(10 * number + 1, type="allocation.made", **data))
    school, names = f"agency:{sample.SCHOOL}", (f"account:{manager}", f"account:{auditor}")
    told += [
        body(
            40 + number,
            type=event_type,
            subject_id="sub_2",
            referral_id="ref_2",
            other_referral_ids=["ref_1"],
            **SERVICE,
        )
        for number, event_type in enumerate(MATCHES)
    ]
    told.append(marking(50, "sub_1", 3, school, *names, referral_id="ref_1"))
    told += [
        marking(51 + number, "sub_1", 4 + number, name, school, *names, referral_id="ref_1")
        for number, name in enumerate(names)
    ]
    told.append(marking(53, "sub_2", 6, referral_id="ref_2"))
    told.append(marking(54, "sub_2", 5, school, referral_id="ref_2"))
    moved: dict[str, Any] = {"from_subject_id": "sub_1", "to_subject_id": "sub_3", "sharing": {}}
    told.append(
        body(
            55,
            type="subject.relinked",
            subject="sub_3",
            version=4,
            subject_id="sub_3",
            referral_id="ref_1",
            referral_ids=["ref_3", "ref_1"],
            unsafe_names=[school],
            **moved,
        )
    )
    told.append(body(90, subject=sample.HUB, type="hub.registered", hub_id=sample.HUB, **SERVICE))
    return told


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    async with running(broker, mongo, tmp_path_factory.mktemp("audit"), ["audit"]) as one:
        await one.sealed(FIRST)
        told = story(one.account("manager"), one.account("auditor"))
        await one.publish(*told)
        await one.sealed(FIRST + len(told))
        yield one


async def found(network: Network, person: str, query: str = "") -> list[str]:
    answer = await network.ask(person, "GET", f"/v1/trail?limit=500{query}")
    assert answer.status_code == 200, answer.text
    return [str(entry["says"]) for entry in answer.json()["entries"]]


async def test_an_unsafe_referrer_does_not_read_the_fate_of_its_referral(network: Network) -> None:
    everything = await found(network, "school")

    assert any("ref_2 was allocated" in says for says in everything)
    assert not [says for says in everything if "ref_1" in says or "ref_3" in says]
    assert await found(network, "school", "&referral_id=ref_1") == []
    assert await found(network, "school", "&referral_id=ref_3") == [], "joined with the first"


@pytest.mark.parametrize("person", ["school", "manager", "auditor"])
async def test_no_entry_of_theirs_is_found_by_its_place_or_its_event(
    network: Network, person: str
) -> None:
    document = await network.mongo_of("audit")["entries"].find_one({"_id": f"evt_{11:032d}"})
    assert document is not None

    for path in (f"/v1/trail/{document['seq']}", f"/v1/trail/events/evt_{11:032d}"):
        assert (await network.ask(person, "GET", path)).status_code in (403, 404), path


async def test_a_marked_manager_is_refused_as_one_of_another_hub(network: Network) -> None:
    marked = await network.ask("manager", "GET", "/v1/trail?referral_id=ref_1")
    elsewhere = await network.ask("manager", "GET", "/v1/trail?referral_id=ref_none")
    other = await network.ask("manager", "GET", "/v1/trail?referral_id=ref_2")

    assert (marked.status_code, marked.json()["code"]) == (404, elsewhere.json()["code"])
    assert (elsewhere.status_code, other.status_code) == (404, 200)


async def test_nobody_learns_from_another_child_s_entries_of_one_they_are_marked_for(
    network: Network,
) -> None:
    by_role = {p: await found(network, p, "&referral_id=ref_2") for p in ("manager", "auditor")}
    headers = {"Authorization": f"Bearer {network.issue(sub='auditor_two', role='auditor')}"}
    unmarked = await network.ask("auditor", "GET", "/v1/trail?referral_id=ref_2", headers=headers)

    assert all(says for says in by_role.values())
    assert not [says for found in by_role.values() for says in found if "ref_1" in says]
    assert unmarked.text.count("may be about the same young person") == len(MATCHES)


async def test_a_marked_auditor_finds_the_others_only(network: Network) -> None:
    assert await found(network, "auditor", "&referral_id=ref_1") == []
    assert await found(network, "auditor", "&subject_id=sub_1") == []
    assert await found(network, "auditor", "&referral_id=ref_2")
    accounted = await network.ask("auditor", "GET", "/v1/subjects/sub_1/disclosures")
    assert accounted.json()["disclosures"] == []


async def test_whatever_an_auditor_takes_away_is_about_others(network: Network) -> None:
    """Gaps, every report, every account, a filtered export; and the whole trail not at all."""
    about = re.compile(rb"(ref|sub)_1\b")
    named = [r["name"] for r in (await network.ask("auditor", "GET", "/v1/trail/reports")).json()]
    paths = ["/v1/trail/gaps", f"/v1/trail/agencies/{sample.SCHOOL}/disclosures"]
    paths += [f"/v1/trail/reports/{name}" for name in named]
    other = network.issue(sub="auditor_two", role="auditor")
    headers = {"Authorization": f"Bearer {other}"}
    asked = {"agency": sample.SCHOOL}
    part = await network.ask("auditor", "POST", "/v1/exports", json=asked)
    whole = await network.ask("auditor", "POST", "/v1/exports", json={})
    theirs = await network.ask("auditor", "POST", "/v1/exports", json={}, headers=headers)

    paths.append(part.json()["location"])
    marked = {p: (await network.ask("auditor", "GET", p)).content for p in paths}
    unmarked = {p: (await network.ask("auditor", "GET", p, headers=headers)).content for p in paths}
    fetched = await network.ask("auditor", "GET", theirs.json()["location"])

    assert [p for p, said in marked.items() if about.search(said)] == []
    assert len([p for p, said in unmarked.items() if about.search(said)]) >= 3
    assert all(re.search(rb"(ref|sub)_2\b", marked[p]) for p in paths[1:2] + paths[-1:])
    assert (whole.status_code, fetched.status_code, theirs.status_code) == (404, 404, 201)


@pytest.mark.parametrize("name", ["worker", "actor", "recipient", "subject_id", "agency"])
async def test_an_agency_finds_out_nobody_by_what_it_searches_for(
    network: Network, name: str
) -> None:
    entries = network.mongo_of("audit")["entries"]
    keys = {"fields.keys": {"$all": [f"informed:{sample.SCHOOL}"]}}
    held = [key async for d in entries.find(keys) for key in d["fields"]["keys"]]
    others = {key.partition(":")[2] for key in held if key.startswith(f"{name}:")}

    assert name != "subject_id" or "sub_2" in others
    for one in others - {sample.SCHOOL, f"agency:{sample.SCHOOL}"}:
        assert await found(network, "school", f"&{name}={one}") == []


async def test_a_lifted_mark_gives_back_the_reading(network: Network) -> None:
    lifted = marking(60, "sub_3", 5, referral_id="ref_3")
    await network.publish(lifted)

    async def there() -> bool:
        return bool(await found(network, "school", "&referral_id=ref_3"))

    await until(there, deadline=20, what="the entries of the third referral")

    await network.publish(marking(61, "sub_3", 6, f"agency:{sample.SCHOOL}", referral_id="ref_3"))

    async def gone() -> bool:
        return not await there()

    await until(gone, deadline=20, what="the mark for it, again")
