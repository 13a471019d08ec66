"""What is wrong with a document, place by place; a value is never told."""

from typing import Any

from pydantic import BaseModel

from shared.errors import Contradiction
from shared.web.messages import MESSAGES, OTHERWISE


class FieldFault(BaseModel):
    """One fault of the document: where (JSON Pointer, RFC 6901) and what kind."""

    pointer: str
    code: str
    message: str


def fault(error: Any) -> FieldFault:
    """A pydantic error as a fault of ours: where and what kind, never the value."""
    # Unknown members are named: their name is the fault. Values never are.
    where = error["loc"][1:] if error["loc"] and error["loc"][0] == "body" else error["loc"]
    pointer = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')[:80]}" for part in where)
    # Half of a pair of surrogates has no bytes: as a name it would break the answer.
    pointer = pointer.encode(errors="replace").decode()
    return FieldFault(pointer=pointer, code=error["type"], message=_said(error))


def _said(error: Any) -> str:
    cause = (error.get("ctx") or {}).get("error")
    if isinstance(cause, Contradiction):
        return str(cause)
    return MESSAGES.get(error["type"], OTHERWISE)


def twice(name: str) -> FieldFault:
    """The member that stands twice, wherever in the document that is."""
    shown = name[:80].encode(errors="replace").decode().replace("~", "~0").replace("/", "~1")
    return FieldFault(pointer=f"/{shown}", code="member_twice", message="Send it once.")
