"""The decision on one notification, on the projections as they are now."""

from datetime import datetime

from services.notify.decision.decide import Answer, answer, gone, safe, unsafe
from services.notify.notification import Notification
from services.notify.projections.store import Projections
from shared.events.notify import RetractionReason
from shared.rules.sharing import Request


async def answer_for(projections: Projections, notification: Notification, at: datetime) -> Answer:
    """May the agency or the worker be told, as things are known now?

    It is the young person's say whom the referral is about now, not when this was written.
    """
    case = await projections.cases.get(notification.referral_id or "")
    subject = await projections.subject(case.subject_id or notification.subject_id or "")
    kind, categories = notification.recipient_kind, notification.categories or ("existence",)
    # A partner who left is asked to delete what it was told, as when a ground ends; that still goes.
    sharing = notification.ground in ("sharing", "retraction")
    if not sharing and await projections.has_left(kind, notification.recipient_id):
        return gone(categories)
    if kind == "worker":
        is_unsafe = await projections.is_unsafe(kind, notification.recipient_id, subject)
        return unsafe(categories) if is_unsafe else safe()
    sharing = notification.ground == "sharing"
    agency = await projections.agencies.get(notification.recipient_id)
    # What was told for the Hub before is judged by what the one that took the referral over may tell.
    sharer = case.hub_id if case.transfers else notification.hub_id
    request = Request(
        sharer=sharer,
        taken_over_at=case.taken_over_at,
        referrer_id=case.agency_id,
        agency_id=notification.recipient_id,
        agency_kind=agency.kind,
        agency_alias=agency.alias,
        purpose=notification.purpose,
        categories=categories,
    )
    parties = (sharer, notification.recipient_id)
    wrong = case.retraction_reason(notification.subject_id) is not None
    return answer(
        sharing=sharing,
        request=request,
        state=subject.sharing,
        agreements=await projections.agreements_of(*parties) if sharing else (),
        retracted=sharing and (wrong or not agency.active),
        at=at,
    )


async def retraction_reason(
    projections: Projections, notification: Notification
) -> RetractionReason | None:
    """Why nobody should have been told of it; None if nothing is wrong with its referral."""
    case = await projections.cases.get(notification.referral_id or "")
    return case.retraction_reason(notification.subject_id)
