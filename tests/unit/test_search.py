"""What a search finds: all that was said must agree, and who agrees is found by the keys."""

from datetime import date

import pytest
from pydantic import ValidationError

from services.referral.people.matching import Identity, blocking_keys
from services.referral.people.sounds import name_keys
from services.referral.search.request import SearchQuery
from services.referral.search.rule import agreeing, keys_of

KNOWN = Identity(
    "Catherine O'Sample", date(2011, 3, 4), "9434765919", postcode="N11AA", known_as="Kit Sample"
)


@pytest.mark.parametrize(
    ("said", "agrees"),
    [
        ({"name": "Katherine Osample"}, {"name"}),
        ({"name": "Kit Sample"}, {"name"}),
        ({"name": "Somebody Otherly"}, None),
        ({"name": "Unknown"}, None),
        ({"date_of_birth": "2011-04-03"}, {"date_of_birth"}),
        ({"date_of_birth": "2009-12-24"}, None),
        ({"nhs_number": "943 476 5919"}, {"nhs_number"}),
        ({"nhs_number": "9434765910"}, {"nhs_number"}),
        ({"nhs_number": "1234567890"}, None),
        ({"name": "Catherine O'Sample", "date_of_birth": "2009-12-24"}, None),
        ({"name": "Catherine O'Sample", "nhs_number": "9434700000"}, None),
        (
            {"name": "O'Sample Catherine", "date_of_birth": "2011-03-04"},
            {"name", "date_of_birth"},
        ),
    ],
)
def test_all_that_was_said_must_agree(said: dict[str, str], agrees: set[str] | None) -> None:
    query = SearchQuery.model_validate(said)
    stored = {*blocking_keys(KNOWN), *name_keys(KNOWN.name, KNOWN.known_as)}

    found = agreeing(query, KNOWN)
    by_keys = all(not stored.isdisjoint(keys) for keys in keys_of(query))

    assert (set(found) if found and by_keys else None) == agrees
    assert agrees is None or by_keys


def test_nothing_said_is_no_search() -> None:
    with pytest.raises(ValidationError):
        SearchQuery.model_validate({"purpose": "safeguarding"})
