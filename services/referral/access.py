"""What access depends on here: who asks, and the facts of a referral. Pure.

Who may do what, `shared.rules.access` decides.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from services.referral.hubs.rule import Hub, serving
from services.referral.records import Referral
from services.referral.sharing.subject import Subject
from shared.errors import Forbidden, NotFound
from shared.rules.access import Person, Thing, Verdict, decide
from shared.rules.access_table import Action
from shared.rules.relations import Relation

ViewerKind = Literal["referrer", "agency", "worker", "hub_manager"]
Refusal = Literal[
    "not_theirs", "nothing_permitted", "recipient_unsafe", "parents_not_told", "not_there"
]

# As whom a referral is seen, in its view and in the record of the look.
VIEWED_AS: Mapping[Relation, ViewerKind] = {
    "referrer": "referrer",
    "partner": "agency",
    "worker_on_case": "worker",
    "worker_holding": "worker",
    "manager_of_hub": "hub_manager",
}


@dataclass(frozen=True)
class Viewer:
    """Who asks: the role of their token, and whom it was issued for; and, of a worker, the agency
    that hosts them.

    `hub_id` is a manager's Hub, if it is registered; `areas` are those that it serves. `area_id` is
    the area of a coordinator.
    """

    role: Literal["agency", "worker", "hub_manager", "coordinator", "auditor", "operator"]
    id: str
    agency_kind: str = ""
    agency_alias: str | None = None
    hub_id: str | None = None
    area_id: str | None = None
    areas: frozenset[str] = frozenset()
    account: str | None = None
    host_agency_id: str | None = None


def manager_of(account: str, hub_id: str | None, hubs: Sequence[Hub]) -> Viewer:
    """A manager as the registered Hubs make them; of a Hub that is not there: of none."""
    if hub_id not in {hub.id for hub in hubs}:
        return Viewer("hub_manager", account, account=account)
    areas = frozenset(area for area, served_by in serving(hubs).items() if served_by == hub_id)
    return Viewer("hub_manager", account, hub_id=hub_id, areas=areas, account=account)


def person_of(viewer: Viewer) -> Person:
    """The viewer as the rules of access see them."""
    return Person(
        role=viewer.role,
        agency_id=viewer.id if viewer.role == "agency" else None,
        worker_id=viewer.id if viewer.role == "worker" else None,
        hub_id=viewer.hub_id,
        area_id=viewer.area_id,
        account=viewer.account or "",
        host_agency_id=viewer.host_agency_id,
        agency_kind=viewer.agency_kind,
        left=viewer.role == "hub_manager" and viewer.hub_id is None,
    )


def facts_of(
    referral: Referral, viewer: Viewer, subject: Subject, shared_with: Collection[str] = ()
) -> Thing:
    """A referral as the rules of access see it. Nobody is the referrer of one whose account many
    share: they would read each other's.

    Until a Hub holds a referral, the one that serves its area has it; where none does, no Hub.
    """
    serves = referral.hub_id is None and referral.area in viewer.areas
    return Thing(
        referrer_id=referral.agency_id if referral.reply else None,
        hub_id=viewer.hub_id if serves else referral.hub_id,
        worker_id=referral.worker_id,
        holder_id=referral.holder_id,
        shared_with=shared_with,
        unsafe=subject.unsafe,
    )


def of_transfer(referral: Referral, action: Action, subject: Subject) -> Thing:
    """The proposal to give a referral to another Hub: both see it, the other answers, and who proposed
    it takes it back."""
    transfer = referral.transfer
    sides = (transfer.from_hub_id, transfer.to_hub_id) if transfer else (None, None)
    hub_id = sides[1] if action == "answer_transfer" else sides[0]
    parties = [side for side in sides if side] if action == "view_transfer" else []
    return Thing(hub_id=hub_id, parties=parties, unsafe=subject.unsafe)


def listed_transfers(viewer: Viewer) -> dict[str, Any]:
    """Which proposals a list shows: from a manager's Hub and to it; to operators all."""
    if viewer.role == "operator":
        return {}
    hub_id = their_hub("list_transfers", viewer)
    return {"$or": [{"transfer.from_hub_id": hub_id}, {"transfer.to_hub_id": hub_id}]}


def refusal_of(verdict: Verdict) -> Refusal:
    """Why, as the record of the refusal says it."""
    known: dict[str | None, Refusal] = {
        "recipient_unsafe": "recipient_unsafe",
        "parents_not_told": "parents_not_told",
    }
    return known.get(verdict.reason, "not_theirs")


def own_referrals(viewer: Viewer) -> dict[str, Any]:
    """Which referrals are a viewer's own: those it sent, those allocated to it, or those of its
    Hub. Raises `Forbidden` for who has none, `NotFound` for who manages no registered Hub."""
    own = Thing(agency_id=viewer.id, person_id=viewer.id, hub_id=viewer.hub_id)
    verdict = decide("list_referrals", person_of(viewer), own)
    if not verdict.allowed:
        raise NotFound if verdict.hidden else Forbidden
    waiting = {"hub_id": None, "area": {"$in": sorted(viewer.areas)}}
    shown: dict[Relation, dict[str, Any]] = {
        "own_agency": {"agency_id": viewer.id, "reply": True},
        "worker_in_person": {"$or": [{"worker_id": viewer.id}, {"holder_id": viewer.id}]},
        "manager_of_hub": {"$or": [{"hub_id": viewer.hub_id}, waiting]},
    }
    return shown[verdict.relation]


def finds_by_reference(viewer: Viewer) -> bool:
    """Whether the referrals that are a viewer's own are those that it sent, each under a reference."""
    return viewer.role == "agency"


def their_hub(action: Action, viewer: Viewer) -> str:
    """The Hub whose things a manager asks for. Raises `Forbidden` for whoever has none, `NotFound`
    for who manages no registered Hub."""
    verdict = decide(action, person_of(viewer), Thing(hub_id=viewer.hub_id))
    if not verdict.allowed:
        raise NotFound if verdict.hidden else Forbidden
    return viewer.hub_id or ""


def party_of(viewer: Viewer) -> str | None:
    """The party a viewer speaks for: their agency; for managers their Hub. Others speak for none,
    whatever Hub their token names."""
    if viewer.role == "agency":
        return viewer.id
    return viewer.hub_id if viewer.role == "hub_manager" else None


def listed_agreements(viewer: Viewer) -> dict[str, Any]:
    """Which agreements a list shows: those of the viewer's party; to operators all."""
    party = party_of(viewer)
    return {} if viewer.role == "operator" else {"terms.parties": party or ""}
