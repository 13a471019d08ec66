"""What a caller may do with a referral: decided before anything is done, and again while it is changed.

Only then is asked whether it is possible from its state: who may not learns nothing of that.
"""

from collections.abc import Callable, Collection
from typing import NamedTuple

from services.referral.access import Refusal, Viewer, facts_of, person_of, refusal_of
from services.referral.disclosure.access_record import refuse
from services.referral.records import Referral, shown_to_agencies
from services.referral.sharing.subject import Subject
from services.referral.store import Stores
from shared.errors import NotFound, Outage
from shared.rules.access import Verdict, decide
from shared.rules.access_table import Action
from shared.rules.relations import Relation
from shared.storage.records import Change
from shared.web.etags import Match
from shared.web.tokens import Caller


class Asker(NamedTuple):
    """Who asks: the caller of the token, and as whom the rules of access see them."""

    caller: Caller
    viewer: Viewer


class Found(NamedTuple):
    """A referral and the young person it is about."""

    referral: Referral
    subject: Subject


class _NotTheirs(Exception):
    def __init__(self, reason: Refusal) -> None:
        self.reason: Refusal = reason


async def find(stores: Stores, referral_id: str) -> Found | None:
    """The referral; None if there is none. As much is read then: it takes as long."""
    referrals = await stores.referrals.find({"_id": referral_id}, limit=1)
    referral = referrals[0] if referrals else None
    try:
        subject = await stores.subjects.get(referral.subject_id if referral else referral_id)
    except NotFound:
        return None
    return Found(referral, subject) if referral else None


def verdict_of(action: Action, viewer: Viewer, referral: Referral, subject: Subject) -> Verdict:
    """May they do this to it? A partner agency may read what it is permitted, never act, so nothing
    is shared with it here."""
    return decide(action, person_of(viewer), facts_of(referral, viewer, subject))


async def act(
    stores: Stores,
    caller: Caller,
    viewer: Viewer,
    referral_id: str,
    action: Action,
    match: Match,
    rule: Callable[[Referral, Relation], Change[Referral]],
) -> Referral:
    """Change a referral on behalf of a caller who stands to it as one that may act.

    Whoever doesn't is told it isn't there, whatever tag they send, and that is recorded.
    """
    found = await _theirs(stores, caller, viewer, referral_id, action)
    subject = found.subject

    def guarded(referral: Referral) -> Change[Referral]:
        if referral.subject_id != subject.id:
            raise Outage("referral_moved")  # asked again, it is decided on the marks of that one
        verdict = verdict_of(action, viewer, referral, subject)
        if not verdict.allowed:  # it went to somebody else meanwhile
            raise _NotTheirs(refusal_of(verdict))
        return rule(referral, verdict.relation)

    try:
        return await stores.referrals.change(
            referral_id,
            match.guard(guarded, tag_for(viewer)),
            by=caller.origin(referral_id),
            seen=found.referral,
        )
    except _NotTheirs as error:
        reason = error.reason
    raise await refuse(stores, caller, viewer, referral_id, action, reason)


def tag_for(viewer: Viewer) -> Callable[[Referral], int | str]:
    """What the ETag of a referral counts for this viewer: for an agency only what it is shown. The
    version goes up, too, when something is found out about the young person elsewhere."""
    return shown_to_agencies if viewer.role == "agency" else lambda referral: referral.version


async def held(
    stores: Stores, caller: Caller, viewer: Viewer, referral_id: str, action: Action
) -> Referral:
    """The referral, for a caller who may do this to it. Raises `NotFound` for anyone else."""
    return (await _theirs(stores, caller, viewer, referral_id, action)).referral


async def _theirs(
    stores: Stores, caller: Caller, viewer: Viewer, referral_id: str, action: Action
) -> Found:
    found = await find(stores, referral_id)
    if found is None:
        raise await refuse(stores, caller, viewer, referral_id, action, "not_there")
    verdict = verdict_of(action, viewer, *found)
    if not verdict.allowed:
        raise await refuse(stores, caller, viewer, referral_id, action, refusal_of(verdict))
    return found


async def also_theirs(
    stores: Stores,
    viewer: Viewer,
    action: Action,
    referral: Referral,
    subject: Subject,
    referral_ids: Collection[str],
) -> set[str]:
    """Which of these referrals of the same young person the viewer may do this to, beside the one
    that they are looking at."""
    others = sorted(set(referral_ids) - {referral.id})
    found = (
        await stores.referrals.find({"_id": {"$in": others}}, limit=len(others)) if others else []
    )
    allowed = (one for one in found if verdict_of(action, viewer, one, subject).allowed)
    return {referral.id, *(one.id for one in allowed)}
