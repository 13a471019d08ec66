"""Reading: what is shown, recorded before it is shown."""

from dataclasses import replace
from typing import Any

from services.referral.acting import Asker, find
from services.referral.authorship import read
from services.referral.disclosure.access_record import record_access, refuse
from services.referral.disclosure.content import Entry, history
from services.referral.disclosure.rule import Shown, look, sealed_for, viewed
from services.referral.disclosure.view import RecordView, view
from services.referral.lifecycle.responsible import responsible, worker_of
from services.referral.records import Referral
from services.referral.store import Stores
from services.referral.vault import Erased
from shared.clock import now
from shared.rules.access_table import Action


async def read_referral(
    stores: Stores, asker: Asker, referral_id: str, purpose: str
) -> tuple[Referral, RecordView]:
    """The referral, and what of it this viewer is shown now. Raises `NotFound` for who is shown
    nothing; both are recorded first."""
    referral, shown = await _look(stores, asker, referral_id, purpose, "view")
    opened = await _open(stores, referral, shown)
    event = viewed(referral, asker.viewer, shown, purpose)
    await record_access(stores, *asker, referral_id, event)
    worker_id = worker_of(referral)
    left = worker_id is not None and await stores.known.worker_left(worker_id)
    return referral, view(referral, shown, opened, responsible(referral, left=left))


async def read_history(
    stores: Stores, asker: Asker, referral_id: str, purpose: str
) -> tuple[Referral, list[Entry]]:
    """The referral, and everything as it was written; an agency is shown only what it wrote itself.
    Raises `NotFound` for who is shown nothing; both are recorded first."""
    referral, shown = await _look(stores, asker, referral_id, purpose, "view_history")
    if shown.own is not None:
        shown = replace(shown, categories=())
    opened = await _open(stores, referral, shown)
    event = viewed(referral, asker.viewer, shown, purpose, earlier=True)
    await record_access(stores, *asker, referral_id, event)
    return referral, history(referral, shown, opened)


async def _look(
    stores: Stores, asker: Asker, referral_id: str, purpose: str, action: Action
) -> tuple[Referral, Shown]:
    caller, viewer = asker
    found = await find(stores, referral_id)
    hub_id = found.referral.hub_id if found else None
    terms = await stores.terms_between(viewer.id, hub_id) if viewer.role == "agency" else []
    if found is None:
        raise await refuse(stores, caller, viewer, referral_id, action, "not_there")
    referral, subject = found
    shown = look(referral, viewer, subject, terms, purpose, now(), action)
    if isinstance(shown, str):
        raise await refuse(stores, caller, viewer, referral_id, action, shown)
    return referral, shown


async def _open(stores: Stores, referral: Referral, shown: Shown) -> dict[str, Any]:
    try:
        return read(await stores.vault.open(referral.id, sealed_for(referral, shown)))
    except Erased:
        return {}
