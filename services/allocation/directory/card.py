"""What a worker, and a Hub, say of themselves in the directory. Pure.

Nothing of it is shown by default, and nothing that is not said here is ever shown of a worker but
their role, areas and Hub: no case, no reason for being away, no private address (UK GDPR Art 25(2)).
"""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from services.allocation.documents import Incoming
from services.allocation.rota.plan import KINDS, DayKind, WallTime

HelpKind = Literal[
    "one_to_one",
    "group_work",
    "outreach",
    "return_interviews",
    "online_safety",
    "sexual_health",
    "drugs_and_alcohol",
    "counselling",
    "court_support",
    "school_sessions",
    "parents_support",
    "professionals_advice",
]
ForWhom = Literal["young_people", "parents_and_carers", "professionals"]
Phone = Annotated[str, StringConstraints(pattern=r"^\+?[0-9][0-9 ()-]{3,28}[0-9]$")]
Email = Annotated[str, StringConstraints(pattern=r"^[!-?A-~]{1,64}@[!-?A-~]{1,180}$")]


class Reachable(Incoming):
    """How, when and about what somebody can be asked. Times are those of the clock on the wall."""

    phone: Phone | None = None
    email: Email | None = Field(default=None, description="The mail address, at work.")
    days: Annotated[tuple[DayKind, ...], Field(max_length=len(KINDS))] = ()
    start: WallTime | None = None
    end: WallTime | None = None
    helps: Annotated[tuple[HelpKind, ...], Field(max_length=12)] = ()
    for_whom: Annotated[tuple[ForWhom, ...], Field(max_length=3)] = ()

    @model_validator(mode="after")
    def _a_time(self) -> Self:
        if (self.start is None) is not (self.end is None):
            raise ValueError("has one end only")
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise ValueError("ends before it begins")
        return self


class WorkerCard(Reachable):
    """What a worker shows to everybody who signs in. `show_host`: also where they sit."""

    shown: bool = False
    name: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = None
    show_host: bool = False

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if self.shown and self.name is None:
            raise ValueError("shows nobody without a name")
        return self


class HubCard(Reachable):
    """A Hub's desk. `public`: also without signing in. `places` are the towns and villages that it is
    for, as young people call them."""

    public: bool = False
    places: Annotated[str, StringConstraints(min_length=1, max_length=300)] | None = None

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if self.public and (self.places is None or (self.phone or self.email) is None):
            raise ValueError("is no help without its places, and a phone or an e-mail")
        return self
