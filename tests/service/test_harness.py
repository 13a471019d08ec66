"""The harness itself: a busy machine is no finding."""

import asyncio
import gc
import re
import warnings

import pytest
from pymongo.errors import AutoReconnect

from shared.operating.runner import mongo as connect
from tests.harness.mongo import Mongo, unclosed
from tests.harness.proxy import Proxy

STALLED = 4.0


@pytest.mark.parametrize(("patience", "ends"), [(0.3, True), (3.0, False)])
async def test_an_answer_that_is_late_ends_what_is_under_way_only_for_the_impatient(
    mongo: Mongo, prefix: str, patience: float, ends: bool
) -> None:
    async with Proxy(mongo.url).running() as proxy, connect(proxy.url, patience) as client:
        things = client[f"test_{prefix.strip('.')}"]["things"]
        await things.insert_one({"_id": "before"})

        proxy.hole_down()
        write = asyncio.create_task(things.insert_one({"_id": "under way"}))
        await asyncio.wait([write], timeout=STALLED)
        proxy.heal()

        if ends:
            with pytest.raises(AutoReconnect):
                await write
        else:
            await write
        await client.drop_database(things.database.name)


async def _connecting_is_cancelled(mongo: Mongo, steps: int) -> None:
    """A client has to make more connections, and its callers are cancelled `steps` later."""
    async with connect(mongo.url) as client:
        await client.admin.command("ping")
        callers = [asyncio.create_task(client.admin.command("ping")) for _ in range(4)]
        for _ in range(steps):
            await asyncio.sleep(0)
        for caller in callers:
            caller.cancel()
        await asyncio.wait(callers)


async def test_a_connection_cut_off_in_its_making_fails_no_test(mongo: Mongo) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for steps in range(12):
            await _connecting_is_cancelled(mongo, steps)
            gc.collect()

    unheeded = re.compile(unclosed(mongo))
    forgotten = [str(each.message) for each in caught if each.category is ResourceWarning]
    assert [each for each in forgotten if not unheeded.match(each)] == []
    assert forgotten, "PyMongo closes them now: take `unclosed` and its filter away"
    for each in forgotten:
        warnings.warn(each, ResourceWarning, stacklevel=1)  # an error, were it not for the filter


@pytest.mark.parametrize("other", ["another port", "a transport", "a client"])
async def test_whatever_else_is_left_unclosed_still_fails_its_test(
    mongo: Mongo, other: str
) -> None:
    port = mongo.url.rstrip("/").rpartition(":")[2]
    left = {
        "another port": f"unclosed <socket.socket fd=9, raddr=('127.0.0.1', 1{port})>",
        "a transport": f"unclosed transport <_SelectorSocketTransport fd=9 {port}>",
        "a client": "Unclosed AsyncMongoClient opened at:",
    }
    with pytest.raises(ResourceWarning):
        warnings.warn(left[other], ResourceWarning, stacklevel=1)
