"""The version of the sharing rules moves when a verdict does: decisions on record name it."""

from pathlib import Path

import pytest

from shared.rules.sharing import POLICY_VERSION
from tests.golden import sharing

PAGE = Path(__file__).parents[2] / "docs" / "sharing.md"


@pytest.fixture(scope="module")
def said() -> list[str]:
    return list(sharing.verdicts())


def test_a_version_of_the_sharing_rules_has_one_meaning(said: list[str]) -> None:
    assert sharing.published().get(POLICY_VERSION) == sharing.digest(said), (
        f"A verdict is another one than under {POLICY_VERSION}. If that is meant: give the rules a"
        " new POLICY_VERSION, say what changed in docs/sharing.md, and run `make golden`."
    )


def test_the_page_about_sharing_is_about_this_version() -> None:
    assert f"`{POLICY_VERSION}`" in PAGE.read_text("utf-8")


def test_the_worlds_hold_every_reason_and_every_ground(said: list[str]) -> None:
    text = "\n".join(said)

    for word in (*sharing.REASONS, *sharing.GROUNDS):
        assert f'"{word}"' in text, word
