"""What the release before has stored of young people is still so after the upgrade."""

from datetime import timedelta
from typing import Any

from services.referral.intake.facts import about_subject
from services.referral.people.upgrading import upgrade
from services.referral.sharing.rule import record_basis, record_consent
from services.referral.store import Stores
from shared.storage.store import Database
from tests.harness.young_people import young_person
from tests.service.test_referral_erasure import BY, stores_on
from tests.unit.test_ages import details
from tests.unit.test_referral_rules import AT, taken_in
from tests.unit.test_subjects import basis, consent


async def as_before(stores: Stores) -> dict[str, Any]:
    """A young person of two referrals, one erased, in the form of the release before."""
    for number in (1, 2):
        referral, event = taken_in()
        referral_id = f"ref_{number}"
        await stores.vault.make_key(referral_id)
        sealed = await stores.vault.seal(referral_id, about_subject(details(estimated_age=14)))
        names = {"id": referral_id, "subject_id": "sub_1", "reference_hash": referral_id}
        await stores.referrals.add(referral.but(**names, sealed=sealed), event, by=BY)
    await stores.vault.destroy("ref_2")
    said = record_consent(young_person(), "ref_1", "con_1", consent(), AT, by="agency:ag_1").after
    sealed_reasons = {"ref_2/bas_1/reason": b"sealed"}
    said = record_basis(
        said, "ref_1", "bas_1", basis(), by="worker:w", sealed=sealed_reasons, at=AT
    ).after
    sharing = said.sharing.model_copy(update={"unsafe_agencies": ("ag_9",)})
    return {
        "_id": "sub_1",
        "version": 7,
        "outbox": [],
        "referral_ids": ["ref_1", "ref_2"],
        "sharing": sharing.model_dump(),
        "service_agreement": "declined",
        "told_ahead": False,
        "not_same_as": ["sub_2"],
        "moving": {},
        "unsafe_persons": ["worker:wk_9"],
        "sealed_reasons": sealed_reasons,
        "described": [],
    }


async def test_what_was_recorded_before_is_so_after_the_upgrade(database: Database) -> None:
    stores = stores_on(database)
    await stores.prepare()
    before = await as_before(stores)
    other = {**before, "_id": "sub_2", "referral_ids": ["ref_3"], "not_same_as": []}
    empty = {**before, "_id": "sub_3", "referral_ids": []}
    await stores.subjects.collection.insert_many([before, other, empty])

    for _ in range(2):
        await upgrade(stores)

    after = await stores.subjects.get("sub_1")
    assert (after.version, after.referral_ids) == (7, ("ref_1", "ref_2"))
    assert [c.id for c in after.sharing.consents] == ["con_1"]
    assert [b.id for b in after.facts["ref_2"].bases] == ["bas_1"], "whose reasons name it"
    assert after.sealed_reasons == before["sealed_reasons"]
    assert after.unsafe == ("agency:ag_9", "worker:wk_9")
    assert await stores.unsafe_for(["worker:wk_9"]) == ["sub_1", "sub_2"]
    assert (after.service_agreement, after.sharing.age_band) == ("declined", "13_to_15")
    assert after.facts["ref_1"].apart == ("ref_3",)
    assert after.undescribed == ()
    age = after.facts["ref_1"].age
    assert age is not None
    assert (age.source, age.said_at) == ("estimated", AT)
    assert (await stores.subjects.get("sub_3")).facts == {}
    stored = await stores.subjects.collection.find_one({"_id": "sub_1"})
    assert stored is not None
    assert "sharing" not in stored
    assert stored["birthday_due"] - age.said_at > timedelta(days=300)
