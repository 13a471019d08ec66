"""To whom "do not tell my parents" is closed, and shown: by every kind there is, and by none."""

from services.referral.parents.request import ParentsEntry, stands
from shared.events.codes import AGENCY_KINDS, OF_FAMILY, UNKNOWN_KIND
from shared.rules.access import Person, Thing, decide
from shared.rules.parents import closed_to, counts_as_family
from shared.rules.sharing import ParentsWord
from tests.golden.__main__ import AT

CLOSED = closed_to((ParentsWord(id="p", tell="no", recorded_at=AT, recorded_by="worker:wk_1"),))
OWN = Thing(referrer_id="ag_1", unsafe=CLOSED)


def test_an_agency_whose_kind_nobody_confirmed_reads_as_little_as_the_parents() -> None:
    for kind in sorted(AGENCY_KINDS):
        verdict = decide("view", Person("agency", agency_id="ag_1", agency_kind=kind), OWN)
        family = kind in OF_FAMILY or kind == UNKNOWN_KIND
        assert verdict.allowed is not family, kind
        assert counts_as_family(kind) is family
        if family:
            assert (verdict.relation, verdict.reason) == ("unsafe", "parents_not_told")
    assert counts_as_family("")


def test_nobody_else_is_taken_for_family() -> None:
    for person in (
        Person("worker", worker_id="wk_1", host_agency_id="ag_1"),
        Person("hub_manager", hub_id="hub_1"),
        Person("agency", agency_id="ag_1"),  # not looked up: the answer is no such thing
    ):
        assert person.names.isdisjoint(CLOSED)


def test_the_answer_shows_the_instruction_to_nobody_whom_it_may_be_meant_against() -> None:
    entry = ParentsEntry(tell_parents="no")
    for kind in sorted(AGENCY_KINDS):
        names = Person("agency", agency_id="ag_1", agency_kind=kind).names
        shown = stands(CLOSED, entry, names).instructions
        assert bool(shown) is not counts_as_family(kind), kind
