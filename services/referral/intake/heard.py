"""What a referral says about sharing, each with its place, and the same in few words. Pure."""

from collections.abc import Mapping
from typing import Any

from services.referral.documents import ConsentEntry
from services.referral.intake.request import ReceiveReferral
from shared.ids import derived_id
from shared.rules.consents import NO
from shared.rules.sharing import CATEGORIES

# By the id of its record: its place in the document, and the entry.
Heard = dict[str, tuple[int, ConsentEntry]]
WHOLE = {"agency_ids": (), "agency_kinds": (), "categories": CATEGORIES, "valid_to": None}


def heard(document: ReceiveReferral, referral_id: str, unknown: Mapping[str, str]) -> Heard:
    """What the referral says about sharing, by the id of each record, with its place. A no keeps
    whom it was about, by an alias: it counts should such an agency ever be there."""
    said = {}
    for number, entry in enumerate(document.consents):
        known = (_without if entry.status == "given" else _aliased)(entry, unknown)
        if known is not None:
            said[derived_id("con", referral_id, "intake", str(number))] = number, known
    return said


def _without(entry: ConsentEntry, unknown: Mapping[str, str]) -> ConsentEntry | None:
    ids = tuple(one for one in entry.agency_ids if one not in unknown)
    kinds = tuple(one for one in entry.agency_kinds if one not in unknown)
    if not ids and not kinds and (entry.agency_ids or entry.agency_kinds):
        return None  # what names nobody would be about everyone
    return entry.model_copy(update={"agency_ids": ids, "agency_kinds": kinds})


def _aliased(entry: ConsentEntry, unknown: Mapping[str, str]) -> ConsentEntry:
    ids = tuple(unknown.get(one, one) for one in entry.agency_ids)
    return entry.model_copy(update={"agency_ids": ids})


def noes(said: Heard) -> Heard:
    """Those of them that refuse or withdraw."""
    return {i: (place, entry) for i, (place, entry) in said.items() if entry.status in NO}


def folded(said: Heard) -> Heard:
    """The noes that are more than a record takes, as the few that say at least as much: each about
    everyone and everything, from the last moment at which one of them was said."""
    kept: dict[tuple[Any, ...], tuple[str, int, ConsentEntry]] = {}
    for consent_id, (place, entry) in noes(said).items():
        like = entry.status, entry.given_by, entry.gillick_competent
        first = kept.get(like, (consent_id, place, entry))
        moments = (first[2].said_at, entry.said_at)
        said_at = max(moments, key=lambda moment: (moment is None, moment or 0))  # None is now
        kept[like] = *first[:2], first[2].model_copy(update={**WHOLE, "said_at": said_at})
    return {consent_id: (place, entry) for consent_id, place, entry in kept.values()}
