"""The agencies' client has every operation that an agency may use, as the API describes them."""

import ast

from tests.golden import client


def test_its_methods_are_those_of_the_api() -> None:
    committed, made = (ast.parse(t) for t in (client.MODULE.read_text("utf-8"), client.module()))

    assert ast.dump(committed) == ast.dump(made), "run `make client`"
