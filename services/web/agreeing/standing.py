"""How an agreement stands. Pure. Whether it permits anything, the referral service decides."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any


def standing(agreement: Mapping[str, Any], at: datetime) -> str:
    """In words: whether it has ended, what it waits for, until when it is in force."""
    terms = agreement["terms"]
    unsigned = [each for each in terms["parties"] if each not in terms["signed_by"]]
    if terms["ended_at"] or _past(terms["effective_to"], at):
        return "Ended"
    if unsigned:
        return f"Not signed yet by {', '.join(unsigned)}"
    if not _past(terms["effective_from"], at):
        return "Not begun"
    return "In force; its review is overdue" if _past(agreement["review_at"], at) else "In force"


def _past(text: str, at: datetime) -> bool:
    return datetime.fromisoformat(text) <= at
