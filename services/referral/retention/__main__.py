"""Run a retention command alone: `python -m services.referral.retention`."""

import sys

from services.referral.retention.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
