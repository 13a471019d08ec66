"""Run the allocation service alone: `python -m services.allocation`; `--check` and `--help` say more."""

import sys

from services.allocation.app import AllocationSettings, build
from shared.operating.start import start

if __name__ == "__main__":
    sys.exit(start("allocation", AllocationSettings, build))
