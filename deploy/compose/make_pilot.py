"""Write what a pilot needs beside `make_secrets`: `python -m deploy.compose.make_pilot [FOLDER]`.

FOLDER/pilot: the key of the replica set, a certificate for what is inside, passwords, the keys of the pages,
and the realm with the agencies' public keys and a first password for each person, to be changed at the
first sign-in. With another PUBLIC_URL than https://localhost:8443, set it here, too: people come back from
the issuer to no other address.
FOLDER/agencies and FOLDER/people.json are for whom they are of, and are mounted nowhere.
"""

import base64
import json
import os
import secrets
import sys
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey, KeySet

from deploy.compose.make_secrets import ROOT, certificate, write

REALM = ROOT / "deploy" / "compose" / "realm.json"


def main(folder: Path) -> None:
    """Write everything, or raise `FileExistsError` before writing anything."""
    realm = json.loads(REALM.read_text("utf-8"))
    web_client_secret = _of_pages(realm)
    agencies = {c["clientId"]: _with_key(c) for c in realm["clients"] if _proves_itself(c)}
    people = {u["username"]: _with_password(u) for u in realm["users"] if _is_person(u)}
    pilot = {
        "keyfile": base64.b64encode(os.urandom(756)).decode(),
        "keycloak_admin_password": secrets.token_urlsafe(24),
        "grafana_password": secrets.token_urlsafe(24),
        "web_session_key": base64.b64encode(os.urandom(32)).decode(),
        "web_client_secret": web_client_secret,
        "realm.json": json.dumps(realm),
        **certificate("keycloak", "mail"),
    }
    write(folder / "pilot", pilot)
    private = {
        f"{name}.json": json.dumps(key.as_dict(private=True)) for name, key in agencies.items()
    }
    write(folder / "agencies", private)
    for name in private:
        (folder / "agencies" / name).chmod(0o600)
    (folder / "people.json").write_text(json.dumps(people, indent=2), "utf-8")
    (folder / "people.json").chmod(0o600)


def _of_pages(realm: dict[str, Any]) -> str:
    """The secret of the pages; the realm has it, and the address that people come back to."""
    (pages,) = (each for each in realm["clients"] if each["clientId"] == "pages")
    pages["secret"] = secrets.token_urlsafe(32)
    if public := os.environ.get("PUBLIC_URL"):
        pages["redirectUris"] = [f"{public}/signed-in"]
    return str(pages["secret"])


def _proves_itself(client: dict[str, Any]) -> bool:
    return client.get("clientAuthenticatorType") == "client-jwt"


def _is_person(user: dict[str, Any]) -> bool:
    return "serviceAccountClientId" not in user


def _with_key(client: dict[str, Any]) -> ECKey:
    """A new key of the agency's program; the realm has the public part."""
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
    client["attributes"]["jwks.string"] = json.dumps(KeySet([key]).as_dict(private=False))
    return key


def _with_password(user: dict[str, Any]) -> str:
    password = secrets.token_urlsafe(18)
    user["credentials"] = [{"type": "password", "value": password, "temporary": True}]
    return password


if __name__ == "__main__":
    if len(sys.argv) > 2 or sys.argv[-1].startswith("-"):
        asked = sys.argv[1:] in (["--help"], ["-h"])
        (sys.stdout if asked else sys.stderr).write(f"{__doc__}\n")
        sys.exit(0 if asked else 64)
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "secrets")
    try:
        main(target)
    except FileExistsError:
        sys.exit(
            f"{target}/pilot is there already; remove it first if its keys are no longer needed"
        )
    except FileNotFoundError:
        sys.exit(f"{target} is not there: deploy.compose.make_secrets comes first")
    sys.stdout.write(f"wrote {target}/pilot, {target}/agencies and {target}/people.json\n")
