"""A no that is recorded after a yes ends it, whatever a clock said: for every order and distance."""

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from services.referral.documents import ConsentEntry
from services.referral.parents.request import ParentsEntry
from services.referral.parents.rule import record_parents_word
from services.referral.sharing.facts import sharing_of
from services.referral.sharing.rule import record_consent
from services.referral.sharing.subject import Subject
from shared.errors import Mismatch
from shared.rules.carried import carried
from shared.rules.consents import standing_consent
from shared.rules.parents import parents_not_told
from shared.rules.sharing import Consent, ParentsWord, Request, SharingState
from tests.harness.young_people import aged, young_person

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
# How far ahead of its recording a word says that it was said: as much as clocks may differ.
AHEAD = (None, -60, -1, 0, 1, 60, 115, 120)
# How long after the yes the no is recorded; below zero where its replica's clock is behind.
AFTER = (0, 1, 60, 119, 121)
LOOKS = (0, 1, 60, 120, 3600, 400 * 86400)
POLICE = Request(
    sharer="hub_1",
    agency_id="ag_police",
    agency_kind="police",
    purpose="safeguarding",
    categories=("existence",),
)


def later(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def said(recorded: datetime, ahead: float | None) -> datetime | None:
    return None if ahead is None else recorded + timedelta(seconds=ahead)


def consent(status: str, recorded: datetime, ahead: float | None) -> Consent:
    return Consent.model_validate(
        {"id": f"con_{status}", "status": status, "categories": ["existence"]}
        | {"given_by": "young_person", "gillick_competent": True, "said_at": said(recorded, ahead)}
        | {"recorded_at": recorded, "valid_from": recorded, "recorded_by": "worker:wk_1"}
    )


def word(tell: str, recorded: datetime, ahead: float | None) -> ParentsWord:
    fields: dict[str, Any] = {"id": f"par_{tell}", "tell": tell, "said_at": said(recorded, ahead)}
    return ParentsWord(**fields, recorded_at=recorded, recorded_by="worker:wk_1")


@pytest.mark.parametrize("status", ["refused", "withdrawn"])
def test_a_no_recorded_later_ends_every_yes_of_a_fast_clock_for_good(status: str) -> None:
    for ahead, after in product(AHEAD, AFTER):
        # Said at a time that is not known, or when it was recorded: it counts from then.
        for of_no in (None, 0, 1, 120):
            stored = consent("given", AT, ahead), consent(status, later(after), of_no)
            for words in (stored, stored[::-1], carried(SharingState(consents=stored)).consents):
                state = SharingState(consents=words)
                for look in LOOKS:
                    found, _ = standing_consent("existence", POLICE, state, later(after + look))
                    assert found is None, (ahead, after, of_no, look)


def test_do_not_tell_my_parents_recorded_later_stands_whatever_a_clock_said() -> None:
    for ahead, after, of_no in product(AHEAD, AFTER, (None, 0, 1, 120)):
        stored = word("yes", AT, ahead), word("no", later(after), of_no)
        for words in (stored, stored[::-1]):
            assert parents_not_told(words), (ahead, after, of_no)
            assert carried(SharingState(about_parents=words)).about_parents


def told(subject: Subject, status: str, at: datetime, ahead: float | None) -> Subject:
    """Both said: about sharing, and about parents."""
    entry = ConsentEntry.model_validate(
        {"status": status, "categories": ["existence"], "given_by": "young_person"}
        | {"gillick_competent": True, "said_at": said(at, ahead)}
    )
    tell = {"given": "yes"}.get(status, "no")
    parents = ParentsEntry.model_validate({"tell_parents": tell, "said_at": said(at, ahead)})
    by = "worker:wk_1"
    subject = record_consent(subject, "ref_1", f"con_{status}", entry, at, by=by).after
    return record_parents_word(
        subject, "ref_1", f"par_{tell}", parents, at, by=by, by_family=False
    ).after


def test_a_no_counts_though_the_clock_of_its_replica_is_behind_that_of_the_yes() -> None:
    for ahead, behind in product(AHEAD, (0.001, 1, 30)):
        given = told(young_person(), "given", AT, ahead)
        subject = told(given, "withdrawn", later(-behind), None)

        for look in LOOKS:
            assert standing_consent("existence", POLICE, subject.sharing, later(look))[0] is None
        assert parents_not_told(subject.sharing.about_parents)


def test_a_word_is_kept_as_said_at_the_latest_when_it_was_recorded() -> None:
    for ahead in AHEAD:
        sharing = told(young_person(), "given", AT, ahead).sharing
        kept = {c.said_at for c in sharing.consents} | {w.said_at for w in sharing.about_parents}
        assert kept == {said(AT, ahead if ahead is None else min(ahead, 0))}


def test_the_same_word_of_a_fast_clock_again_is_one_word_and_another_is_not_taken_for_it() -> None:
    entry = ConsentEntry.model_validate(
        {"status": "given", "categories": ["existence"], "given_by": "young_person"}
        | {"said_at": later(115)}
    )
    parents = ParentsEntry(tell_parents="yes", said_at=later(115))
    subject = young_person()
    for at in (AT, later(1), later(300)):
        subject = record_consent(subject, "ref_1", "con_1", entry, at, by="worker:wk_1").after
        subject = record_parents_word(
            subject, "ref_1", f"par_{at}", parents, at, by="worker:wk_1", by_family=False
        ).after
        assert len(subject.sharing.consents) == len(subject.sharing.about_parents) == 1

    other = entry.model_copy(update={"said_at": later(-1)})
    with pytest.raises(Mismatch):
        record_consent(subject, "ref_1", "con_1", other, AT, by="worker:wk_1")


def test_a_fast_clock_makes_nobody_older_than_they_were() -> None:
    birthday = later(60)
    facts = aged("13_to_15")
    assert facts.age is not None
    reached = {"13_to_15": AT - timedelta(days=900), "16_to_17": birthday}
    age = facts.age.model_copy(update={"born": "2010-03", "reached": reached})
    facts = facts.but(age=age, consents=(consent("given", AT, 115),))

    assert [c.age_band for c in sharing_of([facts]).consents] == ["13_to_15"]
