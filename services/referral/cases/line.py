"""A line of a worker's list of cases. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from services.referral.disclosure.content import standing
from services.referral.disclosure.rule import Shown, sealed_for
from services.referral.goals.rule import open_goals
from services.referral.records import Referral
from shared.events.codes import Instruction, ReferralStatus, RiskLevel, Urgency


class CaseLine(BaseModel):
    """A case: what the young person is called (by what they go by, if that is known), how it stands,
    and the clock of its answer. `instructions` bind whoever reads."""

    id: str
    display_name: str | None
    status: ReferralStatus
    urgency: Urgency
    level: RiskLevel | None
    received_at: datetime
    due_at: datetime
    overdue: bool
    open_goals: int
    instructions: tuple[Instruction, ...] = ()


def named(referral: Referral, shown: Shown) -> dict[str, bytes]:
    """The sealed parts that say the name, and no others."""
    parts = sealed_for(referral, shown)
    return {name: value for name, value in parts.items() if name.partition("~")[0] == "identity"}


def line(referral: Referral, shown: Shown, opened: Mapping[str, Any]) -> CaseLine:
    """The line of a referral, with its opened name; without one where it was erased."""
    categories, _ = standing(referral, shown, opened)
    identity = categories.get("identity", {}).get("identity", {})
    return CaseLine(
        **referral.model_dump(include=set(CaseLine.model_fields)),
        display_name=identity.get("known_as") or identity.get("name"),
        open_goals=len(open_goals(referral)),
        instructions=shown.instructions,
    )
