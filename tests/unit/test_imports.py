"""How files of referrals are read: line by line, nothing lost, and XML of strangers safely."""

import json
import random
from typing import Any

import pytest

from services.referral.imports.census import Row, read_census
from services.referral.imports.columns import COLUMNS
from services.referral.imports.report import Counting
from services.referral.imports.table import read_table
from services.referral.imports.xml_tree import MAX_DEPTH, MAX_ELEMENTS, MAX_TEXT
from services.referral.intake.request import ReceiveReferral
from tests.conftest import SEED
from tests.golden import imports as page

CHILD = """
<Child>
  <ChildIdentifiers>
    <LAchildID>SYN1</LAchildID><UPN>A123456789012</UPN>
    <PersonBirthDate>2012-05-17</PersonBirthDate><Sex>F</Sex>
  </ChildIdentifiers>
  <ChildCharacteristics>
    <Ethnicity>WIRT</Ethnicity>
    <Disabilities><Disability>LD</Disability><Disability>AUT</Disability></Disabilities>
  </ChildCharacteristics>
  <CINdetails>
    <CINreferralDate>2026-04-01</CINreferralDate><ReferralSource>1A</ReferralSource>
    <PrimaryNeedCode>N1</PrimaryNeedCode>
    <ChildProtectionPlans><CPPstartDate>2026-05-01</CPPstartDate></ChildProtectionPlans>
    <Assessments><AssessmentActualStartDate>2026-04-02</AssessmentActualStartDate></Assessments>
  </CINdetails>
  <CINdetails><CINreferralDate>2026-06-01</CINreferralDate></CINdetails>
</Child>
"""


def census(*children: str) -> bytes:
    return (
        f"<?xml version='1.0'?><Message><Children>{''.join(children)}</Children></Message>".encode()
    )


def rows(body: bytes) -> list[Row]:
    return list(read_census([body]))


def documents(body: bytes) -> list[dict[str, Any]]:
    return [row.document for row in rows(body) if row.document is not None]


def test_each_referral_of_a_child_is_one() -> None:
    first, second = documents(census(CHILD))

    assert first["agency_reference"] == "cin-SYN1-2026-04-01"
    assert second["agency_reference"] == "cin-SYN1-2026-06-01"
    assert first["subject"] == {
        "gender": "female",
        "date_of_birth": "2012-05-17",
        "disability": "yes",
        "child_protection_plan": "yes",
    }
    taken = ReceiveReferral.model_validate(first)
    assert taken.background is not None
    assert taken.background.ethnicity_code == "wirt"
    assert taken.history is not None
    assert taken.history.primary_need == "n1"
    assert "AssessmentActualStartDate" in str([one.sent for one in taken.asides])
    assert "history" in second
    assert "child_protection_plan" not in second["subject"]


def test_no_text_of_a_census_is_lost() -> None:
    body = census(CHILD).decode()
    words = ["SYN1", "A123456789012", "2012-05-17", "1A", "2026-05-01", "2026-04-02"]
    for word in words:
        marked = documents(body.replace(word, "MARKED-WORD").encode())[0]
        taken = ReceiveReferral.model_validate(marked)
        kept = taken.model_dump_json() + json.dumps([one.sent for one in taken.asides])
        assert "MARKED-WORD" in kept, word


def test_two_referrals_of_one_day_are_two() -> None:
    day = "<CINdetails><CINreferralDate>2026-04-01</CINreferralDate></CINdetails>"
    child = (
        f"<Child><ChildIdentifiers><LAchildID>S</LAchildID></ChildIdentifiers>{day}{day}</Child>"
    )

    names = [one["agency_reference"] for one in documents(census(child))]

    assert names == ["cin-S-2026-04-01", "cin-S-2026-04-01-2"]


def test_a_child_without_a_referral_costs_no_other() -> None:
    found = rows(census("<Child/>", CHILD))

    assert [row.fault for row in found] == ["no_referral", "", ""]


def test_what_stands_before_the_break_is_read() -> None:
    found = rows(census(CHILD, "<Child><<"))

    assert [row.fault for row in found] == ["", "", "not_xml"]


BOMB = b"""<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>"""
FETCH = b"""<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">"""
FILE = b"""<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>"""


@pytest.mark.parametrize("head", [BOMB, FETCH, FILE])
def test_a_document_type_ends_the_reading(head: bytes) -> None:
    found = rows(head + b"<Children><Child>&b;</Child></Children>")

    assert [row.fault for row in found] == ["document_type"]


@pytest.mark.parametrize(
    ("child", "fault"),
    [
        ("<a>" * (MAX_DEPTH + 1) + "</a>" * (MAX_DEPTH + 1), "too_deep"),
        ("<a/>" * (MAX_ELEMENTS + 1), "too_large"),
        ("<a>" + "x" * (MAX_TEXT + 1) + "</a>", "too_large"),
        (f"<a b='{'x' * (MAX_TEXT + 1)}'>more</a>", "too_large"),
    ],
)
def test_a_child_that_is_too_large_costs_no_other(child: str, fault: str) -> None:
    found = rows(census(CHILD, f"<Child>{child}</Child>", CHILD))

    assert [row.fault for row in found] == ["", "", fault, "", ""]


def test_what_an_attribute_says_is_kept() -> None:
    child = CHILD.replace("<Assessments>", "<Assessments by='SYN-WORKER'>")

    assert "SYN-WORKER" in str(documents(census(child))[0]["census"])


def test_it_does_not_matter_where_a_file_is_cut_into_pieces() -> None:
    body, chance = census(CHILD, CHILD), random.Random(SEED)
    cuts = sorted(chance.sample(range(len(body)), 20))
    pieces = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]

    assert list(read_census(pieces)) == rows(body)


def table(*lines: str) -> list[Row]:
    return list(read_table("\n".join(lines).encode()))


def test_a_line_of_a_table_is_a_referral() -> None:
    columns = (
        "agency_reference,subject.name,subject.estimated_age,indicators,languages,upn,"
        "discussion.discussed"
    )
    (row,) = table(columns, "SYN-1,Sample Child,14,missing_episodes@current; gifts,en;pl,A1,yes")

    assert row == Row(
        2,
        {
            "agency_reference": "SYN-1",
            "subject": {"name": "Sample Child", "estimated_age": 14},
            "indicators": [{"code": "missing_episodes", "recency": "current"}, {"code": "gifts"}],
            "languages": ["en", "pl"],
            "identifiers": {"known": [{"kind": "upn", "value": "A1"}]},
            "discussion": {"discussed": True},
        },
    )


def test_what_is_no_column_or_not_what_its_column_is_is_kept_beside() -> None:
    (row,) = table("subject.estimated_age,hotel,consents", "about 14,Room 12,all")

    assert row.document == {
        "table": {"subject.estimated_age": "about 14", "hotel": "Room 12", "consents": "all"}
    }
    taken = ReceiveReferral.model_validate(row.document)
    assert [one.pointer for one in taken.asides if one.code == "unknown_member"] == ["/table"]


def test_every_column_is_taken_whatever_stands_in_it() -> None:
    for name in COLUMNS:
        for cell in ("no code", "x" * 600, ";", "7"):
            (row,) = table(
                f"narrative,{name}" if name != "narrative" else name,
                f"Synthetic.,{cell}" if name != "narrative" else cell,
            )
            assert row.document is not None
            ReceiveReferral.model_validate(row.document)


def test_a_cell_may_have_lines_and_one_that_never_ends_costs_its_own_line() -> None:
    found = table(
        "agency_reference,narrative",
        'SYN-1,"one',
        'two"',
        'SYN-2,"never',
        "SYN-3,three",
        "SYN-4,four,five",
        "",
        "SYN-5,six",
    )

    assert [(row.line, row.fault) for row in found] == [
        (2, ""),
        (4, "not_a_line"),
        (5, ""),
        (6, "not_a_line"),
        (8, ""),
    ]
    assert found[0].document == {"agency_reference": "SYN-1", "narrative": "one\ntwo"}


@pytest.mark.parametrize("first", ["a,a", "a,,b", '"', ",".join(["a"] * 201)])
def test_a_table_without_columns_is_not_read(first: str) -> None:
    assert [row.document for row in table(first, "x,y")] == [None]


def test_a_report_counts_by_codes() -> None:
    counting = Counting()
    marks = [{"pointer": f"/people/{n}/kind", "code": "missing"} for n in range(2)]
    counting.count({"status": 201, "warnings": ["name_unknown"], "marks": marks})
    counting.count({"status": 422, "code": "not_a_line"})

    report = counting.report()

    assert (report.taken, report.refused, report.faults) == (1, 1, {"not_a_line": 1})
    assert (report.warnings, report.marked) == ({"name_unknown": 1}, {"/people/*/kind missing": 2})


def test_the_page_is_what_the_code_says() -> None:
    assert page.PAGE.read_text("utf-8") == page.page(), "run `make intake-rules`"
