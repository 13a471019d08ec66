"""Drafts: for who wrote them and nobody else, for thirty days, sealed, and told to nobody."""

import asyncio
import json
import os
import random
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from allinone import sample
from services.referral.drafts.drafts import Drafts
from services.referral.drafts.rule import DESTRUCTION_DUE, MOST_DRAFTS
from services.referral.vault import Erased, Vault
from shared.clock import now
from shared.errors import NotFound
from shared.storage.store import Database
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import PEOPLE, Network, running
from tests.harness.processes import Module
from tests.harness.things import MADE
from tests.harness.waiting import until

SEED = int(os.environ["SEED"])
STEPS = 250
MARK = "ZQXDRAFT"
MONTH = timedelta(days=30)
# Two people of the school, one of whom calls for the police, too; somebody of another agency; and
# who has nothing to do with what an agency has not sent.
ONE = {"sub": "drafts|One@example.org", "role": "agency"}
WRITERS: dict[str, dict[str, str]] = {
    "one": {**ONE, "agency_id": sample.SCHOOL},
    "two": {"sub": "drafts|two", "role": "agency", "agency_id": sample.SCHOOL},
    "one_of_police": {**ONE, "agency_id": sample.POLICE},
    "three": {"sub": "drafts|three", "role": "agency", "agency_id": sample.HEALTH},
}
NOSY = ("worker", "manager", "auditor", "operator")
MORE: dict[str, dict[str, str]] = {
    **{f"full_{n}": {**ONE, "sub": f"drafts|full_{n}", "agency_id": sample.SCHOOL} for n in "ab"},
}


@dataclass
class Replicas:
    """The network, and a second process of the referral service on the same store."""

    network: Network
    other: Module

    async def ask(self, person: str, method: str, path: str, n: int, **given: Any) -> Any:
        """The answer of one of the two."""
        url = (self.network.modules["referral"], self.other)[n % 2].url + path
        headers = {
            "Authorization": f"Bearer {self.network.token(person)}",
            **given.pop("headers", {}),
        }
        return await self.network.http.request(method, url, headers=headers, **given)

    async def draft(self, person: str, **answers: Any) -> tuple[str, str]:
        """The path of a new draft, and its tag."""
        made = await self.network.ask(person, "POST", "/v1/drafts", json={"answers": answers})
        assert made.status_code == 201, made.text
        return made.headers["Location"], made.headers["ETag"]

    @property
    def database(self) -> Database:
        return self.network.mongo_of("referral")


@pytest_asyncio.fixture(scope="module")
async def replicas(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Replicas]:
    PEOPLE.update(WRITERS | MORE)
    folder = tmp_path_factory.mktemp("drafts")
    async with running(broker, mongo, folder, ["referral", "audit"]) as started:
        await started.load_referral_sample()
        other = started.module("referral")
        await other.start_ready()
        yield Replicas(started, other)
        await other.stop()
    for name in WRITERS | MORE:
        PEOPLE.pop(name)


def id_of(path: str) -> str:
    return path.rpartition("/")[2]


def answers(chance: random.Random, depth: int = 3) -> dict[str, Any]:
    """What a form may hold half way: any JSON."""

    def value(depth: int) -> Any:
        kind = chance.randrange(8 if depth else 6)
        if kind == 6:
            return [value(depth - 1) for _ in range(chance.randrange(4))]
        if kind == 7:
            return {f"m{n}": value(depth - 1) for n in range(chance.randrange(4))}
        leaves = (f"{MARK} é€😀\x00", "", chance.randrange(10**9), chance.random(), True, None)
        return leaves[kind]

    return {f"{MARK}-{n}": value(depth) for n in range(chance.randrange(6))}


@dataclass
class Known:
    """A draft as the model has it."""

    writer: str
    answers: dict[str, Any]
    tag: str
    old_tags: list[str] = field(default_factory=list)


@dataclass
class Walk:
    """Random steps of several people, at both replicas, held against what must be so."""

    replicas: Replicas
    chance: random.Random
    drafts: dict[str, Known] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    count: int = 0

    async def ask(self, person: str, method: str, path: str, **given: Any) -> httpx2.Response:
        self.count += 1
        n = self.chance.randrange(2)
        answer: httpx2.Response = await self.replicas.ask(person, method, path, n, **given)
        return answer

    async def step(self) -> None:
        person = self.chance.choice([*WRITERS, *WRITERS, *NOSY])
        step = self.chance.choice(
            [self.make, self.look, self.look, self.change, self.change, self.end]
        )
        await step(person)
        if person in WRITERS:
            await self.list(person)

    def any_path(self, person: str) -> str:
        own = [path for path, known in self.drafts.items() if known.writer == person]
        if own and self.chance.random() < 0.6:
            return self.chance.choice(own)
        nobodys = f"/v1/drafts/drf_{'0' * 32}"
        return self.chance.choice([*self.drafts, *self.gone[-3:], nobodys])

    def of(self, person: str, path: str) -> Known | None:
        known = self.drafts.get(path)
        return known if known and known.writer == person else None

    async def make(self, person: str) -> None:
        said = answers(self.chance)
        made = await self.ask(person, "POST", "/v1/drafts", json={"answers": said})
        if person in NOSY:
            assert made.status_code == 403
            return
        assert made.status_code == 201, made.text
        self.drafts[made.headers["Location"]] = Known(person, said, made.headers["ETag"])

    async def look(self, person: str) -> None:
        path = self.any_path(person)
        read, known = await self.ask(person, "GET", path), self.of(person, path)
        if known is None:
            self.not_there(read)
            return
        assert read.status_code == 200, read.text
        assert read.headers["Cache-Control"] == "no-store"
        assert read.headers["ETag"].startswith(known.tag[:-1])
        assert json.dumps(read.json()["answers"]) == json.dumps(known.answers)

    async def change(self, person: str) -> None:
        path = self.any_path(person)
        known, said = self.of(person, path), answers(self.chance)
        if known and self.chance.random() < 0.2:
            said = known.answers
        tags = [
            *(known.old_tags if known else []),
            '"v999"',
            None,
            known.tag if known else "*",
            "*",
        ]
        tag = self.chance.choice(tags)
        headers = {"If-Match": tag} if tag else {}
        put = await self.ask(person, "PUT", path, json={"answers": said}, headers=headers)
        if known is None:
            self.not_there(put)
        elif json.dumps(said) == json.dumps(known.answers):
            assert (put.status_code, put.headers["ETag"]) == (200, known.tag)
        elif tag is None:
            assert put.status_code == 428
        elif tag not in (known.tag, "*"):
            assert put.status_code == 412
        else:
            assert put.status_code == 200, put.text
            known.old_tags.append(known.tag)
            known.answers, known.tag = said, put.headers["ETag"]

    async def end(self, person: str) -> None:
        path = self.any_path(person)
        ended = await self.ask(person, "DELETE", path)
        if self.of(person, path) is None:
            self.not_there(ended)
            return
        assert (ended.status_code, ended.content) == (204, b"")
        assert "content-type" not in ended.headers
        del self.drafts[path]
        self.gone.append(path)

    async def list(self, person: str) -> None:
        shown: list[str] = []
        query = f"?limit={self.chance.choice([1, 2, 3, 50])}"
        cursor = ""
        while cursor is not None:
            page = await self.ask(person, "GET", f"/v1/drafts{query}{cursor}")
            assert MARK not in page.text
            shown += [f"/v1/drafts/{one['id']}" for one in page.json()["drafts"]]
            cursor = page.json()["next"] and f"&cursor={page.json()['next']}"
        mine = [path for path, known in self.drafts.items() if known.writer == person]
        assert shown == sorted(mine, reverse=True)  # ids are in the order of time

    def not_there(self, answer: httpx2.Response) -> None:
        said = {k: v for k, v in answer.json().items() if k not in ("instance", "detail")}
        assert said == {
            "type": "about:blank", "title": "Not Found", "status": 404, "code": "not_found"
        }  # fmt: skip


async def test_whoever_does_whatever_each_has_their_own_drafts_and_nobody_elses(
    replicas: Replicas,
) -> None:
    walk = Walk(replicas, random.Random(SEED))
    for _ in range(STEPS):
        await walk.step()
    print(f"{walk.count} requests, {len(walk.gone)} drafts deleted, {len(walk.drafts)} left")

    keys = [k async for k in replicas.database["vault"].find({"keyAltNames": {"$regex": "^drf_"}})]
    stored = [d["_id"] async for d in replicas.database["drafts"].find()]
    assert {key["keyAltNames"][0] for key in keys} == {id_of(p) for p in walk.drafts} == set(stored)
    for path, known in walk.drafts.items():
        await replicas.network.ask(known.writer, "DELETE", path)


async def test_of_two_replicas_that_write_at_one_moment_one_wins(replicas: Replicas) -> None:
    path, tag = await replicas.draft("one", words="first")

    async def put(n: int, words: str) -> Any:
        body = {"answers": {"words": words}}
        return await replicas.ask("one", "PUT", path, n, json=body, headers={"If-Match": tag})

    for turn in range(25):
        both = await asyncio.gather(*(put(n, f"{turn} of {n}") for n in range(2)))
        assert sorted(a.status_code for a in both) == [200, 412], [a.text for a in both]
        (won,) = [n for n, answer in enumerate(both) if answer.status_code == 200]
        read = await replicas.ask("one", "GET", path, turn)
        assert read.json()["answers"] == {"words": f"{turn} of {won}"}
        tag = both[won].headers["ETag"]
    await replicas.network.ask("one", "DELETE", path)


async def test_who_deletes_while_another_tab_saves_has_deleted(replicas: Replicas) -> None:
    for turn in range(15):
        path, _ = await replicas.draft("one", words="first")
        body, any_tag = {"answers": {"words": f"{turn}"}}, {"If-Match": "*"}
        saved, ended = await asyncio.gather(
            replicas.ask("one", "PUT", path, turn, json=body, headers=any_tag),
            replicas.ask("one", "DELETE", path, turn + 1),
        )
        assert (saved.status_code in (200, 404), ended.status_code) == (True, 204), saved.text
        assert await nothing_left(replicas, id_of(path))


async def test_an_account_has_fifty_however_many_it_asks_for_at_once(replicas: Replicas) -> None:
    body = {"answers": {"words": "x"}}
    asked = [
        replicas.ask("full_a", "POST", "/v1/drafts", n, json=body) for n in range(MOST_DRAFTS + 10)
    ]
    made = await asyncio.gather(*asked)

    refused = [answer for answer in made if answer.status_code != 201]
    assert {(a.status_code, a.json()["code"]) for a in refused} == {(409, "too_many_drafts")}
    assert len(refused) == 10
    own = {"account": replicas.network.account("full_a")}
    ids = {d["_id"] async for d in replicas.database["drafts"].find(own)}
    assert ids == {id_of(a.headers["Location"]) for a in made if a.status_code == 201}
    keys = replicas.database["vault"].find({"keyAltNames": {"$regex": "^drf_"}})
    drafts = {d["_id"] async for d in replicas.database["drafts"].find()}
    assert {key["keyAltNames"][0] async for key in keys} == drafts  # the refused have left none
    assert await replicas.draft("full_b")
    await replicas.network.ask("full_a", "DELETE", f"/v1/drafts/{ids.pop()}")
    assert await replicas.draft("full_a")


async def nothing_left(replicas: Replicas, draft_id: str) -> bool:
    """Neither the draft nor its key is there."""
    record = await replicas.database["drafts"].find_one({"_id": draft_id})
    key = await replicas.database["vault"].find_one({"keyAltNames": draft_id})
    return record is None and key is None


async def test_a_month_after_its_last_change_it_is_gone_with_its_key(replicas: Replicas) -> None:
    path, _ = await replicas.draft("one", words=MARK)
    kept, drafts = await replicas.draft("one", words="kept"), replicas.database["drafts"]
    stored = await drafts.find_one({"_id": id_of(path)}) or {}
    assert stored["destroyed_at"] == stored[DESTRUCTION_DUE] == stored["changed_at"] + MONTH
    over = {"destroyed_at": now(), DESTRUCTION_DUE: now()}

    await drafts.update_one({"_id": id_of(path)}, {"$set": over})
    at_once = await replicas.network.ask("one", "GET", path)
    await until(lambda: nothing_left(replicas, id_of(path)), deadline=20, what="the end of it")

    assert at_once.status_code == 404
    # A copy of the record, as a backup of it has one, opens for nobody.
    await drafts.insert_one(stored)

    async def unreadable() -> bool:  # the process that sealed it has its key in memory for a second
        read = await replicas.network.ask("one", "GET", path)
        return read.status_code == 404 and MARK not in read.text

    await until(unreadable, deadline=10, what="the words being unreadable")
    vault = Vault(replicas.database, [bytes(96)], bytes(32))
    with pytest.raises(Erased):
        await vault.open(id_of(path), stored["sealed"])
    assert (await replicas.network.ask("one", "DELETE", path)).status_code == 204
    assert (await replicas.network.ask("one", "GET", kept[0])).status_code == 200
    await replicas.network.ask("one", "DELETE", kept[0])


async def test_each_change_moves_the_end_and_a_late_timer_destroys_nothing_that_moved(
    database: Database,
) -> None:
    at = [now()]
    vault = Vault(database, [bytes(96)], bytes(32))
    drafts = Drafts(database["drafts"], vault, MONTH, clock=lambda: at[0])
    await drafts.prepare()
    await vault.prepare()
    draft = await drafts.add("usr_one", "ag_one", "first")
    chance = random.Random(SEED)
    for turn in range(10):
        at[0] += chance.random() * MONTH
        seen, due = draft, await drafts.claim(DESTRUCTION_DUE, 60.0)
        assert due is None
        changed = await drafts.replace(draft, f"turn {turn}")
        assert changed is not None
        draft = changed
        assert draft.destroyed_at == at[0] + MONTH
        await drafts.destroy(draft.id)  # as a replica does that was late
        assert await drafts.words(await drafts.get(draft.id)) == f"turn {turn}"
        assert await drafts.replace(seen, "of who has read another one") is None

    at[0] += MONTH
    with pytest.raises(NotFound):
        await drafts.get(draft.id)
    assert await drafts.replace(draft, "too late") is None
    assert await drafts.page("usr_one", "ag_one", None, 10) == ([], None)
    claimed = await drafts.claim(DESTRUCTION_DUE, 60.0)
    assert claimed is not None
    for _ in range(2):
        await drafts.destroy(claimed.id)
    assert await database["drafts"].count_documents({}) == 0
    assert await database["vault"].count_documents({}) == 0


async def test_what_one_replica_has_ended_no_other_shows_whatever_its_clock_says(
    database: Database,
) -> None:
    vault = Vault(database, [bytes(96)], bytes(32))
    await vault.prepare()
    fast = Drafts(database["drafts"], vault, MONTH, clock=lambda: now() + timedelta(minutes=5))
    slow = Drafts(database["drafts"], vault, MONTH, clock=lambda: now() - timedelta(minutes=5))
    draft = await slow.add("usr_one", "ag_one", "first")
    seen = await slow.get(draft.id)

    over = {"destroyed_at": now() + timedelta(minutes=5), "version": 0}
    await database["drafts"].update_one({"_id": draft.id}, {"$set": over, "$unset": {"sealed": ""}})

    with pytest.raises(NotFound):
        await slow.get(draft.id)
    assert await slow.page("usr_one", "ag_one", None, 10) == ([], None)
    assert await slow.replace(seen, "second") is None
    await fast.destroy(draft.id)
    assert await database["drafts"].count_documents({}) == 0
    assert await database["vault"].count_documents({}) == 0


@pytest.mark.parametrize("point", ["drafts.after_words", "drafts.after_key"])
async def test_a_deletion_that_died_half_way_is_finished(replicas: Replicas, point: str) -> None:
    network = replicas.network
    path, _ = await replicas.draft("one", words=MARK)
    process = await network.replace("referral", FAULTS="1", FAULT=point)
    with pytest.raises(httpx2.HTTPError):
        await network.ask("one", "DELETE", path)
    await until(lambda: not process.running, deadline=20, what="dying")

    left = await replicas.database["drafts"].find_one({"_id": id_of(path)}) or {}
    assert "sealed" not in left
    await network.replace("referral")
    assert (await network.ask("one", "GET", path)).status_code == 404
    await until(lambda: nothing_left(replicas, id_of(path)), deadline=30, what="the end of it")


async def test_a_retention_run_ends_the_key_that_nobody_has_and_no_drafts(
    replicas: Replicas,
) -> None:
    network, vault = replicas.network, replicas.database["vault"]
    path, _ = await replicas.draft("one", words=MARK)
    before = {k["_id"] async for k in vault.find()}
    process = await network.replace("referral", FAULTS="1", FAULT="drafts.after_new_key")
    with pytest.raises(httpx2.HTTPError):
        await network.ask("one", "POST", "/v1/drafts", json={"answers": {}})
    await until(lambda: not process.running, deadline=20, what="dying")
    (lost,) = {k["_id"] async for k in vault.find()} - before
    await network.replace("referral")
    long_ago = {"$set": {"creationDate": now() - 3 * MONTH}}
    await vault.update_many({"$or": [{"_id": lost}, {"keyAltNames": id_of(path)}]}, long_ago)

    run = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.referral.retention", "apply"),
        env={**os.environ, **network.environment("referral")},
        stdout=asyncio.subprocess.DEVNULL,
    )

    assert await run.wait() == 0
    assert before == {k["_id"] async for k in vault.find()}
    read = await network.ask("one", "GET", path)
    assert read.json()["answers"] == {"words": MARK}
    await network.ask("one", "DELETE", path)


async def test_no_word_and_no_step_of_a_draft_is_told_to_anybody(replicas: Replicas) -> None:
    network = replicas.network
    await network.ask("one", "GET", "/v1/drafts")
    await network.quiet()
    before = await told(network)

    path, tag = await replicas.draft("one", **{MARK: MARK})
    body = {"answers": {MARK: [MARK, {"again": MARK}]}}
    changed = await network.ask("one", "PUT", path, json=body, headers={"If-Match": tag})
    stale = await network.ask(
        "one", "PUT", path, json={"answers": {MARK: 1}}, headers={"If-Match": tag}
    )
    for person in ("two", *NOSY):
        assert (await network.ask(person, "GET", path)).status_code == 404
    faulty = {"answers": {MARK: [MARK, 2**60]}, MARK: 1}
    refused = await network.ask("one", "PUT", path, json=faulty, headers={"If-Match": "*"})
    assert (changed.status_code, stale.status_code, refused.status_code) == (200, 412, 422)
    assert f"/{MARK}" in refused.text  # an unknown member is named, and nothing else
    assert refused.text.count(MARK) == 1
    assert (await network.ask("one", "GET", path)).json()["answers"] == body["answers"]
    await network.quiet()
    assert await told(network) == before

    for service in network.modules:
        database = network.mongo_of(service)
        for name in await database.list_collection_names():
            async for document in database[name].find():
                assert MARK.casefold() not in repr(document).casefold(), f"{service}.{name}"
                assert id_of(path) not in repr(document) or name in ("drafts", "vault"), name
    for log in network.folder.glob("*.log"):
        assert MARK.casefold() not in log.read_text().casefold(), log.name
    assert (await network.ask("one", "DELETE", path)).status_code == 204
    await network.quiet()
    assert await told(network) == before


async def told(network: Network) -> list[str]:
    """What the trail knows: all but the marks that a test makes, and who was seen."""
    entries = network.mongo_of("audit")["entries"]
    events = [json.loads(e["leaf"])["event"] async for e in entries.find()]
    return sorted(e["id"] for e in events if e["type"] not in (MADE, "account.seen"))


async def test_an_agency_that_is_inactive_finds_none_and_its_people_theirs_when_it_is_back(
    replicas: Replicas,
) -> None:
    network, agency = replicas.network, f"/v1/agencies/{sample.HEALTH}"
    path, tag = await replicas.draft("three", words="kept")
    entry = dict(sample.ENTRIES)[agency]

    async def active(value: bool) -> None:
        own = {"If-Match": "*"}
        document = {**entry, "active": value}
        (
            await network.ask("operator", "PUT", agency, json=document, headers=own)
        ).raise_for_status()

    await active(False)
    body: dict[str, Any] = {"answers": {}}
    made = await network.ask("three", "POST", "/v1/drafts", json=body)
    others = [
        await network.ask("three", "GET", "/v1/drafts"),
        await network.ask("three", "GET", path),
        await network.ask("three", "PUT", path, json=body, headers={"If-Match": tag}),
        await network.ask("three", "DELETE", path),
    ]
    await active(True)

    assert (made.status_code, made.json()["code"]) == (409, "agency_inactive")
    assert [answer.status_code for answer in others] == [404] * 4
    assert (await network.ask("three", "GET", path)).json()["answers"] == {"words": "kept"}
    await network.ask("three", "DELETE", path)
