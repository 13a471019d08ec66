"""Access tokens by a signed statement: private_key_jwt (OpenID Connect Core 1.0 §9, RFC 7523)."""

import json
import time
import urllib.parse
import urllib.request
import uuid
from pathlib import Path

from hub_and_spoke_client.connection import ask, is_safe

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class SignedTokens:
    """Asks the issuer at `where` for a token as `client`, with the private key (EC P-256, PEM) in a
    file. Needs `joserfc`: `pip install hub-and-spoke-client[keys]`."""

    def __init__(self, where: str, client: str, key: str | Path) -> None:
        if not is_safe(where):
            raise ValueError("the issuer's address begins with https://")
        self._where, self._client, self._key = where, client, Path(key)

    def __call__(self) -> str:
        """A new token."""
        from joserfc import jwt
        from joserfc.jwk import ECKey

        now = int(time.time())
        said = {
            **{"iss": self._client, "sub": self._client, "aud": self._where},
            **{"jti": str(uuid.uuid4()), "iat": now, "exp": now + 60},
        }
        key = ECKey.import_key(self._key.read_text("utf-8"))
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION,
            "client_assertion": jwt.encode({"alg": "ES256"}, said, key),
        }
        data = urllib.parse.urlencode(form).encode()
        with ask(urllib.request.Request(self._where, data), 10) as answer:
            return str(json.load(answer)["access_token"])
