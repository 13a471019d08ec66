"""The steps that end a referral, or take it up again. Pure. The referral service decides; which reasons
fit which step is compared with its table by a test."""

from collections.abc import Collection, Mapping
from typing import Any

from services.web.changing.fields import Errors, Field, Values
from services.web.changing.section import Known, Section, Sent

OPEN = frozenset(
    {
        *("received", "screening", "accepted", "returned", "waiting", "allocated"),
        *("in_progress", "on_hold"),
    }
)
ENDED = frozenset({"closed", "rejected", "signposted", "withdrawn"})


def step(section: Section, values: Values, known: Known) -> Sent | Errors:
    """The step that is called as the section is."""
    body = {"reason": values["reason"]} if section.fields else {}
    return Sent(body, f"steps/{section.name}", tagged=True, whole=True)


def _stands(states: Collection[str]) -> Any:
    def fits(record: Mapping[str, Any]) -> bool:
        return record.get("status") in states

    return fits


def _step(
    name: str, title: str, says: str, button: str, states: Collection[str], *reasons: str, note: str
) -> Section:
    why = Field("reason", "Why?", "radios", "status_reason", reasons, needed="Say why")
    fields = (why,) if reasons else ()
    return Section(name, title, says, fields, step, note, button, fits=_stands(states))


STEPS = (
    _step(
        "resubmission",
        "Send it again",
        "The Hub sent it back to you",
        "Send it again",
        {"returned"},
        note="First add what the Hub has asked for. Then send it again: the Hub answers in time.",
    ),
    _step(
        "withdrawal",
        "Withdraw it",
        "It is not needed any more",
        "Withdraw the referral",
        OPEN,
        *("child_or_family_declined", "needs_met_elsewhere", "moved_away", "no_longer_needed"),
        *("not_engaged", "raised_in_error", "duplicate_of", "other"),
        note="The work ends. A young person’s “no” alone does not have to end it: talk with the Hub.",
    ),
    _step(
        "reopening",
        "Open it again",
        "Something new has happened",
        "Open it again",
        ENDED,
        *("new_information", "raised_in_error", "other"),
        note="The Hub looks at it anew, and answers in time.",
    ),
    _step(
        "entered-in-error",
        "Sent by mistake",
        "It should never have been sent",
        "It was a mistake",
        OPEN | ENDED,
        *("raised_in_error", "wrong_person", "duplicate_of"),
        note="It can’t be opened again after that. If it is about the right person but not needed any "
        "more, withdraw it instead.",
    ),
)
