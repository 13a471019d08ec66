"""Registering a Hub and giving it its areas: an operator's act. Its managers change its policy."""

from services.allocation.hubs.hub import Hub, HubEntry, amend_hub, amend_policy, register_hub
from services.allocation.safety.asking import may_arrange
from services.allocation.store import Stores
from shared.clock import now
from shared.errors import Refused, Stale
from shared.operating.failpoints import failpoint
from shared.web.etags import Match
from shared.web.tokens import Caller


async def put_hub_entry(
    stores: Stores, hub_id: str, entry: HubEntry, caller: Caller, match: Match
) -> Hub:
    """The Hub with this entry. Raises `Refused` when a manager would change its areas, or when
    another Hub has one of them; and what If-Match raises."""
    await may_arrange(stores, caller, hub_id)
    if caller.role == "operator":
        return await _register(stores, hub_id, entry, caller, match)
    rule = match.guard(lambda h: amend_policy(h, entry), lambda h: h.revision)
    return await stores.hubs.change(hub_id, rule, by=caller.origin())


async def _register(
    stores: Stores, hub_id: str, entry: HubEntry, caller: Caller, match: Match
) -> Hub:
    seen, at = await stores.hub(hub_id), now()
    rule = match.guard(lambda h: amend_hub(h, entry, seen), lambda h: h.revision)
    if seen is not None:
        rule(seen)  # raises what it would raise, before anything is written
    await stores.areas.check(hub_id, entry.areas, at)
    new = await stores.areas.reserve(hub_id, entry.areas, at)
    # A crash here leaves areas reserved for a Hub that doesn't have them: its own request comes
    # again, or after `ABANDONED` another Hub's takes them over.
    failpoint("hub.after_reservation")
    gone = await stores.areas.held(hub_id, set(seen.areas if seen else ()) - set(entry.areas))
    hub, event = register_hub(hub_id, entry)
    try:
        stored = await stores.hubs.add_or_change(hub, event, rule=rule, by=caller.origin())
    except (Refused, Stale):
        # Somebody else amended the Hub meanwhile: what this request reserved is free again, unless
        # the Hub has it by now.
        now_there = await stores.hub(hub_id)
        kept = now_there.areas if now_there else ()
        await stores.areas.release(hub_id, {a: at for a, at in new.items() if a not in kept})
        raise
    # A crash here leaves areas reserved for a Hub that doesn't have them any more: likewise.
    failpoint("hub.after_entry")
    await stores.areas.release(hub_id, gone)
    return stored
