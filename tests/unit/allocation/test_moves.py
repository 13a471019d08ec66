"""What waits goes to the Hub that serves its area; what a worker has stays with them."""

import pytest

from services.allocation.assignment.referral_sync import is_elsewhere
from services.allocation.assignment.rule import goes_to, wait
from services.allocation.hubs.hub import Hub
from services.allocation.records import Allocation, Order
from tests.unit.allocation.given import AT, allocation, hub, later, offered, waiting

OTHER = hub(areas=["southtown"]).but(id="hub_south")
ORDER = Order(worker_id="wk_one", reason="continuity", by="hub_manager:usr_1", at=AT)


def test_what_waits_with_one_hub_waits_with_the_one_that_serves_its_area_from_when_it_began() -> (
    None
):
    before = waiting().but(with_manager=True, order=ORDER, exception=ORDER)

    moved = wait(before, None, OTHER, at=later(days=2), holder_id="wk_south")

    after = moved.after
    assert (after.hub_id, after.holder_id, after.with_manager) == ("hub_south", "wk_south", False)
    assert (after.order, after.exception, after.round) == (None, None, before.round + 1)
    assert after.waiting_since == before.waiting_since
    assert after.review_at == later(days=2 + OTHER.clocks.review_days)
    assert [(e.event_type, e.model_dump()["hub_id"]) for e in moved.events] == [
        ("allocation.waiting", "hub_south")
    ]
    assert not wait(after, None, OTHER, at=later(days=3)).events, "once"


def test_it_goes_to_no_hub_from_one_and_is_not_overtaken_where_it_was() -> None:
    before = waiting()

    assert not wait(before, None, None, at=later(days=1)).events
    assert wait(before, None, OTHER, at=AT, overtake=True).after.hub_id == "hub_south"
    assert wait(before, None, hub(), at=AT, overtake=True).after.hub_id == "hub_north"


@pytest.mark.parametrize(
    ("case", "to", "goes"),
    [
        (waiting(), hub(), False),
        (waiting(), OTHER, True),
        (waiting().but(hub_id=None), OTHER, True),
        (waiting(), None, False),
        (allocation(), OTHER, False),
        (offered(), OTHER, False),
    ],
)
def test_only_what_waits_goes(case: Allocation, to: Hub | None, goes: bool) -> None:
    assert goes_to(case, to) is goes


@pytest.mark.parametrize(
    ("area", "to", "elsewhere"),
    [
        ("southtown", OTHER, True),
        ("northtown", OTHER, False),
        ("southtown", hub(), False),
        ("southtown", None, False),
    ],
)
def test_a_case_is_elsewhere_if_another_hub_serves_its_new_area(
    area: str, to: Hub | None, elsewhere: bool
) -> None:
    assert is_elsewhere(offered(), area, to) is elsewhere
    assert not is_elsewhere(offered().but(hub_id=None), area, to)
