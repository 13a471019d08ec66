"""A service behind a product that issues tokens: what it takes, what it refuses, and new keys."""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from joserfc.jwk import ECKey

from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import Network
from tests.harness.provider import Provider
from tests.harness.waiting import until

AUDIENCE, ELSEWHERE = "https://hub.example/api", "https://elsewhere.example/"
AGENCY = "ag_riverside_school"
ROLES = {"hs-agency": "agency", "hs-worker": "worker", "hs-operator": "operator"}
SCOPES = (*ROLES, "payroll")


@pytest_asyncio.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    """It has an agency's program, an operator, a worker, and somebody who is two of ours."""
    made = Provider(tmp_path_factory.mktemp("provider"))
    await made.start()
    await made.prepare(a_key(), [AUDIENCE, ELSEWHERE], SCOPES)
    await made.client(AGENCY, ["hs-agency", "payroll"], [AUDIENCE, ELSEWHERE])
    await made.person("an.operator", ["hs-operator"])
    await made.person("a.worker", ["hs-worker", "payroll"], worker_id="wk_riverside_one")
    await made.person("two.people", ["hs-worker", "hs-operator"], worker_id="wk_riverside_one")
    try:
        yield made
    finally:
        await made.stop()


@pytest_asyncio.fixture(scope="module")
async def network(
    provider: Provider, broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    """The referral service, told of the provider as docs/operating.md says."""
    folder, prefix = tmp_path_factory.mktemp("network"), f"t{secrets.token_hex(6)}."
    made = Network(broker, mongo, prefix, folder, ["referral"])
    made.modules["referral"] = made.module(
        "referral",
        ENVIRONMENT="production",
        AUTH_ISSUER=provider.issuer,
        AUTH_AUDIENCE=AUDIENCE,
        AUTH_JWKS=f"{provider.issuer}/.well-known/openid-configuration",
        AUTH_CLAIMS=json.dumps({"role": "scope", "agency_id": "sub"}),
        AUTH_ROLES=json.dumps(ROLES),
        SSL_CERT_FILE=str(provider.authority),
    )
    await made.start()
    yield made
    await made.stop()


def a_key() -> ECKey:
    return ECKey.generate_key("P-256", {"use": "sig"}, auto_kid=True)


async def answered(network: Network, token: str, path: str = f"/v1/agencies/{AGENCY}") -> int:
    """The status that a request with this token gets."""
    url = network.modules["referral"].url + path
    got = await network.http.get(url, headers={"Authorization": f"Bearer {token}"})
    return got.status_code


async def register(network: Network, token: str) -> None:
    """An operator enters the agency."""
    entry = {"name": "Riverside School", "kind": "2a", "areas": ["riverside"]}
    url = f"{network.modules['referral'].url}/v1/agencies/{AGENCY}"
    done = await network.http.put(url, json=entry, headers={"Authorization": f"Bearer {token}"})
    assert done.is_success, done.text


async def test_who_has_a_token_of_the_product_is_who_it_says_and_no_other_is_let_in(
    network: Network, provider: Provider
) -> None:
    operator = await provider.of_person("an.operator", "hs-operator", AUDIENCE)
    worker = await provider.of_person("a.worker", "hs-worker", AUDIENCE)
    agency = await provider.of_client(AGENCY, "hs-agency", AUDIENCE)

    await register(network, operator["access_token"])
    assert await answered(network, agency) == 200
    assert await answered(network, agency, "/v1/agencies/ag_another") == 404
    assert await answered(network, worker["access_token"], "/v1/referrals") == 200
    assert await answered(network, agency, "/v1/agencies") == 403

    none = await provider.of_person("a.worker", "payroll", AUDIENCE)
    two = await provider.of_person("two.people", "hs-worker hs-operator", AUDIENCE)
    refused = {
        "for somebody else": await provider.of_client(AGENCY, "hs-agency", ELSEWHERE),
        "a role that is mapped to nothing": await provider.of_client(AGENCY, "payroll", AUDIENCE),
        "a person's that is mapped to nothing": none["access_token"],
        "two roles of ours": two["access_token"],
        "made for the program, not for us": operator["id_token"],
    }
    assert {name: await answered(network, token) for name, token in refused.items()} == (
        dict.fromkeys(refused, 401)
    )

    await provider.stop()
    await provider.start(shifted="-2h")
    over = await provider.of_client(AGENCY, "hs-agency", AUDIENCE, shifted=-7200)
    assert await answered(network, over) == 401
    await provider.stop()
    await provider.start()


async def test_new_keys_of_the_product_are_taken_and_nobody_waits(
    network: Network, provider: Provider
) -> None:
    operator = await provider.of_person("an.operator", "hs-operator", AUDIENCE)
    await register(network, operator["access_token"])
    old = await provider.of_client(AGENCY, "hs-agency", AUDIENCE)
    assert await answered(network, old) == 200

    await provider.sign_with(a_key())
    new = await provider.of_client(AGENCY, "hs-agency", AUDIENCE)
    waited = []

    async def taken() -> bool:
        begun = time.monotonic()
        statuses = await asyncio.gather(answered(network, new), answered(network, old))
        waited.append(time.monotonic() - begun)
        return statuses[0] == 200

    await until(taken, deadline=15, what="tokens by the new key")
    assert max(waited) < 2
