"""What an agency is told of an entry, and what an auditor is: of every event there is, with every value
its codes can have, no more and no less than docs/sharing.md says."""

import json
import re
from typing import get_args

import pytest

from services.audit.log.leaf import instant
from services.audit.reports.disclosures import disclosure_of
from shared.events import EventData
from shared.events.catalogue import event_types
from shared.events.declared import plain
from shared.events.records import RecordViewed
from shared.rules.known import CATEGORIES, Reason
from tests.golden.__main__ import AT, sample
from tests.harness.cases import every_case
from tests.harness.template import ROOT
from tests.harness.variants import changes, sampled, valid, variants

TYPES = event_types()
# A mark permits nothing by being lifted, and what is to be deleted stands in the notice it is of.
WITHOUT_CATEGORIES = ("sharing.safety_marked", "notification.retracted")


def promised() -> dict[str, set[str]]:
    """The table of docs/sharing.md: what the sentence of an entry depends on."""
    text = (ROOT / "docs" / "sharing.md").read_text("utf-8")
    table = text.partition("| entry | its sentence depends on |")[2].partition("\n\n")[0]
    rows = [line.strip("|").split("|") for line in table.splitlines()[2:]]
    return {
        name.strip(" `"): set(re.findall(r"`([a-z_]+)`", of.partition("(")[0])) for name, of in rows
    }


def told(one: EventData) -> str | None:
    """What an agency is told; None where none is."""
    return one.tells() if any(one.parties().informed) else None


def depends(kind: type[EventData]) -> set[str]:
    """The fields that change what an agency is told, whatever the others are."""
    found, data = set[str](), sampled(kind)
    for start in (data, *(changed for _, changed in changes(kind, data))):
        before = valid(kind, start)
        said = told(before) if before else None
        for name, changed in changes(kind, start) if said else ():
            after = valid(kind, changed)
            if after and told(after) not in (None, said):
                found.add(name)
    return found


def informing() -> set[str]:
    return {name for name, kind in TYPES.items() if any(map(told, variants(kind)))}


def test_only_the_entries_of_the_table_are_told_to_agencies() -> None:
    assert informing() == set(promised())


@every_case(sorted(promised()))
def test_an_agencys_sentence_depends_on_what_the_table_says_and_on_nothing_else(name: str) -> None:
    assert depends(TYPES[name]) == promised()[name]


@every_case(sorted(promised()))
def test_an_agencys_sentence_names_nobody_but_itself_and_the_referral(name: str) -> None:
    for one in variants(TYPES[name]):
        if said := told(one):
            own = {one.parties().referral_id, *one.parties().informed}
            own |= {getattr(one, field, None) for field in ("agreement_id", "kind", "party")}
            texts = set(re.findall(r'"(\w+_1)"', json.dumps(one.model_dump(mode="json"))))
            assert not [text for text in texts - own if re.search(rf"\b{text}\b", said)], said


@pytest.mark.parametrize("viewer", ["agency", "referrer"])
def test_of_what_was_withheld_an_agency_is_told_neither_what_nor_why(viewer: str) -> None:
    def looked(category: str, reason: str) -> str:
        verdict = {"category": category, "permitted": False, "reason": reason}
        data = sampled(RecordViewed) | {"viewer_kind": viewer, "verdicts": [verdict]}
        return RecordViewed.model_validate(data).tells()

    assert len({looked(c, r) for c in CATEGORIES for r in get_args(Reason)}) == 1


@every_case(sorted(TYPES))
def test_a_level_is_never_told_as_if_a_score_that_says_otherwise_had_set_it(name: str) -> None:
    """Urgency, a judgement, or a policy of before may have set it: then what the score says is told, too."""
    for one in variants(TYPES[name]):
        scored, level = getattr(one, "scored_level", None), getattr(one, "level", None)
        if scored and scored != level and "score" in (said := one.says("somebody")):
            assert f"alone says {plain(scored)}" in said


@every_case(sorted(TYPES))
def test_every_disclosure_names_its_categories(name: str) -> None:
    for one in variants(TYPES[name]):
        event = json.loads(sample(TYPES[name]).body()) | {"data": one.model_dump(mode="json")}
        line = disclosure_of(0, event, instant(AT))
        named = getattr(one, "consent", getattr(one, "basis", None))
        nothing_decided = (
            getattr(one, "verdicts", None) == () or getattr(named, "categories", 1) == ()
        )
        if line is None or not line.referral_id:
            continue
        if not nothing_decided and line.kind in ("shared", "viewed", "permitted", "forbidden"):
            assert line.categories or line.withheld or name in WITHOUT_CATEGORIES, one
