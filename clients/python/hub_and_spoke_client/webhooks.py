"""Whether a call to your webhook is the network's: Standard Webhooks 1.0.0."""

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Mapping

TOLERANCE = 300  # seconds


def is_signed(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether it was signed with your secret (`whsec_…`), of late. `headers` by their names in small
    letters, or any mapping that does not mind capitals."""
    try:
        name, at = headers["webhook-id"], headers["webhook-timestamp"]
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        if abs(time.time() - int(at)) > TOLERANCE:
            return False
        given = headers["webhook-signature"].encode().split()
    except (KeyError, ValueError, binascii.Error):
        return False
    mac = hmac.digest(key, f"{name}.{at}.".encode() + body, hashlib.sha256)
    right = b"v1," + base64.b64encode(mac)
    return any(hmac.compare_digest(right, one) for one in given)
