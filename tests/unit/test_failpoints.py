"""Every place where a crash could separate two steps has a test that kills the process there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
POINT = re.compile(r'failpoint\(\s*f?"([^"]+)"')
ARMED = re.compile(r"\bFAULT\b|fault=|failpoint")


def _texts(*folders: str) -> list[str]:
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return [path.read_text("utf-8") for path in paths if path != Path(__file__)]


def _points() -> set[str]:
    return {
        point for text in _texts("services", "shared", "allinone") for point in POINT.findall(text)
    }


def test_at_every_failpoint_a_test_kills_the_process() -> None:
    # Only tests that arm one: a name in a comment elsewhere kills nothing.
    killing = "\n".join(
        text for text in _texts("tests/service", "tests/system") if ARMED.search(text)
    )
    points = _points()

    assert points >= {"store.after_write", "relay.after_claim", "consumer.before_ack"}
    assert not sorted(p for p in points if not re.search(rf'"{re.escape(p)}(:\d+)?"', killing))


def test_no_test_arms_a_failpoint_that_is_not_there() -> None:
    groups = {point.partition(".")[0] for point in _points()}
    named = re.compile(rf'"((?:{"|".join(sorted(groups))})\.(?:before|after)_[a-z_]+)(?::\d+)?"')
    killing = [text for text in _texts("tests/service", "tests/system") if ARMED.search(text)]

    assert not sorted({name for text in killing for name in named.findall(text)} - _points())
