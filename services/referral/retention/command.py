"""Retention: `python -m services.referral.retention plan | apply | rotate | --check`.

`plan` shows what the policy asks to destroy; `apply` destroys it. `rotate` wraps every data key
with REFERRAL_MASTER_KEY, while REFERRAL_MASTER_KEY_PREVIOUS still opens the old ones; when it says
0, the previous key can be dropped. All are safe to repeat and to run while the service works."""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from pydantic import BaseModel

from services.referral.app import ReferralSettings, vault_of
from services.referral.people.retelling import forget_referral
from services.referral.records import ENDED, Referral
from services.referral.retention.policy import RetentionPolicy, policy
from services.referral.retention.rule import erase
from services.referral.store import Stores
from shared.clock import now
from shared.messaging.rabbit import RabbitBus
from shared.messaging.relay import Relay
from shared.messaging.topology import Topology
from shared.operating.commands import able, command, with_settings
from shared.operating.failpoints import failpoint
from shared.operating.runner import Platform, mongo
from shared.operating.start import read_or_end
from shared.origin import Origin
from shared.storage.records import Change

# Nothing is left in the outbox: the broker has confirmed all of it, and the trail keeps it.
PUBLISHED = {"outbox_due": {"$exists": False}}
WORDS = (["plan"], ["apply"], ["rotate"])


class Plan(BaseModel):
    """What a retention run would destroy: ids only."""

    erase: tuple[str, ...]
    unfinished: tuple[str, ...]
    half_erased: tuple[str, ...]
    access_records: tuple[str, ...]


async def plan(stores: Stores, policy: RetentionPolicy, at: datetime) -> Plan:
    """Referrals past their time; keys of requests that never came to their end; and erasures
    that a crash left with their key; and our own records of access that the trail has long had."""
    old = {
        "erased_at": None,
        "$or": [
            {
                "status": {"$in": sorted(ENDED)},
                "changed_at": {"$lt": at - _days(policy.ended_days)},
            },
            {
                "status": "entered_in_error",
                "changed_at": {"$lt": at - _days(policy.entered_in_error_days)},
            },
        ],
    }
    past = await stores.referrals.find(old, limit=10_000)
    unfinished, half_erased = [], []
    async for record_id, made_at in stores.vault.all_keys():
        stored = await stores.referrals.find({"_id": record_id}, limit=1)
        if stored and stored[0].erased_at is not None:
            half_erased.append(record_id)
        elif made_at < at - _days(policy.unfinished_days) and not (
            stored or await _has_a_timer(stores, record_id)
        ):
            unfinished.append(record_id)
    past_records = {"at": {"$lt": at - _days(policy.access_records_days)}, **PUBLISHED}
    records = await stores.access_records.find(past_records, limit=10_000)
    return Plan(
        erase=tuple(r.id for r in past),
        unfinished=tuple(unfinished),
        half_erased=tuple(half_erased),
        access_records=tuple(record.id for record in records),
    )


async def carry_out(stores: Stores, plan: Plan) -> None:
    """Destroy what the plan names. A crash leaves the rest for the next run."""
    by, at = Origin.of_service("referral"), now()

    def rule(referral: Referral) -> Change[Referral]:
        return erase(referral, "retention_ended", at)

    for referral_id in plan.erase:
        referral = await stores.referrals.change(referral_id, rule, by=by)
        failpoint("retention.after_record")
        await forget_referral(stores, referral)
    for referral_id in plan.half_erased:
        await forget_referral(stores, await stores.referrals.get(referral_id))
    for record_id in plan.unfinished:
        await stores.vault.destroy(record_id)
        await stores.references.release(record_id)
    await stores.access_records.collection.delete_many(
        {"_id": {"$in": list(plan.access_records)}, **PUBLISHED}
    )


async def _has_a_timer(stores: Stores, record_id: str) -> bool:
    """What destroys its own key when its time has come."""
    keepers = (stores.drafts, stores.voices, stores.reports)
    asked = await stores.advice.find({"_id": record_id}, limit=1)
    return bool(asked) or any([await keeper.has(record_id) for keeper in keepers])


def _days(count: int) -> timedelta:
    return timedelta(days=count)


@asynccontextmanager
async def opened(settings: ReferralSettings) -> AsyncIterator[Stores]:
    """The stores on the service's own database, with a relay that publishes what is written."""
    client = mongo(settings.mongo_url.get_secret_value())

    async def probe() -> None:
        await client.admin.command("ping")

    topology = Topology(prefix=settings.bus_prefix, retry_delays=settings.retry_delays)
    bus = RabbitBus(settings.amqp_url.get_secret_value(), "retention", probe, topology)
    relay = Relay("referral", bus, lease=settings.relay_lease)
    database = client[settings.mongo_database or "hub_referral"]
    try:
        # What is written stays in its outbox; the running service's poller publishes it.
        yield Stores.on(Platform(database, relay), vault_of(database, settings))
    finally:
        await client.close()


def main(words: Sequence[str]) -> int:
    """Run one command; the exit code."""
    return command(
        words,
        doc=with_settings(__doc__ or "", ReferralSettings),
        able=lambda: able("the referral service", ReferralSettings),
        doing=lambda words: _run(words[0]) if list(words) in WORDS else None,
    )


async def _run(word: str) -> int:
    async with opened(read_or_end(ReferralSettings)) as stores:
        if word == "rotate":
            sys.stdout.write(f"{await stores.vault.rewrap()} keys wrapped anew\n")
            return 0
        found = await plan(stores, policy(), now())
        for name, ids in found.model_dump().items():
            sys.stdout.writelines(f"{name}  {referral_id}\n" for referral_id in ids)
            sys.stdout.write(f"{name}: {len(ids)}\n")
        if word == "apply":
            await carry_out(stores, found)
            sys.stdout.write("done\n")
        else:
            sys.stdout.write("nothing was destroyed; `apply` does so\n")
    return 0
