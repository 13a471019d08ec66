"""What the pages of agreements ask, and send."""

import secrets
from typing import Any

from services.web.agreeing.terms import entry_of, in_order, terms_asks
from services.web.api import Answer, Refused
from services.web.forms import (
    Ask,
    Errors,
    amended,
    faults,
    is_day,
    is_number,
    refused,
    shown,
    typed,
)
from services.web.registering.entries import Shown
from services.web.visit import Form, Visit

# An agreement has many lines: so few at once.
FEW = 15
REVIEW = Ask("review_at", "To be looked at next by", "moment", needed="Enter a day")
SIGN = Ask("sign", "")


def new_id() -> str:
    """A new agreement's id: random, for an id could say something (decision 1013)."""
    return f"isa_{secrets.token_hex(16)}"


async def agreement(visit: Visit, agreement_id: str) -> Answer:
    """The agreement, under its tag. Raises `Refused`."""
    return await visit.api.ask("referral", "GET", f"/v1/agreements/{agreement_id}")


async def blank(visit: Visit) -> Shown:
    """The form for a new one."""
    own = [visit.person.hub_id] if visit.person.hub_id else []
    return Shown(await terms_asks(visit), {"parties": own, "frequency": "as_needed"})


async def terms_of(visit: Visit, agreement_id: str) -> tuple[Shown, str]:
    """The terms, to be changed, and their tag."""
    known = await agreement(visit, agreement_id)
    entry = entry_of(known.body)
    asks = await terms_asks(visit, entry["parties"])
    return Shown(asks, shown(asks, entry)), known.tag


async def written(visit: Visit, agreement_id: str, form: Form) -> Shown:
    """Write the terms down: a new agreement, or, under the tag that was shown, the next version of one,
    which everybody signs anew."""
    asks = await terms_asks(visit, form.each("parties"))
    said = typed(asks, form)
    wrong: Errors = faults(asks, said) or in_order(said)
    if not wrong:
        tag = form.text("tag")
        fields = {"If-Match": tag} if tag else {}
        path, entry = f"/v1/agreements/{agreement_id}", amended(asks, said, {})
        try:
            await visit.api.ask("referral", "PUT", path, json=entry, headers=fields)
        except Refused as error:
            wrong = refused(error, asks)
    return Shown(asks, said, wrong)


async def signed(visit: Visit, agreement_id: str, form: Form) -> Errors:
    """Sign the version that was shown, for one's agency or Hub."""
    version = form.text("version")
    read = {"version": int(version) if is_number(version) else 0}
    return await _done(visit, agreement_id, "signatures", read, SIGN)


async def reviewed(visit: Visit, agreement_id: str, form: Form) -> Errors:
    """It was looked at and stands, until the next time."""
    day = form.text("review_at")
    if not is_day(day):
        return {"review_at": "Enter a day"}
    sent = {"review_at": REVIEW.sent(day)}
    return await _done(visit, agreement_id, "review", sent, REVIEW, tag=form.text("tag"))


async def ended(visit: Visit, agreement_id: str, form: Form) -> Errors:
    """It ends now, for whoever has said twice that it shall."""
    if form.text("sure") != "yes":
        return {"sure": "Tick that it shall end"}
    return await _done(visit, agreement_id, "end", None, Ask("sure", ""))


async def _done(
    visit: Visit, agreement_id: str, act: str, sent: Any, ask: Ask, tag: str = ""
) -> Errors:
    try:
        await visit.api.post("referral", f"/v1/agreements/{agreement_id}/{act}", sent, tag=tag)
    except Refused as error:
        return refused(error, [ask])
    return {}
