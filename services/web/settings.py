"""The settings of the pages."""

import ssl
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, SecretStr, model_validator

from shared.operating.kinds import Key32, Seconds
from shared.operating.limits import Rate
from shared.operating.settings import HttpSettings


def _address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("is no address; expected https://")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("has a path; expected the scheme, the host and the port alone")
    return text.rstrip("/")


def _certificates(path: str) -> str:
    try:
        if path:
            ssl.create_default_context(cafile=path)
    except OSError:
        raise ValueError("can't be read, or holds no certificate") from None
    return path


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError("is no time zone, as Europe/London") from None
    return name


Address = Annotated[str, AfterValidator(_address)]


class WebSettings(HttpSettings):
    """Where people find the pages, where the pages find the APIs, and how people sign in: as the client
    `WEB_CLIENT_ID` of the issuer whose metadata are at `WEB_METADATA`.

    The APIs show certificates of the authorities in the file `WEB_API_AUTHORITY`, if it is given; the
    issuer always one of those that the machine trusts. `WEB_SESSION_KEY` is 32 random bytes in base64;
    `WEB_OLD_SESSION_KEY` is the one before it, for as long as sessions that it sealed may last.
    """

    web_address: Address
    web_api: Address
    web_api_referral: Address | None = None
    web_api_allocation: Address | None = None
    web_api_notify: Address | None = None
    web_api_audit: Address | None = None
    web_api_authority: Annotated[str, AfterValidator(_certificates)] = ""
    web_metadata: Annotated[str, Field(pattern=r"^https?://")]
    web_client_id: Annotated[str, Field(min_length=1)]
    web_client_secret: SecretStr | None = None
    web_self_client_id: Annotated[str, Field(min_length=1)] | None = None
    web_self_client_secret: SecretStr | None = None
    web_self_rate: Rate = "20/hour"
    web_scope: str = "openid"
    web_session_key: Key32
    web_old_session_key: Key32 | None = None
    web_idle: Seconds = 1800.0
    web_longest: Seconds = 8 * 3600.0
    web_leave_to: str = "https://www.bbc.co.uk/weather"
    web_zone: Annotated[str, AfterValidator(_zone)] = "Europe/London"

    @model_validator(mode="after")
    def _safely(self) -> "WebSettings":
        told = {"WEB_ADDRESS": self.web_address, "WEB_METADATA": self.web_metadata}
        for name, address in told.items():
            if self.environment != "development" and not address.startswith("https://"):
                raise ValueError(f"{name} must be an https address")
        return self

    @property
    def secure(self) -> bool:
        """Whether browsers reach the pages over TLS."""
        return self.web_address.startswith("https://")

    def api(self, service: str) -> str:
        """The address of one of the APIs."""
        return getattr(self, f"web_api_{service}") or self.web_api
