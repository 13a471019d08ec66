"""The verifier as one file: the same modules, one behind the other. For `python -m services.audit one-file`.

The file needs Python 3.11 and `cryptography`, nothing of this repository, so that whoever checks
the trail can read all of what they run.
"""

import ast
from pathlib import Path

MODULES = (
    *("domain/tree", "domain/tiles", "domain/edge", "domain/notes", "domain/checkpoints"),
    *("domain/gaps", "verify/verdicts", "verify/sources", "verify/exported", "verify/watching"),
    "verify/cli",
)
HERE = Path(__file__).parent
HEAD = '''#!/usr/bin/env python3
"""Verify a trail offline. Made from the modules of services/audit by `make verifier`.

Exit 0 verified, 1 tampering proven, 2 cannot verify, 3 wrong usage. Needs `cryptography`.
"""

'''


def one_file() -> str:
    """The text of the file. Raises `ValueError` when two modules use one name for two things."""
    imports: set[str] = set()
    owners: dict[str, str] = {}
    bodies = []
    for module in MODULES:
        source = (HERE / f"{module}.py").read_text("utf-8")
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
