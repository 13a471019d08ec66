"""A consent that was recorded by mistake never counted. Pure."""

from collections.abc import Collection
from datetime import datetime

from services.referral.sharing.rule import Host, consent_of, kept_consent, replaced, still_about
from services.referral.sharing.subject import Subject, about
from shared.errors import NotFound, Refused
from shared.events.codes import InvalidationReason
from shared.events.mistaken import ConsentInvalidated
from shared.rules.consents import NO, opens_to
from shared.rules.sharing import Consent, Invalidation
from shared.storage.records import Change, unchanged


def invalidate_consent(
    subject: Subject,
    referral_id: str,
    consent_id: str,
    reason: InvalidationReason,
    at: datetime,
    *,
    by: str,
    party: Host = None,
    sides: Collection[tuple[str, str]] = (),
) -> Change[Subject]:
    """A consent was recorded by mistake: it never counted. Twice is once.

    `party` is the agency that asks, or that hosts the worker who does, with its kind; `sides` are
    those as which their account has called. An agency may do it for what it recorded itself, and
    nobody to whom a no is about: that one waits for the Hub. Raises `NotFound` where this subject has
    no such consent, or for another agency's, `Refused` where one of these would gain."""
    still_about(subject, referral_id)
    found = kept_consent(subject, consent_id)
    if by.startswith("agency:") and found.recorded_by != by:
        raise NotFound("consent")
    if found.void:
        return unchanged(subject)
    gaining = (*sides, *([party] if party else []))
    if found.status in NO and any(_concerns(found, *each) for each in gaining):
        raise Refused(
            "gains_by_it", "A worker or manager of the Hub looks at a no about yourselves."
        )
    invalidation = Invalidation(reason=reason, by=by, at=at)
    after = replaced(subject, found.model_copy(update={"invalidation": invalidation}))
    stated, consent = about(after, referral_id), consent_of(after, consent_id)
    return Change(after, (ConsentInvalidated(**stated, consent=consent, reason=reason),))


def _concerns(consent: Consent, agency_id: str, kind: str) -> bool:
    """Whether it is about this agency, or may be: its kind is not known."""
    return opens_to(consent, agency_id, kind) or (not kind and bool(consent.agency_kinds))
