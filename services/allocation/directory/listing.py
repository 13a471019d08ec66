"""What the directory shows: workers who show themselves, desks, and who is on duty now. Each list
is two readings, however long it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.allocation.caseload.worker import Worker
from services.allocation.directory.card import HelpKind
from services.allocation.directory.view import Desk
from services.allocation.hubs.hub import Hub
from services.allocation.rota.rule import OnDuty, named_at, on_duty
from services.allocation.rota.setting import rota_of
from services.allocation.store import Stores

MOST = 200


@dataclass(frozen=True)
class Asked:
    """Where, about what, and from which place of the list on."""

    area: str | None
    need: HelpKind | None
    cursor: str | None
    limit: int

    @property
    def where(self) -> dict[str, Any]:
        """As both collections have it."""
        found: dict[str, Any] = {"_id": {"$gt": self.cursor or ""}}
        found |= {"areas": self.area} if self.area else {}
        return found | ({"card.helps": self.need} if self.need else {})

    def following(self, found: Sequence[Worker] | Sequence[Hub]) -> str | None:
        """The cursor of the next page, if there is one."""
        return found[-1].id if len(found) == self.limit else None


async def people_of(stores: Stores, asked: Asked) -> tuple[list[Worker], dict[str, str]]:
    """Workers in post who show themselves, by id, and what their Hubs are called."""
    where = {**asked.where, "active": True, "card.shown": True, "card_held_back": {"$ne": True}}
    found = await stores.workers.find(where, sort=[("_id", 1)], limit=asked.limit)
    ids = sorted({worker.hub_id for worker in found})
    hubs = await stores.hubs.find({"_id": {"$in": ids}}, limit=MOST) if ids else []
    return found, {hub.id: hub.name for hub in hubs}


async def desks_of(stores: Stores, asked: Asked, at: datetime) -> list[Desk]:
    """Hubs by id, and who is on duty at each."""
    hubs = await stores.hubs.find(asked.where, sort=[("_id", 1)], limit=asked.limit)
    ids = sorted({one for hub in hubs for one in _named(hub, at)})
    # Of each Hub three at most: who is on duty, who stands in, who covers.
    found = await stores.workers.find({"_id": {"$in": ids}}, limit=len(ids)) if ids else []
    workers = {worker.id: worker for worker in found}
    return [_desk(hub, workers, at) for hub in hubs]


async def public_desks(stores: Stores, asked: Asked) -> list[Hub]:
    """Hubs that say of themselves to everybody, by id."""
    where = {**asked.where, "card.public": True}
    return await stores.hubs.find(where, sort=[("_id", 1)], limit=asked.limit)


def _named(hub: Hub, at: datetime) -> tuple[str, ...]:
    rota = rota_of(hub)
    return named_at(rota, at) if rota else ()


def _desk(hub: Hub, workers: Mapping[str, Worker], at: datetime) -> Desk:
    rota = rota_of(hub)
    if rota is None:
        return Desk(hub, OnDuty(), None)
    own = rota.own_ids()  # who has gone to another Hub is on its rota no more
    there = {w.id: w for w in workers.values() if w.hub_id == hub.id or w.id not in own}
    duty = on_duty(rota, there, at)
    return Desk(hub, duty, there.get(duty.worker_id or ""))
