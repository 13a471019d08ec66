"""A referral arrives: the allocation it opens, before anybody is asked. Pure."""

from typing import Any

from services.allocation.domain.allocations import Allocation, Reach, with_ranks
from services.allocation.domain.hubs import Hub
from services.allocation.domain.policy import RiskPolicy
from services.allocation.domain.subjects import Subject, respond
from shared.events import Event
from shared.events.referral import ReferralAmended, ReferralReceived


def opened(
    event: Event[ReferralReceived], subject: Subject, hub: Hub | None, policy: RiskPolicy
) -> Allocation:
    """The allocation as it is before its first decision; not stored yet."""
    referral = event.data
    level = respond(subject, referral.urgency, policy)
    return with_ranks(
        Allocation(
            id=referral.referral_id,
            subject_id=referral.subject_id,
            agency_id=referral.agency_id,
            area=referral.area,
            urgency=referral.urgency,
            received_at=referral.received_at,
            due_at=referral.due_at,
            referral_version=event.version,
            settings_avoided=referral.settings_avoided,
            **coded(referral),
            assessment=subject.assessment,
            policy_version=subject.assessment.policy_version,
            level=level,
            weight=hub.weight(level) if hub else 1,
            hub_id=hub.id if hub else None,
        )
    )


def coded(referral: ReferralReceived | ReferralAmended) -> dict[str, Any]:
    """What the referral says of needs and reach."""
    return {
        "needs": referral.needs,
        "languages": referral.languages,
        "times": referral.preferred_times,
        "reach": Reach(
            age_band=referral.age_band, gender=referral.gender, ethnicity=referral.ethnicity
        ),
    }
