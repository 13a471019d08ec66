"""What time does by itself: response clocks, agreements that end, birthdays. Any replica may run it.

A clock is claimed for a minute; the rule that settles it also stops or moves it, in one write, so
each fires exactly one effect however many replicas look and whichever of them dies.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from services.referral.birthdays import next_check, turning_18_ahead
from services.referral.domain.agencies import AGREEMENT_DUE, Agreement, notice_at, watch
from services.referral.domain.receiving import age_band
from services.referral.domain.referrals import RESPONSE_DUE, Referral, overdue
from services.referral.domain.subjects import BIRTHDAY_DUE, Subject, turn
from services.referral.intake import details_of
from services.referral.store import Desk
from shared.cancellation import heed
from shared.clock import now
from shared.errors import NotFound
from shared.origin import Origin
from shared.records import Change, Record
from shared.store import Store

LEASE = 60.0
IDLE = 1.0
ME = Origin.of_service("referral")

R = TypeVar("R", bound=Record)


async def watch_clocks(desk: Desk) -> None:
    """Look for clocks that have run out, for ever."""
    while True:
        heed()
        busy = [
            await _next(desk.referrals, RESPONSE_DUE, lambda r: respond(desk, r)),
            await _next(desk.agreements, AGREEMENT_DUE, lambda a: agree(desk, a)),
            await _next(desk.subjects, BIRTHDAY_DUE, lambda s: grow(desk, s)),
        ]
        if not any(busy):
            await asyncio.sleep(IDLE)


async def _next(store: Store[R], clock: str, effect: Callable[[R], Awaitable[None]]) -> bool:
    record = await store.claim(clock, LEASE)
    if record is None:
        return False
    await effect(record)
    return True


async def respond(desk: Desk, referral: Referral) -> None:
    """A response clock ran out."""
    after = await desk.referrals.change(referral.id, lambda r: overdue(r, now()), by=ME)
    if after.version == referral.version:  # answered meanwhile, or not yet due
        until = None if after.overdue or after.due_at <= now() else after.due_at
        await desk.referrals.postpone(referral.id, RESPONSE_DUE, until, version=after.version)


async def agree(desk: Desk, agreement: Agreement) -> None:
    """An agreement comes to its review or its end."""
    after = await desk.agreements.change(agreement.id, lambda a: watch(a, now()), by=ME)
    if after.version == agreement.version:
        over = after.lapsed or after.terms.ended_at is not None
        until = None if over else notice_at(after)
        await desk.agreements.postpone(agreement.id, AGREEMENT_DUE, until, version=after.version)


async def grow(desk: Desk, subject: Subject) -> None:
    """A birthday that changes who decides may have come, or be half a year away."""
    for referral_id in reversed(subject.referral_ids):
        try:
            details = await details_of(desk, await desk.referrals.get(referral_id))
        except NotFound:
            continue
        if details is None or details.date_of_birth is None:
            continue
        at = now()
        band, ahead = age_band(details, at), turning_18_ahead(details.date_of_birth, at)
        due = {BIRTHDAY_DUE: next_check(details.date_of_birth, at)}

        def grown(subject: Subject) -> Change[Subject]:
            change = turn(subject, band, ahead=ahead)  # noqa: B023 - used in this round only
            return Change(change.after, change.events, due)  # noqa: B023

        after = await desk.subjects.change(subject.id, grown, by=ME)
        if after.version == subject.version:
            await desk.subjects.postpone(
                subject.id, BIRTHDAY_DUE, due[BIRTHDAY_DUE], version=after.version
            )
        return
    await desk.subjects.postpone(subject.id, BIRTHDAY_DUE, None, version=subject.version)
