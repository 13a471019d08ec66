"""What operators may know of a referral that no Hub serves, and where they may put it. Pure."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from services.referral.areas.request import NearArea
from services.referral.areas.rule import put_in
from services.referral.records import ENDED, Referral
from shared.errors import Refused
from shared.events.codes import ReferralStatus, Urgency
from shared.events.records import RecordViewed
from shared.rules.sharing import POLICY_VERSION
from shared.storage.records import Change


class StrandedView(BaseModel):
    """A referral that no Hub serves: enough to find it a Hub, and nothing else of the young person.

    Where `area` is `unknown`, `area_word` is what the agency wrote there, which may be anything, and
    `area_near` are areas that are called nearly so now.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    agency_id: str
    area: str
    area_word: str | None = Field(default=None, description="Its first 200 characters.")
    area_near: tuple[NearArea, ...] = ()
    status: ReferralStatus
    urgency: Urgency
    received_at: datetime
    due_at: datetime
    overdue: bool


SHOWN = set(StrandedView.model_fields) - {"area_word", "area_near"}
MOST_SHOWN = 200


def shown(referral: Referral, word: str | None, near: tuple[NearArea, ...]) -> StrandedView:
    """The view of it."""
    return StrandedView(
        **referral.model_dump(include=SHOWN),
        area_word=None if word is None else word[:MOST_SHOWN],
        area_near=near,
    )


def is_stranded(referral: Referral, served: Mapping[str, str]) -> bool:
    """Whether it is open and no Hub holds it or serves its area."""
    return referral.hub_id is None and referral.status not in ENDED and referral.area not in served


def find_place(
    referral: Referral, code: str, served: Mapping[str, str], by: str, at: datetime
) -> Change[Referral]:
    """A stranded referral in the area where an operator puts it. Raises `Refused` for one that has a
    Hub by now; to put it there again changes nothing."""
    if referral.area != code and not is_stranded(referral, served):
        raise Refused("has_a_hub", "A Hub has this referral by now: it is theirs to pass on.")
    return put_in(referral, code, by, at)


def was_put(referral: Referral, by: str) -> bool:
    """Whether the last who wrote in it is somebody who put it where it is: they may ask again."""
    last = referral.amendments[-1] if referral.amendments else None
    return last is not None and (last.by, last.fields) == (by, ("area",))


def viewed(referral: Referral, account: str) -> RecordViewed:
    """The event of an operator's look."""
    return RecordViewed(
        referral_id=referral.id,
        subject_id=referral.subject_id,
        viewer_kind="operator",
        viewer_id=account,
        purpose="safeguarding",
        verdicts=(),
        safety_hold=False,
        policy_version=POLICY_VERSION,
    )
