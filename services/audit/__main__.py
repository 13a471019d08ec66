"""`python -m services.audit` runs the service; with a word behind it, one of its commands.

verify …    check checkpoints, proofs and exports offline (see docs/auditing.md)
one-file    print the verifier as a single file
rebuild     restore the search fields from the leaves
thaw        check the whole trail, and if it is sound let signing go on
--check     try the settings, the store, the broker and the issuer's keys; --help lists the settings
"""

import sys


def main(words: list[str]) -> int:
    """The exit code."""
    match words:
        case [] | ["--check"] | ["--help"] | ["-h"]:
            return _serve(words)
        case ["verify", *rest]:
            from services.audit.verify.cli import main as verify

            return verify(rest)
        case ["one-file", "--help" | "-h"]:
            sys.stdout.write(f"{__doc__}\n")
            return 0
        case ["one-file"]:
            from services.audit.verify.onefile import one_file

            sys.stdout.write(one_file())
            return 0
        case ["rebuild" | "thaw" as word, *rest]:
            from services.audit.integrity.commands import main as integrity

            return integrity(word, rest)
    sys.stderr.write(f"{__doc__}\n")
    return 64


def _serve(words: list[str]) -> int:
    from services.audit.app import AuditSettings, build
    from shared.operating.start import start

    return start("audit", AuditSettings, build, words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
