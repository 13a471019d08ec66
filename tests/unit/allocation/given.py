"""Builders: a policy, concerns, Hubs, workers, cases and allocations, each with `**changes`."""

from datetime import UTC, datetime, timedelta
from typing import Any

from services.allocation.app import DEFAULT_POLICY
from services.allocation.assignment.choice import decide
from services.allocation.assignment.facts import CaseFacts, HubFacts, WorkerFacts, hub_facts
from services.allocation.assignment.rule import assign, wait
from services.allocation.caseload.capacity import register_worker
from services.allocation.caseload.worker import Case, Worker, WorkerEntry
from services.allocation.hubs.hub import Hub, HubEntry, register_hub
from services.allocation.records import Allocation, snapshot, with_ranks
from services.allocation.risk.policy_file import load_policy
from services.allocation.risk.score import assess
from shared.events import Event
from shared.events.codes import Recency
from shared.events.referral import Concern, ReferralReceived
from shared.storage.records import Change, R

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)  # a Monday
POLICY = load_policy(DEFAULT_POLICY)
REFERRAL = "ref_" + "1" * 32


def later(**time: float) -> datetime:
    """`AT` and so much more."""
    return AT + timedelta(**time)


def concern(
    code: str = "missing_episodes",
    recency: Recency = "current",
    agency: str = "ag_school",
    at: datetime = AT,
) -> Concern:
    return Concern(code=code, recency=recency, agency_id=agency, reported_at=at)


def hub(**changes: Any) -> Hub:
    entry = HubEntry.model_validate(
        {"name": "North Hub", "areas": ["northtown"], "duty_worker_id": "wk_duty", **changes}
    )
    return register_hub("hub_north", entry)[0]


def worker(worker_id: str = "wk_one", at: datetime = AT, **changes: Any) -> Worker:
    entry = WorkerEntry.model_validate(
        {
            "hub_id": "hub_north",
            "worker_role": "hub_worker",
            "areas": ["northtown"],
            "host_setting": "hub",
            "cap": 20,
            **changes,
        }
    )
    return register_worker(worker_id, entry, hub(), at)[0]


def taking(
    referral_id: str = "ref_1", weight: int = 3, round: int = 1, subject_id: str | None = None
) -> Case:
    return Case(referral_id=referral_id, weight=weight, round=round, subject_id=subject_id)


def case(**changes: Any) -> CaseFacts:
    return CaseFacts.model_validate(
        {
            "referral_id": REFERRAL,
            "agency_id": "ag_school",
            "area": "northtown",
            "urgency": "one_working_day",
            "level": "moderate",
            "weight": 3,
            **changes,
        }
    )


def facts(worker_id: str = "wk_one", **changes: Any) -> WorkerFacts:
    return WorkerFacts.model_validate(
        {
            "worker_id": worker_id,
            "version": 1,
            "worker_role": "hub_worker",
            "active": True,
            "on_leave": False,
            "in_area": True,
            "host_setting": "hub",
            "host_agency_id": None,
            "qualifications": (),
            "experience_months": 0,
            "specialisms": (),
            "languages": (),
            "times": ("daytime",),
            "supervision_overdue": (),
            "conflict": False,
            "caseload": 0,
            "soft_cap": 16,
            "hard_cap": 20,
            **changes,
        }
    )


def of_hub(**changes: Any) -> HubFacts:
    return hub_facts(hub(**changes))


def received(
    *concerns: Concern, referral_id: str = REFERRAL, version: int = 1, **changes: Any
) -> Event[ReferralReceived]:
    data = ReferralReceived.model_validate(
        {
            "referral_id": referral_id,
            "subject_id": "sub_one",
            "agency_id": "ag_school",
            "urgency": "ten_working_days",
            "received_at": AT,
            "due_at": later(days=14),
            "age_band": "13_to_15",
            "area": "northtown",
            "concerns": concerns,
            "settings_avoided": (),
            **changes,
        }
    )
    return Event[ReferralReceived](
        id=f"evt_{referral_id}_{version}",
        source="/services/referral",
        type="referral.received",
        subject=referral_id,
        time=AT,
        dataschema="urn:hub-and-spoke:referral.received:1",
        correlationid=referral_id,
        version=version,
        actor="agency:ag_school",
        actorrole="agency",
        data=data,
    )


def allocation(**changes: Any) -> Allocation:
    """One that looks for its worker."""
    return with_ranks(
        Allocation.model_validate(
            {
                "id": REFERRAL,
                "subject_id": "sub_one",
                "agency_id": "ag_school",
                "area": "northtown",
                "urgency": "one_working_day",
                "received_at": AT,
                "due_at": later(days=1),
                "referral_version": 1,
                "assessment": assess((), POLICY, AT),
                "policy_version": POLICY.version,
                "level": "moderate",
                "weight": 3,
                "hub_id": "hub_north",
                **changes,
            }
        )
    )


def offered(worker_id: str = "wk_one", **changes: Any) -> Allocation:
    """One that is offered to a worker since `AT`."""
    made = decide(case(), of_hub(), [facts(worker_id)], policy_version="p1", at=AT)
    start = allocation(**changes)
    return assign(start, made, hub(), round=start.round + 1, flags=()).after


def waiting(**changes: Any) -> Allocation:
    """One that waits since `AT`."""
    return wait(allocation(**changes), None, hub(), at=AT, holder_id="wk_duty").after


def outcome(before: R, change: Change[R]) -> dict[str, Any]:
    """A change whole: the fields that differ, and what its events say. It sets no other timer.

    Of an event is left out what says nothing, or only where the allocation stands afterwards.
    """
    after = change.after
    assert change.due == {}
    stands = snapshot(after) if isinstance(after, Allocation) else {}
    return {
        "changed": {n: v for n, v in dict(after).items() if v != getattr(before, n)},
        "said": {
            event.event_type: {
                name: value
                for name, value in dict(event).items()
                if (name not in stands or value != stands[name])
                and value != type(event).model_fields[name].default
            }
            for event in change.events
        },
    }
