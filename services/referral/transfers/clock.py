"""How long a Hub has to answer, and how often it is asked. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from services.referral.records import Referral
from shared.errors import Refused
from shared.events.codes import RiskLevel, Urgency

# Until the other Hub answers, in hours. A level that nobody has assessed counts as the highest.
ANSWER_HOURS: Mapping[RiskLevel, int] = {
    "significant": 4,
    "moderate": 24,
    "mild": 48,
    "none_apparent": 72,
}
# Nothing urgent is lowered by a score.
AT_MOST: Mapping[Urgency, int] = {"immediate": 1, "same_day": 4}


# Each proposal is a notice to another Hub: so many of one referral within so long.
MOST_PROPOSALS, WITHIN = 3, timedelta(days=1)


def time_to_answer(level: RiskLevel | None, urgency: Urgency) -> timedelta:
    """How long the other Hub has, and then the next who is told."""
    hours = ANSWER_HOURS[level or "significant"]
    return timedelta(hours=min(hours, AT_MOST.get(urgency, hours)))


def proposed_before(referral: Referral, at: datetime) -> tuple[datetime, ...]:
    """When it was proposed in the last day and no other Hub answered. Raises `Refused` where that was
    often enough."""
    last = referral.transfer
    if last is None or last.status == "accepted":
        return ()
    unanswered = (last.proposed_at,) if last.status in ("taken_back", "over") else ()
    before = (*last.proposed_before, *unanswered)
    recent = tuple(one for one in before if one > at - WITHIN)
    if len(recent) >= MOST_PROPOSALS:
        again = f"{recent[0] + WITHIN:%d %B %Y at %H:%M} UTC"
        detail = f"Proposed and taken back {len(recent)} times; again from {again}: phone them."
        raise Refused("proposed_often", detail)
    return recent
