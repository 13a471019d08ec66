"""Random words for areas, sent before and after a Hub has the area, and corrected: at every settled
moment a Hub's manager reads the referral or the operators' list has it, and no event has a word.

`SEED=…` sends the same ones again.
"""

import asyncio
import random
import re
import unicodedata
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx2

from allinone import sample
from tests.conftest import SEED
from tests.harness.network import SERVICES, Network
from tests.harness.waiting import until

SYLLABLES = "bram cleth dorn fenk glis hurl jask kolm lund morv pelg quin".split()
# In every word of a caller that is none of an area.
MARK = re.compile(r"zqx\d+x", re.IGNORECASE)
ZONES, OF_EACH = 3, 9
ANY = {"If-Match": "*"}


@dataclass
class Zone:
    """An area that will be registered, with its Hub."""

    code: str
    names: tuple[str, str]

    @property
    def hub_id(self) -> str:
        return f"hub_{self.code}"


@dataclass
class Sent:
    """A referral: its id, the word as it stands now, and which area that is, if it is one."""

    id: str
    word: str
    zone: Zone | None


class Run:
    """The network, what was sent, and what is registered."""

    def __init__(self, network: Network, chance: random.Random) -> None:
        self.network, self.chance = network, chance
        self.zones = [self._zone(n) for n in range(ZONES)]
        self.sent: list[Sent] = []
        self.words: set[str] = set()
        self.tokens = {
            zone.hub_id: network.issue(
                sub=f"mg_{zone.code}", role="hub_manager", hub_id=zone.hub_id
            )
            for zone in self.zones
        } | {sample.HUB: network.token("manager")}
        self.served: set[str] = set()

    def _zone(self, number: int) -> Zone:
        one, two, three = self.chance.sample(SYLLABLES, 3)
        code = f"{one}-{two}{number}"
        # The last one nobody registers: it is known by its Hub alone.
        entered = (f"{one.title()} {two}{number}", f"{three} {number} end")
        return Zone(code, entered if number + 1 < ZONES else (code.title(), code.upper()))

    def word(self, zone: Zone) -> tuple[str, bool]:
        """A word, and whether it is one for this zone."""
        name = self.chance.choice((zone.code, *zone.names))
        mark = f"Zqx{len(self.words)}x"
        made: list[tuple[str, bool]] = [
            (name, True),
            (name.upper(), True),
            (f"  {name.replace('-', ' ')}! ", True),
            (unicodedata.normalize("NFD", name.replace("e", "é").replace("o", "ö")), True),
            (f"\x00{name}\x00", True),
            (f"{name[1]}{name[0]}{name[2:]} {mark}", False),
            (f"{mark} Doe", False),
            (f"{name} {mark} {name}", False),
            (f"{mark} " * 4000, False),
            (f"\U0001f600\u202e{mark}", False),
            ("", False),
            ("\x00", False),
            ("unknown", False),
        ]
        return self.chance.choice(made)

    async def refer(self, zone: Zone) -> None:
        """Somebody refers by a word."""
        word, meant = self.word(zone)
        key = f"area-{len(self.sent)}"
        child = {"name": f"Sample Child {key}"}
        answer = await self.network.refer(key, area=word, urgency="same_day", subject=child)
        assert answer.status_code == 201, answer.text
        assert meant or "area_unknown" in answer.json()["warnings"], word
        self._note(Sent(answer.json()["id"], word, zone if meant else None))

    def _note(self, sent: Sent) -> None:
        self.sent.append(sent)
        self.words.add(sent.word)

    async def amend(self, sent: Sent, zone: Zone) -> None:
        """The agency corrects the word, to another one that may be wrong as well."""
        word, meant = self.word(zone)
        answer = await self.network.ask(
            "school",
            "POST",
            f"/v1/referrals/{sent.id}/amendments",
            json={"area": word},
            headers=ANY,
        )
        assert answer.status_code == 200, answer.text
        self.words.add(word)
        moves = meant or not await self.held(sent)
        sent.word, sent.zone = word, (zone if meant else None) if moves else sent.zone

    async def held(self, sent: Sent) -> bool:
        return bool(await self.readers(sent.id))

    async def place(self, sent: Sent, zone: Zone) -> None:
        """An operator puts it where it belongs, if it is still theirs."""
        answer = await self.network.ask(
            "operator", "PUT", f"/v1/stranded/{sent.id}/area", headers=ANY,
            json={"area": self.chance.choice((zone.code.upper(), *zone.names))},
        )  # fmt: skip
        assert answer.status_code in (200, 404, 409), answer.text
        if answer.status_code == 200:
            assert answer.json()["area"] == zone.code
            sent.zone = zone

    async def put(self, path: str, entry: dict[str, Any]) -> None:
        answer = await self.network.ask("operator", "PUT", path, json=entry, headers=ANY)
        if answer.status_code == 412:  # nothing to match yet
            answer = await self.network.ask("operator", "PUT", path, json=entry)
        assert answer.is_success, answer.text

    async def register(self, zone: Zone) -> None:
        entry = {"name": zone.names[0], "aliases": [zone.names[1]]}
        await self.put(f"/v1/areas/{zone.code}", entry)

    async def open_hub(self, zone: Zone) -> None:
        """Its Hub takes the area, told twice at the same moment."""
        path, entry = f"/v1/hubs/{zone.hub_id}", {"name": "Sample Hub", "areas": [zone.code]}
        ask = self.network.ask
        twice = await asyncio.gather(*(ask("operator", "PUT", path, json=entry) for _ in range(2)))
        # The one that came second at the same moment may be asked to come again.
        assert {answer.status_code for answer in twice} <= {200, 503}
        await self.put(path, entry)
        self.served.add(zone.code)

    async def readers(self, referral_id: str) -> set[str]:
        """The Hubs whose managers are shown it."""
        found = set()
        for hub_id, token in self.tokens.items():
            answer = await self._as(token, f"/v1/referrals/{referral_id}")
            assert answer.status_code in (200, 404), answer.text
            found |= {hub_id} if answer.is_success else set()
        return found

    async def listed(self) -> dict[str, set[str]]:
        """By referral, the Hubs in whose managers' lists it stands."""
        found: dict[str, set[str]] = {sent.id: set() for sent in self.sent}
        for hub_id, token in self.tokens.items():
            page = (await self._as(token, "/v1/referrals?limit=100")).json()
            assert page["next"] is None, "all of them are on a page"
            for line in page["referrals"]:
                found.setdefault(line["id"], set()).add(hub_id)
        return found

    async def _as(self, token: str, path: str) -> httpx2.Response:
        url = self.network.modules["referral"].url + path
        headers = {"Authorization": f"Bearer {token}"}
        return await self.network.http.get(url, headers=headers)

    async def stranded(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        cursor = ""
        while True:
            page = await self.network.ask("operator", "GET", f"/v1/stranded?limit=100{cursor}")
            found |= {one["id"]: one for one in page.json()["referrals"]}
            if not (following := page.json()["next"]):
                return found
            cursor = f"&cursor={following}"

    async def settled(self) -> None:
        """Nothing is on its way, and for each somebody is responsible, who is who it should be."""
        await self.network.quiet()
        desk, listed, wrong = await self.stranded(), await self.listed(), []
        for sent in self.sent:
            should = sent.zone and sent.zone.code in self.served and sent.zone.hub_id
            is_with = listed[sent.id]
            if is_with != ({should} if should else set()) or (sent.id in desk) == bool(is_with):
                wrong.append(f"{sent}: {is_with}, {desk.get(sent.id)}")
        assert not wrong, "\n".join(wrong)
        for sent in self.chance.sample(self.sent, 3):
            assert await self.readers(sent.id) == listed[sent.id], sent

    async def told(self) -> set[str]:
        """Of which referrals the operators' desk was told."""
        told: set[str] = set()
        after = ""
        while True:
            path = f"/v1/notifications?limit=100{after}"
            inbox = (await self.network.ask("operator", "GET", path)).json()["notifications"]
            told |= {n["referral_id"] for n in inbox if n["kind"] == "referral_area_unknown"}
            if len(inbox) < 100:
                return told
            after = f"&after={inbox[-1]['id']}"


async def test_somebody_is_responsible_whatever_word_stands_for_the_area(network: Network) -> None:
    print(f"seed {SEED}")
    run = Run(network, random.Random(f"{SEED}/areas"))
    chance = run.chance
    for zone in run.zones:
        steps = [run.open_hub, *[run.refer] * OF_EACH]
        steps += [run.register] if zone is not run.zones[-1] else []
        chance.shuffle(steps)
        for step in steps:
            await step(zone)
    # Some words were sent before their area had a name, and mean something only by now.
    await run.settled()
    desk = await run.stranded()
    assert {sent.id for sent in run.sent if sent.id in desk} <= await run.told()
    for sent in [sent for sent in run.sent if sent.id in desk]:
        shown = desk[sent.id]
        said = [word.replace("\x00", "") for word in (shown["area_word"], sent.word[:200])]
        assert (shown["area"], said[0]) == ("unknown", said[1])
        act = chance.choice((run.amend, run.place, None))
        if act is not None:
            await act(sent, chance.choice(run.zones))
    await run.settled()
    # Nobody has a worker there: what waits with one Hub goes to another one by a correction.
    one, other = run.zones[0], run.zones[1]
    for sent in [sent for sent in run.sent if sent.zone is one][:3]:
        path = f"/v1/referrals/{sent.id}/amendments"
        answer = await network.ask("school", "POST", path, json={"area": other.code}, headers=ANY)
        assert answer.status_code == 200, answer.text
        sent.zone = other
    await run.settled()
    await _no_word_in_an_event(run)


async def _no_word_in_an_event(run: Run) -> None:
    events = "\n".join([text async for text in _events(run.network)])
    assert run.sent[-1].id in events
    assert not MARK.findall(events)
    codes = {zone.code for zone in run.zones}
    for word in ({name for zone in run.zones for name in zone.names} | run.words) - codes:
        if len(word.strip("\x00 ")) > 3 and word != "unknown":
            assert word.strip("\x00 ") not in events or word.strip("\x00 ") in codes, word


async def _events(network: Network) -> AsyncIterator[str]:
    """All that was ever said, and all that the other services keep of it."""
    for service in SERVICES:
        database = network.mongo_of(service)
        for collection in await database.list_collection_names():
            async for document in database[collection].find():
                kept = document.get("outbox", []) if service == "referral" else document
                for text in _texts(kept):
                    yield text


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    else:
        yield value.decode("latin-1") if isinstance(value, bytes) else str(value)


async def test_an_area_takes_what_waits_for_it_once_whoever_dies_and_however_many_replicas_there_are(
    network: Network,
) -> None:
    """Versions count events: the referral came, and was amended once."""
    ids = [(await network.refer(f"dies-{n}", area="Zqx-Ville")).json()["id"] for n in range(3)]
    await network.quiet()
    process = await network.replace("referral", FAULTS="1", FAULT="areas.after_one")
    entry = {"name": "Sample Hub", "areas": ["zqxville"]}
    answer = await network.ask("operator", "PUT", "/v1/hubs/hub_zqxville", json=entry)
    answer.raise_for_status()
    await until(lambda: not process.running, deadline=20, what="dying after the first of them")
    assert process.exit_code == -9
    second = network.module("referral")
    await asyncio.gather(network.replace("referral"), second.start_ready())
    again = {"name": "Zqx-Ville", "aliases": ["Z. Ville"]}
    (await network.ask("operator", "PUT", "/v1/areas/zqxville", json=again)).raise_for_status()
    await network.quiet()
    await second.stop()

    stored = network.mongo_of("referral")["referrals"]
    found = [await stored.find_one({"_id": one}) or {} for one in ids]
    assert [one["area"] for one in found] == ["zqxville"] * 3
    assert [len(one["amendments"]) for one in found] == [1] * 3
    cases = [await network.mongo_of("allocation")["allocations"].find_one({"_id": i}) for i in ids]
    assert [case and case["hub_id"] for case in cases] == ["hub_zqxville"] * 3


async def test_a_case_that_a_worker_has_stays_with_them_and_the_answer_says_why(
    network: Network,
) -> None:
    referral_id = (await network.refer("held", area="North-Town")).json()["id"]
    await network.quiet()
    path = f"/v1/referrals/{referral_id}/amendments"

    async def amend(word: str) -> httpx2.Response:
        return await network.ask("school", "POST", path, json={"area": word}, headers=ANY)

    elsewhere, within = await amend("no such place"), await amend("WESTBY")
    await network.quiet()

    assert (elsewhere.status_code, elsewhere.json()["code"]) == (409, "area_held")
    assert within.status_code == 200
    case = await network.ask("manager", "GET", f"/v1/allocations/{referral_id}")
    assert case.json()["hub_id"] == sample.HUB
    assert case.json()["worker_id"] is not None


async def test_a_list_is_taken_line_by_line_and_the_register_is_read_page_by_page(
    network: Network,
) -> None:
    async def sent(body: str) -> list[tuple[int, str]]:
        answer = await network.ask("operator", "POST", "/v1/areas/import", content=body.encode(),
                                   headers={"Content-Type": "text/csv"})  # fmt: skip
        assert answer.status_code == 200, answer.text
        return [(line["line"], line["result"]) for line in answer.json()["lines"]]

    listed = "code,name,aliases,retired\nimp-a,Import A,The First;One,\nimp-b,!,,\nimp-c,C,,true\n"
    first, again = await sent(listed), await sent(listed)
    lines = (
        '{"code": "imp-a", "name": "A"}\n{"code": "imp-a2", "name": "A2"}\nnonsense\n'
        '{"code": "imp-c", "name": "C", "revision": 1}\n'
    )
    changed = await sent(lines)
    codes, cursor = [], ""
    while True:
        page = (await network.ask("school", "GET", f"/v1/areas?limit=2{cursor}")).json()
        codes += [area["code"] for area in page["areas"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"

    assert first == [(2, "created"), (3, "refused"), (4, "created")]
    assert again == [(2, "unchanged"), (3, "refused"), (4, "unchanged")]
    assert changed == [(1, "refused"), (2, "created"), (3, "refused"), (4, "changed")]
    assert codes == sorted(set(codes))
    assert {"imp-a", "imp-a2", "imp-c", "northtown", "westby"} <= set(codes)
