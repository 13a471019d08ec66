"""Two children stay two: what agencies send is linked only where nothing contradicts it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from allinone import sample
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import Network, running
from tests.harness.waiting import until
from tests.harness.young_people import COMPARED

BORN = "2012-05-17"
ONE, OTHER = "9434765919", "9434765870"


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    folder = tmp_path_factory.mktemp("identity")
    async with running(broker, mongo, folder, ["referral", "audit"]) as started:
        await started.load_referral_sample()
        yield started


async def refer(network: Network, key: str, **subject: Any) -> dict[str, Any]:
    answer = await network.refer(key, subject={"date_of_birth": BORN, **subject})
    assert answer.status_code == 201, answer.text
    stored = await network.mongo_of("referral")["referrals"].find_one({"_id": answer.json()["id"]})
    assert stored is not None
    return {**answer.json(), "subject_id": stored["subject_id"]}


async def matches(network: Network, referral_id: str, *others: str) -> dict[str, Any]:
    """The possible matches of a referral by the other one's id, once these are among them."""
    await network.mongo_of("referral")["referrals"].update_many(
        {}, {"$set": {"hub_id": sample.HUB}}
    )

    async def found() -> dict[str, Any]:
        path = f"/v1/referrals/{referral_id}/possible-matches"
        answer = await network.ask("manager", "GET", path)
        assert answer.status_code == 200, answer.text
        by_id = {i: m for m in answer.json() for i in m["referral_ids"] if i != referral_id}
        return by_id if set(others) <= set(by_id) else {}

    return await until(found, deadline=20, what="the possible matches")


async def test_two_boys_alike_stay_two_and_are_offered(network: Network) -> None:
    name = "Alike Sampleton"
    one = await refer(network, "a-1", name=name, nhs_number=ONE, gender="male", address="1 Row")
    other = await refer(
        network, "a-2", name=name, nhs_number=OTHER, gender="other", address="2 Row"
    )
    again = await refer(network, "a-3", name=name, nhs_number=OTHER)
    either = await refer(network, "a-4", name=name)

    assert one["subject_id"] != other["subject_id"] == again["subject_id"]
    assert either["subject_id"] not in (one["subject_id"], other["subject_id"])
    found = await matches(network, other["id"], one["id"])
    assert found[one["id"]]["agrees"] == {"name": "exact", "date_of_birth": "exact"}
    assert found[one["id"]]["differs"] == ["nhs_number"]
    assert found[one["id"]]["contradicts"] == ["nhs_number", "gender"]
    assert again["id"] not in found


async def test_nobody_is_linked_by_a_name_that_means_nobody(network: Network) -> None:
    ids = [
        await refer(network, f"u-{n}", name=name, date_of_birth="2012-01-01")
        for n, name in enumerate(["Unknown", "unknown", "Unknown"])
    ]

    assert len({i["subject_id"] for i in ids}) == 3
    assert {"name_unknown", "date_of_birth_uncertain"} <= set(ids[0]["warnings"])
    others = {ids[1]["id"], ids[2]["id"]}
    assert set(await matches(network, ids[0]["id"], *others)) == others


async def test_a_number_with_other_details_is_for_people(network: Network) -> None:
    number = "9434765897"
    one = await refer(network, "n-1", name="First Sampleton", nhs_number=number)
    other = await refer(
        network, "n-2", name="Second Otherly", nhs_number=number, date_of_birth="2009-08-07"
    )

    assert one["subject_id"] != other["subject_id"]
    found = await matches(network, other["id"], one["id"])
    assert found[one["id"]]["contradicts"] == ["number_of_another"]


async def hub_of(network: Network, *referrals: dict[str, Any]) -> None:
    await network.mongo_of("referral")["referrals"].update_many(
        {"_id": {"$in": [r["id"] for r in referrals]}}, {"$set": {"hub_id": sample.HUB}}
    )


async def decide(network: Network, one: dict[str, Any], other: dict[str, Any], as_: str) -> None:
    path = f"/v1/referrals/{one['id']}/match-decisions"
    body = {
        "other_referral_id": other["id"],
        "decision": as_,
        **COMPARED,
    }
    for _ in range(2):  # saying it again changes nothing
        answer = await network.ask("manager", "POST", path, json=body)
        assert answer.status_code == 200, answer.text


async def record(network: Network, referral: dict[str, Any], status: str) -> None:
    path = f"/v1/referrals/{referral['id']}"
    said = {"status": status, "categories": ["existence"], "given_by": "parent"}
    answer = await network.ask(
        "manager", "POST", f"{path}/consents", json=said, headers={"Idempotency-Key": f"{path}"}
    )
    assert answer.status_code == 201, answer.text
    service = {"agreed": "declined" if status == "refused" else "agreed"}
    answer = await network.ask("manager", "PUT", f"{path}/service-agreement", json=service)
    assert answer.status_code == 200, answer.text
    mark = {"unsafe": status == "refused", "relation": "close_associate"}
    await network.ask("manager", "PUT", f"{path}/unsafe-agencies/{sample.POLICE}", json=mark)


async def sharing(network: Network, referral: dict[str, Any]) -> tuple[Any, ...]:
    answer = await network.ask("manager", "GET", f"/v1/referrals/{referral['id']}/sharing")
    assert answer.status_code == 200, answer.text
    seen = answer.json()
    state = seen["sharing"]
    said = sorted(c["status"] for c in state["consents"])
    return said, state["unsafe_agencies"], state["age_band"], seen["service_agreement"]


async def test_two_who_were_joined_are_parted_each_with_their_own(network: Network) -> None:
    one = await refer(network, "p-1", name="Parted Sampleton")
    born = f"{datetime.now(UTC).year - 17}-01-02"
    other = await refer(network, "p-2", name="Parted Samplestone", date_of_birth=born)
    await hub_of(network, one, other)
    await record(network, one, "refused")
    await record(network, other, "given")
    before = await sharing(network, one), await sharing(network, other)
    declined = (["refused"], [sample.POLICE], "13_to_15", "declined")
    assert before == (declined, (["given"], [], "16_to_17", "agreed"))

    await decide(network, one, other, "same_person")
    joined = await sharing(network, one)
    assert joined == await sharing(network, other)
    assert joined[:3] == (["given", "refused"], [sample.POLICE], "13_to_15")
    await decide(network, other, one, "different_people")

    assert (await sharing(network, one), await sharing(network, other)) == before
    await network.quiet()
    offered = await network.ask("manager", "GET", f"/v1/referrals/{one['id']}/possible-matches")
    assert other["id"] not in offered.text
    await decide(network, one, other, "same_person")
    assert await sharing(network, one) == joined


async def test_two_who_were_linked_by_themselves_are_parted_and_never_linked_again(
    network: Network,
) -> None:
    name = "Linked Sampleton"
    one, other = [await refer(network, f"l-{n}", name=name, school=f"School {n}") for n in "12"]
    assert one["subject_id"] == other["subject_id"]
    await hub_of(network, one, other)
    await record(network, one, "refused")

    await decide(network, one, other, "different_people")

    assert (await sharing(network, one))[0] == ["refused"]
    assert await sharing(network, other) == ([], [], "13_to_15", "not_asked")
    third = await refer(network, "l-3", name=name)
    stored = network.mongo_of("referral")["referrals"]
    subjects = {
        r["subject_id"] async for r in stored.find({"_id": {"$in": [one["id"], other["id"]]}})
    }
    assert len(subjects | {third["subject_id"]}) == 3, "a third who fits both is for a person"
    await matches(network, third["id"], one["id"], other["id"])


@pytest.mark.parametrize("alike", [True, False])
async def test_of_those_who_come_at_once_only_who_agree_are_linked(
    network: Network, alike: bool
) -> None:
    name = f"Once {'Alike' if alike else 'Unlike'}"
    said = [
        {
            "gender": "male" if alike or n % 2 else "female",
            "school": f"School {0 if alike else n % 2}",
        }
        for n in range(6)
    ]

    together = await asyncio.gather(
        *(refer(network, f"{name}-{n}", name=name, **each) for n, each in enumerate(said))
    )

    subjects = [one["subject_id"] for one in together]
    assert len(set(subjects)) == (1 if alike else 2)
    assert len(set(subjects[::2])) == len(set(subjects[1::2])) == 1


async def test_an_amended_number_is_what_later_referrals_are_compared_with(
    network: Network,
) -> None:
    name, number = "Amended Sampleton", "9434765889"
    one = await refer(network, "m-1", name=name)
    path = f"/v1/referrals/{one['id']}/amendments"
    body = {"subject": {"name": name, "date_of_birth": BORN, "nhs_number": number}}
    amended = await network.ask("school", "POST", path, json=body, headers={"If-Match": "*"})
    assert amended.status_code == 200, amended.text

    other = await refer(network, "m-2", name=name, nhs_number="9434765900")
    same = await refer(network, "m-3", name=name, nhs_number=number)

    assert one["subject_id"] == same["subject_id"] != other["subject_id"]


async def test_a_correction_that_a_crash_interrupts_is_what_counts_in_the_end(
    network: Network,
) -> None:
    name = "Crashed Sampleton"
    answer = await network.refer("k-1", subject={"name": name, "estimated_age": 14})
    referral_id = answer.json()["id"]
    process = await network.replace("referral", FAULTS="1", FAULT="retell.after_pointing")
    path = f"/v1/referrals/{referral_id}/amendments"
    body = {"subject": {"name": name, "date_of_birth": BORN}}
    with pytest.raises(httpx2.HTTPError):
        await network.ask("school", "POST", path, json=body, headers={"If-Match": "*"})
    await until(lambda: not process.running, deadline=20, what="dying")
    await network.replace("referral")

    await network.quiet()

    where = {f"facts.{referral_id}": {"$exists": True}}
    subject = await network.mongo_of("referral")["subjects"].find_one(where)
    assert subject is not None
    assert subject["facts"][referral_id]["age"]["source"] == "exact"
    found = await refer(network, "k-2", name=name)
    assert found["subject_id"] == subject["_id"], "found by the corrected date"


async def test_who_was_stored_without_descriptions_is_read_before_anybody_is_linked(
    network: Network,
) -> None:
    name = "Earlier Sampleton"
    one = await refer(network, "e-1", name=name, nhs_number="9434765854")
    await network.mongo_of("referral")["subjects"].update_one(
        {"_id": one["subject_id"]}, {"$unset": {f"facts.{one['id']}.described": ""}}
    )

    other = await refer(network, "e-2", name=name, nhs_number="9434765862")
    same = await refer(network, "e-3", name=name, nhs_number="9434765854")

    assert one["subject_id"] == same["subject_id"] != other["subject_id"]


async def correct(network: Network, referral_id: str, **subject: Any) -> None:
    path = f"/v1/referrals/{referral_id}/amendments"
    body = {"subject": subject}
    answer = await network.ask("school", "POST", path, json=body, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Wrong Sampleton"},
        {"date_of_birth": "2010-10-10"},
        {"name": "Another Otherly", "nhs_number": "9434765838"},
    ],
)
async def test_a_corrected_detail_finds_the_child_and_the_wrong_one_no_longer(
    network: Network, wrong: dict[str, str]
) -> None:
    mark = "-".join(wrong.values())
    right = {"name": f"Right{len(mark)} Sampleton", "nhs_number": "9434765846"} | (
        {} if "nhs_number" in wrong else {"nhs_number": None}
    )
    one = await refer(network, f"c-1-{mark}", **{**right, **wrong})
    await correct(network, one["id"], **{n: right.get(n, BORN) for n in wrong})

    same = await refer(network, f"c-2-{mark}", **right)
    repeated = await refer(network, f"c-3-{mark}", **{**right, **wrong})

    assert one["subject_id"] == same["subject_id"] != repeated["subject_id"]
    await network.quiet()
    assert one["id"] in await matches(network, repeated["id"]), "who repeats it is for a person"


@pytest.mark.parametrize("point", ["amend.before_record", "amend.after_record"])
async def test_a_correction_that_died_is_stored_and_compared_or_neither(
    network: Network, point: str
) -> None:
    wrong, right = f"Wrong {point}", f"Right {point}"
    one = await refer(network, f"{point}-1", name=wrong)
    process = await network.replace("referral", FAULTS="1", FAULT=point)
    with pytest.raises(httpx2.HTTPError):
        await correct(network, one["id"], name=right)
    await until(lambda: not process.running, deadline=20, what=f"dying at {point}")
    await network.replace("referral")

    subjects = [
        (await refer(network, f"{point}-{n}", name=n))["subject_id"] for n in (wrong, right)
    ]

    stored = point == "amend.after_record"
    assert [s == one["subject_id"] for s in subjects] == [not stored, stored]


async def test_two_corrections_at_once_are_both_compared(network: Network) -> None:
    for number in range(5):
        name, born = f"Both{number} Sampleton", f"2011-03-1{number}"
        one = await refer(network, f"both-{number}-1", name=f"Before{number} Sampleton")

        await asyncio.gather(
            correct(network, one["id"], name=name),
            correct(network, one["id"], date_of_birth=born),
            correct(network, one["id"], school="Sample School"),
        )
        same = await refer(network, f"both-{number}-2", name=name, date_of_birth=born)

        assert same["subject_id"] == one["subject_id"], number
