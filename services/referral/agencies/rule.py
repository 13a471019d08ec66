"""Agencies and the agreements between them. Pure."""

from datetime import datetime, timedelta
from typing import Any

from services.referral.agencies.request import AgencyEntry, AgreementEntry
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
from shared.events.codes import OF_FAMILY, UNKNOWN_KIND, WITHOUT_REPLY
from shared.rules.sharing import Terms
from shared.storage.records import Change, Record, unchanged

AGREEMENT_DUE = "agreement_due"


NOTICE = timedelta(days=30)
# What an agreement says beside its terms.
BESIDE_TERMS = {"frequency", "review_at"}
# Kinds that are persons and no organisations (CIN census 1 and 9): such a name may be somebody's.
OF_PERSONS: frozenset[str] = frozenset({"1a", "1b", "1c", "1d", "9"})


class Agency(Record):
    """An organisation of the network, or the account of people who refer themselves.

    `kind` is an operator's word, `claimed_kind` what the agency says it is until one confirms it.
    `alias` stands for its id where somebody named it before it was there.
    """

    name: str
    kind: str
    areas: tuple[str, ...]
    active: bool = True
    claimed_kind: str | None = None
    alias: str | None = None


def register_agency(
    agency_id: str, entry: AgencyEntry, *, own: bool = False, alias: str | None = None
) -> tuple[Agency, AgencyRegistered]:
    """A new agency and its event. Its `own` word on its kind only counts where it takes rights away;
    till an operator confirms it, the kind is unknown. Raises `Refused` as `amend_agency`."""
    fields = entry.model_dump()
    if own:
        _given(entry, (), active=True)
        if entry.kind not in WITHOUT_REPLY | OF_FAMILY:
            fields |= {"kind": UNKNOWN_KIND, "claimed_kind": _claim(entry, UNKNOWN_KIND)}
    agency = Agency(id=agency_id, alias=alias, **fields)
    return agency, AgencyRegistered(**_entry_of(agency))


def amend_agency(agency: Agency, entry: AgencyEntry, *, own: bool = False) -> Change[Agency]:
    """The entry as it should be; the same entry again changes nothing.

    Raises `Refused` where an agency's `own` people would give it areas, or set it active: both
    decide what it is told.
    """
    fields = {**entry.model_dump(), "claimed_kind": None}
    if own:
        _given(entry, agency.areas, active=agency.active)
        fields |= {"kind": agency.kind, "claimed_kind": _claim(entry, agency.kind)}
    after = agency.but(**fields)
    if after == agency:
        return unchanged(agency)
    return Change(after, (AgencyAmended(**_entry_of(after)),))


def _given(entry: AgencyEntry, areas: tuple[str, ...], *, active: bool) -> None:
    if (entry.areas, entry.active) != (areas, active):
        detail = "Its areas, and whether an agency is active, are for an operator to say."
        raise Refused("operators_only", detail)


def _claim(entry: AgencyEntry, kind: str) -> str | None:
    return None if entry.kind == kind else entry.kind


def _entry_of(agency: Agency) -> dict[str, Any]:
    coded = agency.model_dump(include={"kind", "areas", "active", "claimed_kind", "alias"})
    return {"agency_id": agency.id, **coded}


class Agreement(Record):
    """An agreement with all its past versions. It permits nothing until all that share signed."""

    terms: Terms
    frequency: str
    review_at: datetime
    noticed: bool = False
    lapsed: bool = False
    past: tuple[Terms, ...] = ()
    # The accounts of those who signed this version, each for one party.
    signers: tuple[str, ...] = ()

    def timers(self) -> dict[str, datetime | None]:
        over = self.lapsed or self.terms.ended_at is not None
        return {AGREEMENT_DUE: None if over else notice_at(self)}


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
    terms = same.model_copy(update=signed)
    if agreement.but(terms=terms, **entry.model_dump(include=BESIDE_TERMS)) == agreement:
        return unchanged(agreement)
    after = agreement.but(
        terms=_terms(agreement.id, agreement.terms.version + 1, entry),
        frequency=entry.frequency,
        review_at=entry.review_at,
        noticed=False,
        lapsed=False,
        past=(*agreement.past, agreement.terms),
        signers=(),
    )
    return Change(after, (AgreementAmended(**_about(after)),))


def sign(agreement: Agreement, party: str, version: int, account: str) -> Change[Agreement]:
    """A person signs this version of the terms for a party. Twice is once.

    Raises `Refused` for somebody who has signed for another party: it takes two to agree.
    """
    terms = agreement.terms
    if party not in terms.parties:
        raise Refused("not_a_party", "Only parties sign.")
    if version != terms.version:
        raise Refused("terms_changed", "The terms have changed since; read them again.")
    if party in terms.signed_by:
        return unchanged(agreement)
    if terms.ended_at is not None:
        raise Refused("agreement_ended", "The agreement has ended.")
    if account in agreement.signers:
        raise Refused("second_person_needed", "You have signed for another party.")
    signed = tuple(sorted({*terms.signed_by, party}))
    after = agreement.but(
        terms=terms.model_copy(update={"signed_by": signed}),
        signers=(*agreement.signers, account),
    )
    return Change(after, (AgreementSigned(**_about(after), party=party),))


def review(agreement: Agreement, review_at: datetime, at: datetime) -> Change[Agreement]:
    """It was looked at and stands until the next review, which lies within its time."""
    if review_at == agreement.review_at:
        return unchanged(agreement)
    if not at < review_at <= agreement.terms.effective_to:
        raise Malformed("/review_at", "out_of_range", "Within the time of the agreement.")
    if agreement.terms.ended_at is not None:
        raise Refused("agreement_ended", "The agreement has ended.")
    after = agreement.but(review_at=review_at, noticed=False)
    return Change(after, (AgreementReviewed(**_about(after)),))


def end(agreement: Agreement, at: datetime) -> Change[Agreement]:
    """It ends now. Twice is once."""
    if agreement.terms.ended_at is not None:
        return unchanged(agreement)
    after = agreement.but(terms=agreement.terms.model_copy(update={"ended_at": at}))
    return Change(after, (AgreementEnded(**_about(after)),))


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
        return Change(after, (AgreementLapsed(**_about(after)),))
    if not agreement.noticed and at >= notice_at(agreement):
        after = agreement.but(noticed=True)
        event = AgreementExpiring(**_about(after))
        return Change(after, (event,))
    return unchanged(agreement)


def _terms(agreement_id: str, version: int, entry: AgreementEntry) -> Terms:
    fields = entry.model_dump(exclude=BESIDE_TERMS)
    return Terms(id=agreement_id, version=version, **fields)


def _about(agreement: Agreement) -> dict[str, Any]:
    return {
        "agreement_id": agreement.id,
        "terms": agreement.terms,
        "review_at": agreement.review_at,
    }
