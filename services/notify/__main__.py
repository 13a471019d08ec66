"""Run the notify service alone: `python -m services.notify`; `--check` and `--help` say more."""

import sys

from services.notify.app import NotifySettings, build
from shared.operating.start import start

if __name__ == "__main__":
    sys.exit(start("notify", NotifySettings, build))
