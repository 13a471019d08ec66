"""Agencies and the agreements between them. Pure."""

from datetime import datetime, timedelta
from typing import Any

from services.referral.domain.incoming import AgencyEntry, AgreementEntry
from shared.errors import Malformed, Refused
from shared.events.agency import (
    AgencyAmended,
    AgencyRegistered,
    AgreementAmended,
    AgreementEnded,
    AgreementExpiring,
    AgreementLapsed,
    AgreementProposed,
    AgreementReviewed,
    AgreementSigned,
)
from shared.events.codes import WITHOUT_REPLY
from shared.records import Change, Record, changed, unchanged
from shared.sharing import Terms

AGREEMENT_DUE = "agreement_due"
NOTICE = timedelta(days=30)


class Agency(Record):
    """An organisation of the network, or the account of people who refer themselves."""

    name: str
    kind: str
    areas: tuple[str, ...]
    active: bool = True

    @property
    def has_reply_channel(self) -> bool:
        """Self-referral (1c) and anonymous (9) accounts are shared by many: nobody reads back."""
        return self.kind not in WITHOUT_REPLY


def register_agency(agency_id: str, entry: AgencyEntry) -> tuple[Agency, AgencyRegistered]:
    """A new agency and its event."""
    agency = Agency(id=agency_id, **entry.model_dump())
    return agency, AgencyRegistered(agency_id=agency_id, **entry.model_dump(exclude={"name"}))


def amend_agency(agency: Agency, entry: AgencyEntry) -> Change[Agency]:
    """The entry as it should be; the same entry again changes nothing."""
    fields = entry.model_dump()
    if agency.but(**fields) == agency:
        return unchanged(agency)
    coded = entry.model_dump(exclude={"name"})
    return changed(agency, AgencyAmended(agency_id=agency.id, **coded), **fields)


class Agreement(Record):
    """An agreement with all its past versions. It permits nothing until all that share signed."""

    terms: Terms
    frequency: str
    review_at: datetime
    noticed: bool = False
    lapsed: bool = False
    past: tuple[Terms, ...] = ()


def propose(agreement_id: str, entry: AgreementEntry) -> tuple[Agreement, AgreementProposed]:
    """A new agreement, signed by nobody yet."""
    agreement = Agreement(
        id=agreement_id,
        terms=_terms(agreement_id, 1, entry),
        frequency=entry.frequency,
        review_at=entry.review_at,
    )
    return agreement, AgreementProposed(**_about(agreement))


def amend_agreement(agreement: Agreement, entry: AgreementEntry) -> Change[Agreement]:
    """New terms: the next version, to be signed again. The same terms again change nothing."""
    same = _terms(agreement.id, agreement.terms.version, entry)
    signed = {"signed_by": agreement.terms.signed_by, "ended_at": agreement.terms.ended_at}
    if same.model_copy(update=signed) == agreement.terms and entry.review_at == agreement.review_at:
        return unchanged(agreement)
    after = agreement.but(
        terms=_terms(agreement.id, agreement.terms.version + 1, entry),
        frequency=entry.frequency,
        review_at=entry.review_at,
        noticed=False,
        lapsed=False,
        past=(*agreement.past, agreement.terms),
    )
    return Change(after, (AgreementAmended(**_about(after)),), {AGREEMENT_DUE: notice_at(after)})


def sign(agreement: Agreement, party: str, version: int) -> Change[Agreement]:
    """A party signs this version of the terms. Twice is once."""
    terms = agreement.terms
    if party not in terms.parties:
        raise Refused("not_a_party", "Only parties sign.")
    if version != terms.version:
        raise Refused("terms_changed", "The terms have changed since; read them again.")
    if party in terms.signed_by:
        return unchanged(agreement)
    if terms.ended_at is not None:
        raise Refused("agreement_ended", "The agreement has ended.")
    signed = tuple(sorted({*terms.signed_by, party}))
    after = agreement.but(terms=terms.model_copy(update={"signed_by": signed}))
    return Change(after, (AgreementSigned(**_about(after), party=party),))


def review(agreement: Agreement, review_at: datetime, at: datetime) -> Change[Agreement]:
    """It was looked at and stands until the next review, which lies within its time."""
    if review_at == agreement.review_at:
        return unchanged(agreement)
    if not at < review_at <= agreement.terms.effective_to:
        raise Malformed("/review_at", "out_of_range", "Within the time of the agreement.")
    after = agreement.but(review_at=review_at, noticed=False)
    return Change(after, (AgreementReviewed(**_about(after)),), {AGREEMENT_DUE: notice_at(after)})


def end(agreement: Agreement, at: datetime) -> Change[Agreement]:
    """It ends now. Twice is once."""
    if agreement.terms.ended_at is not None:
        return unchanged(agreement)
    after = agreement.but(terms=agreement.terms.model_copy(update={"ended_at": at}))
    return Change(after, (AgreementEnded(**_about(after)),), {AGREEMENT_DUE: None})


def notice_at(agreement: Agreement) -> datetime:
    """When somebody must next hear of it: thirty days before its review or end, then at its end."""
    end_of_time = agreement.terms.effective_to
    return end_of_time if agreement.noticed else min(agreement.review_at, end_of_time) - NOTICE


def watch(agreement: Agreement, at: datetime) -> Change[Agreement]:
    """What time has done: notice once, lapse once. Nothing to do changes nothing."""
    if agreement.terms.ended_at is not None or agreement.lapsed:
        return unchanged(agreement)
    if at >= agreement.terms.effective_to:
        after = agreement.but(lapsed=True, noticed=True)
        return Change(after, (AgreementLapsed(**_about(after)),), {AGREEMENT_DUE: None})
    if not agreement.noticed and at >= notice_at(agreement):
        after = agreement.but(noticed=True)
        event = AgreementExpiring(**_about(after))
        return Change(after, (event,), {AGREEMENT_DUE: notice_at(after)})
    return unchanged(agreement)


def _terms(agreement_id: str, version: int, entry: AgreementEntry) -> Terms:
    fields = entry.model_dump(exclude={"frequency", "review_at"})
    return Terms(id=agreement_id, version=version, **fields)


def _about(agreement: Agreement) -> dict[str, Any]:
    return {
        "agreement_id": agreement.id,
        "terms": agreement.terms,
        "review_at": agreement.review_at,
    }
