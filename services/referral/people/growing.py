"""What is known of who somebody is changes: they grow, a referral is corrected or erased. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from services.referral.documents import SubjectDetails
from services.referral.people.age import BANDS, Age, age_of, forgotten
from services.referral.people.telling import ANOTHER, Description
from services.referral.sharing.facts import counting
from services.referral.sharing.subject import Subject, about
from shared.events import EventData
from shared.events.subject import SubjectDescribed, SubjectTurning18
from shared.storage.records import Change, unchanged


def turn(subject: Subject, ages: Mapping[str, Age]) -> Change[Subject]:
    """Another regime of consent from today (16, 18), or six months' notice of the one at 18.

    `ages` are the ages of referrals as they are now. Where nothing follows, nothing changes.
    """
    after = subject
    for referral_id, age in ages.items():
        facts = subject.facts.get(referral_id)
        if facts is not None and facts.age is not None and facts.age.said_at == age.said_at:
            after = after.told(referral_id, age=age)
    known = counting(f.age for f in after.facts.values())
    ahead = any(age.ahead for age in known)
    before, now = subject.sharing, after.sharing
    aged = (before.age_band, before.age_bands) != (now.age_band, now.age_bands)
    if not aged and (subject.told_ahead or not ahead):
        return unchanged(subject)
    after = after.but(told_ahead=ahead)
    changed = [i for i, f in after.facts.items() if f.age != subject.facts[i].age]
    about_referral = next(iter([*changed, *after.facts]))
    return Change(after, (_turned(after, about_referral, before.ages) if aged else _ahead(after),))


def _turned(after: Subject, referral_id: str, before: tuple[str, ...]) -> EventData:
    stated, new = about(after, referral_id), set(after.sharing.ages) - set(before)
    stages: dict[str, Literal["turned_16", "turned_18"]] = {
        "16_to_17": "turned_16",
        "18_and_over": "turned_18",
    }
    stage = next((stages[b] for b in reversed(BANDS) if b in new and b in stages), None)
    if stage is None:
        return SubjectDescribed(**stated, age_source=source_of(after))
    return SubjectTurning18(**stated, stage=stage)


def _ahead(after: Subject) -> EventData:
    return SubjectTurning18(**about(after, next(iter(after.facts))), stage="ahead")


def read_anew(subject: Subject, referral_id: str, coming: Description) -> Change[Subject]:
    """A referral will describe them so: until that is noted it is read for each comparison. Not so
    one that describes nobody here."""
    facts = subject.facts.get(referral_id)
    if facts is None or facts.described in (None, coming, ANOTHER):
        return unchanged(subject)
    after = subject.told(referral_id, described=None)
    return Change(
        after, (SubjectDescribed(**about(after, referral_id), age_source=source_of(after)),)
    )


def retell(
    subject: Subject,
    referral_id: str,
    details: SubjectDetails,
    described: Description,
    at: datetime,
) -> Change[Subject]:
    """What a corrected referral says of who the young person is; it describes nobody where that is
    another child. Said again, it changes nothing; an estimate that was not corrected stays of the
    day it was made."""
    facts = subject.facts.get(referral_id)
    if facts is None:
        return unchanged(subject)
    age = age_of(details, at, at)
    if facts.age is not None:
        same = age_of(details, facts.age.said_at, at)
        if (same.source, same.born) == (facts.age.source, facts.age.born):
            age = facts.age
    after = subject.described_by({referral_id: described}).told(referral_id, age=age)
    if after == subject:
        return unchanged(subject)
    return _described(after, referral_id)


def forget(subject: Subject, referral_id: str) -> Change[Subject]:
    """An erased referral describes nobody. How old it made them stays, and grows no more."""
    facts = subject.facts.get(referral_id)
    if facts is None:
        return unchanged(subject)
    age = facts.age and forgotten(facts.age)
    if (age, Description()) == (facts.age, facts.described):
        return unchanged(subject)
    return _described(subject.told(referral_id, age=age, described=Description()), referral_id)


def _described(after: Subject, referral_id: str) -> Change[Subject]:
    # Notice ahead of 18 is given anew where the date was wrong before.
    ahead = any(age.ahead for age in counting(f.age for f in after.facts.values()))
    after = after.but(told_ahead=after.told_ahead and ahead)
    event = SubjectDescribed(**about(after, referral_id), age_source=source_of(after))
    return Change(after, (event,))


def source_of(subject: Subject) -> Literal["exact", "estimated", "not_known"]:
    """By what the age is known that counts."""
    ages = counting(f.age for f in subject.facts.values())
    return ages[0].source if ages else "not_known"
