"""Notify decides first: who is told, who is not and why, what waits, and what is taken back."""

from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from services.notify.delivery.webhook import Caller
from shared.errors import NotFound
from shared.rules.sharing import Basis
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


@pytest_asyncio.fixture
async def told(database: Database) -> Told:
    clock = Hands()
    stores = stores_on(database, clock)
    await stores.prepare()
    return Told(stores, clock)


async def reach(told: Told, referral_id: str = "ref_1", **changes: object) -> None:
    """A referral arrives."""
    await told.happens("referral.received", referral_id, **referral(referral_id, **changes))


async def test_a_partner_is_told_under_consent_and_agreement_and_the_trail_says_which(
    told: Told,
) -> None:
    await told.network(POLICE)
    await told.subscribed(POLICE)
    await told.says(given := consent())

    await reach(told)

    found = await told.one(recipient_id=POLICE)
    (created,) = await told.events(found.id)
    assert found.status == "pending"
    assert found.permitted == ("existence", "concerns")
    assert created["type"] == "notification.created"
    verdicts = created["data"]["verdicts"]
    assert {(v["ground_id"], v["agreement_id"]) for v in verdicts} == {(given.id, "isa_1")}


async def test_a_refusal_is_a_stored_notification_with_its_reasons_and_an_event(told: Told) -> None:
    await told.network(POLICE)
    await told.subscribed(POLICE)

    await reach(told)

    found = await told.one(recipient_id=POLICE)
    (event,) = await told.events(found.id)
    assert found.status == "withheld"
    assert (event["type"], event["data"]["stage"]) == ("notification.withheld", "creation")
    assert {v["reason"] for v in event["data"]["verdicts"]} == {"no_ground"}


async def test_a_consent_for_part_of_it_permits_that_part_and_names_it(told: Told) -> None:
    await told.network(POLICE)
    await told.subscribed(POLICE)
    await told.says(consent(categories=("existence",)))

    await reach(told)

    found = await told.one(recipient_id=POLICE)
    assert (found.status, found.permitted) == ("pending", ("existence",))
    assert [v.reason for v in found.verdicts if not v.permitted] == ["no_ground"]


async def test_without_an_agreement_in_force_nothing_goes_to_a_partner(told: Told) -> None:
    await told.network(POLICE)
    await told.subscribed(POLICE)
    await told.says(consent())
    await told.agreed(terms(POLICE, version=2, ended_at=START), "agreement.ended")

    await reach(told)

    found = await told.one(recipient_id=POLICE)
    assert found.status == "withheld"
    assert {v.reason for v in found.verdicts} == {"agreement_lapsed"}


@pytest.mark.parametrize(
    "entry", [{"areas": ("elsewhere",)}, {"kinds": ("support_ended",)}, {"active": False}]
)
async def test_who_did_not_ask_for_this_kind_and_area_is_not_even_considered(
    told: Told, entry: dict[str, Any]
) -> None:
    await told.network(POLICE)
    await told.subscribed(POLICE, **entry)
    await told.says(consent())

    await reach(told)

    assert await told.all(recipient_id=POLICE) == []


async def test_an_agency_hears_nothing_of_areas_that_are_not_its_own(told: Told) -> None:
    await told.network(POLICE)
    await told.happens(
        "agency.amended", POLICE, agency_id=POLICE, kind="6", areas=("another_town",)
    )
    await told.subscribed(POLICE)
    await told.says(consent())

    await reach(told)

    assert await told.all(recipient_id=POLICE) == []


async def test_from_an_agency_that_nobody_registered_it_is_withheld_and_that_is_seen(
    told: Told,
) -> None:
    await told.network()
    await told.agreed(terms("ag_unknown", id="isa_9"))
    await told.subscribed("ag_unknown")
    await told.says(consent())

    await reach(told)

    assert (await told.one(recipient_id="ag_unknown")).status == "withheld"


async def test_an_agency_that_is_struck_off_is_told_nothing_more(told: Told) -> None:
    await told.network(POLICE)
    await told.subscribed(POLICE)
    await told.says(consent())
    await reach(told)

    await told.happens(
        "agency.amended", POLICE, agency_id=POLICE, kind="6", areas=("northtown",), active=False
    )
    await told.looked_again()

    assert (await told.one(recipient_id=POLICE)).status == "withheld"


async def test_worker_and_hub_need_no_consent_and_the_referrer_hears_of_its_own(told: Told) -> None:
    await told.network()
    await reach(told)

    await told.happens("allocation.made", "all_1", **allocated(level="significant"))

    kinds = [(n.recipient, n.kind, n.ground) for n in await told.all()]
    assert kinds == [
        (f"agency:{SCHOOL}", "referral_received", "fate_of_own_referral"),
        (f"worker:{WORKER}", "case_allocated_to_you", "allocated_worker"),
        (f"hub:{HUB}", "case_for_oversight", "hub_oversight"),
    ]


async def test_an_unsafe_referrer_hears_nothing_and_the_hub_hears_that(told: Told) -> None:
    await told.network()
    await told.unsafe(SCHOOL)

    await reach(told)

    withheld, hold = await told.all()
    if withheld.status != "withheld":
        withheld, hold = hold, withheld
    assert (withheld.recipient_id, withheld.status) == (SCHOOL, "withheld")
    assert (hold.recipient, hold.kind, hold.about_id) == (f"hub:{HUB}", "safety_hold", withheld.id)


async def test_an_event_ahead_of_what_is_known_waits_and_does_not_guess(told: Told) -> None:
    await told.network()
    made = event_of("allocation.made", "all_1", 1, **allocated())
    ahead = event_of("referral.received", "ref_1", 1, **referral(subject_version=1))

    with pytest.raises(NotFound):
        await told.hear(made)
    with pytest.raises(NotFound):
        await told.hear(ahead)
    assert await told.all() == []

    await told.says(consent())
    await told.hear(ahead)
    await told.hear(made)
    assert len(await told.all()) == 2


async def test_events_twice_and_late_and_out_of_order_end_in_the_same_state(told: Told) -> None:
    await told.network(POLICE)
    await told.subscribed(POLICE)
    first, second = consent(), consent("withdrawn", recorded_at=START)
    about = {"subject_id": SUBJECT, "referral_id": "ref_1", "referral_ids": ()}
    before = {"sharing": {"consents": (first,), "age_band": "16_to_17"}, "consent": first}
    after = {"sharing": {"consents": (first, second), "age_band": "16_to_17"}, "consent": second}
    late = event_of("consent.recorded", SUBJECT, 1, **about, **before)
    newest = event_of("consent.recorded", SUBJECT, 2, **about, **after)
    received = event_of("referral.received", "ref_1", 1, **referral())

    for event in (newest, late, newest, late, received, received):
        await told.hear(event)

    assert [n.status for n in await told.all(recipient_id=POLICE)] == ["withheld"]
    assert len(await told.all()) == 2


async def test_what_waits_when_consent_is_withdrawn_never_goes_out(told: Told) -> None:
    await told.network(POLICE)
    await told.says(consent())
    caller = Caller(development=True)
    async with receiving() as receiver, caller.ready():
        await told.subscribed(POLICE, url=receiver.url)
        await reach(told)
        await told.says(consent("withdrawn", recorded_at=told.clock()))

        assert await told.send_due(caller) == 1

    found = await told.one(recipient_id=POLICE)
    assert receiver.calls == []
    assert found.status == "withheld"
    events = await told.events(found.id)
    assert [(e["type"], e["data"].get("stage")) for e in events] == [
        ("notification.created", None),
        ("notification.withheld", "sending"),
    ]
    assert [r.get("code") for r in await told.rows()] == [None, "withheld"]


@pytest.mark.parametrize("how", ["withdrawn", "recorded by mistake"])
async def test_who_was_told_is_asked_to_delete_it_and_the_confirmation_is_kept(
    told: Told, how: str
) -> None:
    await told.network(POLICE)
    yes = consent()
    await told.says(yes)
    caller = Caller(development=True)
    async with receiving() as receiver, caller.ready():
        await told.subscribed(POLICE, url=receiver.url)
        await reach(told)
        await told.send_due(caller)
        if how == "withdrawn":
            await told.says(consent("withdrawn", recorded_at=told.clock()))
        else:
            await told.mistaken(yes)
        await told.looked_again()
        await told.send_due(caller)

    first = await told.one(recipient_id=POLICE, kind="concern_in_your_area")
    notice = await told.one(kind="retraction")
    assert first.status == "retracted"
    assert (notice.recipient_id, notice.about_id) == (POLICE, first.id)
    assert (notice.action, notice.status) == ("delete_and_confirm", "delivered")
    assert notice.categories == ("existence", "concerns")
    assert len(receiver.calls) == 2
    assert b"withdrawn" not in receiver.calls[1].body


async def test_part_of_a_ground_that_ends_is_taken_back_in_part(told: Told) -> None:
    await told.network(POLICE)
    await told.says(consent())
    caller = Caller(development=True)
    async with receiving() as receiver, caller.ready():
        await told.subscribed(POLICE, url=receiver.url)
        await reach(told)
        await told.send_due(caller)
        no = consent("withdrawn", recorded_at=told.clock(), categories=("concerns",))
        await told.says(no)
        await told.looked_again()

    first = await told.one(recipient_id=POLICE, kind="concern_in_your_area")
    assert (first.status, first.permitted) == ("delivered", ("existence",))
    assert (await told.one(kind="retraction")).categories == ("concerns",)


async def test_another_ground_that_stands_keeps_it_and_the_trail_says_which(told: Told) -> None:
    await told.network(POLICE)
    await told.subscribed(POLICE)
    await told.says(consent())
    await reach(told)
    basis = Basis(
        id="bas_1",
        basis="public_task",
        condition="safeguarding",
        agency_ids=(POLICE,),
        categories=("existence", "concerns"),
        decided_by="wk_1",
        decided_at=START,
        review_at=START + timedelta(days=90),
    )
    told.state = told.state.model_copy(update={"bases": (basis,)})

    await told.says(consent("withdrawn", recorded_at=told.clock()))
    await told.looked_again()

    found = await told.one(recipient_id=POLICE)
    assert found.status == "pending"
    assert {v.ground for v in found.verdicts} == {"public_task"}
    assert (await told.events(found.id))[-1]["type"] == "notification.redecided"
    assert await told.all(kind="retraction") == []


async def test_a_consent_that_expires_by_itself_takes_back_what_was_told(told: Told) -> None:
    await told.network(POLICE)
    await told.says(consent(valid_to=START + timedelta(days=7)))
    caller = Caller(development=True)
    async with receiving() as receiver, caller.ready():
        await told.subscribed(POLICE, url=receiver.url)
        await reach(told)
        await told.send_due(caller)
    told.clock.forward(minutes=1)
    await told.looked_again()
    assert await told.all(kind="retraction") == []

    told.clock.forward(days=7)
    await told.looked_again()

    assert (await told.one(kind="concern_in_your_area")).status == "retracted"
    assert (await told.one(kind="retraction")).recipient_id == POLICE


@pytest.mark.parametrize(
    ("event_type", "data", "reason"),
    [
        ("referral.status_changed", {"status": "entered_in_error"}, "entered_in_error"),
        (
            "referral.status_changed",
            {"status": "entered_in_error", "reason": "wrong_person"},
            "wrong_person",
        ),
        ("referral.erased", {"reason": "right_to_erasure"}, "erased"),
    ],
)
async def test_a_referral_that_should_not_be_is_taken_back_from_all_who_were_told(
    told: Told, event_type: str, data: dict[str, str], reason: str
) -> None:
    await told.network(POLICE, "ag_health")
    await told.says(consent())
    caller = Caller(development=True)
    async with receiving() as receiver, caller.ready():
        await told.subscribed(POLICE, url=receiver.url)
        await told.subscribed("ag_health")
        await reach(told)
        await told.send_due(caller)
    fields = {k: v for k, v in referral().items() if k in ("subject_id", "urgency", "due_at")}
    fields |= {"referral_id": "ref_1", "agency_id": SCHOOL, "subject_version": 1}
    fields |= {"previous": "received", **data}

    await told.happens(event_type, "ref_1", **fields)
    await told.looked_again()

    was_told = await told.one(recipient_id=POLICE, kind="concern_in_your_area")
    assert was_told.status == "retracted"
    assert (await told.one(kind="retraction")).detail == reason
    assert (await told.one(recipient_id="ag_health")).status == "withheld"


async def test_what_was_about_somebody_else_is_taken_back(told: Told) -> None:
    await told.network(POLICE)
    await told.says(consent())
    caller = Caller(development=True)
    async with receiving() as receiver, caller.ready():
        await told.subscribed(POLICE, url=receiver.url)
        await reach(told)
        await told.send_due(caller)

    await told.happens(
        "subject.relinked",
        "sub_2",
        subject_id="sub_2",
        referral_id="ref_1",
        referral_ids=("ref_1",),
        sharing={},
        from_subject_id=SUBJECT,
        to_subject_id="sub_2",
    )
    await told.looked_again()

    assert (await told.one(kind="concern_in_your_area")).status == "retracted"
    assert (await told.one(kind="retraction")).detail == "wrong_person"


async def test_an_agency_found_unsafe_after_it_was_told_gets_no_notice_but_the_hub_does(
    told: Told,
) -> None:
    await told.network(POLICE)
    await told.says(consent())
    caller = Caller(development=True)
    async with receiving() as receiver, caller.ready():
        await told.subscribed(POLICE, url=receiver.url)
        await reach(told)
        await told.send_due(caller)

    await told.unsafe(POLICE)
    await told.looked_again()

    assert (await told.one(kind="concern_in_your_area")).status == "retracted"
    assert await told.all(kind="retraction") == []
    assert (await told.one(kind="safety_hold")).recipient == f"hub:{HUB}"


async def test_an_attempt_that_never_ended_counts_as_told(told: Told) -> None:
    await told.network(POLICE)
    await told.says(consent())
    await told.subscribed(POLICE, url="http://127.0.0.1:1/hook")
    await reach(told)
    waiting = await told.one(recipient_id=POLICE)
    await told.stores.attempts.began(
        waiting.id, waiting.recipient, "webhook", told.clock()
    )  # and then the process died

    await told.says(consent("withdrawn", recorded_at=told.clock()))
    await told.looked_again()
    assert (await told.one(recipient_id=POLICE)).status == "pending", "perhaps it is at it now"
    told.clock.forward(seconds=told.stores.lease + 1)
    await told.looked_again()

    assert (await told.one(_id=waiting.id)).status == "retracted"
    assert (await told.one(kind="retraction")).recipient_id == POLICE


async def test_each_turn_of_its_own_referral_reaches_the_referrer_each_time_it_is_taken(
    told: Told,
) -> None:
    await told.network()
    await reach(told)
    fields = {k: v for k, v in referral().items() if k in ("subject_id", "urgency", "due_at")}
    fields |= {"referral_id": "ref_1", "agency_id": SCHOOL, "subject_version": 0}
    before = "received"
    # The same state again is no turn: who holds it was noted, say.
    for status, reason in (
        *(("allocated", None), ("allocated", None), ("on_hold", None), ("allocated", None)),
        *(("rejected", "no_capacity"), ("rejected", "no_capacity"), ("received", "other")),
        *(("rejected", "out_of_area"), ("entered_in_error", "raised_in_error")),
    ):
        turn = {"status": status, "previous": before, "reason": reason}
        await told.happens("referral.status_changed", "ref_1", **fields, **turn)
        before = status

    assert [(n.kind, n.detail) for n in await told.all(recipient_id=SCHOOL)] == [
        ("referral_received", None),
        ("referral_allocated", None),
        ("referral_on_hold", None),
        ("referral_resumed", None),
        ("referral_rejected", "no_capacity"),
        ("referral_reopened", "other"),
        ("referral_rejected", "out_of_area"),
        ("referral_entered_in_error", "raised_in_error"),
    ]
