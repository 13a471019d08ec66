"""Erasure: the personal data goes, the coded record stays. Pure."""

from datetime import datetime
from typing import Literal

from services.referral.records import ENDED, Referral
from shared.errors import Refused
from shared.events.erasure import ReferralErased
from shared.storage.records import Change, changed, unchanged

ErasureReason = Literal["retention_ended", "right_to_erasure", "entered_in_error"]


def erase(
    referral: Referral,
    reason: ErasureReason,
    at: datetime,
) -> Change[Referral]:
    """The coded record of an erased referral: sealed fields gone. Twice is once.

    Raises `Refused` while the referral is open: somebody still works on what it says.
    """
    if referral.erased_at is not None:
        return unchanged(referral)
    if referral.status not in ENDED:
        detail = "Only what has ended is erased."
        raise Refused("still_open", detail, state=referral.status)
    event = ReferralErased(referral_id=referral.id, agency_id=referral.agency_id, reason=reason)
    return changed(
        referral,
        event,
        erased_at=at,
        sealed={},
        visit_risk=False,
        blocks=(),
        area_hash=None,
        area_near=(),
        noted_near=(),
        # Who wrote which coded part: what others added stays theirs alone.
        amendments=tuple(a.model_copy(update={"previous": {}}) for a in referral.amendments),
        # Nor may anybody try out, by their hash, what the words were.
        goals=tuple(g.model_copy(update={"words": None, "asked": None}) for g in referral.goals),
        reference_hash=f"erased:{referral.id}",
    )
