"""`make mutate`: the rules are changed, one small thing at a time; does a test notice?

A rule file is a module of a service, of `shared/rules` or of `shared/bars`, that does no I/O. mutmut
writes the mutants to `mutants/` (a comparison, a condition, a sign, a code, an argument) and runs the unit
tests that reach the changed function. Words for people may change: no test holds their wording.

SAMPLE   how many mutants, chosen at random; 0 means all of them (hours)
SEED     chooses the same ones again
ONLY     patterns of mutants: ONLY='shared.rules.sharing.* services.audit.*'
WORKERS  how many mutants are tried side by side
"""

import ast
import os
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

# Run as a file, so that the tests come from `mutants/`: this folder would be in their way.
sys.path = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).parent]

from mutmut import __main__ as mutmut  # noqa: E402
from mutmut.configuration import config  # noqa: E402
from mutmut.mutation.diff_apply import get_diff_for_mutant  # noqa: E402
from mutmut.mutation.trampoline import set_mutant_under_test  # noqa: E402
from mutmut.stats import status_by_exit_code  # noqa: E402

CAUGHT = {"killed", "timeout", "segfault", "caught by type check"}
IO = (
    "aio_pika aiohttp aiosmtplib argparse asyncio fastapi pymongo structlog opentelemetry shared.clock"
    " shared.messaging shared.operating shared.storage.store shared.storage.timers shared.web urllib"
).split()
TEXT = re.compile(r"""[fr]?("[^"]*"|'[^']*')""")


def rule_files() -> Iterator[str]:
    """The modules whose functions are rules: values in, values out."""
    folders = ("services", "shared/rules", "shared/bars")
    for path in sorted(path for folder in folders for path in Path(folder).rglob("*.py")):
        names = list(_reaches(ast.parse(path.read_text("utf-8"))))
        if not any(name == io or name.startswith(f"{io}.") for name in names for io in IO):
            yield str(path)


def _reaches(tree: ast.AST) -> Iterator[str]:
    """What it imports; and what awaits reaches out, too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncFunctionDef):
            yield "asyncio"
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def mutants() -> dict[str, Path]:
    """Every mutant of the rules with its file; written to `mutants/` on return."""
    set_mutant_under_test("mutant_generation")
    Path("mutants").mkdir(exist_ok=True)
    mutmut.copy_src_dir()
    mutmut.copy_also_copy_files()
    mutmut.setup_source_paths()
    mutmut.create_mutants(1)
    found, _ = mutmut.collect_source_file_mutation_data(mutant_names=())
    return {name: Path(data.path) for data, name, _ in found}


def change(name: str, path: Path) -> tuple[str, str]:
    """The lines that the mutant changes: before and after."""
    lines = get_diff_for_mutant(name, path=path).splitlines()[2:]
    before, after = ([line[1:].strip() for line in lines if line[:1] == sign] for sign in "-+")
    return " ".join(before), " ".join(after)


def is_prose(before: str, after: str) -> bool:
    """Whether only words for people differ: a text with a space in it is for them."""

    def plain(line: str) -> str:
        return TEXT.sub(lambda text: "None" if " " in text[0] else text[0], line)

    return plain(before) == plain(after)


def matters(before: str, after: str) -> bool:
    """Whether a test could notice, and should."""
    return not is_prose(before, after) and not is_same(before, after)


def is_same(before: str, after: str) -> bool:
    """Whether both mean the same: the name of an encoding is the same in capitals."""
    return before == after.replace("UTF-8", "utf-8")


def chosen() -> list[str]:
    """The mutants to try, as SAMPLE, SEED and ONLY say."""
    patterns = os.environ.get("ONLY", "*").split()
    names = sorted(
        name
        for name, path in mutants().items()
        if any(fnmatch(name, pattern) for pattern in patterns) and matters(*change(name, path))
    )
    wanted = int(os.environ.get("SAMPLE", "0"))
    if 0 < wanted < len(names):
        names = sorted(random.Random(int(os.environ.get("SEED", "1"))).sample(names, wanted))
    return names


def report(names: list[str]) -> float:
    """Print the share that was caught, by file, and the survivors. Returns that share."""
    found, _ = mutmut.collect_source_file_mutation_data(mutant_names=names)
    caught: Counter[str] = Counter()
    tried: Counter[str] = Counter()
    for data, name, code in found:
        path, status = str(data.path), status_by_exit_code[code]
        tried[path] += 1
        caught[path] += status in CAUGHT
        if status not in CAUGHT:
            before, after = change(name, Path(path))
            print(f"{status}: {name}\n  - {before}\n  + {after}")
    for path in sorted(tried):
        print(f"{caught[path]:5} of {tried[path]:5} caught in {path}")
    share = caught.total() / tried.total()
    print(f"{caught.total()} of {tried.total()} mutants caught: {share:.1%}")
    return share


def main() -> None:
    os.nice(15)
    # The tests run in `mutants/`: from there the vectors of others are not beside the repository.
    os.environ.setdefault("VECTORS", str(Path.cwd().parent / "shared" / "vectors"))
    config().only_mutate = list(rule_files())
    names = chosen()
    if not names:
        sys.exit("No mutant has such a name.")
    print(f"{len(names)} mutants")
    mutmut._run(names, int(os.environ.get("WORKERS", "1")))
    report(names)


if __name__ == "__main__":
    main()
