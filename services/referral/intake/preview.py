"""What a referral would be answered, without making it: nothing is written, and nobody is looked up."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from services.referral.areas.request import NearArea
from services.referral.areas.rule import WARNING as AREA_UNKNOWN
from services.referral.documents import ConsentEntry
from services.referral.intake.asked import Asked
from services.referral.intake.command import as_of_nobody, body_of, kind_of
from services.referral.intake.facts import noticed
from services.referral.intake.receipt import EMERGENCY
from services.referral.intake.request import ReceiveReferral
from services.referral.intake.reserving import not_used, stored
from services.referral.intake.rule import noted
from services.referral.intake.timely import timely
from services.referral.people.telling import describe
from services.referral.reading.marks import Mark, marks
from services.referral.sharing.naming import NAMED
from services.referral.store import Stores
from shared.clock import now
from shared.events.codes import UNKNOWN_NAME, Urgency
from shared.rules.calendars import due_at
from shared.web.tokens import Caller


class Preview(BaseModel):
    """What the same request would be answered without `validate_only`, as far as the document alone
    decides it: the same for a young person whom the network knows and for one whom nobody knows.
    Nothing was stored, and nobody has been told anything."""

    would_be: Literal["taken", "answered_again"] = Field(
        description="`answered_again`: you have sent this very request before, and it is one referral."
    )
    urgency: Urgency
    due_at: datetime = Field(description="When an answer would be due, if it was sent now.")
    warnings: tuple[str, ...]
    advice: str | None
    unknown_kinds: tuple[str, ...] = Field(
        default=(),
        description="Kinds in your consents that are none. Which of the agencies in them are there, "
        "only the referral itself is answered.",
    )
    area_near: tuple[NearArea, ...] = ()
    marks: tuple[Mark, ...] = ()


async def preview(stores: Stores, document: ReceiveReferral, caller: Caller, key: str) -> Preview:
    """What would be made of this request. Raises what the request itself would be refused with:
    `Mismatch` for a key that was used for another body, `Refused` for a reference of the agency's own
    that is in use, or more records than any young person's record takes."""
    agency_id, at = caller.agency_id or "", now()
    referral_id = stores.vault.id_of("ref", agency_id, key)
    request_hash = stores.vault.fingerprint("request", *body_of(document))
    before = await stored(stores, referral_id, request_hash)
    document = timely(document, at)
    kind, unknown = await kind_of(stores, agency_id), unknown_kinds(document.consents)
    by = caller.origin(referral_id)
    asked = Asked(document, referral_id, by, at, kind, unknown, (), caller.account)
    described = describe(document.subject, stores.vault.fingerprint)
    subject = as_of_nobody(asked, described)
    if before is None:
        hashed = stores.vault.fingerprint("reference", agency_id, document.agency_reference)
        await not_used(stores, hashed, agency_id)
    here = await stores.register.place(document.area)
    found = {*noticed(document, at), *({AREA_UNKNOWN} if not here.known else ())}
    return Preview(
        would_be="taken" if before is None else "answered_again",
        urgency=document.urgency,
        due_at=due_at(document.urgency, at, document.nation),
        warnings=tuple(
            sorted(found | noted(document, subject, referral_id, unknown, agency_id, kind))
        ),
        advice=EMERGENCY if document.urgency == "immediate" else None,
        unknown_kinds=tuple(sorted(unknown)),
        area_near=here.near,
        marks=marks(document.asides),
    )


def unknown_kinds(entries: tuple[ConsentEntry, ...]) -> dict[str, str]:
    """The kinds that are none. That an agency is not registered is not asked: whoever may ask as often
    as they like, without a referral, would learn who is there."""
    return dict.fromkeys(
        {kind for one in entries for kind in one.agency_kinds} - NAMED, UNKNOWN_NAME
    )
