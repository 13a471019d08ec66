"""The search fields of entries carry a version, so that an update is not taken for tampering."""

import json
from typing import Any

from services.audit.search.fields import VERSION, fields_of
from services.audit.search.hidden import BY_REFERRAL
from shared.events.catalogue import event_types
from shared.events.referral import ReferralAmended
from tests.golden import trail_fields
from tests.golden.__main__ import sample
from tests.harness.trails import body

KEPT = trail_fields.published()["fields"]


def test_the_version_is_the_published_one() -> None:
    assert trail_fields.published()["version"] == VERSION, "run `make golden`"


def test_an_event_is_found_by_the_same_fields_until_the_version_moves() -> None:
    found = trail_fields.found_by()

    assert found.keys() <= KEPT.keys(), "a new event: run `make golden`"
    assert found == {name: KEPT[name] for name in found}, (
        "move VERSION in services/audit/search/fields.py, then run `make golden`"
    )


def test_whatever_other_referral_an_event_names_it_can_be_kept_from_who_is_marked_for_it() -> None:
    tried = 0
    for name, data in event_types().items():
        for field in data.model_fields:
            if not field.startswith("other_referral_id"):
                continue
            other: dict[str, Any] = {field: ["ref_2"] if field.endswith("s") else "ref_2"}
            event = json.loads(body(1, type=name, **other))
            found = fields_of(event)
            keys = {one for by in BY_REFERRAL for one in found.get(by, ())}
            assert "ref_2" in keys, f"{name}: {field}"
            tried += 1
    assert tried >= 3


def test_a_join_is_in_no_agencys_own_trail() -> None:
    whole = json.loads(sample(ReferralAmended).body())

    def informed(*amended: str) -> object:
        data = {**whole["data"], "amended": amended}
        return fields_of({**whole, "data": data}).get("informed")

    assert informed("subject_id") is None
    own = [whole["data"]["agency_id"]]
    assert informed("narrative") == informed("subject_id", "narrative") == own
