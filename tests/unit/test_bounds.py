"""What the API accepts, the trail holds: events travel with what can still decide, and have an end."""

import json
from datetime import datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audit.log.leaf import MAX_LEAF, leaf_of
from services.referral.documents import ConsentEntry
from services.referral.people.links import new_subject
from services.referral.sharing.rule import record_consent
from services.referral.sharing.subject import Subject
from shared.errors import Refused
from shared.events import Event, EventData, parse, schema_of
from shared.events.bounds import MAX_EVENT, MAX_GROWTH, MAX_ITEMS, MAX_TEXT
from shared.events.codes import INDICATORS, AgeBand, Recency
from shared.events.referral import Concern, ReferralAmended
from shared.events.sharing import ConsentRecorded
from shared.rules.carried import carried
from shared.rules.sharing import (
    CATEGORIES,
    Consent,
    Request,
    SharingState,
    Terms,
    decide,
)
from shared.storage.records import Change
from tests.golden.__main__ import AT, sample
from tests.harness.young_people import aged

HOUR = timedelta(hours=1)
AGENCIES = ("ag_1", "ag_2")
LAST = 3  # nothing is said after this hour


def at_hour(first: int, last: int) -> st.SearchStrategy[datetime]:
    return st.integers(first, last).map(lambda n: AT + n * HOUR)


AGENCY_IDS: st.SearchStrategy[Any] = st.sampled_from([(), ("ag_1",), AGENCIES])
SOME: st.SearchStrategy[Any] = st.sampled_from([("existence",), ("existence", "health")])
OF_CONSENT: dict[str, st.SearchStrategy[Any]] = {
    "status": st.sampled_from(["given", "refused", "withdrawn", "not_asked"]),
    "agency_ids": AGENCY_IDS,
    "agency_kinds": st.sampled_from([(), ("school",)]),
    "categories": SOME,
    "given_by": st.sampled_from(["young_person", "parent"]),
    "gillick_competent": st.sampled_from([None, True, False]),
    "recorded_at": at_hour(0, LAST),
    "recorded_by": st.sampled_from([None, "agency:ag_1", "agency:ag_2", "worker:wk_1"]),
    "recorder_host": st.sampled_from([None, "ag_1"]),
    "confirmation": st.sampled_from(
        [None, *({"confirmed": yes, "by": "worker:wk_1", "at": AT} for yes in (True, False))]
    ),
    "valid_from": at_hour(0, 6),
    "valid_to": st.none() | at_hour(4, 9),
}
OF_BASIS: dict[str, st.SearchStrategy[Any]] = {
    "condition": st.sampled_from([None, "safeguarding"]),
    "agency_ids": AGENCY_IDS,
    "categories": SOME,
    "decided_at": at_hour(0, LAST),
    "review_at": at_hour(1, 9),
    "ended_at": st.none() | at_hour(0, LAST),
}
YES: dict[str, Any] = {
    "status": "given", "categories": ("existence", "health"), "given_by": "young_person",
    "gillick_competent": True, "recorded_at": AT, "valid_from": AT,
}  # fmt: skip
DECIDED: dict[str, Any] = {
    "basis": "public_task", "condition": "safeguarding", "agency_ids": AGENCIES,
    "categories": ("existence", "health"), "decided_by": "worker:wk_1", "decided_at": AT,
    "review_at": AT + 9 * HOUR,
}  # fmt: skip


@st.composite
def changed_a_little(
    draw: st.DrawFn, first: dict[str, Any], fields: dict[str, st.SearchStrategy[Any]]
) -> list[dict[str, Any]]:
    """Up to three of a kind, each differing from the one before in a few fields: what is said about
    the same thing is what matters here."""
    found, last = [], first
    for number in range(draw(st.integers(0, 3))):
        names = draw(st.lists(st.sampled_from(sorted(fields)), max_size=3, unique=True))
        last = {**last, **{name: draw(fields[name]) for name in names}}
        found.append({**last, "id": f"id_{number}"})
    return draw(st.permutations(found))


states = st.builds(
    lambda consents, bases, unsafe, age: SharingState.model_validate(
        {"consents": consents, "bases": bases, "unsafe_agencies": unsafe, "age_band": age}
    ),
    changed_a_little(YES, OF_CONSENT),
    changed_a_little(DECIDED, OF_BASIS) | st.just([]),
    st.sampled_from([(), (), ("ag_2",)]),
    st.sampled_from(get_args(AgeBand)),
)
TERMS = Terms(
    id="agr_1",
    version=1,
    parties=("hub_1", *AGENCIES),
    signed_by=("hub_1", *AGENCIES),
    purposes=("safeguarding",),
    categories=CATEGORIES,
    grounds=("consent", "public_task", "vital_interests"),
    effective_from=AT - HOUR,
    effective_to=AT + 99 * HOUR,
)


@given(
    states,
    st.sampled_from(AGENCIES),
    st.sampled_from(["school", "police"]),
    st.integers(LAST, 10),
    st.sampled_from(get_args(AgeBand)),
)
def test_what_an_event_carries_decides_as_all_that_was_ever_said(
    state: SharingState, agency: str, kind: str, after: int, later: AgeBand
) -> None:
    request = Request(
        sharer="hub_1", agency_id=agency, agency_kind=kind, purpose="safeguarding",
        categories=CATEGORIES,
    )  # fmt: skip
    aged = {"age_band": later}

    for whole in (state, state.model_copy(update=aged)):
        short = carried(state).model_copy(update={"age_band": whole.age_band})
        at = AT + after * HOUR
        assert decide(request, short, [TERMS], at) == decide(request, whole, [TERMS], at)


def test_a_yes_of_ones_own_travels_on_beside_a_parents_no_which_ends_at_16() -> None:
    yes = Consent.model_validate({**YES, "id": "con_1"})
    no = Consent.model_validate(
        {**YES, "id": "con_2", "status": "refused", "given_by": "parent", "recorded_at": AT + HOUR}
    )

    assert carried(SharingState(consents=(yes, no))).consents == (yes, no)


@given(states)
def test_carrying_twice_leaves_nothing_more_out(state: SharingState) -> None:
    assert carried(carried(state)) == carried(state)


def an_event(data: EventData) -> Event[Any]:
    return sample(type(data)).model_copy(
        update={"data": data, "type": data.event_type, "dataschema": schema_of(type(data))}
    )


def said(subject: Subject, number: int, **changes: Any) -> Change[Subject]:
    fields: dict[str, Any] = {
        "status": "given" if number % 2 else "refused",
        "categories": CATEGORIES,
        "given_by": "young_person",
        "gillick_competent": True,
        **changes,
    }
    entry = ConsentEntry.model_validate(fields)
    return record_consent(
        subject, "ref_1", f"con_{number:026d}", entry, AT + number * HOUR, by="worker:wk_0"
    )


def held_by_the_trail(body: str) -> bool:
    leaf = leaf_of(body.encode(), AT)
    return len(leaf.raw) <= MAX_LEAF and leaf.event["type"] != "trail.rejected"


def test_consent_number_400_is_recorded_and_held_by_the_trail() -> None:
    subject, _ = new_subject("sub_1", "ref_1", aged())

    for number in range(400):
        change = said(subject, number)
        subject = change.after
        body = an_event(change.events[0]).body()

    assert len(subject.sharing.consents) == 400, "the record keeps all of them"
    assert held_by_the_trail(body)
    assert len(body) < 5_000


def many(count: int) -> ConsentRecorded:
    """Consents about a different agency each: all of them can still decide."""
    consents = tuple(
        Consent(
            id=f"con_{n:026d}", status="given", agency_ids=(f"ag_{n}",), categories=CATEGORIES,
            given_by="young_person", gillick_competent=True, recorded_at=AT, valid_from=AT,
        )
        for n in range(count)
    )  # fmt: skip
    return ConsentRecorded(
        subject_id="sub_1",
        referral_id="ref_1",
        referral_ids=("ref_1",),
        sharing=SharingState(consents=consents),
        consent=consents[-1],
    )


def size_of(count: int) -> int:
    return len(sample(ConsentRecorded).model_copy(update={"data": many(count)}).model_dump_json())


def test_what_can_not_be_held_is_refused_with_a_code_and_a_withdrawal_still_fits() -> None:
    last = next(count for count in range(1, 500) if size_of(count + 1) > MAX_GROWTH)

    allowed, refused = many(last), many(last + 1)
    no = refused.consent.model_copy(update={"status": "withdrawn"})
    withdrawn = refused.model_copy(update={"consent": no})

    with pytest.raises(Refused, match="event_too_large"):
        an_event(refused).body()
    assert held_by_the_trail(an_event(allowed).body())
    assert held_by_the_trail(an_event(withdrawn).body())


def test_an_amendment_carries_each_indicator_once_and_the_newest() -> None:
    fields = sample(ReferralAmended).data.model_dump()
    recencies: tuple[Recency, ...] = get_args(Recency)
    concerns = [
        Concern(code=code, recency=recency, agency_id="ag_1", reported_at=AT + n * HOUR)
        for n in range(9)
        for code in sorted(INDICATORS)
        for recency in recencies
    ]

    data = ReferralAmended.model_validate({**fields, "concerns": concerns})

    assert len(data.concerns) == len(INDICATORS) * len(recencies)
    assert {c.reported_at for c in data.concerns} == {AT + 8 * HOUR}
    assert held_by_the_trail(an_event(data).body())


@given(st.integers(-3_000, 3_000))
def test_an_event_of_the_largest_size_is_held_and_a_byte_more_is_refused(over: int) -> None:
    fields = sample(ReferralAmended).data.model_dump()

    def of(*words: int) -> Event[Any]:
        texts = ["x" * word for word in words]
        return an_event(ReferralAmended.model_validate({**fields, "amended": texts}))

    words = [500] * 120
    missing = MAX_EVENT + over - len(of(*words, 1).model_dump_json())
    event = of(*words, *[500] * (missing // 503), missing % 503 + 1)

    assert len(event.model_dump_json()) == MAX_EVENT + over
    if over <= 0:
        assert held_by_the_trail(event.body())
    else:
        with pytest.raises(Refused, match="event_too_large"):
            event.body()


@pytest.mark.parametrize(
    ("amended", "code"),
    [(["x" * (MAX_TEXT + 1)], "text_too_long"), (["x"] * (MAX_ITEMS + 1), "list_too_long")],
)
def test_no_text_and_no_list_is_without_an_end(amended: list[str], code: str) -> None:
    fields = sample(ReferralAmended).data.model_dump()
    event = an_event(ReferralAmended.model_validate({**fields, "amended": amended}))

    with pytest.raises(Refused, match=code):
        event.body()

    raw = event.model_dump(mode="json")
    assert parse(json.dumps(raw)).type == "referral.amended", "what others wrote is still read"
