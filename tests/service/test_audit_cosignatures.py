"""Witnesses send what they cosigned, and the trail gives it out to whoever checks an export."""

import asyncio
import base64
import json
import os
import random
import secrets
import time
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from services.audit.log.checkpoints import Checkpoint
from services.audit.log.notes import LINE
from services.audit.verify.witnesses import Cosigner
from services.audit.witnesses.cosignatures import Witnesses
from tests.harness.broker import Broker
from tests.harness.exports import KEY, note
from tests.harness.mongo import Mongo
from tests.harness.network import Network
from tests.harness.trails import body, program, verify

NAMES = ("police.example", "health.example", "charity.example")
KEYS = tuple(Cosigner(name, bytes([n]) * 32) for n, name in enumerate(NAMES, start=40))
POLICE, HEALTH, CHARITY = KEYS
STRANGER = Cosigner("stranger.example", bytes([60]) * 32)
AGREED = {
    "AUDIT_WITNESSES": json.dumps([str(one.verifier) for one in KEYS]),
    "AUDIT_QUORUM": "2",
}


@pytest_asyncio.fixture
async def network(broker: Broker, mongo: Mongo, tmp_path: Path) -> AsyncIterator[Network]:
    """The audit service alone, with three witnesses of whom two must vouch."""
    one = Network(broker, mongo, f"s{secrets.token_hex(5)}.", tmp_path, ["audit"])
    one.modules["audit"] = one.module("audit", **AGREED)
    try:
        await one.start()
        await one.sealed(1)
        yield one
    finally:
        await one.stop()


async def grown(network: Network, first: int, last: int) -> bytes:
    """The newest checkpoint, once these events are sealed."""
    await network.publish(*(body(n) for n in range(first, last)))
    await network.sealed(last + 1)
    return (await network.ask("auditor", "GET", "/checkpoint")).content


async def send(network: Network, cosigned: bytes, who: str = "police") -> httpx2.Response:
    document = {"note": cosigned.decode()}
    return await network.ask(who, "POST", "/v1/cosignatures", json=document)


async def vouched(network: Network) -> int | None:
    size: int | None = (await network.ask("school", "GET", "/v1/cosignatures")).json()["vouched"]
    return size


async def test_what_witnesses_send_while_they_watch_vouches_for_an_export(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await grown(network, 0, 9)
    keys = tmp_path / "keys.json"
    keys.write_bytes((await network.ask("auditor", "GET", "/v1/keys")).content)
    monkeypatch.setenv("TRAIL_TOKEN", network.token("police"))
    url, seen = network.modules["audit"].url, []
    for one in (POLICE, HEALTH):
        key = tmp_path / f"{one.name}.key"
        made = verify("witness-key", one.name, "--to", key)
        assert made.code == 0, made.said
        files = ("--keep", tmp_path / f"{one.name}.kept", "--cosigned", tmp_path / one.name)
        # The agreed key, not the one just made: settings name it.
        key.write_text(f"{one.name}+{_base64(one.seed)}\n")
        options = (*files, "--cosign", key, "--send", "--once")
        said = await program("watch", url, "--keys", keys, *options)
        assert said.code == 0, said.said
        assert f"; cosigned as {one.name} and sent" in said.said
        seen.append(await vouched(network))
    assert [size is not None for size in seen] == [False, True], "two of three are needed"

    given = await network.ask("auditor", "POST", "/v1/exports?purpose=inspection", json={})
    answer = await network.ask("auditor", "GET", given.headers["location"])
    export = tmp_path / "trail.tar"
    export.write_bytes(answer.content)
    fetched = tmp_path / "cosigned.json"
    fetched.write_bytes((await network.ask("auditor", "GET", "/v1/cosignatures")).content)
    demanded: list[str | Path] = [part for one in KEYS for part in ("--witness", str(one.verifier))]
    wanted: list[str | Path] = [*demanded, "--quorum", "2", "--cosigned", fetched]
    checked = verify("export", export, "--keys", keys, *wanted)
    assert checked.code == 0, checked.said
    assert f"have cosigned the first {seen[-1]} entries" in checked.said
    few = verify(
        "export", export, "--keys", keys, *demanded, "--quorum", "3", "--cosigned", fetched
    )
    assert few.code == 2, few.said
    fetched.write_text('{"witnesses": [{"note": 7}]}')
    assert verify("export", export, "--keys", keys, *wanted).code == 2


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


async def test_nothing_is_kept_but_what_an_agreed_witness_signed_of_this_trail(
    network: Network,
) -> None:
    own = await grown(network, 0, 5)
    text = own.decode().rpartition("\n\n")[0]
    origin, size, _ = text.split("\n")[:3]
    forked = Checkpoint(origin, int(size), os.urandom(32)).sign([KEY]).encode()
    ahead = Checkpoint(origin, 10**6, os.urandom(32)).sign([KEY]).encode()
    good = POLICE.cosigned(own)
    cut = good[: good.rindex(b" ") + 1]
    wrong = cut + (b"B" if good[len(cut) : len(cut) + 1] == b"A" else b"A") + good[len(cut) + 1 :]
    huge = Checkpoint(origin, 10**19 - 1, os.urandom(32)).sign([KEY]).encode()
    others = [
        Checkpoint("log.example", n, os.urandom(32)).sign([KEY]).encode() for n in (int(size), 7)
    ]
    cases = {
        "not_cosigned": [own, STRANGER.cosigned(own), wrong, b"Sample Child\n", note()],
        "another_history": [POLICE.cosigned(forked), HEALTH.cosigned(ahead)],
        # A witness cosigns many logs with one key: that is no fork of ours.
        "another_log": [POLICE.cosigned(each) for each in (*others, note())],
    }
    cases["not_cosigned"].append(POLICE.cosigned(huge))
    for code, sent in cases.items():
        for each in sent:
            answer = await send(network, each)
            assert (answer.status_code, answer.json()["code"]) == (409, code), each
            assert "Sample Child" not in answer.text
    listed = (await network.ask("auditor", "GET", "/v1/cosignatures")).json()
    assert [one["size"] for one in listed["witnesses"]] == [None] * 3

    # Lines of others beside it are not kept, nor is what stands in the place of ours.
    taken = await send(network, STRANGER.cosigned(HEALTH.cosigned(POLICE.cosigned(own))))
    assert taken.status_code == 200, taken.text
    assert taken.json()["vouched"] == int(size)
    kept = taken.json()["witnesses"][0]["note"]
    assert kept.startswith(own.decode())
    assert kept.count(LINE) == own.decode().count(LINE) + 1


async def test_in_whatever_order_they_come_the_newest_of_each_counts(network: Network) -> None:
    notes = [await grown(network, 4 * n, 4 * n + 4) for n in range(5)]
    sizes = [int(each.decode().split("\n")[1]) for each in notes]
    chosen = {one: random.sample(range(5), random.randint(1, 5)) for one in KEYS}
    sent = [(one, place) for one, places in chosen.items() for place in places * 2]
    random.shuffle(sent)
    answers = await asyncio.gather(*(send(network, one.cosigned(notes[n])) for one, n in sent))

    assert {answer.status_code for answer in answers} == {200}
    newest = sorted((max(places) for places in chosen.values()), reverse=True)
    assert await vouched(network) == sizes[newest[1]]
    await network.replace("audit", **AGREED)
    assert await vouched(network) == sizes[newest[1]], "also after a restart"


async def test_it_counts_as_signed_when_the_witness_says_however_often_it_is_sent(
    network: Network,
) -> None:
    sealed, now = await grown(network, 0, 4), time.time()
    times = [now - random.randrange(1, 10**6) for _ in range(4)] + [now + 10**6]
    random.shuffle(times)
    for number, at in enumerate(times):
        (await send(network, POLICE.cosigned(sealed, at))).raise_for_status()
        answer = await network.ask("school", "GET", "/v1/cosignatures")
        (police, *_) = answer.json()["witnesses"]
        newest = min(max(times[: number + 1]), time.time())
        assert abs(datetime.fromisoformat(police["cosigned_at"]).timestamp() - newest) < 30, times


@pytest.mark.parametrize(
    ("texts", "needed"),
    [(["nonsense"], None), ([str(POLICE.verifier)] * 2, None), ([str(POLICE.verifier)], 2)],
)
def test_settings_that_name_no_quorum_are_refused(texts: list[str], needed: int | None) -> None:
    with pytest.raises(ValueError, match=r"."):
        Witnesses.of(texts, needed)
