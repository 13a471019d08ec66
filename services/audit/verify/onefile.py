"""The verifier as one file: the same modules, one behind the other. For `python -m services.audit one-file`.

The file needs Python 3.11 and nothing else: no package, nothing of this repository. Whoever checks the
trail can read all of what they run. Making it takes no package either.
"""

import ast
from collections.abc import Sequence
from pathlib import Path

# `log/ed25519` stands where the service has `log/signatures`.
MODULES = (
    *("log/tree", "log/tiles", "log/edge", "log/ed25519", "log/notes", "log/checkpoints"),
    "court/form",
    *(
        "reports/gaps",
        "search/complete",
        "verify/verdicts",
        "verify/words",
        "verify/sources",
        "verify/signed",
    ),
    *("verify/proven", "verify/earlier", "verify/filtered", "verify/reading", "verify/naming"),
    *(
        "verify/asked",
        "verify/full",
        "verify/manifest",
        "verify/witnesses",
        "verify/exported",
        "verify/tallied",
        "verify/watching",
        "verify/court",
    ),
    "verify/cli",
)
HERE = Path(__file__).parents[1]
HEAD = '''#!/usr/bin/env python3
"""Verify a trail offline. Made from the modules of services/audit by `make verifier`.

Exit 0 what was claimed is proven, 1 tampering is proven, 2 can't tell. Needs Python 3.11, nothing else.
"""

import sys

if sys.version_info < (3, 11):
    sys.stderr.write("cannot verify: this needs Python 3.11 or newer\\n")
    sys.exit(2)

'''


def one_file(modules: Sequence[str] = MODULES, here: Path = HERE) -> str:
    """The text of the file. Raises `ValueError` when two modules use one name for two things."""
    imports: set[str] = set()
    owners: dict[str, str] = {}
    bodies = []
    for module in modules:
        source = (here / f"{module}.py").read_text("utf-8")
        tree = ast.parse(source)
        for node in tree.body:
            for name in _defined(node):
                if owners.setdefault(name, module) != module:
                    raise ValueError(f"{name} is defined in {owners[name]} and in {module}")
            if isinstance(node, ast.Import | ast.ImportFrom):
                imports |= _outside(node)
        bodies.append(f"# --- {module}.py\n\n{_without_imports(source, tree)}")
    return HEAD + "\n".join(sorted(imports)) + "\n\n" + "\n\n".join(bodies)


def _defined(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    names = [t for target in targets for t in ast.walk(target) if isinstance(t, ast.Name)]
    return [name.id for name in names]


def _outside(node: ast.Import | ast.ImportFrom) -> set[str]:
    if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("services."):
        return set()
    return {
        ast.unparse(
            ast.Import([a]) if isinstance(node, ast.Import) else ast.ImportFrom(node.module, [a], 0)
        )
        for a in node.names
    }


def _without_imports(source: str, tree: ast.Module) -> str:
    lines = source.splitlines()
    gone = [n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
    first = tree.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        for number in range(first.lineno - 1, first.end_lineno or first.lineno):
            lines[number] = "# " + lines[number].strip('"') if lines[number].strip('"') else "#"
    for node in gone:
        for number in range(node.lineno - 1, node.end_lineno or node.lineno):
            lines[number] = ""
    text = "\n".join(lines).strip() + "\n"
    while "\n\n\n\n" in text:
        text = text.replace("\n\n\n\n", "\n\n\n")
    return text
