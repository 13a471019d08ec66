"""What a verification can end in, and the exit code that says so."""

VERIFIED, TAMPERED, CANNOT_VERIFY, USAGE = 0, 1, 2, 3


class Tampered(Exception):
    """It is proven that this is not what was sealed. Each text names what and where. Exit 1."""

    def __init__(self, *findings: str) -> None:
        super().__init__("\n".join(findings))
        self.findings = findings


class CannotVerify(Exception):
    """Data is missing, or no key we trust has signed it: nothing is proven either way. Exit 2."""


class Misused(Exception):
    """The command was given something it can't work with. Exit 3."""
