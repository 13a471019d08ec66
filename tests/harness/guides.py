"""What a page under docs tells its reader to type, as it stands there."""

import re
import sys
from pathlib import Path

from tests.harness.template import ROOT

AUDITING = ROOT / "docs" / "auditing.md"
ONE_FILE = "python -m services.audit one-file"


def commands(page: Path) -> str:
    """Every shell block of a page, in order."""
    return "\n".join(re.findall(r"```sh\n(.*?)```", page.read_text("utf-8"), re.DOTALL))


def auditing() -> str:
    """The five minutes of docs/auditing.md for a reader in an empty folder. Its first step is run where
    the repository is; without a package, too."""
    script = commands(AUDITING)
    assert script.count(ONE_FILE) == 1
    return script.replace(
        ONE_FILE, f"(cd {ROOT} && {sys.executable} -S -m services.audit one-file)"
    )


def bare_python(folder: Path) -> Path:
    """A folder whose `python` sees no package, no PYTHONPATH and not the folder it is started in."""
    folder.mkdir()
    for name in ("python", "python3"):
        (folder / name).write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
        (folder / name).chmod(0o755)
    return folder


def verified(printed: str) -> list[str]:
    """What the verifier said is proven."""
    return [line for line in printed.splitlines() if line.startswith("verified: ")]
