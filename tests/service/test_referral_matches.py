"""The queue of possible matches: each pair once, oldest first, to those who may see it; and what
practitioners make of it, whoever else decides and wherever the process dies."""

import asyncio
import contextlib
import hashlib
import itertools
import random
from collections.abc import AsyncIterator, Sequence
from datetime import date, timedelta
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from allinone import sample
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import PEOPLE, Network, running
from tests.harness.waiting import until
from tests.harness.young_people import COMPARED

SOUTH = "hub_south"
# Not like each other.
NAMES = (
    *("Ada Quillon", "Bertram Foxley", "Cosima Wendt", "Duncan Okparo"),
    *("Esme Yardley", "Goran Pitchford", "Hyacinth Molloy"),
)
AREAS = {"northtown": sample.HUB, "westby": sample.HUB, "southtown": SOUTH, "nowhere": None}
MANAGERS = {
    "north": {"sub": "mg_north", "role": "hub_manager", "hub_id": sample.HUB},
    "north_two": {"sub": "mg_north_two", "role": "hub_manager", "hub_id": sample.HUB},
    "south": {"sub": "mg_south", "role": "hub_manager", "hub_id": SOUTH},
    "south_two": {"sub": "mg_south_two", "role": "hub_manager", "hub_id": SOUTH},
    "north_in_south": {"sub": "mg_north", "role": "hub_manager", "hub_id": SOUTH},
}


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    folder = tmp_path_factory.mktemp("matches")
    async with running(broker, mongo, folder, ["referral", "audit"]) as started:
        await started.load_referral_sample()
        await started.hub_registered(SOUTH, "southtown")

        async def known() -> bool:
            return (await ask(started, "south", "GET", "/v1/possible-matches")).is_success

        await until(known, deadline=20, what="the other Hub being known")
        yield started


async def ask(
    network: Network, who: str, method: str, path: str, body: Any = None, **headers: str
) -> httpx2.Response:
    token = network.issue(**(PEOPLE | MANAGERS)[who])
    url = network.modules["referral"].url
    async with httpx2.AsyncClient(trust_env=False, timeout=15) as http:
        headers |= {"Authorization": f"Bearer {token}"}
        return await http.request(method, url + path, json=body, headers=headers)


def a_number(start: int) -> str:
    """A valid NHS number of the range for tests."""
    while True:
        digits = f"999{start:06}"
        check = 11 - sum(int(d) * w for d, w in zip(digits, range(10, 1, -1), strict=True)) % 11
        if check != 10:
            return f"{digits}{check % 11}"
        start += 1


CHILDREN = itertools.count(1)


def a_birth_date(name: str) -> str:
    """Of each name another, and none of them alike."""
    day = date(2008, 1, 2) + timedelta(
        days=int(hashlib.sha256(name.encode()).hexdigest(), 16) % 2500
    )
    return day.isoformat()


async def refer(network: Network, name: str, area: str = "northtown") -> str:
    """A child of that name, with an NHS number of their own."""
    number = next(CHILDREN)
    child = {
        "name": name,
        "date_of_birth": a_birth_date(name),
        "nhs_number": a_number(100_003 * number % 999_983),
    }
    answer = await network.refer(f"{name}-{number}", area=area, subject=child)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def two_alike(network: Network, name: str, areas: Sequence[str]) -> tuple[str, str]:
    """Two children of one name and birth date, with NHS numbers of their own."""
    ids = [await refer(network, name, area) for area in areas]
    await network.quiet()
    return ids[0], ids[1]


async def queue(network: Network, who: str, limit: int = 100) -> list[dict[str, Any]]:
    """All pages, put together."""
    found: list[dict[str, Any]] = []
    path = f"/v1/possible-matches?limit={limit}"
    cursor = ""
    while True:
        answer = await ask(network, who, "GET", path + cursor)
        assert answer.status_code == 200, answer.text
        found += answer.json()["matches"]
        if not answer.json()["next"]:
            return found
        assert len(answer.json()["matches"]) == limit
        cursor = f"&cursor={answer.json()['next']}"


async def test_each_hub_sees_the_pairs_of_its_referrals_and_nothing_of_another_hubs(
    network: Network,
) -> None:
    seed = random.randrange(1 << 30)
    print("seed", seed)
    chance = random.Random(seed)
    pairs = {}
    for name in NAMES:
        areas = (chance.choice(list(AREAS)), chance.choice(list(AREAS)))
        pairs[await two_alike(network, name, areas)] = areas
    # North's first manager is marked for one child, once both can be seen by a manager of theirs.
    readable = [p for p, areas in pairs.items() if any(AREAS[a] for a in areas)]
    marked = chance.choice(readable)
    side = chance.choice([i for i, a in zip(marked, pairs[marked], strict=True) if AREAS[a]])
    whose = "south" if AREAS[pairs[marked][marked.index(side)]] == SOUTH else "north_two"
    body = {"unsafe": True, "relation": "household_member", "sub": "mg_north"}
    path = f"/v1/referrals/{side}/unsafe-accounts"
    assert (await ask(network, whose, "PUT", path, body)).status_code == 200

    for who in ("north", "north_two", "south"):
        hub = MANAGERS[who]["hub_id"]
        expected = {
            tuple(i for i, area in zip(pair, areas, strict=True) if AREAS[area] == hub)
            for pair, areas in pairs.items()
            if who != "north" or pair != marked
        } - {()}
        whole = await queue(network, who)
        # Other tests of this file leave pairs too.
        seen = [m for m in whole if {*m["referral_ids"]} <= {i for pair in pairs for i in pair}]
        text = str(whole)

        assert [m["since"] for m in whole] == sorted(m["since"] for m in whole)
        assert await queue(network, who, limit=2) == whole
        assert {tuple(sorted(m["referral_ids"])) for m in seen} == {
            tuple(sorted(e)) for e in expected
        }
        for match in seen:
            assert match["elsewhere"] == (len(match["referral_ids"]) == 1)
            assert (match["agrees"] is None) == match["elsewhere"]
        others = {
            i
            for pair, areas in pairs.items()
            for i, area in zip(pair, areas, strict=True)
            if AREAS[area] != hub
        }
        assert not [i for i in others if i in text]
        assert not [name for name in NAMES if name in text]
        for pair, areas in pairs.items():
            for referral_id, area in zip(pair, areas, strict=True):
                path = f"/v1/referrals/{referral_id}/possible-matches"
                one = await ask(network, who, "GET", path)
                may = AREAS[area] == hub and not (who == "north" and referral_id == side)
                assert one.status_code == (200 if may else 404)
                if may:
                    assert one.json() == [m for m in seen if referral_id in m["referral_ids"]]


async def test_a_decision_is_kept_with_its_reason_and_a_colleague_does_not_overturn_it_unread(
    network: Network,
) -> None:
    mine, other = await two_alike(network, "Decided Once", ("northtown", "westby"))
    path = f"/v1/referrals/{mine}/match-decisions"
    said = {"other_referral_id": other, "ground": "records_compared"}
    first = said | {"decision": "different_people", "reason": "Two marker-reason cousins."}

    decided = await ask(network, "north", "POST", path, first)
    again = await ask(network, "north", "POST", path, first)
    otherwise = said | {"decision": "same_person", "reason": "Synthetic."}
    refused = await ask(network, "north_two", "POST", path, otherwise)
    there = f"/v1/referrals/{other}/match-decisions"
    read = await ask(network, "north_two", "GET", there)
    foreign = await ask(network, "south", "GET", path)

    assert (decided.status_code, again.json()) == (200, decided.json())
    assert (refused.status_code, refused.json()["code"]) == (409, "decided_otherwise")
    assert refused.json()["decision"] == decided.json()["id"]
    (told,) = read.json()
    assert told["reason"] == "Two marker-reason cousins."
    assert (told["decision"], told["ground"]) == ("different_people", "records_compared")
    assert told["by"] == f"hub_manager:{network.account('manager')}"
    assert (told["other_referral_id"], foreign.status_code) == (mine, 404)
    assert not [m for m in await queue(network, "north") if mine in m["referral_ids"]]
    await network.quiet()
    trail = str(await network.trail(mine))
    assert "subject.match_decided" in trail
    assert "record.viewed" in str(await network.trail(other))
    assert "marker-reason" not in trail


async def test_what_a_decision_would_change_is_told_before_and_to_whom_may_decide(
    network: Network,
) -> None:
    mine, other = await two_alike(network, "Foreseen Once", ("northtown", "northtown"))
    mark = {"unsafe": True, "relation": "close_associate"}
    unsafe = f"/v1/referrals/{other}/unsafe-agencies/{sample.POLICE}"
    assert (await ask(network, "north", "PUT", unsafe, mark)).is_success
    path = f"/v1/referrals/{mine}/match-decisions/preview?other_referral_id={other}&decision="

    joined = await ask(network, "north", "GET", f"{path}same_person")
    apart = await ask(network, "north", "GET", f"{path}different_people")
    foreign = await ask(network, "south", "GET", f"{path}same_person")
    itself = await ask(network, "north", "GET", f"{path.replace(other, mine)}same_person")

    assert joined.status_code == 200, joined.text
    marks = {c["referral_id"]: c["marks_added"] for c in joined.json()["changes"]}
    assert marks == {mine: [f"agency:{sample.POLICE}"], other: []}
    assert any(sample.POLICE in sentence for sentence in joined.json()["sentences"])
    assert (apart.json()["nothing_changes"], foreign.status_code) == (True, 404)
    assert (itself.status_code, itself.json()["code"]) == (409, "same_referral")
    assert len([m for m in await queue(network, "north") if mine in m["referral_ids"]]) == 1


async def test_of_a_pair_with_another_hub_either_decides_once_they_have_spoken(
    network: Network,
) -> None:
    mine, other = await two_alike(network, "Decided Elsewhere", ("northtown", "southtown"))
    (north,) = [m for m in await queue(network, "north") if mine in m["referral_ids"]]
    (south,) = [m for m in await queue(network, "south") if other in m["referral_ids"]]
    path = f"/v1/referrals/{mine}/match-decisions"
    named = {
        "match_id": north["id"],
        "decision": "different_people",
        **COMPARED,
    }

    by_id = await ask(
        network,
        "north",
        "POST",
        path,
        {
            "other_referral_id": other,
            "decision": "same_person",
            **COMPARED,
        },
    )
    unspoken = await ask(network, "north", "POST", path, named)
    silent = [
        await ask(network, "north", "POST", path, {k: v for k, v in named.items() if k != left})
        for left in ("ground", "reason")
    ]
    silent.append(await ask(network, "north", "POST", path, named | {"reason": " "}))
    spoken = named | {"ground": "spoke_with_other_hub", "reason": "Marker of the north."}
    decided = await ask(network, "north", "POST", path, spoken)
    theirs = await ask(network, "south", "GET", f"/v1/referrals/{other}/match-decisions")
    nothing = await ask(network, "north", "POST", path, named | {"match_id": f"pm_{'0' * 32}"})

    assert (north["hub_id"], south["hub_id"], north["id"]) == (SOUTH, sample.HUB, south["id"])
    assert (by_id.status_code, nothing.status_code) == (404, 404)
    assert [a.json()["errors"][0]["pointer"] for a in silent] == ["/ground", "/reason", "/reason"]
    assert (unspoken.status_code, unspoken.json()["code"]) == (409, "speak_first")
    assert decided.status_code == 200, decided.text
    (told,) = theirs.json()
    assert (told["other_referral_id"], told["reason"]) == (None, None)
    assert not [m for m in await queue(network, "south") if other in m["referral_ids"]]


async def subjects(network: Network, *referral_ids: str) -> set[str]:
    referrals = network.mongo_of("referral")["referrals"]
    found = await referrals.find({"_id": {"$in": list(referral_ids)}}).to_list()
    return {referral["subject_id"] for referral in found}


def said(match_id: str, decision: str = "same_person") -> dict[str, str]:
    spoken = {"ground": "spoke_with_other_hub", "reason": "Synthetic."}
    return {"match_id": match_id, "decision": decision, **spoken}


async def test_two_hubs_are_joined_by_a_second_person_of_the_other_hub_only(
    network: Network,
) -> None:
    mine, other = await two_alike(network, "Joined Crosswise", ("northtown", "southtown"))
    (match,) = [m for m in await queue(network, "north") if mine in m["referral_ids"]]
    at_north = f"/v1/referrals/{mine}/match-decisions"
    at_south = f"/v1/referrals/{other}/match-decisions"
    body = said(match["id"])

    nothing = await ask(network, "north", "POST", at_north, said(match["id"], "undecided"))
    proposed = await ask(network, "north", "POST", at_north, body)
    again = await ask(network, "north_two", "POST", at_north, body)
    oneself = await ask(network, "north_in_south", "POST", at_south, body)
    unspoken = await ask(network, "south", "POST", at_south, body | {"ground": "other"})
    (shown,) = [m for m in await queue(network, "south") if other in m["referral_ids"]]
    (own,) = [m for m in await queue(network, "north") if mine in m["referral_ids"]]
    still_two = await subjects(network, mine, other)
    back = await ask(network, "north_two", "POST", at_north, said(match["id"], "undecided"))
    (gone,) = [m for m in await queue(network, "south") if other in m["referral_ids"]]
    anew = await ask(network, "south", "POST", at_south, body)
    joined = await ask(network, "north", "POST", at_north, body)
    repeated = await ask(network, "north", "POST", at_north, body)
    await network.quiet()

    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_proposed")
    assert (proposed.status_code, proposed.json()["proposed"]) == (200, True), proposed.text
    assert again.json() == proposed.json()
    assert (oneself.status_code, oneself.json()["code"]) == (409, "second_person_needed")
    assert (unspoken.status_code, unspoken.json()["code"]) == (409, "speak_first")
    assert shown["proposed"]["id"] == own["proposed"]["id"] == proposed.json()["id"]
    assert (shown["proposed"]["yours"], own["proposed"]["yours"]) == (False, True)
    assert shown["proposed"]["hub_id"] == sample.HUB
    assert mine not in str(shown)
    assert len(still_two) == 2
    assert (back.status_code, gone["proposed"]) == (200, None)
    assert (anew.json()["proposed"], joined.json()["proposed"]) == (True, False)
    assert repeated.json() == joined.json()
    assert len(await subjects(network, mine, other)) == 1
    told = [e["type"] for e in await network.trail(other)]
    assert told.count("referral.join_proposed") == told.count("referral.join_proposal_ended") == 1
    kept = (await ask(network, "south", "GET", at_south)).json()
    assert [(d["decision"], d["proposed"]) for d in kept] == [
        *[("same_person", True), ("undecided", False)],
        *[("same_person", True), ("same_person", False)],
    ]
    assert not [m for m in await queue(network, "south") if other in m["referral_ids"]]


async def test_a_pair_of_one_hub_asks_another_that_has_the_same_young_person(
    network: Network,
) -> None:
    name, south = "Joined Roundabout", ("northtown", "southtown")
    one, theirs = await two_alike(network, name, south)
    two = await refer(network, name)
    await network.quiet()
    (match,) = [m for m in await queue(network, "north") if m["referral_ids"] == [one]]
    for who, at in (("north", one), ("south", theirs)):
        path = f"/v1/referrals/{at}/match-decisions"
        assert (await ask(network, who, "POST", path, said(match["id"]))).is_success
    await network.quiet()
    path = f"/v1/referrals/{one}/match-decisions"
    body = said(match["id"]) | {"other_referral_id": two}
    del body["match_id"]

    preview = await ask(
        network, "north", "GET", f"{path}/preview?other_referral_id={two}&decision=same_person"
    )
    proposed = await ask(network, "north", "POST", path, body)
    apart = await subjects(network, one, theirs, two)
    at_south = f"/v1/referrals/{theirs}/match-decisions"
    agreed = await ask(network, "south", "POST", at_south, said(proposed.json()["match_id"]))

    assert preview.json()["second_person"] is True
    assert (proposed.status_code, proposed.json()["proposed"]) == (200, True), proposed.text
    assert len(apart) == 2
    assert (agreed.status_code, agreed.json()["proposed"]) == (200, False), agreed.text
    await network.quiet()
    assert len(await subjects(network, one, theirs, two)) == 1


async def test_of_one_hubs_proposals_at_once_one_stands_and_of_its_confirming_and_rejecting_one_counts(
    network: Network,
) -> None:
    mine, other = await two_alike(network, "Joined Atonce", ("northtown", "southtown"))
    (match,) = [m for m in await queue(network, "north") if mine in m["referral_ids"]]
    asked = [("north", mine), ("north_two", mine)] * 3
    answers = await asyncio.gather(
        *(
            ask(network, w, "POST", f"/v1/referrals/{i}/match-decisions", said(match["id"]))
            for w, i in asked
        )
    )
    assert {a.status_code for a in answers} == {200}
    assert len({a.json()["id"] for a in answers}) == 1
    assert len(await subjects(network, mine, other)) == 2

    path = f"/v1/referrals/{other}/match-decisions"
    rival = [("south", said(match["id"])), ("south_two", said(match["id"], "undecided"))]
    both = await asyncio.gather(*(ask(network, w, "POST", path, body) for w, body in rival))
    await network.quiet()

    joined = len(await subjects(network, mine, other)) == 1
    confirmed = both[0].is_success and not both[0].json()["proposed"]
    assert {a.status_code for a in both} <= {200, 409}
    assert joined == confirmed
    assert any(a.is_success for a in both)


@pytest.mark.parametrize("point", ["decision.after_begun", "decision.after_carried_out"])
async def test_a_proposal_that_died_half_way_is_not_in_force_or_was_told(
    network: Network, point: str
) -> None:
    name = f"Proposed {'Onceover' if point.endswith('begun') else 'Twilight'}"
    mine, other = await two_alike(network, name, ("northtown", "southtown"))
    (match,) = [m for m in await queue(network, "north") if mine in m["referral_ids"]]
    path = f"/v1/referrals/{mine}/match-decisions"
    process = await network.replace("referral", FAULTS="1", FAULT=point)
    with pytest.raises(httpx2.HTTPError):
        await ask(network, "north", "POST", path, said(match["id"]))
    await until(lambda: not process.running, deadline=20, what=f"dying at {point}")
    await network.replace("referral")
    await network.quiet()

    (shown,) = [m for m in await queue(network, "south") if other in m["referral_ids"]]
    again = await ask(network, "north", "POST", path, said(match["id"]))
    await network.quiet()

    assert (shown["proposed"] is not None) == (point == "decision.after_carried_out")
    assert again.status_code == 200, again.text
    (known,) = [m for m in await queue(network, "south") if other in m["referral_ids"]]
    assert known["proposed"]["id"] == again.json()["id"]
    told = [e["type"] for e in await network.trail(other)]
    assert told.count("referral.join_proposed") == 1
    assert len(await subjects(network, mine, other)) == 2


async def test_what_is_erased_leaves_the_queue_with_what_was_said_of_it(network: Network) -> None:
    mine, other = await two_alike(network, "Erased Once", ("northtown", "northtown"))
    path, star = f"/v1/referrals/{mine}", {"If-Match": "*"}
    body = {
        "other_referral_id": other,
        "decision": "different_people",
        **COMPARED,
    }
    assert (await ask(network, "north", "POST", f"{path}/match-decisions", body)).is_success
    third = await refer(network, "Erased Once")
    await network.quiet()
    before = [m for m in await queue(network, "north") if third in m["referral_ids"]]

    await ask(
        network, "school", "POST", f"{path}/steps/withdrawal", {"reason": "moved_away"}, **star
    )
    reason = {"reason": "right_to_erasure"}
    assert (await ask(network, "north", "POST", f"{path}/erasure", reason, **star)).is_success
    await network.quiet()

    after = [m for m in await queue(network, "north") if third in m["referral_ids"]]
    assert sorted(m["referral_ids"] for m in before) == sorted(
        [sorted([mine, third]), sorted([other, third])]
    )
    assert [m["referral_ids"] for m in after] == [sorted([other, third])]
    kept = (
        await network.mongo_of("referral")["possible_matches"]
        .find({"referral_ids": mine})
        .to_list()
    )
    assert not [entry for entry in kept if entry["open"] or "reasons" in entry]


async def test_a_correction_finds_and_hides_nothing(network: Network) -> None:
    mine, other = await two_alike(network, "Corrected Once", ("northtown", "northtown"))
    third = await refer(network, "Somebody Else")
    path, star = f"/v1/referrals/{mine}/amendments", {"If-Match": "*"}
    subject = {"name": "Quite Otherly", "date_of_birth": "2004-11-12", "gender": "female"}

    amended = await ask(network, "school", "POST", path, {"subject": subject}, **star)
    await network.quiet()

    assert amended.status_code == 200, amended.text
    (still,) = [m for m in await queue(network, "north") if mine in m["referral_ids"]]
    assert other in still["referral_ids"]
    assert {"name", "date_of_birth"} <= set(still["differs"])
    assert third not in str(await queue(network, "north"))


@pytest.mark.parametrize("point", ["match.after_note", "match.after_others"])
async def test_a_search_that_died_half_way_is_finished(network: Network, point: str) -> None:
    name = f"Died {'Onceover' if point.endswith('note') else 'Twilight'}"
    mine = await refer(network, name)
    await network.quiet()
    process = await network.replace("referral", FAULTS="1", FAULT=point)
    other = await refer(network, name)
    await until(lambda: not process.running, deadline=20, what=f"dying at {point}")
    await network.replace("referral")
    await network.quiet()

    (seen,) = [m for m in await queue(network, "north") if mine in m["referral_ids"]]
    told = [e["type"] for i in (mine, other) for e in await network.trail(i)]
    assert seen["referral_ids"] == sorted([mine, other])
    assert told.count("referral.match_suspected") == told.count("referral.match_noted") == 1


@pytest.mark.parametrize("point", ["decision.after_begun", "decision.after_carried_out"])
async def test_a_decision_that_died_half_way_is_nobody_elses_and_is_finished(
    network: Network, point: str
) -> None:
    name = f"Halved {'Onceover' if point.endswith('begun') else 'Twilight'}"
    mine, other = await two_alike(network, name, ("northtown", "northtown"))
    path = f"/v1/referrals/{mine}/match-decisions"
    body = {
        "other_referral_id": other,
        "decision": "different_people",
        **COMPARED,
    }
    process = await network.replace("referral", FAULTS="1", FAULT=point)
    with pytest.raises(httpx2.HTTPError):
        await ask(network, "north", "POST", path, body)
    await until(lambda: not process.running, deadline=20, what=f"dying at {point}")
    await network.replace("referral")
    await network.quiet()

    otherwise = await ask(network, "north_two", "POST", path, body | {"decision": "same_person"})
    again = await ask(network, "north", "POST", path, body)

    (told,) = (await ask(network, "north", "GET", path)).json()
    assert (otherwise.status_code, otherwise.json()["code"]) == (409, "decided_otherwise")
    assert (again.status_code, told["id"]) == (200, again.json()["id"])
    assert told["reason"] == "Synthetic."
    stored = await network.mongo_of("referral")["possible_matches"].find_one(
        {"_id": told["match_id"]}
    )
    assert stored is not None
    assert ("deciding" in stored, len(stored["decisions"]), stored["open"]) == (False, 1, False)


@pytest.mark.parametrize("point", ["doubt.after_noted", "doubt.after_one"])
async def test_a_doubt_that_died_half_way_is_finished(network: Network, point: str) -> None:
    """Who joined two calls as an agency that gains; the service dies while it looks at that again."""
    name = f"Doubted {'Onceover' if point.endswith('noted') else 'Twilight'}"
    mine, other = await two_alike(network, name, ("northtown", "northtown"))
    yes = {
        **{"agency_ids": [sample.POLICE], "given_by": "young_person", "status": "given"},
        **{"gillick_competent": True, "categories": ["existence", "concerns"]},
    }
    key = {"Idempotency-Key": point}
    path = f"/v1/referrals/{mine}"
    recorded = await ask(network, "north", "POST", f"{path}/consents", yes, **key)
    assert recorded.status_code == 201, recorded.text
    MANAGERS[point] = {"sub": point, "role": "hub_manager", "hub_id": sample.HUB}
    MANAGERS[f"{point} calls"] = {"sub": point, "role": "agency", "agency_id": sample.POLICE}
    body = {"other_referral_id": other, "decision": "same_person", **COMPARED}
    for who in ("north", "police"):
        signed = await ask(network, who, "POST", sample.SIGNATURES, {"version": 1})
        assert signed.is_success, signed.text
    joined = await ask(network, point, "POST", f"{path}/match-decisions", body)
    assert joined.is_success, joined.text
    await network.quiet()

    process = await network.replace("referral", FAULTS="1", FAULT=point)
    with contextlib.suppress(httpx2.HTTPError):  # it may die before it answers
        await ask(network, f"{point} calls", "GET", path)
    await until(lambda: not process.running, deadline=20, what=f"dying at {point}")
    await network.replace("referral")
    await network.quiet()

    (waits,) = [m for m in await queue(network, "north") if mine in m["referral_ids"]]
    assert waits["decided_again"]
    told = [e["type"] for i in (mine, other) for e in await network.trail(i)]
    assert told.count("subject.match_doubted") == 2
    again = await ask(network, "north_two", "POST", f"{path}/match-decisions", body)
    await network.quiet()
    assert again.is_success, again.text
    assert mine not in str(await queue(network, "north"))
