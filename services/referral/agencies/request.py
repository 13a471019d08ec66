"""Agencies and agreements, as they come from outside."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from services.referral.documents import Code, Incoming, Line, Purpose
from shared.errors import Contradiction
from shared.events.codes import AgencyKind
from shared.rules.sharing import Category
from shared.rules.values import Instant, Number


class AgencyEntry(Incoming):
    """What the network keeps of an agency. Its kind (codes of the CIN census' referral sources)
    never decides whether it may refer: `1c` is a young person, `9` is anonymous, `10` unknown."""

    name: Line
    kind: AgencyKind
    areas: Annotated[tuple[Code, ...], Field(max_length=200)] = ()
    active: bool = True


class AgreementEntry(Incoming):
    """Who may share which categories, for which purposes, on which grounds, and until when."""

    parties: Annotated[tuple[Code, ...], Field(min_length=2, max_length=50)]
    purposes: Annotated[tuple[Purpose, ...], Field(min_length=1, max_length=20)]
    categories: Annotated[tuple[Category, ...], Field(min_length=1, max_length=12)]
    grounds: Annotated[
        tuple[Literal["consent", "public_task", "legal_obligation", "vital_interests"], ...],
        Field(min_length=1, max_length=4),
    ]
    frequency: Literal["as_needed", "daily", "weekly", "monthly"] = "as_needed"
    effective_from: Instant
    effective_to: Instant
    review_at: Instant

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.effective_from < self.review_at <= self.effective_to:
            raise Contradiction(
                "The review must be after the beginning and not after the end: change one of the three days."
            )
        if (self.effective_to - self.effective_from).days > 3660:
            raise Contradiction("An agreement ends within ten years: choose an earlier end.")
        return self


class SignatureEntry(Incoming):
    """The version of the terms you have read."""

    version: Number


class AgreementReviewEntry(Incoming):
    """The next review."""

    review_at: Instant
