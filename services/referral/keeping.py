"""Keeping and destroying: `python -m services.referral.keeping retention [--apply]`, `… rotate`.

`retention` shows what the policy asks to destroy, and destroys it only with `--apply`. `rotate`
wraps every data key with REFERRAL_MASTER_KEY, while REFERRAL_MASTER_KEY_PREVIOUS still opens the
old ones; when it says 0, the previous key can be dropped. Both are safe to repeat and to run
while the service works.
"""

import asyncio
import sys
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from services.referral.app import ReferralSettings, vault_of
from services.referral.domain.referrals import Referral, erase
from services.referral.store import Desk
from shared.bus.rabbit import RabbitBus
from shared.bus.topology import Topology
from shared.clock import now
from shared.origin import Origin
from shared.records import Change
from shared.relay import Relay
from shared.runner import Platform, mongo

DEFAULT_POLICY = Path(__file__).parent / "retention.toml"
# Nothing is left in the outbox: the broker has confirmed all of it, and the trail keeps it.
PUBLISHED = {"outbox_due": {"$exists": False}}
ENDED = ["closed", "rejected", "signposted", "withdrawn", "entered_in_error"]


class RetentionPolicy(BaseModel):
    """How long what is kept, in days after the last change of state; and why (`sources`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str
    sources: tuple[str, ...]
    ended_days: int = Field(ge=1)
    entered_in_error_days: int = Field(ge=1)
    unfinished_days: int = Field(ge=1)
    looks_days: int = Field(ge=1)


def policy(path: Path = DEFAULT_POLICY) -> RetentionPolicy:
    """The policy in a file. Raises when it is faulty."""
    return RetentionPolicy.model_validate(tomllib.loads(path.read_text("utf-8")))


class Plan(BaseModel):
    """What a retention run would destroy: ids only."""

    erase: tuple[str, ...]
    unfinished: tuple[str, ...]
    half_erased: tuple[str, ...]
    looks: tuple[str, ...]


async def plan(desk: Desk, policy: RetentionPolicy, at: datetime) -> Plan:
    """Referrals past their time; keys of requests that never came to their end; and erasures
    that a crash left with their key; and our own notes of looks that the trail has long had."""
    old = {
        "erased_at": None,
        "$or": [
            {"status": {"$in": ENDED}, "changed_at": {"$lt": at - _days(policy.ended_days)}},
            {
                "status": "entered_in_error",
                "changed_at": {"$lt": at - _days(policy.entered_in_error_days)},
            },
        ],
    }
    past = await desk.referrals.find(old, limit=10_000)
    unfinished, half_erased = [], []
    async for referral_id, made_at in desk.vault.referral_ids():
        stored = await desk.referrals.find({"_id": referral_id}, limit=1)
        if stored and stored[0].erased_at is not None:
            half_erased.append(referral_id)
        elif not stored and made_at < at - _days(policy.unfinished_days):
            unfinished.append(referral_id)
    past_looks = {"at": {"$lt": at - _days(policy.looks_days)}, **PUBLISHED}
    looks = await desk.looks.find(past_looks, limit=10_000)
    return Plan(
        erase=tuple(r.id for r in past),
        unfinished=tuple(unfinished),
        half_erased=tuple(half_erased),
        looks=tuple(look.id for look in looks),
    )


async def carry_out(desk: Desk, plan: Plan) -> None:
    """Destroy what the plan names. A crash leaves the rest for the next run."""
    by, at = Origin.of_service("referral"), now()

    def rule(referral: Referral) -> Change[Referral]:
        return erase(referral, "retention_ended", at)

    for referral_id in plan.erase:
        referral = await desk.referrals.change(referral_id, rule, by=by)
        await desk.forget(referral)
    for referral_id in plan.half_erased:
        await desk.forget(await desk.referrals.get(referral_id))
    for referral_id in plan.unfinished:
        await desk.vault.destroy(referral_id)
        await desk.people.forget(referral_id, None)
    await desk.looks.collection.delete_many({"_id": {"$in": list(plan.looks)}, **PUBLISHED})


def _days(count: int) -> timedelta:
    return timedelta(days=count)


@asynccontextmanager
async def opened(settings: ReferralSettings) -> AsyncIterator[Desk]:
    """The desk on the service's own database, with a relay that publishes what is written."""
    client = mongo(settings.mongo_url.get_secret_value())

    async def probe() -> None:
        await client.admin.command("ping")

    topology = Topology(prefix=settings.bus_prefix, retry_delays=settings.retry_delays)
    bus = RabbitBus(settings.amqp_url.get_secret_value(), "keeping", probe, topology)
    relay = Relay("referral", bus, lease=settings.relay_lease)
    database = client[settings.mongo_database or "hub_referral"]
    try:
        # What is written stays in its outbox; the running service's poller publishes it.
        yield Desk.on(Platform(database, relay), vault_of(database, settings))
    finally:
        await client.close()


async def main(words: list[str]) -> int:
    """Run one command. Returns the exit code: 0 done, 2 usage."""
    if words not in (["retention"], ["retention", "--apply"], ["rotate"]):
        sys.stderr.write(__doc__ or "")
        return 2
    async with opened(ReferralSettings()) as desk:
        if words == ["rotate"]:
            sys.stdout.write(f"{await desk.vault.rewrap()} keys wrapped anew\n")
            return 0
        found = await plan(desk, policy(), now())
        for name, ids in found.model_dump().items():
            sys.stdout.writelines(f"{name}  {referral_id}\n" for referral_id in ids)
            sys.stdout.write(f"{name}: {len(ids)}\n")
        if words[-1] == "--apply":
            await carry_out(desk, found)
            sys.stdout.write("done\n")
        else:
            sys.stdout.write("nothing was destroyed; add --apply to do so\n")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
