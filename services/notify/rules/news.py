"""News of a young person: whoever has a case of theirs, and its Hub, hear what was recorded, no more."""

from services.notify.projections.cases import Case
from services.notify.rules.notify import notify
from services.notify.store import Stores
from shared.events import Event
from shared.events.sharing import ConsentRecorded
from shared.events.subject import AboutSharing


async def tell_news(stores: Stores, event: Event[AboutSharing]) -> None:
    """Told in the case it was recorded in and in each that somebody has. Safe to repeat."""
    if not stores.policy.applying_to(event):
        return
    said, own = event.data, event.data.referral_id
    case = (await stores.projections.cases.get(own)).case(own)
    others = await stores.projections.held_by_workers(said.subject_id)
    for each in {one.id: one for one in (*others, *([case] if case else []))}.values():
        moved = each.subject_id != said.subject_id or each.subject_pending
        if not moved and not _known_already(event, each):
            await notify(stores, event, each)


def _known_already(event: Event[AboutSharing], case: Case) -> bool:
    """Whether it came with the referral itself, or is told as a yes that waits for the Hub."""
    if not isinstance(event.data, ConsentRecorded):
        return False
    consent = event.data.consent
    came_with_it = case.received_at is not None and consent.recorded_at <= case.received_at
    return consent.gains is not None or (case.id == event.data.referral_id and came_with_it)
