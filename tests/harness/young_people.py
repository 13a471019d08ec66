"""Young people as the rules see them, without names."""

from datetime import UTC, datetime

from services.referral.people.age import Age, Source
from services.referral.people.links import new_subject
from services.referral.people.telling import Description
from services.referral.sharing.facts import Facts
from services.referral.sharing.subject import Subject
from shared.events.codes import AgeBand

# Why somebody decides on a possible match.
COMPARED = {"ground": "records_compared", "reason": "Synthetic."}
SAID_AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def aged(
    band: AgeBand = "13_to_15",
    described: Description | None = None,
    *,
    source: Source = "exact",
    at: datetime = SAID_AT,
) -> Facts:
    """What a referral says that tells a band and, if given, a description."""
    known = band != "not_known"
    age = Age(
        source=source if known else "not_known", said_at=at, reached={band: at} if known else {}
    )
    return Facts(age=age, described=described or Description())


def young_person(subject_id: str = "sub_1", referral_id: str = "ref_1") -> Subject:
    """Thirteen to fifteen, of one referral."""
    return new_subject(subject_id, referral_id, aged())[0]
