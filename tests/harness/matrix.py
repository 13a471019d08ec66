"""Who stands how to a thing of each kind, and how to come by it: for `tests/system/test_access_matrix.py`.

A new route needs a line in `READS`, or in `ROUTES` of `tests/harness/refused_routes.py`; a new kind
of thing, or a new relation, a person in `WHO`. The test says which cell is missing.
"""

import re
from collections.abc import Mapping
from typing import Any

from allinone import sample
from allinone.embedded import ISSUER
from shared.ids import new_id
from shared.rules.relations import Kind, Relation
from shared.web.accounts import Accounts
from tests.harness.network import Network
from tests.harness.refused_routes import (
    AGREEMENT,
    AREA,
    BASIS,
    HUB,
    PERSONS,
    REPORT,
    SOMEBODY,
    WORKER,
    referral_of,
)
from tests.harness.waiting import until
from tests.harness.world import World

MORE: dict[str, dict[str, str]] = {
    "second_worker": {"sub": "wk_two", "role": "worker", "worker_id": "wk_east_two", "hub_id": HUB},
    "colleague": {"sub": "ag_school_two", "role": "agency", "agency_id": sample.SCHOOL},
    "gone_agency": {"sub": "ag_gone", "role": "agency", "agency_id": "ag_gone"},
    "gone_worker": {"sub": "wk_gone", "role": "worker", "worker_id": "wk_gone", "hub_id": HUB},
    "nowhere_manager": {"sub": "mg_gone", "role": "hub_manager", "hub_id": "hub_nowhere"},
    "marked_agency": {"sub": "x|Police@example.org", "role": "agency", "agency_id": sample.POLICE},
    "marked_worker": {"sub": "wk_marked", "role": "worker", "worker_id": "wk_marked"},
    "hosted_worker": {"sub": "wk_hosted", "role": "worker", "worker_id": "wk_hosted"},
    "marked_manager": {"sub": "mg|MARKED@example.org", "role": "hub_manager", "hub_id": HUB},
    "other_coordinator": {"sub": "co_south", "role": "coordinator", "area_id": "southby"},
    "marked_coordinator": {"sub": "co_marked", "role": "coordinator", "area_id": AREA},
    "marked_auditor": {"sub": "au_marked", "role": "auditor"},
    "marked_operator": {"sub": "op_marked", "role": "operator"},
}
EVERYBODY = {**PERSONS, **MORE}
LEFT = ("gone_agency", "gone_worker", "nowhere_manager")
# One of each way to be marked: the referrer, a partner, a worker, their host, any account.
UNSAFE = (
    *("school", "marked_agency", "marked_worker", "hosted_worker"),
    *("marked_manager", "marked_coordinator", "marked_auditor", "marked_operator"),
)
UNSAFE_ACCOUNTS = ("marked_manager", "marked_coordinator", "marked_auditor", "marked_operator")
People = Mapping[Relation, tuple[str, ...]]

_WATCHERS: People = {"auditor": ("auditor",), "operator": ("operator",), "left": LEFT}
_LEADERS: People = {
    **{"manager_of_hub": ("east_manager",), "other_manager": ("manager",)},
    "other_coordinator": ("other_coordinator",),
}
_AROUND: People = {
    "referrer": ("school",),
    "partner": ("police",),
    "other_agency": ("stranger",),
    "worker_on_case": ("east_worker",),
    "worker_holding": ("second_worker",),
    "worker_before": ("east_worker",),
    "worker_of_hub": ("second_worker",),
    "other_worker": ("other_worker",),
    "unsafe": UNSAFE,
    **_LEADERS,
    **_WATCHERS,
}
_OF_A_HUB: People = {
    "other_agency": ("police",),
    "worker_of_hub": ("second_worker",),
    "other_worker": ("other_worker",),
    **_LEADERS,
    **_WATCHERS,
}
_RECIPIENT: People = {
    "own_agency": ("school",),
    "other_agency": ("police",),
    "worker_in_person": ("east_worker",),
    "other_worker": ("worker",),
    "coordinator_of_area": ("coordinator",),
    "outsider": ("operator",),
    **_LEADERS,
    **_WATCHERS,
}
WHO: Mapping[Kind, People] = {
    "own": {
        "own_agency": ("school",),
        "worker_in_person": ("east_worker",),
        "manager_of_hub": ("east_manager",),
        "coordinator_of_area": ("coordinator",),
        **_WATCHERS,
    },
    "draft": {
        "own_agency": ("school",),
        "colleague": ("colleague",),
        "other_agency": ("police",),
        "other_worker": ("other_worker",),
        "other_manager": ("manager",),
        "other_coordinator": ("other_coordinator",),
        **_WATCHERS,
    },
    "report": {
        "own_agency": ("school",),
        "partner": ("police",),
        "other_agency": ("stranger",),
        "worker_in_person": ("east_worker",),
        "worker_on_case": ("east_worker",),
        "other_worker": ("other_worker",),
        "coordinator_of_area": ("coordinator",),
        "unsafe": UNSAFE,
        **_LEADERS,
        **_WATCHERS,
    },
    "link": {
        "other_agency": ("school",),
        "other_worker": ("east_worker",),
        "coordinator_of_area": ("coordinator",),
        "unsafe": UNSAFE,
        **_LEADERS,
        **_WATCHERS,
    },
    "area": {
        "partner": ("police",),
        "other_agency": ("stranger",),
        "other_worker": ("other_worker",),
        "coordinator_of_area": ("coordinator",),
        **_LEADERS,
        **_WATCHERS,
    },
    "referral": _AROUND,
    "case": _AROUND,
    "stranded": {**_AROUND, "other_manager": ("east_manager", "manager")},
    "transfer": {**_OF_A_HUB, "unsafe": UNSAFE},
    "answer": {**_OF_A_HUB, "manager_of_hub": ("other_manager",), "unsafe": UNSAFE},
    "plan": {**_OF_A_HUB, "unsafe": UNSAFE},
    "agency": {**_OF_A_HUB, "own_agency": ("health",)},
    "agreement": {**_OF_A_HUB, "own_agency": ("school",)},
    "advice": {**_OF_A_HUB, "own_agency": ("school",)},
    "hub": _OF_A_HUB,
    "worker": {**_OF_A_HUB, "worker_in_person": ("full_worker",)},
    "notice": {**_RECIPIENT, "unsafe": UNSAFE},
    "mailing": _RECIPIENT,
    "trail": {**_RECIPIENT, "unsafe": ("marked_manager",)},
    "entry": {**_RECIPIENT, "unsafe": UNSAFE},
}
# The kind and id under which somebody is told.
RECIPIENTS = {
    "school": ("agency", sample.SCHOOL),
    "marked_agency": ("agency", sample.POLICE),
    "east_worker": ("worker", "wk_east"),
    "marked_worker": ("worker", "wk_marked"),
    "hosted_worker": ("worker", "wk_hosted"),
    "east_manager": ("hub", HUB),
    "marked_manager": ("hub", HUB),
    "coordinator": ("coordinator", AREA),
    "marked_coordinator": ("coordinator", AREA),
    "operator": ("operator", "operator"),
    "marked_operator": ("operator", "operator"),
}
_REFERRAL, _NOTICE, _PLAN, _REPORT, _LINK = (
    rf"{start}_[0-9a-f]{{32}}" for start in ("ref", "ntf", "plan", "rep", "lnk")
)
# Where somebody stands so to another thing than the one in the path: what is replaced in it, and by
# which of the world's ids.
ELSEWHERE: Mapping[tuple[Kind, Relation], tuple[str, str]] = {
    ("report", "worker_in_person"): (_REPORT, "report_{person}"),
    ("link", "unsafe"): (_LINK, "marked_link_{person}"),
    ("report", "unsafe"): (_REPORT, "marked_report_{person}"),
    ("referral", "partner"): (_REFERRAL, "open"),
    ("case", "partner"): (_REFERRAL, "open"),
    ("referral", "worker_holding"): (_REFERRAL, "with_duty"),
    ("case", "worker_holding"): (_REFERRAL, "with_duty"),
    ("referral", "worker_before"): (_REFERRAL, "closed"),
    ("case", "worker_before"): (_REFERRAL, "closed"),
    ("referral", "unsafe"): (_REFERRAL, "marked_case_{person}"),
    ("case", "unsafe"): (_REFERRAL, "marked_case_{person}"),
    ("trail", "unsafe"): (_REFERRAL, "marked_case_{person}"),
    ("stranded", "unsafe"): (_REFERRAL, "stranded_marked"),
    ("transfer", "unsafe"): (_REFERRAL, "marked_case_{person}"),
    ("answer", "unsafe"): (_REFERRAL, "marked_case_{person}"),
    ("plan", "unsafe"): (_PLAN, "marked_plan"),
    ("notice", "worker_in_person"): (_NOTICE, "notice_{person}"),
    ("notice", "manager_of_hub"): (_NOTICE, "notice_{person}"),
    ("notice", "coordinator_of_area"): (_NOTICE, "notice_{person}"),
    ("notice", "operator"): (_NOTICE, "notice_{person}"),
    ("notice", "unsafe"): (_NOTICE, "notice_{person}"),
    ("mailing", "worker_in_person"): (sample.SCHOOL, "name_{person}"),
    ("mailing", "manager_of_hub"): (sample.SCHOOL, "name_{person}"),
    ("mailing", "coordinator_of_area"): (sample.SCHOOL, "name_{person}"),
    ("mailing", "operator"): (sample.SCHOOL, "name_{person}"),
    ("entry", "unsafe"): (r"\d+$|evt_[0-9a-f]{32}", "marked_{what}"),
}


def path_for(kind: Kind, relation: Relation, person: str, path: str, ids: Mapping[str, str]) -> str:
    """The path of the thing of this kind to which the person stands so."""
    if (kind, relation) not in ELSEWHERE:
        return path
    pattern, key = ELSEWHERE[kind, relation]
    what = "event" if "/events/" in path else "seq"
    return re.sub(pattern, ids[key.format(person=person, what=what)], path, count=1)


async def set_up(world: World) -> None:
    """Everything that a cell needs and that `made_world` has not."""
    do, ids, network = world.do, world.ids, world.network
    await _a_partner(world)
    await do("operator", "PUT", "/v1/agencies/ag_gone", {"name": "x", "kind": "8", "active": False})
    for case in ("stranded", "stranded_marked"):
        (await network.refer(case, area="nowhere")).raise_for_status()
        ids[case] = referral_of(case)
    for person, (_, one) in RECIPIENTS.items():
        ids[f"name_{person}"] = one
        if not person.startswith(("marked", "hosted")):
            await do(person, "PUT", f"/v1/subscriptions/{one}", {})
    await network.quiet()
    own = {**REPORT, "referral_id": ids["open"]}
    made = await do("east_worker", "POST", "/v1/intelligence", own, **{"Idempotency-Key": "own"})
    ids["report_east_worker"] = made["id"]
    await _mark(world)
    await _notices(world)
    await _the_trail(world)
    await network.quiet()


async def _a_partner(world: World) -> None:
    """The police know of some referrals, by a basis that names them and an agreement."""
    terms = {**AGREEMENT, "parties": [sample.POLICE, HUB], "grounds": ["public_task", "consent"]}
    terms["categories"] = ["existence", "risk", "intelligence"]
    terms["purposes"] = ["safeguarding", "prevention_of_crime"]
    await world.do("operator", "PUT", "/v1/agreements/isa_police", terms)
    for person in ("police", "east_manager"):
        path = "/v1/agreements/isa_police/signatures"
        await world.do(person, "POST", path, {"version": 1})


async def _mark(world: World) -> None:
    """Two referrals of which each marked person would read everything, were they not marked."""
    do, ids, network = world.do, world.ids, world.network
    for worker, host in (("wk_marked", None), ("wk_hosted", "ag_host")):
        entry = {**WORKER, "areas": ["farther"], "host_agency_id": host}
        await do("operator", "PUT", f"/v1/workers/{worker}", entry)
    for case in ("marked", "hosted", "with_duty"):
        answer = await network.refer(case, area="eastby", subject={"name": f"Child {case}"})
        answer.raise_for_status()
        ids[case] = referral_of(case)
        path = f"/v1/referrals/{ids[case]}"

        async def allocated(path: str = path) -> bool:
            return bool((await do("school", "GET", path))["status"] == "allocated")

        await until(allocated, deadline=30, what=f"the allocation of {case}")
        key = {"Idempotency-Key": "basis"}
        await do("second_manager", "POST", f"{path}/bases", BASIS, **key)
        named = {**REPORT, "referral_id": ids[case]}
        named["mentions"] = [{**SOMEBODY, "values": {"name": f"Nobody {case}"}}]
        for number in "12":
            key = {"Idempotency-Key": f"{case} {number}"}
            made = await do("school", "POST", "/v1/intelligence", named, **key)
        ids[f"{case}_report"] = made["id"]
    await network.quiet()
    mark, path = {"unsafe": True, "relation": "close_associate"}, f"/v1/referrals/{ids['marked']}"
    for agency in (sample.SCHOOL, sample.POLICE):
        await do("second_manager", "PUT", f"{path}/unsafe-agencies/{agency}", mark)
    await do("second_manager", "PUT", f"{path}/unsafe-workers/wk_marked", mark)
    for person in UNSAFE_ACCOUNTS:
        body = {**mark, "sub": EVERYBODY[person]["sub"]}
        await do("second_manager", "PUT", f"{path}/unsafe-accounts", body)
    hosted = f"/v1/referrals/{ids['hosted']}/unsafe-agencies/ag_host"
    await do("second_manager", "PUT", hosted, mark)
    await network.quiet()
    ids |= {f"marked_case_{person}": ids["marked"] for person in UNSAFE}
    ids["marked_case_hosted_worker"] = ids["hosted"]
    ids |= {f"marked_report_{person}": ids["marked_report"] for person in UNSAFE}
    ids["marked_report_hosted_worker"] = ids["hosted_report"]
    for case in ("marked", "hosted"):
        named = {"report_ids": ids[f"{case}_report"]}
        link = await network.mongo_of("referral")["link_nodes"].find_one(named) or {}
        ids[f"{case}_link"] = link["_id"]
    ids |= {f"marked_link_{person}": ids["marked_link"] for person in UNSAFE}
    ids["marked_link_hosted_worker"] = ids["hosted_link"]
    await _would_have_it(network, ids)


async def _would_have_it(network: Network, ids: dict[str, str]) -> None:
    """As in the moment between a mark and its event: the marked worker still has the case, and
    what they were told; the marked manager's plan moves it, and they would propose and answer its
    transfer; the operator's duty is its child."""
    referrals, cases = network.mongo_of("referral"), network.mongo_of("allocation")
    proposed = await referrals["referrals"].find_one({"_id": ids["proposed"]}) or {}
    both = {**proposed["transfer"], "from_hub_id": HUB, "to_hub_id": HUB}
    for case in ("marked", "hosted"):
        await referrals["referrals"].update_one({"_id": ids[case]}, {"$set": {"transfer": both}})
    for case, worker in (("marked", "wk_marked"), ("hosted", "wk_hosted")):
        for kept in (referrals["referrals"], cases["allocations"]):
            await kept.update_one({"_id": ids[case]}, {"$set": {"worker_id": worker}})
    # As while the Hub has nobody: it waits, and the duty worker holds it.
    waits = {"status": "waiting", "worker_id": None, "holder_id": "wk_east_two"}
    await referrals["referrals"].update_one({"_id": ids["with_duty"]}, {"$set": waits})
    await cases["allocations"].update_one(
        {"_id": ids["with_duty"]}, {"$set": {**waits, "with_manager": True}}
    )
    plan = await cases["plans"].find_one({"_id": ids["plan"]}) or {}
    moves = [{**plan["moves"][0], "referral_id": ids["marked"]}]
    ids["marked_plan"] = new_id("plan")
    await cases["plans"].insert_one({**plan, "_id": ids["marked_plan"], "moves": moves})
    stranded = await referrals["referrals"].find_one({"_id": ids["stranded_marked"]}) or {}
    name = f"account:{account(network, 'marked_operator')}"
    marks = [{"name": name, "unsafe": True, "at": stranded["received_at"]}]
    await referrals["subjects"].update_one(
        {"_id": stranded["subject_id"]},
        {"$set": {f"facts.{stranded['_id']}.marks": marks, "unsafe": [name]}},
    )


def account(network: Network, person: str) -> str:
    """The account of a person, as the services write it down."""
    key = network.keys.secret("auth_account", 32)
    return Accounts(key, ISSUER).of(EVERYBODY[person]["sub"])


async def _notices(world: World) -> None:
    """A notification in the inbox of each recipient; about the marked young person, of the marked."""
    notes = world.network.mongo_of("notify")["notifications"]
    for person in {*RECIPIENTS, *UNSAFE}:
        kind, one = RECIPIENTS.get(person, ("agency", "ag_elsewhere"))
        case = world.ids.get(f"marked_case_{person}", world.ids["open"])
        found = await notes.find_one({"referral_id": case, "status": "delivered"})
        found = found or await notes.find_one({"referral_id": case}) or {}
        copied: dict[str, Any] = {**found, "_id": new_id("ntf"), "status": "delivered"}
        copied |= {"recipient_kind": kind, "recipient_id": one, "recipient": f"{kind}:{one}"}
        copied = {k: v for k, v in copied.items() if not k.endswith("_due")}
        await notes.insert_one(copied)
        world.ids[f"notice_{person}"] = copied["_id"]


async def _the_trail(world: World) -> None:
    """An entry that the school is told of, and one that it would be; an export; a checkpoint."""
    ids, entries = world.ids, world.network.mongo_of("audit")["entries"]
    for case, prefix in (("open", ""), ("marked", "marked_")):
        keys = [f"referral_id:{ids[case]}", f"informed:{sample.SCHOOL}"]
        found = await entries.find_one({"fields.keys": {"$all": keys}}) or {}
        ids[f"{prefix}seq"], ids[f"{prefix}event"] = str(found["seq"]), str(found["_id"])
    asked = {"referral_id": ids["open"]}
    made = await world.do("auditor", "POST", "/v1/exports?purpose=inspection", asked)
    ids["export"] = made["id"]
    ids["size"] = str(made["size"])
    ids["tile"] = "0/000" if made["size"] >= 256 else f"0/000.p/{made['size']}"
