"""Limits as settings, and the page that tells them."""

from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from shared.errors import TooMany
from shared.operating.limits import LimitSettings
from shared.operating.settings import Settings
from shared.web.limits import Limits, address_of
from tests.golden.limits import PAGE, page

NEEDED: dict[str, Any] = {
    "amqp_url": SecretStr("memory:"),
    "mongo_url": SecretStr("mongodb://127.0.0.1:1"),
    "auth_jwks": "/etc/jwks.json",
    "auth_issuer": "none",
    "auth_account_key": SecretStr("A" * 43 + "="),
}


def test_the_page_of_limits_is_the_one_that_the_code_makes() -> None:
    assert PAGE.read_text("utf-8") == page(), "run `make limits` and look at what changed"


@pytest.mark.parametrize("rate", ["", "many", "5", "5/fortnight", "-1/minute", "5 per"])
def test_a_rate_that_is_none_stops_the_start(rate: str) -> None:
    with pytest.raises(ValidationError):
        LimitSettings(limit_client=rate)


async def test_a_limit_is_met_by_one_client_and_not_by_another() -> None:
    limits = Limits(LimitSettings(limit_client="2/hour"))

    spent = [await limits.spend("client", "agency:ag_1") for _ in range(2)]
    with pytest.raises(TooMany) as refused:
        await limits.spend("client", "agency:ag_1")

    assert [one.left for one in spent] == [1, 0]
    assert spent[0].fields()["RateLimit-Policy"] == '"client";q=2;w=3600'
    assert 0 < refused.value.after <= 3600
    assert (await limits.spend("client", "agency:ag_2")).left == 1
    assert (await limits.spend("address", "192.0.2.1")).left > 0


async def test_asking_whether_a_limit_is_spent_spends_nothing() -> None:
    limits = Limits(LimitSettings(limit_failed_tokens="1/hour"))

    assert [await limits.is_spent("failed_tokens", "a") for _ in range(3)] == [False] * 3
    await limits.spend("failed_tokens", "a")
    assert await limits.is_spent("failed_tokens", "a")


async def test_a_stream_that_has_ended_makes_room_also_when_it_broke() -> None:
    limits = Limits(LimitSettings(limit_streams=1, limit_open=2))

    for _ in range(3):
        with pytest.raises(RuntimeError):
            async with limits.hold("a"):
                raise RuntimeError
    async with limits.hold("a"), limits.hold("b"):
        for who in "abc":
            with pytest.raises(TooMany):
                await limits.hold(who).__aenter__()


@pytest.mark.parametrize(
    ("client", "address"),
    [
        (("192.0.2.7", 5), "192.0.2.7"),
        (("2001:db8:1:2:3:4:5:6", 5), "2001:db8:1:2::/64"),
        (("2001:db8:1:2::9", 5), "2001:db8:1:2::/64"),
        (("fe80::1%eth0", 5), "fe80::/64"),
        (("::ffff:192.0.2.7", 5), "192.0.2.7"),
        (("not-an-address", 5), "not-an-address"),
        (None, "unknown"),
    ],
)
def test_whoever_has_one_address_of_a_network_has_them_all(client: Any, address: str) -> None:
    assert address_of({"client": client}) == address


@pytest.mark.parametrize(
    "where", ["http://issuer.example/jwks", "HTTP://issuer.example/jwks", "ftp://issuer.example/"]
)
def test_keys_from_an_address_without_tls_stop_the_start_outside_development(where: str) -> None:
    with pytest.raises(ValidationError, match="AUTH_JWKS"):
        Settings(**{**NEEDED, "auth_jwks": where})

    assert Settings(**{**NEEDED, "auth_jwks": where, "environment": "development"})
    assert Settings(**{**NEEDED, "auth_jwks": "https://issuer.example/jwks"})
    assert Settings(**NEEDED)
