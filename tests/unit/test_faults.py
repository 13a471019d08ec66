"""What an answer says of a fault: what to do instead, and never what was sent."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError, field_validator

from services.allocation.absence.request import LeaveEntry
from services.referral.corrections.request import AmendReferral
from services.referral.sharing.request import ConfirmationEntry
from shared.web.faults import fault
from shared.web.messages import MESSAGES

ROOT = Path(__file__).parents[2]


def said_to(model: type[BaseModel], sent: Any) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(sent)
    return [fault(each).message for each in caught.value.errors(include_url=False)]


def test_what_does_not_go_together_says_what_to_do() -> None:
    leave = {"start": "2026-05-02", "to": "2026-05-01"}

    assert said_to(LeaveEntry, leave) == ["The last day is before the first: change one of them."]
    assert said_to(AmendReferral, {}) == [
        "Nothing was changed: write what is to be added or corrected."
    ]
    (wrong,) = said_to(ConfirmationEntry, {"confirmed": True, "reason": "not_said"})
    assert wrong.startswith("The reason does not fit the answer:")


def test_the_words_of_a_library_never_reach_an_answer() -> None:
    class Careless(BaseModel):
        number: str

        @field_validator("number")
        @classmethod
        def _number(cls, text: str) -> str:
            return str(int(text))

    assert said_to(Careless, {"number": "Sample Secret"}) == [MESSAGES["value_error"]]


def test_whatever_a_document_can_be_refused_for_is_a_sentence() -> None:
    found = list[str]()
    for path in sorted((ROOT / "services").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Contradiction":
                found.append(ast.literal_eval(node.args[0]))

    assert len(found) >= 15
    assert [words for words in found if not re.fullmatch(r"[A-Z].+\.", words)] == []
