"""Events of a young person: which referrals are about them, and their age."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator

from shared.events import EventData
from shared.events.declared import Parties, listed, plain
from shared.rules.carried import carried
from shared.rules.parents import closed_to
from shared.rules.sharing import SharingState


class AboutSharing(EventData):
    """Every one carries the young person's sharing state, as far as it can still decide, and
    everybody marked as unsafe for them by name (`shared.rules.safety`): the newest is enough."""

    subject_id: str
    referral_id: str
    referral_ids: tuple[str, ...]
    sharing: Annotated[SharingState, AfterValidator(carried)]
    # None in events of before: those name only the agencies, in `sharing`.
    unsafe_names: tuple[str, ...] | None = None

    def marked(self) -> tuple[str, ...]:
        """Everybody who is told nothing of the young person, by name: who is marked as unsafe, and,
        where parents are not told, accounts of theirs."""
        agencies = (f"agency:{agency_id}" for agency_id in self.sharing.unsafe_agencies)
        unsafe = tuple(agencies) if self.unsafe_names is None else self.unsafe_names
        return tuple(dict.fromkeys((*unsafe, *closed_to(self.sharing.about_parents))))

    def parties(self) -> Parties:
        return Parties(referral_id=self.referral_id, subjects=(self.subject_id,))


class SubjectLinked(AboutSharing):
    """A referral was linked to a young person, new or known here. Duplicates are linked too."""

    event_type: ClassVar[str] = "subject.linked"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.consent",)

    known_before: bool

    def says(self, by: str) -> str:
        known = "who is known" if self.known_before else "who was not known"
        return f"{self.referral_id} is about {self.subject_id}, {known} here."


class SubjectRelinked(AboutSharing):
    """A practitioner decided that a referral is about somebody else than thought."""

    event_type: ClassVar[str] = "subject.relinked"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.consent", "allocation.safety")

    from_subject_id: str
    to_subject_id: str

    def says(self, by: str) -> str:
        return (
            f"{self.referral_id} is about {self.to_subject_id}, not about {self.from_subject_id}"
            f" as was thought."
        )

    def parties(self) -> Parties:
        subjects = (self.subject_id, self.from_subject_id, self.to_subject_id)
        return Parties(referral_id=self.referral_id, subjects=subjects)


class SubjectMatchDecided(AboutSharing):
    """A practitioner looked at a possible match and decided. A score never merges anyone."""

    event_type: ClassVar[str] = "subject.match_decided"
    heard_by: ClassVar[tuple[str, ...]] = ("referral.follow_up", "notify.consent")

    other_subject_id: str
    decision: Literal["same_person", "different_people"]
    # None in events of before.
    other_referral_id: str | None = None

    def says(self, by: str) -> str:
        are = "the same person" if self.decision == "same_person" else "different people"
        return (
            f"{by} decided that {self.subject_id} and {self.other_subject_id} are {are},"
            f" looking at {self.referral_id}."
        )

    def parties(self) -> Parties:
        return Parties(
            referral_id=self.referral_id,
            subjects=(self.subject_id, self.other_subject_id),
            mentioned=(self.other_referral_id,),
        )


class MatchDoubted(AboutSharing):
    """Who decided on a match calls for an agency, too, or both who decided are one person: somebody
    else decides again, and to these agencies nothing opens until then."""

    event_type: ClassVar[str] = "subject.match_doubted"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.consent",)

    match_id: str
    decision_id: str
    agency_ids: tuple[str, ...]

    def says(self, by: str) -> str:
        closed = f"; until then nothing opens to {listed(self.agency_ids)}" * bool(self.agency_ids)
        return (
            f"{by} found that who decided on a match of {self.referral_id} may not:"
            f" somebody else has to decide again{closed}."
        )

    def parties(self) -> Parties:
        return Parties(
            referral_id=self.referral_id, subjects=(self.subject_id,), agencies=self.agency_ids
        )


class MatchDecidedAgain(AboutSharing):
    """Somebody else has decided on a match; what was doubted of the decision before is over."""

    event_type: ClassVar[str] = "subject.match_decided_again"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.consent",)

    match_id: str
    decision_id: str

    def says(self, by: str) -> str:
        return f"{by} decided again on a match of {self.referral_id}: what was doubted is over."


class SubjectDescribed(AboutSharing):
    """What is known of who the young person is has changed: a referral was corrected or erased, or
    their age has moved on. Whose word counts may be another now."""

    event_type: ClassVar[str] = "subject.described"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.consent",)

    age_source: Literal["exact", "estimated", "not_known"]

    def says(self, by: str) -> str:
        ages = {
            "exact": "their age is known by a birth date",
            "estimated": "their age is estimated",
            "not_known": "their age is not known",
        }
        age = ages.get(self.age_source, plain(self.age_source))
        return f"What {self.referral_id} says of {self.subject_id} is known anew; {age}."


class SubjectTurning18(AboutSharing):
    """Six months before, and again on the day: consent and duties change at 18."""

    event_type: ClassVar[str] = "subject.turning_18"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.consent",)

    stage: Literal["ahead", "turned_16", "turned_18"]

    def says(self, by: str) -> str:
        stages = {
            "ahead": "turns 18 within six months",
            "turned_16": "is 16 now: their own word on sharing counts",
            "turned_18": "is 18 now: other duties and consent apply",
        }
        return f"{self.subject_id} {stages.get(self.stage, plain(self.stage))}."
