"""What a service has tallied and the trail lacks, and the event that asks for it. Pure."""

from datetime import datetime, timedelta

from shared.events.trail import TrailEventsMissing
from shared.storage.records import Change, Record

# Asked again after this long, then after twice as long, and so on: what nobody has any more is not
# asked for without end.
AGAIN = timedelta(minutes=10)
SELDOM = 8


class Loss(Record):
    """The events of one tally that are no entries; none any more once they were sent again."""

    service: str
    tally: int
    event_ids: tuple[str, ...]
    asked: int = 1
    asked_at: datetime


def asked_for(loss: Loss) -> TrailEventsMissing:
    """The event that asks the service for them, or says that none lacks any more."""
    return TrailEventsMissing(service=loss.service, tally=loss.tally, event_ids=loss.event_ids)


def looked_at(loss: Loss, missing: tuple[str, ...], at: datetime) -> Change[Loss]:
    """The loss after another look: these still lack."""
    due = loss.asked_at + AGAIN * 2 ** min(loss.asked, SELDOM) / 2
    if missing == loss.event_ids and (not missing or at < due):
        return Change(loss)
    after = loss.but(event_ids=missing, asked=loss.asked + 1, asked_at=at)
    return Change(after, (asked_for(after),))
