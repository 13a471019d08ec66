"""Each thing that real forms ask has a member, a sealed section, a category, and is read back."""

import json
from typing import Any

from services.allocation.risk.policy_file import KNOWN
from services.referral.areas.rule import Place
from services.referral.authorship import read
from services.referral.corrections.request import AmendReferral
from services.referral.corrections.rule import patches
from services.referral.disclosure.content import standing
from services.referral.disclosure.rule import Shown
from services.referral.form.people import named_suspects
from services.referral.form.sections import FORM, PEOPLE
from services.referral.intake.facts import coded_concerns
from services.referral.intake.request import ReceiveReferral
from services.referral.intake.rule import fields_to_seal, receive
from services.referral.intake.timely import timely
from services.referral.records import SEALED, Referral
from shared.events.codes import INDICATORS
from shared.events.indicators import UNSCORED_INDICATORS
from shared.rules.sharing import CATEGORIES
from tests.golden.forms import PAGE, ROWS, page
from tests.harness.cases import every_case
from tests.harness.faulty import schema_of, whole
from tests.harness.network import a_referral
from tests.unit.test_intake import AT

SCHEMA = schema_of(ReceiveReferral)
PERSON = whole(SCHEMA)["people"][0]
KIND_OF = {"people_family": "parent", "people_professional": "professional"}
SENT = {
    **whole(SCHEMA),
    "people": [{**PERSON, "kind": KIND_OF.get(section, "suspect")} for section in PEOPLE],
}
ASKED = [(member, section) for _, members in ROWS for member, section in members.items()]


def stored() -> tuple[Referral, dict[str, Any]]:
    document = ReceiveReferral.model_validate(SENT)
    assert not document.asides
    fields = fields_to_seal(document, Place("northtown"))
    referral, _ = receive(
        document,
        referral_id="ref_1",
        agency_id="ag_1",
        subject=("sub_1", 1),
        hashes=("reference", "request", "area"),
        here=Place("northtown"),
        sealed=dict.fromkeys(fields, b"sealed"),
        blocks=[],
        reply=True,
        at=AT,
    )
    return referral, read({f"{name}~0": text for name, text in fields.items()})


REFERRAL, OPENED = stored()


def shown(shown_as: Shown) -> str:
    return json.dumps(standing(REFERRAL, shown_as, OPENED)[0])


def value_of(section: str, member: str) -> Any:
    said = OPENED[f"{section}~0"]
    return said["people"][0].get(member) if section in PEOPLE else said[member]


@every_case(ASKED)
def test_what_forms_ask_has_a_home_and_is_withheld_from_who_has_no_ground(
    member: str, section: str
) -> None:
    top, name = member.split("/")
    schema = SCHEMA["properties"][top]
    assert name in (schema.get("items") or schema)["properties"], "no such member"
    assert value_of(section, name) is not None, "it was lost"
    category = SEALED[section]
    place = f'"{section}"'
    sender = Shown("referrer", (), own="agency:ag_1")
    assert place in shown(sender)
    assert place in shown(Shown("worker", CATEGORIES))
    others = tuple(c for c in CATEGORIES if c != category)
    assert place not in shown(Shown("agency", others)), "shown without its category"
    if category is not None:
        assert place in shown(Shown("agency", (category,)))


def test_the_page_of_forms_is_the_code_and_has_every_section() -> None:
    assert PAGE.read_text("utf-8") == page(), "run `make intake-rules` and look at what changed"
    assert {section for _, section in ASKED} >= {*FORM, *PEOPLE}


def test_a_section_is_corrected_by_a_merge_patch_and_people_are_added() -> None:
    amendment = AmendReferral.model_validate(
        {
            "missing": {"now": "no", "present_place": None},
            "legal": None,
            "people": [{"kind": "mother", "name": "Sample Mother"}],
        }
    )

    written = patches(amendment)

    assert json.loads(written["missing"]) == {"now": "no", "present_place": None}
    assert set(json.loads(written["legal"]).values()) == {None}
    (mother,) = json.loads(written["people_family"])["people"]
    assert mother == {"kind": "parent", "name": "Sample Mother"}
    assert amendment.names == ("legal", "missing", "people", "set_aside")


def test_danger_is_a_flag_and_an_unknown_word_for_it_is_danger() -> None:
    for risk, flag in (("yes", True), ("no", False), ("high", True), ("not_known", False)):
        document = ReceiveReferral.model_validate(a_referral(visit_risk={"risk": risk}))
        assert (document.visit_risk is not None and document.visit_risk.risk == "yes") == flag
    assert REFERRAL.visit_risk


def test_the_group_follows_from_the_codes_of_the_census() -> None:
    sent = a_referral(
        background={"ethnicity_code": "wirt"}, condition={"disabilities": ["aut", "mob"]}
    )

    subject = timely(ReceiveReferral.model_validate(sent), AT).subject

    assert (subject.ethnicity, subject.disability) == ("white", "yes")


def test_a_suspect_of_the_network_is_named_and_nobody_else() -> None:
    people = [
        {"kind": "perpetrator", "worker_id": "wk_1", "agency_id": "ag_2"},
        {"kind": "professional", "worker_id": "wk_2"},
        {"kind": "suspect", "name": "Sample Suspect"},
        {"kind": "neighbour", "worker_id": "wk_3"},
    ]

    document = ReceiveReferral.model_validate(a_referral(people=people))

    assert named_suspects(document.people) == [("agency", "ag_2"), ("worker", "wk_1")]
    assert [person.kind for person in document.people][-1] == "other"


def test_indicators_without_points_are_kept_by_their_codes() -> None:
    assert not INDICATORS & UNSCORED_INDICATORS
    assert KNOWN == INDICATORS | UNSCORED_INDICATORS
    sent = [{"code": code, "recency": "current"} for code in sorted(UNSCORED_INDICATORS)]
    document = ReceiveReferral.model_validate(a_referral(indicators=sent))
    codes = [concern.code for concern in coded_concerns(document.indicators, "ag_1", AT)]
    assert codes == sorted(UNSCORED_INDICATORS)
