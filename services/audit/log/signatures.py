"""Ed25519 signatures (RFC 8032), as the service checks them. Pure.

The offline verifier, which needs no installed package, has `ed25519` in this module's place.
"""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def made_by(public: bytes, signature: bytes, text: bytes) -> bool:
    """Whether the owner of this public key made this signature over this text."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True
