"""The composition root of the referral service."""

import base64

from pydantic import SecretStr

from services.referral.handlers import handlers
from services.referral.routes import router
from services.referral.store import Desk
from services.referral.vault import Vault
from shared.runner import Build, Platform, Service
from shared.settings import Settings


class ReferralSettings(Settings):
    """Both in base64: `REFERRAL_MASTER_KEY` of 96 bytes, `REFERRAL_PEPPER` of 32 or more."""

    referral_master_key: SecretStr
    referral_pepper: SecretStr


def build(settings: ReferralSettings) -> Build:
    """The service on a platform."""

    def on(platform: Platform) -> Service:
        vault = Vault(
            platform.database,
            base64.b64decode(settings.referral_master_key.get_secret_value()),
            base64.b64decode(settings.referral_pepper.get_secret_value()),
        )
        desk = Desk.on(platform, vault)
        return Service(
            name="referral",
            state=desk,
            routers=[router],
            prepare=desk.prepare,
            handlers=handlers(desk),
        )

    return on
