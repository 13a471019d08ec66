"""What a worker can do with a case, and when a page offers it. The allocation service decides."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Act:
    """Its name in addresses, what its button says, the vocabulary of the reason it needs."""

    name: str
    button: str
    field: str = ""
    vocabulary: str = ""
    question: str = ""

    def body(self, said: str) -> dict[str, str] | None:
        """What is sent with it."""
        return {self.field: said} if self.field else None


ACCEPT = Act("acceptance", "Accept this case")
DECLINE = Act("decline", "Give it back", "reason", "decline_reason", "Why can’t you take it?")
START = Act("start", "Begin the work")
HOLD = Act("hold", "Let it rest", "reason", "hold_reason", "Why does it rest?")
RESUME = Act("resume", "Go on with the work")
REVIEW = Act("review", "I have looked at this case")
DEBRIEF = Act("debrief", "Save", "outcome", "debrief_outcome", "Your debrief after this case")
ACTS = {act.name: act for act in (ACCEPT, DECLINE, START, HOLD, RESUME, REVIEW, DEBRIEF)}


@dataclass(frozen=True)
class SeenAs:
    """How those of one role see cases: what a page calls them, says of why it shows one, and offers."""

    title: str
    none: str
    because: str
    acts: Mapping[str, tuple[Act, ...]]
    links: tuple[tuple[str, str], ...]

    def offered(self, case: Mapping[str, Any]) -> tuple[Act, ...]:
        """What can be done with the case as it stands."""
        found = self.acts.get(str(case["status"]), ())
        return tuple(act for act in found if act is not DEBRIEF or case.get("debrief") == "offered")


WHY = ("why", "Why this worker, and no other")
SAFETY = ("safety", "Who must not know")
WORKER = SeenAs(
    "My cases",
    "You have no cases.",
    "you are their worker",
    {
        "offered": (ACCEPT, DECLINE),
        "accepted": (START, DECLINE),
        "in_progress": (HOLD,),
        "on_hold": (RESUME, REVIEW),
        "waiting": (REVIEW,),
        "closed": (DEBRIEF,),
    },
    (WHY, SAFETY),
)
MANAGER = SeenAs(
    "Cases of the Hub",
    "There are none.",
    "you manage the Hub that has the case",
    {"in_progress": (HOLD,), "on_hold": (RESUME, REVIEW), "waiting": (REVIEW,)},
    (("place", "Choose the worker"), WHY, SAFETY, ("transfer", "Give it to another Hub")),
)
SEEN_AS = {"hub_manager": MANAGER}


def seen_as(role: str) -> SeenAs:
    """How this role sees cases. Who has no pages for them hears so from the APIs."""
    return SEEN_AS.get(role, WORKER)


def can_close(case: Mapping[str, Any]) -> bool:
    """Whether the work has begun, and so can end."""
    return case["status"] in ("accepted", "in_progress", "on_hold")
