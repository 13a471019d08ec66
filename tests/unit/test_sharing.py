"""The one decision about sharing: each reason, each ground, and what holds for any input at all."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, TypeVar, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.events.codes import AGENCY_KINDS, OF_FAMILY, UNKNOWN_KIND, AgeBand
from shared.rules.carried import carried
from shared.rules.parents import parents_not_told
from shared.rules.sharing import (
    CATEGORIES,
    SPECIAL,
    Basis,
    Category,
    Confirmation,
    Consent,
    Decision,
    GroundKind,
    Invalidation,
    LawfulBasis,
    ParentsWord,
    Reason,
    Request,
    SharingState,
    Terms,
    Verdict,
    decide,
)
from tests.golden.sharing import REASONS as DECIDED

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
HUB, POLICE, SCHOOL = "hub_1", "ag_police", "ag_school"


def a_consent(**changes: Any) -> Consent:
    """The young person, found competent, said yes yesterday, about everyone and everything."""
    fields: dict[str, Any] = {
        "id": "con_1",
        "status": "given",
        "categories": CATEGORIES,
        "given_by": "young_person",
        "gillick_competent": True,
        "recorded_at": AT - DAY,
        "valid_from": AT - DAY,
    }
    fields |= changes
    return Consent(**{"said_at": fields["recorded_at"], **fields})


def a_basis(**changes: Any) -> Basis:
    """A practitioner decided yesterday to tell the police everything; review tomorrow."""
    fields: dict[str, Any] = {
        "id": "bas_1",
        "basis": "public_task",
        "condition": "safeguarding",
        "agency_ids": (POLICE,),
        "categories": CATEGORIES,
        "decided_by": "wrk_1",
        "decided_at": AT - DAY,
        "review_at": AT + DAY,
    }
    return Basis(**(fields | changes))


def an_agreement(**changes: Any) -> Terms:
    """Hub and police agreed on everything for safeguarding, and both signed."""
    fields: dict[str, Any] = {
        "id": "agr_1",
        "version": 1,
        "parties": (HUB, POLICE),
        "signed_by": (HUB, POLICE),
        "purposes": ("safeguarding",),
        "categories": CATEGORIES,
        "grounds": get_args(GroundKind),
        "effective_from": AT - DAY,
        "effective_to": AT + DAY,
    }
    return Terms(**(fields | changes))


def a_request(**changes: Any) -> Request:
    fields: dict[str, Any] = {
        "sharer": HUB,
        "agency_id": POLICE,
        "agency_kind": "police",
        "purpose": "safeguarding",
        "categories": CATEGORIES,
    }
    return Request(**(fields | changes))


@dataclass(frozen=True)
class World:
    """Everything a decision is made from."""

    request: Request
    state: SharingState
    agreements: tuple[Terms, ...]

    def decided(self) -> Decision:
        return decide(self.request, self.state, self.agreements, AT)

    def permitted(self) -> set[Category]:
        return set(self.decided().permitted)

    def stating(self, **changes: Any) -> "World":
        return replace(self, state=self.state.model_copy(update=changes))

    def asking(self, **changes: Any) -> "World":
        return replace(self, request=self.request.model_copy(update=changes))


def a_world(
    *consents: Consent,
    bases: Iterable[Basis] = (),
    agreements: Iterable[Terms] | None = None,
    age_band: AgeBand = "13_to_15",
    unsafe: tuple[str, ...] = (),
) -> World:
    state = SharingState(
        consents=consents, bases=tuple(bases), unsafe_agencies=unsafe, age_band=age_band
    )
    agreed = (an_agreement(),) if agreements is None else tuple(agreements)
    return World(a_request(), state, agreed)


def verdict(world: World, category: Category = "identity") -> Verdict:
    return {v.category: v for v in world.decided().verdicts}[category]


def reason(world: World, category: Category = "identity") -> Reason | None:
    return verdict(world, category).reason


# Each ground carries, each reason withholds.


def test_a_consent_under_an_agreement_permits_and_both_are_named() -> None:
    decision = a_world(a_consent()).decided()

    assert decision.permitted == CATEGORIES
    assert not decision.safety_hold
    assert decision.policy_version == "sharing-8"
    assert decision.verdicts[1] == Verdict(
        category="identity",
        permitted=True,
        ground="consent",
        ground_id="con_1",
        agreement_id="agr_1",
        agreement_version=1,
    )


@pytest.mark.parametrize("basis", get_args(LawfulBasis))
def test_a_lawful_basis_under_an_agreement_permits_without_consent(basis: LawfulBasis) -> None:
    refused = a_consent(status="refused")

    told = verdict(a_world(refused, bases=[a_basis(basis=basis)]), "narrative")

    assert (told.permitted, told.ground, told.ground_id) == (True, basis, "bas_1")


DO_NOT_TELL = ParentsWord(id="par_1", tell="no", recorded_at=AT - DAY, recorded_by="agency:ag_1")
REASONS: dict[Reason, World] = {
    "recipient_unsafe": a_world(a_consent(), unsafe=(POLICE,)),
    "parents_not_told": a_world(a_consent())
    .stating(about_parents=(DO_NOT_TELL,))
    .asking(agency_kind="1a"),
    "match_unconfirmed": a_world(a_consent()).stating(doubted=(POLICE,)),
    "no_agreement": a_world(a_consent(), agreements=[]),
    "agreement_not_signed": a_world(a_consent(), agreements=[an_agreement(signed_by=(HUB,))]),
    "agreement_lapsed": a_world(a_consent(), agreements=[an_agreement(effective_to=AT)]),
    "purpose_not_agreed": a_world(a_consent(), agreements=[an_agreement(purposes=("research",))]),
    "category_not_agreed": a_world(
        a_consent(), agreements=[an_agreement(categories=("existence",))]
    ),
    "ground_not_agreed": a_world(a_consent(), agreements=[an_agreement(grounds=("public_task",))]),
    "consent_refused": a_world(a_consent(status="refused")),
    "consent_withdrawn": a_world(a_consent(), a_consent(status="withdrawn", recorded_at=AT)),
    "consent_unconfirmed": a_world(a_consent(recorded_by=f"agency:{POLICE}")),
    "consent_expired": a_world(a_consent(valid_to=AT)),
    "capacity_not_established": a_world(a_consent(gillick_competent=None)),
    "basis_lapsed": a_world(bases=[a_basis(review_at=AT)]),
    "special_category_condition_missing": a_world(bases=[a_basis(condition=None)]),
    "no_ground": a_world(a_consent(status="not_asked")),
}


@pytest.mark.parametrize("expected", DECIDED)
def test_every_reason_is_given_where_it_applies(expected: Reason) -> None:
    category: Category = "health" if expected.startswith("special") else "identity"

    withheld = verdict(REASONS[expected], category)

    assert withheld == Verdict(category=category, permitted=False, reason=expected)


def test_an_unsafe_recipient_comes_before_every_other_reason_and_raises_a_hold() -> None:
    danger = a_basis(basis="vital_interests", condition="vital_interests")
    world = a_world(a_consent(), bases=[danger], agreements=[], unsafe=(POLICE,))

    decision = world.decided()

    assert decision.safety_hold
    assert {v.reason for v in decision.verdicts} == {"recipient_unsafe"}
    assert not world.asking(agency_id=SCHOOL).decided().safety_hold


def test_immediate_danger_tells_of_existence_without_an_agreement_and_of_nothing_else() -> None:
    danger = a_basis(basis="vital_interests", condition="vital_interests")

    decision = a_world(bases=[danger], agreements=[]).decided()

    assert decision.permitted == ("existence",)
    assert decision.verdicts[0].agreement_id is None
    assert {v.reason for v in decision.verdicts[1:]} == {"no_agreement"}


@pytest.mark.parametrize("basis", ["public_task", "legal_obligation"])
def test_no_other_ground_does_without_an_agreement(basis: LawfulBasis) -> None:
    world = a_world(a_consent(), bases=[a_basis(basis=basis)], agreements=[])

    assert world.permitted() == set()


def test_of_several_agreements_the_one_nearest_to_a_permission_gives_the_reason() -> None:
    lapsed = an_agreement(id="agr_1", effective_to=AT)
    narrow = an_agreement(id="agr_2", categories=("existence",))

    assert reason(a_world(a_consent(), agreements=[narrow, lapsed])) == "category_not_agreed"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"signed_by": ()}, "agreement_not_signed"),
        ({"signed_by": (POLICE,)}, "agreement_not_signed"),
        ({"effective_from": AT + HOUR}, "agreement_lapsed"),
        ({"effective_to": AT}, "agreement_lapsed"),
        ({"ended_at": AT}, "agreement_lapsed"),
        ({"ended_at": AT + HOUR}, None),
        ({"effective_from": AT}, None),
        ({"purposes": ("research",)}, "purpose_not_agreed"),
        ({"parties": (POLICE, SCHOOL)}, "no_agreement"),
        ({"parties": (HUB, SCHOOL)}, "no_agreement"),
        ({"parties": (HUB, POLICE, SCHOOL)}, None),  # two of three signed, and these two share
    ],
)
def test_an_agreement_carries_only_while_it_holds_between_these_two(
    changes: dict[str, Any], expected: Reason | None
) -> None:
    assert reason(a_world(a_consent(), agreements=[an_agreement(**changes)])) == expected


def test_without_a_hub_that_shares_there_is_no_agreement() -> None:
    assert reason(a_world(a_consent()).asking(sharer=None)) == "no_agreement"


# Who has a say: age, competence, parents.


@pytest.mark.parametrize(
    ("age_band", "competent", "expected"),
    [
        ("under_13", True, None),
        ("under_13", None, "capacity_not_established"),
        ("13_to_15", True, None),
        ("13_to_15", False, "capacity_not_established"),
        ("13_to_15", None, "capacity_not_established"),
        ("not_known", True, None),
        ("not_known", None, "capacity_not_established"),
        ("16_to_17", None, None),
        ("18_and_over", None, None),
        # The presumption yields to an assessment; turning 16 makes no old yes valid.
        ("16_to_17", False, "capacity_not_established"),
        ("18_and_over", False, "capacity_not_established"),
    ],
)
def test_from_16_the_young_person_is_presumed_able_and_before_that_gillick_decides(
    age_band: AgeBand, competent: bool | None, expected: Reason | None
) -> None:
    yes = a_consent(gillick_competent=competent)

    assert reason(a_world(yes, age_band=age_band)) == expected


@pytest.mark.parametrize(
    ("age_band", "yes", "no"),
    [
        ("under_13", None, "consent_refused"),
        ("13_to_15", None, "consent_refused"),
        ("not_known", None, "consent_refused"),
        ("16_to_17", "no_ground", None),
        ("18_and_over", "no_ground", None),
    ],
)
def test_a_parents_say_ends_at_16_be_it_yes_or_no(
    age_band: AgeBand, yes: Reason | None, no: Reason | None
) -> None:
    parent_yes = a_consent(given_by="parent", gillick_competent=None)
    parent_no = a_consent(id="con_2", given_by="parent", status="refused", recorded_at=AT)

    assert reason(a_world(parent_yes, age_band=age_band)) == yes
    assert reason(a_world(a_consent(), parent_no, age_band=age_band)) == no


def test_a_parents_later_yes_never_overrides_the_no_of_a_competent_young_person() -> None:
    own_no = a_consent(status="withdrawn", recorded_at=AT - DAY)
    parent_yes = a_consent(id="con_2", given_by="parent", recorded_at=AT - HOUR)
    own_yes = a_consent(id="con_3", recorded_at=AT)

    assert reason(a_world(own_no, parent_yes)) == "consent_withdrawn"
    assert verdict(a_world(own_no, parent_yes, own_yes)).ground_id == "con_3"


def test_a_parents_later_yes_counts_where_competence_was_not_found() -> None:
    own_no = a_consent(status="refused", gillick_competent=False)
    parent_yes = a_consent(id="con_2", given_by="parent", recorded_at=AT)

    assert verdict(a_world(own_no, parent_yes)).ground_id == "con_2"


# Who gains by a yes does not speak for it.

GAINED = f"agency:{POLICE}"
CONFIRMED = Confirmation(confirmed=True, by="worker:wk_1", at=AT)
REJECTED = Confirmation(confirmed=False, by="worker:wk_1", at=AT)
MISTAKEN = Invalidation(reason="wrong_person", by="worker:wk_1", at=AT)


@pytest.mark.parametrize(
    "named", [{}, {"agency_ids": (POLICE,)}, {"agency_kinds": ("police",)}], ids=str
)
def test_a_yes_recorded_by_the_agency_it_opens_the_record_to_waits(named: dict[str, Any]) -> None:
    yes = a_consent(recorded_by=GAINED, **named)

    assert reason(a_world(yes)) == "consent_unconfirmed"
    assert verdict(a_world(yes.model_copy(update={"confirmation": CONFIRMED}))).permitted
    assert reason(a_world(yes.model_copy(update={"confirmation": REJECTED}))) == "no_ground"


@pytest.mark.parametrize(
    "by", [None, f"agency:{SCHOOL}", f"worker:{POLICE}", f"hub_manager:{POLICE}"]
)
def test_a_first_yes_recorded_by_anybody_else_counts(by: str | None) -> None:
    assert verdict(a_world(a_consent(recorded_by=by))).permitted


@pytest.mark.parametrize("no_by", [None, f"agency:{SCHOOL}", "worker:wk_1"])
@pytest.mark.parametrize("status", ["refused", "withdrawn"])
def test_an_agencys_yes_against_a_recorded_no_waits_and_a_practitioners_does_not(
    no_by: str | None, status: str
) -> None:
    no = a_consent(id="con_2", status=status, recorded_by=no_by)
    yes = a_consent(recorded_at=AT, recorded_by=f"agency:{SCHOOL}")
    practitioners = yes.model_copy(update={"recorded_by": "worker:wk_1"})

    assert reason(a_world(no, yes)) == "consent_unconfirmed"
    assert verdict(a_world(no, practitioners)).permitted
    assert verdict(a_world(no, yes.model_copy(update={"confirmation": CONFIRMED}))).permitted


def test_a_yes_recorded_by_a_worker_waits_for_the_host_of_the_worker_and_for_nobody_else() -> None:
    yes = a_consent(recorded_by="worker:wk_1", recorder_host=POLICE, recorded_at=AT)
    no = a_consent(id="con_2", status="refused")
    elsewhere = yes.model_copy(update={"recorder_host": SCHOOL})

    assert reason(a_world(yes)) == "consent_unconfirmed"
    assert verdict(a_world(yes.model_copy(update={"confirmation": CONFIRMED}))).permitted
    assert verdict(a_world(no, elsewhere)).permitted


@pytest.mark.parametrize("referrer", [None, "ag_school", "ag_health", POLICE])
def test_an_agencys_yes_opens_its_own_referrals_and_waits_for_those_of_others(
    referrer: str | None,
) -> None:
    """Or two agencies open the record to each other, each with a yes for the other."""
    said = a_consent(recorded_by="agency:ag_health", agency_ids=(POLICE,))
    confirmed = said.model_copy(update={"confirmation": CONFIRMED})
    by_worker = said.model_copy(update={"recorded_by": "worker:wk_1"})

    def asked(consent: Consent) -> Reason | None:
        world = a_world(consent)
        return reason(replace(world, request=a_request(referrer_id=referrer)))

    own = referrer in (None, "ag_health")
    expected = None if own else "consent_unconfirmed"
    assert (asked(said), asked(confirmed), asked(by_worker)) == (expected, None, None)


def test_a_yes_waits_for_every_agency_for_which_its_recorder_had_called() -> None:
    said = a_consent(recorded_by="agency:ag_health", recorder_sides=(POLICE,), agency_ids=(POLICE,))

    assert reason(a_world(said)) == "consent_unconfirmed"


def test_a_confirmed_yes_counts_from_when_it_was_said_so_a_no_since_then_ends_it() -> None:
    yes = a_consent(recorded_by=GAINED, recorded_at=AT - HOUR, confirmation=CONFIRMED)
    no = a_consent(id="con_2", status="refused", recorded_at=AT - HOUR / 2)

    assert reason(a_world(yes, no)) == "consent_refused"


def test_a_yes_that_waits_neither_hides_an_older_good_one_nor_takes_its_place() -> None:
    good = a_consent(recorded_by="worker:wk_1")
    waits = a_consent(id="con_2", recorded_by=GAINED, recorded_at=AT)

    for kept in ((good, waits), carried(SharingState(consents=(good, waits))).consents):
        assert verdict(a_world(*kept)).ground_id == "con_1"


T = TypeVar("T")
repeatable = settings(derandomize=True)
TIMES = (AT - DAY, AT - HOUR, AT, AT + HOUR)
SOME = (CATEGORIES, ("existence",), ("existence", "identity", "health"), ("health",), ())


def any_of(build: Callable[..., T], **axes: Sequence[object]) -> st.SearchStrategy[T]:
    """Any combination of the values; the first, the good one, most of the time."""

    def combination(chosen: bytes) -> T:
        fields = {}
        for (name, values), byte in zip(axes.items(), chosen, strict=True):
            fields[name] = values[max(0, byte % (3 * len(values)) - 2 * len(values))]
        return build(**fields)

    # One draw for all fields: half the time of one for each.
    return st.binary(min_size=len(axes), max_size=len(axes)).map(combination)


# What was said when.


def recorded(said_at: datetime | None, at: datetime, **changes: Any) -> Consent:
    return a_consent(said_at=said_at, recorded_at=at, valid_from=at, **changes)


@pytest.mark.parametrize("status", ["refused", "withdrawn"])
@pytest.mark.parametrize(
    ("yes", "no", "open_"),
    [
        (AT - 3 * HOUR, AT - 2 * HOUR, False),
        (AT - 2 * HOUR, AT - 3 * HOUR, True),
        (AT - 2 * HOUR, AT - 2 * HOUR, False),
        (None, AT - 2 * HOUR, False),
        (None, AT - 100 * DAY, False),
        (None, None, False),
        # A no of unknown time was said when it was recorded: at the latest, for it closes.
        (AT - 2 * HOUR, None, False),
    ],
)
def test_what_was_said_last_counts_in_whatever_order_it_was_recorded(
    yes: datetime | None, no: datetime | None, open_: bool, status: str
) -> None:
    for first, second in ((AT - HOUR, AT - HOUR / 2), (AT - HOUR / 2, AT - HOUR)):
        world = a_world(recorded(yes, first), recorded(no, second, id="con_2", status=status))
        assert verdict(world).permitted is open_, (first, second)


def test_a_yes_of_unknown_time_counts_as_long_as_nobody_said_no() -> None:
    assert verdict(a_world(recorded(None, AT - HOUR))).permitted


# Said at known times, or, for a yes, at none.
words = any_of(
    a_consent,
    status=("given", "refused", "withdrawn"),
    agency_ids=((), (POLICE,), (SCHOOL,)),
    categories=(CATEGORIES, ("existence",)),
    given_by=("young_person", "parent"),
    gillick_competent=(True, None, False),
    said_at=(AT - DAY, AT - 3 * HOUR, AT - 2 * HOUR, AT - 2 * HOUR, AT - HOUR),
    recorded_by=(None, f"agency:{POLICE}", f"agency:{SCHOOL}", "worker:wk_1"),
    confirmation=(None, CONFIRMED),
)
heard_late = st.tuples(
    st.lists(words, min_size=2, max_size=6), st.lists(st.booleans(), min_size=6, max_size=6)
).map(
    lambda drawn: [
        w.model_copy(update={"id": f"con_{n}"} | ({"said_at": None} if yes and unknown else {}))
        for n, (w, unknown) in enumerate(zip(*drawn, strict=False))
        for yes in (w.status == "given",)
    ]
)


@repeatable
@given(heard_late, st.sampled_from(get_args(AgeBand)), st.permutations(range(6)))
def test_any_order_of_recording_the_same_words_gives_the_same_verdicts(
    spoken: list[Consent], age_band: AgeBand, order: list[int]
) -> None:
    def decided(order: list[int]) -> Decision:
        known = SharingState(age_band=age_band)
        for minute, number in enumerate(n for n in order if n < len(spoken)):
            at = AT - HOUR + timedelta(minutes=minute)
            word = spoken[number].model_copy(update={"recorded_at": at, "valid_from": at})
            known = known.model_copy(update={"consents": (*known.consents, word)})
        whole = World(a_request(), known, (an_agreement(),)).decided()
        assert decide(a_request(), carried(known), (an_agreement(),), AT) == whole
        return whole

    assert decided(order) == decided(list(range(6)))


@pytest.mark.parametrize("status", ["given", "refused", "withdrawn"])
def test_what_was_recorded_by_mistake_never_counted(status: str) -> None:
    before = a_consent(recorded_at=AT - 2 * DAY)
    mistake = a_consent(id="con_2", status=status, invalidation=MISTAKEN)

    assert verdict(a_world(before, mistake)).ground_id == "con_1"
    assert reason(a_world(mistake)) == "no_ground"


@pytest.mark.parametrize(
    ("then", "now", "given_by", "competent", "expected"),
    [
        ("13_to_15", "16_to_17", "parent", None, "no_ground"),
        ("16_to_17", "16_to_17", "parent", None, "no_ground"),
        ("16_to_17", "13_to_15", "parent", None, "no_ground"),  # corrected since: still never
        ("13_to_15", "13_to_15", "parent", None, None),
        ("13_to_15", "16_to_17", "young_person", None, "capacity_not_established"),
        ("13_to_15", "18_and_over", "young_person", None, "capacity_not_established"),
        ("not_known", "16_to_17", "young_person", None, "capacity_not_established"),
        ("13_to_15", "16_to_17", "young_person", True, None),
        ("16_to_17", "18_and_over", "young_person", None, None),
        ("16_to_17", "13_to_15", "young_person", None, "capacity_not_established"),
        (None, "16_to_17", "young_person", None, None),
    ],
)
def test_a_yes_is_judged_at_the_age_then_and_at_the_age_now(
    then: AgeBand | None,
    now: AgeBand,
    given_by: str,
    competent: bool | None,
    expected: Reason | None,
) -> None:
    yes = a_consent(age_band=then, given_by=given_by, gillick_competent=competent)

    assert reason(a_world(yes, age_band=now)) == expected


def test_where_birth_dates_differ_a_yes_counts_at_each_age_and_a_no_at_any() -> None:
    young, grown = "13_to_15", "16_to_17"
    both = {"age_band": young, "age_bands": (young, grown)}
    parent_yes = a_consent(given_by="parent")
    own_yes = a_consent(gillick_competent=None)
    parent_no = a_consent(id="con_2", given_by="parent", status="refused", recorded_at=AT)

    assert reason(a_world(parent_yes).stating(**both)) == "no_ground"
    assert reason(a_world(own_yes).stating(**both)) == "capacity_not_established"
    assert reason(a_world(a_consent(), parent_no).stating(**both)) == "consent_refused"


# Whether parents are told.


def a_word(told: str, **changes: Any) -> ParentsWord:
    fields: dict[str, Any] = {"id": told, "tell": told, "recorded_at": AT}
    return ParentsWord(**{**fields, "recorded_by": "agency:ag_1", **changes})


@pytest.mark.parametrize(
    ("later", "stands"),
    [
        ({"said_at": AT}, False),
        ({"said_at": AT, "recorded_by": "worker:wk_1"}, False),
        ({"said_at": None}, True),
        ({"said_at": AT - DAY}, True),
        ({"said_at": AT, "recorded_by": "agency:ag_other"}, True),
        ({"said_at": AT, "by_family": True}, True),
        ({"reason": "danger_to_life", "recorded_by": "worker:wk_1"}, False),
        ({"reason": "danger_to_life"}, True),
        ({"tell": "not_asked", "said_at": AT}, True),
    ],
)
def test_do_not_tell_my_parents_stands_until_they_say_otherwise_or_the_hub_decides(
    later: dict[str, Any], stands: bool
) -> None:
    words = (DO_NOT_TELL, a_word("yes", **later))

    for known in (words, words[::-1]):
        assert parents_not_told(known) is stands
        kept = carried(SharingState(about_parents=known)).about_parents
        assert parents_not_told(kept) is stands
        assert len(kept) == stands


def test_said_again_it_stands_again() -> None:
    lifted, again = a_word("yes", said_at=AT - HOUR), a_word("no", said_at=AT)

    assert parents_not_told((DO_NOT_TELL, lifted, again))


@pytest.mark.parametrize("kind", ["", *sorted(AGENCY_KINDS)])
def test_an_account_of_parents_is_shown_nothing_on_no_ground(kind: str) -> None:
    danger = a_basis(basis="vital_interests", condition="vital_interests")
    world = a_world(a_consent(), bases=[danger]).asking(agency_kind=kind)

    told = world.stating(about_parents=(DO_NOT_TELL,)).decided()

    assert (told.permitted == ()) is (kind in (*OF_FAMILY, "", UNKNOWN_KIND)) is told.closed
    assert world.decided().permitted == CATEGORIES


# What a consent is about, and for how long.


def test_the_newest_word_counts_and_of_two_at_one_moment_the_no() -> None:
    first = a_consent(recorded_at=AT - 2 * HOUR)
    no = a_consent(id="con_2", status="refused", recorded_at=AT - HOUR)
    again = a_consent(id="con_3", recorded_at=AT)

    assert reason(a_world(first, no)) == "consent_refused"
    assert verdict(a_world(first, no, again)).ground_id == "con_3"
    assert reason(a_world(no, a_consent(recorded_at=no.recorded_at))) == "consent_refused"
    assert reason(a_world(no, a_consent(id="con_9", recorded_at=AT - DAY))) == "consent_refused"


def test_a_yes_counts_from_its_time_but_a_no_as_soon_as_it_is_stored() -> None:
    ahead = AT + HOUR  # recorded by a replica whose clock is ahead of ours

    assert reason(a_world(a_consent(recorded_at=ahead))) == "no_ground"
    assert reason(a_world(a_consent(valid_from=ahead))) == "consent_expired"
    assert (
        reason(a_world(a_consent(), a_consent(status="withdrawn", recorded_at=ahead)))
        == "consent_withdrawn"
    )


@pytest.mark.parametrize(
    ("about", "permitted"),
    [
        ({}, True),
        ({"agency_ids": (POLICE,)}, True),
        ({"agency_kinds": ("police",)}, True),
        ({"agency_ids": (SCHOOL,), "agency_kinds": ("police",)}, True),
        ({"agency_ids": (SCHOOL,)}, False),
        ({"agency_kinds": ("school",)}, False),
        ({"categories": ("identity",)}, True),
        ({"categories": ("contact",)}, False),
    ],
)
def test_a_consent_is_about_whom_and_what_it_names(about: dict[str, Any], permitted: bool) -> None:
    assert verdict(a_world(a_consent(**about))).permitted is permitted
    refusal = a_consent(id="con_2", status="refused", recorded_at=AT, **about)
    assert verdict(a_world(a_consent(), refusal)).permitted is not permitted


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"review_at": AT + HOUR}, None),
        ({"review_at": AT}, "basis_lapsed"),
        ({"ended_at": AT}, "basis_lapsed"),
        ({"ended_at": AT + HOUR}, None),
        ({"ended_at": AT + 2 * DAY, "review_at": AT}, "basis_lapsed"),
        ({"decided_at": AT + HOUR}, "basis_lapsed"),
        ({"agency_ids": (SCHOOL,)}, "no_ground"),
        ({"categories": ("contact",)}, "no_ground"),
    ],
)
def test_a_basis_holds_until_its_review_for_the_agencies_and_categories_it_names(
    changes: dict[str, Any], expected: Reason | None
) -> None:
    assert reason(a_world(bases=[a_basis(**changes)])) == expected


def test_special_categories_need_a_condition_and_the_others_do_not() -> None:
    world = a_world(bases=[a_basis(condition=None)])

    assert world.permitted() == set(CATEGORIES) - SPECIAL


def test_a_refused_consent_is_told_before_a_lapsed_basis() -> None:
    world = a_world(a_consent(status="refused"), bases=[a_basis(review_at=AT)])

    assert reason(world) == "consent_refused"


# What holds whatever is known. Few ids and few times, so that everything collides with everything.

consents = any_of(
    a_consent,
    id=("con_1", "con_2"),
    status=("given", "refused", "withdrawn", "refused", "withdrawn", "not_asked"),
    agency_ids=((), (POLICE,), (SCHOOL,)),
    agency_kinds=((), ("police",)),
    categories=SOME,
    given_by=("young_person", "parent"),
    gillick_competent=(True, None, False),
    said_at=(AT - DAY, None, AT - 2 * HOUR, AT - HOUR),
    age_band=(None, "13_to_15", "16_to_17", "not_known"),
    recorded_at=TIMES,
    valid_from=(AT - DAY, AT, AT + HOUR),
    valid_to=(None, AT, AT + HOUR),
    recorded_by=(None, f"agency:{POLICE}", f"agency:{SCHOOL}", "worker:wk_1"),
    recorder_host=(None, POLICE, SCHOOL),
    confirmation=(None, None, CONFIRMED, REJECTED),
    invalidation=(None, None, None, MISTAKEN),
)
bases = any_of(
    a_basis,
    id=("bas_1", "bas_2"),
    basis=("public_task", "vital_interests", "legal_obligation"),
    condition=("safeguarding", "vital_interests", None),
    agency_ids=((POLICE,), (POLICE, SCHOOL), (SCHOOL,)),
    categories=SOME,
    decided_at=TIMES,
    review_at=(AT + DAY, AT + HOUR, AT),
    ended_at=(None, AT - HOUR, AT, AT + HOUR),
)
agreements = any_of(
    an_agreement,
    id=("agr_1", "agr_2"),
    version=(1, 2),
    parties=((HUB, POLICE, SCHOOL), (HUB, POLICE), (POLICE, SCHOOL)),
    signed_by=((HUB, POLICE, SCHOOL), (HUB, POLICE), (HUB,), ()),
    purposes=(("safeguarding", "research"), ("safeguarding",), ("research",)),
    categories=SOME,
    grounds=(get_args(GroundKind), ("consent",), ("public_task",)),
    effective_from=TIMES,
    effective_to=(AT + DAY, AT + HOUR, AT),
    ended_at=(None, AT, AT + HOUR),
)
requests = any_of(
    a_request,
    sharer=(HUB, POLICE, None),
    agency_id=(POLICE, SCHOOL),
    agency_kind=("police", "school"),
    purpose=("safeguarding", "research"),
    categories=(*SOME, ("health", "existence", "health")),
)
states = st.builds(
    SharingState,
    consents=st.lists(consents, min_size=1, max_size=5).map(tuple),
    bases=st.lists(bases, max_size=3).map(tuple),
    unsafe_agencies=st.sampled_from(((), (), (), (), (SCHOOL,), (POLICE,))),
    age_band=st.sampled_from(get_args(AgeBand)),
)
worlds = st.builds(World, requests, states, st.lists(agreements, min_size=1, max_size=4).map(tuple))
# Several that carry, or nearly, so that there is a choice to be made.
crowded = st.builds(
    lambda world, consents, bases, agreements: replace(
        world.stating(consents=tuple(consents), bases=tuple(bases)), agreements=tuple(agreements)
    ),
    worlds,
    st.lists(any_of(a_consent, id=("con_1", "con_2"), recorded_at=TIMES), max_size=2),
    st.lists(
        any_of(
            a_basis,
            id=("bas_1", "bas_2"),
            basis=get_args(LawfulBasis),
            condition=("safeguarding", None),
            review_at=(AT + DAY, AT),
        ),
        min_size=2,
        max_size=3,
    ),
    st.lists(agreements, min_size=2, max_size=3),
)


GROWN = ("16_to_17", "18_and_over")


def may_speak(consent: Consent, age_band: AgeBand) -> bool:
    """Read off the table in docs/sharing.md: whose yes is valid, at its age then and the age now."""
    then = consent.age_band or age_band
    if consent.given_by == "parent":
        return age_band not in GROWN and then not in GROWN
    grown = age_band in GROWN and then in GROWN
    return consent.gillick_competent or (grown and consent.gillick_competent is None)


def said(consent: Consent) -> datetime:
    """When it counts as said, off the page."""
    if consent.said_at is not None:
        return consent.said_at
    return AT - 1000 * DAY if consent.status == "given" else consent.recorded_at


def concerns(consent: Consent, category: Category, request: Request) -> bool:
    named = {*consent.agency_ids, *consent.agency_kinds}
    return category in consent.categories and (
        not named or request.agency_id in consent.agency_ids or request.agency_kind in named
    )


def assert_consent_carries(told: Verdict, world: World) -> None:
    state, request = world.state, world.request
    yeses = [
        c
        for c in state.consents
        if (c.id, c.status) == (told.ground_id, "given")
        and concerns(c, told.category, request)
        and c.recorded_at <= AT
        and c.valid_from <= AT
        and (c.valid_to or AT + DAY) > AT
        and may_speak(c, state.age_band)
        and not c.void
        and c.gains != request.agency_id
    ]
    assert yeses
    for no in state.consents:
        if no.status in ("refused", "withdrawn") and concerns(no, told.category, request):
            heard = no.given_by == "young_person" or state.age_band not in GROWN
            heard = heard and not no.void
            assert not heard or any(said(yes) > said(no) for yes in yeses)


def assert_basis_carries(told: Verdict, world: World) -> None:
    assert any(
        (b.id, b.basis) == (told.ground_id, told.ground)
        and world.request.agency_id in b.agency_ids
        and told.category in b.categories
        and b.decided_at <= AT < b.review_at
        and (b.ended_at is None or b.ended_at > AT)
        and (b.condition is not None or told.category not in SPECIAL)
        for b in world.state.bases
    )


def assert_agreement_carries(told: Verdict, world: World) -> None:
    if told.agreement_id is None:
        assert (told.ground, told.category) == ("vital_interests", "existence")
        return
    both = (world.request.sharer, world.request.agency_id)
    assert any(
        (a.id, a.version) == (told.agreement_id, told.agreement_version)
        and all(who in a.parties and who in a.signed_by for who in both)
        and a.effective_from <= AT < a.effective_to
        and (a.ended_at is None or a.ended_at > AT)
        and world.request.purpose in a.purposes
        and told.category in a.categories
        and told.ground in a.grounds
        for a in world.agreements
    )


@repeatable
@given(worlds)
def test_nothing_is_permitted_without_a_ground_and_an_agreement_in_force(world: World) -> None:
    for told in world.decided().verdicts:
        if not told.permitted:
            assert told.reason is not None
            assert told.ground is told.ground_id is told.agreement_id is None
            continue
        assert told.reason is None
        assert world.request.agency_id not in world.state.unsafe_agencies
        assert_agreement_carries(told, world)
        if told.ground == "consent":
            assert_consent_carries(told, world)
        else:
            assert_basis_carries(told, world)


@repeatable
@given(worlds, st.sampled_from(CATEGORIES), st.sampled_from(get_args(LawfulBasis)))
def test_a_good_basis_and_a_good_agreement_are_enough_whatever_else_is_known(
    world: World, category: Category, basis: LawfulBasis
) -> None:
    asked = world.asking(categories=CATEGORIES, agency_id=POLICE, sharer=HUB)
    good = a_basis(id="bas_0", basis=basis, categories=(category,))
    terms = an_agreement(id="agr_0", purposes=(world.request.purpose,))
    enough = replace(
        asked.stating(bases=(*world.state.bases, good)), agreements=(*world.agreements, terms)
    )

    assert category in enough.permitted() or POLICE in world.state.unsafe_agencies


@repeatable
@given(worlds, consents, st.sampled_from(("refused", "withdrawn")))
def test_one_more_no_never_permits_more(world: World, heard: Consent, status: str) -> None:
    no = heard.model_copy(update={"status": status})

    assert world.stating(consents=(*world.state.consents, no)).permitted() <= world.permitted()


@repeatable
@given(worlds, st.sampled_from(("refused", "withdrawn")))
def test_a_no_wins_over_every_older_yes(world: World, status: str) -> None:
    newest = max((max(said(c), c.recorded_at) for c in world.state.consents), default=AT)
    no = a_consent(id="con_9", status=status, recorded_at=newest, gillick_competent=None)

    decision = world.stating(consents=(*world.state.consents, no)).decided()

    assert "consent" not in {v.ground for v in decision.verdicts}


@repeatable
@given(worlds, st.lists(consents, min_size=1, max_size=3), st.booleans())
def test_nothing_an_agency_records_opens_to_it_what_nobody_confirmed(
    world: World, heard: list[Consent], by_worker: bool
) -> None:
    gains = world.request.agency_id
    hosted = {"recorded_by": "worker:wk_1", "recorder_host": gains}
    own = {"recorded_by": f"agency:{gains}", "recorder_host": None}
    own = {**(hosted if by_worker else own), "confirmation": None}
    claims = tuple(c.model_copy(update=own) for c in heard)

    claimed = world.stating(consents=(*world.state.consents, *claims))

    assert claimed.permitted() <= world.permitted()


@repeatable
@given(worlds, consents)
def test_no_agency_ends_a_refusal(world: World, heard: Consent) -> None:
    no = a_consent(id="con_9", status="refused", gillick_competent=None, recorded_at=AT - HOUR)
    claim = {"status": "given", "recorded_by": f"agency:{SCHOOL}", "confirmation": None}
    refused = world.stating(consents=(*world.state.consents, no))

    claimed = refused.stating(consents=(*refused.state.consents, heard.model_copy(update=claim)))

    assert claimed.permitted() <= refused.permitted()


@repeatable
@given(worlds)
def test_an_unsafe_recipient_gets_nothing(world: World) -> None:
    decision = world.stating(unsafe_agencies=(SCHOOL, POLICE)).decided()

    assert decision.safety_hold
    assert decision.permitted == ()
    assert {v.reason for v in decision.verdicts} <= {"recipient_unsafe"}


@repeatable
@given(crowded)
def test_the_order_of_what_is_known_does_not_matter(world: World) -> None:
    backwards = replace(
        world.stating(consents=world.state.consents[::-1], bases=world.state.bases[::-1]).asking(
            categories=world.request.categories[::-1]
        ),
        agreements=world.agreements[::-1],
    )

    assert backwards.decided() == world.decided()


@repeatable
@given(worlds)
def test_each_category_is_decided_as_if_asked_for_alone(world: World) -> None:
    alone = [
        world.asking(categories=(category,)).decided().verdicts[0]
        for category in CATEGORIES
        if category in world.request.categories
    ]

    assert list(world.decided().verdicts) == alone


@repeatable
@given(worlds, st.integers(-23, 23))
def test_there_is_one_verdict_for_each_category_asked_for_in_their_order(
    world: World, hours: int
) -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=hours)))

    decision = decide(world.request, world.state, iter(world.agreements), elsewhere)

    asked = [c for c in CATEGORIES if c in world.request.categories]
    assert [v.category for v in decision.verdicts] == asked
    assert decision == world.decided()


@repeatable
@given(worlds)
def test_one_agreement_less_never_permits_more(world: World) -> None:
    for number in range(len(world.agreements)):
        fewer = world.agreements[:number] + world.agreements[number + 1 :]
        assert replace(world, agreements=fewer).permitted() <= world.permitted()


@repeatable
@given(worlds)
def test_ending_a_basis_never_permits_more(world: World) -> None:
    for number, basis in enumerate(world.state.bases):
        ended = list(world.state.bases)
        ended[number] = basis.model_copy(update={"ended_at": AT})
        assert world.stating(bases=tuple(ended)).permitted() <= world.permitted()


@repeatable
@given(worlds, consents)
def test_a_parents_yes_never_opens_what_a_competent_young_person_closed(
    world: World, heard: Consent
) -> None:
    own_no = a_consent(id="con_9", status="refused")
    parent_yes = heard.model_copy(update={"status": "given", "given_by": "parent"})
    closed = world.stating(consents=(*world.state.consents, own_no))

    opened = closed.stating(consents=(*closed.state.consents, parent_yes))

    assert opened.permitted() <= closed.permitted()
