"""The API description: committed, and true of the running services."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from tests.conftest import SEED
from tests.golden.openapi import SERVICES, app_of, document, path_of
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import PEOPLE, Network, running
from tests.harness.whole import whole

# `make test-api`: every service with every role's token, stateful, to its end.
FULL = os.environ.get("API") == "all"
PARENT = "ag_parent"
PARENT_ENTRY = {"name": "Sample Parent", "kind": "1a", "areas": ["northtown"], "active": True}
CLAIMS = {
    **{one: PEOPLE[one] for one in ("school", "worker", "manager", "auditor", "operator")},
    "parent": {"sub": PARENT, "role": "agency", "agency_id": PARENT},
}
EXAMPLES, EXTENT = 2, "40"
CHECKS: Any = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
# It can send no NDJSON; test_referral_life.py does. Whoever opens a stream well waits for five minutes.
LEFT_OUT = ("/v1/referrals/batch", "/v1/referrals/import", "/v1/notifications/stream")


@pytest.mark.parametrize("service", SERVICES)
def test_the_committed_document_is_the_one_served(service: str) -> None:
    committed = path_of(service).read_text("utf-8")

    assert document(service) == committed, "run `make openapi` and look at what changed"


def generated(service: str) -> list[Case]:
    """A few requests for each route that its description allows, the same for the same seed."""
    found: list[Case] = []
    for result in schemathesis.openapi.from_dict(app_of(service).openapi()).get_all_operations():
        operation = result.ok()
        if operation.path in LEFT_OUT:
            continue

        @seed(SEED)
        @settings(
            max_examples=EXAMPLES,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.as_strategy())
        def collect(case: Case) -> None:
            found.append(case)

        collect()
    return found


async def test_no_request_of_any_role_breaks_a_service_or_its_description(
    mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Every route of all services by every role; `make test-api` sends more."""
    wrong, told = [], Counter[int]()
    async with whole(mongo.url, tmp_path_factory.mktemp("whole")) as made:
        made.tokens = {name: made.token(**claims) for name, claims in CLAIMS.items()}
        (
            await made.ask("operator", "PUT", f"/v1/agencies/{PARENT}", json=PARENT_ENTRY)
        ).raise_for_status()
        cases = [case for service in SERVICES for case in generated(service)]
        for number, case in enumerate(cases):
            for person in list(CLAIMS)[number % EXAMPLES :: EXAMPLES]:
                sent = case.as_transport_kwargs(base_url=made.url)
                headers = {k: v for k, v in sent.pop("headers").items() if k != "Authorization"}
                sent.pop("cookies", None)
                sent["content"] = sent.pop("data", None)
                answer = await made.ask(
                    person, sent.pop("method"), sent.pop("url"), headers=headers, **sent
                )
                told[answer.status_code] += 1
                try:
                    case.validate_response(answer, checks=CHECKS)
                except Exception as error:
                    wrong.append(f"{case.method} {case.path} by {person}: {error!r:.600}")
    print(f"{sum(told.values())} requests, seed {SEED}: {dict(told)}")

    assert not wrong, f"{len(wrong)} with seed {SEED}:\n" + "\n".join(wrong[:20])
    assert {200, 403, 404, 422} <= set(told)


if FULL:

    @pytest_asyncio.fixture(scope="module")
    async def network(
        broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
    ) -> AsyncIterator[Network]:
        async with running(broker, mongo, tmp_path_factory.mktemp("openapi"), SERVICES) as started:
            await started.load_sample()
            entered = await started.ask(
                "operator", "PUT", f"/v1/agencies/{PARENT}", json=PARENT_ENTRY
            )
            entered.raise_for_status()
            yield started

    @pytest.mark.parametrize("service", SERVICES)
    @pytest.mark.parametrize("person", CLAIMS)
    async def test_no_sequence_of_requests_breaks_a_service_or_its_description(
        network: Network, person: str, service: str
    ) -> None:
        names = (
            "not_a_server_error,status_code_conformance,content_type_conformance,"
            "response_schema_conformance"
        )
        process = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).parent / "schemathesis"),
            "run",
            f"{network.modules[service].url}/openapi.json",
            *("--header", f"Authorization: Bearer {network.issue(**CLAIMS[person])}"),
            *("--checks", names, "--seed", str(SEED), "--max-examples", EXTENT),
            *("--phases", "examples,coverage,fuzzing,stateful"),
            *("--request-timeout", "30"),  # a question may wait for 25 seconds
            *("--no-color", "--warnings", "off", "--suppress-health-check", "all"),
            *("--generation-database", "none", "--no-shrink"),
            *(part for path in LEFT_OUT for part in ("--exclude-path", path)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()

        assert process.returncode == 0, output.decode()[-6000:]
        print(output.decode()[-600:])
