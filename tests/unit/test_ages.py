"""How old somebody is: by what, since when, and whose word counts then."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.referral.documents import SubjectDetails
from services.referral.intake.facts import doubts
from services.referral.people.age import Age, age_of, forgotten, older
from services.referral.people.growing import forget, retell, turn
from services.referral.people.links import join, leave, new_subject
from services.referral.people.telling import Description
from services.referral.sharing.facts import Facts
from services.referral.sharing.rule import record_consent
from services.referral.sharing.subject import Subject
from shared.events.codes import AgeBand
from shared.events.subject import SubjectDescribed, SubjectTurning18
from shared.rules.consents import standing_consent
from shared.rules.sharing import Request, SharingState
from tests.unit.test_subjects import consent

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)
YEAR = timedelta(days=366)


def details(**known: Any) -> SubjectDetails:
    return SubjectDetails(name="Sample Child", **known)


def told(at: datetime = AT, **known: Any) -> Facts:
    return Facts(age=age_of(details(**known), at, at), described=Description())


def of(*facts: Facts) -> Subject:
    return Subject(id="sub_1", facts={f"ref_{n}": f for n, f in enumerate(facts)})


EXACT_17 = told(date_of_birth=date(2008, 5, 17))


def test_an_exact_birth_date_beats_every_estimate_and_joining_drops_none() -> None:
    later = told(AT + DAY, estimated_age=14)

    for facts in ((EXACT_17, later), (later, EXACT_17)):
        state = of(*facts).sharing
        assert (state.age_band, state.age_bands) == ("16_to_17", ())
    old, other = of(EXACT_17), new_subject("sub_2", "ref_9", later)[0]
    assert join(other, old, ["ref_0"]).after.sharing.age_band == "16_to_17"
    joined = join(old, other, ["ref_9"]).after
    assert joined.sharing.age_band == "16_to_17"
    assert leave(joined, "sub_2", ["ref_0"], 0).after.sharing.age_band == "13_to_15"


def test_two_birth_dates_that_differ_both_count_so_that_neither_opens_anything() -> None:
    """Who knows a child's NHS number can't make a parent's yes count, nor the child's own."""
    younger = told(AT + DAY, date_of_birth=date(2012, 5, 17))

    for facts in ((EXACT_17, younger), (younger, EXACT_17)):
        state = of(*facts).sharing
        assert state.age_band == "13_to_15"
        assert state.ages == ("13_to_15", "16_to_17")
    assert of(EXACT_17, EXACT_17).sharing.age_bands == ()


@pytest.mark.parametrize("given_by", ["parent", "young_person"])
@pytest.mark.parametrize("born", [date(2008, 5, 17), date(2012, 5, 17)])
@pytest.mark.parametrize("another", [date(2013, 1, 2), date(2006, 1, 2), date(2040, 1, 2)])
def test_no_date_that_somebody_sends_opens_what_was_closed(
    born: date, another: date, given_by: str
) -> None:
    entry = consent(given_by=given_by, gillick_competent=None, said_at=AT)
    subject = record_consent(
        of(told(date_of_birth=born)), "ref_0", "con_1", entry, AT, by="worker:wk_1"
    ).after
    sent = told(AT + DAY, date_of_birth=another)
    after = subject.but(facts={**subject.facts, "ref_9": sent})
    asked = Request(
        sharer="hub_1", agency_id="ag_2", agency_kind="6", purpose="any", categories=("existence",)
    )

    def opened(state: SharingState) -> bool:
        return standing_consent("existence", asked, state, AT + 2 * DAY)[0] is not None

    assert opened(subject.sharing) is (
        given_by == ("parent" if born.year == 2012 else "young_person")
    )
    assert not opened(after.sharing) or opened(subject.sharing)


@pytest.mark.parametrize(
    ("years", "band"), [(0, "13_to_15"), (1, "13_to_15"), (2, "16_to_17"), (4, "18_and_over")]
)
def test_an_estimate_is_of_its_day_and_grows_from_there(years: int, band: AgeBand) -> None:
    age = told(estimated_age=14).age
    assert age is not None
    assert age.born == "2012-03-02"

    grown = older(age, None, AT + years * YEAR)

    assert grown.band == band
    assert grown.band_at(AT) == "13_to_15"
    assert age.band_at(AT + years * YEAR) == band


def test_of_a_birth_date_only_the_month_stands_in_the_clear() -> None:
    (age,) = (f.age for f in of(EXACT_17).facts.values())
    assert age is not None

    assert age.born == "2008-05"
    assert "2008-05-17" not in EXACT_17.model_dump_json()
    assert age.check_at == datetime(2026, 4, 30, 23, 5, tzinfo=UTC)
    # Looked at on the very day it is right at once; of before, in that month, the younger counts.
    sixteen = older(told(date_of_birth=date(2010, 3, 17)).age or age, date(2010, 3, 17), AT)
    turned = older(sixteen, date(2010, 3, 17), AT + 15 * DAY)
    assert (sixteen.band, turned.band) == ("13_to_15", "16_to_17")
    days = [turned.band_at(AT + n * DAY) for n in (14, 15, 30)]
    assert days == ["13_to_15", "16_to_17", "16_to_17"]


@pytest.mark.parametrize(
    ("born", "plausible"),
    [
        (date(2026, 3, 3), False),
        (date(2026, 3, 2), True),
        (date(2000, 3, 3), True),
        (date(2000, 3, 2), False),
        (date(1900, 1, 1), False),
        (date(2999, 12, 31), False),
    ],
)
def test_a_birth_date_that_can_not_be_is_warned_of_and_tells_no_age(
    born: date, plausible: bool
) -> None:
    facts = told(date_of_birth=born, estimated_age=14)
    found = doubts(details(date_of_birth=born), AT)

    assert facts.age is not None
    assert facts.age.source == ("exact" if plausible else "estimated")
    assert ("date_of_birth_implausible" in found) is not plausible
    if not plausible:
        alone = told(date_of_birth=born)
        assert of(alone).sharing.age_band == "not_known"
        assert of(alone, EXACT_17).sharing.age_band == "16_to_17"


@pytest.mark.parametrize(
    ("said", "then"),
    [
        (AT, "16_to_17"),
        (datetime(2024, 6, 1, tzinfo=UTC), "16_to_17"),
        (datetime(2024, 5, 20, tzinfo=UTC), "13_to_15"),
        (datetime(2024, 4, 1, tzinfo=UTC), "13_to_15"),
        (datetime(2020, 4, 1, tzinfo=UTC), "under_13"),
        (None, "16_to_17"),
    ],
)
def test_a_consent_says_how_old_they_were_then(said: datetime | None, then: AgeBand) -> None:
    entry = consent(said_at=said)

    recorded = record_consent(of(EXACT_17), "ref_0", "con_1", entry, AT, by="agency:a").after

    assert [c.age_band for c in recorded.sharing.consents] == [then]
    assert [c.age_band for c in recorded.facts["ref_0"].consents] == [None]


def test_a_consent_said_by_a_wrong_age_is_judged_by_the_corrected_one() -> None:
    subject = of(told(estimated_age=17))
    subject = record_consent(subject, "ref_0", "con_1", consent(), AT, by="agency:ag_1").after
    assert subject.sharing.consents[0].age_band == "16_to_17"

    born = details(date_of_birth=date(2012, 5, 17))
    change = retell(subject, "ref_0", born, Description(name="n"), AT + DAY)

    assert change.after.sharing.age_band == "13_to_15"
    assert change.after.sharing.consents[0].age_band == "13_to_15"
    (event,) = change.events
    assert isinstance(event, SubjectDescribed)
    assert (event.age_source, event.sharing.age_band) == ("exact", "13_to_15")
    assert change.after.timers()["birthday_due"] == datetime(2028, 4, 30, 23, 5, tzinfo=UTC)
    assert retell(change.after, "ref_0", born, Description(name="n"), AT + 9 * DAY).events == ()


def test_an_estimate_that_was_not_corrected_stays_of_its_day() -> None:
    subject = of(told(estimated_age=14))
    same, other = details(estimated_age=14), details(estimated_age=15)

    moved = retell(subject, "ref_0", same, Description(address="new"), AT + YEAR).after
    corrected = retell(subject, "ref_0", other, Description(), AT + YEAR).after
    gone = retell(subject, "ref_0", details(), Description(), AT + YEAR).after

    assert moved.facts["ref_0"].age == subject.facts["ref_0"].age
    assert corrected.facts["ref_0"].age == age_of(other, AT + YEAR, AT + YEAR)
    assert gone.sharing.age_band == "not_known"


def grown(subject: Subject, born: date, at: datetime) -> dict[str, Age]:
    return {i: older(f.age, born, at) for i, f in subject.facts.items() if f.age}


def test_the_regime_changes_at_16_and_18_with_notice_ahead_once() -> None:
    born = date(2013, 6, 17)
    subject, stages = of(told(date_of_birth=born)), []
    for year, month, day in (
        (2026, 6, 16), (2026, 6, 17), (2029, 6, 16), (2029, 6, 17), (2030, 12, 15),
        (2030, 12, 16), (2030, 12, 17), (2031, 6, 16), (2031, 6, 17), (2040, 1, 1),
    ):  # fmt: skip
        change = turn(subject, grown(subject, born, datetime(year, month, day, 12, tzinfo=UTC)))
        subject = change.after
        stages += [
            (f"{year}-{month}-{day}", e.stage if isinstance(e, SubjectTurning18) else e.event_type)
            for e in change.events
        ]

    assert stages == [
        ("2026-6-17", "subject.described"),
        ("2029-6-17", "turned_16"),
        ("2030-12-16", "ahead"),
        ("2031-6-17", "turned_18"),
    ]
    assert subject.timers() == {"birthday_due": None}


def test_every_age_has_its_clock_and_an_age_known_late_gives_its_notice_at_once() -> None:
    estimate = told(estimated_age=14)
    sixteen = told(date_of_birth=date(2009, 9, 20))
    assert of(estimate, sixteen).timers()["birthday_due"] == datetime(2027, 3, 1, 0, 5, tzinfo=UTC)
    assert of(estimate).timers()["birthday_due"] == datetime(2028, 3, 1, 0, 5, tzinfo=UTC)
    late = of(told(date_of_birth=date(2008, 4, 17)))
    assert late.timers()["birthday_due"] == AT

    (event,) = turn(late, {}).events

    assert isinstance(event, SubjectTurning18)
    assert event.stage == "ahead"


def test_who_is_erased_keeps_the_band_and_nothing_that_tells_a_birthday() -> None:
    subject = of(EXACT_17)

    erased = forget(subject, "ref_0")

    assert erased.after.sharing.age_band == "16_to_17"
    assert "2008" not in erased.after.model_dump_json()
    assert erased.after.timers() == {"birthday_due": None}
    assert erased.after.described == (Description(),)
    assert len(erased.events) == 1
    assert forget(erased.after, "ref_0").events == ()
    age = EXACT_17.age
    assert age is not None
    assert forgotten(age).band_at(AT) is None
