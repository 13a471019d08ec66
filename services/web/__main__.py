"""Run the pages alone: `python -m services.web`; `--check` and `--help` say more."""

import sys

from services.web.app import build, check
from services.web.settings import WebSettings
from shared.operating.start import start_pages

if __name__ == "__main__":
    sys.exit(start_pages("web", WebSettings, build, check))
