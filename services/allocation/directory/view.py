"""What is shown of an entry, and to whom. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from services.allocation.caseload.worker import Worker
from services.allocation.directory.card import HubCard, Reachable, WorkerCard
from services.allocation.directory.rule import absence, is_listed
from services.allocation.hubs.hub import Hub
from services.allocation.rota.rule import OnDuty
from shared.events.codes import Setting, WorkerRole


@dataclass(frozen=True)
class Desk:
    """A Hub, and who is on duty there."""

    hub: Hub
    duty: OnDuty
    worker: Worker | None


OnDutyBy = Literal["worker", "other_hub", "operators", "nobody"]


class PersonView(Reachable):
    """A worker as they show themselves. `away`: not reachable now; `back_on`: the first day on which
    they are again, if that is known."""

    worker_id: str
    name: str
    worker_role: WorkerRole
    hub_id: str
    hub_name: str
    areas: tuple[str, ...]
    host_setting: Setting | None
    host_agency_id: str | None
    away: bool
    back_on: date | None


class DutyPerson(BaseModel):
    """Who is on duty, as they show themselves."""

    model_config = ConfigDict(frozen=True)

    worker_id: str
    name: str
    phone: str | None
    email: str | None


class OnDutyView(BaseModel):
    """Who is on duty now; `person` only where they show themselves, `hub_id` where another Hub
    covers."""

    model_config = ConfigDict(frozen=True)

    by: OnDutyBy
    person: DutyPerson | None = None
    hub_id: str | None = None


class DeskView(Reachable):
    """A Hub, its desk, and who is on duty there."""

    hub_id: str
    name: str
    areas: tuple[str, ...]
    places: str | None
    on_duty: OnDutyView


class PublicDesk(Reachable):
    """A Hub for everybody: no name of anybody, and no id."""

    name: str
    places: str
    areas: tuple[str, ...]


class PersonPage(BaseModel):
    """Workers by id; `next` is the cursor of the next page, if there is one."""

    people: list[PersonView]
    next: str | None


class DeskPage(BaseModel):
    """Hubs by id; `next` is the cursor of the next page, if there is one."""

    desks: list[DeskView]
    next: str | None


class PublicPage(BaseModel):
    """Hubs by id; `next` is the cursor of the next page, if there is one."""

    desks: list[PublicDesk]
    next: str | None


def person_view(worker: Worker, hubs: Mapping[str, str], at: datetime) -> PersonView:
    """A worker who shows themselves."""
    card = worker.card or WorkerCard()
    gone = absence(worker, at)
    return PersonView(
        **card.model_dump(include=set(Reachable.model_fields)),
        worker_id=worker.id,
        name=card.name or "",
        worker_role=worker.worker_role,
        hub_id=worker.hub_id,
        hub_name=hubs.get(worker.hub_id, worker.hub_id),
        areas=worker.areas,
        host_setting=worker.host_setting if card.show_host else None,
        host_agency_id=worker.host_agency_id if card.show_host else None,
        away=gone.away,
        back_on=gone.back_on,
    )


def desk_view(desk: Desk) -> DeskView:
    """A Hub for who signs in."""
    card = desk.hub.card or HubCard()
    return DeskView(
        **card.model_dump(include={*Reachable.model_fields, "places"}),
        hub_id=desk.hub.id,
        name=desk.hub.name,
        areas=desk.hub.areas,
        on_duty=_on_duty(desk),
    )


def public_view(hub: Hub) -> PublicDesk:
    """A Hub that says so, for everybody."""
    card = hub.card or HubCard()
    said = card.model_dump(include=set(Reachable.model_fields))
    return PublicDesk(**said, name=hub.name, places=card.places or "", areas=hub.areas)


def _on_duty(desk: Desk) -> OnDutyView:
    if desk.worker is not None:
        card = desk.worker.card if is_listed(desk.worker) else None
        fields = {"worker_id": desk.worker.id, "name": card.name} if card else {}
        reached = card.model_dump(include={"phone", "email"}) if card else {}
        person = DutyPerson.model_validate({**fields, **reached}) if card else None
        return OnDutyView(by="worker", person=person)
    kind, _, one = (desk.duty.cover or "").partition(":")
    if kind == "hub":
        return OnDutyView(by="other_hub", hub_id=one)
    return OnDutyView(by="operators" if kind == "operators" else "nobody")
