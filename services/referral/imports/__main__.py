"""Send a file of referrals, of any size, to the API: `python -m services.referral.imports FILE`."""

import sys

from services.referral.imports.sending import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
