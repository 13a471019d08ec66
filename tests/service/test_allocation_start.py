"""The allocation service starts with a sound policy, or not at all."""

import base64
from pathlib import Path

from services.allocation.app import DEFAULT_POLICY
from tests.harness.processes import Module


async def test_a_faulty_policy_keeps_the_service_from_starting_and_the_line_is_named(
    tmp_path: Path,
) -> None:
    file = tmp_path / "policy.toml"
    text = DEFAULT_POLICY.read_text("utf-8")
    file.write_text(text.replace('immediate = "significant"', 'immediate = "high"'), "utf-8")
    line = text.splitlines().index('immediate = "significant"') + 1
    environment = {
        "ENVIRONMENT": "development",
        "AMQP_URL": "amqp://127.0.0.1:1",
        "MONGO_URL": "mongodb://127.0.0.1:1",
        "AUTH_JWKS": str(tmp_path / "keys.json"),
        "AUTH_ISSUER": "issuer",
        "AUTH_AUDIENCE": "audience",
        "AUTH_ACCOUNT_KEY": base64.b64encode(bytes(32)).decode(),
        "RISK_POLICY": str(file),
    }
    module = Module("services.allocation", environment, tmp_path)

    module.start()

    assert await module.wait() != 0
    assert f"{file}:{line}: floors.immediate: " in module.tail()
