"""Putting an entry into the directory, and what it says of a moment. Pure."""

from datetime import date, datetime, timedelta

from pydantic import BaseModel, ConfigDict

from services.allocation.caseload.worker import Worker, day_of
from services.allocation.directory.card import HubCard, WorkerCard
from services.allocation.hubs.hub import Hub
from shared.errors import Refused
from shared.events.directory import CardPart, HubCardChanged, WorkerCardChanged
from shared.storage.records import Change, changed, unchanged


class Absence(BaseModel):
    """Whether somebody is away, and the first day on which they are back, if it is known."""

    model_config = ConfigDict(frozen=True)

    away: bool = False
    back_on: date | None = None


def put_worker_card(worker: Worker, card: WorkerCard) -> Change[Worker]:
    """What the worker shows from now on; the same again changes nothing. Raises `Refused` of who is
    not in post. What a manager holds back stays so."""
    if card == (worker.card or WorkerCard()):
        return unchanged(worker)
    if not worker.active:
        raise Refused("worker_not_in_post", "Of who has left nothing is shown.")
    return _with_card(worker, card=card)


def hold_back(worker: Worker, *, held_back: bool) -> Change[Worker]:
    """A manager keeps the entry out of the directory, whatever it says; or does so no longer."""
    if held_back == worker.card_held_back:
        return unchanged(worker)
    return _with_card(worker, card_held_back=held_back)


def without_card(before: Worker, after: Worker) -> Change[Worker]:
    """Who leaves, or goes to another Hub, shows nothing any more: an entry is of a post. What it said
    is gone with the same write."""
    stays = after.active and after.hub_id == before.hub_id
    return unchanged(after) if after.card is None or stays else _with_card(after, card=None)


def put_hub_card(hub: Hub, card: HubCard) -> Change[Hub]:
    """What the Hub says of its desk; the same again changes nothing."""
    if card == (hub.card or HubCard()):
        return unchanged(hub)
    revision = hub.card_revision + 1
    event = HubCardChanged(hub_id=hub.id, revision=revision, public=card.public)
    return changed(hub, event, card=card, card_revision=revision)


def is_listed(worker: Worker) -> bool:
    """Whether the directory shows the worker."""
    shown = worker.card is not None and worker.card.shown
    return shown and worker.active and not worker.card_held_back


def absence(worker: Worker, at: datetime) -> Absence:
    """Whether the worker is away on that day, and until when. Why is nobody's business here."""
    today = day = day_of(at)
    for _ in worker.leave:
        if any(leave.to is None for leave in worker.leave if leave.covers(day)):
            return Absence(away=True)
        over = [leave.to for leave in worker.leave if leave.to and leave.covers(day)]
        if not over or max(over) == date.max:
            break
        day = max(over) + timedelta(days=1)
    return Absence(away=day > today, back_on=day if day > today else None)


def _with_card(worker: Worker, **fields: object) -> Change[Worker]:
    after = worker.but(**fields, card_revision=worker.card_revision + 1)
    event = WorkerCardChanged(
        worker_id=worker.id,
        hub_id=worker.hub_id,
        revision=after.card_revision,
        shown=is_listed(after),
        held_back=after.card_held_back,
        parts=_parts(after.card) if after.card else (),
    )
    return Change(after, (event,))


def _parts(card: WorkerCard) -> tuple[CardPart, ...]:
    said: dict[CardPart, object] = {
        "name": card.name,
        "phone": card.phone,
        "email": card.email,
        "times": card.days or card.start,
        "helps": card.helps,
        "host": card.show_host,
    }
    return tuple(part for part, value in said.items() if value)
