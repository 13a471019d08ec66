"""Who is shown what of a referral, now. Pure; `shared.sharing.decide` decides for partners."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from services.referral.domain.referrals import SEALED, Referral
from services.referral.domain.subjects import Subject
from shared.events.codes import ReferralStatus, Urgency
from shared.events.referral import RecordRefused, RecordViewed
from shared.records import Record
from shared.sharing import (
    CATEGORIES,
    POLICY_VERSION,
    Category,
    Decision,
    Reason,
    Request,
    Terms,
    decide,
)

ViewerKind = Literal["referrer", "agency", "worker", "hub_manager"]
Refusal = Literal["not_theirs", "nothing_permitted", "recipient_unsafe"]


@dataclass(frozen=True)
class Viewer:
    """Who looks: the role of their token, and whom it was issued for."""

    role: Literal["agency", "worker", "hub_manager", "auditor", "operator"]
    id: str
    agency_kind: str = ""
    hub_id: str | None = None


class Look(Record):
    """The record of one look, allowed or refused. Written before the answer goes out."""

    referral_id: str
    viewer_id: str
    at: datetime


@dataclass(frozen=True)
class Shown:
    """What a viewer may see. For a partner `decision` says why; for the others it is None."""

    kind: ViewerKind
    categories: tuple[Category, ...]
    decision: Decision | None = None


def kind_of(referral: Referral, viewer: Viewer) -> ViewerKind | None:
    """How a viewer stands to a referral; None: not at all.

    A referral that no Hub holds (no Hub serves its area) is open to every Hub's managers: kept
    from all of them it would be lost.
    """
    if viewer.role == "agency":
        return "referrer" if viewer.id == referral.agency_id else "agency"
    if viewer.role == "worker" and viewer.id == referral.worker_id:
        return "worker"
    if viewer.role == "hub_manager" and referral.hub_id in (None, viewer.hub_id):
        return "hub_manager"
    return None


def is_unsafe(subject: Subject, viewer: Viewer) -> bool:
    """Whether this agency, worker or manager is marked as unsafe for this young person."""
    if viewer.role == "agency":
        return viewer.id in subject.sharing.unsafe_agencies
    return f"{viewer.role}:{viewer.id}" in subject.unsafe_persons


def look(
    referral: Referral,
    viewer: Viewer,
    subject: Subject,
    agreements: Iterable[Terms],
    purpose: str,
    at: datetime,
) -> Shown | Refusal:
    """What this viewer is shown, or why nothing. Unsafe recipients come before everything."""
    kind = kind_of(referral, viewer)
    if kind is None:
        return "not_theirs"
    if is_unsafe(subject, viewer):
        return "recipient_unsafe"
    if kind == "referrer":
        return Shown(kind, CATEGORIES) if referral.reply else "not_theirs"
    if kind in ("worker", "hub_manager"):
        return Shown(kind, CATEGORIES)
    request = Request(
        sharer=referral.hub_id,
        agency_id=viewer.id,
        agency_kind=viewer.agency_kind,
        purpose=purpose,
        categories=CATEGORIES,
    )
    decision = decide(request, subject.sharing, agreements, at)
    if "existence" not in decision.permitted:
        # Without it, anything else shown would tell that the referral exists.
        return "nothing_permitted"
    return Shown(kind, decision.permitted, decision)


def sealed_for(referral: Referral, shown: Shown) -> list[str]:
    """The sealed fields to open for this viewer, and no others."""
    if shown.kind != "agency":
        return list(referral.sealed)
    allowed = set(shown.categories)
    return [n for n in referral.sealed if SEALED.get(_base(n)) in allowed]


def _base(name: str) -> str:
    return name.partition("~")[0]


class Withheld(BaseModel):
    """A category that was not shown, and why."""

    model_config = ConfigDict(frozen=True)

    category: Category
    reason: Reason


class RecordView(BaseModel):
    """A referral as this viewer may see it now.

    `categories` holds what is shown, by kind of data; `withheld` what a partner agency is not
    shown and why. `warnings` and `advice` ask for attention. The subject's id is for Hubs only.
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
    warnings: tuple[str, ...]
    subject_id: str | None
    erased_at: datetime | None
    categories: dict[str, dict[str, JsonValue]]
    withheld: tuple[Withheld, ...]
    advice: str | None


def view(referral: Referral, shown: Shown, opened: Mapping[str, Any]) -> RecordView:
    """The answer: coded fields by category, with the opened ones put where they belong."""
    inside = shown.kind in ("worker", "hub_manager")
    partner = shown.kind == "agency"
    sees_fate = not partner or "outcome" in shown.categories
    return RecordView(
        id=referral.id,
        viewed_as=shown.kind,
        status=referral.status if sees_fate else None,
        reason=referral.reason if sees_fate else None,
        urgency=None if partner else referral.urgency,
        received_at=referral.received_at,
        due_at=None if partner else referral.due_at,
        overdue=None if partner else referral.overdue,
        warnings=() if partner else referral.warnings,
        subject_id=referral.subject_id if inside else None,
        erased_at=referral.erased_at,
        categories=_by_category(referral, shown, opened),
        withheld=_withheld(shown),
        advice=_advice(referral, shown),
    )


def _withheld(shown: Shown) -> tuple[Withheld, ...]:
    verdicts = shown.decision.verdicts if shown.decision else ()
    return tuple(
        Withheld(category=v.category, reason=v.reason) for v in verdicts if v.reason is not None
    )


def _advice(referral: Referral, shown: Shown) -> str | None:
    if shown.kind == "worker" and "not_discussed" in referral.warnings:
        return "Nobody has recorded what was discussed with the young person, or why it was not."
    return None


def _by_category(
    referral: Referral, shown: Shown, opened: Mapping[str, Any]
) -> dict[str, dict[str, JsonValue]]:
    found: dict[str, dict[str, JsonValue]] = {}
    coded = _coded(referral)
    for category in shown.categories:
        if category in ("risk", "worker") and shown.kind == "referrer":
            continue  # the Hub's own; the referrer hears the fate of its referral, not more
        content: dict[str, JsonValue] = dict(coded.get(category, {}))
        for name, value in opened.items():
            if SEALED.get(_base(name)) == category and value not in ("", None):
                content[name] = value
        if content:
            found[category] = content
    if shown.kind != "agency":
        extra = {n: v for n, v in opened.items() if SEALED.get(_base(n), "") is None and v}
        found["submission"] = extra
    return found


def _coded(referral: Referral) -> dict[str, dict[str, JsonValue]]:
    return {
        "existence": {"received_at": referral.received_at.isoformat(), "area": referral.area},
        "contact": {
            "settings_avoided": list(referral.settings_avoided),
            "preferred_times": list(referral.preferred_times),
            "languages": list(referral.languages),
        },
        "concerns": {
            "concerns": [c.model_dump(mode="json") for c in referral.concerns],
            "linked_issues": list(referral.linked_issues),
        },
        "risk": {"level": referral.level} if referral.level else {},
        "health": {"needs": list(referral.needs)},
        "worker": {"worker_id": referral.worker_id} if referral.worker_id else {},
        "outcome": {"status": referral.status, "outcome": referral.outcome},
    }


def viewed(referral: Referral, viewer: Viewer, shown: Shown, purpose: str) -> RecordViewed:
    """The event of a look that was allowed."""
    decision = shown.decision
    return RecordViewed(
        referral_id=referral.id,
        subject_id=referral.subject_id,
        viewer_kind=shown.kind,
        viewer_id=viewer.id,
        purpose=purpose,
        verdicts=decision.verdicts if decision else (),
        safety_hold=decision.safety_hold if decision else False,
        policy_version=POLICY_VERSION,
    )


def refused(referral_id: str, viewer: Viewer, action: str, reason: Refusal) -> RecordRefused:
    """The event of a look, or of a command, that was refused."""
    return RecordRefused(
        referral_id=referral_id,
        viewer_kind=viewer.role,
        viewer_id=viewer.id,
        action=action,
        reason=reason,
    )
