"""Of all that was ever said about sharing, what can still decide something. Pure.

Events carry the sharing state whole, so that the newest is enough; but records are only ever added,
and an event has an end. What a later word has replaced for good stays in the record and need not
travel: `shared.rules.sharing.decide` gives the same verdicts with and without it, from the time of
the last word on. A property test holds them equal.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from shared.rules.consents import GROWN, NO, counts_from
from shared.rules.parents import parents_not_told
from shared.rules.sharing import Basis, Consent, ParentsWord, SharingState

Said = TypeVar("Said", bound=Consent | Basis)


def carried(state: SharingState) -> SharingState:
    """The state without what can't decide anything any more."""
    # Not to have asked decides nothing, nor does what was rejected or recorded by mistake.
    asked = [c for c in state.consents if c.status != "not_asked" and not c.void]
    return state.model_copy(
        update={
            "consents": _standing(asked, _order, _replaces),
            "bases": _standing(state.bases, lambda b: (b.decided_at, b.id), _succeeds),
            "about_parents": _open(state.about_parents),
        }
    )


def _open(words: Sequence[ParentsWord]) -> tuple[ParentsWord, ...]:
    """One of the times it was said that parents are not told and not taken back since, if any: what
    is said later is judged on the whole record."""
    standing = (w for w in words if w.tell == "no" and parents_not_told((w, *_yes(words))))
    return tuple(standing)[:1]


def _yes(words: Sequence[ParentsWord]) -> list[ParentsWord]:
    return [word for word in words if word.tell == "yes"]


def _standing(
    said: Sequence[Said],
    order: Callable[[Said], Any],
    replaces: Callable[[Said, Said], bool],
) -> tuple[Said, ...]:
    # From the newest on: what was replaced by something that is replaced itself was so by its
    # successor, too, so only what stands need be asked.
    standing: list[Said] = []
    for one in sorted(said, key=order, reverse=True):
        if not any(replaces(new, one) for new in standing):
            standing.append(one)
    ids = {one.id for one in standing}
    return tuple(one for one in said if one.id in ids)


def _replaces(new: Consent, old: Consent) -> bool:
    """Whether the newer word decides wherever the older one would have."""
    if not (_covers(new, old) and _counts_as_long(new, old)):
        return False
    if old.status == "given":
        return new.status in NO or _as_good(new, old)
    return new.status in NO and _as_able(new, old)


def _order(consent: Consent) -> tuple[datetime, str, str]:
    # As where it is decided: of two said at once a no ("refused", "withdrawn") counts more.
    return counts_from(consent), consent.status, consent.id


def _covers(new: Consent, old: Consent) -> bool:
    if not set(old.categories) <= set(new.categories):
        return False
    if not new.agency_ids and not new.agency_kinds:
        return True
    named = bool(old.agency_ids or old.agency_kinds)
    return (
        named
        and set(old.agency_ids) <= set(new.agency_ids)
        and set(old.agency_kinds) <= set(new.agency_kinds)
    )


def _counts_as_long(new: Consent, old: Consent) -> bool:
    """From 16 a parent's word counts no more; a young person's own always does."""
    return new.given_by == "young_person" or old.given_by == "parent"


def _as_good(new: Consent, old: Consent) -> bool:
    """Whether a newer yes holds whenever the older one does."""
    ends_later = new.valid_to is None or (old.valid_to is not None and old.valid_to <= new.valid_to)
    same = new.given_by == old.given_by and _as_able(new, old)
    sure = new.gains in (None, old.gains) and new.unconfirmed_of in (None, old.unconfirmed_of)
    return same and sure and new.valid_from <= old.valid_from and ends_later


def _as_able(new: Consent, old: Consent) -> bool:
    """Whether ability is judged alike for both: by the same assessment, at ages that count alike."""
    return new.gillick_competent == old.gillick_competent and _grown(new) == _grown(old)


def _grown(consent: Consent) -> bool | None:
    return None if consent.age_band is None else consent.age_band in GROWN


def _succeeds(new: Basis, old: Basis) -> bool:
    """Whether the older basis was over when the newer one, of at least its extent, was decided."""
    over = min(old.review_at, old.ended_at or old.review_at)
    return (
        over <= new.decided_at
        and set(old.agency_ids) <= set(new.agency_ids)
        and set(old.categories) <= set(new.categories)
    )
