"""Reference vectors of others, read from where they are kept: beside the repository, or VECTORS."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("VECTORS") or ROOT.parent / "shared" / "vectors")


def vectors(name: str) -> Any:
    """One file of vectors. Where the folder isn't there, the test is skipped and says so."""
    path = FOLDER / f"{name}.json"
    if not path.exists():
        pytest.skip(
            f"the reference vectors are not here: {path.name} (set VECTORS to their folder)"
        )
    return json.loads(path.read_text("utf-8"))
