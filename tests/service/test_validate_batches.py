"""Many referrals that are only looked at: each line is told what sending then tells, and nothing is left."""

import csv
import io
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from allinone import sample
from tests.conftest import SEED
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import Network, a_referral, running
from tests.harness.waiting import until
from tests.service.test_imports import command
from tests.service.test_validate_only import stored
from tests.unit.test_imports import CHILD, census

BATCH, IMPORT = "/v1/referrals/batch", "/v1/referrals/import"
ONLY = "?validate_only=true"
# What a line may say, beside what each says: well, oddly, and wrongly.
SAID: tuple[dict[str, Any], ...] = (
    {},
    {"urgency": "ASAP"},
    {"urgency": None},
    {"area": "nortown"},
    {"area": "NORTHTOWN"},
    {"hotel": {"room": 12}},
    {"subject": 7},
    {"narrative": 7},
    {"narrative": "x" * 50_000},
    {"indicators": [{"code": "county_lines"}]},
    {"indicators": [{"code": "missing_episodes", "recency": "2012-05-17"}]},
    {"referrer": None},
    {"languages": ["en-GB", "Klingon"]},
    {"people": [{"kind": "guardian", "name": "Sample Guardian"}]},
    {"people": [{"kind": "suspect", "name": "Sample Suspect", "agency_id": sample.POLICE}]},
    {"visit_risk": {"risk": "yes", "what": "Dog"}},
    {"consents": [{"status": "given", "agency_kinds": ["no-such-kind"]}]},
    {
        "consents": [
            {
                "status": "given",
                "categories": ["existence"],
                "given_by": "young_person",
                "agency_ids": [sample.POLICE],
                "valid_to": "2020-01-01T00:00:00Z",
            }
        ]
    },
    {"consents": [{"status": "refused", "categories": ["existence"], "given_by": "parent"}]},
    {"agency_reference": ""},
    {"agency_reference": 5},
    {"agency_reference": "a\u0000b"},
)
# What its young person may be, beside somebody of their own.
CHILDREN: tuple[dict[str, Any], ...] = (
    {},
    {"nhs_number": "123"},
    {"date_of_birth": "17/05/2012", "ethnicity": "WIRT"},
    {"gender": "transgender", "estimated_age": 31},
)
BROKEN = (b"{", b"[]", b"7", b'{"urgency": "immediate", "urgency": "same_day"}', b"\xff", b"{}")
# What is told of a line whether it was sent or looked at.
TOLD = ("line", "agency_reference", "code", "warnings", "marks", "area_near", "errors")


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    async with running(broker, mongo, tmp_path_factory.mktemp("batches"), ["referral"]) as one:
        await one.load_referral_sample()
        dice = random.Random(f"{SEED}-single")
        for number in range(3):
            answer = await one.refer(f"single-{number}", subject=a_child(dice))
            assert answer.status_code == 201
        yield one


def a_child(dice: random.Random) -> dict[str, str]:
    """Somebody who is like nobody else: what is found out about children who are alike goes on after
    they were sent."""
    names = ["".join(dice.choices("abcdefghijklmnopqrstuvwxyz", k=9)).title() for _ in range(2)]
    born = f"{dice.randint(2008, 2016)}-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}"
    return {"name": " ".join(names), "date_of_birth": born}


async def settled(network: Network) -> dict[str, list[Any]]:
    """What is stored once nothing moves any more: young people of before are still compared."""
    last: dict[str, list[Any]] = {}

    async def still() -> bool:
        nonlocal last
        before, last = last, await stored(network)
        return before == last

    await until(still, deadline=60, what="nothing moving any more")
    return last


def a_line(dice: random.Random, name: str, before: list[bytes]) -> bytes:
    """One line: a document with one to three things that it says, one of those before again, another
    one under its reference, one whose reference another request has, or none at all."""
    kind = dice.random()
    if kind < 0.1:
        return dice.choice(BROKEN)
    if kind < 0.25 and before:
        return dice.choice(before)
    said: dict[str, Any] = {"agency_reference": name}
    if kind < 0.35:
        said = {"agency_reference": f"{name.split('-', maxsplit=1)[0]}-{dice.randrange(5)}"}
    elif kind < 0.45:
        said = {"agency_reference": f"single-{dice.randrange(3)}"}
    child = {**a_child(dice), **dice.choice(CHILDREN)}
    document = {**a_referral(subject=child, urgency="same_day"), **said}
    for each in dice.sample(SAID, dice.randint(1, 3)):
        document |= each
    return json.dumps(document).encode()


async def answered(network: Network, path: str, body: bytes, kind: str) -> list[dict[str, Any]]:
    headers = {"Content-Type": kind}
    answer = await network.ask("school", "POST", path, content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def same(looked: list[dict[str, Any]], sent: list[dict[str, Any]]) -> None:
    """Each line was told what it then was."""
    assert len(looked) == len(sent)
    for one, other in zip(looked, sent, strict=True):
        assert {n: one.get(n) for n in TOLD} == {n: other.get(n) for n in TOLD}, (one, other)
        expected = 200 if other["status"] == 201 else other["status"]
        assert one["status"] == expected, (one, other)
        taken = other["status"] == 201
        assert (one.get("would_be") is not None) == taken
        if not taken:
            assert one.get("id") == other.get("id"), (
                "a refusal says which referral has the reference"
            )


@pytest.mark.parametrize("turn", range(4))
async def test_every_line_of_a_batch_is_told_what_sending_tells(
    network: Network, turn: int
) -> None:
    dice = random.Random(f"{SEED}-{turn}")
    lines: list[bytes] = []
    for number in range(40):
        lines.append(a_line(dice, f"b{turn}-{number}", lines))
    body = b"\n".join(lines)
    before = await settled(network)

    looked = await answered(network, BATCH + ONLY, body, "application/x-ndjson")

    assert await stored(network) == before, "nothing is stored, in any collection"
    assert all(one["status"] != 500 for one in looked), "each says what is wrong with it"
    sent = await answered(network, BATCH, body, "application/x-ndjson")
    same(looked, sent)
    ids = {one["id"] for one in sent if one["status"] == 201}
    new = sum(one.get("would_be") == "taken" for one in looked)
    assert new == len(ids), "as many are new as it said"
    again = await answered(network, BATCH + ONLY, body, "application/x-ndjson")
    assert {one["would_be"] for one in again if one["status"] == 200} == {"answered_again"}


def a_table(dice: random.Random, turn: int) -> bytes:
    """A table with cells that are odd, empty or too many, and references that come again."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(
        ["agency_reference", "subject.name", "urgency", "area", "indicators", "hotel", "narrative"]
    )
    for number in range(30):
        name = f"t{turn}-{dice.randrange(number + 1)}"
        cells = [name, a_child(dice)["name"], dice.choice(["same_day", "soon", ""])]
        cells += [dice.choice(["northtown", "nowhere", ""]), dice.choice(["county_lines", ""])]
        cells += [dice.choice(["Room 12", ""]), "Synthetic."]
        rows.writerow([*cells, *(["more"] if dice.random() < 0.1 else [])])
    return out.getvalue().encode()


@pytest.mark.parametrize("turn", range(3))
async def test_a_file_that_is_looked_at_has_the_report_that_sending_has(
    network: Network, turn: int
) -> None:
    dice = random.Random(f"{SEED}-table-{turn}")
    numbers = [dice.randrange(4) for _ in range(5)]
    children = [
        CHILD.replace("SYN1", f"SYN-V{turn}-{n}").replace("A12345678901", f"A{turn}{n}345678901")
        for n in numbers
    ]
    for body, kind in (
        (a_table(dice, turn), "text/csv"),
        (census(*children, "<Child/>"), "application/xml"),
    ):
        before = await settled(network)

        *looked, said = await answered(network, IMPORT + ONLY, body, kind)

        assert await stored(network) == before
        *sent, report = await answered(network, IMPORT, body, kind)
        same(looked, sent)
        assert said == report, kind


async def test_more_than_a_thousand_are_refused_alike(network: Network) -> None:
    for path, kind, line in (
        (BATCH, "application/x-ndjson", b"{}\n"),
        (IMPORT, "text/csv", b"a\n"),
    ):
        headers = {"Content-Type": kind}
        body = line * 1002
        answer = await network.ask("school", "POST", path + ONLY, content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "too_many_lines")


async def test_the_command_looks_at_a_file_without_storing_it(
    network: Network, tmp_path: Path
) -> None:
    file = tmp_path / "table.csv"
    file.write_bytes(a_table(random.Random(f"{SEED}-command"), 9))
    told = {"API_URL": network.modules["referral"].url, "API_TOKEN": network.token("school")}
    before = await settled(network)

    code, looked = await command("--validate-only", str(file), **told)

    assert await stored(network) == before
    sent_code, sent = await command(str(file), **told)
    assert (code, looked[-1]) == (sent_code, sent[-1])
    same(looked[:-1], sent[:-1])
    assert (await command("--validate-only", **told))[0] == 64
