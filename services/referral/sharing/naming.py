"""Whom consents name: agencies of the network, and kinds of the register. Nobody else is meant."""

from collections.abc import Iterable

from services.referral.documents import ConsentEntry
from services.referral.store import Stores
from shared.errors import Malformed
from shared.events.codes import AGENCY_KINDS, UNKNOWN_KIND, UNKNOWN_NAME
from shared.rules.known import ALIAS

# An agency whose kind nobody has confirmed is of the unknown kind: nobody consents to that.
NAMED = AGENCY_KINDS - {UNKNOWN_KIND}


async def unknown_names(stores: Stores, entries: Iterable[ConsentEntry]) -> dict[str, str]:
    """The agencies that are not registered, and the kinds that are none, in what was said; with what
    stands for each where it is kept, for no caller's word is in an event."""
    said = tuple(entries)
    kinds = dict.fromkeys({k for entry in said for k in entry.agency_kinds} - NAMED, UNKNOWN_NAME)
    ids = {agency_id for entry in said for agency_id in entry.agency_ids}
    if not ids:
        return kinds
    there = await stores.agencies.find({"_id": {"$in": sorted(ids)}}, limit=len(ids))
    strange = ids - {agency.id for agency in there}
    return kinds | {one: alias_of(stores, one) for one in strange}


def alias_of(stores: Stores, agency_id: str) -> str:
    """What stands for an agency that is not registered: nobody tells from it whom it stands for, and
    it is known again on the day that one is registered under that id."""
    return stores.vault.id_of(ALIAS, agency_id)


async def all_registered(stores: Stores, agency_ids: Iterable[str]) -> None:
    """Raises `Malformed` with the agencies that are not registered: a ground is for no one else."""
    ids = set(agency_ids)
    there = await stores.agencies.find({"_id": {"$in": sorted(ids)}}, limit=len(ids))
    if unknown := ids - {agency.id for agency in there}:
        detail = f"Not registered: {', '.join(sorted(unknown))}."
        raise Malformed("/agency_ids", "agency_unknown", detail)


async def all_known(stores: Stores, entry: ConsentEntry) -> None:
    """Raises `Malformed` with the names of agencies and kinds that are not there: a consent typed
    by mistake must not open the record to who is registered under that name one day."""
    unknown = await unknown_names(stores, [entry])
    if unknown:
        field = "agency_ids" if unknown.keys() & {*entry.agency_ids} else "agency_kinds"
        detail = f"Not registered: {', '.join(sorted(unknown))}."
        raise Malformed(f"/{field}", "agency_unknown", detail)
