"""Published codes stay readable; codes of a newer version are read as declared, the careful way."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.errors import Poison
from shared.events import EVENT_TYPES, parse, read
from shared.events.catalogue import event_types
from shared.events.referral import ReferralReceived
from shared.events.sharing import BasisRecorded, ConsentRecorded
from shared.events.unknown import READ_AS
from shared.messaging.topology import QUEUES
from shared.rules.sharing import CATEGORIES, Basis, Consent, Request, SharingState, Terms, decide
from tests.golden import codes
from tests.golden.__main__ import AT, sample
from tests.harness.cases import every_case

FUTURE = "from_the_future"
FIELDS = [(name, path) for name, data in event_types().items() for path, _ in codes.codes_of(data)]


def body(name: str) -> dict[str, Any]:
    raw: dict[str, Any] = json.loads(sample(EVENT_TYPES[name]).body())
    return raw


def put(value: Any, path: str, code: str) -> None:
    """Set every code at this path, in lists too."""
    name, _, rest = path.partition(".")
    for one in value if isinstance(value, list) else [value]:
        if rest:
            put(one[name], rest, code)
        else:
            one[name] = [code] if isinstance(one[name], list) else code


def held(value: Any) -> str:
    return json.dumps(value, default=str)


@every_case(sorted(codes.current()))
def test_no_published_code_is_gone(name: str) -> None:
    current = codes.current()[name]

    for path, values in codes.published(name).items():
        assert set(values) <= set(current.get(path, ())), f"{path}: published codes stay readable"


@every_case(sorted(codes.FOLDER.glob("*.json")))
def test_no_type_with_published_codes_is_gone(path: Path) -> None:
    assert path.stem in codes.current()


@every_case(sorted(codes.current()))
def test_every_code_is_published(name: str) -> None:
    assert codes.published(name) == codes.current()[name], "run `make golden`"


@every_case(FIELDS)
def test_every_code_has_a_reading_for_what_is_not_known_yet(name: str, path: str) -> None:
    (kind,) = {kind for at, kind in codes.codes_of(EVENT_TYPES[name]) if at == path}

    assert kind in READ_AS, "declare in shared/events/unknown.py how an unknown code is read"
    assert READ_AS[kind] is None or READ_AS[kind] in kind.__args__


@every_case(FIELDS)
def test_a_code_from_the_future_is_read_by_every_consumer_of_its_event(
    name: str, path: str
) -> None:
    consumers = [queue for queue, types in QUEUES.items() if name in types]
    raw = body(name)
    put(raw["data"], path, FUTURE)

    try:
        event = parse(json.dumps(raw))
    except Poison:
        # Only what no other service reads may need a code that nothing can stand for.
        assert consumers == []
    else:
        assert FUTURE not in held(event.model_dump())


def test_writing_stays_strict() -> None:
    fields = sample(ReferralReceived).data.model_dump()

    with pytest.raises(ValueError, match="urgency"):
        ReferralReceived.model_validate({**fields, "urgency": FUTURE})


def test_what_else_is_wrong_with_an_event_still_parks_it() -> None:
    raw = body("referral.received")
    raw["data"] |= {"urgency": FUTURE, "due_at": "yesterday"}

    with pytest.raises(Poison, match=r"invalid:data\.due_at"):
        parse(json.dumps(raw))


def test_an_unknown_urgency_and_an_unknown_age_are_read_the_careful_way() -> None:
    raw = body("referral.received")
    raw["data"] |= {"urgency": FUTURE, "age_band": FUTURE, "settings_avoided": ["police", FUTURE]}

    data = parse(json.dumps(raw)).data

    assert isinstance(data, ReferralReceived)
    assert (data.urgency, data.age_band, data.settings_avoided) == (
        "immediate",
        "not_known",
        ("police",),
    )


def permitted(state: SharingState, at: datetime) -> tuple[str, ...]:
    terms = Terms(
        id="agr_1",
        version=1,
        parties=("hub_1", "ag_1"),
        signed_by=("hub_1", "ag_1"),
        purposes=("safeguarding",),
        categories=CATEGORIES,
        grounds=("consent", "public_task", "legal_obligation", "vital_interests"),
        effective_from=at - timedelta(days=9),
        effective_to=at + timedelta(days=9),
    )
    request = Request(
        sharer="hub_1",
        agency_id="ag_1",
        agency_kind="school",
        purpose="safeguarding",
        categories=CATEGORIES,
    )
    return decide(request, state, [terms], at).permitted


CONSENT = Consent(
    id="con_1", status="given", categories=CATEGORIES, given_by="young_person",
    gillick_competent=True, recorded_at=AT, valid_from=AT,
)  # fmt: skip
BASIS = Basis(
    id="bas_1", basis="public_task", condition="safeguarding", agency_ids=("ag_1",),
    categories=CATEGORIES, decided_by="worker:wk_1", decided_at=AT,
    review_at=AT + timedelta(days=5),
)  # fmt: skip


def read_with(name: str, part: str, value: Any, field: str, code: Any) -> SharingState:
    raw = body(name)
    state = SharingState.model_validate({part: (value,)})
    raw["data"]["sharing"] = json.loads(state.model_dump_json())
    raw["data"]["sharing"][part][0][field] = code
    data = parse(json.dumps(raw)).data
    assert isinstance(data, ConsentRecorded | BasisRecorded)
    sharing: SharingState = data.sharing
    return sharing


@pytest.mark.parametrize("field", ["status", "given_by"])
def test_a_consent_not_understood_permits_nothing(field: str) -> None:
    at = AT + timedelta(days=1)
    state = SharingState(consents=(CONSENT,))
    assert permitted(state, at) == CATEGORIES

    read = read_with("consent.recorded", "consents", CONSENT, field, FUTURE)

    assert permitted(read, at) == ()


def test_a_consent_for_a_category_not_known_yet_still_holds_for_the_others() -> None:
    read = read_with("consent.recorded", "consents", CONSENT, "categories", ["health", FUTURE])

    assert permitted(read, AT + timedelta(days=1)) == ("health",)


@pytest.mark.parametrize(("field", "left"), [("basis", False), ("condition", True)])
def test_a_basis_not_understood_permits_nothing_that_it_would_decide(
    field: str, left: bool
) -> None:
    read = read_with("sharing.basis_recorded", "bases", BASIS, field, FUTURE)

    shared = permitted(read, AT + timedelta(days=1))

    assert ("existence" in shared) is left
    assert "health" not in shared


def test_the_trail_says_nothing_that_only_stands_for_a_code_from_the_future() -> None:
    raw = body("referral.received")
    raw["data"]["urgency"] = FUTURE

    assert parse(json.dumps(raw)).type == "referral.received"
    with pytest.raises(Poison, match=r"invalid:data\.urgency"):
        read(raw)
