"""The event of a consent that was recorded by mistake."""

from typing import ClassVar

from shared.events.codes import InvalidationReason
from shared.events.declared import Disclosed, Parties, listed, plain
from shared.events.subject import AboutSharing
from shared.rules.sharing import Consent


class ConsentInvalidated(AboutSharing):
    """A consent was recorded by mistake, with the reason as a code: it never counted. Decisions made
    on it stay on record as they were."""

    event_type: ClassVar[str] = "consent.invalidated"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.consent",)

    consent: Consent
    reason: InvalidationReason

    def says(self, by: str) -> str:
        mistaken = self.consent
        to = listed((*mistaken.agency_ids, *mistaken.agency_kinds), "every agency")
        return (
            f"{by} found that {mistaken.id} was recorded by mistake ({plain(self.reason)}), consent"
            f" {plain(mistaken.status)} to share {listed(mistaken.categories)} with {to}"
            f", about {self.referral_id}: it never counted."
        )

    def parties(self) -> Parties:
        return Parties(
            referral_id=self.referral_id,
            subjects=(self.subject_id,),
            agencies=self.consent.agency_ids,
        )

    def disclosure(self) -> Disclosed | None:
        if self.consent.status != "given":
            return None
        return Disclosed(
            kind="forbidden",
            recipients=self.consent.agency_ids,
            withheld=tuple(f"{c}: consent_invalidated" for c in self.consent.categories),
        )
