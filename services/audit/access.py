"""Who may ask the trail what: which action of the table a question is, and what it is narrowed to.

A refusal is only raised here; `RecordedRoute` makes it an entry.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Depends, Request

from services.audit.scope import Scope, scope_of
from services.audit.search.fields import search_of
from services.audit.search.hidden import hidden_from, kinds_of
from services.audit.trail_query import Question, TrailQuery
from shared.errors import Forbidden, NotFound, NotTheirs
from shared.events import catalogue
from shared.events.allocation import AllocationEvent, AllocationMade, AllocationWaiting
from shared.events.codes import WITHOUT_REPLY
from shared.events.transfer import ReferralTransferred
from shared.rules.access import Thing, decide
from shared.rules.access_table import Action
from shared.rules.relations import Relation
from shared.web.access import Declared, person
from shared.web.tokens import Caller

# What is no entry of theirs is answered at the next of these, in seconds.
TICK = 0.1
TRANSFERRED = ReferralTransferred.event_type
# What says with which Hub a case is, until one takes it over from another.
OF_CASES = frozenset(
    f"type:{name}"
    for name, kind in catalogue.event_types().items()
    if issubclass(kind, (AllocationMade, AllocationWaiting, AllocationEvent))
)


class TrailGate(Declared):
    """A question of one action, by a caller whose role may ask it of something at least."""

    async def __call__(self, request: Request, question: Question) -> TrailQuery:
        """The question. Raises `Forbidden`, and `NotFound` for who has left."""
        self.admit(question.caller)
        await self.stay(request, question.caller)
        return question

    async def record(self, request: Request, caller: Caller, why: NotTheirs | None = None) -> None:
        """The question is an entry, as every one is."""
        await request.state.question.refused()


def may_ask(action: Action) -> Any:
    """Declares which action of the table a route is."""
    return Depends(TrailGate(action))


async def scope_for(question: TrailQuery, where: Mapping[str, Any]) -> Scope:
    """What a search for `where` is narrowed to for this caller. Raises `NotFound`, `Forbidden`.

    A Hub manager asks about one referral of their Hub at a time, and never without one. One that is
    not there, one of another Hub and one about a young person for whom the manager is marked as
    unsafe are refused alike. From agencies and auditors entries about such young people are left
    out.
    """
    caller = question.caller
    if caller.role == "hub_manager" and not where.get("referral_id"):
        raise Forbidden
    hidden = await hidden_from_asker(question)
    held = await _of_their_hub(question, where.get("referral_id"))
    marked = f"referral_id:{where.get('referral_id')}" in hidden and caller.role == "hub_manager"
    thing = Thing(
        agency_id=caller.agency_id,
        hub_id=caller.hub_id if held else None,
        unsafe=person(caller).names if marked else (),
    )
    relation = await _relation("search_trail", question, thing)
    return scope_of(relation, where, await _listening(question), hidden)


async def leaves_of(question: TrailQuery, fields: Mapping[str, Any]) -> bool:
    """Whether the caller sees the leaf of this entry, too; of none, `fields` is empty.

    Raises `NotFound` for who may not see it, or its place, whether there is one or not.
    """
    caller, hidden = question.caller, await hidden_from_asker(question)
    held = await _of_their_hub(question, fields.get("referral_id"))
    marked = not hidden.isdisjoint(search_of(dict(fields))["keys"])
    told = caller.agency_id in fields.get("informed", ())
    thing = Thing(
        agency_id=await _listening(question) if told else None,
        hub_id=caller.hub_id if held else None,
        unsafe=person(caller).names if marked else (),
    )
    return await _relation("view_entry", question, thing) != "own_agency"


async def _listening(question: TrailQuery) -> str | None:
    """The agency that asks; of an account that many share none, for nothing is read back through it."""
    agency_id = question.caller.agency_id
    kinds = await kinds_of(question.audit.trail, {agency_id}) if agency_id else {}
    return None if agency_id and kinds.get(agency_id) in WITHOUT_REPLY else agency_id


async def hidden_from_asker(question: TrailQuery) -> frozenset[str]:
    """The search keys of entries that are not there for this caller: about young people for whom
    they are marked as unsafe."""
    return await hidden_from(question.audit.trail, person(question.caller).names)


async def _relation(action: Action, question: TrailQuery, thing: Thing) -> Relation:
    verdict = decide(action, person(question.caller), thing)
    if not verdict.allowed:
        await question.refused()
        raise NotFound
    return verdict.relation


async def _of_their_hub(question: TrailQuery, referral_id: str | None) -> bool:
    """Whether a manager's Hub stands in an entry of this referral, but as one that is told of it, and no
    other Hub has it since: by taking it over, or because it belongs to the other's area. Looked up
    for managers only."""
    if question.caller.role != "hub_manager":
        return False
    began, size = time.monotonic(), (await question.newest()).size
    # Of no referral it is asked, too: an entry that is not theirs takes as long as one that is not there.
    about = await question.audit.trail.keys_of(f"referral_id:{referral_id or ''}", size)
    theirs = has_case(about, str(question.caller.hub_id))
    if not theirs:  # how many entries were read is not to be told by the time
        await asyncio.sleep(-(time.monotonic() - began) % TICK)
    return theirs


def has_case(about: Sequence[frozenset[str]], hub_id: str) -> bool:
    """Whether the Hub has the referral that entries of these keys are about, in their order: it stands
    in one, but as who is told, and in the last that says with which Hub it is. Pure."""
    hub, told = f"hub:{hub_id}", f"recipient:{hub_id}"
    named = any(hub in keys and told not in keys for keys in about)
    moved = [keys for keys in about if f"type:{TRANSFERRED}" in keys]
    with_one = moved or [keys for keys in about if not keys.isdisjoint(OF_CASES)]
    return named and (not with_one or hub in with_one[-1])
