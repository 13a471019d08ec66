"""Young people stored by the release before facts belonged to referrals: made so when it starts.

What was recorded is known of the young person only. It becomes the facts of their first referral;
lawful-basis decisions name their own. Ages and descriptions are read from the referrals. An event
tells nothing new, so there is none. Every replica may do it at once, and again.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.referral.people.age import Age, age_of
from services.referral.people.finding import details_of
from services.referral.people.telling import Description, describe
from services.referral.sharing.facts import AGENCY, Facts, Marked, ServiceAnswer
from services.referral.sharing.subject import Subject
from services.referral.store import Stores
from shared.clock import now
from shared.rules.sharing import Basis, SharingState
from shared.storage.store import Document

EARLIER = {"facts": {"$exists": False}}
GONE = (
    *("referral_ids", "sharing", "service_agreement", "not_same_as", "unsafe_persons"),
    *("sealed_reasons", "described"),
)
Who = Mapping[str, tuple[Age | None, Description | None]]


async def upgrade(stores: Stores) -> None:
    """Give every young person of before their facts. One of before that is changed by an older
    replica meanwhile is left for the next start: stop those first."""
    collection = stores.subjects.collection
    async for found in collection.find(EARLIER, {"_id": 1}):
        document = await collection.find_one({"_id": found["_id"], **EARLIER})
        if document is None:
            continue
        apart = await collection.find(
            {"_id": {"$in": list(document.get("not_same_as", ()))}}, {"referral_ids": 1, "facts": 1}
        ).to_list()
        others = [i for o in apart for i in (*o.get("referral_ids", ()), *o.get("facts", {}))]
        facts = facts_of(document, await _who(stores, document), others, now())
        subject = Subject(id=document["_id"], facts=facts)
        same = {"_id": document["_id"], "version": document["version"], **EARLIER}
        fields = subject.model_dump(include={"facts", "unsafe"})
        timers = {name: at for name, at in subject.timers().items() if at is not None}
        update = {"$set": {**fields, **timers}, "$unset": dict.fromkeys(GONE, "")}
        await collection.update_one(same, update)


def facts_of(document: Document, who: Who, apart: list[str], at: datetime) -> dict[str, Facts]:
    """The facts of each referral of a young person as stored before. Pure."""
    ids = [str(i) for i in document.get("referral_ids", ())]
    told = {i: Facts(age=age, described=described) for i, (age, described) in who.items()}
    facts = {i: told.get(i, Facts()) for i in ids}
    if not ids:
        return {}
    sharing = SharingState.model_validate(document.get("sharing", {}))
    reasons: dict[str, Any] = document.get("sealed_reasons", {})
    for basis in sharing.bases:
        mine = _owner(basis, reasons, ids)
        kept = {n: v for n, v in reasons.items() if n.split("/")[1:2] == [basis.id]}
        before = facts[mine]
        facts[mine] = before.but(
            bases=(*before.bases, basis), sealed_reasons={**before.sealed_reasons, **kept}
        )
    unsafe = (*(AGENCY + a for a in sharing.unsafe_agencies), *document.get("unsafe_persons", ()))
    agreed = document.get("service_agreement", "not_asked")
    facts[ids[0]] = facts[ids[0]].but(
        consents=sharing.consents,
        marks=tuple(Marked(name=name, unsafe=True, at=at) for name in unsafe),
        service=None if agreed == "not_asked" else ServiceAnswer(agreed=agreed, at=at),
        apart=tuple(sorted(set(apart) - set(ids))),
    )
    return facts


def _owner(basis: Basis, reasons: Mapping[str, Any], ids: list[str]) -> str:
    named = (name.split("/")[0] for name in reasons if f"/{basis.id}/" in name)
    return next((i for i in named if i in ids), ids[0])


async def _who(
    stores: Stores, document: Document
) -> dict[str, tuple[Age | None, Description | None]]:
    ids, at = list(document.get("referral_ids", ())), now()
    found: dict[str, tuple[Age | None, Description | None]] = {}
    for referral in await stores.referrals.find({"_id": {"$in": ids}}, limit=max(len(ids), 1)):
        details = await details_of(stores, referral)
        if details is None:
            found[referral.id] = _of_erased(document, at), Description()
        else:
            described = describe(details, stores.vault.fingerprint)
            found[referral.id] = age_of(details, referral.received_at, at), described
    return found


def _of_erased(document: Document, at: datetime) -> Age | None:
    band = document.get("sharing", {}).get("age_band", "not_known")
    return None if band == "not_known" else Age(source="estimated", said_at=at, reached={band: at})
