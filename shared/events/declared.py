"""What every event says of itself: whom it names, who may be told of it, what it discloses.

The trail searches, tells and accounts by these alone; it knows no event's fields.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from shared.rules.sharing import CATEGORIES, Verdict

# received: an agency told us · shared, viewed: somebody learnt something · withheld, refused: they
# did not · permitted, forbidden: from now on they may, or may not · retracted: to be deleted ·
# asked: a question to the trail.
DisclosureKind = Literal[
    "received",
    "shared",
    "viewed",
    "withheld",
    "refused",
    "permitted",
    "forbidden",
    "retracted",
    "asked",
]


@dataclass(frozen=True, kw_only=True)
class Parties:
    """Whom an event names, by id. None and repeats may be given; `named` leaves them out.

    `informed` are the agencies that may be told that this happened, in the words of `tells`: never
    one that was found unsafe, or was not told something, or is named as somebody's source.
    """

    referral_id: str | None = None
    subjects: tuple[str | None, ...] = ()
    agencies: tuple[str | None, ...] = ()
    workers: tuple[str | None, ...] = ()
    hubs: tuple[str | None, ...] = ()
    recipients: tuple[str | None, ...] = ()
    informed: tuple[str | None, ...] = ()
    # What a question to the trail asked for: found by another field, so that it isn't among what
    # the trail says of them.
    asked: tuple[str, ...] = ()
    # Referrals that may be about another young person: who may find nothing of that one must not
    # find this either.
    mentioned: tuple[str | None, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Disclosed:
    """What an event means for the accounting of disclosures."""

    kind: DisclosureKind
    recipients: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    grounds: tuple[str, ...] = ()
    ground_ids: tuple[str, ...] = ()
    agreements: tuple[str, ...] = ()
    purpose: str | None = None
    withheld: tuple[str, ...] = ()


def by_verdicts(
    kind: DisclosureKind,
    verdicts: Iterable[Verdict],
    *,
    recipients: tuple[str, ...],
    purpose: str | None = None,
) -> Disclosed:
    """A disclosure that was decided category by category; with nothing permitted it was withheld."""
    given = tuple(verdicts)
    permitted = [v for v in given if v.permitted]
    return Disclosed(
        kind=kind if permitted or not given else "withheld",
        recipients=recipients,
        categories=tuple(v.category for v in permitted),
        grounds=named(v.ground for v in permitted),
        ground_ids=named(v.ground_id for v in permitted),
        agreements=named(v.agreement_id for v in permitted),
        purpose=purpose,
        withheld=tuple(sorted(f"{v.category}: {v.reason}" for v in given if not v.permitted)),
    )


def in_order(categories: Collection[str]) -> tuple[str, ...]:
    """Categories as a decision lists them."""
    return tuple(c for c in CATEGORIES if c in categories)


def named(ids: Iterable[str | None]) -> tuple[str, ...]:
    """The ids that are there, each once, sorted."""
    return tuple(sorted({one for one in ids if one}))


def listed(words: Iterable[str], none: str = "nothing") -> str:
    """Words as they stand in a sentence."""
    return ", ".join(words) or none


def plain(code: str | None) -> str:
    """A code as words: `no_capacity` is "no capacity"."""
    return (code or "not stated").replace("_", " ")


def opening(text: str) -> str:
    """Words as they stand at the beginning of a sentence; ids in them stay as they are."""
    return text[:1].upper() + text[1:]
