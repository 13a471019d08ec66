"""What a draft may hold, and how it is shown. Pure.

A draft is unfinished: nothing in it is checked but that it can be kept and given back as it came.
"""

import json
import math
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from services.referral.documents import Incoming
from shared.rules.values import MOST

MOST_BYTES, MOST_DEPTH = 64 * 1024, 16


def answers_of(value: Any) -> dict[str, Any]:
    """The answers, if they can be kept. Raises `PydanticCustomError`, which quotes none of them."""
    if not isinstance(value, dict):
        raise PydanticCustomError("dict_type", "An object.")
    _keepable(value, MOST_DEPTH)
    if len(written(value).encode()) > MOST_BYTES:
        raise PydanticCustomError("draft_too_large", "At most 64 KiB as JSON.")
    return value


def written(answers: dict[str, Any]) -> str:
    """The answers as one text, which says whether two are the same."""
    return json.dumps(answers, ensure_ascii=False, separators=(",", ":"))


def _keepable(value: Any, depth: int) -> None:
    if isinstance(value, str) and not _has_bytes(value):
        raise PydanticCustomError("string_unicode", "Text in UTF-8.")
    if isinstance(value, int | float) and not (math.isfinite(value) and -MOST < value < MOST):
        raise PydanticCustomError("draft_number", "Numbers below 2^53.")
    if not isinstance(value, dict | list):
        return
    if depth == 0:
        raise PydanticCustomError("draft_too_deep", "At most 16 levels.")
    for inner in (*value, *value.values()) if isinstance(value, dict) else value:
        _keepable(inner, depth - 1)


def _has_bytes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a pair of surrogates
        return False
    return True


Answers = Annotated[
    dict[str, Any],
    PlainValidator(answers_of),
    WithJsonSchema(
        {
            "type": "object",
            "additionalProperties": True,
            "title": "Answers",
            "description": "As your form has them: texts, numbers, lists, objects, true, false and "
            "null, at most 64 KiB as JSON and 16 levels. They are given back as they came, and "
            "nobody reads them.",
        }
    ),
]


class DraftEntry(Incoming):
    """The whole of what was filled in so far."""

    answers: Answers


class DraftLine(BaseModel):
    """A draft, without what is in it. `destroyed_at` moves with every change."""

    id: str
    made_at: datetime
    changed_at: datetime
    destroyed_at: datetime


class DraftView(DraftLine):
    """A draft, with all that was filled in."""

    answers: dict[str, Any]


class DraftPage(BaseModel):
    """The newest first; pass `next` as `cursor` for the page behind it."""

    drafts: list[DraftLine]
    next: str | None
