"""A referral as its viewer may see it. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, JsonValue

from services.referral.access import ViewerKind
from services.referral.disclosure.content import Author, Contents, standing
from services.referral.disclosure.rule import INSIDE, Shown
from services.referral.lifecycle.responsible import Responsible, Side
from services.referral.records import Referral
from shared.events.codes import Instruction, ReferralStatus, Urgency
from shared.rules.sharing import Category, Reason


class Withheld(BaseModel):
    """A category that was not shown, and why."""

    model_config = ConfigDict(frozen=True)

    category: Category
    reason: Reason


class ResponsibleView(BaseModel):
    """Whose it is now. Which worker, people of the Hub are shown."""

    model_config = ConfigDict(frozen=True)

    kind: Side
    id: str | None


class RecordView(BaseModel):
    """A referral as this viewer may see it now.

    `categories` holds what is shown, by kind of data; `withheld` what a partner agency is not
    shown and why; `written` who wrote each value that stands now, by its JSON pointer in
    `categories`. Texts are lists of pieces, each with its author. `warnings` and `advice` ask for
    attention; `instructions` bind whoever reads. `responsible` is whose an open referral is now. The
    subject's id is for Hubs only.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    viewed_as: ViewerKind
    status: ReferralStatus | None
    reason: str | None
    urgency: Urgency | None
    received_at: datetime
    due_at: datetime | None
    overdue: bool | None
    responsible: ResponsibleView | None = None
    warnings: tuple[str, ...]
    instructions: tuple[Instruction, ...] = ()
    subject_id: str | None
    erased_at: datetime | None
    categories: dict[str, dict[str, JsonValue]]
    written: dict[str, Author]
    withheld: tuple[Withheld, ...]
    advice: str | None


def view(
    referral: Referral, shown: Shown, opened: Mapping[str, Any], whose: Responsible | None = None
) -> RecordView:
    """The answer: coded fields by category, with the opened ones put where they belong, and whose it
    is."""
    inside = shown.kind in INSIDE
    partner = shown.kind == "agency"
    sees_fate = not partner or "outcome" in shown.categories
    categories, written = standing(referral, shown, opened)
    return RecordView(
        id=referral.id,
        viewed_as=shown.kind,
        status=referral.status if sees_fate else None,
        reason=referral.reason if sees_fate else None,
        urgency=None if partner else referral.urgency,
        received_at=referral.received_at,
        due_at=None if partner else referral.due_at,
        overdue=None if partner else referral.overdue,
        responsible=None if partner else _responsible(whose, inside=inside),
        warnings=() if partner else referral.warnings,
        instructions=shown.instructions,
        subject_id=referral.subject_id if inside else None,
        erased_at=referral.erased_at,
        categories=_with_state(categories, referral, shown),
        written=written,
        withheld=_withheld(shown),
        advice=_advice(referral, shown),
    )


def _responsible(whose: Responsible | None, *, inside: bool) -> ResponsibleView | None:
    if whose is None:
        return None
    named = inside or whose.kind != "worker"
    return ResponsibleView(kind=whose.kind, id=whose.id if named else None)


def _withheld(shown: Shown) -> tuple[Withheld, ...]:
    verdicts = shown.decision.verdicts if shown.decision and shown.kind == "agency" else ()
    return tuple(
        Withheld(category=v.category, reason=v.reason) for v in verdicts if v.reason is not None
    )


def _advice(referral: Referral, shown: Shown) -> str | None:
    if shown.kind in INSIDE and referral.visit_risk:
        return "There is danger to whoever visits: read `visit_risk` before anybody goes."
    if shown.kind == "worker" and "not_discussed" in referral.warnings:
        return "Nobody has recorded what was discussed with the young person, or why it was not."
    return None


# What a referrer hears of its referral, whatever it may see of others' writing: its fate.
_ITS_FATE: frozenset[Category] = frozenset({"existence", "outcome"})


def _with_state(found: Contents, referral: Referral, shown: Shown) -> Contents:
    """With what nobody wrote: how the referral stands, and the needs as they are coded."""
    state: dict[Category, dict[str, JsonValue]] = {
        "existence": {"received_at": referral.received_at.isoformat(), "area": referral.area},
        "risk": {"level": referral.level} if referral.level else {},
        "health": {"needs": list(referral.needs)},
        "worker": {"worker_id": referral.worker_id} if referral.worker_id else {},
        "outcome": {"status": referral.status, "outcome": referral.outcome},
    }
    may = {*shown.categories, *(_ITS_FATE if shown.kind == "referrer" else ())}
    for category, content in state.items():
        if category in may and content:
            found[category] = {**content, **found.get(category, {})}
    return found
