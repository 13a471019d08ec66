"""The event of what a young person said about telling their parents."""

from typing import ClassVar

from shared.events.codes import ParentsReason, TellParents
from shared.events.declared import plain
from shared.events.subject import AboutSharing


class ParentsWordRecorded(AboutSharing):
    """The young person said whether their parents are told; or, with a reason, a practitioner of the
    Hub decided it. What stands now follows from the sharing state."""

    event_type: ClassVar[str] = "sharing.parents_word_recorded"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.consent", "allocation.safety")

    tell: TellParents
    reason: ParentsReason | None = None

    def says(self, by: str) -> str:
        if self.reason is not None:
            why = plain(self.reason)
            return f"{by} decided that the parents may be told, about {self.referral_id}: {why}."
        said = {
            "no": "asked that their parents are not told",
            "yes": "said that their parents may be told",
        }.get(self.tell, "was not asked about telling their parents")
        return f"{by} recorded that the young person {said}, about {self.referral_id}."
