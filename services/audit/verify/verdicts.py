"""What a verification can end in, and the exit code that says so."""

from collections.abc import Sequence

VERIFIED, TAMPERED, CANNOT_VERIFY = 0, 1, 2
MAX_TOLD = 20  # findings; the first are enough to know where to look


class Tampered(Exception):
    """It is proven that this is not what was sealed. Each text names what and where. Exit 1."""

    def __init__(self, *findings: str) -> None:
        super().__init__("\n".join(findings))
        self.findings = findings


class CannotVerify(Exception):
    """Data is missing, or no key we trust has signed it: nothing is proven either way. Exit 2."""


class Misused(CannotVerify):
    """The command was given something it can't work with. Exit 2, too: nothing is proven."""


def first_of(findings: Sequence[str]) -> list[str]:
    """The first of them, and how many more there are."""
    told = list(findings[:MAX_TOLD])
    more = len(findings) - len(told)
    return [*told, f"and {more} more"] if more else told


def judge(findings: Sequence[str], missing: Sequence[str]) -> None:
    """Raises `Tampered` with these findings; where there are none, `CannotVerify` for what is
    missing. Returns where there is nothing of either."""
    if findings:
        raise Tampered(*findings)
    if missing:
        raise CannotVerify("; ".join(first_of(missing)))
