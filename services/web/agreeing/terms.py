"""An agreement's terms as a form."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from services.web.forms import Ask, Errors, Said
from services.web.registering.choosing import choices
from services.web.visit import Visit
from services.web.words import options

BESIDE = ("frequency", "review_at")
IN_TERMS = ("parties", "purposes", "categories", "grounds", "effective_from", "effective_to")
PARTIES = "Choose at least two: your Hub, and whom it shares with"


async def terms_asks(visit: Visit, kept: Sequence[str] = ()) -> list[Ask]:
    """Who, what, for what, on which grounds, and until when."""
    return [
        await _parties(visit, kept),
        Ask("categories", "What is shared", "ticks", options("category"), needed="Choose what"),
        Ask("purposes", "For what", "ticks", options("purpose"), needed="Choose for what"),
        Ask(
            "grounds",
            "On which grounds",
            "ticks",
            options("ground"),
            needed="Choose at least one ground",
            hint="Without one of these nothing is shared, whatever is agreed.",
        ),
        Ask("frequency", "How often the parties look at it together", "select", _often()),
        Ask("effective_from", "Holds from", "moment", needed="Enter the day from which it holds"),
        Ask("review_at", "To be reviewed by", "moment", needed="Enter the day of the review"),
        Ask(
            "effective_to",
            "Ends on",
            "moment",
            hint="After the review, and within ten years.",
            needed="Enter the day on which it ends",
        ),
    ]


async def _parties(visit: Visit, kept: Sequence[str]) -> Ask:
    """Agencies and Hubs to be ticked; to be written by id where there are too many."""
    (agencies, more), (hubs, beyond) = (
        await choices(visit, "agencies"),
        await choices(visit, "hubs"),
    )
    question = "Between whom"
    if more or beyond:
        hint = "Ids of agencies and Hubs, with commas between."
        return Ask("parties", question, "codes", hint=hint, needed=PARTIES)
    there = {code for code, _ in (*hubs, *agencies)}
    gone = [(code, code) for code in kept if code not in there]
    return Ask("parties", question, "ticks", [*hubs, *agencies, *gone], needed=PARTIES)


def _often() -> list[tuple[str, str]]:
    return options("agreement_frequency")


def entry_of(agreement: Mapping[str, Any]) -> dict[str, Any]:
    """What is sent to change it, of what is shown."""
    terms = {name: agreement["terms"][name] for name in IN_TERMS}
    return terms | {name: agreement[name] for name in BESIDE}


def in_order(said: Said) -> Errors:
    """What is wrong with the days, where all three are days."""
    start, review, end = (str(said[n]) for n in ("effective_from", "review_at", "effective_to"))
    if not start < review <= end:
        return {"review_at": "The review is after the first day, and not after the end"}
    if (datetime.fromisoformat(end) - datetime.fromisoformat(start)).days > 3660:
        return {"effective_to": "An agreement ends within ten years"}
    return {}
