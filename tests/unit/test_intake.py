"""Intake puts every part of a document where it belongs: in the clear, sealed, or on the event."""

import random
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from services.referral.areas.rule import Place
from services.referral.intake.asked import Asked, Full
from services.referral.intake.command import _said
from services.referral.intake.request import ReceiveReferral
from services.referral.intake.rule import fields_to_seal, noted, receive
from services.referral.people.telling import Description
from services.referral.records import Referral
from services.referral.sharing.subject import Subject
from shared.events.codes import AGENCY_KINDS
from shared.events.referral import Concern
from shared.origin import Origin
from shared.rules.calendars import due_at
from shared.rules.consents import NO as NOES
from shared.rules.sharing import CATEGORIES, Consent
from tests.conftest import SEED
from tests.harness.network import a_referral
from tests.harness.young_people import young_person

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
WHOLE = {
    "urgency": "five_working_days",
    "nation": "scotland",
    "linked_issues": ["gangs"],
    "preferred_times": ["evenings"],
    "languages": ["cy"],
    "own_words": "Synthetic words.",
    "intelligence": "Synthetic intelligence.",
    "subject": {
        "name": "Sample Child",
        "date_of_birth": "2012-05-17",
        "gender": "female",
        "ethnicity": "asian",
        "communication_needs": ["interpreter"],
    },
    "indicators": [
        {"code": "missing_episodes", "recency": "current"},
        {"code": "no such code", "recency": "older"},
    ],
    "discussion": {"discussed": True, "wishes": "Synthetic wish."},
}


def document(**changes: Any) -> ReceiveReferral:
    return ReceiveReferral.model_validate(a_referral(**(WHOLE | changes)))


def test_a_document_becomes_a_referral_with_all_it_says() -> None:
    sent = document()

    referral, event = receive(
        sent,
        referral_id="ref_1",
        agency_id="ag_1",
        subject=("sub_1", 4),
        hashes=("reference", "request", "area"),
        here=Place("northtown"),
        sealed={"narrative": b"sealed"},
        blocks=["block"],
        reply=False,
        at=AT,
    )

    concerns = (
        Concern(code="missing_episodes", recency="current", agency_id="ag_1", reported_at=AT),
        Concern(code="unknown", recency="older", agency_id="ag_1", reported_at=AT),
    )
    assert referral == Referral(
        id="ref_1",
        agency_id="ag_1",
        subject_id="sub_1",
        subject_version=4,
        reference_hash="reference",
        request_hash="request",
        status="received",
        urgency="five_working_days",
        nation="scotland",
        area="northtown",
        received_at=AT,
        changed_at=AT,
        due_at=due_at("five_working_days", AT, "scotland"),
        age_band="13_to_15",
        gender="female",
        ethnicity="asian",
        concerns=concerns,
        linked_issues=("gangs",),
        settings_avoided=("police",),
        preferred_times=("evenings",),
        languages=("cy",),
        needs=("interpreter",),
        requested_action=sent.requested_action,
        discussed=True,
        warnings=("indicator_unknown",),
        sealed={"narrative": b"sealed"},
        blocks=("block",),
        reply=False,
    )
    said = event.model_dump()
    stored = referral.model_dump()
    assert said.pop("referral_id") == "ref_1"
    assert said == {name: stored[name] for name in said}


def test_everything_that_may_name_someone_is_sealed_under_its_own_name() -> None:
    sent = document()
    fields = fields_to_seal(sent, Place("northtown"))

    assert fields["agency_reference"] == "SYN-1"
    assert '"Sample Referrer"' in fields["referrer"]
    assert '"Sample Child"' in fields["identity"]
    assert fields["raw_indicators"] == "missing_episodes\nno such code"
    assert (fields["narrative"], fields["own_words"]) == ("Synthetic text.", "Synthetic words.")
    assert fields["intelligence"] == "Synthetic intelligence."
    assert fields["discussion"] == (sent.discussion and sent.discussion.model_dump_json())
    assert fields["safe_contact"] == sent.safe_contact.model_dump_json()
    alone = fields_to_seal(document(referrer=None, discussion=None), Place("northtown"))
    assert (alone["referrer"], alone["discussion"]) == ("", "")


def test_what_was_not_discussed_is_a_warning_and_not_taken_for_said() -> None:
    sent = document(discussion=None)

    referral, _ = receive(
        sent,
        referral_id="ref_1",
        agency_id="ag_1",
        subject=("sub_1", 1),
        hashes=("reference", "request", "area"),
        here=Place("northtown"),
        sealed={},
        blocks=(),
        reply=True,
        at=AT,
    )

    assert not referral.discussed
    assert referral.warnings == ("indicator_unknown", "not_discussed")


# --- A full record refuses no referral ---------------------------------------------------------

SAID = {"categories": ["existence"], "given_by": "young_person", "gillick_competent": True}
YES, NO = {**SAID, "status": "given"}, {**SAID, "status": "refused"}


def asked_of(subject: Subject, *consents: dict[str, Any]) -> tuple[Subject, frozenset[str]]:
    """The young person after a referral that says this, and the warnings that come of it."""
    sent = document(consents=consents)
    origin = Origin("agency:ag_2", "agency")
    asked = Asked(sent, "ref_new", origin, AT, "6", {})
    after = _said(subject, asked, subject.described[0]).after
    return after, noted(sent, after, "ref_new", {}, "ag_2", "6")


def known_child() -> Subject:
    known = Description(nhs_number="n", name_and_birth="a b", name="a", born="b")
    return young_person().told("ref_1", described=known)


def filled(yes: int, no: int = 0) -> Subject:
    """A young person of whom so many consents are on record, all replaced by the last ones."""
    made = known_child()
    said = tuple(
        Consent(
            id=f"con_{n:032}",
            status="given" if n < yes else "refused",
            categories=("existence",),
            given_by="young_person",
            recorded_at=AT - timedelta(days=9),
            valid_from=AT - timedelta(days=9),
        )
        for n in range(yes + no)
    )
    return made.told("ref_1", consents=said)


def test_of_a_full_record_a_yes_is_not_counted_and_a_no_is_and_the_referral_is_taken() -> None:
    after, told = asked_of(filled(499), YES, NO)
    assert [c.status for c in after.facts["ref_new"].consents] == ["given", "refused"]
    assert told == {"consent_waits"}

    for _ in range(2):  # asked again, it is the same
        after, told = asked_of(filled(500), YES, NO)
        assert [c.status for c in after.facts["ref_new"].consents] == ["refused"]
        assert told == {"too_many_records"}

    with pytest.raises(Full):
        asked_of(filled(500, 500), NO)
    fresh = known_child()
    assert len(asked_of(fresh, NO)[0].facts["ref_new"].consents) == 1


def test_whatever_noes_a_referral_says_it_is_taken_and_each_of_them_counts() -> None:
    chance = random.Random(f"{SEED}/noes")

    def one(number: int) -> dict[str, Any]:
        agencies = [f"ag_{number}_{n}".ljust(40, "x") for n in range(chance.choice((0, 3, 50)))]
        return {
            "status": chance.choice(("given", "refused", "withdrawn", "not_asked")),
            "categories": chance.sample(CATEGORIES, chance.randint(1, len(CATEGORIES))),
            "given_by": chance.choice(("young_person", "parent")),
            "gillick_competent": chance.choice((True, False, None)),
            "agency_ids": agencies,
            "agency_kinds": chance.sample(sorted(AGENCY_KINDS), chance.choice((0, 1, 20))),
        }

    for _ in range(30):
        said = [one(number) for number in range(chance.randint(1, 20))]
        after, _ = asked_of(known_child(), *said)

        kept = [c for c in after.facts["ref_new"].consents if c.status in NOES]
        for refusal in [each for each in said if each["status"] in NOES]:
            named = {(a, "") for a in refusal["agency_ids"]} | {
                ("", k) for k in refusal["agency_kinds"]
            }
            for (agency_id, kind), category in product(named or {("", "")}, refusal["categories"]):
                assert any(
                    (c.status, c.given_by, c.gillick_competent)
                    == (refusal["status"], refusal["given_by"], refusal["gillick_competent"])
                    and category in c.categories
                    and (agency_id in c.agency_ids or kind in c.agency_kinds or is_wide(c))
                    for c in kept
                ), f"seed {SEED}: {refusal} of {said}"


def is_wide(consent: Consent) -> bool:
    return not consent.agency_ids and not consent.agency_kinds
