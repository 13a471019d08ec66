"""What is asked to be traced, and what is answered."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, StringConstraints, model_validator

from services.referral.documents import Code, Incoming
from shared.errors import Contradiction
from shared.events.tracing import TracingPurpose


class Wanted(Incoming):
    """A referral, by its id, or by an agency and its own reference. The second person sends the same."""

    referral_id: Annotated[str, StringConstraints(pattern=r"^ref_[0-9a-f]{32}$")] | None = None
    agency_id: Code | None = None
    agency_reference: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        named = [self.agency_id is not None, self.agency_reference is not None]
        if named != [self.referral_id is None] * 2:
            raise Contradiction(
                "Name either the referral, or the agency together with its reference."
            )
        return self


class TracingEntry(Wanted):
    """What is asked, and what for."""

    purpose: TracingPurpose


class Traced(BaseModel):
    """The young person, and every referral about them. Further entries of the trail may name others:
    a referral may have been about somebody else before."""

    subject_id: str
    referral_ids: tuple[str, ...]


class TracingView(BaseModel):
    """Where it stands. `traced` is there for the two who asked and confirmed; null where nothing is
    that both may know of."""

    id: str
    status: Literal["waiting", "confirmed"]
    purpose: TracingPurpose
    asked_at: datetime
    asked_by: str
    expires_at: datetime = Field(description="Until then a second person may confirm.")
    confirmed_by: str | None
    traced: Traced | None
