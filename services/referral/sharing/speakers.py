"""Whose word opens a record: nobody's does to an agency as which they call, then or later. Pure.

Which agencies somebody's account has called as is known when they speak only as far as it has called.
So who spoke is kept, by account, and their words are looked at again when it calls as another one.
"""

from collections.abc import Collection
from datetime import datetime

from services.referral.sharing.facts import Facts
from services.referral.sharing.rule import end_basis, kept_consent, replaced
from services.referral.sharing.subject import Subject, about
from shared.errors import NotFound
from shared.events import EventData
from shared.events.sharing import RecorderKnown
from shared.rules.consents import opens_to
from shared.rules.sharing import Consent, SharingState
from shared.storage.records import Change, unchanged

# Of a consent: who confirmed it.
CONFIRMED = "/confirmation"
# How the ids of decisions on matches begin, beside those of consents and bases.
MATCHED = "match:"


def spoken(
    change: Change[Subject], referral_id: str, account: str, *record_ids: str
) -> Change[Subject]:
    """The change, with whose account recorded these through this referral, or confirmed them; where it
    changes nothing, it was said before, and who said it stays."""
    if not change.events:
        return change
    facts = change.after.facts[referral_id]
    accounts = {**facts.accounts, **dict.fromkeys(record_ids, account)}
    return Change(change.after.told(referral_id, accounts=accounts), change.events, change.due)


def all_spoken(change: Change[Subject], referral_id: str, account: str) -> Change[Subject]:
    """The same of every consent of the referral that comes with it."""
    consents = change.after.facts[referral_id].consents
    return spoken(change, referral_id, account, *(consent.id for consent in consents))


def known_as(
    subject: Subject, account: str, sides: Collection[str], at: datetime
) -> Change[Subject]:
    """This account has called as these agencies, or sits with them: what it said to their gain waits
    for somebody else, and what it decided to their gain ends. Safe to repeat."""
    events: list[EventData] = []
    for referral_id, facts in subject.facts.items():
        for record_id in (i for i in _of(facts, account) if not i.startswith(MATCHED)):
            change = _looked_at(subject, referral_id, record_id, set(sides), at)
            subject, events = change.after, [*events, *change.events]
    return Change(subject, tuple(events))


def sharing_for(subject: Subject, account: str, agency_id: str, at: datetime) -> SharingState:
    """What the rules of sharing go by while this account asks as this agency: also before anybody has
    heard that it calls as one."""
    state = known_as(subject, account, (agency_id,), at).after.sharing
    if not any(_has_matched(facts, account) for facts in subject.facts.values()):
        return state
    return state.model_copy(update={"doubted": tuple(sorted({*state.doubted, agency_id}))})


def _has_matched(facts: Facts, account: str) -> bool:
    """Whether this account decided on a match of the referral, and nobody else has since."""
    ids = (i.removeprefix(MATCHED) for i in _of(facts, account) if i.startswith(MATCHED))
    return any(facts.doubts.get(decision_id, ()) is not None for decision_id in ids)


def _of(facts: Facts, account: str) -> list[str]:
    return sorted(record_id for record_id, one in facts.accounts.items() if one == account)


def _looked_at(
    subject: Subject, referral_id: str, record_id: str, sides: set[str], at: datetime
) -> Change[Subject]:
    consent_id = record_id.removesuffix(CONFIRMED)
    try:
        consent = kept_consent(subject, consent_id)
    except NotFound:
        return _basis(subject, referral_id, record_id, sides, at)
    after = _unconfirmed(consent, sides) if consent_id != record_id else _of_sides(consent, sides)
    if after == consent:
        return unchanged(subject)
    changed = replaced(subject, after)
    shown = next(c for c in changed.sharing.consents if c.id == consent_id)
    return Change(changed, (RecorderKnown(**about(changed, referral_id), consent=shown),))


def _of_sides(consent: Consent, sides: set[str]) -> Consent:
    more = {side for side in sides if f"agency:{side}" != consent.recorded_by}
    if consent.status != "given" or more <= {*consent.recorder_sides}:
        return consent
    known = tuple(sorted({*consent.recorder_sides, *more}))
    return consent.model_copy(update={"recorder_sides": known})


def _unconfirmed(consent: Consent, sides: set[str]) -> Consent:
    gains = any(side == consent.gains or opens_to(consent, side, "") for side in sides)
    return consent.model_copy(update={"confirmation": None}) if gains else consent


def _basis(
    subject: Subject, referral_id: str, basis_id: str, sides: set[str], at: datetime
) -> Change[Subject]:
    bases = (basis for facts in subject.facts.values() for basis in facts.bases)
    found = next((basis for basis in bases if basis.id == basis_id), None)
    if found is None or sides.isdisjoint(found.agency_ids):
        return unchanged(subject)
    return end_basis(subject, referral_id, basis_id, at)
