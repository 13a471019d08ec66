"""The sample people: who can sign in at `make run`, and whose tokens its welcome prints."""

from allinone import sample
from allinone.issuer import SamplePerson


def _agency(said: str, agency_id: str) -> SamplePerson:
    return SamplePerson(said, {"sub": agency_id, "role": "agency", "agency_id": agency_id})


def _worker(said: str, worker_id: str) -> SamplePerson:
    return SamplePerson(said, {"sub": worker_id, "role": "worker", "worker_id": worker_id})


PEOPLE: dict[str, SamplePerson] = {
    "school": _agency("A teacher of Northtown School: makes referrals", sample.SCHOOL),
    "police": _agency("An officer of Northtown Police: a partner agency", sample.POLICE),
    "health": _agency("A nurse of Northtown Health: a partner agency", sample.HEALTH),
    "worker": _worker("A worker of the Hub", sample.WORKERS[0]),
    "spoke-police": _worker("A Spoke worker, placed at the police", sample.WORKERS[1]),
    "spoke-school": _worker("A Spoke worker, placed at the school", sample.WORKERS[2]),
    "duty": _worker("The worker on duty at the Hub", sample.DUTY),
    "manager": SamplePerson(
        "The manager of North Hub",
        {"sub": "mg_north", "role": "hub_manager", "hub_id": sample.HUB},
    ),
    "second-manager": SamplePerson(
        "Another manager of North Hub: for what two people have to agree on",
        {"sub": "mg_north_two", "role": "hub_manager", "hub_id": sample.HUB},
    ),
    "other-hub": SamplePerson(
        "The manager of a second Hub, hub_south, once an operator has registered it",
        {"sub": "mg_south", "role": "hub_manager", "hub_id": "hub_south"},
    ),
    "coordinator": SamplePerson(
        "The coordinator of an area: chairs its MASE and MASH meetings",
        {"sub": "co_north", "role": "coordinator", "area_id": sample.AREA},
    ),
    "auditor": SamplePerson("An auditor", {"sub": "auditor_one", "role": "auditor"}),
    "operator": SamplePerson("An operator of the network", dict(sample.OPERATOR)),
}

# Those who write to us themselves: nobody signs in as them.
YOUNG = _agency("Young people who write themselves", sample.YOUNG).claims
