"""What is said about sharing, as it comes from outside."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from services.referral.documents import Code, ConsentEntry, Incoming, Line
from shared.errors import Contradiction
from shared.events.codes import CONFIRMING, ConfirmationReason, SafetyRelation
from shared.rules.sharing import Category, Condition, LawfulBasis, SharingState
from shared.rules.values import Instant


class BasisEntry(Incoming):
    """A decision to share without consent. Necessity and reason are encrypted; the rest is coded."""

    basis: LawfulBasis
    condition: Condition | None = None
    agency_ids: Annotated[tuple[Code, ...], Field(min_length=1, max_length=50)]
    categories: Annotated[tuple[Category, ...], Field(min_length=1, max_length=12)]
    reason: Line
    necessity: Line
    review_at: Instant
    subject_told: bool


class RecordedConsent(ConsentEntry):
    """The record made of what was said. Nothing of what others said: referrers are answered too."""

    id: str
    recorded_at: Instant
    warnings: tuple[str, ...] = ()


def recorded(sharing: SharingState, consent_id: str) -> RecordedConsent:
    """What is answered of the record of this id."""
    made = next(c for c in sharing.consents if c.id == consent_id)
    warnings = ("said_at_unknown",) if made.said_at_unknown else ()
    return RecordedConsent.model_validate(
        made.model_dump(include=set(RecordedConsent.model_fields)) | {"warnings": warnings}
    )


class ConfirmationEntry(Incoming):
    """What a practitioner found out about a yes that an agency recorded, and how."""

    confirmed: bool
    reason: ConfirmationReason

    @model_validator(mode="after")
    def _reason_fits(self) -> Self:
        if self.confirmed != (self.reason in CONFIRMING):
            raise Contradiction(
                "The reason does not fit the answer: to confirm, say how you found out; to reject, say why."
            )
        return self


class SafetyEntry(Incoming):
    """Whether they are unsafe for this young person, and what they are to them."""

    unsafe: bool
    relation: SafetyRelation


class AccountEntry(SafetyEntry):
    """The same of one account, by the `sub` of its tokens, as your issuer shows it. It is not kept:
    the mark names the account's pseudonym."""

    sub: Annotated[str, StringConstraints(max_length=255, pattern=r"^[!-~]([ -~]*[!-~])?$")]


class ServiceEntry(Incoming):
    """Agreement to the service: not consent to sharing."""

    agreed: Literal["agreed", "declined", "not_asked"]
