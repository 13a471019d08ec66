"""The house rules that a reader relies on: short files, thin routes, pure rules, true documents.

Each list of exceptions only shrinks: an entry that is no longer needed fails the test, too.
"""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path
from statistics import median
from typing import TypeAlias

ROOT = Path(__file__).parents[2]
LONGEST_FILE = 250
LONGEST_FUNCTION = 40
LONGEST_ROUTE = 10
# The aim is 80.
MEDIAN_FILE = 100

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

LONG_FILES = """
benchmarks/audit.py
""".split()

LONG_FUNCTIONS = """
""".split()

LONG_ROUTES = """
""".split()

# Routes that ask who the caller is, where a function of `access.py` should answer.
DECIDING_ROUTES = """
""".split()

# Named by nothing else of ours: a library calls them.
CALLED_BY_LIBRARIES = """
services/audit:redirect_request
services/notify:resolve
shared:on_start
""".split()
UNUSED = """
""".split()

VAGUE = re.compile(r"Manager$|Helper|Utils?$|Base$|DTO|Impl$|Processor$")
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/security.md")


@cache
def sources(*folders: str) -> list[Path]:
    found = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return sorted(path.relative_to(ROOT) for path in found)


CODE = ("services", "shared", "allinone")


@cache
def text(path: Path) -> str:
    return (ROOT / path).read_text("utf-8")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(text(path))


@cache
def named(path: Path) -> list[Function | ast.ClassDef]:
    """Its functions and classes."""
    return [n for n in ast.walk(tree(path)) if isinstance(n, Function | ast.ClassDef)]


def functions(path: Path) -> list[Function]:
    return [node for node in named(path) if not isinstance(node, ast.ClassDef)]


def name(path: Path, node: Function | ast.ClassDef) -> str:
    """Without the file: an exception stays one when it moves within its service."""
    place = path.parts[:2] if path.parts[0] == "services" else path.parts[:1]
    return f"{'/'.join(place)}:{node.name}"


def is_route(function: Function) -> bool:
    """`@router.post(…)` and the like."""
    calls = [d.func for d in function.decorator_list if isinstance(d, ast.Call)]
    verbs = {call.attr for call in calls if isinstance(call, ast.Attribute)}
    return bool(verbs & {"get", "put", "post", "patch", "delete"})


@cache
def routes() -> list[tuple[str, Function]]:
    paths = sources("services", "shared")
    return [(name(path, f), f) for path in paths for f in functions(path) if is_route(f)]


def length(function: Function) -> int:
    """The lines of its body, without the docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def only(found: set[str], listed: list[str], remedy: str) -> None:
    """What was found is what is listed, no more and no less."""
    new, gone = sorted(found - set(listed)), sorted(set(listed) - found)
    assert not new, f"{remedy}: {', '.join(new)}"
    assert not gone, f"fine by now, take it off the list in {__file__}: {', '.join(gone)}"


def test_no_file_is_longer_than_a_reader_bears() -> None:
    paths = sources(*CODE, "benchmarks")
    long = {str(p) for p in paths if text(p).count("\n") > LONGEST_FILE}

    only(long, LONG_FILES, f"over {LONGEST_FILE} lines, split it")


def test_most_files_are_short() -> None:
    lengths = [text(p).count("\n") for p in sources(*CODE) if p.name != "__init__.py"]

    assert median(lengths) <= MEDIAN_FILE


def test_no_function_is_longer_than_a_screen() -> None:
    long = {
        name(path, f)
        for path in sources(*CODE)
        for f in functions(path)
        if (f.end_lineno or 0) - f.lineno >= LONGEST_FUNCTION
    }

    only(long, LONG_FUNCTIONS, f"over {LONGEST_FUNCTION} lines, split it")


def test_a_route_translates_and_decides_nothing() -> None:
    long = {route for route, f in routes() if length(f) > LONGEST_ROUTE}

    only(long, LONG_ROUTES, f"over {LONGEST_ROUTE} lines in a route, move them into a rule or step")


def test_authorisation_is_never_in_a_route() -> None:
    deciding = {route for route, f in routes() if _decides(f)}

    only(deciding, DECIDING_ROUTES, "a route that asks for a role, ask a function of access.py")


def _decides(function: Function) -> bool:
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute) and node.attr == "role":
            return True
        if isinstance(node, ast.Raise) and node.exc and "Forbidden" in ast.unparse(node.exc):
            return True
    return False


def test_every_module_says_what_it_is_for() -> None:
    silent = {str(p) for p in sources(*CODE) if text(p) and not ast.get_docstring(tree(p))}

    assert not silent


def test_no_class_has_a_name_that_says_nothing() -> None:
    classes = (
        (path, node.name)
        for path in sources(*CODE)
        for node in named(path)
        if isinstance(node, ast.ClassDef)
    )

    assert not [f"{path}:{found}" for path, found in classes if VAGUE.search(found)]
    assert not [p for p in sources(*CODE) if p.stem in ("utils", "helpers", "misc")]


def test_nothing_is_left_that_nobody_uses() -> None:
    words = Counter(word for p in sources(*CODE) for word in re.findall(r"\w+", text(p)))
    unused = {
        name(path, node)
        for path in sources(*CODE)
        if "events" not in path.parts  # the catalogue finds event classes by itself
        for node in named(path)
        if not node.name.startswith("__") and words[node.name] == 1 and not _registered(node)
    }

    only(unused - set(CALLED_BY_LIBRARIES), UNUSED, "nobody uses it, delete it")


def _registered(node: Function | ast.ClassDef) -> bool:
    """Whether a decorator with an argument, such as a route's, has taken note of it."""
    return any(isinstance(d, ast.Call) for d in node.decorator_list) and not isinstance(
        node, ast.ClassDef
    )


def test_the_documents_name_what_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for document in DOCUMENTS:
        words = (ROOT / document).read_text("utf-8")
        commands = set(re.findall(r"`make ([a-z-]+)", words))
        links = set(re.findall(r"\]\(([^)#:]+)\)", words))
        paths = {p for p in re.findall(r"`([\w./-]+/[\w./-]*)`", words) if p[0] not in "./"}
        assert commands <= targets
        beside = (ROOT / document).parent
        assert not [p for p in paths if not (ROOT / p).exists()], document
        assert not [p for p in links if not (beside / p).exists()], document


def test_the_glossary_calls_things_as_the_code_does() -> None:
    code = {word for p in sources(*CODE) for word in re.findall(r"\w+", f"{p} {text(p)}")}
    rows = (ROOT / "docs" / "glossary.md").read_text("utf-8").splitlines()
    words = {w for row in rows if row[:1] == "|" for w in re.findall(r"`(\w+)`", row)}

    assert len(words) > 50
    assert not words - code, f"called otherwise by now: {', '.join(sorted(words - code))}"
