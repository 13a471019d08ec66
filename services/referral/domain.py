"""Referrals, agencies, agreements: their states and rules. Pure."""

from datetime import date, datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from shared.calendars import LONDON, Nation, due_at
from shared.events.codes import (
    INDICATORS,
    UNKNOWN_INDICATOR,
    AgeBand,
    Recency,
    Setting,
    Urgency,
)
from shared.events.agency import AgencyRegistered, AgreementProposed
from shared.events.referral import Concern, ReferralReceived, ReferralStatusChanged
from shared.sharing import Terms
from shared.records import Change, Record, changed, unchanged

Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Text = Annotated[str, StringConstraints(max_length=100_000)]
Status = Literal["received", "waiting", "allocated"]


class Incoming(BaseModel):
    """A document from outside: unknown members are faults, and faults never quote values."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Referrer(Incoming):
    """The person at the agency who refers."""

    name: Line
    role: Line
    contact: Line


class SubjectDetails(Incoming):
    """The young person. Whatever is known; nothing here leaves this service in the clear."""

    name: Line
    date_of_birth: date | None = None
    nhs_number: Annotated[str, StringConstraints(max_length=40)] | None = None
    address: Line | None = None
    school: Line | None = None


class Indicator(Incoming):
    """Something noticed. A code we don't know is kept as it came, encrypted, and marked."""

    code: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    recency: Recency


class ReceiveReferral(Incoming):
    """What an agency posts."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "agency_reference": "SYN-0001",
                    "urgency": "one_working_day",
                    "area": "northtown",
                    "referrer": {
                        "name": "Sample Referrer",
                        "role": "designated safeguarding lead",
                        "contact": "referrer@school.example",
                    },
                    "subject": {"name": "Sample Child", "date_of_birth": "2012-05-17"},
                    "indicators": [
                        {"code": "missing_episodes", "recency": "current"},
                        {"code": "older_partner", "recency": "last_6_months"},
                    ],
                    "settings_avoided": ["police"],
                    "narrative": "Synthetic text: what was seen, by whom and when.",
                }
            ]
        }
    )

    agency_reference: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    urgency: Urgency
    area: Code
    nation: Nation = "england"
    referrer: Referrer
    subject: SubjectDetails
    indicators: Annotated[tuple[Indicator, ...], Field(max_length=100)] = ()
    settings_avoided: Annotated[tuple[Setting, ...], Field(max_length=10)] = ()
    narrative: Text = ""


class Referral(Record):
    """A referral as stored. `personal` holds encrypted fields; everything else is coded."""

    agency_id: str
    subject_id: str
    subject_version: int = 0
    reference_hash: str
    request_hash: str
    status: Status
    urgency: Urgency
    area: str
    received_at: datetime
    due_at: datetime
    age_band: AgeBand
    concerns: tuple[Concern, ...]
    settings_avoided: tuple[Setting, ...]
    warnings: tuple[str, ...]
    personal: dict[str, bytes]
    allocation_version: int = 0


def personal_fields(document: ReceiveReferral) -> dict[str, str]:
    """Every field that may identify someone or is free text, to be encrypted one by one."""
    return {
        "agency_reference": document.agency_reference,
        "referrer": document.referrer.model_dump_json(),
        "subject": document.subject.model_dump_json(),
        "indicators": "\n".join(i.code for i in document.indicators),
        "narrative": document.narrative,
    }


def receive(
    document: ReceiveReferral,
    *,
    referral_id: str,
    agency_id: str,
    subject_id: str,
    hashes: tuple[str, str],
    personal: dict[str, bytes],
    at: datetime,
) -> tuple[Referral, ReferralReceived]:
    """The stored referral and its event, for a document that is well formed.

    Nothing dubious loses a referral: it is accepted, and `warnings` say what to look at.
    """
    concerns = tuple(
        Concern(
            code=i.code if i.code in INDICATORS else UNKNOWN_INDICATOR,
            recency=i.recency,
            agency_id=agency_id,
            reported_at=at,
        )
        for i in document.indicators
    )
    referral = Referral(
        id=referral_id,
        agency_id=agency_id,
        subject_id=subject_id,
        reference_hash=hashes[0],
        request_hash=hashes[1],
        status="received",
        urgency=document.urgency,
        area=document.area,
        received_at=at,
        due_at=due_at(document.urgency, at, document.nation),
        age_band=age_band(document.subject.date_of_birth, at),
        concerns=concerns,
        settings_avoided=document.settings_avoided,
        warnings=warnings(document),
        personal=personal,
    )
    return referral, ReferralReceived(
        referral_id=referral_id,
        **referral.model_dump(include=set(ReferralReceived.model_fields) - {"referral_id"}),
    )


def warnings(document: ReceiveReferral) -> tuple[str, ...]:
    """Codes for what a person should look at; the referral is accepted all the same."""
    number = document.subject.nhs_number
    found = []
    if number is not None and not is_nhs_number(number):
        found.append("nhs_number_invalid")
    if any(i.code not in INDICATORS for i in document.indicators):
        found.append("indicator_unknown")
    return tuple(found)


def is_nhs_number(raw: str) -> bool:
    """Ten digits whose last is the modulus 11 check digit (NHS Data Dictionary, NHS NUMBER)."""
    digits = raw.replace(" ", "").replace("-", "")
    if len(digits) != 10 or not (digits.isascii() and digits.isdigit()):
        return False
    check = 11 - sum(int(d) * w for d, w in zip(digits, range(10, 1, -1), strict=False)) % 11
    return check != 10 and check % 11 == int(digits[9])


def age_band(date_of_birth: date | None, at: datetime) -> AgeBand:
    """The band on that day in London; a date that can't be a young person's is `not_known`."""
    if date_of_birth is None:
        return "not_known"
    today = at.astimezone(LONDON).date()
    before_birthday = (today.month, today.day) < (date_of_birth.month, date_of_birth.day)
    age = today.year - date_of_birth.year - before_birthday
    if not 0 <= age < 100:
        return "not_known"
    if age < 13:
        return "under_13"
    if age < 16:
        return "13_to_15"
    return "16_to_17" if age < 18 else "18_and_over"


def follow_allocation(
    referral: Referral, status: Literal["waiting", "allocated"], allocation_version: int
) -> Change[Referral]:
    """The newest decision of allocation counts; an older or repeated one changes nothing."""
    if allocation_version <= referral.allocation_version:
        return unchanged(referral)
    event = ReferralStatusChanged(
        referral_id=referral.id,
        subject_id=referral.subject_id,
        subject_version=referral.subject_version,
        agency_id=referral.agency_id,
        status=status,
        previous=referral.status,
        urgency=referral.urgency,
        due_at=referral.due_at,
        allocation_version=allocation_version,
    )
    return changed(referral, event, status=status, allocation_version=allocation_version)


class AgencyEntry(Incoming):
    """What the network keeps of an agency. Its kind never decides whether it may refer."""

    name: Line
    kind: Code
    areas: Annotated[tuple[Code, ...], Field(max_length=200)] = ()


class Agency(Record):
    name: str
    kind: str
    areas: tuple[str, ...]


def register_agency(agency_id: str, entry: AgencyEntry) -> tuple[Agency, AgencyRegistered]:
    """A new agency and its event."""
    agency = Agency(id=agency_id, **entry.model_dump())
    return agency, AgencyRegistered(agency_id=agency_id, kind=entry.kind, areas=entry.areas)


def amend_agency(agency: Agency, entry: AgencyEntry) -> Change[Agency]:
    """The entry as it should be; the same entry again changes nothing."""
    after, event = register_agency(agency.id, entry)
    if after.but(version=agency.version) == agency:
        return unchanged(agency)
    return changed(agency, event, **entry.model_dump())


class AgreementEntry(Incoming):
    """Who may share which categories, for which purposes, and until when."""

    parties: Annotated[tuple[Code, ...], Field(min_length=2, max_length=50)]
    purposes: Annotated[tuple[Code, ...], Field(min_length=1, max_length=20)]
    categories: Annotated[tuple[Code, ...], Field(min_length=1, max_length=20)]
    effective_from: datetime
    effective_to: datetime
    review_at: datetime

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        times = (self.effective_from, self.effective_to, self.review_at)
        if any(t.tzinfo is None for t in times):
            raise ValueError("times need an offset")
        if not self.effective_from < self.review_at <= self.effective_to:
            raise ValueError("effective_from < review_at <= effective_to must hold")
        if self.effective_to - self.effective_from > timedelta(days=3660):
            raise ValueError("an agreement ends within ten years")
        return self


class Agreement(Record):
    parties: tuple[str, ...]
    purposes: tuple[str, ...]
    categories: tuple[str, ...]
    effective_from: datetime
    effective_to: datetime
    review_at: datetime


def record_agreement(
    agreement_id: str, entry: AgreementEntry
) -> tuple[Agreement, AgreementProposed]:
    """A new agreement and its event."""
    fields = entry.model_dump()
    review_at = fields.pop("review_at")
    terms = Terms(id=agreement_id, version=1, grounds=("consent",), **fields)
    return Agreement(id=agreement_id, review_at=review_at, **fields), AgreementProposed(
        agreement_id=agreement_id, terms=terms, review_at=review_at
    )


def amend_agreement(agreement: Agreement, entry: AgreementEntry) -> Change[Agreement]:
    """The agreement as it should be; the same again changes nothing."""
    after, event = record_agreement(agreement.id, entry)
    if after.but(version=agreement.version) == agreement:
        return unchanged(agreement)
    return changed(agreement, event, **entry.model_dump())
