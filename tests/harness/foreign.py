"""Requests that name something of somebody else, each with its twin that names nothing: the answer
must be the same. Every id of every route, as the committed OpenAPI documents list them."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from allinone import sample
from services.referral.matches.rule import Compared
from shared.clock import now
from shared.ids import new_id
from tests.harness.network import SERVICES
from tests.harness.refusals import NO_ID, SPECS, Request
from tests.harness.refused_routes import ANY_TAG, GOAL, HUB
from tests.harness.waiting import until
from tests.harness.world import World

NAMES = re.compile(
    r"(_ids?|desk)$|^(parties|agency|recipient|worker|actor|asked|after|cursor|last-event-id)$"
)
# Whoever may know who is there: not asked about, and why.
OPEN: Mapping[tuple[str, str], str] = {
    ("POST /v1/referrals/{referral_id}/consents", "agency_ids"): "who is named must be registered",
    ("POST /v1/referrals/{referral_id}/bases", "agency_ids"): "who is named must be registered",
    ("PUT /v1/agreements/{agreement_id}", "parties"): "a Hub's managers list the agencies",
    ("PUT /v1/workers/{worker_id}", "host_agency_id"): "a Hub's managers list the agencies",
    ("GET /v1/referrals/{referral_id}/sharing/decision", "agency_id"): (
        "workers and managers see every agency's entry"
    ),
    ("PUT /v1/referrals/{referral_id}/unsafe-agencies/{agency_id}", "agency_id"): (
        "a mark on somebody unknown would protect nobody"
    ),
    ("PUT /v1/referrals/{referral_id}/unsafe-workers/{worker_id}", "worker_id"): (
        "a mark on somebody unknown would protect nobody"
    ),
    ("GET /v1/hubs", "cursor"): "every Hub's entry is open to the network",
    ("GET /v1/directory", "cursor"): "who shows themselves is open to the network",
    ("GET /v1/directory/hubs", "cursor"): "every Hub's entry is open to the network",
    ("GET /v1/workers", "cursor"): "a place in one's own list, of any text",
    ("GET /v1/leave-requests", "cursor"): "a place in one's own list, of any text",
    ("GET /v1/referrals", "cursor"): "not an id",
    ("GET /v1/drafts", "cursor"): "not an id",
    ("GET /v1/advice", "cursor"): "not an id",
    ("GET /v1/participation/replies", "cursor"): "everybody may know it",
    ("GET /v1/intelligence", "cursor"): "not an id",
    ("GET /v1/stranded", "cursor"): "not an id",
    ("GET /v1/transfers", "cursor"): "not an id",
    ("POST /v1/referrals/{referral_id}/transfer", "to_hub_id"): (
        "every Hub's entry is open to the network"
    ),
    ("GET /v1/cases", "cursor"): "not an id",
    ("GET /v1/closed-cases", "cursor"): "not an id",
    ("GET /v1/agreements", "cursor"): "not an id",
    ("GET /v1/handover-plans", "cursor"): "not an id",
    ("GET /v1/notifications/unread-first", "cursor"): "not an id",
    ("GET /v1/subscriptions/{recipient_id}/attempts", "cursor"): "not an id",
    ("GET /v1/areas", "cursor"): "every area is open to the network",
    ("GET /v1/trail", "cursor"): "not an id",
}
# Of these a body has one.
EITHER = {
    "POST /v1/handover-plans": ("worker_id", "host_agency_id"),
    "POST /v1/referrals/{referral_id}/match-decisions": ("other_referral_id", "match_id"),
}


@dataclass(frozen=True)
class Twins:
    """The same request, of something foreign and of nothing; `ids` are what differs."""

    label: str
    foreign: Request
    nothing: Request
    ids: tuple[str, str]


def values(ids: Mapping[str, str], *, marked: bool) -> dict[str, tuple[Any, Any]]:
    """What each name means: of somebody else, and nothing. To who is marked, the young person's."""
    referral = ids["marked"] if marked else ids["foreign"], f"ref_{NO_ID}"
    agency, worker = (sample.HEALTH, "ag_nobody"), ("wk_hub_one", "wk_nobody")
    # One who asks for nothing here: who was refused what is a Hub's own, that Hub may know.
    silent = ("wk_spoke_one", "wk_nobody")
    subject = ids["marked_subject" if marked else "foreign_subject"], f"sub_{NO_ID}"
    inbox = ids["notice_marked_agency"], f"ntf_{NO_ID}"
    return {
        "referral_id": referral,
        "other_referral_id": referral,
        "asked": referral,
        "cursor": referral,
        "subject_id": subject,
        "basis_id": (ids["foreign_basis"], f"bas_{NO_ID}"),
        "consent_id": (ids["foreign_consent"], f"con_{NO_ID}"),
        "agency_id": agency,
        "agency": agency,
        "recipient": agency,
        "recipient_id": agency,
        "host_agency_id": agency,
        "agency_ids": ([agency[0]], [agency[1]]),
        "parties": ([agency[0], HUB], [agency[1], HUB]),
        "worker_id": worker,
        "worker": silent,
        "duty_worker_id": worker,
        "duty_desk": (f"worker:{worker[0]}", f"worker:{worker[1]}"),
        "actor": (f"worker:{silent[0]}", f"worker:{silent[1]}"),
        "goal_id": (ids["foreign_goal"], f"goal_{NO_ID}"),
        "request_id": (ids["foreign_leave"], f"lv_{NO_ID}"),
        "match_id": (ids["foreign_match"], f"pm_{NO_ID}"),
        "hub_id": (sample.HUB, "hub_nobody"),
        "after": inbox,
        "last-event-id": inbox,
    }


def places() -> Iterator[tuple[str, str, str]]:
    """Route, part of the request and name of every id in it but the first of a path: the matrix asks
    about that."""
    for service in SERVICES:
        spec = json.loads((SPECS / f"{service}.json").read_text("utf-8"))
        schemas = spec["components"]["schemas"]
        for template, methods in spec["paths"].items():
            first = template.partition("{")[2].partition("}")[0]
            for method, operation in methods.items():
                route = f"{method.upper()} {template}"
                for each in operation.get("parameters", ()):
                    if each["name"] != first and NAMES.search(each["name"]):
                        yield route, each["in"], each["name"]
                body = operation.get("requestBody", {}).get("content", {})
                for content in body.values():
                    named = content["schema"].get("$ref", "").rpartition("/")[2]
                    for name in schemas.get(named, {}).get("properties", {}):
                        if NAMES.search(name):
                            yield route, "body", name


def twins(
    route: str, part: str, name: str, good: Request, found: Mapping[str, tuple[Any, Any]]
) -> Twins:
    """The two requests for one place."""
    foreign, nothing = found[name]
    put = {"path": _in_path, "query": _in_query, "header": _in_header, "body": _in_body}[part]
    one, other = (put(route, name, good, value) for value in (foreign, nothing))
    if "Idempotency-Key" in good.headers:  # the bodies differ
        one = replace(one, headers={**one.headers, "Idempotency-Key": f"{name} of {good.by}"})
        other = replace(
            other, headers={**other.headers, "Idempotency-Key": f"no {name} of {good.by}"}
        )
    said = foreign[0] if isinstance(foreign, list) else foreign
    unsaid = nothing[0] if isinstance(nothing, list) else nothing
    return Twins(f"{route} {name} by {good.by}", one, other, (said, unsaid))


def _in_path(route: str, name: str, good: Request, value: Any) -> Request:
    parts = route.partition(" ")[2].split("/")
    path = good.path.split("/")
    path[parts.index(f"{{{name}}}")] = value
    return replace(good, path="/".join(path))


def _in_query(_: str, name: str, good: Request, value: Any) -> Request:
    path, _, query = good.path.partition("?")
    return replace(good, path=f"{path}?{urlencode({**dict(parse_qsl(query)), name: value})}")


def _in_header(_: str, name: str, good: Request, value: Any) -> Request:
    return replace(good, headers={**good.headers, name: value})


def _in_body(route: str, name: str, good: Request, value: Any) -> Request:
    document = {**json.loads(good.content or b"{}"), name: value}
    rivals = EITHER.get(route, ())
    if name in rivals:
        document = {n: v for n, v in document.items() if n == name or n not in rivals}
    return replace(good, content=json.dumps(document).encode())


async def set_up_foreign(world: World) -> None:
    """A referral of another agency at another Hub, with a basis and a consent."""
    do, ids = world.do, world.ids
    sent = {
        "agency_reference": "foreign",
        "urgency": "same_day",
        "area": "northtown",
        "referrer": {"name": "Sample Referrer", "role": "nurse", "contact": "n@health.example"},
        "subject": {"name": "Foreign Child", "date_of_birth": "2011-03-17"},
    }
    key = {"Idempotency-Key": "foreign"}
    ids["foreign"] = (await do("health", "POST", "/v1/referrals", sent, **key))["id"]
    path = f"/v1/referrals/{ids['foreign']}"

    async def placed() -> bool:
        return bool((await do("health", "GET", path))["status"] == "allocated")

    await until(placed, deadline=30, what="the foreign referral being allocated")
    basis = {
        **{"basis": "public_task", "condition": "safeguarding", "agency_ids": [sample.POLICE]},
        **{"categories": ["existence"], "reason": "Synthetic.", "necessity": "Synthetic."},
        **{"review_at": "2027-01-01T00:00:00Z", "subject_told": True},
    }
    based = await do("manager", "POST", f"{path}/bases", basis, **key)
    ids["foreign_basis"] = based["bases"][0]["id"]
    consent = {
        **{"status": "given", "agency_ids": [sample.HEALTH], "categories": ["existence"]},
        **{"given_by": "young_person", "gillick_competent": True},
    }
    said = await do("health", "POST", f"{path}/consents", consent, **key)
    ids["foreign_consent"] = said["id"]
    goal = await do("manager", "POST", f"{path}/goals", GOAL, **key, **ANY_TAG)
    ids["foreign_goal"] = goal["id"]
    matches = world.network.mongo_of("referral")["possible_matches"]
    ids["foreign_match"] = new_id("pm")
    match: dict[str, Any] = {
        "_id": ids["foreign_match"],
        "referral_ids": [ids["foreign"], ids["marked"]],
    }
    match |= {"since": now(), "open": False, "revision": 0, "compared": Compared().model_dump()}
    await matches.insert_one(match)
    for case in ("foreign", "marked"):
        referrals = world.network.mongo_of("referral")["referrals"]
        found = await referrals.find_one({"_id": ids[case]}) or {}
        ids[f"{case}_subject"] = str(found["subject_id"])
