"""The broker forgets a binding for a moment: what the trail never got is found and sent again."""

import pytest
from aio_pika import connect_robust

from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import running
from tests.harness.trails import writer
from tests.harness.waiting import until


async def test_what_the_trail_never_got_is_found_told_and_sent_again(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("lost")
    async with running(broker, mongo, folder, ["audit", "allocation"]) as network:
        await network.replace("allocation", TALLY_EVERY="3")
        reader = writer(
            network.mongo_of("audit"), seed=network.environment("audit")["AUDIT_SIGNING_KEY"]
        )

        async def hubs() -> set[str]:
            return {
                e["event"]["subject"]
                for e in await reader.leaves()
                if e["event"]["type"] == "hub.registered"
            }

        async def put(hub: str) -> None:
            body = {"name": "South", "areas": [hub.replace("hub_", "area_")]}
            (await network.ask("operator", "PUT", f"/v1/hubs/{hub}", json=body)).raise_for_status()

        async def answered() -> list[str]:
            out = await network.ask(
                "auditor", "GET", "/v1/trail/integrity", params={"purpose": "audit"}
            )
            return [i for m in out.json()["missing"] for i in m["event_ids"]]

        connection = await connect_robust(broker.url)
        async with connection:
            channel = await connection.channel()
            queue = await channel.get_queue(network.topology.prefix + "audit", ensure=False)
            await queue.unbind(network.topology.events, "#")
            await put("hub_lost")

            async def sent() -> bool:
                found = await network.mongo_of("allocation")["hubs"].find_one(
                    {"_id": "hub_lost", "sent.0": {"$exists": True}}
                )
                return (
                    found is not None
                    or await network.mongo_of("allocation")["sent"].find_one(
                        {"body": {"$regex": "hub_lost"}}
                    )
                    is not None
                )

            await until(sent, deadline=20, what="sent")
            await queue.bind(network.topology.events, "#")
        await put("hub_kept")

        async def kept() -> bool:
            return await hubs() == {"hub_kept"}

        await until(kept, deadline=20, what="the later one")

        async def found() -> bool:
            return bool(await answered())

        async def healed() -> bool:
            return await hubs() == {"hub_kept", "hub_lost"}

        await until(found, deadline=120, what="the loss being told")
        await until(healed, deadline=60, what="the event being sent again")

        async def none() -> bool:
            return not await answered()

        await until(none, deadline=90, what="nothing missing any more")
