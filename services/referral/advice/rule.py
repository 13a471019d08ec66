"""A question, its answers, and how it ends. Pure."""

from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from services.referral.advice.request import AdviceClosure, AdviceLine, AdviceMessage, AdviceView
from shared.errors import Mismatch, Refused
from shared.events.advice import (
    AdviceAsked,
    AdviceClosed,
    AdviceDestroyed,
    AdviceOutcome,
    AdviceStatus,
    AdviceTheme,
    AdviceUnanswered,
    AdviceWritten,
    Side,
)
from shared.rules.access import Thing
from shared.rules.calendars import due_at
from shared.storage.records import Change, Record, changed, unchanged

ANSWER_DUE, DESTRUCTION_DUE = "answer_due", "destruction_due"
MOST_MESSAGES, MOST_OPEN = 30, 100
# Then somebody else is told, and after that the operators' desk.
MOST_REMINDERS = 2
KEPT = timedelta(days=365)


class Message(BaseModel):
    """What one side wrote: the words are sealed under its place. `asked` is a keyed hash of it."""

    model_config = ConfigDict(frozen=True)

    id: str
    side: Side
    at: datetime
    by: str
    asked: str


class Advice(Record):
    """A question of an agency to the Hub of an area. The clock runs while the Hub has to answer."""

    agency_id: str
    agency_kind: str
    hub_id: str
    area: str
    theme: AdviceTheme
    status: AdviceStatus = "open"
    quarter: str
    asked_at: datetime
    answer_by: datetime | None
    reminders: int = 0
    messages: tuple[Message, ...]
    sealed: dict[str, bytes] = Field(default_factory=dict)
    outcome: AdviceOutcome | None = None
    referral_id: str | None = None
    destroyed_at: datetime

    def timers(self) -> dict[str, datetime | None]:
        runs = self.status == "open" and self.reminders < MOST_REMINDERS
        return {ANSWER_DUE: self.answer_by if runs else None, DESTRUCTION_DUE: self.destroyed_at}


def facts_of(advice: Advice) -> Thing:
    """A question as the rules of access see it."""
    return Thing(agency_id=advice.agency_id, hub_id=advice.hub_id)


def asked(advice: Advice) -> AdviceAsked:
    """The event of a new question."""
    return AdviceAsked(**_about(advice), area=advice.area)


def clock(at: datetime) -> datetime:
    """Until when the Hub has to answer."""
    return due_at("one_working_day", at, "england")


def same(advice: Advice, hashed: str) -> Advice:
    """The question that was asked by the same request. Raises `Mismatch` where it was another."""
    if advice.messages[0].asked != hashed:
        raise Mismatch
    return advice


def write(advice: Advice, message: Message, sealed: dict[str, bytes]) -> Change[Advice]:
    """One more message. The same request again adds none; raises `Refused` where it has ended, or has
    no more room."""
    known = next((one for one in advice.messages if one.id == message.id), None)
    if known is not None:
        if known.asked != message.asked:
            raise Mismatch
        return unchanged(advice)
    if advice.status == "closed":
        raise Refused("advice_closed", "This question has ended; ask a new one.")
    if len(advice.messages) >= MOST_MESSAGES:
        raise Refused("too_many_messages", f"At most {MOST_MESSAGES} messages: phone the Hub.")
    answers = message.side == "hub"
    event = AdviceWritten(**_about(advice), side=message.side)
    return changed(
        advice,
        event,
        messages=(*advice.messages, message),
        sealed={**advice.sealed, **sealed},
        status="answered" if answers else "open",
        answer_by=None if answers else advice.answer_by or clock(message.at),
        reminders=0 if answers else advice.reminders,
        destroyed_at=message.at + KEPT,
    )


def remind(advice: Advice, at: datetime) -> Change[Advice]:
    """Nobody has answered in time: the next one is told, and the clock begins again."""
    due = advice.timers()[ANSWER_DUE]
    if due is None or at < due:
        return unchanged(advice)
    event = AdviceUnanswered(**_about(advice), reminders=advice.reminders + 1)
    return changed(advice, event, reminders=advice.reminders + 1, answer_by=clock(at))


def close(advice: Advice, entry: AdviceClosure, at: datetime) -> Change[Advice]:
    """What came of it. The same again changes nothing; raises `Refused` where it ended otherwise."""
    said = {"outcome": entry.outcome, "referral_id": entry.referral_id}
    if advice.status == "closed":
        if said == {"outcome": advice.outcome, "referral_id": advice.referral_id}:
            return unchanged(advice)
        raise Refused("advice_closed", "This question has ended; ask a new one.")
    event = AdviceClosed(**_about(advice), outcome=entry.outcome, referral_id=entry.referral_id)
    return changed(
        advice,
        event,
        outcome=entry.outcome,
        referral_id=entry.referral_id,
        status="closed",
        answer_by=None,
        destroyed_at=at + KEPT,
    )


def forget(advice: Advice, at: datetime) -> Change[Advice]:
    """Its words are gone, once their time has come; the codes are counted still."""
    if not advice.sealed or at < advice.destroyed_at:
        return unchanged(advice)
    event = AdviceDestroyed(**_about(advice))
    return changed(advice, event, sealed={}, status="closed", answer_by=None)


def line(advice: Advice) -> AdviceLine:
    """As a list shows it."""
    return AdviceLine(**advice.model_dump(include=set(AdviceLine.model_fields)))


def view(advice: Advice, words: dict[str, str]) -> AdviceView:
    """With all that was written."""
    messages = [
        AdviceMessage(side=one.side, at=one.at, text=words.get(one.id)) for one in advice.messages
    ]
    return AdviceView(**line(advice).model_dump(), messages=messages)


def _about(advice: Advice) -> dict[str, Any]:
    names = ("agency_id", "agency_kind", "hub_id", "theme")
    return {"advice_id": advice.id, **{name: getattr(advice, name) for name in names}}
