"""What a decision is said to change is what it changes."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from services.referral.matches.effect import afterwards, effect
from services.referral.matches.rule import Side
from services.referral.people.deciding import Decided, decide_same
from services.referral.people.links import join
from services.referral.sharing.facts import Facts, Marked
from services.referral.sharing.subject import Subject
from shared.rules.sharing import CATEGORIES, Consent, Request, Terms, decide
from tests.harness.young_people import aged
from tests.unit.test_referral_rules import AT, received

repeatable = settings(derandomize=True)
LATER = AT + timedelta(days=1)
AGENCIES = {"ag_police": "6", "ag_health": "3f"}
TERMS = tuple(
    Terms(
        id=f"isa_{agency}",
        version=1,
        parties=(agency, "hub_a"),
        purposes=("safeguarding",),
        categories=("existence", "concerns"),
        grounds=("consent",),
        effective_from=AT - timedelta(days=9),
        effective_to=AT + timedelta(days=99),
        signed_by=(agency, "hub_a"),
    )
    for agency in AGENCIES
)


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    consents = tuple(
        Consent(
            id=f"con_{draw(st.integers(0, 10**9))}",
            status=draw(st.sampled_from(["given", "refused"])),
            agency_ids=(draw(st.sampled_from(sorted(AGENCIES))),),
            categories=("existence",),
            given_by="young_person",
            gillick_competent=True,
            recorded_at=AT,
            said_at=AT - timedelta(hours=draw(st.integers(0, 5))),
            valid_from=AT,
        )
        for _ in range(draw(st.integers(0, 2)))
    )
    names = draw(st.sets(st.sampled_from(["agency:ag_police", "worker:wk_0", "worker:wk_9"])))
    marks = tuple(Marked(name=name, unsafe=True, at=AT) for name in sorted(names))
    return aged(draw(st.sampled_from(["13_to_15", "16_to_17"]))).but(consents=consents, marks=marks)


def side(number: int, subject: Subject) -> Side:
    ids = {"id": f"ref_{number}", "subject_id": subject.id, "worker_id": f"wk_{number}"}
    return Side(received().but(**ids, agency_id="ag_1", hub_id="hub_a"), subject)


def shown(subject: Subject, agency_id: str) -> tuple[str, ...]:
    request = Request(
        sharer="hub_a",
        agency_id=agency_id,
        agency_kind=AGENCIES[agency_id],
        purpose="safeguarding",
        categories=CATEGORIES,
    )
    return decide(request, subject.sharing, TERMS, LATER).permitted


@repeatable
@given(facts(), facts(), st.sampled_from(["same_person", "different_people"]), st.booleans())
def test_the_effect_told_is_the_difference_that_the_decision_makes(
    one: Facts, two: Facts, decision: Decided, joined: bool
) -> None:
    if joined:
        both = Subject(id="sub_1", facts={"ref_0": one, "ref_1": two})
        pair = side(0, both), side(1, both)
    else:
        pair = (
            side(0, Subject(id="sub_0", facts={"ref_0": one})),
            side(1, Subject(id="sub_1", facts={"ref_1": two})),
        )
    own = [s.referral for s in pair]

    told = effect(pair, decision, own, AGENCIES, TERMS, "safeguarding", LATER)

    then = afterwards(*pair, decision)
    assert told.nothing_changes == (joined == (decision == "same_person"))
    found = {(s.referral_id, s.agency_id): (s.more, s.less) for s in told.shifts}
    for each in pair:
        for agency_id in AGENCIES:
            before = shown(each.subject, agency_id)
            after = shown(then[each.referral.id], agency_id)
            more, less = found.get((each.referral.id, agency_id), ((), ()))
            assert set(after) == (set(before) | set(more)) - set(less)
    for change in told.changes:
        before_, after_ = pair[int(change.referral_id[-1])].subject, then[change.referral_id]
        assert set(change.marks_added) == set(after_.unsafe) - set(before_.unsafe)
        assert change.age_after == after_.sharing.age_band
        own_worker = f"worker:wk_{change.referral_id[-1]}"
        assert change.worker_marked == (own_worker in change.marks_added)
    assert told.workers == (("wk_0", "wk_1") if not joined and decision == "same_person" else ())
    text = " ".join(told.sentences)
    for shift in told.shifts:
        assert shift.agency_id in text
    for change in told.changes:
        assert all(name in text for name in (*change.marks_added, *change.marks_gone))


@repeatable
@given(facts(), facts())
def test_the_young_person_foreseen_is_the_one_that_joining_makes(one: Facts, two: Facts) -> None:
    mine = Subject(id="sub_0", facts={"ref_0": one})
    other = Subject(id="sub_1", facts={"ref_1": two})
    pair = side(0, mine), side(1, other)

    foreseen = afterwards(*pair, "same_person")["ref_0"]

    going = decide_same(mine, "ref_0", "ref_1", "sub_1").after
    made = join(other, going, ["ref_0"]).after
    assert foreseen.sharing == made.sharing
    assert foreseen.unsafe == made.unsafe
