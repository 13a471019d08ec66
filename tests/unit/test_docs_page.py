"""The page of the API: everything that the description has, and nothing from elsewhere."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from fastapi.testclient import TestClient

from shared.web.docs_page import METHODS, POLICY, page
from tests.golden.openapi import SERVICES, app_of

LOADS = {"script", "link", "img", "iframe", "object", "embed", "form", "base", "video", "audio"}
OWN = {"href", "id", "charset", "lang", "name", "content"}


class Reader(HTMLParser):
    """What stands in a page: its elements, their attributes, its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: set[str] = set()
        self.ids: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links |= {value or "" for name, value in attrs if name == "href"}
        self.ids += [value or "" for name, value in attrs if name == "id"]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("service", SERVICES)
def test_the_page_has_every_operation_document_member_and_parameter(service: str) -> None:
    document = app_of(service).openapi()

    read = Reader(page(document))

    for path, operations in document["paths"].items():
        for method in set(operations) & set(METHODS):
            said = operations[method]
            assert f"{method.upper()} {path}" in read.text
            assert said["operationId"] in read.ids
            assert all(p["name"] in read.text for p in said.get("parameters", ()))
    for name, schema in document["components"]["schemas"].items():
        assert name in read.ids
        assert all(member in read.text for member in schema.get("properties", {}))
    assert len(read.ids) == len(set(read.ids))
    inside = {link for link in read.links if link.startswith("#")}
    assert read.links - inside == {"openapi.json"}
    assert inside <= {f"#{one}" for one in read.ids}
    assert not read.tags & LOADS
    assert read.attributes <= OWN


def test_what_a_text_brings_along_is_shown_as_text() -> None:
    bad = '<script src="https://elsewhere.example/x.js"></script>"\'`<b>`'
    document: dict[str, Any] = {
        "info": {"title": bad, "description": bad},
        "paths": {
            f"/{bad}": {
                "get": {
                    "tags": [bad],
                    "operationId": bad,
                    "summary": bad,
                    "description": bad,
                    "parameters": [{"name": bad, "in": "query", "schema": {"enum": [bad]}}],
                    "requestBody": {
                        "content": {bad: {"schema": {"const": bad}, "example": {bad: bad}}}
                    },
                    "responses": {bad: {"description": bad, "content": {bad: {"example": bad}}}},
                }
            }
        },
        "components": {
            "schemas": {
                bad: {"description": bad, "properties": {bad: {"pattern": bad, "type": bad}}}
            }
        },
    }

    text = page(document)

    read = Reader(text)
    assert not read.tags & {"script", "b"}
    assert read.attributes <= OWN
    assert "<script" not in text
    assert read.text.count("https://elsewhere.example/x.js") > 10


@pytest.mark.parametrize("path", ["/docs", "/openapi.json"])
def test_it_is_served_without_a_token_and_nothing_in_it_may_run(path: str) -> None:
    answer = TestClient(app_of("notify")).get(path)

    assert answer.status_code == 200
    if path == "/docs":
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["content-security-policy"] == POLICY
        assert "default-src 'none'" in POLICY
        assert "script-src" not in POLICY
        style = re.search(r"<style>(.*?)</style>", answer.text)
        assert style
