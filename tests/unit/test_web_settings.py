"""A wrong setting of the pages is named."""

import pytest
from pydantic import ValidationError

from tests.unit.test_web_front import settings_with


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("web_address", "http://hub.example"),
        ("web_address", "hub.example"),
        ("web_address", "https://hub.example/pages"),
        ("web_api", "https:///"),
        ("web_metadata", "http://issuer.example/.well-known/openid-configuration"),
        ("web_metadata", "/etc/metadata"),
        ("web_session_key", "c2hvcnQ="),
        ("web_zone", "Europe/Nowhere"),
        ("web_zone", "../../etc/passwd"),
        ("web_client_id", ""),
        ("web_api_authority", "/nowhere/ca.crt"),
        ("web_api_authority", __file__),
    ],
)
def test_a_wrong_one_is_named(name: str, value: str) -> None:
    with pytest.raises(ValidationError) as refused:
        settings_with(**{name: value})

    assert name.upper() in str(refused.value).upper()
