"""Somebody with the database changes what entries are found by: the answers themselves say so."""

import io
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from allinone import sample
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import Network, running
from tests.harness.trails import body, verify
from tests.harness.waiting import until

MINE, OTHER = "ref_1", "ref_2"
HIDDEN, SHOWN, OLD = (f"evt_{number:032d}" for number in (2, 12, 3))


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    """One entry of mine is made to be of the other, one of the other mine, to the eyes of a search;
    and one calls itself of an older version. The service starts again, and has checked all."""
    async with running(broker, mongo, tmp_path_factory.mktemp("audit"), ["audit"]) as one:
        for start, referral_id in ((0, MINE), (10, OTHER)):
            about: dict[str, Any] = {"referral_id": referral_id, "subject_id": f"sub_{start}"}
            looks = [
                body(start + n, type="record.viewed", viewer_kind="worker", **about) for n in (2, 3)
            ]
            await one.publish(body(start + 1, **about), *looks)
        await one.sealed(7)
        entries = one.mongo_of("audit")["entries"]
        for event_id, keys in (
            (HIDDEN, await keys_of(one, SHOWN)),
            (SHOWN, await keys_of(one, HIDDEN)),
        ):
            seen = [*keys, f"informed:{sample.POLICE}"]
            await entries.update_one({"_id": event_id}, {"$set": {"fields.keys": seen}})
        older = {"fields.version": 1, "fields.keys": ["type:record.viewed"]}
        await entries.update_one({"_id": OLD}, {"$set": older})
        await one.replace("audit")

        async def checked() -> bool:
            found = (await one.ask("operator", "GET", "/v1/trail/integrity")).json()
            return bool(found["finished"] and found["finished"]["checked"] >= 7)

        await until(checked, deadline=30, what="a pass of the self-check")
        yield one


async def keys_of(network: Network, event_id: str) -> list[str]:
    found = await network.mongo_of("audit")["entries"].find_one({"_id": event_id})
    assert found is not None
    return list(found["fields"]["keys"])


PATHS = (
    "/v1/trail?referral_id=ref_1",
    "/v1/subjects/sub_0/disclosures",
    "/v1/trail/reports/bulk_reading",
)


@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_that_was_searched_for_says_that_it_may_miss_some(
    network: Network, path: str
) -> None:
    answer = (await network.ask("auditor", "GET", path)).json()

    told = answer["search_fields"]
    assert (told["edited"], told["outdated"]) == (2, 1)
    assert "It may miss some: the search fields of 2 entries were changed" in answer["complete_for"]


async def test_an_entry_that_only_its_search_fields_call_a_match_is_shown_to_nobody(
    network: Network,
) -> None:
    mine = (await network.ask("auditor", "GET", PATHS[0])).json()
    lines = await network.ask(
        "auditor", "GET", PATHS[0], headers={"Accept": "application/x-ndjson"}
    )
    theirs = (await network.ask("police", "GET", "/v1/trail")).json()

    shown = {entry["leaf"]["event"]["data"]["referral_id"] for entry in mine["entries"]}
    assert (shown, mine["search_fields"]["left_out"]) == ({MINE}, 1)
    assert "It may miss some" in lines.headers["trail-complete-for"]
    assert theirs["entries"] == []


async def test_an_export_holds_each_entry_against_its_leaf(
    network: Network, tmp_path: Path
) -> None:
    """It has the one that a search misses, leaves out the one that is none, and says so."""
    asked = await network.ask("auditor", "POST", "/v1/exports", json={"referral_id": MINE})
    fetched = await network.ask("auditor", "GET", asked.json()["location"])
    (tmp_path / "some.tar").write_bytes(fetched.content)
    (tmp_path / "keys.json").write_text((await network.ask("auditor", "GET", "/v1/keys")).text)

    with tarfile.open(fileobj=io.BytesIO(fetched.content)) as tar:
        leaves = [tar.extractfile(n) for n in tar.getnames() if n.startswith("leaves/")]
        said = b"".join(leaf.read() for leaf in leaves if leaf)
    verdict = verify("export", tmp_path / "some.tar", "--keys", tmp_path / "keys.json")

    assert HIDDEN.encode() in said
    assert SHOWN.encode() not in said
    assert verdict.code == 0, verdict.said
    assert "may have missed 4 entries in its search" in verdict.said
