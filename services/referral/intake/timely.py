"""What a referral says about sharing that can't be so at the time it comes. Pure."""

from datetime import datetime
from typing import Any

from services.referral.documents import ConsentEntry
from services.referral.intake.request import ReceiveReferral
from services.referral.reading.marks import Aside, MarkCode, aside
from services.referral.reading.meanings import ETHNICITIES
from services.referral.sharing.said import SKEW
from shared.rules.consents import NO


def timely(document: ReceiveReferral, at: datetime) -> ReceiveReferral:
    """The document as it counts then. A consent that is over, or a yes of a time to come, opens
    nothing; a no of a time to come counts from now. What was sent is kept, and marked."""
    document = derived(document)
    found: list[Aside] = []
    each = [_timely(entry, at, number, found) for number, entry in enumerate(document.consents)]
    kept = [entry for entry in each if entry is not None]
    changes: dict[str, Any] = {"consents": tuple(kept)}
    said = document.tell_parents_said_at
    if said is not None and said > at + SKEW:
        found.append(aside(("tell_parents_said_at",), "out_of_range", said.isoformat()))
        changes["tell_parents_said_at"] = None
    if not found:
        return document
    changed = document.model_copy(update=changes)
    changed.set_aside(found)
    return changed


def derived(document: ReceiveReferral) -> ReceiveReferral:
    """With the group of an ethnicity code, and whether there is a disability, where the form says
    only the codes of the census."""
    subject, more = document.subject, dict[str, str]()
    code = document.background and document.background.ethnicity_code
    if code and subject.ethnicity == "not_asked":
        more["ethnicity"] = ETHNICITIES[code]
    kinds = document.condition and document.condition.disabilities
    if kinds and subject.disability == "not_asked":
        more["disability"] = "no" if set(kinds) == {"none"} else "yes"
    if not more:
        return document
    return document.model_copy(update={"subject": subject.model_copy(update=more)})


def _timely(
    entry: ConsentEntry, at: datetime, number: int, found: list[Aside]
) -> ConsentEntry | None:
    over = entry.valid_to is not None and entry.valid_to <= at
    ahead = entry.said_at is not None and entry.said_at > at + SKEW
    if not over and not ahead:
        return entry
    place, says_no = ("consents", number), entry.status in NO
    found.append(aside((*place, "valid_to" if over else "said_at"), "out_of_range"))
    how: MarkCode = "taken_as_a_no" if says_no and not over else "yes_not_taken"
    if over and says_no:
        how = "not_understood"
    found.append(aside(place, how, entry.model_dump(mode="json", exclude_unset=True)))
    return entry.model_copy(update={"said_at": None}) if says_no and not over else None
