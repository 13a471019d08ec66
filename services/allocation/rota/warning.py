"""Which gaps of a rota the Hub's managers have been told of, and which are new. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.allocation.hubs.hub import Hub
from services.allocation.rota.plan import KnownGap
from services.allocation.rota.rule import Gap
from shared.events.rota import DutyGap, RotaGapsChanged
from shared.storage.records import Change, changed, unchanged

# How far is looked for people who will be away. So many gaps at most are told of at once.
AHEAD = timedelta(days=92)
MOST = 100


def note_gaps(
    hub: Hub, found: Sequence[Gap], at: datetime, end: datetime, revision: int
) -> Change[Hub]:
    """Each gap is told once, however often somebody looks: a new one, and one that has grown. One
    that is closed is said to be; opened again, it is told again. One that goes on is told again when
    the time has come that was looked to (`end`).

    Nothing changes if the rota of that look (`revision`) is not the Hub's any more: who put the new
    one looks again.
    """
    if hub.rota_revision != revision:
        return unchanged(hub)
    # Of two looks at once the earlier one may come second: what is past by then is no news.
    at = max(at, hub.gaps_at or at)
    found = [_from(at, g) for g in found if g.until is None or g.until > at]
    known = [gap for gap in hub.gaps_known if gap.reach > at]
    opened = [g for g in found if not any(_covers(gap, g) for gap in known)][:MOST]
    closed = [gap for gap in known if not any(_meet(gap, g) for g in found)]
    if not opened and not closed:
        return unchanged(hub)
    told = [KnownGap(start=g.start, until=g.until, reach=g.until or end) for g in opened]
    kept = [gap for gap in known if gap not in closed]
    event = RotaGapsChanged(
        hub_id=hub.id,
        opened=tuple(DutyGap(start=g.start, until=g.until) for g in opened),
        closed=tuple(DutyGap(start=gap.start, until=gap.until) for gap in closed),
    )
    return changed(hub, event, gaps_known=(*kept, *told), gaps_at=at)


def _from(at: datetime, gap: Gap) -> Gap:
    return Gap(start=max(at, gap.start), until=gap.until)


def _covers(known: KnownGap, gap: Gap) -> bool:
    """Whether who was told of the one knows of the other."""
    ends = known.until is None or (gap.until is not None and gap.until <= known.until)
    return known.start <= gap.start < known.reach and ends


def _meet(known: KnownGap, gap: Gap) -> bool:
    return gap.start < known.reach and (gap.until is None or known.start < gap.until)
