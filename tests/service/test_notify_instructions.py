"""What the young person says later is for who has to do with them still, wherever notices are read."""

import json
from typing import Any

import pytest
import pytest_asyncio

from services.notify.decision.binding import instructions_with
from services.notify.inbox.desk import unread_first
from services.notify.inbox.reading import stream, views, wait_for_page
from shared.storage.store import Database
from shared.web.tokens import Caller
from tests.service.notifying import (
    HUB,
    POLICE,
    SCHOOL,
    START,
    SUBJECT,
    WORKER,
    Hands,
    Told,
    allocated,
    consent,
    referral,
    stores_on,
)

SOUTH = "hub_south"
READERS = {
    "police": Caller(account="usr_1", role="agency", agency_id=POLICE),
    "school": Caller(account="usr_2", role="agency", agency_id=SCHOOL),
    "worker": Caller(account="usr_3", role="worker", worker_id=WORKER),
    "next": Caller(account="usr_4", role="worker", worker_id="wk_two"),
    "hub": Caller(account="usr_5", role="hub_manager", hub_id=HUB),
    "south": Caller(account="usr_6", role="hub_manager", hub_id=SOUTH),
    "operators": Caller(account="usr_7", role="operator"),
}
TRANSFER = {
    **{"referral_id": "ref_1", "subject_id": SUBJECT, "hub_id": HUB, "to_hub_id": SOUTH},
    **{"worker_id": WORKER, "reason": "capacity", "urgency": "five_working_days"},
}


@pytest_asyncio.fixture
async def told(database: Database) -> Told:
    """One referral of which the police, its sender, its worker and its Hub were told, and were shown
    it; two Hubs. The young person asks that their parents are not told after that."""
    made = Told(stores_on(database, clock := Hands()), clock)
    await made.stores.prepare()
    await made.network(POLICE)
    await made.happens("hub.registered", SOUTH, hub_id=SOUTH, areas=(), spoke_ceiling="moderate")
    await made.says(consent())
    await made.subscribed(POLICE)
    await made.happens("referral.received", "ref_1", **referral())
    await made.happens("allocation.made", "ref_1", **allocated(level="significant"))
    for reader in READERS.values():
        await wait_for_page(made.stores, reader, None, 50, 0)
    return made


async def bound(told: Told) -> set[str]:
    """Who is shown the instruction, with anything and anywhere: by asking, at a desk, as a stream, as
    a receipt, in what is sent. What each of these shows is the same."""
    found: set[str] = set()
    for who, reader in READERS.items():
        page = (await wait_for_page(told.stores, reader, None, 50, 0)).notifications
        desk = (await unread_first(told.stores, reader, None, 50)).notifications
        streamed = stream(told.stores, reader, None)
        await anext(streamed)
        told_of = [json.loads((await anext(streamed)).split("data: ")[1]) for _ in page]
        stored = [await told.stores.notifications.get(n.id) for n in page]
        alone = [(await views(told.stores, each))[0] for each in stored]
        projections, at = told.stores.projections, told.clock()
        sent = {
            n.id: (await instructions_with(projections, n, at=at)).get(n.id, ()) for n in stored
        }
        expected = {n.id: n.instructions for n in page}
        for shown in (desk, alone):
            assert {n.id: n.instructions for n in shown} == expected, who
        assert {n["id"]: tuple(n["instructions"]) for n in told_of} == expected == sent, who
        found |= {who} if any(expected.values()) else set()
    return found


async def no_word_to_parents(told: Told) -> None:
    await told.marks("agency_kind:parent")


async def test_whoever_was_told_and_has_to_do_with_it_still_is_shown_it(told: Told) -> None:
    assert await bound(told) == set()

    await no_word_to_parents(told)

    assert await bound(told) == {"police", "school", "worker", "hub"}


async def ground_ended(told: Told) -> None:
    await told.says(consent("withdrawn", recorded_at=told.clock()))


async def ground_ended_and_seen_to(told: Told) -> None:
    await ground_ended(told)
    await told.looked_again()


async def handed_over(told: Told) -> None:
    await told.happens(
        "allocation.handed_over",
        "ref_1",
        **{**allocated(), "from_worker_id": WORKER, "worker_id": "wk_two", "reason": "workload"},
        status="handed_over",
    )
    fresh = {**allocated(worker_id="wk_two"), "level": "mild"}
    await told.happens("allocation.made", "ref_1", **fresh)


async def closed(told: Told) -> None:
    data = {"last_worker_id": WORKER, "reason": "completed", "outcomes": (), "status": "closed"}
    await told.happens("allocation.closed", "ref_1", **{**allocated(worker_id=None), **data})


async def proposed(told: Told) -> None:
    answer_by = told.clock()
    await told.happens("referral.transfer_proposed", "ref_1", **TRANSFER, answer_by=answer_by)


async def transferred(told: Told) -> None:
    await proposed(told)
    new = {**TRANSFER, "hub_id": SOUTH, "worker_id": None, "from_hub_id": HUB, "transfers": 1}
    at = {"transferred_at": told.clock(), "due_at": told.clock(), "agency_id": SCHOOL}
    await told.happens(
        "referral.transferred", "ref_1", **new, from_worker_id=WORKER, from_holder_id=WORKER, **at
    )
    waits: dict[str, Any] = {**allocated(hub_id=SOUTH, transfers=1), "worker_id": None}
    await told.happens(
        "allocation.waiting",
        "ref_1",
        **waits,
        reason="no_candidate",
        holder_id=None,
        review_at=START,
    )


async def erased(told: Told) -> None:
    why = "right_to_erasure"
    await told.happens(
        "referral.erased", "ref_1", referral_id="ref_1", agency_id=SCHOOL, reason=why
    )


ENDS = {
    ground_ended: {"school", "worker", "hub"},
    ground_ended_and_seen_to: {"school", "worker", "hub"},
    handed_over: {"police", "school", "next", "hub"},
    closed: {"police", "school", "hub"},
    proposed: {"police", "school", "worker", "hub"},
    transferred: {"school", "south"},
    erased: set(),
}


@pytest.mark.parametrize("end", ENDS)
async def test_whose_ground_has_ended_is_shown_nothing_that_is_said_since(
    told: Told, end: Any
) -> None:
    await end(told)
    await no_word_to_parents(told)

    assert await bound(told) == ENDS[end]
