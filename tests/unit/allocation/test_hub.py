"""A Hub and its policy: what is put is read back, told once, and has defaults for what is left out."""

import pytest

from services.allocation.hubs.hub import Hub, amend_hub, amend_policy, hub_entry
from shared.errors import Refused, Stale
from shared.storage.records import Change
from tests.unit.allocation.given import hub, outcome


def test_a_changed_policy_is_the_next_revision_and_the_same_again_is_none() -> None:
    before = hub(debrief_from="mild")
    wanted = hub_entry(before).model_copy(update={"areas": ("westby",), "spoke_ceiling": "mild"})

    change = amend_hub(before, wanted, before)

    assert outcome(before, change) == {
        "changed": {"areas": ("westby",), "spoke_ceiling": "mild", "revision": 2},
        "said": {
            "hub.registered": {
                "hub_id": "hub_north",
                "areas": ("westby",),
                "spoke_ceiling": "mild",
                "revision": 2,
            }
        },
    }
    assert amend_hub(change.after, wanted, None) == Change(change.after)


@pytest.mark.parametrize("seen", [None, hub().but(revision=2)])
def test_a_hub_that_changed_since_its_areas_were_reserved_is_left_alone(seen: Hub | None) -> None:
    before = hub()
    wanted = hub_entry(before).model_copy(update={"areas": ("westby",)})

    with pytest.raises(Stale):
        amend_hub(before, wanted, seen)


def test_a_manager_changes_all_but_the_areas() -> None:
    before = hub(areas=("a", "b"))
    entry = hub_entry(before)
    other = entry.model_copy(update={"areas": ("b", "a"), "soft_percent": 50})

    assert amend_policy(before, entry) == Change(before)
    assert amend_policy(before, other).after == before.but(
        areas=("b", "a"), soft_percent=50, revision=2
    )
    for areas in (("a",), ("a", "b", "c"), ("a", "c"), ("c",)):
        with pytest.raises(Refused, match="areas_are_given"):
            amend_policy(before, entry.model_copy(update={"areas": areas}))


def test_a_level_or_clock_that_the_hub_left_out_has_its_default() -> None:
    own = hub(
        weights={"mild": 4},
        clocks={"answer_minutes": {"immediate": 10}, "waiting_days": {"mild": 9}},
    )

    assert (own.weight("mild"), own.weight("significant")) == (4, 1)
    assert (own.answer_minutes("immediate"), own.answer_minutes("same_day")) == (10, 120)
    assert (own.waiting_days("mild"), own.waiting_days("significant")) == (9, 1)
