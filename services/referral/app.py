"""The composition root of the referral service."""

import base64
from functools import partial

from services.referral.advice import route as advice
from services.referral.agencies import list_route as agreements
from services.referral.agencies import route as agencies
from services.referral.areas import route as areas
from services.referral.bars import route as bars
from services.referral.callers import has_left
from services.referral.cases import route as cases
from services.referral.corrections import route as corrections
from services.referral.disclosure import route as disclosure
from services.referral.disclosure.upgrading import note_since
from services.referral.drafts import route as drafts
from services.referral.goals import route as goals
from services.referral.handlers import handlers
from services.referral.imports import route as imports
from services.referral.intake import route as intake
from services.referral.intelligence import links_route as links
from services.referral.intelligence import profile_route as problem_profile
from services.referral.intelligence import route as intelligence
from services.referral.intelligence import wall_route as wall
from services.referral.invalidation import route as invalidation
from services.referral.lifecycle import route as lifecycle
from services.referral.matches import route as matches
from services.referral.measures import count_referrals
from services.referral.parents import route as parents
from services.referral.participation import card_route as cards
from services.referral.participation import route as participation
from services.referral.people.upgrading import upgrade
from services.referral.retention import route as retention
from services.referral.retention.policy import policy
from services.referral.search import route as search
from services.referral.sharing import route as sharing
from services.referral.store import Stores
from services.referral.stranded import route as stranded
from services.referral.timers import run_timers
from services.referral.tracings import route as tracings
from services.referral.transfers import route as transfers
from services.referral.vault import Vault
from shared.operating.kinds import Key96, KeyOf32OrMore
from shared.operating.runner import Build, Platform, Service
from shared.operating.settings import Settings
from shared.storage.store import Database

ROUTERS = (
    intake.router,
    bars.router,
    imports.router,
    disclosure.router,
    lifecycle.router,
    corrections.router,
    goals.router,
    cases.router,
    retention.router,
    sharing.router,
    invalidation.router,
    search.router,
    matches.router,
    parents.router,
    agencies.router,
    agreements.router,
    areas.router,
    stranded.router,
    tracings.router,
    transfers.router,
    drafts.router,
    participation.router,
    advice.router,
    cards.router,
    intelligence.router,
    links.router,
    wall.router,
    problem_profile.router,
)


class ReferralSettings(Settings):
    """In base64: `REFERRAL_MASTER_KEY` of 96 bytes, `REFERRAL_PEPPER` of 32 or more; and, while the
    master key is being rotated, `REFERRAL_MASTER_KEY_PREVIOUS`."""

    referral_master_key: Key96
    referral_pepper: KeyOf32OrMore
    referral_master_key_previous: Key96 | None = None

    def master_keys(self) -> list[bytes]:
        """The key in use, then the one before it while a rotation is going on."""
        keys = (self.referral_master_key, self.referral_master_key_previous)
        return [base64.b64decode(key.get_secret_value()) for key in keys if key]


def vault_of(database: Database, settings: ReferralSettings) -> Vault:
    """The vault in a database, with the keys of the settings."""
    pepper = base64.b64decode(settings.referral_pepper.get_secret_value())
    return Vault(database, settings.master_keys(), pepper)


async def prepare(stores: Stores) -> None:
    """Indexes, and what an earlier release has stored in another form; safe to repeat."""
    await stores.prepare()
    await upgrade(stores)
    await note_since(stores)


def build(settings: ReferralSettings) -> Build:
    """The service on a platform."""

    policy()  # a faulty retention policy stops the start, not the monthly run

    def on(platform: Platform) -> Service:
        stores = Stores.on(platform, vault_of(platform.database, settings))
        return Service(
            name="referral",
            state=stores,
            routers=ROUTERS,
            prepare=partial(prepare, stores),
            has_left=partial(has_left, stores),
            handlers=handlers(stores),
            loops=[partial(run_timers, stores)],
            measures=[partial(count_referrals, stores)],
        )

    return on
