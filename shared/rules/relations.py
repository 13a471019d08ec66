"""How somebody can stand to a thing, and to what kinds of things. Pure."""

from collections.abc import Collection, Mapping
from typing import Literal, get_args

Relation = Literal[
    "own_agency",
    "colleague",
    "referrer",
    "partner",
    "other_agency",
    "worker_in_person",
    "worker_on_case",
    "worker_holding",
    "worker_before",
    "worker_of_hub",
    "other_worker",
    "manager_of_hub",
    "other_manager",
    "coordinator_of_area",
    "other_coordinator",
    "auditor",
    "operator",
    "outsider",
    "unsafe",
    "left",
]
RELATIONS: tuple[Relation, ...] = get_args(Relation)
# `unsafe` and `left` are of no role: they take every role's rights away.
ROLE_OF: Mapping[Relation, str] = {
    "own_agency": "agency",
    "colleague": "agency",
    "referrer": "agency",
    "partner": "agency",
    "other_agency": "agency",
    "worker_in_person": "worker",
    "worker_on_case": "worker",
    "worker_holding": "worker",
    "worker_before": "worker",
    "worker_of_hub": "worker",
    "other_worker": "worker",
    "manager_of_hub": "hub_manager",
    "other_manager": "hub_manager",
    "coordinator_of_area": "coordinator",
    "other_coordinator": "coordinator",
    "auditor": "auditor",
    "operator": "operator",
    "outsider": "operator",
}
ROLES: tuple[str, ...] = (
    *("agency", "worker", "hub_manager", "coordinator", "auditor", "operator"),
)
# What a route is about. `own`: lists, what is new, what is asked of a role and of nothing in
# particular. `notice` is a notification, `mailing` what a recipient was sent and how it is told;
# `report` is intelligence, `link` what several have in common;
# `draft` is what one account has not sent yet, which its colleagues don't see;
# `transfer` is a proposal as both Hubs see it, `answer` as the one does that may take the referral.
Kind = Literal[
    "own",
    "draft",
    "report",
    "link",
    "referral",
    "case",
    "stranded",
    "transfer",
    "answer",
    "plan",
    "agency",
    "agreement",
    "advice",
    "hub",
    "area",
    "worker",
    "notice",
    "mailing",
    "trail",
    "entry",
]

_AROUND: tuple[Relation, ...] = (
    *("referrer", "partner", "other_agency"),
    *("worker_on_case", "worker_holding", "worker_before", "worker_of_hub", "other_worker"),
    *("manager_of_hub", "other_manager", "other_coordinator"),
    *("auditor", "operator", "unsafe", "left"),
)
_OF_A_HUB: tuple[Relation, ...] = (
    *("other_agency", "worker_of_hub", "other_worker", "manager_of_hub", "other_manager"),
    *("other_coordinator", "auditor", "operator", "left"),
)
_OF_A_RECIPIENT: tuple[Relation, ...] = (
    *("own_agency", "other_agency", "worker_in_person", "other_worker"),
    *("manager_of_hub", "other_manager", "coordinator_of_area", "other_coordinator"),
    *("auditor", "operator", "outsider", "left"),
)
# How somebody can stand to a thing of each kind. `unsafe` is about a young person.
STANDS: Mapping[Kind, Collection[Relation]] = {
    "own": (
        *("own_agency", "worker_in_person", "manager_of_hub", "coordinator_of_area"),
        *("auditor", "operator", "left"),
    ),
    "draft": (
        *("own_agency", "colleague", "other_agency", "other_worker", "other_manager"),
        *("other_coordinator", "auditor", "operator", "left"),
    ),
    "report": (
        *("own_agency", "partner", "other_agency"),
        *("worker_in_person", "worker_on_case", "other_worker", "manager_of_hub", "other_manager"),
        *("coordinator_of_area", "other_coordinator", "auditor", "operator", "unsafe", "left"),
    ),
    "link": (
        *("other_agency", "other_worker", "manager_of_hub", "other_manager"),
        *("coordinator_of_area", "other_coordinator", "auditor", "operator", "unsafe", "left"),
    ),
    "referral": _AROUND,
    "case": _AROUND,
    "stranded": (
        *("referrer", "other_agency", "other_worker", "other_manager", "other_coordinator"),
        *("auditor", "operator", "unsafe", "left"),
    ),
    "transfer": (*_OF_A_HUB, "unsafe"),
    "answer": (*_OF_A_HUB, "unsafe"),
    "plan": (*_OF_A_HUB, "unsafe"),
    "agency": (
        *("own_agency", "other_agency", "other_worker", "other_manager", "other_coordinator"),
        *("auditor", "operator", "left"),
    ),
    "agreement": ("own_agency", *_OF_A_HUB),
    "advice": ("own_agency", *_OF_A_HUB),
    "hub": _OF_A_HUB,
    "area": (
        *("partner", "other_agency", "other_worker", "manager_of_hub", "other_manager"),
        *("coordinator_of_area", "other_coordinator", "auditor", "operator", "left"),
    ),
    "worker": ("worker_in_person", *_OF_A_HUB),
    "notice": (*_OF_A_RECIPIENT, "unsafe"),
    "mailing": _OF_A_RECIPIENT,
    "trail": (
        *("own_agency", "other_worker", "manager_of_hub", "other_manager", "other_coordinator"),
        *("auditor", "operator", "unsafe", "left"),
    ),
    "entry": (
        *("own_agency", "other_agency", "other_worker", "manager_of_hub", "other_manager"),
        *("other_coordinator", "auditor", "operator", "unsafe", "left"),
    ),
}
# Whom somebody's leaving is known of: the others are their issuer's to lock out.
_LEAVE = frozenset({"agency", "worker", "hub_manager"})


def possible(role: str, relation: Relation, kind: Kind) -> bool:
    """Whether somebody of this role can stand so to a thing of this kind. Every such cell is asked
    by `tests/system/test_access_matrix.py`; `docs/access.md` shows the others as –."""
    if relation not in STANDS[kind]:
        return False
    if relation == "left":
        return role in _LEAVE
    if relation == "unsafe" and kind == "trail":  # from others' searches it is left out
        return role == "hub_manager"
    return relation == "unsafe" or ROLE_OF[relation] == role
