"""Late, doubled and reordered events of a referral lead to the same knowledge of it."""

from collections.abc import Iterable
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.allocation.assignment.referral_sync import (
    ENDED,
    FromReferral,
    evolve,
    follow_amendment,
    follow_status,
    open_allocation,
)
from services.allocation.casework.transitions import close
from services.allocation.hubs.hub import Hub
from services.allocation.records import HELD, Allocation, Closing, Reach, Refusal
from services.allocation.risk.subject import Subject, absorb, first_seen
from shared.events import Event
from shared.events.casework import GoalResult
from shared.events.codes import ReferralStatus
from shared.events.referral import ReferralAmended, ReferralReceived, ReferralStatusChanged
from shared.storage.records import Change
from tests.unit.allocation.given import (
    AT,
    POLICY,
    allocation,
    concern,
    hub,
    later,
    offered,
    outcome,
    received,
)

KNOWN = {
    "referral_version",
    "status_version",
    "referral_status",
    "subject_id",
    "area",
    "urgency",
    "urgency_rank",
    "due_at",
    "settings_avoided",
    "needs",
    "languages",
    "times",
    "reach",
}
URGENCIES = ["ten_working_days", "same_day", "immediate"]
CODES = ["missing_episodes", "older_partner", "images_shared"]


def amended(version: int, *codes: str, **changes: Any) -> Event[ReferralAmended]:
    snapshot = received(*map(concern, codes), version=version, **changes)
    data = ReferralAmended.model_validate({**dict(snapshot.data), "amended": ("indicators",)})
    return Event[ReferralAmended].model_validate(
        {**dict(snapshot), "type": "referral.amended", "data": data}
    )


def status(version: int, now: str, before: str) -> Event[ReferralStatusChanged]:
    snapshot = received(version=version)
    data = ReferralStatusChanged.model_validate(
        {
            **dict(snapshot.data),
            "subject_version": 1,
            "status": now,
            "previous": before,
        }
    )
    return Event[ReferralStatusChanged].model_validate(
        {**dict(snapshot), "type": "referral.status_changed", "data": data}
    )


@st.composite
def histories(draw: st.DrawFn) -> list[FromReferral]:
    """What one referral says after it was received: amendments, ends, new beginnings."""
    standing: ReferralStatus = "received"
    events: list[FromReferral] = []
    for version in range(2, 2 + draw(st.integers(1, 7))):
        if draw(st.booleans()):
            events.append(
                amended(
                    version,
                    *draw(st.lists(st.sampled_from(CODES), max_size=2)),
                    urgency=draw(st.sampled_from(URGENCIES)),
                    settings_avoided=draw(st.sampled_from([(), ("police",)])),
                    subject_id=draw(st.sampled_from(["sub_one", "sub_two"])),
                )
            )
            continue
        following: list[ReferralStatus] = ["received"] if standing in ENDED else ["allocated"]
        chosen = draw(st.sampled_from([*following, *ENDED]))
        events.append(status(version, chosen, standing))
        standing = chosen
    return events


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[FromReferral], list[FromReferral]]:
    """A history, and the same events as they may arrive: in any order, some of them again."""
    history = draw(histories())
    again = draw(st.lists(st.sampled_from(history), max_size=4))
    return history, draw(st.permutations([*history, *again]))


def known(case: Allocation) -> dict[str, Any]:
    return case.model_dump(include=KNOWN)


def followed(case: Allocation, events: Iterable[FromReferral]) -> Allocation:
    for event in events:
        if isinstance(event.data, ReferralStatusChanged):
            case = follow_status(case, event, hub(), "mild", AT).after
        else:
            case = follow_amendment(case, cast("Event[ReferralAmended]", event), True).after
    return case


@given(arrivals())
def test_any_order_of_a_referrals_events_gives_the_same_knowledge_of_it(
    both: tuple[list[FromReferral], list[FromReferral]],
) -> None:
    in_order = late = allocation()
    for event in both[0]:
        in_order = evolve(in_order, event)
    for event in both[1]:
        late = evolve(late, event)

    assert late == in_order


@given(arrivals())
def test_a_case_is_closed_just_when_its_referral_is_whatever_comes_late(
    both: tuple[list[FromReferral], list[FromReferral]],
) -> None:
    in_order, late = (followed(offered(), events) for events in both)

    assert known(late) == known(in_order)
    ended = in_order.referral_status in ENDED
    assert (in_order.status == "closed", late.status == "closed") == (ended, ended)
    assert late.closure == in_order.closure


@given(arrivals())
def test_any_order_of_what_was_reported_gives_the_same_concerns_and_level(
    both: tuple[list[FromReferral], list[FromReferral]],
) -> None:
    assert subjects(both[1]) == subjects(both[0])


def subjects(events: Iterable[FromReferral]) -> dict[str, dict[str, Any]]:
    found: dict[str, Subject] = {}
    reports = [event for event in events if not isinstance(event.data, ReferralStatusChanged)]
    for event in cast("list[Event[ReferralReceived]]", reports):
        subject_id = event.data.subject_id
        if subject_id in found:
            found[subject_id] = absorb(found[subject_id], event, POLICY, AT).after
        else:
            found[subject_id] = first_seen(event, POLICY, AT)[0]
    return {key: value.model_dump(exclude={"version"}) for key, value in found.items()}


def test_an_amendment_that_comes_after_a_later_change_of_status_counts() -> None:
    later_on = status(5, "closed", "in_progress")
    avoids = amended(4, settings_avoided=("police",))

    case = followed(offered(), [later_on, avoids])

    assert case.status == "closed"
    assert case.settings_avoided == ("police",)


def test_a_case_reopens_at_the_level_that_the_newest_urgency_asks_for() -> None:
    case = followed(offered(level="moderate"), [status(2, "withdrawn", "allocated")])

    again = follow_status(case, status(3, "received", "withdrawn"), hub(), "significant", AT).after

    assert (again.status, again.level, again.level_rank) == ("waiting", "significant", 3)
    assert again.weight == hub().weight("significant")


NORTH, OWN = hub(), hub(debrief_from="moderate", weights={"mild": 4}, clocks={"review_days": 6})
SNAPSHOT: dict[str, Any] = {
    "subject_id": "sub_two",
    "area": "westby",
    "urgency": "same_day",
    "due_at": later(days=2),
    "settings_avoided": ("police",),
    "needs": ("trafficking",),
    "languages": ("bsl",),
}
REACH = {"age_band": "16_to_17", "gender": "female", "ethnicity": "declined"}


def test_a_case_opens_with_all_that_its_referral_says() -> None:
    event = received(
        concern("images_shared"), version=3, preferred_times=("evenings",), **SNAPSHOT, **REACH
    )
    subject = first_seen(event, POLICY, AT)[0]

    placed, nowhere = (open_allocation(event, subject, h, POLICY) for h in (OWN, None))

    assert placed == allocation(
        **SNAPSHOT,
        times=("evenings",),
        reach=Reach.model_validate(REACH),
        referral_version=3,
        assessment=subject.assessment,
        weight=1,
        version=0,
    ), "urgent: moderate at least, and this Hub has no weight for that"
    assert open_allocation(event, subject, NORTH, POLICY).weight == 3
    assert nowhere == placed.but(hub_id=None)


def test_an_amendment_brings_the_whole_snapshot_and_says_so() -> None:
    event = amended(2, preferred_times=("evenings",), **SNAPSHOT, **REACH)
    here = offered(escalations=1)

    assert outcome(here, follow_amendment(here, event, True)) == {
        "changed": {
            **SNAPSHOT,
            "times": ("evenings",),
            "reach": Reach.model_validate(REACH),
            "referral_version": 2,
            "urgency_rank": 3,
        },
        "said": {"allocation.amended": {"referral_version": 2}},
    }


@pytest.mark.parametrize("status_now", ["seeking", "waiting", "closed", *HELD])
def test_the_manager_is_told_just_where_the_worker_on_the_case_no_longer_fits(
    status_now: str,
) -> None:
    case = offered().but(status=status_now)
    told = {"allocation.escalated": {"reason": "no_longer_fits"}} if status_now in HELD else {}

    for fits, more in ((True, {}), (False, told)):
        said = outcome(case, follow_amendment(case, amended(2), fits))["said"]
        assert said == {"allocation.amended": {"referral_version": 2}, **more}


def test_what_is_known_already_changes_nothing() -> None:
    case = offered().but(referral_version=4, status_version=6)

    assert follow_amendment(case, amended(4, urgency="same_day"), False) == Change(case)
    for event in (
        status(6, "closed", "in_progress"),
        status(7, "allocated", "accepted"),
        status(7, "received", "screening"),
        status(7, "allocated", "closed"),
    ):
        assert follow_status(case, event, NORTH, "mild", AT) == Change(case), event.data


@pytest.mark.parametrize("ended", ENDED)
def test_a_case_ends_with_its_referral(ended: ReferralStatus) -> None:
    case = offered()

    change = follow_status(case, status(2, ended, "in_progress"), OWN, "mild", later(hours=1))

    known = case.but(status_version=2, referral_status=ended)
    assert change == close(known, ENDED[ended], (), OWN, later(hours=1), by_hand=False)
    assert change.after.debrief == "offered"
    assert change.after.closed_at == later(hours=1)


@pytest.mark.parametrize(
    ("before", "event", "closure"),
    [
        (None, status(2, "withdrawn", "received"), "not_engaged"),
        ("closed", status(2, "withdrawn", "received"), "referral_withdrawn"),
        ("received", status(2, "withdrawn", "received"), "not_engaged"),
    ],
)
def test_a_closed_case_keeps_why_it_ended_unless_its_referral_ended_otherwise(
    before: ReferralStatus | None, event: Event[ReferralStatusChanged], closure: str
) -> None:
    closed = close(offered(), "not_engaged", (), NORTH, AT).after.but(referral_status=before)

    change = follow_status(closed, event, NORTH, "mild", AT)

    assert change.after == closed.but(
        status_version=2, referral_status="withdrawn", closure=closure
    )
    assert outcome(closed, change)["said"] == {"allocation.amended": {"referral_version": 2}}
    assert change.due == {}


def test_a_beginning_again_that_comes_before_the_end_ends_the_case_and_begins_it_again() -> None:
    change = follow_status(offered(), status(2, "received", "withdrawn"), NORTH, "mild", AT)

    assert [e.event_type for e in change.events] == ["allocation.closed", "allocation.waiting"]
    assert (change.after.status, change.after.worker_id) == ("waiting", None)
    assert change.after.workers_before == ("wk_one",)


@pytest.mark.parametrize(("of_hub", "weight", "days"), [(OWN, 4, 6), (None, 3, 7)])
def test_a_case_that_begins_again_waits_afresh(of_hub: Hub | None, weight: int, days: int) -> None:
    left = Refusal(worker_id="wk_zero", reason="safety", at=AT)
    results = (GoalResult(goal="safe_relationships", outcome="achieved"),)
    working = offered(refusals=(left,)).but(status="in_progress")
    before = close(working, "completed", results, OWN, AT).after

    change = follow_status(before, status(2, "received", "closed"), of_hub, "mild", later(hours=1))

    after = change.after
    assert (after.status, after.level, after.level_rank, after.weight) == (
        "waiting", "mild", 1, weight,
    )  # fmt: skip
    assert (after.closed_at, after.closure, after.debrief) == (None, None, None)
    assert (after.outcomes, after.refusals) == ((), ())
    assert after.closings == (Closing(closed_at=AT, closure="completed", outcomes=results),)
    assert after.review_at == later(days=days, hours=1)
    assert (after.hub_id, after.workers_before) == (of_hub and of_hub.id, ("wk_one",))
