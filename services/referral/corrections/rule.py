"""An amendment, a discussion: what was there before is kept. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.referral.areas.rule import Place, fields_of, may_move
from services.referral.authorship import REPLACED, part
from services.referral.corrections.request import AmendReferral
from services.referral.documents import (
    SUBJECT_SECTIONS,
    DiscussionEntry,
    SafeContact,
    SubjectDetails,
)
from services.referral.form.people import sealed_people
from services.referral.form.sections import FORM
from services.referral.intake.facts import (
    ABOUT_DETAILS,
    NOT_UNDERSTOOD,
    coded_concerns,
    doubts,
    unknown_codes,
)
from services.referral.people.age import age_band
from services.referral.reading.marks import as_text
from services.referral.records import ENDED, URGENCIES, Amendment, Referral, snapshot
from shared.errors import Refused
from shared.events import EventData
from shared.events.records import DiscussionRecorded
from shared.events.referral import ReferralAmended
from shared.rules.calendars import due_at
from shared.storage.records import Change, changed

# A document of the store has at most 16 MiB.
MAX_SEALED = 8_000_000
MAX_AMENDMENTS = 2_000
MAX_BLOCKS = 200
AGE = frozenset({"date_of_birth", "born_about", "estimated_age"})


@dataclass(frozen=True)
class Corrected:
    """A young person's details with an amendment merged into them, and what else follows: the keyed
    hashes of the blocks they are found by."""

    details: SubjectDetails
    blocks: tuple[str, ...]


@dataclass(frozen=True)
class Placed:
    """Where the word for the area belongs, its keyed hash, and the Hub of each area."""

    here: Place
    fingerprint: str
    served: Mapping[str, str]


def patches(amendment: AmendReferral, placed: Placed | None = None) -> dict[str, str]:
    """What an amendment writes, to be sealed: merge patches of sections, and pieces."""
    fields: dict[str, str] = {}
    if placed is not None and not placed.here.known:
        fields["area_word"] = amendment.area or ""
    if amendment.subject is not None:
        for section, members in SUBJECT_SECTIONS.items():
            named = members & amendment.subject.model_fields_set
            if named:
                fields[section] = amendment.subject.model_dump_json(include=set(named))
    if "safe_contact" in amendment.names:
        nothing = dict.fromkeys(SafeContact.model_fields)
        contact = amendment.safe_contact
        fields["safe_contact"] = (
            contact.model_dump_json(exclude_unset=True) if contact else json.dumps(nothing)
        )
    fields |= sealed_people(amendment.people) | _sections(amendment)
    if amendment.indicators:
        fields["raw_indicators"] = "\n".join(i.code for i in amendment.indicators)
    for name in ("narrative", "own_words"):
        if (text := getattr(amendment, name)) is not None:
            fields[name] = text
    if amendment.discussion is not None:
        fields["discussion"] = amendment.discussion.model_dump_json()
    if amendment.asides:
        fields["set_aside"] = as_text(amendment.asides)
    return fields


def _sections(amendment: AmendReferral) -> dict[str, str]:
    """The sections of the form that it names: each a merge patch, of null one that removes all."""
    found = {}
    for name in FORM.keys() & set(amendment.names):
        said, nothing = getattr(amendment, name), dict.fromkeys(FORM[name][0].model_fields)
        found[name] = said.model_dump_json(exclude_unset=True) if said else json.dumps(nothing)
    return found


def amend(
    referral: Referral,
    amendment: AmendReferral,
    sealed: Mapping[str, bytes],
    by: str,
    at: datetime,
    corrected: Corrected | None = None,
    placed: Placed | None = None,
) -> Change[Referral]:
    """The referral with the amendment, which is written beside what was there. Urgency may only be
    raised here: lowering it is for the Hub, after talking.

    `corrected` is there where the amendment names something of the young person, `placed` where it
    names an area. Raises `Refused` where that would take the case from its worker. What has ended
    takes news, which its Hub hears of, but nothing that has to be answered in time: no clock runs.
    """
    _takes(referral, amendment)
    coded = _coded(referral, amendment, at)
    concerns = coded_concerns(amendment.indicators, _reporter(referral, by), at)
    discussed = referral.discussed or bool(amendment.discussion and amendment.discussion.discussed)
    warnings = _warnings(referral, amendment, corrected, discussed, at)
    moved = _moves(referral, placed, warnings) if placed else {}
    fields = {
        **coded,
        **(_follows(referral, amendment, corrected, at) if corrected else {}),
        "concerns": referral.concerns + concerns,
        "discussed": discussed,
        "warnings": warnings,
        **moved,
    }
    past = Amendment(
        at=at,
        by=by,
        fields=amendment.names,
        was={n: getattr(referral, n) for n in REPLACED if n in coded or n in moved},
        concerns=len(concerns),
    )
    after = _written(referral, past, sealed).but(**fields)
    return Change(after, (ReferralAmended(**snapshot(after), amended=amendment.names),))


def _moves(referral: Referral, placed: Placed, warnings: tuple[str, ...]) -> dict[str, Any]:
    may_move(referral, placed.here.code, placed.served)
    return fields_of(placed.here, placed.fingerprint, warnings)


def _takes(referral: Referral, amendment: AmendReferral) -> None:
    state = referral.status
    if state == "entered_in_error":
        raise Refused(
            "not_from_here", "This was entered in error: send a new referral.", state=state
        )
    if state in ENDED and amendment.urgency is not None:
        how = "The referral has ended: reopen it first (see `door`), and it is answered in time."
        raise Refused(
            "ended", how, state=state, door=f"/v1/referrals/{referral.id}/steps/reopening"
        )


def _reporter(referral: Referral, by: str) -> str:
    """Who reports what an amendment adds: the agency that sent it, or the Hub of who works there.
    Risk counts by how many a thing was seen."""
    kind, _, identity = by.partition(":")
    return identity if kind == "agency" else referral.hub_id or referral.agency_id


def _coded(referral: Referral, amendment: AmendReferral, at: datetime) -> dict[str, Any]:
    lists = ("settings_avoided", "preferred_times", "languages")
    coded: dict[str, Any] = {}
    for name in lists:
        if name in amendment.names:
            said = getattr(amendment, name) or ()
            # What is not understood takes nothing away that was said before.
            odd = any(one.pointer.startswith(f"/{name}") for one in amendment.asides)
            coded[name] = tuple(dict.fromkeys((*getattr(referral, name), *said))) if odd else said
    urgency = min(amendment.urgency or referral.urgency, referral.urgency, key=URGENCIES.index)
    if amendment.visit_risk is not None and amendment.visit_risk.risk is not None:
        coded["visit_risk"] = amendment.visit_risk.risk == "yes"
    if urgency != referral.urgency:
        coded |= {"urgency": urgency, "due_at": due_at(urgency, at, referral.nation)}
    return coded


def _follows(
    referral: Referral, amendment: AmendReferral, corrected: Corrected, at: datetime
) -> dict[str, Any]:
    """What follows from corrected details. What they were found by still finds them: somebody who
    repeats the mistake is a possible match."""
    details = corrected.details
    named = amendment.subject.model_fields_set if amendment.subject else set()
    aged = {"age_band": age_band(details, at)} if named & AGE else {}
    return {
        **aged,
        "gender": details.gender,
        "ethnicity": details.ethnicity,
        "needs": details.communication_needs,
        "blocks": tuple(dict.fromkeys((*corrected.blocks, *referral.blocks)))[:MAX_BLOCKS],
    }


def _warnings(
    referral: Referral,
    amendment: AmendReferral,
    corrected: Corrected | None,
    discussed: bool,
    at: datetime,
) -> tuple[str, ...]:
    kept = set(referral.warnings) | unknown_codes(amendment.indicators)
    kept |= {NOT_UNDERSTOOD} if amendment.asides else set()
    if corrected:
        kept = kept - ABOUT_DETAILS | doubts(corrected.details, at)
    return tuple(sorted(kept - ({"not_discussed"} if discussed else set())))


def record_discussion(
    referral: Referral, entry: DiscussionEntry, sealed: Mapping[str, bytes], by: str, at: datetime
) -> Change[Referral]:
    """Keep what was discussed, beside what was recorded before."""
    event: EventData = DiscussionRecorded(
        referral_id=referral.id,
        subject_id=referral.subject_id,
        discussed=entry.discussed,
        not_discussed_because=None if entry.discussed else entry.not_discussed_because,
        wishes_recorded=bool(entry.wishes),
    )
    past = Amendment(at=at, by=by, fields=("discussion",))
    return changed(
        _written(referral, past, sealed),
        event,
        discussed=referral.discussed or entry.discussed,
        warnings=tuple(w for w in referral.warnings if w != "not_discussed"),
    )


def _written(referral: Referral, past: Amendment, sealed: Mapping[str, bytes]) -> Referral:
    """With one more amendment. Raises `Refused` where there is no room for what it says."""
    number = len(referral.amendments) + 1
    written = {part(name, number): value for name, value in sealed.items()}
    size = sum(map(len, (*referral.sealed.values(), *written.values())))
    if size > MAX_SEALED or number > MAX_AMENDMENTS:
        raise Refused("record_full", "This referral can't hold any more text; phone the Hub.")
    return referral.but(
        sealed={**referral.sealed, **written}, amendments=(*referral.amendments, past)
    )
