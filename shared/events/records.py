"""Events of looking at a referral: what was discussed, who was shown it, who was refused."""

from dataclasses import replace
from typing import ClassVar, Literal

from shared.events import EventData
from shared.events.declared import Disclosed, Parties, by_verdicts, in_order, listed, plain
from shared.rules.sharing import CATEGORIES, Category, Verdict

# Where a refusal is about no referral that there is.
UNKNOWN = "unknown"
_PARTS: dict[str, str] = {
    **{"match": "possible matches", "goals": "goals", "name": "name"},
    "participation": "answers to invitations",
    "sharing": "consents, decisions and safety marks",
}


class DiscussionRecorded(EventData):
    """Whether what will happen with the information was discussed with the young person."""

    event_type: ClassVar[str] = "record.discussion_recorded"

    referral_id: str
    subject_id: str
    discussed: bool
    not_discussed_because: (
        Literal["would_increase_risk", "could_not_be_reached", "too_distressed", "other"] | None
    )
    wishes_recorded: bool

    def says(self, by: str) -> str:
        if self.discussed:
            wishes = ", and their wishes" if self.wishes_recorded else ""
            return f"{by} recorded that {self.referral_id} was discussed with the young person{wishes}."
        why = plain(self.not_discussed_because)
        return (
            f"{by} recorded that {self.referral_id} was not discussed with the young person: {why}."
        )

    def parties(self) -> Parties:
        return Parties(referral_id=self.referral_id, subjects=(self.subject_id,))


class RecordViewed(EventData):
    """Somebody was shown a referral: which categories, on which grounds, and what was withheld."""

    event_type: ClassVar[str] = "record.viewed"

    referral_id: str
    subject_id: str
    viewer_kind: Literal["referrer", "agency", "worker", "hub_manager", "operator"]
    viewer_id: str
    purpose: str
    verdicts: tuple[Verdict, ...]
    safety_hold: bool
    policy_version: str
    # With what stood there before it was corrected.
    earlier: bool = False
    # What of it: the referral, that a search found it, what is known of its possible matches, or its
    # goals, the name in a list of cases, that another Hub is to take it, what is known of sharing, or
    # what the young person said of the service.
    part: Literal[
        "record", "search_hit", "match", "goals", "name", "transfer", "sharing", "participation"
    ] = "record"

    def says(self, by: str) -> str:
        # No category is decided for those whose own, or whose work, it is. Of what others wrote in
        # its referral, a referrer is shown what any agency would be.
        purpose = plain(self.purpose)
        if self.viewer_kind == "referrer":
            others = f", what others wrote there ({self._shown}) included" if self.verdicts else ""
            return f"{by} viewed {self._what('its own referral')}{others}, for {purpose}."
        if self.part == "search_hit":
            return f"{by} found {self.referral_id} by a search, for {purpose}."
        if self.part in _PARTS:
            return f"{by} viewed the {_PARTS[self.part]} of {self.referral_id}, for {purpose}."
        if self.viewer_kind in ("worker", "hub_manager"):
            return f"{by} viewed {self._what('all of')}, for {purpose}."
        if self.viewer_kind == "operator":
            return f"{by} viewed the area and the clock of {self.referral_id}, which no Hub serves."
        hidden = [v.category for v in self.verdicts if not v.permitted]
        but = f" Not shown: {listed(hidden)}." if hidden else ""
        return f"{by} viewed {self._shown} of {self.referral_id}, for {plain(self.purpose)}.{but}"

    def tells(self) -> str:
        if self.viewer_kind == "referrer":
            return f"You viewed {self._what('your own referral')}."
        return f"You viewed {self._shown} of {self.referral_id}."

    def parties(self) -> Parties:
        agency = self.viewer_id if self.viewer_kind in ("agency", "referrer") else None
        worker = self.viewer_id if self.viewer_kind == "worker" else None
        return Parties(
            referral_id=self.referral_id,
            subjects=(self.subject_id,),
            agencies=(agency,),
            workers=(worker,),
            recipients=(self.viewer_id,),
            informed=(agency,),
        )

    def disclosure(self) -> Disclosed | None:
        told = by_verdicts(
            "viewed", self.verdicts, recipients=(self.viewer_id,), purpose=self.purpose
        )
        return replace(told, categories=in_order((*told.categories, *self._undecided)))

    @property
    def _undecided(self) -> tuple[Category, ...]:
        """What was seen by right of one's own referral or of one's work, which nobody decided."""
        if self.part in ("goals", "participation"):
            return ("existence", "narrative", "outcome")
        if self.part == "sharing":  # and why somebody decided to share, in words
            return ("existence", "narrative")
        if self.part == "name":
            return ("existence", "identity", "risk", "outcome")
        if self.part != "record":  # that it is there, its status, and which details agree
            return ("existence", "identity", "outcome")
        of: dict[str, tuple[Category, ...]] = {
            "referrer": ("existence", "outcome"),  # beside what it wrote itself
            "worker": CATEGORIES,
            "hub_manager": CATEGORIES,
            "operator": ("existence",),
        }
        return of.get(self.viewer_kind, ())

    def _what(self, of: str) -> str:
        return f"{of} {self.referral_id}{', with earlier values' if self.earlier else ''}"

    @property
    def _shown(self) -> str:
        return listed(v.category for v in self.verdicts if v.permitted)


class RecordsSearched(EventData):
    """Somebody looked for referrals of their own by who somebody is, whatever they found. What they
    looked for is not kept; each hit is a `record.viewed`."""

    event_type: ClassVar[str] = "record.searched"

    viewer_kind: Literal["worker", "hub_manager"]
    viewer_id: str
    purpose: str
    by_fields: tuple[Literal["name", "date_of_birth", "nhs_number"], ...]
    hits: int

    def says(self, by: str) -> str:
        fields = listed(plain(name) for name in self.by_fields)
        return f"{by} searched by {fields}, for {plain(self.purpose)}; hits: {self.hits}."

    def parties(self) -> Parties:
        return Parties(
            workers=(self.viewer_id if self.viewer_kind == "worker" else None,),
            recipients=(self.viewer_id,),
        )


class RecordRefused(EventData):
    """Somebody asked for a referral, its case or a notice of it that is not theirs to see; they were
    told it isn't there."""

    event_type: ClassVar[str] = "record.refused"

    referral_id: str
    viewer_kind: Literal["agency", "worker", "hub_manager", "coordinator", "auditor", "operator"]
    viewer_id: str
    action: str
    reason: Literal[
        "not_theirs", "nothing_permitted", "recipient_unsafe", "parents_not_told", "not_there"
    ]
    categories: tuple[Category, ...] = ()
    # Where there is no such referral: a keyed hash of the id, which may spell a name.
    unknown_id: str | None = None

    @property
    def known(self) -> bool:
        """Whether it is about a referral that there is."""
        return self.reason != "not_there" and self.referral_id != UNKNOWN

    def says(self, by: str) -> str:
        if self.reason == "not_there":
            return f"{by} was refused a referral that is not there ({plain(self.action)})."
        if not self.known:
            return f"{by} was refused ({plain(self.action)}): {plain(self.reason)}."
        return f"{by} was refused {self.referral_id} ({plain(self.action)}): {plain(self.reason)}."

    def parties(self) -> Parties:
        return Parties(
            referral_id=self.referral_id if self.known else None,
            agencies=(self.viewer_id if self.viewer_kind == "agency" else None,),
            workers=(self.viewer_id if self.viewer_kind == "worker" else None,),
            recipients=(self.viewer_id,),
        )

    def disclosure(self) -> Disclosed | None:
        return Disclosed(
            kind="refused",
            recipients=(self.viewer_id,),
            withheld=tuple(f"{c}: {self.reason}" for c in self.categories) or (self.reason,),
        )
