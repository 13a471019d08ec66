"""What the sender of a message is answered, now and later."""

from typing import Any

from services.referral.acting import Asker
from services.referral.bars.command import Done
from services.referral.bars.outcome import taken_otherwise
from services.referral.disclosure.command import read_referral
from services.referral.intake.receipt import as_received, receipt
from services.referral.reading.marks import marks
from services.referral.store import Stores
from shared.bars.answer import Resource, Standing, response

PURPOSE = "safeguarding"


def reply_to(done: Done) -> Resource:
    """The answer to a message: of a new one, however often it comes, how its referral stood then."""
    letter, referral, document = done
    if letter.wants == "new":
        told, at = as_received(document, referral), referral.received_at
        standing = Standing(referral.id, told.status, None, at, letter.message_id)
        return response(standing, taken_otherwise(told.warnings, told.marks))
    now = receipt(referral)
    standing = Standing(
        referral.id, now.status, referral.reason, referral.changed_at, letter.message_id
    )
    said = [one for one in document.asides if one.code != "missing"]  # what it leaves out stays
    return response(standing, taken_otherwise(now.warnings, marks(said)))


async def response_of(stores: Stores, asker: Asker, referral_id: str) -> Resource:
    """How a referral stands, for who may read it. Raises `NotFound` for anybody else; both are
    recorded."""
    referral, shown = await read_referral(stores, asker, referral_id, PURPOSE)
    at = referral.changed_at if shown.status else referral.received_at
    message_id = _message_of(shown.categories)
    outcome = shown.categories.get("outcome", {}).get("outcome")
    standing = Standing(referral_id, shown.status, shown.reason, at, message_id)
    return response(standing._replace(outcome=str(outcome) if outcome else None))


def _message_of(categories: dict[str, dict[str, Any]]) -> str:
    """The id of the message that the referral came in; empty where it came in none, or where that is
    not shown."""
    known = (categories.get("identity", {}).get("identifiers") or {}).get("known", ())
    return next((str(one["value"]) for one in known if one.get("kind") == "message"), "")
