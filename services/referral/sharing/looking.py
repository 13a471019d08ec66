"""A look at what is known about sharing a young person's information: recorded, and of one's own."""

import contextlib

from services.referral.access import Viewer
from services.referral.acting import Asker, also_theirs
from services.referral.disclosure.access_record import record_access
from services.referral.disclosure.rule import Shown, viewed
from services.referral.records import Referral
from services.referral.sharing.subject import Subject
from services.referral.store import Stores
from services.referral.vault import Erased
from shared.rules.sharing import CATEGORIES


async def looked_at_sharing(stores: Stores, asker: Asker, referral: Referral) -> None:
    """The look of a worker or a manager is an event on return. Raises `Outage` where it is not."""
    caller, viewer = asker
    shown = Shown("worker" if viewer.role == "worker" else "hub_manager", CATEGORIES)
    event = viewed(referral, viewer, shown, "oversight", part="sharing")
    await record_access(stores, caller, viewer, referral.id, event)


async def reasons(
    stores: Stores, viewer: Viewer, referral: Referral, subject: Subject
) -> dict[str, str]:
    """`<referral id>/<basis id>/reason` and `…/necessity`, opened: those that were written through
    this referral or another one of the young person that is the viewer's to read, too. Without those
    whose referral was erased."""
    opened: dict[str, str] = {}
    of = {name.partition("/")[0] for name in subject.sealed_reasons}
    theirs = await also_theirs(stores, viewer, "view_sharing", referral, subject, of)
    for name, sealed in subject.sealed_reasons.items():
        if (one := name.partition("/")[0]) in theirs:
            with contextlib.suppress(Erased):
                opened |= await stores.vault.open(one, {name: sealed})
    return opened
