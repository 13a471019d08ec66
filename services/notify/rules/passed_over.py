"""Whom an event was considered for and who was not told of it, with the reason: kept, so that "why was
X not told" has an answer."""

from collections.abc import Sequence

from services.notify.omissions import Omission, Omitted
from services.notify.rules.audience import About
from services.notify.rules.considered import Because, Recipient
from services.notify.store import Stores
from shared.events.notify import NotificationKind, RecipientKind
from shared.ids import derived_id


async def keep_passed_over(
    stores: Stores, about: About, passed: Sequence[Recipient], part: str = "rules"
) -> None:
    """Keep them, if there are any. The same event again replaces what was kept of it."""
    if not passed:
        return
    event, case = about.event, about.case
    groups: dict[tuple[NotificationKind, RecipientKind, Because], list[str]] = {}
    for rule, kind, recipient_id, because in passed:
        if because is not None:
            ids = groups.setdefault((rule.kind, kind, because), [])
            ids += [recipient_id] if recipient_id else []
    omitted = tuple(
        Omitted(kind=kind, recipient_kind=whom, because=because, recipient_ids=tuple(ids))
        for (kind, whom, because), ids in groups.items()
    )
    await stores.omissions.keep(
        Omission(
            id=derived_id("omi", event.id, case.id, part),
            referral_id=case.id,
            subject_id=case.subject_id,
            hub_id=about.hub_id,
            event_id=event.id,
            event_type=event.type,
            at=stores.clock(),
            omitted=omitted,
        )
    )
