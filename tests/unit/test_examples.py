"""Every operation of the API description has an example; `tests/system/test_examples.py` sends each."""

from typing import Any

import pytest

from shared.web.description import examples, operations
from tests.golden.openapi import SERVICES, app_of

# What no example can be an answer to: files, and a stream without an end.
NO_DOCUMENT = ("application/x-tar", "text/event-stream", "text/html", "application/octet-stream")


def described(service: str) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in app_of(service).openapi()["paths"].items()
        for method, operation in methods.items()
    ]


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_has_an_example_of_its_request_and_of_its_answer(service: str) -> None:
    without = []
    for name, operation in described(service):
        one = examples().get(name)
        if one is None:
            without.append(name)
            continue
        body = operation.get("requestBody", {})
        said = [content for content in body.get("content", {}).values() if "example" in content]
        if body.get("required") and not said:
            without.append(f"{name}: its body")
        answers = operation["responses"][str(one["status"])].get("content", {})
        shown = [content for content in answers.values() if "example" in content]
        if answers and one["media"] not in NO_DOCUMENT and not shown:
            without.append(f"{name}: its answer {one['status']} {one['media']}")

    assert not without, f"`make examples`, for: {without}"


def test_no_example_is_of_an_operation_that_is_gone() -> None:
    names = {name for service in SERVICES for name, _ in described(service)}

    assert set(examples()) == names
    assert sum(len(operations(app_of(service).openapi())) for service in SERVICES) == len(names)


def test_no_example_has_an_id_or_a_secret_of_the_run_that_made_it() -> None:
    text = repr(examples())

    assert "urn:trace" not in text
    assert "Bearer " not in text
