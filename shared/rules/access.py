"""Who may do what, with what: the one decision on access of all services. Pure.

A person stands in exactly one relation to a thing; the table in `shared.rules.access_table` says
which relations an action is for. Nothing that callers say of themselves widens a relation: it
follows from their verified token and from what the service knows. Decision 1001 says why this is a
table and no policy engine.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from shared.events.codes import OF_FAMILY, UNKNOWN_KIND
from shared.rules.access_table import TABLE, Action
from shared.rules.relations import ROLE_OF, Relation

Reason = Literal["not_theirs", "recipient_unsafe", "parents_not_told", "left"]


@dataclass(frozen=True)
class Person:
    """Who asks: the role and ids of a verified token, and what the service knows beside.

    `host_agency_id`: where a worker sits; `agency_kind`: of the agency that asks, the unknown kind
    where nobody has registered it; empty where it was not looked up. `left`: a worker
    who is gone, an agency that is inactive, a manager of a Hub that was never registered.
    """

    role: Literal["agency", "worker", "hub_manager", "coordinator", "auditor", "operator"]
    account: str = ""
    agency_id: str | None = None
    worker_id: str | None = None
    hub_id: str | None = None
    area_id: str | None = None
    host_agency_id: str | None = None
    agency_kind: str = ""
    left: bool = False

    @property
    def names(self) -> frozenset[str]:
        """Every name under which a safety mark may mean this person, as `kind:id`."""
        maybe_family = self.agency_kind == UNKNOWN_KIND
        ids = {
            "agency": (self.agency_id, self.host_agency_id),
            # Whose kind nobody has confirmed may be one of the family.
            "agency_kind": (self.agency_kind, *(OF_FAMILY if maybe_family else ())),
            "worker": (self.worker_id,),
            "account": (self.account,),
        }
        return frozenset(f"{kind}:{one}" for kind, known in ids.items() for one in known if one)


@dataclass(frozen=True)
class Thing:
    """What is asked about, as far as access depends on it.

    `hub_id` holds it or, until it is placed, serves its area. `areas` are those whose coordinators it
    is for. `holder_id`: the duty worker who holds
    it while it waits. `shared_with` are agencies that an
    agreement and a ground let see something of it now (`shared.rules.sharing`). `unsafe` are the
    names of safety marks for its young person. `account` is whose it is, where it is one person's of an
    agency and not the agency's. `private`: somebody's own inbox, to which operators
    are outsiders.
    """

    referrer_id: str | None = None
    agency_id: str | None = None
    account: str | None = None
    hub_id: str | None = None
    areas: Collection[str] = ()
    worker_id: str | None = None
    holder_id: str | None = None
    workers_before: Collection[str] = ()
    person_id: str | None = None
    parties: Collection[str] = ()
    shared_with: Collection[str] = ()
    unsafe: Collection[str] = ()
    private: bool = False


@dataclass(frozen=True)
class Verdict:
    """Whether, in which relation; and if not, why, and whether even that it exists is kept back."""

    allowed: bool
    relation: Relation
    reason: Reason | None = None
    hidden: bool = True


def decide(action: Action, person: Person, thing: Thing) -> Verdict:
    """May this person do this with this thing? Total. Who has left or is unsafe never may."""
    found = relation(person, thing)
    if found in TABLE[action].relations:
        return Verdict(allowed=True, relation=found)
    marked = person.names.intersection(thing.unsafe)
    of_family = all(name.startswith("agency_kind:") for name in marked)
    reasons: dict[Relation, Reason] = {
        "unsafe": "parents_not_told" if of_family else "recipient_unsafe",
        "left": "left",
    }
    return Verdict(
        allowed=False,
        relation=found,
        reason=reasons.get(found, "not_theirs"),
        hidden=TABLE[action].hidden or person.role in roles_of(action),
    )


def roles_of(action: Action) -> frozenset[str]:
    """The roles that may do this with anything at all. Any other is refused before a look."""
    return frozenset(ROLE_OF[one] for one in TABLE[action].relations if one in ROLE_OF)


def relation(person: Person, thing: Thing) -> Relation:
    """How a person stands to a thing. To have left, and to be unsafe, come before all else."""
    if person.left:
        return "left"
    if not person.names.isdisjoint(thing.unsafe):
        return "unsafe"
    if person.role in _STANDS:
        return _STANDS[person.role](person, thing)
    if person.role == "hub_manager":
        theirs = person.hub_id is not None and person.hub_id in (thing.hub_id, *thing.parties)
        return "manager_of_hub" if theirs else "other_manager"
    if person.role == "auditor":
        return "auditor"
    return "outsider" if thing.private else "operator"


def _of_agency(person: Person, thing: Thing) -> Relation:
    if person.agency_id is None:
        return "other_agency"
    if person.agency_id == thing.referrer_id:
        return "referrer"
    if person.agency_id in (thing.agency_id, *thing.parties):
        return "own_agency" if thing.account in (None, person.account) else "colleague"
    return "partner" if person.agency_id in thing.shared_with else "other_agency"


def _of_coordinator(person: Person, thing: Thing) -> Relation:
    theirs = {area.casefold() for area in thing.areas}
    own = (person.area_id or "").casefold()
    return "coordinator_of_area" if own and own in theirs else "other_coordinator"


def _of_worker(person: Person, thing: Thing) -> Relation:
    if person.worker_id is None:
        return "other_worker"
    if person.worker_id == thing.person_id:
        return "worker_in_person"
    if person.worker_id == thing.worker_id:
        return "worker_on_case"
    if person.worker_id == thing.holder_id:
        return "worker_holding"
    if person.worker_id in thing.workers_before:
        return "worker_before"
    same = person.hub_id is not None and person.hub_id == thing.hub_id
    return "worker_of_hub" if same else "other_worker"


_STANDS: Mapping[str, Callable[[Person, Thing], Relation]] = {
    "agency": _of_agency,
    "worker": _of_worker,
    "coordinator": _of_coordinator,
}
