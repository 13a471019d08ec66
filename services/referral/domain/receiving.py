"""Taking in what an agency says: a new referral, an amendment, and what to look at in them. Pure."""

from datetime import date, datetime

from services.referral.domain.incoming import (
    AmendReferral,
    DiscussionEntry,
    Indicator,
    ReceiveReferral,
    SubjectDetails,
)
from services.referral.domain.referrals import (
    RESPONSE_DUE,
    URGENCIES,
    Amendment,
    Referral,
    awaits_answer,
    snapshot,
)
from shared.calendars import LONDON, due_at
from shared.events.codes import (
    INDICATORS,
    UNKNOWN_INDICATOR,
    AgeBand,
)
from shared.events.referral import (
    Concern,
    ReferralAmended,
    ReferralReceived,
)
from shared.records import Change


def fields_to_seal(document: ReceiveReferral) -> dict[str, str]:
    """Every field that may identify someone or is free text, to be encrypted one by one."""
    return {
        "agency_reference": document.agency_reference,
        "referrer": document.referrer.model_dump_json() if document.referrer else "",
        **_about_subject(document.subject),
        "safe_contact": document.safe_contact.model_dump_json(),
        "raw_indicators": "\n".join(i.code for i in document.indicators),
        "narrative": document.narrative,
        "own_words": document.own_words,
        "discussion": document.discussion.model_dump_json() if document.discussion else "",
        "intelligence": document.intelligence,
    }


def _about_subject(subject: SubjectDetails) -> dict[str, str]:
    parts: dict[str, set[str]] = {
        "identity": {"name", "known_as", "date_of_birth", "estimated_age", "gender", "ethnicity"},
        "address": {"address"},
        "health": {"nhs_number", "disability", "communication_needs"},
        "education": {"school"},
        "family": {"living_situation", "looked_after", "child_protection_plan"},
    }
    return {name: subject.model_dump_json(include=fields) for name, fields in parts.items()}


def fields_to_reseal(amendment: AmendReferral, number: int) -> dict[str, str]:
    """The sealed fields that the `number`th amendment replaces or adds."""
    fields: dict[str, str] = {}
    if amendment.subject is not None:
        fields |= _about_subject(amendment.subject)
    if amendment.safe_contact is not None:
        fields["safe_contact"] = amendment.safe_contact.model_dump_json()
    if amendment.indicators:
        fields[f"raw_indicators~{number}"] = "\n".join(i.code for i in amendment.indicators)
    for name in ("narrative", "own_words"):
        if (text := getattr(amendment, name)) is not None:
            fields[name] = text
    if amendment.discussion is not None:
        fields["discussion"] = amendment.discussion.model_dump_json()
    return fields


def receive(
    document: ReceiveReferral,
    *,
    referral_id: str,
    agency_id: str,
    subject: tuple[str, int],
    hashes: tuple[str, str],
    sealed: dict[str, bytes],
    reply: bool,
    at: datetime,
) -> tuple[Referral, ReferralReceived]:
    """The stored referral and its event, for a document that is well formed.

    Nothing dubious loses a referral: it is accepted, and `warnings` say what to look at.
    `reply` is False for accounts without a reply channel (self-referral, anonymous).
    """
    referral = Referral(
        id=referral_id,
        agency_id=agency_id,
        subject_id=subject[0],
        subject_version=subject[1],
        reference_hash=hashes[0],
        request_hash=hashes[1],
        status="received",
        urgency=document.urgency,
        nation=document.nation,
        area=document.area,
        received_at=at,
        changed_at=at,
        due_at=due_at(document.urgency, at, document.nation),
        age_band=age_band(document.subject, at),
        gender=document.subject.gender,
        ethnicity=document.subject.ethnicity,
        concerns=_concerns(document.indicators, agency_id, at),
        linked_issues=document.linked_issues,
        settings_avoided=document.settings_avoided,
        preferred_times=document.preferred_times,
        languages=document.languages,
        needs=document.subject.communication_needs,
        requested_action=document.requested_action,
        discussed=document.discussion is not None and document.discussion.discussed,
        warnings=warnings(document.subject, document.indicators, document.discussion),
        sealed=sealed,
        reply=reply,
    )
    return referral, ReferralReceived(**snapshot(referral))


def _concerns(
    indicators: tuple[Indicator, ...], agency_id: str, at: datetime
) -> tuple[Concern, ...]:
    return tuple(
        Concern(
            code=i.code if i.code in INDICATORS else UNKNOWN_INDICATOR,
            recency=i.recency,
            agency_id=agency_id,
            reported_at=at,
        )
        for i in indicators
    )


def amend(
    referral: Referral, amendment: AmendReferral, sealed: dict[str, bytes], by: str, at: datetime
) -> Change[Referral]:
    """The referral with the amendment; what it replaced is kept. Urgency may only be raised here:
    lowering it is for the Hub, after talking."""
    fields = tuple(sorted(amendment.model_fields_set))
    free = {"settings_avoided", "preferred_times", "languages"}
    coded = amendment.model_dump(include=free, exclude_none=True)
    urgency = min(amendment.urgency or referral.urgency, referral.urgency, key=URGENCIES.index)
    if urgency != referral.urgency:
        coded |= {"urgency": urgency, "due_at": due_at(urgency, at, referral.nation)}
    if amendment.subject is not None:
        coded |= {
            "age_band": age_band(amendment.subject, at),
            "gender": amendment.subject.gender,
            "ethnicity": amendment.subject.ethnicity,
            "needs": amendment.subject.communication_needs,
        }
    found = warnings(amendment.subject, amendment.indicators, amendment.discussion)
    discussed = referral.discussed or bool(amendment.discussion and amendment.discussion.discussed)
    kept = set(referral.warnings) | set(found)
    after = referral.but(
        **coded,
        concerns=referral.concerns + _concerns(amendment.indicators, referral.agency_id, at),
        discussed=discussed,
        warnings=tuple(sorted(kept - ({"not_discussed"} if discussed else set()))),
        sealed={**referral.sealed, **sealed},
        amendments=(
            *referral.amendments,
            Amendment(
                at=at,
                by=by,
                fields=fields,
                previous={n: v for n, v in referral.sealed.items() if n in sealed},
            ),
        ),
    )
    event = ReferralAmended(**snapshot(after), amended=fields)
    clock = {RESPONSE_DUE: after.due_at} if awaits_answer(after) else {}
    return Change(after, (event,), clock)


def warnings(
    subject: SubjectDetails | None,
    indicators: tuple[Indicator, ...],
    discussion: DiscussionEntry | None,
) -> tuple[str, ...]:
    """Codes for what a person should look at; the referral is accepted all the same."""
    found = []
    if subject and subject.nhs_number is not None and not is_nhs_number(subject.nhs_number):
        found.append("nhs_number_invalid")
    if subject and subject.date_of_birth is None and subject.estimated_age is None:
        found.append("age_unknown")
    if any(i.code not in INDICATORS for i in indicators):
        found.append("indicator_unknown")
    if subject and discussion is None:
        found.append("not_discussed")
    return tuple(sorted(found))


def is_nhs_number(raw: str) -> bool:
    """Ten digits whose last is the modulus 11 check digit (NHS Data Dictionary, NHS NUMBER)."""
    digits = raw.replace(" ", "").replace("-", "")
    if len(digits) != 10 or not (digits.isascii() and digits.isdigit()):
        return False
    check = 11 - sum(int(d) * w for d, w in zip(digits, range(10, 1, -1), strict=False)) % 11
    return check != 10 and check % 11 == int(digits[9])


def age_band(subject: SubjectDetails, at: datetime) -> AgeBand:
    """The band on that day in London; a date that can't be a young person's is `not_known`."""
    age = subject.estimated_age
    if subject.date_of_birth is not None:
        age = age_on(subject.date_of_birth, at)
    if age is None or not 0 <= age < 100:
        return "not_known"
    if age < 13:
        return "under_13"
    if age < 16:
        return "13_to_15"
    return "16_to_17" if age < 18 else "18_and_over"


def age_on(date_of_birth: date, at: datetime) -> int:
    """Completed years on that day in London. Born on 29 February: a year older on 1 March."""
    today = at.astimezone(LONDON).date()
    before_birthday = (today.month, today.day) < (date_of_birth.month, date_of_birth.day)
    return today.year - date_of_birth.year - before_birthday
