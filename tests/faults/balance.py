"""Whether the books balance: what was answered, what is stored, what the trail says and what was called
are held against one another. It reads APIs, databases and the receiver's log, nothing of the load's mind.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from shared.messaging.relay import Relay
from shared.operating.runner import Platform
from tests.faults.load import MARK, History
from tests.faults.stage import Stage
from tests.harness.allocators import check, policy
from tests.harness.network import SERVICES
from tests.harness.receiver import Receiver
from tests.harness.trails import writer

# What a referral's record says of where it stands, and what the case's record may say then.
AGREE: dict[str, set[str | None]] = {
    "received": {None, "seeking"},
    "waiting": {"waiting"},
    "allocated": {"offered", "handed_over", "accepted"},
    "withdrawn": {"closed", None},
    "in_progress": {"in_progress"},
    "on_hold": {"on_hold"},
    "closed": {"closed"},
}


async def balance(stage: Stage, history: History, receiver: Receiver) -> Counter[str]:
    """Everything that must hold once all is quiet. Returns what was counted; raises with all faults."""
    faults: list[str] = []
    trail = await _entries(stage)
    faults += _versions(trail)
    referrals = {r["_id"]: r async for r in stage.mongo_of("referral")["referrals"].find()}
    cases = {a["_id"]: a async for a in stage.mongo_of("allocation")["allocations"].find()}
    faults += _sent(history, referrals, trail)
    faults += _states(referrals, cases)
    faults += await _caseloads(stage, cases)
    faults += await _told(stage, receiver, history, trail)
    faults += await _log(stage)
    faults += await _marked(stage)
    assert not faults, "\n".join([f"{len(faults)} faults", *faults[:40]])
    return Counter(
        {
            "referrals": len(referrals),
            "entries": len(trail),
            "requests repeated": history.repeated,
            "calls of the webhook": len(receiver.calls),
            "notifications by webhook": len(receiver.told),
        }
    )


async def _entries(stage: Stage) -> list[dict[str, Any]]:
    seed = stage.environment("audit")["AUDIT_SIGNING_KEY"]
    leaves = await writer(stage.mongo_of("audit"), seed=seed).leaves()
    return [leaf["event"] for leaf in leaves]


def _versions(trail: list[dict[str, Any]]) -> list[str]:
    """No event twice, none missing: of every record the versions are 1 to the newest."""
    ids = Counter(event["id"] for event in trail)
    faults = [f"entry {one} is there {n} times" for one, n in ids.items() if n > 1]
    seen: dict[tuple[str, str], list[int]] = defaultdict(list)
    for event in trail:
        if event["type"] in ("trail.conflict", "trail.rejected", "trail.integrity_failed"):
            faults.append(f"the trail says {event['type']}: {event['data']}")
        if not event["type"].startswith("trail.") and event["source"] != "/services/test":
            seen[event["source"], event["subject"]].append(event["version"])
    for (source, subject), versions in seen.items():
        if sorted(versions) != list(range(1, len(versions) + 1)):
            faults.append(f"{source} {subject}: versions {sorted(versions)}")
    return faults


def _sent(
    history: History, referrals: dict[str, Any], trail: list[dict[str, Any]]
) -> Iterable[str]:
    """What was accepted is there, once; what nobody was told of is there at most once."""
    accepted = set(history.accepted.values())
    if len(accepted) != len(history.accepted):
        yield "two keys have one referral"
    received = Counter(e["subject"] for e in trail if e["type"] == "referral.received")
    references = Counter(str(r["_id"]) for r in referrals.values())
    for key, one in history.accepted.items():
        if one not in referrals or received[one] != 1:
            yield f"{key} ({one}): stored {references[one]} times, in the trail {received[one]}"
    for one in set(referrals) - accepted:
        yield f"{one} is there, and nobody was told of it"
    if len(referrals) > len(history.asked):
        yield f"{len(referrals)} referrals of {len(history.asked)} that were sent"


def _states(referrals: dict[str, Any], cases: dict[str, Any]) -> Iterable[str]:
    """No two services disagree about where a referral stands, and none stands still."""
    for one, referral in referrals.items():
        status, case = referral["status"], cases.get(one)
        said = case["status"] if case else None
        if said not in AGREE.get(status, set()):
            yield f"{one} is {status} for the referral service and {said} for allocation"
        if status == "received":
            yield f"{one} stands still: received, and no worker was looked for"


async def _caseloads(stage: Stage, cases: dict[str, Any]) -> list[str]:
    """Caseloads add up, no cap was passed, every decision is the same when it is made again."""
    from services.allocation.store import Stores

    database = stage.mongo_of("allocation")
    relay = Relay("allocation", None, lease=0)  # type: ignore[arg-type]  # it never runs
    try:
        await check(Stores.on(Platform(database, relay), policy()), list(cases))
    except AssertionError as error:
        return [f"caseloads: {error}"]
    return []


async def _told(
    stage: Stage, receiver: Receiver, history: History, trail: list[dict[str, Any]]
) -> list[str]:
    """Each notification ended once, each call has its row, and the school heard of all it sent."""
    database, faults = stage.mongo_of("notify"), []
    notifications = [n async for n in database["notifications"].find()]
    by_webhook = {n["_id"]: n for n in notifications if n.get("webhook")}
    ended = Counter(
        e["data"]["notification_id"]
        for e in trail
        if e["type"] in ("notification.delivered", "notification.failed")
    )
    for name, one in by_webhook.items():
        if one["webhook"]["status"] == "waiting":
            faults.append(f"{name} still waits for its webhook")
        if ended[name] != 1 and one["status"] != "retracted":
            faults.append(f"{name} ended {ended[name]} times")
    began = Counter[str]()
    async for row in database["attempts"].find({"step": "began", "channel": "webhook"}):
        began[row["notification_id"]] += 1
    calls = Counter(call.headers["webhook-id"] for call in receiver.calls)
    faults += [f"{n}: {c} calls, {began[n]} rows" for n, c in calls.items() if c > began[n]]
    heard = Counter(
        n["referral_id"]
        for n in notifications
        if n["kind"] == "referral_received" and n["recipient_kind"] == "agency"
    )
    for sent in history.accepted.values():
        if heard[sent] != 1:
            faults.append(f"the school heard {heard[sent]} times that {sent} was received")
    return faults


async def _log(stage: Stage) -> list[str]:
    """The log verifies, nothing lacks, nothing is parked."""
    answer = await stage.ask("auditor", "GET", "/v1/trail/integrity", params={"purpose": "audit"})
    found = answer.json()
    faults = [] if found["sound"] else ["the self-check found the trail changed"]
    return faults + [f"the trail lacks {one}" for one in found["missing"]]


async def _marked(stage: Stage) -> list[str]:
    """What identifies somebody is in no other database, and in no log."""
    faults = []
    for name in SERVICES:
        if name != "referral":
            database = stage.mongo_of(name)
            for collection in await database.list_collection_names():
                async for document in database[collection].find():
                    if MARK in json.dumps(document, default=_text):
                        faults.append(f"a mark in {name}.{collection} {document['_id']}")
                        break
    for log in stage.folder.glob("services.*.log"):
        if MARK in log.read_text(errors="replace"):
            faults.append(f"a mark in {log.name}")
    return faults


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
