"""What the images are made of, as CycloneDX 1.6: `python -m deploy.sbom [FILE]`, or `make sbom`.

Made from requirements/run.txt, which pins every package of an image by its hashes; so it is the same
each time. The base image's own packages are not in it.
"""

import json
import re
import sys
import uuid
from pathlib import Path
from typing import Any

from shared.operating.start import VERSION

PINNED = Path(__file__).parents[1] / "requirements" / "run.txt"
PACKAGE = re.compile(
    r"^([a-z0-9-]+)(?:\[[^\]]*\])?==([^ ;\\]+)([^#]*?)(?=^[a-z#]|^    #|\Z)", re.M | re.S
)
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def components() -> list[dict[str, Any]]:
    """Every pinned package, with the hashes of the files that may be installed."""
    return [
        {
            "type": "library",
            "bom-ref": f"pkg:pypi/{name}@{version}",
            "name": name,
            "version": version,
            "purl": f"pkg:pypi/{name}@{version}",
            "properties": [{"name": "pinned:sha256", "value": v} for v in HASH.findall(rest)],
        }
        for name, version, rest in PACKAGE.findall(PINNED.read_text("utf-8"))
    ]


def document() -> str:
    """The whole of it."""
    parts = components()
    own = {"type": "application", "bom-ref": "hub-and-spoke", "name": "hub-and-spoke"}
    found = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid.uuid5(uuid.NAMESPACE_OID, VERSION + json.dumps(parts)).urn,
        "version": 1,
        "metadata": {"component": {**own, "version": VERSION}},
        "components": parts,
    }
    return json.dumps(found, indent=1) + "\n"


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--help"] | ["-h"]:
            sys.stdout.write(f"{__doc__}\n")
        case [] | ["-"]:
            sys.stdout.write(document())
        case [file] if not file.startswith("-"):
            Path(file).write_text(document(), "utf-8")
        case _:
            sys.stderr.write(f"{__doc__}\n")
            sys.exit(64)
