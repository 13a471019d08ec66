"""What young people say by a card: read by whom they chose and nobody else, sealed, theirs to take back,
and for nobody's eyes where they say so. Guessing a code is hopeless, and counted."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, get_args

import httpx2
import pytest
import pytest_asyncio

from services.referral.participation.card import LENGTH, SIGNS, typed
from shared.clock import now
from shared.events.participation import Moment, ReadBy, Theme
from shared.ids import new_id
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import PEOPLE, SERVICES, Network, running
from tests.harness.waiting import until

MARK = "Wrenfeather"
READERS: dict[str, set[str]] = {"worker": {"its"}, "hub": {"its", "manager"}, "nobody": set()}
OTHERS = ("school", "police", "other_worker", "other_manager", "auditor", "operator")


@dataclass
class Case:
    """A referral with a worker who has accepted it."""

    network: Network
    id: str
    worker: str

    async def card(self, who: str = "", **changes: Any) -> str:
        """The code of a new card."""
        answer = await self.invite(who or self.worker, **changes)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["card_code"])

    async def invite(self, who: str, key: str | None = None, **changes: Any) -> Any:
        return await self.network.ask(
            who,
            "POST",
            f"/v1/referrals/{self.id}/invitations",
            json={"moment": "start", **changes},
            headers={"Idempotency-Key": key or new_id("key")},
        )

    async def read(self, who: str) -> Any:
        return await self.network.ask(who, "GET", f"/v1/referrals/{self.id}/participation")

    async def amended(self) -> Any:
        shown = await self.network.ask(self.worker, "GET", f"/v1/referrals/{self.id}")
        return shown.json()["categories"]["contact"]["safe_contact"]


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    async with running(broker, mongo, tmp_path_factory.mktemp("said")) as started:
        await started.load_sample()
        await started.quiet()
        yield started
    for person in [name for name in PEOPLE if name.startswith("its_")]:
        PEOPLE.pop(person)


@pytest_asyncio.fixture(scope="module")
async def case(network: Network) -> Case:
    return await a_case(network, "said", safe_contact={"channels": ["text", "phone"]})


async def a_case(network: Network, key: str, **changes: Any) -> Case:
    child = {"name": f"Child {key}", "date_of_birth": "2012-05-17"}
    sent = await network.refer(key, subject=child, **changes)
    one = str(sent.raise_for_status().json()["id"])

    async def placed() -> str:
        found = await network.ask("manager", "GET", f"/v1/allocations/{one}")
        return str(found.json()["worker_id"] or "") if found.is_success else ""

    worker = await until(placed, deadline=30, what=f"a worker for {key}")
    who = f"its_{worker}"
    PEOPLE[who] = {"sub": worker, "role": "worker", "worker_id": worker}
    (await network.ask(who, "POST", f"/v1/allocations/{one}/acceptance")).raise_for_status()
    await network.quiet()
    return Case(network, one, who)


async def by_card(network: Network, what: str, code: str, **entry: Any) -> Any:
    """As the pages do it for a young person: with an agency's account, and the code."""
    body = {"card_code": code, **entry}
    return await network.ask("health", "POST", f"/v1/participation/{what}", json=body)


async def say(network: Network, code: str, read_by: str, **entry: Any) -> Any:
    words = {"wants": f"{MARK} {random.random()}", "themes": ["more_time"], "feeling": "ok"}
    answer = await by_card(network, "answers", code, **{**words, "read_by": read_by, **entry})
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.mark.parametrize("read_by", get_args(ReadBy))
async def test_it_is_read_by_whom_they_chose_and_every_look_is_an_entry(
    network: Network, read_by: str
) -> None:
    case = await a_case(network, f"chose {read_by}")
    words, moment = f"{MARK} {read_by}", random.choice(get_args(Moment))
    code = await case.card(random.choice((case.worker, "manager")), moment=moment)
    await say(network, code, read_by, wants=words, change=f"{words} too")

    for who, name in ((case.worker, "its"), ("manager", "manager")):
        shown = await case.read(who)
        assert shown.status_code == 200
        found = [(one["moment"], one["wants"], one["change"]) for one in shown.json()["said"]]
        expected = [(moment, words, f"{words} too")] if name in READERS[read_by] else []
        assert found == expected, (read_by, who)
    for who in OTHERS:
        refused = await case.read(who)
        assert (refused.status_code, MARK in refused.text) == (404, False), who
    await network.quiet()
    sentences = [str(event) for event in await network.trail(case.id)]
    assert sum("'part': 'participation'" in one for one in sentences) == 2
    inbox = await network.ask(case.worker, "GET", "/v1/notifications?limit=100")
    kinds = [n["kind"] for n in inbox.json()["notifications"] if n["referral_id"] == case.id]
    assert ("young_person_said" in kinds) is (read_by != "nobody")


async def test_from_what_is_for_nobody_nothing_leads_to_them(network: Network) -> None:
    case = await a_case(network, "nobody")
    used, unused = await case.card(), await case.card()
    before = (await case.read(case.worker)).json()
    await say(network, used, "nobody")
    await network.quiet()

    assert (await case.read(case.worker)).json() == before, "used or not: the worker sees the same"
    stored = [one async for one in network.mongo_of("referral")["said"].find({})]
    mine = [one for one in stored if one["read_by"] == "nobody"]
    assert mine
    invitations = [
        one["_id"] for one in [i async for i in network.mongo_of("referral")["invitations"].find()]
    ]
    for one in mine:
        assert case.id not in repr(one)
        assert not [i for i in invitations if i in repr(one)]
        assert one["_id"] not in repr(await network.trail(case.id))
    assert unused != used


async def test_neither_words_nor_codes_are_anywhere_but_sealed(
    network: Network, case: Case
) -> None:
    code = await case.card()
    await say(network, code, "hub", how=f"{MARK} how")
    await network.quiet()

    for service in SERVICES:
        database = network.mongo_of(service)
        for name in await database.list_collection_names():
            async for document in database[name].find({}):
                for word in (MARK, code, typed(code)):
                    assert word not in repr(document), (service, name)


async def test_they_take_it_back_with_the_same_code(network: Network, case: Case) -> None:
    code = await case.card(moment="end")
    said = await say(network, code, "worker", wants=f"{MARK} to take back")
    opened = (await by_card(network, "cards", code.lower().replace("-", " "))).json()
    assert (opened["state"], opened["destroyed_on"]) == ("said", said["destroyed_on"])
    assert "to take back" in (await case.read(case.worker)).text

    for _ in range(2):
        gone = await by_card(network, "withdrawals", code)
        assert (gone.status_code, gone.json()["state"]) == (200, "taken_back")

    assert "to take back" not in (await case.read(case.worker)).text
    again = await by_card(network, "answers", code, feeling="good", read_by="worker")
    assert (again.status_code, again.json()["code"]) == (409, "card_used")
    database = network.mongo_of("referral")
    (left,) = [one async for one in database["said"].find({"ended": "taken_back"})]
    assert (left["sealed"], left["themes"], left["feeling"]) == ({}, [], None)
    assert await database["vault"].find_one({"keyAltNames": left["_id"]}) is None


async def test_a_card_is_for_once_and_the_same_again_is_the_same(
    network: Network, case: Case
) -> None:
    first, again = [await case.invite(case.worker, "once") for _ in range(2)]
    assert first.json() == again.json()
    other = await case.invite(case.worker, "once", moment="end")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    code = first.json()["card_code"]
    entry = {"feeling": "good", "read_by": "worker", "wants": MARK}

    sent = await asyncio.gather(*(by_card(network, "answers", code, **entry) for _ in range(6)))
    assert {one.status_code for one in sent} == {201}
    assert len({one.text for one in sent}) == 1
    changed = await by_card(network, "answers", code, **{**entry, "feeling": "ok"})
    assert (changed.status_code, changed.json()["code"]) == (409, "card_used")


async def test_a_card_that_is_too_old_is_told_so(network: Network, case: Case) -> None:
    made = (await case.invite(case.worker)).json()
    over = {"$set": {"expires_at": now() - timedelta(seconds=1)}}
    await network.mongo_of("referral")["invitations"].update_one({"_id": made["id"]}, over)

    for what, entry in (("cards", {}), ("answers", {"feeling": "good", "read_by": "worker"})):
        answer = await by_card(network, what, made["card_code"], **entry)
        assert (answer.status_code, answer.json()["code"]) == (409, "card_too_old")


async def test_please_do_not_contact_me_this_way_counts_at_once(network: Network) -> None:
    contact = {"channels": ["text", "phone"], "never_contact": ["Not at home."], "details": "S."}
    case = await a_case(network, "never", safe_contact=contact)
    code = await case.card()
    entry: dict[str, Any] = {"never": ["text", "letter"], "wants": ""}
    for _ in range(2):
        await say(network, code, "nobody", **entry)

    stands = await case.amended()
    assert stands["channels"] == ["phone"]
    first, *added = stands["never_contact"]
    assert (first, stands["details"]) == ("Not at home.", "S.")
    assert [("letter, text" in one) for one in added] == [True], "once, however often it was sent"
    await network.quiet()
    inbox = await network.ask(case.worker, "GET", "/v1/notifications?limit=100")
    told = [n for n in inbox.json()["notifications"] if n["referral_id"] == case.id]
    assert [n["kind"] for n in told].count("case_news") == 1
    await by_card(network, "withdrawals", code)
    assert (await case.amended()) == stands, "what was asked stays"


async def test_a_link_is_made_only_where_one_could_be_sent_safely(network: Network) -> None:
    case = await a_case(network, "link", safe_contact={"channels": ["phone", "through_school"]})
    refused = await case.invite(case.worker, way="link")
    assert (refused.status_code, refused.json()["code"]) == (409, "link_not_safe")
    safe = await a_case(network, "safe link", safe_contact={"channels": ["text"]})
    assert (await safe.invite(safe.worker, way="link")).status_code == 201


async def test_a_worker_who_is_marked_reads_nothing_and_invites_nobody(network: Network) -> None:
    case = await a_case(network, "marked")
    await say(network, await case.card(), "hub", wants=f"{MARK} marked")
    worker = PEOPLE[case.worker]["worker_id"]
    path = f"/v1/referrals/{case.id}/unsafe-workers/{worker}"
    mark = {"unsafe": True, "relation": "close_associate"}
    (await network.ask("manager", "PUT", path, json=mark)).raise_for_status()

    for refused in (await case.read(case.worker), await case.invite(case.worker)):
        assert (refused.status_code, MARK in refused.text) == (404, False)
    assert MARK in (await case.read("manager")).text


async def test_the_words_and_their_key_go_when_their_time_has_come(
    network: Network, case: Case
) -> None:
    code = await case.card()
    await say(network, code, "worker", wants=f"{MARK} of last year", themes=["feel_safe"])
    database = network.mongo_of("referral")
    newest = {"sort": [("said_at", -1)]}
    said = await database["said"].find_one({"ended": None}, **newest)
    assert said is not None
    past = now() - timedelta(seconds=1)
    due = {"$set": {"destroyed_at": past, "destruction_due": past}}
    await database["said"].update_one({"_id": said["_id"]}, due)

    async def gone() -> bool:
        return await database["vault"].find_one({"keyAltNames": said["_id"]}) is None

    await until(gone, deadline=30, what="the key of the words being gone")
    left = await database["said"].find_one({"_id": said["_id"]})
    assert left is not None
    assert (left["sealed"], left["referral_id"], left["subject_id"]) == ({}, None, None)
    assert left["themes"] == ["feel_safe"], "still counted with others"
    assert "of last year" not in (await case.read(case.worker)).text
    gone_by = await by_card(network, "cards", code)
    assert gone_by.json()["state"] == "taken_back"


async def test_an_erased_referral_takes_what_was_said_in_it_with_it(network: Network) -> None:
    case = await a_case(network, "erased")
    code = await case.card()
    await say(network, code, "hub")
    body = {"reason": "moved_away"}
    path = f"/v1/referrals/{case.id}"
    steps = f"{path}/steps/withdrawal"
    tag = {"If-Match": "*"}
    (await network.ask("school", "POST", steps, json=body, headers=tag)).raise_for_status()
    erasure = {"reason": "right_to_erasure"}
    erased = await network.ask("manager", "POST", f"{path}/erasure", json=erasure, headers=tag)
    erased.raise_for_status()

    found = network.mongo_of("referral")["said"].find({"referral_id": case.id})
    assert [one async for one in found] == []
    too_old = await by_card(network, "answers", await _unused(case), feeling="ok", read_by="hub")
    assert too_old.json()["code"] in ("card_too_old", "code_unknown")


async def _unused(case: Case) -> str:
    refused = await case.invite("manager")
    assert (refused.status_code, refused.json()["code"]) == (409, "erased")
    return "".join(random.choices(SIGNS, k=LENGTH))


async def test_what_many_say_is_counted_by_finished_quarters_and_few_are_not(
    network: Network,
) -> None:
    case = await a_case(network, "many")
    database = network.mongo_of("referral")
    path = "/v1/participation/summary"
    for theme, count in (("same_worker", 12), ("share_less", 3), ("feel_safe", 11)):
        for _ in range(count):
            code = await case.card() if count > 11 else await case.card("manager")
            await say(network, code, "nobody", themes=[theme], feeling="good", wants="")
            if (await case.read("manager")).json()["invitations"][40:]:
                case = await a_case(network, new_id("many"))
    shown = (await network.ask("manager", "GET", path)).json()
    last = shown["quarters"][1]["quarter"]
    assert all(one["themes"]["cells"] == {} for one in shown["quarters"]), "this one still runs"
    await database["said"].update_many({"themes": ["same_worker"]}, {"$set": {"quarter": last}})
    for theme in ("share_less", "feel_safe"):
        await database["said"].update_many({"themes": [theme]}, {"$set": {"quarter": last}})
    await database["published_voices"].delete_many({})  # as if nobody had looked yet

    for who, query in (("manager", ""), ("auditor", "?hub_id=hub_north")):
        asked = (await network.ask(who, "GET", path + query)).json()
        (quarter,) = [one for one in asked["quarters"] if one["quarter"] == last]
        assert "share_less" not in quarter["themes"]["cells"]
        assert quarter["themes"]["total"] is None
        assert all(count % 5 == 0 for count in quarter["themes"]["cells"].values())
    await database["said"].delete_many({"quarter": last})
    assert (await network.ask("manager", "GET", path)).json() == asked, "it does not change"
    refused = {
        who: (await network.ask(who, "GET", path)).status_code for who in ("school", "operator")
    }
    assert set(refused.values()) == {403}
    assert (
        await network.ask("other_manager", "GET", f"{path}?hub_id=hub_north")
    ).status_code == 404


async def test_you_said_we_did_is_written_by_a_manager_and_read_by_everybody(
    network: Network,
) -> None:
    path = "/v1/participation/replies"
    done = {"done": "Synthetic: you now choose the place with us."}
    theme = random.choice(get_args(Theme))
    for _ in range(2):
        put = await network.ask("manager", "PUT", f"{path}/{theme}", json=done)
        assert put.status_code == 200
    for who in ("school", "worker", "auditor", "operator"):
        refused = await network.ask(who, "PUT", f"{path}/{theme}", json=done)
        assert refused.status_code == 403, who
    for who in ("health", "manager", "auditor"):
        shown = (await network.ask(who, "GET", path)).json()["replies"]
        assert [(one["theme"], one["done"]) for one in shown] == [(theme, done["done"])]
    for _ in range(2):
        assert (await network.ask("manager", "DELETE", f"{path}/{theme}")).status_code == 204
    assert (await network.ask("health", "GET", path)).json()["replies"] == []


async def test_guessing_is_counted_by_address_and_in_all(network: Network, case: Case) -> None:
    """Whoever has used their guesses up is told nothing more, though they are right: else the limit
    would be none. A slip that makes no code of it costs nothing."""
    code = await case.card()
    limits = {"LIMIT_CODES": "5/hour", "LIMIT_ALL_CODES": "12/hour"}
    await network.replace("referral", TRUSTED_PROXIES="127.0.0.1", **limits)

    async def tries(address: str, text: str) -> int:
        headers = {"X-Forwarded-For": address}
        body = {"card_code": text}
        answer = await network.ask(
            "health", "POST", "/v1/participation/cards", json=body, headers=headers
        )
        return int(answer.status_code)

    def wrong() -> str:
        return "".join(random.choices(SIGNS, k=LENGTH))

    assert {await tries("192.0.2.1", "not a code") for _ in range(20)} == {409}
    assert [await tries("192.0.2.1", wrong()) for _ in range(6)] == [409] * 5 + [429]
    assert await tries("192.0.2.1", code) == 429
    assert await tries("192.0.2.2", code) == 200, "others are not locked out"
    assert [await tries("192.0.2.2", wrong()) for _ in range(5)] == [409] * 5
    assert [await tries("192.0.2.3", wrong()) for _ in range(3)] == [409] * 2 + [429]
    assert await tries("192.0.2.4", code) == 429, "twelve in all"
    await network.replace("referral")


@pytest.mark.parametrize("point", ["participation.before_words", "participation.after_words"])
async def test_what_died_half_way_is_finished(network: Network, case: Case, point: str) -> None:
    code = await case.card("manager")
    entry = {"read_by": "hub", "wants": f"{MARK} half way", "never": ["in_person"]}
    taking_back = point == "participation.after_words"
    if taking_back:
        await by_card(network, "answers", code, **entry)
    process = await network.replace("referral", FAULTS="1", FAULT=point)
    dying = ("withdrawals", {}) if taking_back else ("answers", entry)
    with pytest.raises(httpx2.HTTPError):
        await by_card(network, dying[0], code, **dying[1])
    await until(lambda: not process.running, deadline=20, what="dying")
    await network.replace("referral")
    database = network.mongo_of("referral")

    async def nothing_left() -> bool:
        ended = [one["_id"] async for one in database["said"].find({"ended": "taken_back"})]
        return await database["vault"].find_one({"keyAltNames": {"$in": ended}}) is None

    if taking_back:
        assert (await by_card(network, "cards", code)).json()["state"] == "taken_back"
        await until(nothing_left, deadline=30, what="the key being gone")
    else:
        assert "in_person" in str(await case.amended()), "what keeps them safe comes first"
        for _ in range(2):
            assert (await by_card(network, "answers", code, **entry)).status_code == 201
        assert (await case.read("manager")).text.count("half way") == 1
