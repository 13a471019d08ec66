"""What a document says, in codes, and what a person should look at. Pure."""

from datetime import datetime

from services.referral.documents import SUBJECT_SECTIONS, Indicator, SubjectDetails
from services.referral.intake.request import ReceiveReferral
from services.referral.people.age import is_implausible
from services.referral.people.numbers import is_nhs_number
from services.referral.people.placeholders import is_guess, is_placeholder
from shared.events.codes import INDICATORS, UNKNOWN_INDICATOR
from shared.events.indicators import UNSCORED_INDICATORS
from shared.events.referral import Concern

KNOWN = INDICATORS | UNSCORED_INDICATORS


def about_subject(subject: SubjectDetails) -> dict[str, str]:
    """What is known of a young person, each section by itself."""
    return {
        name: subject.model_dump_json(include=set(fields))
        for name, fields in SUBJECT_SECTIONS.items()
    }


def coded_concerns(
    indicators: tuple[Indicator, ...], agency_id: str, at: datetime
) -> tuple[Concern, ...]:
    return tuple(
        Concern(
            code=i.code if i.code in KNOWN else UNKNOWN_INDICATOR,
            recency=i.recency,
            agency_id=agency_id,
            reported_at=at,
        )
        for i in indicators
    )


# Something was not taken as it was sent: a person reads what it says, beside the fields.
NOT_UNDERSTOOD = "not_understood"


def noticed(document: ReceiveReferral, at: datetime) -> tuple[str, ...]:
    """The warnings that the document alone gives, received then; it is accepted all the same."""
    found = doubts(document.subject, at) | unknown_codes(document.indicators)
    if document.discussion is None:
        found.add("not_discussed")
    elif not document.discussion.discussed and document.discussion.not_discussed_because is None:
        found.add("not_discussed_reason_unknown")
    if document.referrer is not None and not document.referrer.contact:
        found.add("referrer_contact_unknown")
    if document.asides:
        found.add(NOT_UNDERSTOOD)
    if any(c.status != "not_asked" and c.said_at is None for c in document.consents):
        found.add("said_at_unknown")
    return tuple(sorted(found))


# Warnings about a young person's details, which go when the details are corrected.
ABOUT_DETAILS = frozenset(
    {
        "nhs_number_invalid",
        "name_unknown",
        "date_of_birth_uncertain",
        "date_of_birth_implausible",
        "age_unknown",
    }
)


def doubts(subject: SubjectDetails, at: datetime) -> set[str]:
    """Codes for what a person should look at in a young person's details, as said then."""
    found = set()
    if subject.nhs_number is not None and not is_nhs_number(subject.nhs_number):
        found.add("nhs_number_invalid")
    if is_placeholder(subject.name):
        found.add("name_unknown")
    vague = subject.date_of_birth is None and subject.born_about is not None
    if vague or (subject.date_of_birth and is_guess(subject.date_of_birth)):
        found.add("date_of_birth_uncertain")
    if subject.date_of_birth and is_implausible(subject.date_of_birth, at):
        found.add("date_of_birth_implausible")
    if not (subject.date_of_birth or subject.born_about) and subject.estimated_age is None:
        found.add("age_unknown")
    return found


def unknown_codes(indicators: tuple[Indicator, ...]) -> set[str]:
    """The warning that an indicator has a code we don't know, if one has."""
    return {"indicator_unknown"} if any(i.code not in KNOWN for i in indicators) else set()
