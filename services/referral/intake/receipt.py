"""What a referrer gets back: as it was when the referral came. Pure."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, Field

from services.referral.areas.request import NearArea
from services.referral.intake.facts import noticed
from services.referral.intake.request import ReceiveReferral
from services.referral.intake.timely import timely
from services.referral.reading.marks import Aside, Mark, marks
from services.referral.records import Referral
from shared.events.codes import ReferralStatus, Urgency
from shared.rules.calendars import due_at

EMERGENCY = "If someone is in immediate danger call 999 first; this referral does not replace that."


class Receipt(BaseModel):
    """What a referrer gets back: the id to ask with, and by when it will be answered."""

    id: str
    status: ReferralStatus
    urgency: Urgency
    received_at: datetime
    due_at: datetime
    warnings: tuple[str, ...]
    advice: str | None
    unknown_recipients: tuple[str, ...] = Field(
        default=(),
        description="Agencies and kinds in your consents that are not there. A yes to them is not "
        "recorded, and does not count should they be registered later: send it again then.",
    )
    area_near: tuple[NearArea, ...] = Field(
        default=(),
        description="With the warning `area_unknown`: areas that are called nearly so.",
    )
    marks: tuple[Mark, ...] = Field(
        default=(),
        description="With the warning `not_understood`: what was not taken as you sent it. It is kept "
        "as sent, for the Hub and for you: `GET` shows it under `submission`, `set_aside`.",
    )


def receipt(referral: Referral, asides: Sequence[Aside] = ()) -> Receipt:
    return Receipt(
        **referral.model_dump(include=set(Receipt.model_fields)),
        marks=marks(asides),
        advice=EMERGENCY if referral.urgency == "immediate" else None,
    )


def as_sent(document: ReceiveReferral, referral: Referral) -> Referral:
    """The referral as it stood when it came, as far as its tag says how it stands."""
    begun = {"reason": None, "outcome": None, "reopenings": 0, "erased_at": None, "amendments": ()}
    at = referral.received_at
    return referral.but(status="received", urgency=document.urgency, changed_at=at, **begun)


def as_received(document: ReceiveReferral, referral: Referral) -> Receipt:
    """The receipt as it was when the referral came: a repeat tells its sender nothing new, for they
    may be somebody who must not hear of it any more. How it stands now is for `GET` to say."""
    document = timely(document, referral.received_at)
    found = {*noticed(document, referral.received_at), *referral.noted}
    return Receipt(
        id=referral.id,
        status="received",
        urgency=document.urgency,
        received_at=referral.received_at,
        due_at=due_at(document.urgency, referral.received_at, document.nation),
        warnings=tuple(sorted(found)),
        advice=EMERGENCY if document.urgency == "immediate" else None,
        unknown_recipients=referral.unknown_recipients,
        area_near=referral.noted_near,
        marks=marks(document.asides),
    )
