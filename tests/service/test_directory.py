"""The directory through the outside: who is shown to whom, who is on duty, and at what cost."""

from collections.abc import AsyncIterator
from contextvars import ContextVar
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest_asyncio
from pymongo import AsyncMongoClient, monitoring

from shared.clock import now
from shared.messaging.bus import Message
from tests.harness.mongo import Mongo, drop
from tests.harness.room import HUB, Room, an_agency, opened

CARD = {
    "shown": True,
    "name": "Sample Worker",
    "phone": "020 7946 0001",
    "days": ["monday", "tuesday"],
    "start": "09:00",
    "end": "17:00",
    "helps": ["outreach"],
    "for_whom": ["young_people"],
}
DESK = {"phone": "020 7946 0000", "places": "Northtown", "helps": ["one_to_one"], "public": True}


# What a request asks of the store, in the task that makes it; of every client made from here on.
ASKED: ContextVar[list[str] | None] = ContextVar("asked", default=None)


class Counting(monitoring.CommandListener):
    """Notes each question to the store."""

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if (asked := ASKED.get()) is not None:
            asked.append(event.command_name)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Nothing to do."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Nothing to do."""


monitoring.register(Counting())


@pytest_asyncio.fixture
async def room(
    client: "AsyncMongoClient[Any]", mongo: Mongo, prefix: str, tmp_path: Path
) -> AsyncIterator[Room]:
    database = f"test_{prefix.strip('.')}"
    async with opened(client, mongo.url, database, tmp_path) as started:
        await started.hub()
        await started.worker("wk_one", name="Not For Agencies", host_agency_id=None)
        yield started
    await drop(client, database)


async def show(
    room: Room, worker_id: str, by: str = "", tag: str = "*", **changes: Any
) -> httpx2.Response:
    path, card = f"/v1/workers/{worker_id}/directory-entry", {**CARD, **changes}
    return await room.ask(by or worker_id, "PUT", path, json=card, headers={"If-Match": tag})


async def people(room: Room, by: str = "school", **params: Any) -> list[str]:
    answer = await room.ask(by, "GET", "/v1/directory", params=params)
    assert answer.status_code == 200, answer.text
    return [each["worker_id"] for each in answer.json()["people"]]


async def desk(room: Room, by: str = "school") -> dict[str, Any]:
    answer = await room.ask(by, "GET", "/v1/directory/hubs")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["desks"][0]
    return found


async def put_desk(room: Room, by: str = "manager", tag: str = "*", **changes: Any) -> int:
    path, card = f"/v1/hubs/{HUB}/directory-entry", {**DESK, **changes}
    asked = room.ask(by, "PUT", path, json=card, headers={"If-Match": tag})
    return (await asked).status_code


async def test_a_worker_is_shown_once_they_say_so_as_they_say_and_until_they_say_no(
    room: Room,
) -> None:
    assert await people(room) == []

    assert (await show(room, "wk_one")).status_code == 200
    answer = await room.ask("school", "GET", "/v1/directory", params={"need": "outreach"})
    (shown,) = answer.json()["people"]
    assert {name: shown[name] for name in CARD if name != "shown"} == {
        name: value for name, value in CARD.items() if name != "shown"
    }
    assert "Not For Agencies" not in answer.text
    assert await people(room, area="northtown") == ["wk_one"]
    assert await people(room, area="elsewhere") == []
    assert await people(room, need="counselling") == []

    assert (await show(room, "wk_one", shown=False)).status_code == 200
    assert await people(room) == []


async def test_nobody_overwrites_what_they_have_not_read_and_nobody_writes_of_another(
    room: Room,
) -> None:
    path = "/v1/workers/wk_one/directory-entry"
    empty = await room.ask("wk_one", "GET", path)
    assert empty.json()["entry"]["shown"] is False

    first = await show(room, "wk_one", tag=empty.headers["ETag"])
    assert (await show(room, "wk_one", tag=empty.headers["ETag"], name="X")).status_code == 412
    assert (
        await show(room, "wk_one", by="manager", tag=first.headers["ETag"], name="Y")
    ).is_success
    for other in ("wk_two", "stranger"):
        assert (await show(room, "wk_one", by=other)).status_code == 404
    assert (await room.ask("school", "GET", path)).status_code == 403


async def test_a_manager_holds_an_entry_back_and_the_worker_can_not_undo_it(room: Room) -> None:
    await show(room, "wk_one")
    path, tag = "/v1/workers/wk_one/directory-hold", {"If-Match": "*"}

    held = await room.ask("manager", "PUT", path, json={"held_back": True}, headers=tag)
    assert held.json()["held_back"] is True
    await show(room, "wk_one", name="Shown Again")
    assert await people(room) == []
    undone = await room.ask("wk_one", "PUT", path, json={"held_back": False}, headers=tag)
    assert undone.status_code == 403
    # A manager who has called as this worker is nobody else.
    await room.ask("manager", "PUT", path, json={"held_back": False}, headers=tag)
    assert await people(room) == ["wk_one"]


async def test_who_is_away_is_shown_without_the_reason_and_who_left_is_gone(room: Room) -> None:
    await show(room, "wk_one")
    until = now().date() + timedelta(days=3)
    leave = [{"start": str(now().date() - timedelta(days=1)), "to": str(until), "kind": "sickness"}]
    (await room.put_worker("wk_one", "*", leave=leave)).raise_for_status()

    answer = await room.ask("school", "GET", "/v1/directory")
    (shown,) = answer.json()["people"]
    assert (shown["away"], shown["back_on"]) == (True, str(until + timedelta(days=1)))
    assert "sick" not in answer.text

    tag = {"If-Match": "*"}
    (await room.ask("manager", "DELETE", "/v1/workers/wk_one", headers=tag)).raise_for_status()
    assert await people(room) == []
    stored = await room.stores.workers.collection.find_one({"_id": "wk_one"})
    assert stored is not None
    assert stored["card"] is None, "what they said of themselves is not kept"
    (await room.put_worker("wk_one", "*")).raise_for_status()
    assert await people(room) == [], "who is back says it anew"


async def test_a_mark_changes_nothing_that_somebody_could_see(room: Room) -> None:
    await show(room, "wk_one")
    before = (await room.ask("school", "GET", "/v1/directory")).json()

    await room.mark("sub_one", "worker:wk_one")

    assert (await room.ask("school", "GET", "/v1/directory")).json() == before


async def test_who_is_on_duty_is_said_and_named_only_where_they_show_themselves(
    room: Room,
) -> None:
    assert (await desk(room))["on_duty"] == {"by": "nobody", "person": None, "hub_id": None}

    (await _duty(room)).raise_for_status()
    assert (await desk(room))["on_duty"] == {"by": "worker", "person": None, "hub_id": None}
    await show(room, "wk_one")
    on_duty = (await desk(room))["on_duty"]
    assert on_duty["person"] == {
        "worker_id": "wk_one",
        "name": "Sample Worker",
        "phone": "020 7946 0001",
        "email": None,
    }
    away = [{"start": str(now().date()), "to": None}]
    (await room.put_worker("wk_one", "*", leave=away)).raise_for_status()
    assert (await desk(room))["on_duty"]["by"] == "nobody"


async def _duty(room: Room) -> httpx2.Response:
    entry = {"name": "North Hub", "areas": ["northtown"], "duty_worker_id": "wk_one"}
    path, tag = f"/v1/hubs/{HUB}", {"If-Match": "*"}
    return await room.ask("operator", "PUT", path, json=entry, headers=tag)


async def test_everybody_sees_a_desk_that_is_public_and_no_name_of_anybody(room: Room) -> None:
    await show(room, "wk_one")
    assert await put_desk(room, public=False) == 200
    assert (await room.http.get("/v1/directory/public")).json()["desks"] == []
    assert (await desk(room))["phone"] == DESK["phone"], "who signs in sees it"

    assert await put_desk(room) == 200
    answer = await room.http.get("/v1/directory/public")
    (shown,) = answer.json()["desks"]
    assert (shown["name"], shown["places"], shown["phone"]) == (
        "North Hub",
        "Northtown",
        "020 7946 0000",
    )
    assert not {"hub_id", "on_duty", "person"} & set(shown)
    assert "Sample Worker" not in answer.text
    assert "wk_one" not in answer.text
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    assert (await room.http.get("/v1/directory/public?name=x")).status_code == 422
    assert (await room.http.get("/v1/directory")).status_code == 401


async def test_who_is_marked_for_a_child_of_the_hub_does_not_change_whom_people_call(
    room: Room,
) -> None:
    referral_id = await room.refer("one", subject="sub_one")
    await room.stands(referral_id, "offered")
    await room.mark("sub_one", f"account:{room.account('odd|manager@example.org')}")

    assert await put_desk(room, by="odd|manager@example.org") == 409
    refused = await show(room, "wk_one", by="odd|manager@example.org")
    assert (refused.status_code, refused.json()["code"]) == (409, "somebody_else")
    assert await put_desk(room) == 200
    assert (await show(room, "wk_one", by="manager")).status_code == 200


async def test_a_list_is_paged_and_costs_as_much_whatever_its_length(
    room: Room, mongo: Mongo
) -> None:
    for number in range(7):
        await room.worker(f"wk_p{number}")
        (await show(room, f"wk_p{number}")).raise_for_status()

    seen: list[str] = []
    cursor = None
    while True:
        answer = (
            await room.ask(
                "school", "GET", "/v1/directory", params={"limit": 3} | _given(cursor=cursor)
            )
        ).json()
        seen += [each["worker_id"] for each in answer["people"]]
        if (cursor := answer["next"]) is None:
            break
    assert seen == [f"wk_p{n}" for n in range(7)]

    for path in ("/v1/directory", "/v1/directory/hubs"):
        few = await _asked(room, f"{path}?limit=1")
        assert await _asked(room, path) == few <= 3, "two, and whether who asks has left"
    assert await _asked(room, "/v1/directory/public") == 1


async def test_an_agency_that_is_inactive_finds_nothing_until_it_is_active_again(
    room: Room,
) -> None:
    await show(room, "wk_one")
    for version, active, expected in ((1, True, 200), (2, False, 404), (3, True, 200)):
        await room.bus.publish(Message.of(an_agency("ag_school", version, active=active).body()))
        assert (await room.ask("school", "GET", "/v1/directory")).status_code == expected


def _given(**params: Any) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}


async def _asked(room: Room, path: str) -> int:
    """How many questions a request asks of the store."""
    await room.ask("school", "GET", path)
    asked = ASKED.set([])
    try:
        await room.ask("school", "GET", path)
        return len(ASKED.get() or ())
    finally:
        ASKED.reset(asked)
