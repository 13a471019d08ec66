"""Print an access token for one hour: `python -m deploy.compose.make_token role=operator sub=me`.

Signed with the trial key that `make_secrets` wrote, so only a deployment that was given its
`jwks.json` and `TRIAL_ISSUER` accepts it. In production tokens come from your issuer.
"""

import json
import sys
from pathlib import Path

from joserfc.jwk import ECKey

from shared.web.tokens import issue

TRIAL_ISSUER = "urn:hub-and-spoke:trial"


def main(folder: Path, claims: dict[str, str]) -> str:
    """A token with these claims, signed with the key under `folder`."""
    path = folder / "issuer" / "signing_key.json"
    key = ECKey.import_key(json.loads(path.read_text("utf-8")))
    return issue(key, issuer=TRIAL_ISSUER, audience="hub-and-spoke", lifetime=3600, **claims)


if __name__ == "__main__":
    if sys.argv[1:] in (["--help"], ["-h"]):
        sys.stdout.write(f"{__doc__}\n")
        sys.exit(0)
    words = [word.partition("=") for word in sys.argv[1:]]
    if not words or not all(name and value for name, _, value in words):
        sys.stderr.write(f"{__doc__}\n")
        sys.exit(64)
    given = {name: value for name, _, value in words}
    try:
        sys.stdout.write(main(Path("secrets"), given) + "\n")
    except FileNotFoundError:
        sys.exit("secrets/issuer/signing_key.json is not there; make_secrets writes it")
