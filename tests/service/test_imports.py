"""A file of referrals: each line is a referral or its own fault, sent twice it is the same."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import Network, running
from tests.harness.template import ROOT
from tests.unit.test_imports import CHILD, census

IMPORT = "/v1/referrals/import"
TABLE = b"""agency_reference,subject.name,urgency,area,narrative,hotel
t-1,Sample Child,one_working_day,northtown,Synthetic text.,Room MARKER
t-2,Sample Child Two,soon,northtown,Synthetic text.,
t-3,too,many,cells,in,this,line
t-4,,same_day,northtown,Synthetic text.,
"""


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    async with running(broker, mongo, tmp_path_factory.mktemp("imports"), ["referral"]) as one:
        await one.load_referral_sample()
        yield one


async def sent(network: Network, body: bytes, kind: str = "text/csv") -> list[dict[str, Any]]:
    answer = await network.ask(
        "school", "POST", IMPORT, content=body, headers={"Content-Type": kind}
    )
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_a_table_is_taken_line_by_line_and_again_is_the_same(network: Network) -> None:
    *lines, last = await sent(network, TABLE)

    assert [(one["line"], one["status"]) for one in lines] == [
        (2, 201),
        (3, 201),
        (4, 422),
        (5, 201),
    ]
    assert lines[2]["code"] == "not_a_line"
    report = last["report"]
    assert (report["taken"], report["refused"]) == (3, 1)
    assert report["marked"]["/table unknown_member"] == 1
    assert report["marked"]["/urgency unknown_code"] == 1
    assert "MARKER" not in json.dumps([*lines, last])
    assert await sent(network, TABLE) == [*lines, last]
    shown = (await network.ask("school", "GET", f"/v1/referrals/{lines[0]['id']}")).json()
    assert "Room MARKER" in str(shown["categories"]["submission"]["set_aside"])
    assert shown["urgency"] == "one_working_day"


async def test_a_census_is_taken_and_what_has_no_place_is_kept(network: Network) -> None:
    *lines, last = await sent(network, census(CHILD, "<Child/>"), "application/xml")

    assert [one["status"] for one in lines] == [201, 201, 422]
    assert (lines[2]["code"], last["report"]["faults"]) == ("no_referral", {"no_referral": 1})
    shown = (await network.ask("school", "GET", f"/v1/referrals/{lines[0]['id']}")).json()
    assert shown["categories"]["identity"]["background"]["ethnicity_code"] == "wirt"
    assert "2026-04-02" in str(shown["categories"]["submission"]["set_aside"])


async def test_an_entity_of_a_stranger_is_not_expanded(network: Network) -> None:
    bomb = b"<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/hostname'>]><Child>&a;</Child>"

    (line, _) = await sent(network, bomb, "application/xml")

    assert (line["status"], line["code"]) == (422, "document_type")


async def test_more_than_a_thousand_are_refused_whole(network: Network) -> None:
    body = b"narrative\n" + b"Synthetic.\n" * 1001

    kind = {"Content-Type": "text/csv"}
    answer = await network.ask("school", "POST", IMPORT, content=body, headers=kind)

    assert (answer.status_code, answer.json()["code"]) == (400, "too_many_lines")


async def command(*words: str, **env: str) -> tuple[int, list[dict[str, Any]]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "services.referral.imports", *words),
        cwd=ROOT,
        env=env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, [json.loads(line) for line in output.splitlines()]


async def test_the_command_sends_a_file_of_any_size(network: Network, tmp_path: Path) -> None:
    file = tmp_path / "census.xml"
    children = [CHILD.replace("SYN1", f"SYN-C{n}") for n in range(2)]
    file.write_bytes(census(*children, "<Child/>", "<!--" + "x" * 1_200_000 + "-->"))
    told = {"API_URL": network.modules["referral"].url, "API_TOKEN": network.token("school")}

    code, lines = await command(str(file), **told)
    again = await command(str(file), **told)

    assert (code, lines[-1]["report"]["taken"], lines[-1]["report"]["refused"]) == (1, 4, 1)
    assert again == (code, lines)
    assert [one["line"] for one in lines[:-1] if one["status"] != 201]
    assert len({one["id"] for one in lines[:-1] if one["status"] == 201}) == 4


async def test_the_command_shows_what_it_would_send(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_bytes(TABLE)

    code, lines = await command(str(file))

    assert code == 1
    assert lines[0]["table"] == {"hotel": "Room MARKER"}
    assert lines[2] == {"line": 4, "fault": "not_a_line"}


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({"API_URL": "http://referrals.example"}, 64),
        ({"API_URL": "http://127.0.0.1:1"}, 69),
    ],
)
async def test_the_command_says_what_is_wrong(
    tmp_path: Path, env: dict[str, str], expected: int
) -> None:
    file = tmp_path / "table.csv"
    file.write_bytes(TABLE)

    assert (await command(str(file), **env))[0] == expected
    assert (await command(str(tmp_path / "nothing.csv"), **env))[0] == 64
