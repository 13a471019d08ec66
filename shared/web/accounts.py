"""Accounts: who somebody is, as the network writes it down. A token's subject is never stored."""

import base64
import hashlib
import hmac

# OpenID Connect Core 1.0 §2: a subject identifier has at most 255 ASCII characters.
MAX_SUB = 255
KEY_SIZE = 32


def subject(sub: str) -> str:
    """What an issuer may call somebody. Raises `ValueError`, which doesn't quote it."""
    fits = 0 < len(sub) <= MAX_SUB and sub.isascii() and sub.isprintable()
    if not fits or sub != sub.strip():
        raise ValueError("a subject has 1 to 255 printable ASCII characters")
    return sub


class Accounts:
    """The accounts of one issuer's subjects: `usr_` and 32 hexadecimal digits, always the same.

    HMAC-SHA256 (RFC 2104): without the key nobody can find out by trying whose account it is.
    """

    def __init__(self, key: str, issuer: str) -> None:
        """`key` is in base64. Raises `ValueError` when it isn't, or has not 32 bytes."""
        self._key, self._issuer = base64.b64decode(key, validate=True), issuer.encode()
        if len(self._key) != KEY_SIZE:
            raise ValueError("AUTH_ACCOUNT_KEY must have 32 bytes")

    def of(self, sub: str) -> str:
        """The account of a subject. Subjects that differ in capitals only are one person: taken
        for two they could agree with themselves where two people must."""
        length = len(self._issuer).to_bytes(4, "big")
        said = length + self._issuer + sub.lower().encode()
        return f"usr_{hmac.digest(self._key, said, hashlib.sha256).hex()[:32]}"
