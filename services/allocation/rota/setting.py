"""Setting a Hub's rota. Pure."""

from collections.abc import Collection
from datetime import datetime, timedelta

from services.allocation.hubs.hub import Hub
from services.allocation.rota.plan import KINDS, Rota, Span
from services.allocation.rota.rule import turns
from shared.errors import Refused
from shared.events.rota import RotaChanged
from shared.storage.records import Change, changed, unchanged


def set_rota(
    hub: Hub,
    rota: Rota,
    staff: Collection[str],
    known: Collection[str],
    *,
    by_operator: bool,
    at: datetime,
) -> Change[Hub]:
    """The rota as it should be; the same again changes nothing. `staff` are workers of the Hub, and
    `known` are desks that there are.

    Raises `Refused` for somebody who is not of the Hub; for a manager who would have another Hub
    or its worker cover: they are not theirs to send; and for cover that would never come: by the Hub
    itself, or by nobody who is registered.
    """
    if rota == hub.rota:
        return unchanged(hub)
    if not rota.own_ids() <= set(staff):
        raise Refused("worker_not_here", "Only workers of this Hub can be on its rota.")
    arranged = hub.rota.covers() if hub.rota else frozenset()
    if not by_operator and not rota.covers() <= arranged:
        raise Refused("cover_is_arranged", "An operator arranges cover by another Hub.")
    if not rota.covers() - arranged <= set(known) - {f"hub:{hub.id}"}:
        raise Refused("cover_unknown", "No other Hub, and no worker, of this id can cover.")
    named = tuple(sorted(rota.worker_ids()))
    revision = hub.rota_revision + 1
    covering = tuple(sorted(rota.desks() - (hub.rota.desks() if hub.rota else frozenset())))
    event = RotaChanged(hub_id=hub.id, revision=revision, worker_ids=named, covering=covering)
    return changed(hub, event, rota=rota, rota_revision=revision, on_rota=named, duty_at=at)


def rota_of(hub: Hub) -> Rota | None:
    """The Hub's rota: without one its duty worker is on duty at every moment, if it names one."""
    if hub.rota is not None or hub.duty_worker_id is None:
        return hub.rota
    always = Span(name="duty", days=KINDS, start="00:00", end="00:00", worker_id=hub.duty_worker_id)
    return Rota(spans=(always,))


def next_turn(hub: Hub, at: datetime) -> datetime | None:
    """The next time after this one at which somebody else may be on duty by the Hub's rota."""
    if hub.rota is None:
        return None
    return turns(hub.rota, at, at + timedelta(days=2))[0]  # every midnight is one
