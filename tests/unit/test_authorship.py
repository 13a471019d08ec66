"""Who wrote what: many hands amend a referral, and nobody sees more of it than is theirs.

Each text says who wrote it and of which category it is, so that it can be told wherever it shows up.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.referral.areas.rule import Place
from services.referral.authorship import merge_patch, read, sealed_parts, writings
from services.referral.corrections.request import AmendReferral
from services.referral.corrections.rule import Corrected, amend, patches
from services.referral.disclosure.content import history
from services.referral.disclosure.rule import Shown, sealed_for
from services.referral.disclosure.view import view
from services.referral.documents import SUBJECT_SECTIONS, SafeContact, SubjectDetails
from services.referral.intake.request import ReceiveReferral
from services.referral.intake.rule import fields_to_seal
from services.referral.records import SEALED, Amendment, Referral
from shared.events.codes import Ethnicity, Gender, Setting
from shared.rules.sharing import CATEGORIES, Category
from tests.harness.network import a_referral
from tests.unit.test_referral_rules import AT, received

OWN, WORKER, MANAGER = "agency:ag_1", "worker:wk_1", "hub_manager:usr_1"
LINES = {
    "identity": ["known_as"],
    "address": ["address"],
    "education": ["school"],
    "family": ["living_situation"],
    "health": ["nhs_number"],
}
MARK = re.compile(r"<(\S+) (\w+) \d+>")
Document = dict[str, Any]


def marked(by: str, section: str) -> st.SearchStrategy[str]:
    return st.integers(0, 9).map(lambda n: f"<{by} {SEALED[section]} {n}>")


def or_null(value: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), value)


def subjects(by: str) -> st.SearchStrategy[Document]:
    lines = {n: or_null(marked(by, section)) for section, names in LINES.items() for n in names}
    asked = or_null(st.sampled_from(["yes", "no", "declined"]))
    return st.fixed_dictionaries(
        {},
        optional={
            **lines,
            "name": marked(by, "identity"),
            "date_of_birth": or_null(st.sampled_from(["2011-02-03", "2009-08-07"])),
            "gender": or_null(st.sampled_from(get_args(Gender))),
            "ethnicity": or_null(st.sampled_from(get_args(Ethnicity))),
            "looked_after": asked,
            "disability": asked,
            "communication_needs": or_null(st.just(["interpreter"])),
        },
    )


def contacts(by: str) -> st.SearchStrategy[Document]:
    line = or_null(marked(by, "safe_contact"))
    several = or_null(st.lists(marked(by, "safe_contact"), max_size=2))
    return st.fixed_dictionaries(
        {}, optional={"details": line, "code_word": line, "hours": line, "never_contact": several}
    )


def amendments_of(by: str) -> st.SearchStrategy[Document]:
    texts = {n: marked(by, n) for n in ("narrative", "own_words")}
    codes = marked(by, "raw_indicators")
    indicators = st.lists(
        st.fixed_dictionaries({"code": codes, "recency": st.just("older")}), min_size=1, max_size=2
    )
    wishes = marked(by, "discussion").map(lambda text: {"discussed": True, "wishes": text})
    return st.fixed_dictionaries(
        {"subject": subjects(by)},
        optional={
            **texts,
            "safe_contact": or_null(contacts(by)),
            "settings_avoided": or_null(st.lists(st.sampled_from(get_args(Setting)), max_size=2)),
            "languages": or_null(st.just(["cy"])),
            "urgency": st.sampled_from(["immediate", "ten_working_days"]),
            "indicators": indicators,
            "discussion": wishes,
        },
    ).filter(lambda document: any(part != {} for part in document.values()))


AUTHORS = st.sampled_from([OWN, WORKER, MANAGER])
LIVES = st.lists(AUTHORS.flatmap(lambda by: st.tuples(st.just(by), amendments_of(by))), max_size=6)
DOCUMENTS = st.fixed_dictionaries(
    {
        "subject": subjects(OWN).map(
            lambda s: {"name": "<agency:ag_1 identity 0>"} | {k: v for k, v in s.items() if v}
        ),
        "narrative": marked(OWN, "narrative"),
        "safe_contact": contacts(OWN).map(lambda c: {k: v for k, v in c.items() if v is not None}),
    }
)


def stored(document: Document, life: list[tuple[str, Document]]) -> Referral:
    """The referral after a life; what is sealed can be read here."""
    sent = ReceiveReferral.model_validate(a_referral(**document))
    referral = received(**document).but(sealed=_bytes(fields_to_seal(sent, Place("northtown"))))
    for number, (by, body) in enumerate(life, start=1):
        amendment = AmendReferral.model_validate(body)
        details = merged_details(referral, amendment)
        at = AT + timedelta(days=number)
        sealed = _bytes(patches(amendment))
        referral = amend(referral, amendment, sealed, by, at, Corrected(details, ())).after
    return referral


def merged_details(referral: Referral, amendment: AmendReferral) -> SubjectDetails:
    opened = read(_text(sealed_parts(referral, SUBJECT_SECTIONS)))
    patch = amendment.subject.model_dump(mode="json", exclude_unset=True)  # type: ignore[union-attr]
    standing: Document = {}
    for one in (*opened.values(), patch):
        standing = rfc_7396(standing, one)
    return SubjectDetails.model_validate(standing)


def _bytes(fields: Mapping[str, str]) -> dict[str, bytes]:
    return {name: text.encode() for name, text in fields.items()}


def _text(sealed: Mapping[str, bytes]) -> dict[str, str]:
    return {name: value.decode() for name, value in sealed.items()}


def opened(referral: Referral, shown: Shown) -> dict[str, Any]:
    return read(_text(sealed_for(referral, shown)))


def rfc_7396(target: Any, patch: Any) -> Any:
    """The pseudocode of RFC 7396 §2, word for word."""
    if isinstance(patch, dict):
        if not isinstance(target, dict):
            target = {}
        target = dict(target)
        for name in patch:
            if patch[name] is None:
                if name in target:
                    del target[name]
            else:
                target[name] = rfc_7396(target.get(name), patch[name])
        return target
    return patch


def sections(document: Document) -> Document:
    """What a body says of each section."""
    subject = document.get("subject") or {}
    found = {
        name: {n: v for n, v in subject.items() if n in members}
        for name, members in SUBJECT_SECTIONS.items()
    }
    if "safe_contact" in document:
        contact = document["safe_contact"]
        found["safe_contact"] = (
            dict.fromkeys(SafeContact.model_fields) if contact is None else contact
        )
    return found


BLANK = sections(
    {
        "subject": SubjectDetails(name="x").model_dump(mode="json", exclude={"name"}),
        "safe_contact": SafeContact().model_dump(mode="json"),
    }
)


def expected(said: list[Document]) -> Document:
    """What stands after these, whole: who said nothing said the default."""
    standing: Document = {}
    for each in said:
        standing = rfc_7396(standing, sections(each))
    return {name: {**blank, **standing.get(name, {})} for name, blank in BLANK.items()}


def shown_sections(categories: Document) -> Document:
    return {name: categories.get(str(SEALED[name]), {}).get(name) for name in BLANK}


SLOW = settings(max_examples=40, deadline=None)
HUB = Shown("worker", CATEGORIES)


@SLOW
@given(DOCUMENTS, LIVES)
def test_what_the_hub_sees_is_every_merge_patch_in_its_order(
    document: Document, life: list[tuple[str, Document]]
) -> None:
    referral = stored(document, life)

    seen = view(referral, HUB, opened(referral, HUB))

    assert shown_sections(seen.categories) == expected([document, *(body for _, body in life)])
    newest = {p: by for by, body in [(OWN, document), *life] for p in _pointers(body)}
    for pointer, author in seen.written.items():
        if pointer in newest:
            assert author.by == newest[pointer]
    pieces: Any = seen.categories["narrative"]["narrative"]
    texts = [piece["text"] for piece in pieces]
    assert texts == [body["narrative"] for body in (document, *bodies(life)) if "narrative" in body]


def bodies(life: list[tuple[str, Document]]) -> list[Document]:
    return [body for _, body in life]


def _pointers(body: Document) -> list[str]:
    return [f"/{SEALED[n]}/{n}/{m}" for n, members in sections(body).items() for m in members]


@SLOW
@given(DOCUMENTS, LIVES)
def test_the_history_has_every_earlier_state(
    document: Document, life: list[tuple[str, Document]]
) -> None:
    referral = stored(document, life)

    entries = history(referral, HUB, opened(referral, HUB))

    assert [e.by for e in entries] == [OWN, *(by for by, _ in life)]
    for number in range(len(entries)):
        state: Document = {}
        for entry in entries[: number + 1]:
            for content in entry.categories.values():
                state = rfc_7396(state, {n: v for n, v in content.items() if n in BLANK})
        then = {name: {**blank, **state.get(name, {})} for name, blank in BLANK.items()}
        assert then == expected([document, *bodies(life[:number])])
        coded = stored(document, life[:number])
        for name in ("settings_avoided", "languages"):
            said = [e.categories.get("contact", {}) for e in entries[: number + 1]]
            assert [s[name] for s in said if name in s][-1] == list(getattr(coded, name))
        urgencies = [e.urgency for e in entries[: number + 1] if e.urgency]
        assert urgencies[-1] == coded.urgency


VIEWERS = st.tuples(st.sampled_from(["referrer", "agency"]), st.sets(st.sampled_from(CATEGORIES)))


@SLOW
@given(DOCUMENTS, LIVES, VIEWERS)
def test_nobody_sees_what_others_wrote_beyond_their_categories(
    document: Document, life: list[tuple[str, Document]], viewer: tuple[Any, set[Category]]
) -> None:
    kind, granted = viewer
    referral = stored(document, life)
    own = OWN if kind == "referrer" else None
    shown = Shown(kind, tuple(sorted(granted)), None, own)
    before = shown if kind == "agency" else Shown(kind, (), None, own)

    # As if everything had been opened: what is shown may not depend on it.
    everything = opened(referral, HUB)
    seen = view(referral, shown, everything)
    earlier = history(referral, before, everything)

    assert view(referral, shown, opened(referral, shown)) == seen
    for by, category in MARK.findall(seen.model_dump_json()):
        assert category in granted or by == own
    assert {by for entry in earlier for by, _ in MARK.findall(entry.model_dump_json())} <= {own}
    assert {e.by for e in earlier} <= {own}
    for others in (WORKER, MANAGER):
        assert others not in re.sub(MARK, "", seen.model_dump_json())
    if own is None:
        return
    mine = [document, *(body for by, body in life if by == own)]
    of_all = [document, *bodies(life)]
    alone, together = expected(mine), expected(of_all)
    for name, value in shown_sections(seen.categories).items():
        assert value == (together if SEALED[name] in granted else alone)[name]
    contact = seen.categories["contact"]
    said = of_all if "contact" in granted else mine
    for name in ("settings_avoided", "languages"):
        sent_first = list(getattr(received(), name))
        assert contact[name] == ([b[name] or [] for b in said if name in b] or [sent_first])[-1]
    if "health" not in granted:
        assert "needs" not in seen.categories["health"]


@pytest.mark.parametrize(
    ("target", "patch", "after"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_the_examples_of_rfc_7396(target: Any, patch: Any, after: Any) -> None:
    assert merge_patch(target, patch) == after


def test_what_was_amended_before_it_was_written_beside_is_read_as_it_was() -> None:
    at = datetime(2026, 3, 3, tzinfo=UTC)
    past = [
        Amendment(at=at, by=by, fields=("subject",), previous={"address": previous})
        for by, previous in ((WORKER, b"sent"), (OWN, b"workers"))
    ]
    referral = received().but(sealed={"address": b"newest"}, amendments=tuple(past))

    found = [(w.by, w.sealed) for w in writings(referral)]

    assert found == [
        (OWN, {"address": b"sent"}),
        (WORKER, {"address": b"workers"}),
        (OWN, {"address": b"newest"}),
    ]
