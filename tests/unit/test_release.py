"""One version number, wherever it stands; and what the images are made of, as a list for others."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from shared.operating.start import VERSION

ROOT = Path(__file__).parents[2]


def test_the_version_stands_everywhere_as_it_is() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    files = [ROOT / "Dockerfile", ROOT / "docker-compose.yml", *ROOT.glob("docs/*.md")]
    files += [*(ROOT / "deploy").rglob("*.yaml"), *(ROOT / "deploy").rglob("*.sh")]
    tagged = {
        (str(file), found)
        for file in files
        for found in re.findall(
            r"hub-and-spoke-(?:\w+|\$\w+):(\d[\w.]*)|ARG VERSION=(\S+)", file.read_text("utf-8")
        )
    }

    assert project["version"] == VERSION
    assert tagged
    assert {one or two for _, (one, two) in tagged} == {VERSION}


def test_the_list_of_parts_names_every_package_that_an_image_holds(tmp_path: Path) -> None:
    file = tmp_path / "sbom.json"
    subprocess.run(
        [sys.executable, "-m", "deploy.sbom", str(file)], cwd=ROOT, check=True, capture_output=True
    )

    listed = json.loads(file.read_text("utf-8"))
    pinned = dict(
        re.findall(
            r"^([a-z0-9-]+)(?:\[[^\]]*\])?==([^ ;\\]+)",
            (ROOT / "requirements" / "run.txt").read_text("utf-8"),
            re.MULTILINE,
        )
    )
    assert listed["bomFormat"] == "CycloneDX"
    assert listed["metadata"]["component"]["version"] == VERSION
    found = {one["name"]: one for one in listed["components"]}
    assert {name: one["version"] for name, one in found.items()} == pinned
    assert all(one["purl"] == f"pkg:pypi/{name}@{one['version']}" for name, one in found.items())
