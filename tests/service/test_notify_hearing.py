"""The table at work on what happens to a case: who hears which turn, once, and that no partner does."""

import random
from datetime import datetime, time, timedelta
from typing import Any

import pytest
import pytest_asyncio

from services.notify.notification import OPEN_DUE, REMIND_DUE
from services.notify.oversight.escalation import unanswered, unopened
from shared.errors import NotFound
from shared.events import EVENT_TYPES
from shared.rules.calendars import LONDON
from shared.rules.sharing import Consent
from shared.storage.store import Database
from tests.golden.__main__ import sample
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
    event_of,
    referral,
    stores_on,
)


@pytest_asyncio.fixture
async def told(database: Database) -> Told:
    """A referral is with a worker. The police may hear, and want to hear, whatever there is."""
    clock = Hands()
    stores = stores_on(database, clock)
    await stores.prepare()
    made = Told(stores, clock)
    await made.network(POLICE)
    kinds = (
        *("case_declined", "case_escalated", "case_no_longer_yours", "possible_match"),
        "risk_escalated",
    )
    await made.subscribed(POLICE, kinds=kinds)
    await made.says(consent())
    await made.happens("referral.received", "ref_1", **referral())
    await made.happens("allocation.made", "ref_1/a", **allocated())
    return made


def moved(referral_id: str = "ref_1", **changes: Any) -> dict[str, Any]:
    """Where an allocation stands."""
    return {
        "referral_id": referral_id,
        "subject_id": SUBJECT,
        "agency_id": SCHOOL,
        "hub_id": HUB,
        "worker_id": None,
        "status": "seeking",
        "level": "mild",
        "urgency": "five_working_days",
        **changes,
    }


def escalated(referral_id: str = "ref_1", **changes: Any) -> dict[str, Any]:
    """The data of `risk.escalated`."""
    return {
        "referral_id": referral_id,
        "subject_id": SUBJECT,
        "score": 12,
        "scored_level": "moderate",
        "level": "moderate",
        "from_level": "mild",
        "agencies": 2,
        "policy_version": "test",
        **changes,
    }


async def heard(told: Told, kind: str) -> list[tuple[str, str | None]]:
    """Who has heard that, and the coded reason with it."""
    return [(n.recipient, n.detail) for n in await told.all(kind=kind)]


Happening = tuple[str, dict[str, Any]]
LAPSED: Happening = ("allocation.lapsed", {"lapsed_with": WORKER})
HANDED: Happening = (
    "allocation.handed_over",
    {"from_worker_id": WORKER, "worker_id": "wk_two", "reason": "workload"},
)
CLOSED: Happening = (
    "allocation.closed",
    {"last_worker_id": WORKER, "reason": "completed", "outcomes": (), "status": "closed"},
)
DECLINED: Happening = ("allocation.declined", {"declined_by": WORKER, "reason": "no_capacity"})


@pytest.mark.parametrize(("event_type", "data"), [LAPSED, HANDED, CLOSED])
async def test_a_worker_who_no_longer_has_a_case_hears_that_once_and_nobody_else_does(
    told: Told, event_type: str, data: dict[str, Any]
) -> None:
    event = await told.happens(event_type, "ref_1/a", **moved(**data))
    await told.hear(event)

    assert await heard(told, "case_no_longer_yours") == [(f"worker:{WORKER}", None)]
    assert [n.kind for n in await told.all(recipient_id=POLICE)] == []


async def test_a_worker_is_not_told_what_they_did_themselves(told: Told) -> None:
    closed = event_of("allocation.closed", "ref_1/a", 2, **moved(**CLOSED[1]))

    await told.hear(closed.model_copy(update={"actor": f"worker:{WORKER}"}))

    assert await heard(told, "case_no_longer_yours") == []


async def test_a_worker_who_no_longer_has_a_case_is_neither_reminded_nor_waited_for(
    told: Told,
) -> None:
    await told.happens("allocation.made", "ref_1/a", **allocated(worker_id="wk_two"))
    told.clock.forward(days=5)
    first = await told.one(kind="case_allocated_to_you", recipient_id=WORKER)
    second = await told.one(kind="case_allocated_to_you", recipient_id="wk_two")

    for each in (first, second):
        await unanswered(told.stores, each)
        await unopened(told.stores, each)

    assert (await told.one(_id=first.id)).reminders == 0
    assert (await told.one(_id=second.id)).reminders == 1
    assert [n.about_id for n in await told.all(kind="unopened_urgent")] == [second.id]
    running = await told.stores.notifications.collection.find_one({"_id": first.id})
    assert running is not None
    assert {OPEN_DUE, REMIND_DUE}.isdisjoint(running)


async def test_the_hub_hears_that_a_worker_declined_and_why(told: Told) -> None:
    event = await told.happens(DECLINED[0], "ref_1/a", **moved(**DECLINED[1]))
    await told.hear(event)

    assert await heard(told, "case_declined") == [(f"hub:{HUB}", "no_capacity")]
    assert await heard(told, "case_no_longer_yours") == [], "they have said so themselves"


@pytest.mark.parametrize(
    ("reason", "count"),
    [
        *(("waiting_too_long", 1), ("review_missed", 1), ("handover_without_receiver", 1)),
        *(("no_longer_fits", 1), ("above_ceiling", 1), ("two_workers", 1)),
        *(("immediate_without_worker", 0), ("offers_exhausted", 0), ("risk_rose", 0)),
    ],
)
async def test_the_hub_hears_that_it_must_act_where_no_other_event_says_so(
    told: Told, reason: str, count: int
) -> None:
    await told.happens("allocation.escalated", "ref_1/a", **moved(reason=reason))

    assert await heard(told, "case_escalated") == [(f"hub:{HUB}", reason)] * count


async def test_the_worker_s_yes_is_told_to_the_referrer_unless_the_hub_s_was(told: Told) -> None:
    accepted = moved(status="accepted", worker_id=WORKER)
    about = {"referral_id": "ref_1", "agency_id": SCHOOL, "subject_id": SUBJECT}
    about |= {n: v for n, v in referral().items() if n in ("urgency", "due_at")}
    await told.happens("allocation.accepted", "ref_1/a", **accepted)
    await told.happens(
        "referral.status_changed",
        "ref_1",
        **about,
        subject_version=0,
        status="accepted",
        previous="received",
    )
    await told.happens("allocation.accepted", "ref_1/a", **accepted)

    assert await heard(told, "referral_accepted") == [(f"agency:{SCHOOL}", None)]
    assert [n.kind for n in await told.all(recipient_id=POLICE)] == []


async def test_a_risk_that_rose_is_heard_by_the_hub_and_by_whoever_works_with_the_young_person(
    told: Told,
) -> None:
    await told.happens("referral.received", "ref_2", **referral("ref_2"))
    event = await told.happens("risk.escalated", "risk_1", **escalated("ref_2"))
    await told.hear(event)

    found = {(n.recipient, n.referral_id) for n in await told.all(kind="risk_escalated")}
    assert found == {(f"hub:{HUB}", "ref_2"), (f"worker:{WORKER}", "ref_1")}
    assert len(await told.all(kind="risk_escalated")) == 2, "each once"
    assert {n.detail for n in await told.all(kind="risk_escalated")} == {None}, "no level"
    assert [n.kind for n in await told.all(recipient_id=POLICE)] == []


@pytest.mark.parametrize(("event_type", "data"), [LAPSED, CLOSED, DECLINED])
async def test_of_a_risk_that_rose_nobody_hears_who_has_let_go_of_the_case(
    told: Told, event_type: str, data: dict[str, Any]
) -> None:
    await told.happens(event_type, "ref_1/a", **moved(**data))

    await told.happens("risk.escalated", "risk_1", **escalated())

    assert await heard(told, "risk_escalated") == [(f"hub:{HUB}", None)]


async def test_who_has_two_cases_of_one_young_person_hears_once_that_the_risk_rose(
    told: Told,
) -> None:
    await told.happens("referral.received", "ref_2", **referral("ref_2"))
    await told.happens("allocation.made", "ref_2/a", **allocated("ref_2"))

    await told.happens("risk.escalated", "risk_1", **escalated("ref_2"))

    assert await heard(told, "risk_escalated") == [(f"hub:{HUB}", None), (f"worker:{WORKER}", None)]


async def test_a_possible_match_is_for_the_hub_alone(told: Told) -> None:
    suspected = {"referral_id": "ref_1", "subject_id": SUBJECT, "other_referral_ids": ("ref_0",)}

    await told.happens("referral.match_suspected", "ref_1", **suspected)

    assert await heard(told, "possible_match") == [(f"hub:{HUB}", None)]


async def test_a_risk_of_a_referral_not_known_yet_is_told_when_it_is(told: Told) -> None:
    early = event_of("risk.escalated", "risk_1", 1, **escalated("ref_2"))
    with pytest.raises(NotFound):
        await told.hear(early)

    await told.happens("referral.received", "ref_2", **referral("ref_2"))
    await told.hear(early)

    assert len(await told.all(kind="risk_escalated")) == 2


async def test_a_yes_that_waits_is_told_to_the_hub_and_to_the_worker_once_and_in_ids(
    database: Database,
) -> None:
    clock = Hands()
    stores = stores_on(database, clock)
    await stores.prepare()
    told = Told(stores, clock)
    await told.network(POLICE)
    at_intake = consent(recorded_by=f"agency:{SCHOOL}")

    async def waiting() -> set[tuple[str, str | None]]:
        found = await told.all(kind="consent_waits")
        assert {n.action for n in found} <= {"confirm_or_reject"}
        assert len({(n.recipient, n.detail) for n in found}) == len(found)
        return {(n.recipient, n.detail) for n in found}

    of_worker = consent(recorded_by="worker:wk_other", categories=("outcome",))
    await told.says(at_intake, of_worker)
    assert await waiting() == set()
    received = await told.happens("referral.received", "ref_1", **referral())
    to_hub = (f"hub:{HUB}", at_intake.id)
    assert await waiting() == {to_hub}
    made = await told.happens("allocation.made", "ref_1/a", **allocated())
    to_both = {to_hub, (f"worker:{WORKER}", at_intake.id)}
    assert await waiting() == to_both
    for again in (received, made):
        await told.hear(again)
    later = consent(recorded_by=f"agency:{POLICE}", agency_ids=(POLICE,), categories=("existence",))
    await told.says(later)

    assert await waiting() == to_both | {
        (f"hub:{HUB}", later.id),
        (f"worker:{WORKER}", later.id),
    }


async def test_of_a_no_by_who_is_marked_the_hub_hears_once_whichever_came_first(told: Told) -> None:
    def no(by: str, **changes: Any) -> Consent:
        return consent("refused", recorded_by=by, **changes)

    marked = (f"agency:{POLICE}", "worker:wk_marked", "account:usr_marked")
    by_marked = [
        no(f"agency:{POLICE}"),
        no("worker:wk_marked", categories=("risk",)),
        no("worker:wk_hosted", recorder_host=POLICE, categories=("outcome",)),
        no("hub_manager:usr_marked", categories=("health",)),
    ]
    # None replaces another: each is about something else.
    others = [
        no(f"agency:{SCHOOL}", categories=("narrative",)),
        no("hub_manager:usr_other", categories=("intelligence",)),
        consent(recorded_by=marked[0], categories=("contact",)),
    ]
    said = [*by_marked, *others]
    random.shuffle(said)
    early = random.randrange(len(said))
    await told.says(*said[:early])
    await told.marks(*marked)
    await told.says(*said[early:])
    await told.marks(*marked)

    found = await told.all(kind="refusal_doubtful")
    assert {n.recipient for n in found} == {f"hub:{HUB}"}
    assert sorted(str(n.detail) for n in found) == sorted(c.id for c in by_marked)


NEWS = ("case_news", "news_on_ended")


async def news(told: Told) -> list[tuple[str, str, str | None, str]]:
    """Who was told which news, and whether they were."""
    found = [n for n in await told.all() if n.kind in NEWS]
    return [(n.recipient, n.kind, n.detail, n.status) for n in found]


async def test_whoever_has_the_case_and_the_hub_hear_which_fields_were_amended(told: Told) -> None:
    amended: dict[str, Any] = {"amended": ("indicators", "safe_contact"), "status": "allocated"}

    await told.happens("referral.amended", "ref_1", **referral(**amended))

    fields = "indicators, safe_contact"
    assert sorted(await news(told)) == [
        (f"hub:{HUB}", "case_news", fields, "pending"),
        (f"worker:{WORKER}", "case_news", fields, "pending"),
    ]


async def test_who_holds_a_waiting_case_hears_its_news(told: Told) -> None:
    waits = {**moved(status="waiting"), "holder_id": "wk_duty", "reason": "duty_changed"}
    await told.happens("allocation.holder_changed", "ref_1/a", **waits, from_worker_id=None)

    amended: dict[str, Any] = {"amended": ("narrative",), "status": "waiting"}
    await told.happens("referral.amended", "ref_1", **referral(**amended))

    assert ("worker:wk_duty", "case_news", "narrative", "pending") in await news(told)


async def test_news_on_what_has_ended_goes_to_the_hub_to_reopen_it(told: Told) -> None:
    ended = moved(status="closed", reason="moved_away", outcomes=(), last_worker_id=WORKER)
    await told.happens("allocation.closed", "ref_1/a", **ended)
    amended: dict[str, Any] = {"amended": ("narrative",), "status": "closed"}

    await told.happens("referral.amended", "ref_1", **referral(**amended))

    assert await news(told) == [(f"hub:{HUB}", "news_on_ended", "narrative", "pending")]
    (told_of,) = await told.all(kind="news_on_ended")
    assert (told_of.action, told_of.urgent) == ("reopen_or_answer", True)


async def test_a_mark_is_told_to_whoever_has_the_case_and_never_to_whom_it_is_about(
    told: Told,
) -> None:
    await told.marks("account:usr_1")
    assert (f"worker:{WORKER}", "case_news", "safety_mark", "pending") in await news(told)
    before = await news(told)

    await told.marks(f"worker:{WORKER}")

    assert [each for each in await news(told) if each not in before and "hub:" not in each[0]] == [
        (f"worker:{WORKER}", "case_news", "safety_mark", "withheld")
    ]


async def test_a_consent_that_changes_is_news_and_one_that_came_with_the_referral_is_not(
    told: Told,
) -> None:
    await told.says(consent())
    assert await news(told) == [], "the referral said so itself"

    await told.says(consent("withdrawn", recorded_at=told.clock() + timedelta(hours=1)))

    assert sorted({each[:3] for each in await news(told)}) == [
        (f"hub:{HUB}", "case_news", "consent"),
        (f"worker:{WORKER}", "case_news", "consent"),
    ]


async def test_managers_hear_of_the_gaps_of_their_rota_once_for_all_that_are_new(
    told: Told,
) -> None:
    first, later = (START + timedelta(days=days) for days in (3, 5))
    gaps = [{"start": start, "until": start + timedelta(hours=8)} for start in (later, first)]
    event = event_of("hub.rota_gaps_changed", HUB, 2, hub_id=HUB, opened=gaps)
    for _ in range(2):
        await told.hear(event)
    filled = event_of("hub.rota_gaps_changed", HUB, 3, hub_id=HUB, opened=[], closed=gaps)
    await told.hear(filled)

    (notice,) = await told.all(kind="rota_gap")

    assert (notice.recipient, notice.referral_id) == (f"hub:{HUB}", None)
    assert (notice.due_at, notice.detail) == (first, "2026-03-05T09:30Z")


async def test_leave_is_told_to_who_decides_and_to_who_asked_and_to_nobody_what_they_did(
    told: Told,
) -> None:
    start = (START + timedelta(days=40)).date()
    leave = {"worker_id": WORKER, "hub_id": HUB, "start": start, "to": start + timedelta(days=4)}
    turns = [("waiting", status) for status in ("approved", "declined", "cancelled", "lapsed")]
    turns += [("waiting", "withdrawn"), ("approved", "withdrawn"), ("approved", "cancelled")]
    expected: list[tuple[str, ...]] = []
    for number, (before, status) in enumerate(turns):
        one = {**leave, "request_id": f"lv_{number:032x}"}
        version = 10 * number + 2
        asked = event_of("worker.leave_requested", WORKER, version, **one)
        again = event_of("worker.leave_undecided", WORKER, version + 1, **one)
        ends = {"status": status, "before": before}
        end = event_of("worker.leave_decided", WORKER, version + 2, **one, **ends)
        for event in (asked, again, end, asked, end):
            await told.hear(event)
        expected += 2 * [(f"hub:{HUB}", "leave_requested", "decide_on_leave", "")]
        if status != "withdrawn":
            expected.append((f"worker:{WORKER}", "leave_decided", "none", status))
        elif before == "approved":
            expected.append((f"hub:{HUB}", "leave_decided", "none", status))

    notices = [
        n for kind in ("leave_requested", "leave_decided") for n in await told.all(kind=kind)
    ]

    assert sorted((n.recipient, n.kind, n.action, n.detail or "") for n in notices) == sorted(
        expected
    )
    dues = {n.due_at for n in notices if n.action == "decide_on_leave"}
    assert dues == {datetime.combine(start, time(0), LONDON)}


async def test_who_covers_hears_that_they_do_and_of_what_waits_and_nothing_of_whom(
    told: Told,
) -> None:
    covering = ["hub:hub_south", "operators", "worker:wk_south"]
    named = {"hub_id": HUB, "revision": 3, "worker_ids": [], "covering": covering}
    event = event_of("hub.rota_changed", HUB, 4, **named)
    for _ in range(2):
        await told.hear(event)
    arranged = [(n.recipient, n.detail) for n in await told.all(kind="cover_arranged")]
    desks = [("hub:hub_south", HUB), ("operator:operator", HUB)]
    assert sorted(arranged) == [*desks, ("worker:wk_south", HUB)]

    await told.network()
    await told.happens("referral.received", "ref_1", **referral())
    called = sample(EVENT_TYPES["allocation.cover_called"]).data.model_dump()
    about = {"referral_id": "ref_1", "subject_id": SUBJECT, "hub_id": HUB, "worker_id": None}
    for cover in ("operators", "hub:hub_south"):
        fields = {**called, **about, "cover": cover}
        await told.happens("allocation.cover_called", "ref_1", **fields)

    calls = await told.all(kind="cover_called")

    assert sorted((n.recipient, n.detail) for n in calls) == desks
    assert {(n.action, n.categories, n.hub_id) for n in calls} == {("phone_the_hub", (), HUB)}
