"""A decision on a possible match: whether it may be taken now. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from shared.errors import Refused
from shared.events.codes import MatchGround

# After this long one that was begun and not carried out came to nothing: decide again.
ABANDONED = timedelta(minutes=2)
# `undecided` ends a proposal, and decides nothing.
Said = Literal["same_person", "different_people", "undecided"]


class Decision(BaseModel):
    """Who decided what, when and on which ground. Their words are sealed apart from it. One that
    is `proposed` has no effect until somebody of the other Hub decides the same."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    id: str
    decision: Said
    ground: MatchGround
    by: str
    hub_id: str | None
    at: datetime
    referral_id: str
    proposed: bool = False


class Doubt(BaseModel):
    """A decision that somebody else has to take again, and the agencies that its makers
    call for."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    decision_id: str
    agency_ids: tuple[str, ...] = ()


class Standing(BaseModel):
    """What was decided on a pair: all decisions, the newest last, and one that is being carried
    out. `revision` counts its changes: who decides on what they read replaces that and no other.
    `doubt`: of the decision that holds, by whom it was taken is not enough."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    revision: int = 0
    decisions: tuple[Decision, ...] = ()
    deciding: Decision | None = None
    doubt: Doubt | None = None

    @property
    def proposal(self) -> Decision | None:
        """The proposal that nobody has answered or taken back."""
        newest = self.decisions[-1] if self.decisions else None
        return newest if newest is not None and newest.proposed else None

    @property
    def held(self) -> Decision | None:
        """The newest that had an effect."""
        real = (d for d in reversed(self.decisions) if is_real(d))
        return next(real, None)


def is_real(decision: Decision) -> bool:
    """Whether it has an effect on the young people: no proposal, and no end of one."""
    return not decision.proposed and decision.decision != "undecided"


def weigh(standing: Standing, given: Decision, other_hub: str | None) -> Decision:
    """As what a decision counts. Joining what is another Hub's, too (`other_hub`), is a proposal
    until somebody else of that Hub decides the same; only then the two are joined.

    Raises `Refused` for one person who is a manager of both.
    """
    if given.decision != "same_person" or other_hub is None:
        return given
    theirs = standing.proposal
    if theirs is None or theirs.hub_id != other_hub:
        return given.model_copy(update={"proposed": True})
    if theirs.by == given.by:
        detail = "You proposed it for the other Hub. Somebody else has to decide for this one."
        raise Refused("second_person_needed", detail, decision=theirs.id)
    return given


def check(standing: Standing, given: Decision, instead_of: str | None) -> bool:
    """Whether this decision is a new one; False: the same was decided, and is carried out again.

    Raises `Refused` while somebody else decides otherwise, and where a colleague did and this one
    was not said to end theirs: nobody overturns what they have not read.
    """
    going_on = standing.deciding
    if going_on is not None and given.at - going_on.at < ABANDONED:
        if is_repeat(going_on, given):
            return False
        raise _otherwise(going_on)
    newest = standing.decisions[-1] if standing.decisions else None
    if newest is not None and is_repeat(newest, given):
        return standing.doubt is not None and is_real(given)
    if given.decision == "undecided":
        if standing.proposal is None:
            raise Refused("nothing_proposed", "There is no proposal to end.")
        return True
    held = standing.held
    if held is None or held.decision == given.decision:
        return True
    confirms = standing.proposal is not None and given.decision == "same_person"
    if held.by != given.by and instead_of != held.id and not (confirms and not given.proposed):
        raise _otherwise(held)
    return True


def is_repeat(known: Decision, given: Decision) -> bool:
    """Whether this says what is decided. Each Hub proposes for itself; what was decided by both is
    not proposed again while it is being carried out."""
    if known.decision != given.decision or known.proposed != given.proposed:
        return False
    return is_real(known) or known.hub_id == given.hub_id


def _otherwise(theirs: Decision) -> Refused:
    detail = "Somebody decided otherwise. Read their reason; to end it, name it in `instead_of`."
    return Refused("decided_otherwise", detail, decision=theirs.id)


def speak_first(ground: MatchGround, *, elsewhere: bool) -> None:
    """Of a referral that they may not read, a Hub decides only once it has spoken with the other."""
    if elsewhere and ground != "spoke_with_other_hub":
        detail = "The other referral is another Hub's. Speak with them first, and say so."
        raise Refused("speak_first", detail)


def both(standing: Standing) -> Sequence[Decision]:
    """All of them, also the one that is being carried out."""
    return (*standing.decisions, *([standing.deciding] if standing.deciding else []))
