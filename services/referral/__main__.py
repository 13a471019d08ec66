"""Run the referral service alone: `python -m services.referral`."""

import asyncio

from services.referral.app import ReferralSettings, build
from shared.runner import run_alone

if __name__ == "__main__":
    settings = ReferralSettings()
    asyncio.run(run_alone("referral", settings, build(settings)))
