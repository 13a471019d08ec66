"""The notification rules, and what may differ per Hub. Read from a policy file. Pure."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.events import Event
from shared.events.codes import Urgency
from shared.events.notify import NotificationKind
from shared.rules.calendars import Nation
from shared.rules.sharing import Category

Audience = Literal["referrer", "worker", "hub", "partners", "operators", "cover"]
# The events that a rule may be about: those whose handlers notify somebody.
EVENTS = (
    "referral.received",
    "referral.amended",
    "referral.status_changed",
    "referral.overdue",
    "referral.match_suspected",
    "referral.join_proposed",
    "referral.join_proposal_ended",
    "referral.transfer_proposed",
    "referral.transfer_unanswered",
    "referral.transfer_ended",
    "referral.transferred",
    "allocation.made",
    "allocation.waiting",
    "allocation.accepted",
    "allocation.declined",
    "allocation.lapsed",
    "allocation.handed_over",
    "allocation.escalated",
    "allocation.taken_away",
    "allocation.holder_changed",
    "allocation.cover_called",
    "allocation.closed",
    "risk.escalated",
    "participation.said",
    "consent.recorded",
    "consent.reviewed",
    "consent.invalidated",
    "subject.match_doubted",
    "sharing.basis_recorded",
    "sharing.basis_ended",
    "sharing.safety_marked",
)
Minutes = Annotated[int, Field(ge=1)]


class _Policy(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Rule(_Policy):
    """On this event, tell these, what for, and ask them to do that. See the policy file."""

    on: str
    when: dict[str, tuple[str, ...]] = {}
    tell: Audience
    who: str = "worker_id"
    hub: str = "hub_id"
    kind: NotificationKind
    purpose: str
    categories: tuple[Category, ...] = ()
    action: str = "none"
    due: str | None = None
    detail: str | None = None
    note: str | None = None
    once: bool = False
    turn: bool = False
    urgent: Literal["never", "by_urgency", "always"] = "never"


class HubPolicy(_Policy):
    """What a Hub may decide for itself. Times in minutes, reminders in working days."""

    nation: Nation = "england"
    open_within: dict[Urgency, Minutes] = {}
    escalate_within: Minutes = 30
    remind_after: tuple[int, ...] = ()
    mute: tuple[NotificationKind, ...] = ()


class NotificationPolicy(_Policy):
    """A whole policy file."""

    version: str
    rules: tuple[Rule, ...]
    default: HubPolicy
    hub: dict[str, dict[str, Any]] = {}

    def of_hub(self, hub_id: str | None) -> HubPolicy:
        """The policy of a Hub: the default, but for what it has decided otherwise."""
        own = self.hub.get(hub_id or "", {})
        return HubPolicy.model_validate({**self.default.model_dump(), **own})

    def applying_to(self, event: Event[Any]) -> list[Rule]:
        """The rules that this event sets off, in the order of the file."""
        return [rule for rule in self.rules if rule.on == event.type and _applies(rule, event.data)]


def _applies(rule: Rule, data: Any) -> bool:
    if rule.turn and data.status == data.previous:
        return False
    return all(_is_one_of(getattr(data, name), allowed) for name, allowed in rule.when.items())


def _is_one_of(value: Any, allowed: tuple[str, ...]) -> bool:
    """A list is if one of its members is."""
    return bool(set(value) & set(allowed)) if isinstance(value, tuple) else value in allowed


def open_within(rule: Rule, urgency: Urgency | None, policy: HubPolicy) -> int | None:
    """Minutes until it must have been opened; None where nothing urgent is about it."""
    if rule.urgent == "never" or urgency is None:
        return None
    minutes = policy.open_within.get(urgency)
    return policy.escalate_within if minutes is None and rule.urgent == "always" else minutes
