"""Tracing takes two: one asks, another who names the same confirms, and both are told. Pure."""

from datetime import datetime, timedelta

from services.referral.tracings.request import Traced, TracingView
from shared.errors import NotTheirs, Refused
from shared.events.tracing import TracingAnswered, TracingPurpose
from shared.storage.records import Change, Record, changed

WAITS = timedelta(days=7)


class Tracing(Record):
    """A question for a young person. `wanted` is a referral's id, or a keyed hash of an agency and its
    reference: no word of theirs is kept."""

    wanted: str
    purpose: TracingPurpose
    asked_by: str
    asked_at: datetime
    confirmed_by: str | None = None


def confirm(
    tracing: Tracing, wanted: str, traced: Traced | None, by: str, at: datetime
) -> Change[Tracing]:
    """The second person says the same. Each of the two may repeat it and is told again.

    Raises `Refused` for who asked it themselves, for something else, or too late, and `NotTheirs` for
    a third person.
    """
    if tracing.confirmed_by is not None:
        return answer(tracing, traced, by)
    if by == tracing.asked_by:
        raise Refused("second_person_needed", "Somebody else has to confirm what you asked.")
    if wanted != tracing.wanted:
        raise Refused("not_the_same", "This is not what the first person asked for.")
    if at >= tracing.asked_at + WAITS:
        raise Refused("tracing_expired", "Nobody confirmed it in time; ask again.")
    return _told(tracing, traced, by)


def answer(tracing: Tracing, traced: Traced | None, by: str) -> Change[Tracing]:
    """One of the two is told once more. Raises `NotTheirs` for a third person."""
    if by not in (tracing.asked_by, tracing.confirmed_by):
        raise NotTheirs("not_theirs")
    return _told(tracing, traced, tracing.confirmed_by or by)


def _told(tracing: Tracing, traced: Traced | None, confirmed_by: str) -> Change[Tracing]:
    event = TracingAnswered(
        tracing_id=tracing.id,
        purpose=tracing.purpose,
        asked_by=tracing.asked_by,
        confirmed_by=confirmed_by,
        subject_id=traced.subject_id if traced else None,
        referral_ids=traced.referral_ids if traced else (),
    )
    return changed(tracing, event, confirmed_by=confirmed_by)


def view(tracing: Tracing, traced: Traced | None = None) -> TracingView:
    """As auditors see it; what was asked for only who asked knows."""
    return TracingView(
        **tracing.model_dump(exclude={"version", "wanted"}),
        status="confirmed" if tracing.confirmed_by else "waiting",
        expires_at=tracing.asked_at + WAITS,
        traced=traced,
    )
