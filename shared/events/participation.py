"""Events of what young people say of the service. Ids and codes: their words are theirs."""

from typing import ClassVar, Literal

from shared.events import EventData
from shared.events.declared import Parties, plain

Moment = Literal["start", "on_the_way", "end"]
Way = Literal["card", "link"]
ReadBy = Literal["worker", "hub", "nobody"]
Feeling = Literal["good", "ok", "not_good"]
# What young people can ask to be otherwise; `something_good` is that it should stay as it is.
Theme = Literal[
    "listen_to_me",
    "do_what_you_say",
    "tell_me_what_happens",
    "same_worker",
    "more_time",
    "choose_where_and_when",
    "share_less",
    "feel_safe",
    "not_tell_my_story_again",
    "something_good",
]
EndReason = Literal["taken_back", "time_over", "erased"]


class ParticipationInvited(EventData):
    """A card or a link was made for a young person. Whether it is used is no event of theirs."""

    event_type: ClassVar[str] = "participation.invited"

    referral_id: str
    subject_id: str
    invitation_id: str
    moment: Moment
    way: Way

    def says(self, by: str) -> str:
        return (
            f"{by} invited the young person of {self.referral_id} to say how it is"
            f" ({plain(self.moment)}, by {self.way})."
        )

    def parties(self) -> Parties:
        return Parties(referral_id=self.referral_id, subjects=(self.subject_id,))


class _OfWords(EventData):
    """What one young person said. Whose it is stands here only where somebody may read it by name."""

    participation_id: str
    referral_id: str | None
    subject_id: str | None
    hub_id: str | None

    def parties(self) -> Parties:
        return Parties(
            referral_id=self.referral_id, subjects=(self.subject_id,), hubs=(self.hub_id,)
        )


class ParticipationSaid(_OfWords):
    """A young person said something by a code."""

    event_type: ClassVar[str] = "participation.said"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.referrals",)

    moment: Moment
    read_by: ReadBy

    def says(self, by: str) -> str:
        if self.referral_id is None:
            return f"A young person said how it is ({plain(self.moment)}), to be counted only."
        who = "the worker" if self.read_by == "worker" else "the worker and the Hub"
        return (
            f"The young person of {self.referral_id} said how it is ({plain(self.moment)}),"
            f" for {who} to read."
        )


class ParticipationEnded(_OfWords):
    """The words were destroyed: taken back, at the end of their time, or with the referral."""

    event_type: ClassVar[str] = "participation.ended"

    reason: EndReason

    def says(self, by: str) -> str:
        return f"What a young person said ({self.participation_id}) was destroyed: {plain(self.reason)}."


class ParticipationReplied(EventData):
    """A Hub answered in public what young people said about a theme, or took the answer down."""

    event_type: ClassVar[str] = "participation.replied"

    hub_id: str
    theme: Theme
    published: bool

    def says(self, by: str) -> str:
        did = "told everybody what was done about" if self.published else "took down the answer to"
        return f"{by} {did} what young people said to {self.hub_id}: {plain(self.theme)}."

    def parties(self) -> Parties:
        return Parties(hubs=(self.hub_id,))
