"""An invitation, what a young person says by it, and when that ends. Pure.

Nothing leads from an invitation to what was said by its code: the id of that is a keyed hash of the
code, which is kept nowhere. Who chose that nobody reads it by name is therefore not found through it.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from pydantic import Field

from services.referral.participation.request import InvitationLine, SaidEntry
from shared.errors import Mismatch, Refused
from shared.events.participation import (
    EndReason,
    Feeling,
    Moment,
    ParticipationEnded,
    ParticipationReplied,
    ParticipationSaid,
    ReadBy,
    Theme,
    Way,
)
from shared.storage.records import Change, Record, changed, unchanged

SAID_DUE = "destruction_due"
LASTS = timedelta(days=30)
MOST_INVITATIONS = 50
MOST_NEVER = 20
NEVER_SAID = "The young person asked: do not get in touch this way: "


class Invitation(Record):
    """A card or link that was made for the young person of a referral. `code` is a keyed hash."""

    referral_id: str
    number: int
    code: str
    moment: Moment
    way: Way
    made_at: datetime
    expires_at: datetime


class Words(Record):
    """What one young person said. `asked` is a keyed hash of the request. Of what is read by nobody by
    name, `referral_id` and `subject_id` are not there. `sealed` is under its own key."""

    hub_id: str | None
    referral_id: str | None
    subject_id: str | None
    moment: Moment
    read_by: ReadBy
    feeling: Feeling | None
    themes: tuple[Theme, ...]
    quarter: str
    said_at: datetime
    destroyed_at: datetime
    asked: str | None
    sealed: dict[str, bytes] = Field(default_factory=dict)
    ended: EndReason | None = None

    def timers(self) -> dict[str, datetime | None]:
        return {SAID_DUE: self.destroyed_at}


class Reply(Record):
    """What a Hub did about a theme, as everybody reads it; empty once it was taken down."""

    hub_id: str
    theme: Theme
    done: str
    written_at: datetime


def line(invitation: Invitation, at: datetime) -> InvitationLine:
    """As the worker sees it: never whether it was used."""
    shown = invitation.model_dump(include=set(InvitationLine.model_fields))
    return InvitationLine(**shown, over=at >= invitation.expires_at)


def room(invitations: Sequence[Invitation]) -> int:
    """The number of the next one. Raises `Refused` where there were enough."""
    if len(invitations) >= MOST_INVITATIONS:
        detail = f"At most {MOST_INVITATIONS} invitations of one referral, old ones included."
        raise Refused("too_many_invitations", detail)
    return len(invitations)


def same(invitation: Invitation, moment: Moment, way: Way) -> Invitation:
    """The one that was made by the same request. Raises `Mismatch` where it asked for another."""
    if (invitation.moment, invitation.way) != (moment, way):
        raise Mismatch
    return invitation


def still_open(invitation: Invitation, at: datetime) -> Invitation:
    """It, while something can be said by it. Raises `Refused` when its time is over."""
    if at >= invitation.expires_at:
        raise Refused("card_too_old", "This card is too old. Ask your worker for a new one.")
    return invitation


def repeated(said: Words, asked: str) -> Words:
    """What was said by the same code before. Raises `Refused` for something else, or where it was
    taken back: a card is for once."""
    if said.ended is not None or said.asked != asked:
        raise Refused("card_used", "This card was used. Ask your worker for a new one.")
    return said


def told(said: Words) -> ParticipationSaid:
    """The event of what was said. Of whom, only where somebody may read it by name."""
    return ParticipationSaid(
        participation_id=said.id,
        referral_id=said.referral_id,
        subject_id=said.subject_id,
        hub_id=said.hub_id,
        moment=said.moment,
        read_by=said.read_by,
    )


def end(said: Words, why: EndReason, at: datetime) -> Change[Words]:
    """Its words are gone, and whose they were; once is enough. Only where its time came is it still
    counted with others: what is taken back never was."""
    if said.ended is not None:
        return unchanged(said)
    event = ParticipationEnded(
        participation_id=said.id,
        referral_id=said.referral_id,
        subject_id=said.subject_id,
        hub_id=said.hub_id,
        reason=why,
    )
    counted: dict[str, Any] = {} if why == "time_over" else {"feeling": None, "themes": ()}
    gone: dict[str, Any] = {"referral_id": None, "subject_id": None, "asked": None, "sealed": {}}
    return changed(said, event, **gone, **counted, ended=why, destroyed_at=at)


def reads(read_by: ReadBy, *, manager: bool) -> bool:
    """Whether the worker on the case, or a manager of its Hub, may read it: as the young person chose."""
    return read_by == "hub" or (read_by == "worker" and not manager)


def quarter_of(day: date) -> str:
    """The quarter of a day, as `2026-Q1`."""
    return f"{day.year}-Q{(day.month + 2) // 3}"


def finished(day: date, most: int) -> list[str]:
    """The last quarters that were over a week before that day, the newest first."""
    before = day - timedelta(days=7)
    year, number = before.year, (before.month + 2) // 3
    found = []
    for _ in range(most):
        year, number = (year, number - 1) if number > 1 else (year - 1, 4)
        found.append(f"{year}-Q{number}")
    return found


def without(contact: Mapping[str, Any], entry: SaidEntry) -> dict[str, Any] | None:
    """What the safe contact says once the young person asked not to be reached in these ways; None where
    it says so already. No line that stands there is lost."""
    line = NEVER_SAID + ", ".join(sorted(entry.never))
    kept, ways = list(contact.get("never_contact") or ()), list(contact.get("channels") or ())
    left = [one for one in ways if one not in entry.never]
    if line in kept and left == ways:
        return None
    lines = kept if line in kept else [*kept, line]
    if len(lines) > MOST_NEVER:
        lines = [*lines[: MOST_NEVER - 1], "; ".join(lines[MOST_NEVER - 1 :])]
    return {"never_contact": lines, "channels": left}


def reply(before: Reply, done: str, at: datetime) -> Change[Reply]:
    """The reply with these words; with none it is taken down."""
    if before.done == done:
        return unchanged(before)
    return changed(before, replied(before, done), done=done, written_at=at)


def replied(one: Reply, done: str) -> ParticipationReplied:
    """That a Hub answered a theme, or took its answer down."""
    return ParticipationReplied(hub_id=one.hub_id, theme=one.theme, published=bool(done))
