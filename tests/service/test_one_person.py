"""One person is marked under all names they have, in whatever order the network learns of them."""

from collections.abc import AsyncIterator
from itertools import permutations
from typing import Any

import pytest
import pytest_asyncio

from allinone import sample
from tests.harness.mongo import Mongo
from tests.harness.network import a_referral
from tests.harness.waiting import until
from tests.harness.whole import Whole, whole

# What happens: they call as a manager, or as a worker; the worker, or the account, is marked.
ORDERS = [
    *permutations(("manager calls", "worker calls", "worker marked")),
    # An account can be marked once it has called as somebody.
    *(
        o
        for o in permutations(("manager calls", "worker calls", "account marked"))
        if o[0][0] != "a"
    ),
]


@pytest_asyncio.fixture(scope="module")
async def services(mongo: Mongo, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Whole]:
    async with whole(mongo.url, tmp_path_factory.mktemp("whole")) as made:
        yield made


@pytest.mark.parametrize("number", range(len(ORDERS)))
async def test_a_person_marked_under_one_name_reads_nothing_under_any(
    services: Whole, number: int
) -> None:
    order, who = ORDERS[number], f"person_{number}"
    path = await a_child(services, who)
    for step in order:
        await take(services, path, who, step)

    async def nothing_there() -> bool:
        answers = [await call(services, who, as_, path) for as_ in ("manager", "worker")]
        found = await services.ask("manager", "GET", f"{path}/sharing")
        marked = [name.partition(":")[0] for name in found.json()["unsafe_persons"]]
        return (answers, marked) == ([404, 404], ["account", "worker"])

    await until(nothing_there, deadline=20, what=f"nothing being there for them after {order}")


async def a_child(services: Whole, who: str) -> str:
    """A referral that the person would read as a manager; they are also a worker of the Hub."""
    worker: dict[str, Any] = {
        **sample.EVERY_WORKER,
        **{"worker_role": "hub_worker", "host_setting": "hub", "cap": 0},
    }
    await services.ask("operator", "PUT", f"/v1/workers/{who}", json=worker)
    subject = {"name": f"Child of {who}", "date_of_birth": "2011-02-03"}
    document = a_referral(agency_reference=who, subject=subject, urgency="ten_working_days")
    headers = {"Idempotency-Key": who}
    answer = await services.ask("school", "POST", "/v1/referrals", json=document, headers=headers)
    return f"/v1/referrals/{answer.json()['id']}"


async def take(services: Whole, path: str, who: str, step: str) -> None:
    name, what = step.split()
    if what == "calls":
        await call(services, who, name, path)
        return
    mark: dict[str, Any] = {"unsafe": True, "relation": "alleged_perpetrator"}
    to = f"unsafe-workers/{who}" if name == "worker" else "unsafe-accounts"
    body = mark if name == "worker" else {**mark, "sub": who}

    async def marked() -> bool:  # once the service has heard of them
        answer = await services.ask("manager", "PUT", f"{path}/{to}", json=body)
        return answer.is_success

    await until(marked, deadline=20, what=f"{step} of {who}")


async def call(services: Whole, who: str, as_: str, path: str) -> int:
    claims = (
        {"role": "worker", "worker_id": who}
        if as_ == "worker"
        else {"role": "hub_manager", "hub_id": sample.HUB}
    )
    services.tokens[who] = services.token(sub=who, **claims)
    return (await services.ask(who, "GET", path)).status_code


async def test_nobody_opens_a_record_to_an_agency_for_which_they_have_called(
    services: Whole,
) -> None:
    """One account with the tokens of two agencies, or of an agency and a Hub: all are one person."""
    both = {
        side: services.token(sub="both", **claims)
        for side, claims in {
            "school": {"role": "agency", "agency_id": sample.SCHOOL},
            "police": {"role": "agency", "agency_id": sample.POLICE},
            "manager": {"role": "hub_manager", "hub_id": sample.HUB},
        }.items()
    }
    services.tokens |= {f"both as {side}": token for side, token in both.items()}
    path = await a_child(services, "opened")
    for side in both:
        await services.ask(f"both as {side}", "GET", path)
    yes = {
        **{"status": "given", "agency_ids": [sample.POLICE], "given_by": "young_person"},
        **{"categories": ["existence", "concerns"], "gillick_competent": True},
    }

    async def record(person: str, key: str) -> Any:
        headers = {"Idempotency-Key": key}
        return await services.ask(person, "POST", f"{path}/consents", json=yes, headers=headers)

    recorded = await record("both as school", "one")
    assert recorded.status_code == 201, recorded.text
    seen = (await services.ask("police", "GET", path)).status_code
    confirmation = f"{path}/consents/{recorded.json()['id']}/confirmation"
    confirmed = {"confirmed": True, "reason": "asked_young_person"}
    by_itself = await services.ask("both as manager", "POST", confirmation, json=confirmed)
    basis = {
        **{"basis": "public_task", "condition": "safeguarding", "agency_ids": [sample.POLICE]},
        **{"categories": ["existence"], "reason": "Synthetic.", "necessity": "Synthetic."},
        **{"review_at": "2027-01-01T00:00:00Z", "subject_told": True},
    }
    decided = await services.ask(
        "both as manager", "POST", f"{path}/bases", json=basis, headers={"Idempotency-Key": "basis"}
    )
    by_another = await services.ask("manager", "POST", confirmation, json=confirmed)

    assert seen == 404
    assert (by_itself.status_code, by_itself.json()["code"]) == (409, "gains_by_it")
    assert (decided.status_code, decided.json()["code"]) == (409, "gains_by_it")
    assert by_another.is_success

    async def opened() -> bool:  # once a Hub has the referral, whose agreement it is
        return (await services.ask("police", "GET", path)).is_success

    await until(opened, deadline=20, what="the police reading what was confirmed")


async def test_a_mark_is_never_one_persons_word_alone(services: Whole) -> None:
    """The Hub hears of each, of an account the operators, too; a manager lifts it; and who is marked
    does not have the Hub's mail sent elsewhere."""
    services.tokens["second"] = services.token(
        sub="second manager", role="hub_manager", hub_id=sample.HUB
    )
    referral_id = services.ids["referral_id"]
    worker_id = services.ids["worker_id"]
    services.tokens["on the case"] = services.token(
        sub="on the case", role="worker", worker_id=worker_id
    )
    path = f"/v1/referrals/{referral_id}"
    mark: dict[str, Any] = {"unsafe": True, "relation": "close_associate", "sub": "second manager"}
    assert (await services.ask("second", "GET", path)).status_code == 200

    async def marked() -> bool:  # once the service has heard of the account
        answer = await services.ask("on the case", "PUT", f"{path}/unsafe-accounts", json=mark)
        return answer.is_success

    await until(marked, deadline=20, what="the mark of an account that was seen")
    for person in ("manager", "operator"):

        async def told(person: str = person) -> bool:
            inbox = await services.ask(person, "GET", "/v1/notifications?limit=100")
            kinds = {(n["kind"], n["referral_id"]) for n in inbox.json()["notifications"]}
            return ("safety_mark_changed", referral_id) in kinds

        await until(told, deadline=20, what=f"the {person} being told")
    hub = f"/v1/subscriptions/{sample.HUB}"
    mailbox = {"email": "own.mailbox@home.example"}
    moved = await services.ask("second", "PUT", hub, json=mailbox)
    lifted = {**mark, "unsafe": False}
    by_worker = await services.ask("on the case", "PUT", f"{path}/unsafe-accounts", json=lifted)
    by_manager = await services.ask("manager", "PUT", f"{path}/unsafe-accounts", json=lifted)

    assert (moved.status_code, moved.json()["code"]) == (409, "somebody_else")
    assert (by_worker.status_code, by_worker.json()["code"]) == (409, "manager_lifts")
    assert by_manager.is_success
    assert (await services.ask("second", "GET", path)).status_code == 200
