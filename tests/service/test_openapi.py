"""The API description: committed, and true of the running services."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.conftest import SEED
from tests.golden.openapi import SERVICES, document, path_of
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import Network, running

SECONDS = 25


@pytest.mark.parametrize("service", SERVICES)
def test_the_committed_document_is_the_one_served(service: str) -> None:
    committed = path_of(service).read_text("utf-8")

    assert document(service) == committed, "run `make openapi` and look at what changed"


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    services = ["referral", "allocation"]
    async with running(broker, mongo, tmp_path_factory.mktemp("openapi"), services) as started:
        await started.load_sample()
        yield started


@pytest.mark.parametrize("person", ["school", "manager"])
async def test_no_request_breaks_the_referral_service_or_its_description(
    network: Network, person: str
) -> None:
    checks = (
        "not_a_server_error,status_code_conformance,content_type_conformance,"
        "response_schema_conformance"
    )
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).parent / "schemathesis"),
        "run",
        f"{network.modules['referral'].url}/openapi.json",
        *("--header", f"Authorization: Bearer {network.token(person)}"),
        *("--checks", checks, "--phases", "examples,coverage,fuzzing"),
        *("--max-examples", "15", "--max-time", str(SECONDS), "--seed", str(SEED)),
        *("--no-color", "--warnings", "off", "--suppress-health-check", "all"),
        *("--generation-database", "none", "--no-shrink"),
        # It can send no NDJSON; test_referral_life.py does.
        *("--exclude-path", "/v1/referrals/batch"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()

    assert process.returncode == 0, output.decode()[-6000:]
    print(output.decode()[-600:])
