"""What the API descriptions and the page of errors say, of every service."""

import pytest

from services.audit.recordable import RESOURCES
from shared.web.description import operations, words
from tests.golden import errors
from tests.golden.openapi import SERVICES, app_of


@pytest.mark.parametrize("service", SERVICES)
def test_every_member_and_parameter_is_described_and_every_name_is_plain(service: str) -> None:
    document = app_of(service).openapi()
    schemas = document["components"]["schemas"]

    silent = [
        f"{name}.{member}"
        for name, schema in schemas.items()
        for member, said in schema.get("properties", {}).items()
        if not said.get("description")
    ]
    for operation in operations(document):
        silent += [
            f"{operation['operationId']}: {each['name']}"
            for each in operation.get("parameters", ())
            if not (each.get("description") or each["schema"].get("description"))
        ]
        assert operation.get("description"), operation["operationId"]
    assert not silent, f"describe these where they stand, or in words.toml: {silent}"
    assert not [name for name in schemas if "__" in name], "two models of one name: rename one"


def test_an_operation_has_one_name_in_all_services() -> None:
    names = [
        str(operation["operationId"])
        for service in SERVICES
        for operation in operations(app_of(service).openapi())
        if "/livez" not in str(operation) and operation["operationId"] not in HEALTH
    ]

    assert len(set(names)) == len(names), sorted(n for n in names if names.count(n) > 1)


def test_every_question_to_the_trail_is_named_by_its_route() -> None:
    named = {one["operationId"] for one in operations(app_of("audit").openapi())}

    assert set(RESOURCES) <= named


HEALTH = ("livez", "readyz")


def test_no_word_describes_what_is_not_there() -> None:
    said: set[str] = set()
    for service in SERVICES:
        document = app_of(service).openapi()
        for schema in document["components"]["schemas"].values():
            said |= {str(m.get("description")) for m in schema.get("properties", {}).values()}
        for operation in operations(document):
            said |= {str(each.get("description")) for each in operation.get("parameters", ())}

    assert not [name for name, meaning in words().items() if meaning not in said]


def test_the_page_of_errors_is_what_the_code_says() -> None:
    assert errors.PAGE.read_text("utf-8") == errors.page(), "run `make errors`"
    assert not [code for code, _, text in errors.rows() if not text], "say what each means"
