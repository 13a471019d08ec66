"""Settings every service has. Each service adds its own few in its `app.py`.

Read once, from the environment or from files of the same name in /run/secrets; secrets have no
default. `make check` holds docker-compose.yml and deploy/k8s to these classes.
"""

from pathlib import Path
from typing import Literal

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

SECRETS = Path("/run/secrets")


class Settings(BaseSettings):
    """`AMQP_URL`, `MONGO_URL`, `AUTH_JWKS` … as in docs/operating.md."""

    model_config = SettingsConfigDict(
        secrets_dir=SECRETS if SECRETS.is_dir() else None,
        extra="ignore",
        hide_input_in_errors=True,
    )

    environment: Literal["production", "development"] = "production"
    amqp_url: SecretStr
    mongo_url: SecretStr
    mongo_database: str = ""
    http_host: str = "127.0.0.1"
    http_port: int = 8000
    auth_jwks: str
    auth_issuer: str
    auth_audience: str = "hub-and-spoke"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    relay_lease: float = 30.0
    bus_prefix: str = ""
    retry_delays: tuple[float, float, float] = (5.0, 60.0, 600.0)
