"""Registering an agency and writing down an agreement, for those who may."""

from datetime import datetime

from services.referral.access import Viewer, listed_agreements, person_of
from services.referral.agencies.request import AgencyEntry, AgreementEntry
from services.referral.agencies.rule import (
    OF_PERSONS,
    Agency,
    Agreement,
    amend_agency,
    amend_agreement,
    propose,
    register_agency,
)
from services.referral.sharing.naming import alias_of
from services.referral.store import Stores
from shared.errors import AlreadyThere, Malformed
from shared.ids import is_random
from shared.origin import Origin
from shared.rules.access import Thing
from shared.rules.access_table import Action
from shared.storage.store import Document
from shared.web.access import require
from shared.web.cursors import behind, cursor_of
from shared.web.etags import Match


async def agency_for(stores: Stores, agency_id: str, party: Viewer) -> Agency:
    """The agency, for itself, Hubs and operators. Raises `NotFound` for anyone else."""
    require("view_agency", person_of(party), Thing(agency_id=agency_id))
    return await stores.agencies.get(agency_id)


async def list_agencies(
    stores: Stores, party: Viewer, confirmed: bool | None, after: str | None, limit: int
) -> tuple[list[Agency], str | None]:
    """A page of agencies by id, and the id to go on from: all of them, or those whose kind an
    operator has, or has not, confirmed. To an auditor those that are organisations: the name of any
    other may be a person's."""
    where: Document = {"_id": {"$gt": after or ""}}
    if party.role == "auditor":
        persons = {"$in": sorted(OF_PERSONS)}
        where["$nor"] = [{"kind": persons}, {"claimed_kind": persons}]
    if confirmed is not None:
        where["claimed_kind"] = None if confirmed else {"$ne": None}
    found = await stores.agencies.find(where, sort=[("_id", 1)], limit=limit)
    return found, found[-1].id if len(found) == limit else None


async def for_party(stores: Stores, agreement_id: str, party: Viewer, action: Action) -> Agreement:
    """The agreement, for who may do this to it. Raises `NotFound` for anyone else."""
    agreement = await stores.agreements.get(agreement_id)
    require(action, person_of(party), Thing(parties=agreement.terms.parties))
    return agreement


async def list_agreements(
    stores: Stores, party: Viewer, before: datetime | None, cursor: str | None, limit: int
) -> tuple[list[Agreement], str | None]:
    """A page of the party's agreements that still stand, the first to end first, and the cursor of
    the next one; of those to be looked at before a time only, if one is given."""
    where: Document = {**listed_agreements(party), "lapsed": False, "terms.ended_at": None}
    if before is not None:
        early = [{field: {"$lt": before}} for field in ("terms.effective_to", "review_at")]
        where = {"$and": [where, {"$or": early}]}
    if cursor is not None:
        where = {"$and": [where, behind(cursor, "terms.effective_to", newest_first=False)]}
    sort = [("terms.effective_to", 1), ("_id", 1)]
    found = await stores.agreements.find(where, sort=sort, limit=limit)
    last = found[-1] if len(found) == limit else None
    return found, cursor_of(last.terms.effective_to, last.id) if last else None


async def write_agreement(
    stores: Stores,
    agreement_id: str,
    entry: AgreementEntry,
    party: Viewer,
    match: Match,
    by: Origin,
) -> Agreement:
    """A new agreement; or, where there is one, its new terms. The same terms change nothing.

    A Hub's manager makes up no names: raises `Malformed` for a party that is not registered, and
    for a new agreement's id that could be a word. Operators register, and name as they like.
    """
    decision = require("write_agreement", person_of(party), Thing(parties=entry.parties))
    if decision.relation == "manager_of_hub":
        await _no_words(stores, agreement_id, entry)
    agreement, event = propose(agreement_id, entry)
    try:
        return await stores.agreements.add(agreement, event, by=by)
    except AlreadyThere:
        await for_party(stores, agreement_id, party, "write_agreement")
    rule = match.guard(lambda known: amend_agreement(known, entry))
    return await stores.agreements.change(agreement_id, rule, by=by)


async def _no_words(stores: Stores, agreement_id: str, entry: AgreementEntry) -> None:
    parties = set(entry.parties)
    agencies = await stores.agencies.find({"_id": {"$in": sorted(parties)}}, limit=len(parties))
    parties -= {agency.id for agency in agencies} | {hub.id for hub in await stores.hubs.all()}
    if parties:
        detail = f"Not registered: {', '.join(sorted(parties))}."
        raise Malformed("/parties", "party_unknown", detail)
    there = await stores.agreements.find({"_id": agreement_id}, limit=1)
    if not there and not is_random("isa", agreement_id):
        detail = "A new agreement's id is `isa_` and 32 hexadecimal digits, drawn at random."
        raise Malformed("", "agreement_id_invalid", detail)


async def put_agency_entry(
    stores: Stores, agency_id: str, entry: AgencyEntry, party: Viewer, match: Match, by: Origin
) -> Agency:
    """The agency with this entry, by an operator or its own people. Raises `Refused` for what the
    latter may not say of themselves, `NotFound` for anyone else."""
    own = require("put_agency", person_of(party), Thing(agency_id=agency_id)).relation
    theirs = own == "own_agency"
    rule = match.guard(lambda known: amend_agency(known, entry, own=theirs))
    if await stores.agencies.find({"_id": agency_id}, limit=1):
        return await stores.agencies.change(agency_id, rule, by=by)
    agency, event = register_agency(agency_id, entry, own=theirs, alias=alias_of(stores, agency_id))
    return await stores.agencies.add_or_change(agency, event, rule=rule, by=by)
