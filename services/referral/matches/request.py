"""What a practitioner made of a possible match."""

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from services.referral.documents import Incoming
from services.referral.matches.decision import Said
from shared.errors import Contradiction
from shared.events.codes import SaidMatchGround

MATCH = r"^pm_[0-9a-f]{32}$"
DECISION = r"^dec_[0-9a-f]{32}$"


class MatchDecision(Incoming):
    """What a practitioner made of a possible match, and why. The other referral is named by its id
    or, where it is another Hub's, by that of the match."""

    other_referral_id: Annotated[str, StringConstraints(pattern=r"^ref_[0-9a-f]{32}$")] | None = (
        None
    )
    match_id: Annotated[str, StringConstraints(pattern=MATCH)] | None = None
    decision: Said = Field(
        description="`undecided` ends a proposal: your own Hub's is taken back, the other Hub's is "
        "rejected, and the two wait again."
    )
    ground: SaidMatchGround
    reason: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=5_000)
    ] = Field(description="In your words. Kept encrypted, shown to the Hub's managers only.")
    instead_of: Annotated[str, StringConstraints(pattern=DECISION)] | None = Field(
        default=None,
        description="The decision of a colleague that you have read and that this one ends. "
        "Without it a decision of somebody else is never overturned: 409 `decided_otherwise`.",
    )

    @model_validator(mode="after")
    def _one_other(self) -> Self:
        if (self.other_referral_id is None) == (self.match_id is None):
            raise Contradiction("Name the other referral or the match, one of the two.")
        return self
