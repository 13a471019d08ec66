"""The topology as data."""

from shared.errors import NotFound
from shared.messaging.bus import EARLY_DELAYS, MAX_EARLY, RETRY_DELAYS, Wait
from shared.messaging.topology import NO_LIMIT, Topology
from tests.harness.buses import ONE, topology
from tests.harness.things import message

HERE = "t1."


def waits(name: str) -> bool:
    return ".retry." in name or ".early." in name


def test_every_queue_is_a_quorum_queue_with_an_explicit_delivery_limit() -> None:
    arguments = topology(HERE, feed=None).arguments()

    assert {a["x-queue-type"] for a in arguments.values()} == {"quorum"}
    assert arguments[f"{HERE}{ONE}"]["x-delivery-limit"] == 20
    waiting = [a for name, a in arguments.items() if waits(name) or name.endswith(".dead")]
    assert {a["x-delivery-limit"] for a in waiting} == {NO_LIMIT}


def test_what_a_queue_gives_up_goes_to_its_own_dead_queue_at_least_once() -> None:
    layout = topology(HERE)

    main = layout.arguments()[f"{HERE}{ONE}"]

    assert main["x-dead-letter-exchange"] == layout.dead
    assert main["x-dead-letter-routing-key"] == f"{HERE}{ONE}"
    assert main["x-dead-letter-strategy"] == "at-least-once"
    assert main["x-overflow"] == "reject-publish", "at-least-once needs it"
    assert (layout.dead, f"{HERE}{ONE}", f"{HERE}{ONE}.dead") in layout.bindings()


def test_a_retry_waits_in_a_queue_with_its_delay_and_returns_to_the_queue_it_came_from() -> None:
    layout = topology(HERE)

    for attempt, delay in ((1, 200), (2, 400), (3, 600), (4, 600), (99, 600)):
        name = layout.retry_queue(ONE, attempt)
        waiting = layout.arguments()[name]
        assert waiting["x-message-ttl"] == delay
        assert waiting["x-dead-letter-exchange"] == ""
        assert waiting["x-dead-letter-routing-key"] == f"{HERE}{ONE}"
        assert waiting["x-dead-letter-strategy"] == "at-least-once"
        assert (layout.retry, name, name) in layout.bindings()


def test_what_is_early_waits_with_all_others_and_returns_to_the_queue_it_was_sent_for() -> None:
    layout = topology(HERE)

    for level, delay in enumerate(EARLY_DELAYS, start=1):
        exchange, key = layout.waiting(ONE, Wait("early", level))
        waiting = layout.arguments()[layout.early_queue(level)]
        assert (exchange, key) == (layout.early_queue(level), f"{HERE}{ONE}")
        assert (exchange, "", layout.early_queue(level)) in layout.bindings()
        assert waiting["x-message-ttl"] == delay * 1000
        assert waiting["x-dead-letter-exchange"] == ""
        assert "x-dead-letter-routing-key" not in waiting, "that of the message"


def test_what_is_early_waits_milliseconds_first_and_longer_each_time_and_uses_up_no_attempt() -> (
    None
):
    early, waits_for = message(), []
    for _ in range(MAX_EARLY):
        early, wait = early.again(NotFound())
        waits_for.append(wait.seconds(RETRY_DELAYS))

    assert waits_for[0] < 0.1
    assert waits_for == sorted(waits_for)
    assert waits_for[-1] == RETRY_DELAYS[0]
    assert (early.attempt, early.again(NotFound())[0].attempt) == (0, 1)


def test_the_dead_never_expire_and_the_queues_have_no_length_limit() -> None:
    for name, arguments in topology(HERE, feed=None).arguments().items():
        assert "x-max-length" not in arguments
        assert ("x-message-ttl" in arguments) == waits(name)


def test_a_queue_hears_just_the_types_of_its_table_and_the_trail_hears_everything() -> None:
    layout = Topology(queues={"a.b": ("x.y",)}, feed="trail", prefix=HERE)

    from_events = [b for b in layout.bindings() if b[0] == layout.events]

    assert from_events == [
        (f"{HERE}events", "x.y", f"{HERE}a.b"),
        (f"{HERE}events", "#", f"{HERE}trail"),
    ]


def test_everything_of_a_prefix_carries_it() -> None:
    layout = topology(HERE)

    names = [*layout.arguments(), layout.events, layout.retry, layout.dead]

    assert all(name.startswith(HERE) for name in names)
