"""The accounting of disclosures: who shared what with whom, on which ground, and what was not. Pure.

One line for each thing that was shared, withheld, viewed, refused, permitted, forbidden, retracted
or asked, as the event declares it.
"""

from collections.abc import Collection, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from services.audit.search.reading import data_of
from shared.events.declared import DisclosureKind
from shared.events.mistaken import ConsentInvalidated
from shared.events.sharing import ConsentReviewed


class Disclosure(BaseModel):
    """One line of the accounting; `seq` is the entry that proves it. `ground_ids` are the consents
    and decisions it rested on then; `invalidated` those of them that were found to be recorded by
    mistake since: the verdict stays what it was."""

    model_config = ConfigDict(frozen=True)

    seq: int
    at: str
    kind: DisclosureKind
    by: str
    referral_id: str | None
    recipients: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    grounds: tuple[str, ...] = ()
    ground_ids: tuple[str, ...] = ()
    invalidated: tuple[str, ...] = ()
    agreements: tuple[str, ...] = ()
    purpose: str | None = None
    withheld: tuple[str, ...] = ()


def disclosure_of(seq: int, event: Mapping[str, Any], recorded_at: str) -> Disclosure | None:
    """The line of an entry, or None where nothing was disclosed, decided, asked or refused."""
    data = data_of(event)
    disclosed = data.disclosure() if data else None
    if data is None or disclosed is None:
        return None
    return Disclosure(
        seq=seq,
        at=recorded_at,
        kind=disclosed.kind,
        by=str(event.get("actor")),
        referral_id=data.parties().referral_id,
        recipients=disclosed.recipients or _asker(event, disclosed.kind),
        categories=disclosed.categories,
        grounds=disclosed.grounds,
        ground_ids=disclosed.ground_ids,
        agreements=disclosed.agreements,
        purpose=disclosed.purpose,
        withheld=disclosed.withheld,
    )


def invalidated_by(event: Mapping[str, Any]) -> str | None:
    """The consent that an event says never counted."""
    data = data_of(event)
    if isinstance(data, ConsentReviewed) and data.confirmed:
        return None
    return data.consent.id if isinstance(data, ConsentReviewed | ConsentInvalidated) else None


def rested(lines: list[Disclosure], invalid: Collection[str]) -> list[Disclosure]:
    """The lines, each with those of its grounds that never counted."""
    mistaken = ((line, tuple(i for i in line.ground_ids if i in invalid)) for line in lines)
    return [one.model_copy(update={"invalidated": ids}) for one, ids in mistaken]


def _asker(event: Mapping[str, Any], kind: DisclosureKind) -> tuple[str, ...]:
    return (str(event["actor"]),) if kind in ("viewed", "refused", "asked") else ()
