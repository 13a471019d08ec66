"""What a later word has replaced for good need not travel; whatever may still decide does."""

from datetime import timedelta
from typing import Any

import pytest

from shared.rules.carried import carried
from shared.rules.sharing import CATEGORIES, SharingState
from tests.unit.test_sharing import AT, DAY, HOUR, POLICE, SCHOOL, a_basis, a_consent

OLD: dict[str, Any] = {"id": "con_old", "recorded_at": AT - DAY}


@pytest.mark.parametrize(
    ("old", "new", "stays"),
    [
        ({}, {}, False),
        ({}, {"status": "refused"}, False),
        ({"status": "refused"}, {"status": "withdrawn"}, False),
        ({"status": "refused"}, {}, True),
        ({"status": "not_asked"}, {"agency_ids": (SCHOOL,)}, False),
        ({}, {"categories": ("existence",)}, True),
        ({"categories": ("existence",)}, {}, False),
        ({}, {"agency_ids": (POLICE,)}, True),
        ({"agency_ids": (POLICE,)}, {"agency_ids": (POLICE, SCHOOL)}, False),
        ({"agency_ids": (POLICE, SCHOOL)}, {"agency_ids": (POLICE,)}, True),
        ({"agency_kinds": ("police",)}, {"agency_kinds": ("police", "school")}, False),
        ({"agency_kinds": ("police",)}, {"agency_ids": (POLICE,)}, True),
        ({"given_by": "parent"}, {"status": "refused"}, False),
        ({}, {"status": "refused", "given_by": "parent"}, True),
        ({}, {"given_by": "parent"}, True),
        ({"valid_to": AT + DAY}, {"valid_to": AT + DAY}, False),
        ({"valid_to": AT + DAY}, {"valid_to": AT + HOUR}, True),
        ({"valid_to": None}, {"valid_to": AT + DAY}, True),
        ({"valid_from": AT}, {"valid_from": AT}, False),
        ({"valid_from": AT}, {"valid_from": AT + HOUR}, True),
        ({"gillick_competent": True}, {"gillick_competent": None}, True),
        (
            {"status": "refused", "gillick_competent": True},
            {"status": "refused", "gillick_competent": None},
            True,
        ),
    ],
)
def test_a_consent_stays_as_long_as_it_may_decide(
    old: dict[str, Any], new: dict[str, Any], stays: bool
) -> None:
    older = a_consent(**(OLD | old))
    newer = a_consent(id="con_new", recorded_at=AT, **new)

    for said in ((older, newer), (newer, older)):
        kept = carried(SharingState(consents=said)).consents
        assert set(kept) == ({older, newer} if stays else {newer})


@pytest.mark.parametrize(
    ("old", "new", "stays"),
    [
        ({}, {}, True),
        ({"review_at": AT}, {}, False),
        ({"review_at": AT + timedelta(seconds=1)}, {}, True),
        ({"ended_at": AT}, {}, False),
        ({"ended_at": AT + HOUR}, {}, True),
        ({"ended_at": AT}, {"agency_ids": (SCHOOL,)}, True),
        ({"ended_at": AT}, {"agency_ids": (SCHOOL, POLICE)}, False),
        ({"ended_at": AT}, {"categories": ("existence",)}, True),
        ({"ended_at": AT, "categories": ("existence",)}, {"categories": CATEGORIES}, False),
    ],
)
def test_a_basis_stays_until_it_is_over_and_another_takes_its_place(
    old: dict[str, Any], new: dict[str, Any], stays: bool
) -> None:
    older = a_basis(id="bas_old", **old)
    newer = a_basis(id="bas_new", decided_at=AT, **new)

    for said in ((older, newer), (newer, older)):
        kept = carried(SharingState(bases=said)).bases
        assert set(kept) == ({older, newer} if stays else {newer})
