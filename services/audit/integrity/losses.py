"""What a service has tallied and the trail lacks, and the events that ask for it. Pure."""

from datetime import datetime, timedelta

from shared.events.trail import TrailEventsMissing, TrailSentAgainAsked
from shared.storage.records import Change, Record

# Asked again after this long, then after twice as long, and so on: what nobody has any more is not
# asked for without end.
AGAIN = timedelta(minutes=10)
SELDOM = 8


# A consumer may have been so far behind the trail when its broker was lost.
BEHIND = timedelta(hours=24)


class AskedAgain(Record):
    """The services were asked to send again what they had sent since `since`, once for each entry that
    says the broker was another."""

    entry: int
    since: datetime
    asked_at: datetime


def said(asked: AskedAgain) -> TrailSentAgainAsked:
    """The event that asks."""
    return TrailSentAgainAsked(entry=asked.entry, since=asked.since)


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
