"""News of a young person: whoever has a case of theirs, and its Hub, hear what was recorded, no more."""

from services.notify.projections.cases import Case
from services.notify.rules.considered import Because
from services.notify.rules.notify import notify, pass_by
from services.notify.store import Stores
from shared.events import Event
from shared.events.sharing import ConsentRecorded
from shared.events.subject import AboutSharing, MatchDoubted


async def tell_news(stores: Stores, event: Event[AboutSharing]) -> None:
    """Told in the case it was recorded in and in each that somebody has; of a match, in the case whose
    match it is. Safe to repeat."""
    if not stores.policy.applying_to(event):
        return
    said, own = event.data, event.data.referral_id
    case = (await stores.projections.cases.get(own)).case(own)
    of_one = isinstance(said, MatchDoubted)
    others = [] if of_one else await stores.projections.held_by_workers(said.subject_id)
    for each in {one.id: one for one in (*others, *([case] if case else []))}.values():
        because = _no_news(event, each)
        if because is None:
            await notify(stores, event, each)
        else:
            await pass_by(stores, event, each, because)


def _no_news(event: Event[AboutSharing], case: Case) -> Because | None:
    """Why it is none: it is of another young person, came with the referral itself, or is told as a
    yes that waits for the Hub."""
    if isinstance(event.data, MatchDoubted):  # of the referral, whoever it is about by now
        return None
    if case.subject_id != event.data.subject_id or case.subject_pending:
        return "another_young_person"
    if not isinstance(event.data, ConsentRecorded):
        return None
    consent = event.data.consent
    if consent.status == "given" and consent.gains is not None:
        return "told_as_waiting"
    came_with_it = case.received_at is not None and consent.recorded_at <= case.received_at
    return "came_with_referral" if came_with_it and case.id == event.data.referral_id else None
