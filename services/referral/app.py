"""The composition root of the referral service."""

import base64
from functools import partial

from pydantic import SecretStr

from services.referral.clocks import watch_clocks
from services.referral.handlers import handlers
from services.referral.routes import ROUTERS
from services.referral.store import Desk
from services.referral.vault import Vault
from shared.runner import Build, Platform, Service
from shared.settings import Settings
from shared.store import Database


class ReferralSettings(Settings):
    """In base64: `REFERRAL_MASTER_KEY` of 96 bytes, `REFERRAL_PEPPER` of 32 or more; and, while the
    master key is being rotated, `REFERRAL_MASTER_KEY_PREVIOUS`."""

    referral_master_key: SecretStr
    referral_pepper: SecretStr
    referral_master_key_previous: SecretStr | None = None

    def master_keys(self) -> list[bytes]:
        """The key in use, then the one before it while a rotation is going on."""
        keys = (self.referral_master_key, self.referral_master_key_previous)
        return [base64.b64decode(key.get_secret_value()) for key in keys if key]


def vault_of(database: Database, settings: ReferralSettings) -> Vault:
    """The vault in a database, with the keys of the settings."""
    pepper = base64.b64decode(settings.referral_pepper.get_secret_value())
    return Vault(database, settings.master_keys(), pepper)


def build(settings: ReferralSettings) -> Build:
    """The service on a platform."""

    def on(platform: Platform) -> Service:
        desk = Desk.on(platform, vault_of(platform.database, settings))
        return Service(
            name="referral",
            state=desk,
            routers=ROUTERS,
            prepare=desk.prepare,
            handlers=handlers(desk),
            loops=[partial(watch_clocks, desk)],
        )

    return on
