"""Who may do what: every route has one action, every action a row, and nothing widens a relation."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rules.access import Person, Thing, decide, relation, roles_of
from shared.rules.access_table import TABLE
from shared.rules.relations import ROLE_OF, ROLES, STANDS, Relation, possible
from tests.golden import access as page
from tests.golden.access import action_of
from tests.golden.openapi import app_of, routes_of

AGENCIES, WORKERS, HUBS = ("ag_1", "ag_2"), ("wk_1", "wk_2"), ("hub_1", "hub_2")
AREAS = ("e10", "E10", "e11")
NAMES = ("agency:ag_1", "agency:ag_2", "worker:wk_1", "account:usr_1", "agency:ag_host")


def some(values: tuple[str, ...]) -> st.SearchStrategy[str | None]:
    return st.sampled_from((None, *values))


PERSONS = st.builds(
    Person,
    role=st.sampled_from(ROLES),
    account=st.sampled_from(("usr_1", "usr_2")),
    agency_id=some(AGENCIES),
    worker_id=some(WORKERS),
    hub_id=some(HUBS),
    area_id=some(AREAS),
    host_agency_id=some(("ag_host", "ag_1")),
)
THINGS = st.builds(
    Thing,
    referrer_id=some(AGENCIES),
    agency_id=some(AGENCIES),
    hub_id=some(HUBS),
    areas=st.sets(st.sampled_from(AREAS)),
    worker_id=some(WORKERS),
    workers_before=st.sets(st.sampled_from(WORKERS)),
    person_id=some(WORKERS),
    parties=st.sets(st.sampled_from((*AGENCIES, *HUBS))),
    shared_with=st.sets(st.sampled_from(AGENCIES)),
    unsafe=st.just(()),
)


@pytest.mark.parametrize("service", ["referral", "allocation", "notify", "audit"])
def test_every_route_is_one_action_of_the_table(service: str) -> None:
    found = {f"{r.path} {r.name}": action_of(r) for r in routes_of(app_of(service))}
    assert len(found) > 8
    assert [path for path, action in found.items() if action not in TABLE] == []


def test_every_row_is_the_action_of_a_route() -> None:
    services = ("referral", "allocation", "notify", "audit")
    used = {action_of(route) for service in services for route in routes_of(app_of(service))}
    assert set(TABLE) - used == set()


@given(PERSONS, THINGS, st.sampled_from(sorted(TABLE)))
def test_nobody_who_left_or_is_unsafe_may_do_anything(
    person: Person, thing: Thing, action: str
) -> None:
    left = decide(action, replace(person, left=True), thing)
    assert (left.allowed, left.relation, left.reason) == (False, "left", "left")
    for name in person.names:
        verdict = decide(action, person, replace(thing, unsafe=(name,)))
        assert (verdict.allowed, verdict.reason) == (False, "recipient_unsafe")
    others = tuple(set(NAMES) - person.names)
    assert decide(action, person, replace(thing, unsafe=others)) == decide(action, person, thing)


@given(PERSONS, THINGS)
def test_a_relation_is_of_the_persons_own_role_and_of_no_id_they_lack(
    person: Person, thing: Thing
) -> None:
    found = relation(person, thing)
    assert ROLE_OF[found] == person.role
    nobody = replace(person, agency_id=None, worker_id=None, hub_id=None, area_id=None)
    furthest: dict[str, Relation] = {
        "agency": "other_agency",
        "worker": "other_worker",
        "hub_manager": "other_manager",
        "coordinator": "other_coordinator",
        "auditor": "auditor",
        "operator": "operator",
    }
    assert relation(nobody, thing) == furthest[person.role]


@given(PERSONS, THINGS)
def test_ids_of_another_kind_widen_nothing(person: Person, thing: Thing) -> None:
    own = {"agency": ("agency_id",), "worker": ("worker_id", "hub_id"), "hub_manager": ("hub_id",)}
    own["coordinator"] = ("area_id",)
    kept = own.get(person.role, ())
    plain = Person(
        role=person.role,
        agency_id=person.agency_id if "agency_id" in kept else None,
        worker_id=person.worker_id if "worker_id" in kept else None,
        hub_id=person.hub_id if "hub_id" in kept else None,
        area_id=person.area_id if "area_id" in kept else None,
    )
    assert relation(plain, thing) == relation(person, thing)


RELATED: list[tuple[Person, Thing, Relation]] = [
    (Person("agency", agency_id="ag_1"), Thing(referrer_id="ag_1"), "referrer"),
    (Person("agency", agency_id="ag_1"), Thing(agency_id="ag_1"), "own_agency"),
    (Person("agency", agency_id="ag_1"), Thing(parties=("ag_1", "hub_1")), "own_agency"),
    (Person("agency", agency_id="ag_1"), Thing(shared_with=("ag_1",)), "partner"),
    (Person("agency", agency_id="ag_1"), Thing(referrer_id="ag_2"), "other_agency"),
    (Person("worker", worker_id="wk_1"), Thing(person_id="wk_1"), "worker_in_person"),
    (Person("worker", worker_id="wk_1"), Thing(worker_id="wk_1"), "worker_on_case"),
    (Person("worker", worker_id="wk_1"), Thing(workers_before=("wk_1",)), "worker_before"),
    (Person("worker", worker_id="wk_1", hub_id="hub_1"), Thing(hub_id="hub_1"), "worker_of_hub"),
    (Person("worker", worker_id="wk_1", hub_id="hub_1"), Thing(hub_id="hub_2"), "other_worker"),
    (Person("hub_manager", hub_id="hub_1"), Thing(hub_id="hub_1"), "manager_of_hub"),
    (Person("hub_manager", hub_id="hub_1"), Thing(parties=("hub_1",)), "manager_of_hub"),
    (Person("hub_manager", hub_id="hub_1"), Thing(hub_id=None), "other_manager"),
    (Person("coordinator", area_id="e10"), Thing(areas=("E10",)), "coordinator_of_area"),
    (Person("coordinator", area_id="e10"), Thing(areas=("e11",)), "other_coordinator"),
    (Person("coordinator"), Thing(areas=("",)), "other_coordinator"),
    (Person("auditor"), Thing(), "auditor"),
    (Person("operator"), Thing(), "operator"),
    (Person("operator"), Thing(private=True), "outsider"),
]


@pytest.mark.parametrize(("person", "thing", "expected"), RELATED)
def test_how_a_person_stands_to_a_thing(person: Person, thing: Thing, expected: Relation) -> None:
    assert relation(person, thing) == expected
    for action in TABLE:
        verdict = decide(action, person, thing)
        assert verdict.allowed == (expected in TABLE[action].relations)
        assert verdict.hidden or person.role not in roles_of(action)


def test_no_row_is_for_the_unsafe_and_each_is_for_somebody() -> None:
    assert [a for a, row in TABLE.items() if row.relations & {"unsafe", "left"}] == []
    assert [a for a in TABLE if not roles_of(a)] == []
    for row in TABLE.values():
        assert row.relations <= set(STANDS[row.about]) - {"unsafe", "left"}


@given(PERSONS, THINGS, st.booleans(), st.sampled_from(NAMES))
def test_who_stands_so_can_stand_so_to_a_thing_of_some_kind(
    person: Person, thing: Thing, left: bool, name: str
) -> None:
    left = left and person.role in ("agency", "worker", "hub_manager")
    found = relation(replace(person, left=left), replace(thing, unsafe=(name,)))
    assert any(possible(person.role, found, kind) for kind in STANDS)


def test_the_page_of_access_is_what_the_code_says() -> None:
    assert page.PAGE.read_text("utf-8") == page.document(), "run `make access`"
