"""Handlers are held to the events they are for, by mypy and when a service is composed.

Where a comment says that mypy must complain, `make types` fails when it does not.
"""

from typing import Any

import pytest

from shared.errors import Poison
from shared.events import Event, EventData
from shared.events.allocation import AllocationEvent, AllocationLapsed
from shared.events.erasure import ReferralErased
from shared.events.referral import ReferralAmended, ReferralReceived
from shared.messaging.bus import Message
from shared.messaging.dispatch import dispatcher, on
from tests.golden.__main__ import sample
from tests.harness.things import ThingMade

heard: list[str] = []


async def of_amended(event: Event[ReferralAmended]) -> None:
    heard.append(f"amended {event.data.amended}")


async def of_either(event: Event[ReferralReceived | ReferralErased]) -> None:
    heard.append(event.data.referral_id)


async def of_any_allocation(event: Event[AllocationEvent]) -> None:
    heard.append(event.data.status)


def test_a_handler_takes_its_event_one_of_several_or_a_base() -> None:
    table = [
        on(ReferralAmended, of_amended),
        on(ReferralReceived, of_either),
        on(ReferralErased, of_either),
        on(AllocationLapsed, of_any_allocation),
    ]

    assert [handler.type for handler in table] == [
        "referral.amended",
        "referral.received",
        "referral.erased",
        "allocation.lapsed",
    ]


def test_a_handler_for_another_event_does_not_pass_mypy() -> None:
    on(ReferralReceived, of_amended)  # type: ignore[arg-type]
    on(ReferralAmended, of_either)  # type: ignore[arg-type]
    on(ReferralErased, of_any_allocation)  # type: ignore[arg-type]


def test_an_event_that_declares_nothing_of_itself_can_not_be_made() -> None:
    class Silent(EventData):
        count: int = 0

    with pytest.raises(TypeError, match="abstract"):
        Silent()  # type: ignore[abstract]


async def test_an_event_goes_to_the_handler_of_its_class() -> None:
    handle = dispatcher("q", [on(ReferralAmended, of_amended), on(ReferralErased, of_either)])
    heard.clear()

    for data in (ReferralErased, ReferralAmended):
        await handle(Message.of(sample(data).body()))

    assert heard == ["referral_id_1", "amended ('amended_1',)"]


async def test_what_no_event_is_raises_poison() -> None:
    with pytest.raises(Poison, match="unknown_type"):
        await dispatcher("q", ())(Message(id="m", type="t", stream="s", body=b"{}"))


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ([on(ReferralErased, of_either), on(ReferralErased, of_either)], "handles an event twice"),
        ([on(ThingMade, of_amended)], "nobody has defined"),  # type: ignore[arg-type]
    ],
)
def test_a_table_that_is_wrong_is_refused_when_the_service_is_composed(
    table: list[Any], why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        dispatcher("q", table)
