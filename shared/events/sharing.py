"""Events of sharing a young person's information: consents, bases, safety marks."""

from typing import ClassVar, Literal

from shared.events.bounds import MAX_GROWTH, room_of_no
from shared.events.codes import ConfirmationReason, SafetyRelation
from shared.events.declared import Disclosed, Parties, listed, plain
from shared.events.subject import AboutSharing
from shared.rules.consents import NO
from shared.rules.sharing import Basis, Consent


class ConsentRecorded(AboutSharing):
    """Consent to sharing was given, refused, withdrawn, or not asked for."""

    event_type: ClassVar[str] = "consent.recorded"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.consent",)

    consent: Consent

    def room(self) -> int:
        """A no is recorded even where there is no room left for another yes."""
        return room_of_no(self.consent.recorded_by) if self.consent.status in NO else MAX_GROWTH

    def says(self, by: str) -> str:
        given = self.consent
        who = "the young person" if given.given_by == "young_person" else "a parent"
        said = {
            "given": f"that {who} agreed to share",
            "refused": f"that {who} refused to share",
            "withdrawn": f"that {who} withdrew consent to share",
        }.get(given.status, f"that {who} was not asked about sharing")
        to = listed((*given.agency_ids, *given.agency_kinds), "every agency")
        return f"{by} recorded {said} {listed(given.categories)} with {to}{_for(self.referral_id)}."

    def parties(self) -> Parties:
        return Parties(
            referral_id=self.referral_id,
            subjects=(self.subject_id,),
            agencies=self.consent.agency_ids,
        )

    def disclosure(self) -> Disclosed | None:
        if self.consent.status == "not_asked":
            return None
        given = self.consent
        if given.status == "given":
            # What an agency says for itself permits nothing until it is confirmed.
            waiting = given.gains
            return Disclosed(
                kind="permitted",
                recipients=tuple(a for a in given.agency_ids if a != waiting),
                categories=given.categories,
                grounds=("consent",),
            )
        return Disclosed(
            kind="forbidden",
            recipients=given.agency_ids,
            withheld=tuple(f"{c}: consent_{given.status}" for c in given.categories),
        )


class ConsentReviewed(AboutSharing):
    """A practitioner of the Hub confirmed a yes that an agency recorded, or rejected it, with the
    reason as a code. The record of the claim stays."""

    event_type: ClassVar[str] = "consent.reviewed"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.consent",)

    consent: Consent
    confirmed: bool
    reason: ConfirmationReason

    def says(self, by: str) -> str:
        given = self.consent
        did = "confirmed" if self.confirmed else "rejected"
        to = listed((*given.agency_ids, *given.agency_kinds), "every agency")
        return (
            f"{by} {did} what {given.recorded_by} had recorded, agreement to share"
            f" {listed(given.categories)} with {to}{_for(self.referral_id)}: {plain(self.reason)}."
        )

    def parties(self) -> Parties:
        return Parties(
            referral_id=self.referral_id,
            subjects=(self.subject_id,),
            agencies=self.consent.agency_ids,
        )

    def disclosure(self) -> Disclosed | None:
        given = self.consent
        if self.confirmed:
            return Disclosed(
                kind="permitted",
                recipients=given.agency_ids,
                categories=given.categories,
                grounds=("consent",),
            )
        return Disclosed(
            kind="forbidden",
            recipients=given.agency_ids,
            withheld=tuple(f"{c}: consent_rejected" for c in given.categories),
        )


class RecorderKnown(AboutSharing):
    """Who recorded or confirmed a yes has called as an agency that gains by it: it waits for somebody
    else of the Hub."""

    event_type: ClassVar[str] = "consent.recorder_known"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.consent",)

    consent: Consent

    def says(self, by: str) -> str:
        given = self.consent
        to = listed((*given.agency_ids, *given.agency_kinds), "every agency")
        return (
            f"{by} found that who spoke for it gains by agreement to share"
            f" {listed(given.categories)} with {to}{_for(self.referral_id)}: it has to be confirmed."
        )

    def parties(self) -> Parties:
        return Parties(
            referral_id=self.referral_id,
            subjects=(self.subject_id,),
            agencies=self.consent.agency_ids,
        )


class BasisRecorded(AboutSharing):
    """A named practitioner decided to share without consent, on a legal basis, with reasons."""

    event_type: ClassVar[str] = "sharing.basis_recorded"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.consent",)

    basis: Basis
    subject_told: bool

    def room(self) -> int:
        return MAX_GROWTH

    def says(self, by: str) -> str:
        to = listed(self.basis.agency_ids)
        return (
            f"{by} recorded a lawful basis, {plain(self.basis.basis)}, to share"
            f" {listed(self.basis.categories)} with {to} without consent{_for(self.referral_id)}."
        )

    def parties(self) -> Parties:
        return _with_basis(self.referral_id, self.subject_id, self.basis)

    def disclosure(self) -> Disclosed | None:
        return Disclosed(
            kind="permitted",
            recipients=self.basis.agency_ids,
            categories=self.basis.categories,
            grounds=(self.basis.basis,),
        )


class BasisEnded(AboutSharing):
    """A lawful-basis decision was ended before its review date."""

    event_type: ClassVar[str] = "sharing.basis_ended"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.consent",)

    basis: Basis

    def says(self, by: str) -> str:
        to = listed(self.basis.agency_ids)
        return (
            f"{by} ended the lawful basis {plain(self.basis.basis)} to share"
            f" {listed(self.basis.categories)} with {to}{_for(self.referral_id)}."
        )

    def parties(self) -> Parties:
        return _with_basis(self.referral_id, self.subject_id, self.basis)

    def disclosure(self) -> Disclosed | None:
        return Disclosed(
            kind="forbidden",
            recipients=self.basis.agency_ids,
            grounds=(self.basis.basis,),
            withheld=tuple(f"{c}: basis_ended" for c in self.basis.categories),
        )


class SafetyMarked(AboutSharing):
    """Whether an agency, or one person of the network, is unsafe for this young person. Nothing is
    shared with them while the mark stands. `relation` says what they are to them or work beside."""

    event_type: ClassVar[str] = "sharing.safety_marked"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.consent", "allocation.safety")

    # `hub_manager` is of before accounts had pseudonyms.
    marked_kind: Literal["agency", "worker", "hub_manager", "account"]
    marked_id: str
    relation: SafetyRelation
    unsafe: bool

    def says(self, by: str) -> str:
        if self.unsafe:
            return (
                f"{by} marked {self.marked_id} as unsafe for {self.subject_id}:"
                f" {plain(self.relation)}."
            )
        return f"{by} lifted the mark of {self.marked_id} as unsafe for {self.subject_id}."

    def parties(self) -> Parties:
        agency = self.marked_id if self.marked_kind == "agency" else None
        worker = self.marked_id if self.marked_kind == "worker" else None
        account = self.marked_id if self.marked_kind == "account" else None
        return Parties(
            referral_id=self.referral_id,
            subjects=(self.subject_id,),
            agencies=(agency,),
            workers=(worker,),
            recipients=(account,),
        )

    def disclosure(self) -> Disclosed | None:
        return Disclosed(
            kind="forbidden" if self.unsafe else "permitted",
            recipients=(self.marked_id,),
            withheld=("everything: recipient_unsafe",) if self.unsafe else (),
        )


class ServiceAgreementRecorded(AboutSharing):
    """Agreement to the service itself: kept apart from sharing, which it never decides."""

    event_type: ClassVar[str] = "consent.service_recorded"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.consent",)

    agreed: Literal["agreed", "declined", "not_asked"]

    def says(self, by: str) -> str:
        return (
            f"{by} recorded agreement to the service{_for(self.referral_id)}: {plain(self.agreed)}."
        )


def _with_basis(referral_id: str, subject_id: str, basis: Basis) -> Parties:
    return Parties(referral_id=referral_id, subjects=(subject_id,), agencies=basis.agency_ids)


def _for(referral_id: str) -> str:
    return f", about {referral_id}"
