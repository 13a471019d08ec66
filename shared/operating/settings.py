"""Settings every service has. Each service adds its own few in its `app.py`.

Read once, from the environment or from files of the same name in /run/secrets; secrets have no
default. `make check` holds docker-compose.yml and deploy/k8s to these classes.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.operating.kinds import AmqpUrl, Key32, MongoUrl, Proxies, Seconds
from shared.operating.limits import LimitSettings
from shared.web.certificate import Certificate
from shared.web.claims import Claims, Place

CallerRole = Literal["agency", "worker", "hub_manager", "coordinator", "auditor", "operator"]
SECRETS = Path("/run/secrets")


class HttpSettings(LimitSettings, BaseSettings):
    """What everything that answers HTTP has: where it listens, how much it answers, whose tokens."""

    model_config = SettingsConfigDict(
        secrets_dir=SECRETS if SECRETS.is_dir() else None,
        extra="ignore",
        hide_input_in_errors=True,
    )

    environment: Literal["production", "development"] = "production"
    http_host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    http_port: Annotated[int, Field(ge=1, le=65535)] = 8000
    http_certificate_file: str = ""
    http_key_file: str = ""
    metrics_port: Annotated[int, Field(ge=0, le=65535)] = 0
    metrics_every: Seconds = 30.0
    auth_issuer: Annotated[str, Field(min_length=1)]
    auth_claims: dict[Literal["role", "agency_id", "worker_id", "hub_id", "area_id"], Place] = {}
    auth_roles: dict[str, CallerRole] = {}
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    trusted_proxies: Proxies = ""

    @property
    def claims(self) -> Claims:
        """Where the issuer says who somebody is."""
        return Claims(dict(self.auth_claims.items()), dict(self.auth_roles.items()))

    @model_validator(mode="after")
    def _certificate_is_whole(self) -> Self:
        given = {"HTTP_CERTIFICATE_FILE": self.http_certificate_file}
        given |= {"HTTP_KEY_FILE": self.http_key_file}
        there = [name for name, path in given.items() if path]
        if len(there) == 1:
            (missing,) = given.keys() - set(there)
            raise ValueError(f"{there[0]}: needs {missing} beside it")
        if there:
            try:
                Certificate(*given.values())
            except OSError:
                raise ValueError(
                    "HTTP_CERTIFICATE_FILE: can't be read, or HTTP_KEY_FILE is not its key"
                ) from None
        return self


class Settings(HttpSettings):
    """`AMQP_URL`, `MONGO_URL`, `AUTH_JWKS` … as in docs/operating.md."""

    amqp_url: AmqpUrl
    mongo_url: MongoUrl
    mongo_database: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{0,38}$")] = ""
    auth_jwks: Annotated[str, Field(min_length=1)]
    auth_audience: Annotated[str, Field(min_length=1)] = "hub-and-spoke"
    auth_account_key: Key32
    relay_lease: Seconds = 30.0
    relay_slowest: Seconds = 5.0
    tally_every: Seconds = 300.0
    sent_kept_days: Annotated[float, Field(ge=1, le=366)] = 30
    bus_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{0,64}$")] = ""
    retry_delays: tuple[Seconds, Seconds, Seconds] = (5.0, 60.0, 600.0)
    api_description: bool = True

    @model_validator(mode="after")
    def _keys_come_safely(self) -> Self:
        address = self.auth_jwks.lower()
        remote = "://" in address and not address.startswith("https://")
        if remote and self.environment != "development":
            raise ValueError("AUTH_JWKS must be a file or an https address")
        return self
