"""Questions of agencies: the Hub hears of them, who asked hears of the answer, and where nobody answers
in time the next one does."""

from services.notify.notification import Notification
from services.notify.rules.notices import notify_internally
from services.notify.store import Stores
from services.notify.subscriptions.subscription import key_of
from shared.events import Event
from shared.events.advice import AdviceAsked, AdviceUnanswered, AdviceWritten
from shared.events.notify import NotificationKind, RecipientKind
from shared.ids import derived_id
from shared.origin import Origin

OfAdvice = AdviceAsked | AdviceWritten | AdviceUnanswered


async def tell_of_advice(stores: Stores, event: Event[OfAdvice]) -> None:
    """Not about a referral; `about_id` has the question. Safe to repeat."""
    said = event.data
    if isinstance(said, AdviceUnanswered):
        await _tell(stores, event, "hub", said.hub_id, "advice_unanswered")
        if said.reminders > 1:
            await _tell(stores, event, "operator", "operator", "advice_unanswered")
    elif isinstance(said, AdviceWritten) and said.side == "hub":
        await _tell(stores, event, "agency", said.agency_id, "advice_answered")
    else:
        await _tell(stores, event, "hub", said.hub_id, "advice_asked")


async def _tell(
    stores: Stores, event: Event[OfAdvice], kind: RecipientKind, one: str, notice: NotificationKind
) -> None:
    draft = Notification(
        id=derived_id("ntf", "event", event.id, notice, kind, one),
        referral_id=None,
        about_id=event.data.advice_id,
        event_id=event.id,
        event_type=event.type,
        recipient=key_of(kind, one),
        recipient_kind=kind,
        recipient_id=one,
        kind=notice,
        purpose="oversight",
        action="none" if kind == "agency" else "answer_question",
        detail=event.data.theme,
        ground="hub_oversight" if kind == "hub" else "operations",
        hub_id=event.data.hub_id,
        urgent=notice == "advice_unanswered",
        created_at=stores.clock(),
    )
    await notify_internally(stores, draft, Origin.of_event("notify", event))
