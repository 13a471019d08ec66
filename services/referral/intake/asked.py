"""A request of intake, with what is known of it beside the document."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from services.referral.intake.request import ReceiveReferral
from shared.errors import Refused
from shared.origin import Origin
from shared.rules.parents import counts_as_family


class Full(Exception):
    """The young person's record has no room for this referral; `why` says of what it is too much."""

    def __init__(self, why: Refused) -> None:
        self.why = why


@dataclass(frozen=True)
class Asked:
    """The document, the referral it is to become, who sends it, when, and of what kind of agency;
    `unknown` are the names in its consents that nobody has, each with what stands for it, `sides` the
    agencies as which the sender's account (`account`) has called."""

    document: ReceiveReferral
    referral_id: str
    by: Origin
    at: datetime
    kind: str
    unknown: Mapping[str, str]
    sides: Collection[str] = ()
    account: str = ""

    @property
    def by_family(self) -> bool:
        """Whether the parents may be who says it."""
        return counts_as_family(self.kind)
