"""What is said about telling the parents."""

from collections.abc import Collection
from typing import Self

from pydantic import Field, model_validator

from services.referral.documents import Incoming
from shared.errors import Contradiction
from shared.events.codes import Instruction, ParentsReason, TellParents
from shared.rules.parents import instructions
from shared.rules.values import Instant


class ParentsEntry(Incoming):
    """What the young person said; with a `reason` it is a decision of the Hub that they are told."""

    tell_parents: TellParents
    said_at: Instant | None = Field(
        default=None,
        description="When they said so. Not given, it does not end what they asked before.",
    )
    reason: ParentsReason | None = None

    @model_validator(mode="after")
    def _only_to_tell(self) -> Self:
        if self.reason is not None and (self.tell_parents != "yes" or self.said_at is not None):
            raise Contradiction(
                "A reason belongs to a decision of the Hub that they are told: say yes, without said_at."
            )
        return self


class ParentsView(Incoming):
    """What stands now."""

    instructions: tuple[Instruction, ...]
    warnings: tuple[str, ...] = ()


def stands(closed_to: Collection[str], entry: ParentsEntry, names: Collection[str]) -> ParentsView:
    """What is answered: what stands, by who hears nothing, and what was missing in the entry. Who is
    of those names hears nothing of it either."""
    said = entry.tell_parents != "not_asked" and entry.reason is None
    return ParentsView(
        instructions=instructions(closed_to) if set(names).isdisjoint(closed_to) else (),
        warnings=("said_at_unknown",) if said and entry.said_at is None else (),
    )
