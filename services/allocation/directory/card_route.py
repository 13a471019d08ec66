"""HTTP in: what a worker and a Hub say of themselves in the directory."""

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict

from services.allocation.access import sees_worker
from services.allocation.callers import EntryId, OnStores
from services.allocation.caseload.worker import Worker
from services.allocation.directory.card import HubCard, WorkerCard
from services.allocation.directory.command import (
    hold_worker_entry,
    put_hub_desk,
    put_worker_entry,
)
from services.allocation.documents import Incoming
from shared.web.access import may
from shared.web.etags import IfMatch, tagged
from shared.web.problems import CONDITIONAL
from shared.web.tokens import AnyCaller

router = APIRouter(tags=["directory"])


class WorkerCardView(BaseModel):
    """What a worker shows, and whether a manager holds it back."""

    model_config = ConfigDict(frozen=True)

    entry: WorkerCard
    held_back: bool


class Holding(Incoming):
    """Whether the entry is kept out of the directory."""

    held_back: bool


def view(worker: Worker, response: Response) -> WorkerCardView:
    tagged(response, worker.card_revision)
    return WorkerCardView(entry=worker.card or WorkerCard(), held_back=worker.card_held_back)


@router.put(
    "/v1/workers/{worker_id}/directory-entry",
    responses=CONDITIONAL,
    dependencies=[may("put_directory_entry")],
)
async def put_worker_card(
    worker_id: EntryId,
    entry: WorkerCard,
    caller: AnyCaller,
    stores: OnStores,
    match: IfMatch,
    response: Response,
) -> WorkerCardView:
    """Say what the directory shows of you, or of a worker of your Hub: nothing, until it is said here.
    It goes when the worker leaves, or moves to another Hub."""
    return view(await put_worker_entry(stores, worker_id, entry, caller, match), response)


@router.get("/v1/workers/{worker_id}/directory-entry", dependencies=[may("view_worker")])
async def get_worker_card(
    worker_id: EntryId, caller: AnyCaller, stores: OnStores, response: Response
) -> WorkerCardView:
    """What it says, for the worker and their Hub's managers; empty, where nothing was said."""
    worker = await stores.workers.get(worker_id)
    sees_worker(caller, worker)
    return view(worker, response)


@router.put(
    "/v1/workers/{worker_id}/directory-hold",
    responses=CONDITIONAL,
    dependencies=[may("put_worker")],
)
async def put_hold(
    worker_id: EntryId,
    entry: Holding,
    caller: AnyCaller,
    stores: OnStores,
    match: IfMatch,
    response: Response,
) -> WorkerCardView:
    """Keep a worker's entry out of the directory, or let it in again. Nobody does so for themselves."""
    held = entry.held_back
    return view(await hold_worker_entry(stores, worker_id, held, caller, match), response)


@router.put(
    "/v1/hubs/{hub_id}/directory-entry", responses=CONDITIONAL, dependencies=[may("put_hub")]
)
async def put_hub_card(
    hub_id: EntryId,
    entry: HubCard,
    caller: AnyCaller,
    stores: OnStores,
    match: IfMatch,
    response: Response,
) -> HubCard:
    """Say how the Hub's desk is reached, and whether everybody may know."""
    stored = await put_hub_desk(stores, hub_id, entry, caller, match)
    tagged(response, stored.card_revision)
    return stored.card or HubCard()


@router.get("/v1/hubs/{hub_id}/directory-entry", dependencies=[may("view_hub")])
async def get_hub_card(
    hub_id: EntryId, caller: AnyCaller, stores: OnStores, response: Response
) -> HubCard:
    """What the Hub says of its desk; empty, where nothing was said."""
    hub = await stores.hubs.get(hub_id)
    tagged(response, hub.card_revision)
    return hub.card or HubCard()
