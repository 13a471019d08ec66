"""Codes that a newer version of a service has published, as this version reads them. Pure.

Writing is strict, reading is not: in a rolling update an older reader handles the event instead of
parking it. An unknown code is read as the one declared here: where something is decided by it, the
careful one, which permits, joins and ends nothing. In a list it is left out.
"""

import types
from collections.abc import Callable, Mapping
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from shared.events import (
    advice,
    codes,
    directory,
    intelligence,
    links,
    notify,
    parked,
    participation,
    transfer,
)
from shared.rules import sharing

LEFT_OUT = None

READ_AS: Mapping[Any, str | None] = {
    parked.DiscardReason: "by_hand",
    codes.Urgency: "immediate",
    codes.RiskLevel: "significant",
    codes.Recency: "current",
    codes.Setting: "hub",
    codes.AgeBand: "not_known",
    codes.Gender: "not_known",
    codes.Ethnicity: "not_known",
    codes.ReferralStatus: "screening",
    codes.StatusReason: "other",
    codes.ClosureOutcome: "other",
    codes.SafetyRelation: "close_associate",
    codes.ConfirmationReason: "could_not_be_asked",
    codes.InvalidationReason: "not_said",
    codes.TellParents: "no",
    codes.ParentsReason: LEFT_OUT,
    codes.WorkerRole: "spoke_worker",
    codes.SupervisionKind: "case",
    codes.HandoverReason: "workload",
    codes.EscalationReason: "waiting_too_long",
    codes.RemovalReason: "unsafe",
    codes.HolderReason: "unsafe",
    codes.ClosureReason: "ended_early",
    codes.GoalOutcome: "not_started",
    codes.GoalArea: "other",
    codes.GoalProgress: "no_change",
    codes.JudgementReason: "multi_agency_decision",
    codes.Role: "operator",
    codes.DeclineReason: "absence",
    codes.HoldReason: "other",
    codes.LeaveStatus: "cancelled",
    codes.LeaveRefusal: "other",
    directory.CardPart: LEFT_OUT,
    transfer.TransferReason: "capacity",
    transfer.TransferRefusal: "no_capacity",
    transfer.TransferEnd: "over",
    transfer.ToldSide: "operators",
    links.KeyKind: LEFT_OUT,
    links.LinkStrength: "possible",
    links.SaidLinkDecision: "undecided",
    links.LinkReason: "other",
    intelligence.SourceGrade: "3",
    intelligence.Assessment: "D",
    intelligence.Handling: "C",
    intelligence.MentionKind: LEFT_OUT,
    intelligence.ReporterKind: "agency",
    intelligence.ReportViewerKind: "agency",
    intelligence.WithdrawalReason: "withdrawn",
    intelligence.DestructionReason: "time_over",
    intelligence.ReviewOutcome: "keep",
    notify.RecipientKind: "operator",
    notify.Channel: LEFT_OUT,
    notify.WebhookFormat: "notification",
    notify.NotificationKind: "case_for_oversight",
    notify.ActionTaken: "other",
    notify.ActionOutcome: "other",
    notify.Stage: "creation",
    notify.RetractionReason: "ground_ended",
    sharing.Category: LEFT_OUT,
    sharing.GroundKind: LEFT_OUT,
    sharing.Condition: LEFT_OUT,
    sharing.LawfulBasis: "public_task",
    sharing.Reason: "no_ground",
    Literal["given", "refused", "withdrawn", "not_asked"]: "refused",
    Literal["young_person", "parent"]: "young_person",
    Literal["agreed", "declined", "not_asked"]: "not_asked",
    Literal["daytime", "evenings", "weekends"]: LEFT_OUT,
    Literal["held", "not_wanted"]: "not_wanted",
    Literal["no_hub_for_area", "no_candidate"]: "no_candidate",
    Literal["would_increase_risk", "could_not_be_reached", "too_distressed", "other"]: "other",
    Literal["agency", "worker", "hub_manager", "coordinator", "auditor", "operator"]: "operator",
    Literal["referrer", "agency", "worker", "hub_manager", "operator"]: "worker",
    Literal["worker", "hub_manager"]: "worker",
    Literal[
        "record", "search_hit", "match", "goals", "name", "transfer", "sharing", "participation"
    ]: "record",
    participation.Moment: "on_the_way",
    participation.Way: "card",
    participation.ReadBy: "nobody",
    participation.Theme: "listen_to_me",
    participation.EndReason: "erased",
    advice.AdviceTheme: "other",
    advice.Side: "asker",
    advice.AdviceOutcome: "other",
    Literal["name", "date_of_birth", "nhs_number"]: LEFT_OUT,
    Literal["agency", "worker", "hub_manager", "account"]: "account",
    Literal["unsafe"]: "unsafe",
    Literal["left"]: "left",
    Literal["access_request", "complaint", "court_order", "inspection"]: "inspection",
    Literal["referral", "agency_reference"]: "agency_reference",
    Literal[
        "not_theirs", "nothing_permitted", "recipient_unsafe", "parents_not_told", "not_there"
    ]: "nothing_permitted",
    Literal["retention_ended", "right_to_erasure", "entered_in_error"]: "retention_ended",
    Literal["same_person", "different_people"]: "different_people",
    Literal["ahead", "turned_16", "turned_18"]: "ahead",
    Literal["exact", "estimated", "not_known"]: "not_known",
    Literal["reserved", "released"]: "released",
    Literal["introduced", "retired"]: "retired",
    Literal["younger", "other", "truncated"]: "other",
    Literal["answered", "refused"]: "refused",
}


class _LeftOut(Exception):
    """Nothing can stand for this code: whatever holds it does without it."""


def known_data(model: type[BaseModel], raw: Any) -> Any:
    """The `data` of an event with every unknown code read as declared, if it can be."""
    try:
        return known(model, raw) if isinstance(raw, dict) else raw
    except _LeftOut:
        return raw


def known(model: type[BaseModel], raw: Mapping[str, Any]) -> dict[str, Any]:
    """The document with every unknown code read as declared. What else is wrong stays wrong."""
    read = dict(raw)
    for name, field in model.model_fields.items():
        if name not in raw:
            continue
        try:
            read[name] = _value(field.annotation, raw[name])
        except _LeftOut:
            if field.is_required():
                raise
            del read[name]
    careful = CAREFUL.get(model)
    return {**read, **careful(raw, read)} if careful else read


def _value(kind: Any, value: Any) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return _code(kind, value)
    if origin in (Union, types.UnionType):
        return None if value is None else _optional(inner, value)
    if origin is tuple and isinstance(value, list):
        return _list(inner[0], value)
    if isinstance(kind, type) and issubclass(kind, BaseModel) and isinstance(value, dict):
        return known(kind, value)
    return value


def _code(kind: Any, value: Any) -> Any:
    if value in get_args(kind) or not isinstance(value, str):
        return value
    stands_for_it = READ_AS.get(kind)
    if stands_for_it is None:
        raise _LeftOut
    return stands_for_it


def _optional(kinds: tuple[Any, ...], value: Any) -> Any:
    try:
        return _value(next(kind for kind in kinds if kind is not type(None)), value)
    except _LeftOut:
        return None


def _list(kind: Any, values: list[Any]) -> list[Any]:
    if get_origin(kind) is Literal:
        return [v for v in values if v in get_args(kind) or not isinstance(v, str)]
    found = []
    for value in values:
        try:
            found.append(_value(kind, value))
        except _LeftOut:
            continue
    return found


def _no_consent(raw: Mapping[str, Any], read: Mapping[str, Any]) -> dict[str, Any]:
    """A consent not understood is a no of the young person's own, which a parent can't lift."""
    if all(raw.get(name) == read.get(name) for name in ("status", "given_by")):
        return {}
    return {"status": "refused", "given_by": "young_person", "gillick_competent": True}


def _ended_basis(raw: Mapping[str, Any], read: Mapping[str, Any]) -> dict[str, Any]:
    """A basis not understood was over as soon as it was decided."""
    same = raw.get("basis") == read.get("basis")
    return {} if same else {"ended_at": raw.get("decided_at")}


CAREFUL: Mapping[
    type[BaseModel], Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any]]
] = {sharing.Consent: _no_consent, sharing.Basis: _ended_basis}
