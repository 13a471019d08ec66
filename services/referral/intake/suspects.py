"""A suspect whom a form names as somebody of the network is unsafe from the start."""

from collections.abc import Iterable

from services.referral.form.people import Person, named_suspects
from services.referral.sharing.command import is_agency, mark_known
from services.referral.sharing.marking import Mark
from services.referral.sharing.subject import Subject
from services.referral.store import Stores
from shared.origin import Origin


async def mark_suspects(
    stores: Stores, people: Iterable[Person], subject_id: str, referral_id: str, by: Origin
) -> Subject | None:
    """The young person with a mark on each suspect who is an agency or a worker of the network. Of a new
    referral before it is stored and anybody can be given it. Whom nobody knows is not marked: no
    caller's word is in an event. Safe to repeat; without such suspects it asks the store nothing."""
    subject = None
    for kind, name in named_suspects(people):
        known = is_agency(stores, name) if kind == "agency" else stores.known.has_worker(name)
        if await known:
            mark = Mark(kind, name, "alleged_perpetrator", unsafe=True)
            subject = await mark_known(stores, subject_id, referral_id, mark, by)
    return subject
