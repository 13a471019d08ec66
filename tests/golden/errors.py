"""docs/errors.md, read from the source: every `code` that an answer can have: `make errors`."""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TypeGuard

from services.referral.sharing.command import UNKNOWN_HERE
from shared.errors import Mismatch
from shared.web.problems import ALWAYS_THE_SAME

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "errors.md"
# Which exceptions carry a code of their own, in which argument, and the HTTP status they become.
RAISED = {"Refused": (0, 409), "BadRequest": (0, 400)}
FAULTS = {"Malformed": 1, "PydanticCustomError": 0}
# Codes that are put together while it runs.
MADE = {
    **{(f"{kind}_unknown", 409): text for kind, text in UNKNOWN_HERE.items()},
    ("method_not_allowed", 405): "`Allow` says which methods there are.",
    ("not_ready", 503): "The service has not begun to answer, or its store or broker is away.",
}
HEAD = """\
# Errors

`make errors` writes this page from the code. Every answer from 400 on is a problem document (RFC \
9457, `application/problem+json`). Go by `code`, which does not change; `detail` is for people and \
may. `instance` finds the request in the logs: say it when you ask about it. Nothing that you sent is \
ever quoted back.

`409` is the answer of the rules: the request was understood, and it is a no. Sending it again changes \
nothing. `503`, `429` and a connection that breaks say nothing about it: send the same again with the \
same `Idempotency-Key`.
"""
FAULT_HEAD = """
## Faults of a document

`422 malformed` has `errors`: each fault with its `pointer` (JSON Pointer, RFC 6901; parameters are \
under `/query`), a `code` and a `message`. Beside the codes of what is not of the type or size that \
the API description says (as `string_too_long`), these are of what can't be meant:
"""


def rows() -> list[tuple[str, int, str]]:
    """Code, HTTP status and what is said with it, sorted."""
    found = {(code, status): {text} for (code, status), text in MADE.items()}
    for status, code, text in ALWAYS_THE_SAME.values():
        found.setdefault((code, status), set()).add(text)
    found[Mismatch.code, 422] = {Mismatch.message}
    for code, status, text in _answered():
        found.setdefault((code, status), set()).add(text)
    for name, (place, status) in RAISED.items():
        for code, text in _raised(name, place):
            found.setdefault((code, status), set()).add(text)
    return sorted((code, status, _either(texts)) for (code, status), texts in found.items())


def faults() -> list[tuple[str, str]]:
    """The codes of faults that a rule finds, and what is said with each."""
    found = defaultdict[str, set[str]](set)
    for name, place in FAULTS.items():
        for code, text in _raised(name, place):
            found[code].add(text)
    return sorted((code, _either(texts)) for code, texts in found.items())


def page() -> str:
    """The whole page."""
    lines = [f"| `{code}` | {status} | {text} |" for code, status, text in rows()]
    table = "\n".join(["| `code` | HTTP | says |", "|---|---|---|", *lines])
    more = [f"| `{code}` | {text} |" for code, text in faults()]
    second = "\n".join(["| `code` | says |", "|---|---|", *more])
    return f"{HEAD}\n{table}\n{FAULT_HEAD}\n{second}\n"


def _either(texts: Iterable[str]) -> str:
    return " / ".join(sorted(text for text in texts if text))


def _answered() -> Iterator[tuple[str, int, str]]:
    for call, function in _calls("answer"):
        status, code = [*call.args, None, None][:2]
        if isinstance(status, ast.Constant) and isinstance(code, ast.Constant):
            texts = [_text(said, function) for said in call.args[2:3]]
            yield str(code.value), int(str(status.value)), "".join(texts)


def _raised(name: str, place: int) -> Iterator[tuple[str, str]]:
    for call, function in _calls(name):
        code = call.args[place]
        if isinstance(code, ast.Constant):
            yield str(code.value), _text(call.args[place + 1], function)


@cache
def _calls(name: str) -> list[tuple[ast.Call, ast.AST]]:
    """Every call of that name, with the function it stands in."""
    found = list[tuple[ast.Call, ast.AST]]()
    for path, text in _sources():
        if f"{name}(" not in text:
            continue
        tree = ast.parse(text, path)
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                # What is said may be a constant of the module.
                outside = [one for one in tree.body if isinstance(one, ast.Assign)]
                around = ast.Module([*outside, *function.body], [])
                found += [(call, around) for call in ast.walk(function) if _is_call(call, name)]
    return found


def _is_call(node: ast.AST, name: str) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") == name


@cache
def _sources() -> list[tuple[Path, str]]:
    paths = (path for folder in ("services", "shared") for path in (ROOT / folder).rglob("*.py"))
    return [(path, path.read_text("utf-8")) for path in sorted(paths)]


def _text(said: ast.expr, function: ast.AST) -> str:
    """What is said, as far as it can be read; what is filled in is `…`."""
    if isinstance(said, ast.Constant):
        return str(said.value)
    if isinstance(said, ast.JoinedStr):
        parts = (p.value if isinstance(p, ast.Constant) else "…" for p in said.values)
        return "".join(map(str, parts))
    if isinstance(said, ast.Name):
        given = [
            one.value
            for one in ast.walk(function)
            if isinstance(one, ast.Assign) and getattr(one.targets[0], "id", "") == said.id
            if one.lineno < said.lineno
        ]
        # Of several, the last one before it.
        return _text(max(given, key=lambda one: one.lineno), function) if given else "…"
    return "…"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    sys.stdout.write("docs/errors.md\n")
