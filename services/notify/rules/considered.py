"""Whom an event was considered for, and why some of them are not told. Pure."""

from typing import Literal, NamedTuple

from services.notify.projections.cases import Case
from services.notify.projections.directory import Agency
from services.notify.rules.policy import Rule
from services.notify.subscriptions.subscription import Subscription
from shared.events.codes import UNKNOWN_AREA
from shared.events.notify import RecipientKind

Because = Literal[
    "nobody_there",
    "muted",
    "own_act",
    "no_reply_channel",
    "told_before",
    "came_with_referral",
    "told_as_waiting",
    "another_young_person",
    "own_referral",
    "agency_inactive",
    "area_unknown",
    "not_subscribed",
    "subscription_inactive",
    "other_area",
]


class Recipient(NamedTuple):
    """Somebody whom a rule names, or a partner that could hear of it. `id` is empty where there is
    nobody; `because` is why they are passed over."""

    rule: Rule
    kind: RecipientKind
    id: str
    because: Because | None = None


def why_no_partner(
    recipient: Recipient, case: Case, agency: Agency | None, subscription: Subscription | None
) -> Because | None:
    """Why a partner does not hear of it, permitted or not; None where that has to be decided.

    A partner hears of areas of its own; from one that nobody registered it is withheld, visibly.
    """
    if recipient.id == case.agency_id:
        return "own_referral"
    if agency is not None and not agency.active:
        return "agency_inactive"
    if case.area == UNKNOWN_AREA:
        return "area_unknown"
    if subscription is None or recipient.rule.kind not in subscription.kinds:
        return "not_subscribed"
    if not subscription.active:
        return "subscription_inactive"
    areas = [subscription.areas, *([agency.areas] if agency else [])]
    return None if all(case.area in each for each in areas) else "other_area"
