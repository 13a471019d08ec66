"""Notify as a process of its own: the others' events as they would publish them, and what is asked of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from allinone import sample
from tests.harness.network import Network
from tests.harness.publisher import Publisher
from tests.harness.waiting import until
from tests.service.notifying import allocated, event_of, referral, terms

AREA, MARK = "northtown", "MARKER"


PARTIES = (sample.HUB, sample.SCHOOL, sample.POLICE)


def sharing(subject_id: str, version: int, *consents: Any) -> Any:
    """What was said about sharing, as an event."""
    return event_of(
        "consent.recorded",
        subject_id,
        version,
        subject_id=subject_id,
        referral_id="ref_x",
        referral_ids=(),
        sharing={"consents": consents, "age_band": "16_to_17"},
        consent=consents[-1],
    )


def received(referral_id: str, subject_id: str, **changes: Any) -> Any:
    """A referral by the school."""
    values = {"subject_id": subject_id, "agency_id": sample.SCHOOL, "area": AREA, **changes}
    return event_of("referral.received", referral_id, 1, **referral(referral_id, **values))


def made(referral_id: str, subject_id: str, **changes: Any) -> Any:
    """Its allocation to the worker."""
    fields = {"subject_id": subject_id, "agency_id": sample.SCHOOL, "hub_id": sample.HUB}
    fields |= {"worker_id": "wk_hub_one", "level": "significant", **changes}
    return event_of("allocation.made", f"all_{referral_id}", 1, **allocated(referral_id, **fields))


async def inbox(network: Network, person: str, query: str = "") -> Any:
    answer = await network.ask(person, "GET", f"/v1/notifications{query}")
    answer.raise_for_status()
    return answer.json()


async def waits_for(network: Network, person: str, referral_id: str, count: int = 1) -> list[Any]:
    """What the person's inbox says about a referral, once there is so much."""

    async def there() -> list[Any]:
        page = await inbox(network, person, "?limit=100")
        mine = [n for n in page["notifications"] if n["referral_id"] == referral_id]
        return mine if len(mine) >= count else []

    return list(await until(there, deadline=20, what=f"{person} hearing of {referral_id}"))


async def subscribe(network: Network, person: str, recipient_id: str, **entry: Any) -> Any:
    if person in ("school", "police") and entry.get("url"):
        entry = {
            "kinds": ["concern_in_your_area", "support_arranged"],
            "areas": [AREA, MARK],
        } | entry
    path = f"/v1/subscriptions/{recipient_id}"
    answer = await network.ask(person, "PUT", path, json=entry)
    answer.raise_for_status()
    return answer.json()


async def verified(network: Network, person: str, recipient_id: str) -> Any:
    """The subscription once its webhook has answered the challenge."""

    async def there() -> Any:
        path = f"/v1/subscriptions/{recipient_id}"
        found = (await network.ask(person, "GET", path)).json()
        return found if found["url_verified"] else None

    return await until(there, deadline=20, what="the challenge being answered")


async def introduce(bus: Publisher) -> None:
    """The Hub, the school and the police are known, and have an agreement."""
    agreement = terms(sample.SCHOOL, sample.POLICE, parties=PARTIES, signed_by=PARTIES)
    await bus.publish(
        event_of(
            "hub.registered",
            sample.HUB,
            1,
            hub_id=sample.HUB,
            areas=(AREA, MARK),
            spoke_ceiling="mild",
        ),
        *(
            event_of("agency.registered", a, 1, agency_id=a, kind="6", areas=(AREA, MARK))
            for a in (sample.SCHOOL, sample.POLICE)
        ),
        event_of(
            "agreement.signed",
            "isa_1",
            1,
            agreement_id="isa_1",
            terms=agreement.model_copy(
                update={"effective_to": datetime.now(UTC) + timedelta(days=9)}
            ),
            review_at=datetime.now(UTC),
            party=sample.HUB,
        ),
    )
