"""A referral turns out to be about somebody else: from then on it is their say that counts."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from services.notify.decision.re_evaluate import re_evaluate
from services.notify.delivery.webhook import Caller
from shared.errors import NotFound
from shared.events import Event
from shared.rules.sharing import Consent
from shared.storage.store import Database
from tests.harness.receiver import receiving
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
    terms,
)

OTHER = "sub_2"


@pytest_asyncio.fixture
async def told(database: Database) -> Told:
    """The police are told of what consent permits."""
    clock = Hands()
    stores = stores_on(database, clock)
    await stores.prepare()
    made = Told(stores, clock)
    await made.network(POLICE)
    await made.subscribed(POLICE)
    return made


def linked(
    subject_id: str, version: int, *, leaving: str, joining: str, hours: int = 1, **sharing: Any
) -> Event[Any]:
    """Either young person's word that the referral went from one to the other."""
    event = event_of(
        "subject.relinked",
        subject_id,
        version,
        subject_id=subject_id,
        referral_id="ref_1",
        referral_ids=("ref_1",) if subject_id == joining else (),
        sharing={"age_band": "16_to_17", **sharing},
        from_subject_id=leaving,
        to_subject_id=joining,
    )
    return event.model_copy(update={"time": START + timedelta(hours=hours)})


def amended(version: int, subject_id: str) -> Event[Any]:
    """The referral's own word that it is about somebody else."""
    changes: dict[str, Any] = {
        "subject_id": subject_id,
        "subject_version": 1,
        "amended": ("subject_id",),
    }
    return event_of("referral.amended", "ref_1", version, **referral(**changes))


def stepped(version: int, subject_id: str, status: str, **changes: Any) -> Event[Any]:
    """The referral's own word that it moved on, written about that young person."""
    about = {"referral_id": "ref_1", "agency_id": SCHOOL, "hub_id": HUB, "subject_id": subject_id}
    about |= {n: v for n, v in referral().items() if n in ("urgency", "due_at")}
    fields = {"subject_version": 0, "previous": "received", "status": status, **changes}
    return event_of("referral.status_changed", "ref_1", version, **about, **fields)


def relinks(*consents: Consent) -> list[Event[Any]]:
    """What its owner publishes, in the order of its writes."""
    ways: dict[str, Any] = {"leaving": SUBJECT, "joining": OTHER}
    return [
        linked(OTHER, 1, consents=consents, **ways),
        amended(2, OTHER),
        linked(SUBJECT, 9, **ways),
    ]


async def test_what_comes_after_is_decided_on_the_say_of_whom_it_is_about(told: Told) -> None:
    await told.says(consent())
    await told.happens("referral.received", "ref_1", **referral())
    for event in relinks():
        await told.hear(event)

    await told.hear(event_of("allocation.made", "ref_1", 1, **allocated(subject_id=OTHER)))

    found = await told.one(recipient_id=POLICE, kind="support_arranged")
    assert (found.subject_id, found.status) == (OTHER, "withheld")


async def test_a_consent_of_whom_it_is_about_permits_what_the_other_s_refusal_did_not(
    told: Told,
) -> None:
    await told.says(consent("refused"))
    await told.happens("referral.received", "ref_1", **referral())
    for event in relinks(consent()):
        await told.hear(event)

    await told.hear(event_of("allocation.made", "ref_1", 1, **allocated()))

    found = await told.one(recipient_id=POLICE, kind="support_arranged")
    assert (found.subject_id, found.status) == (OTHER, "pending")


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 1, 0), (2, 0, 1, 0, 2)])
async def test_what_waits_is_withheld_whatever_order_the_words_come_in(
    told: Told, order: tuple[int, ...]
) -> None:
    await told.says(consent())
    await told.happens("referral.received", "ref_1", **referral())
    events = relinks(consent())

    for number in order:
        with suppress(NotFound):  # the news of it comes again, once the other words are there
            await told.hear(events[number])
        await told.looked_again()
        found = await told.one(recipient_id=POLICE)
        assert found.status == "withheld", "at the first word already"


async def test_what_was_told_before_is_taken_back_as_about_the_wrong_person(told: Told) -> None:
    await told.says(consent())
    caller = Caller(development=True)
    async with receiving() as receiver, caller.ready():
        await told.subscribed("ag_two", url=receiver.url)
        await told.happens(
            "agency.registered", "ag_two", agency_id="ag_two", kind="6", areas=("northtown",)
        )
        await told.agreed(terms("ag_two", id="isa_2"))
        await told.happens("referral.received", "ref_1", **referral())
        await told.send_due(caller)
        with suppress(NotFound):  # as news it comes again
            await told.hear(relinks()[1])
        await told.looked_again()

    assert (await told.one(recipient_id="ag_two", kind="concern_in_your_area")).status == (
        "retracted"
    )
    assert (await told.one(kind="retraction")).detail == "wrong_person"


async def test_what_a_joined_child_s_consent_opened_of_another_is_taken_back_when_they_are_parted(
    told: Told,
) -> None:
    """`ref_1` stays with whom it was about; the consent goes with a referral that came by mistake."""
    caller = Caller(development=True)
    await told.hear(joining(SUBJECT, 1, ("ref_1", "ref_9"), (consent(),), leaving=OTHER))
    async with receiving() as receiver, caller.ready():
        await told.subscribed("ag_two", url=receiver.url)
        await told.happens(
            "agency.registered", "ag_two", agency_id="ag_two", kind="6", areas=("northtown",)
        )
        await told.agreed(terms("ag_two", id="isa_2"))
        await told.happens("referral.received", "ref_1", **referral())
        await told.send_due(caller)
        sent = await told.one(recipient_id="ag_two", kind="concern_in_your_area")
        assert sent.status == "delivered"

        await told.hear(joining(OTHER, 9, ("ref_9",), (consent(),), leaving=SUBJECT, hours=2))
        await told.hear(joining(SUBJECT, 2, ("ref_1",), (), leaving=SUBJECT, to=OTHER, hours=2))
        await told.looked_again()

    after = await told.one(recipient_id="ag_two", kind="concern_in_your_area")
    assert (after.subject_id, after.status) == (SUBJECT, "retracted")


def joining(
    subject_id: str,
    version: int,
    referral_ids: tuple[str, ...],
    consents: tuple[Consent, ...],
    *,
    leaving: str,
    to: str | None = None,
    hours: int = 1,
) -> Event[Any]:
    """One young person's word that `ref_9` went from one to the other."""
    event = event_of(
        "subject.relinked",
        subject_id,
        version,
        subject_id=subject_id,
        referral_id="ref_9",
        referral_ids=referral_ids,
        sharing={"age_band": "16_to_17", "consents": consents},
        from_subject_id=leaving,
        to_subject_id=to or subject_id,
    )
    return event.model_copy(update={"time": START + timedelta(hours=hours)})


async def test_while_it_is_not_known_whose_it_is_partners_wait_and_nobody_else_does(
    told: Told,
) -> None:
    await told.says(consent())
    await told.happens("referral.received", "ref_1", **referral())
    joined, now_theirs, left = relinks()
    made = event_of("allocation.made", "ref_1", 1, **allocated())
    for event in (joined, left):
        await told.hear(event)

    with pytest.raises(NotFound):
        await told.hear(made)

    assert await told.all(kind="support_arranged") == []
    assert [n.recipient_id for n in await told.all(kind="case_allocated_to_you")] == [WORKER]
    await told.hear(now_theirs)
    await told.hear(made)
    assert (await told.one(kind="support_arranged")).status == "withheld"
    assert len(await told.all(kind="case_allocated_to_you")) == 1


async def test_an_event_of_the_referral_that_is_ahead_of_its_relinking_waits_for_it(
    told: Told,
) -> None:
    await told.says(consent())
    await told.happens("referral.received", "ref_1", **referral())
    await told.stores.subscriptions.collection.update_one(
        {"_id": f"agency:{POLICE}"}, {"$set": {"kinds": ("support_ended",)}}
    )
    closed = stepped(3, OTHER, "closed")

    with pytest.raises(NotFound):
        await told.hear(closed)
    for event in relinks():
        await told.hear(event)
    await told.hear(closed)

    assert (await told.one(kind="support_ended")).subject_id == OTHER
    assert (await told.one(kind="support_ended")).status == "withheld"


async def test_who_gets_a_referral_back_has_the_say_again(told: Told) -> None:
    await told.says(consent())
    await told.happens("referral.received", "ref_1", **referral())
    there = relinks()
    ways: dict[str, Any] = {"leaving": OTHER, "joining": SUBJECT, "hours": 5}
    back = [
        linked(SUBJECT, 10, consents=(consent(),), **ways),
        amended(3, SUBJECT),
        linked(OTHER, 2, **ways),
    ]

    for event in (*there, *back, *there):  # and the first three come again, late
        await told.hear(event)
    await told.hear(event_of("allocation.made", "ref_1", 1, **allocated()))

    found = await told.one(recipient_id=POLICE, kind="support_arranged")
    assert (found.subject_id, found.status) == (SUBJECT, "pending")


async def test_what_is_erased_stays_erased_whatever_is_heard_of_it_later(told: Told) -> None:
    await told.says(consent())
    await told.happens("referral.received", "ref_1", **referral())
    erased = {"referral_id": "ref_1", "agency_id": SCHOOL, "reason": "right_to_erasure"}
    await told.hear(event_of("referral.erased", "ref_1", 2, **erased))
    await told.hear(stepped(3, SUBJECT, "closed"))

    await told.hear(event_of("allocation.made", "ref_1", 1, **allocated()))

    assert (await told.one(kind="support_arranged")).status == "withheld"


async def test_a_late_event_from_before_does_not_wait_for_what_the_other_never_said(
    told: Told,
) -> None:
    await told.happens("referral.received", "ref_1", **referral())
    for event in relinks()[:2]:
        await told.hear(event)

    await told.hear(stepped(1, SUBJECT, "accepted", subject_version=7))

    assert (await told.one(kind="referral_accepted")).recipient_id == SCHOOL


async def test_a_referrer_unsafe_for_whom_it_is_about_now_hears_nothing_more(told: Told) -> None:
    await told.happens("referral.received", "ref_1", **referral())
    for event in relinks():
        await told.hear(event)
    await told.hear(
        event_of(
            "sharing.safety_marked",
            OTHER,
            2,
            subject_id=OTHER,
            referral_id="ref_1",
            referral_ids=("ref_1",),
            sharing={"unsafe_agencies": (SCHOOL,)},
            marked_kind="agency",
            marked_id=SCHOOL,
            relation="close_associate",
            unsafe=True,
        )
    )
    waiting = await told.one(kind="referral_received")

    permitted, after = await re_evaluate(told.stores, waiting, "inbox")

    assert (permitted, after.status) == (False, "withheld")
