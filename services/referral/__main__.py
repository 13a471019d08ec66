"""Run the referral service alone: `python -m services.referral`; `--check` and `--help` say more."""

import sys

from services.referral.app import ReferralSettings, build
from shared.operating.start import start

if __name__ == "__main__":
    sys.exit(start("referral", ReferralSettings, build))
