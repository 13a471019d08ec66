"""`CONTAINERS=1` on the broker and the store of our own: what testcontainers starts, kills and removes."""

import sys

from tests.images.composed import run

RABBIT = "tests/service/test_rabbit.py"
TESTS = (
    "tests/service/test_store.py",
    f"{RABBIT}::test_a_broker_killed_under_load_loses_nothing_it_confirmed",
    f"{RABBIT}::test_a_broker_short_of_memory_confirms_nothing_and_still_gives_out_what_it_has",
    f"{RABBIT}::test_the_feed_reads_what_was_published_while_it_was_away_and_nothing_twice",
)


async def test_tests_of_broker_and_store_pass_in_containers_of_our_images() -> None:
    command = (sys.executable, "-m", "pytest", "-q", "-n", "0", *TESTS)
    said = await run(*command, env={"CONTAINERS": "1", "IMAGES": ""})

    # The official ones, where somebody has them.
    assert said.count(" in Docker; ") == len(("broker", "store")), said
    assert " passed" in said
