"""`python -m services WORDS…` in an image: whatever `python -m services.<the one it holds>` does."""

import runpy
import sys
from pathlib import Path


def only_service() -> str:
    """The module of the one service beside this file. Raises `SystemExit` if there is not one only."""
    found = sorted(app.parent.name for app in Path(__file__).parent.glob("*/app.py"))
    if len(found) != 1:
        sys.exit(f"which service? here are: {', '.join(found) or 'none'}")
    return f"services.{found[0]}"


if __name__ == "__main__":
    runpy.run_module(only_service(), run_name="__main__", alter_sys=True)
