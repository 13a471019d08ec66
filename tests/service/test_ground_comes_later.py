"""Who decides on a match and calls for an agency, too: whenever the ground comes by which the agency
would gain, it reads nothing by that decision, until somebody else decides."""

from itertools import permutations, product

import pytest

from tests.harness.waiting import until
from tests.harness.whole import Whole
from tests.service import test_order_of_calling as order_of_calling
from tests.service.test_attack_person import a_case, a_worker
from tests.service.test_order_of_calling import CALLS_AS, DECISIONS, MANAGES, Two, known

services = order_of_calling.services
STEPS = ("decides", "calls", "ground")
CASES = list(product(DECISIONS, CALLS_AS, permutations(STEPS)))
# By a join the yes of one counts for both; by a part the no of the other counts for one no more.
GROUND = {"same_person": "given", "different_people": "refused"}


async def a_pair(services: Whole, key: str, decision: str) -> Two:
    """Two referrals by which the police gain nothing, whatever is decided. Where they are to be parted
    they are one child's, with a yes."""
    await a_worker(services, f"wk_{key.replace(' ', '_')}"[:40], f"{key} works", cap=20)
    two = Two(services, key, decision)
    two.one, two.two = [await a_case(services, f"{key} {n}") for n in "12"]
    if decision == "different_people":
        await two.record(two.one, "given")
        assert (await two.decide("manager", "same_person"))[0] == 200
        await until(lambda: both_read(two), deadline=20, what="the yes counting for both")
    return two


async def both_read(two: Two) -> bool:
    paths = (f"/v1/referrals/{each}" for each in (two.one, two.two))
    return {(await two.services.ask("police", "GET", path)).status_code for path in paths} == {200}


@pytest.mark.parametrize("number", range(len(CASES)))
async def test_a_ground_that_comes_later_opens_nothing_by_the_decision_of_who_calls_for_them(
    services: Whole, number: int
) -> None:
    decision, side, order = CASES[number]
    key = f"later {number}"
    decider, caller = f"{key} decides", f"{key} calls"
    services.tokens[decider] = services.token(sub=key, **MANAGES)
    services.tokens[caller] = services.token(sub=key, **CALLS_AS[side])
    two = await a_pair(services, key, decision)
    refused, done = False, set[str]()
    for step in order:
        if step == "ground":
            on = two.one if decision == "same_person" else two.two
            await two.record(on, GROUND[decision])
        elif step == "calls":
            await services.ask(caller, "GET", f"/v1/referrals/{two.gained}")
            await until(lambda: known(services, key), deadline=20, what="it being known")
        else:
            answer = await two.decide(decider, decision)
            refused = {"calls", "ground"} <= done
            assert answer == ((409, "gains_by_it") if refused else (200, None))
        done.add(step)
        if {"decides", "calls"} <= done and not refused:
            if step == "calls":
                await until(two.closed, deadline=20, what="the record being closed")
                await until(two.waits_again, deadline=20, what="the match waiting again")
            assert await two.closed()  # at once: nothing is read in between

    if not refused:
        await until(two.waits_again, deadline=20, what="the match waiting again")
    assert {await two.seen_by(who) for who in ("police", caller)} == {404}
    assert (await two.decide(decider, decision))[0] == 409
    assert await two.closed()
    assert (await two.decide("manager", decision))[0] == 200
    await until(two.opened, deadline=20, what="the police reading what somebody else decided")
